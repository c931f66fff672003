"""Read and write many accounts so that one which the database cannot give or take leaves its neighbours be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .accounts import Account
from .contacts import ContactId
from .exceptions import StoreError, StoreUnavailableError, TransactionAborted
from .protocols import AccountStore, ApplyResult, Change


def find_each(
    store: AccountStore, contact_ids: Sequence[ContactId]
) -> tuple[Mapping[ContactId, Account], frozenset[ContactId]]:
    """
    Return the accounts there are, and the contacts whose rows cannot be read.

    Raises:
        StoreUnavailableError: The store could not be reached.
        TransactionAborted: The store is in a transaction of the host's, which has to be run again.
    """
    try:
        return store.find_many(contact_ids), frozenset()
    except (StoreUnavailableError, TransactionAborted):
        raise
    except StoreError:
        # One row was written by somebody else, with what no account can hold.
        found: dict[ContactId, Account] = {}
        unreadable = set()
        for contact_id in contact_ids:
            try:
                found.update(store.find_many([contact_id]))
            except (StoreUnavailableError, TransactionAborted):
                raise
            except StoreError:
                unreadable.add(contact_id)
        return found, frozenset(unreadable)


def apply_each(store: AccountStore, changes: Sequence[Change]) -> list[ApplyResult | StoreError]:
    """
    Return what became of each change: the store's result, or the error that it alone was refused with.

    Raises:
        StoreUnavailableError: The store could not be reached, and none of the changes is known to be written.
        TransactionAborted: The store is in a transaction of the host's, which has to be run again.
    """
    try:
        return list(store.apply(changes))
    except (StoreUnavailableError, TransactionAborted):
        raise
    except StoreError:
        # A trigger or a CHECK of the host's refuses one row, and with it the whole statement or transaction.
        return _one_by_one(store, changes)


def _one_by_one(store: AccountStore, changes: Sequence[Change]) -> list[ApplyResult | StoreError]:
    results: list[ApplyResult | StoreError] = []
    for change in changes:
        try:
            results.extend(store.apply([change]))
        except TransactionAborted:
            raise
        except StoreUnavailableError as error:
            # The rest would wait as long, each by itself.
            results.extend([error] * (len(changes) - len(results)))
            break
        except StoreError as error:
            results.append(error)
    return results
