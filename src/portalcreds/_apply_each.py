"""Write many changes so that one the database refuses leaves its neighbours be."""

from __future__ import annotations

from collections.abc import Sequence

from .exceptions import StoreError, StoreUnavailableError, TransactionAborted
from .protocols import AccountStore, ApplyResult, Change


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
