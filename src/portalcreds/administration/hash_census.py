"""Count which hashes accounts have, to know what may be taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from .._table import Counted, ShownRow, how_many
from .._value import Value
from ..accounts import Account, CredentialOrigin
from ..protocols import HashDescriber, HashDescription

_MAX_KINDS: Final = 1000
"""Kinds of hashes counted apart. Real tables have a few; one that somebody wrote into may have as many as rows."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HashCount(ShownRow, Value):
    """
    How many accounts have hashes of one kind.

    Attributes:
        hash: What each of these hashes says of itself.
        origin: Where the passwords came from.
        accounts: How many accounts.
        never_signed_in: How many of them have not signed in since the password was set.
    """

    hash: HashDescription
    origin: CredentialOrigin
    accounts: int
    never_signed_in: int

    def to_record(self) -> dict[str, str | int | None]:
        """Return the count as a plain record."""
        return {
            "scheme": self.hash.scheme,
            "cost": self.hash.cost,
            "key_id": self.hash.key_id,
            "verifier": self.hash.verifier,
            "wrapped": "yes" if self.hash.is_wrapped else "no",
            "fault": self.hash.fault,
            "origin": self.origin.value,
            "accounts": self.accounts,
            "never_signed_in": self.never_signed_in,
        }


@attrs.frozen(kw_only=True, eq=False, repr=False)
class HashCensus(Counted, Value):
    """
    Which hashes the accounts have that an operator may see.

    Attributes:
        items: One count for each kind of hash, the most frequent first.
        hidden: Accounts that the operator may not see, and that are not counted. Then nothing is said to be unused.
        verifiers: The hasher's legacy verifiers.
        old_key_ids: The keys on its ring, without the current one.
    """

    items: tuple[HashCount, ...]
    hidden: int = 0
    verifiers: tuple[str, ...] = ()
    old_key_ids: tuple[str, ...] = ()

    @property
    def unused_verifiers(self) -> tuple[str, ...]:
        """The legacy verifiers that no account needs any more: take them out of ``legacy``."""
        return self._unused(self.verifiers, (count.hash.verifier for count in self.items))

    @property
    def unused_key_ids(self) -> tuple[str, ...]:
        """The old keys that no hash names any more: take them off the ring."""
        return self._unused(self.old_key_ids, (count.hash.key_id for count in self.items))

    def __iter__(self) -> Iterator[HashCount]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def to_records(self) -> list[dict[str, str | int | None]]:
        """Return the counts as plain records, such as for a DataFrame."""
        return [count.to_record() for count in self.items]

    @property
    def _summary(self) -> str:
        accounts = sum(count.accounts for count in self.items)
        return f"{how_many(accounts, 'account')} ({how_many(len(self), 'kind')} of hashes, {self.hidden} hidden)"

    def _unused(self, declared: Iterable[str], used: Iterable[str | None]) -> tuple[str, ...]:
        named = set(used)
        return () if self.hidden else tuple(name for name in declared if name not in named)


class HashTally:
    """
    Counts hashes, account by account, in bounded memory.

    Args:
        hasher: Tells what a hash is.
    """

    def __init__(self, hasher: HashDescriber) -> None:
        self._hasher = hasher
        self._counts: dict[tuple[HashDescription, CredentialOrigin], list[int]] = {}

    def add(self, account: Account) -> None:
        """Count an account; one without a password counts nowhere."""
        credential = account.credential
        if credential.password_hash is None:
            return
        said = self._hasher.describe(credential.password_hash)
        kind = said, credential.origin
        if len(self._counts) >= _MAX_KINDS and kind not in self._counts:
            # The keys that are there are still told apart.
            key_id = said.key_id if said.fault is None else None
            kind = attrs.evolve(said, cost="various", key_id=key_id), credential.origin
        count = self._counts.setdefault(kind, [0, 0])
        count[0] += 1
        count[1] += _has_not_signed_in(account)

    def census(self, hidden: int) -> HashCensus:
        """Return what was counted."""
        items = [
            HashCount(hash=said, origin=origin, accounts=accounts, never_signed_in=never)
            for (said, origin), (accounts, never) in self._counts.items()
        ]
        items.sort(key=lambda count: count.accounts, reverse=True)
        return HashCensus(
            items=tuple(items),
            hidden=hidden,
            verifiers=tuple(self._hasher.verifiers),
            old_key_ids=tuple(self._hasher.old_key_ids),
        )


def _has_not_signed_in(account: Account) -> bool:
    """Return whether the owner has not signed in since the password was set."""
    credential, last = account.credential, account.last_sign_in_at
    is_own = credential.origin == CredentialOrigin.CHOSEN
    set_at = credential.changed_at if is_own else credential.issued_at
    return last is None or (set_at is not None and last < set_at)
