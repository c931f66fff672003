"""User names that databases have been seen to take for the same stay apart, or are refused (R18)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from portalcreds.exceptions import InvalidValueError
from portalcreds.protocols import AccountStore, ApplyResult, Change
from portalcreds.stores._sql.schema import Layout
from portalcreds.stores.memory import MemoryAccountStore
from portalcreds.stores.table_faults import TableFaultKind
from portalcreds.testing._store_samples import add, an_account

from .places import DATABASES, Place, define, open_place

Kind = TableFaultKind


_CONFUSABLE: Final = [
    ("adams", "Adams", True),
    ("baker", " baker ", True),
    ("clark", "ｃｌａｒｋ", True),
    ("dávila", "da\u0301vila", True),
    ("ﬁona", "fiona", True),
    ("gray2", "gray²", True),
    ("karl", "\u212aarl", True),
    ("hauß", "hauss", True),
    ("jose", "josé", False),
    ("smith", "smıth", False),
    ("ivan", "İvan", False),
    ("lee", "l\u200dee", True),
    ("moon😀", "moon😁", False),
    ("nora", "nоra", False),
    ("olsen", "olsen\0", None),
]
"""Pairs that databases have been seen to take for the same, and whether they are: None where one is no user name."""


@pytest.fixture(params=["memory", *DATABASES])
def accounts(request: pytest.FixtureRequest, layout: Layout, tmp_path: Path) -> Iterator[AccountStore]:
    """Each store that comes with the library, empty."""
    if request.param == "memory":
        yield MemoryAccountStore()
        return
    with open_place(request.param, tmp_path) as place, place.store(layout) as store:
        store.create_tables()
        yield store


def test_confusable_user_names_stay_apart_or_are_refused(accounts: AccountStore) -> None:
    """R20: in every store two user names are one if, and only if, their keys are; the second is then refused."""
    assert len(_CONFUSABLE) == 15
    for number, (one, other, are_same) in enumerate(_CONFUSABLE):
        first = an_account(f"{number}-1", one)
        add(accounts, first)
        if are_same is None:
            with pytest.raises(InvalidValueError):
                an_account(f"{number}-2", other)
            continue
        second = an_account(f"{number}-2", other)
        assert (first.username_key == second.username_key) is are_same
        (result,) = accounts.apply([Change(old=None, new=second)])
        assert result == (ApplyResult.USERNAME_TAKEN if are_same else ApplyResult.APPLIED)
        assert accounts.find_by_username(first.username_key or "") == first
        assert accounts.find_by_username(second.username_key or "") == (first if are_same else second)


@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_bin"])
def test_on_a_table_that_folds_nobody_is_taken_for_another(mariadb: Place, layout: Layout, collation: str) -> None:
    """R18: should nobody have called the check, the second is refused, and is never found as the first."""
    pinned = f"VARCHAR(255) COLLATE {collation}"
    mariadb.execute(define(mariadb.creation(*layout), layout.accounts, "username_key", pinned))
    with mariadb.store(layout) as store:
        for number, (one, other, are_same) in enumerate(_CONFUSABLE):
            if are_same is not False:
                continue
            store.apply([Change(old=None, new=an_account(f"{number}-1", one))])
            second = an_account(f"{number}-2", other)
            (result,) = store.apply([Change(old=None, new=second)])
            found = store.find_by_username(second.username_key or "")
            assert found == (second if result == ApplyResult.APPLIED else None)
