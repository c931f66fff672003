"""Words that others spoilt, or that another Python would make, can be written anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portalcreds.account_queries import AccountQuery
from portalcreds.exceptions import ConfigurationError
from portalcreds.stores import DBAPIAccountStore
from portalcreds.testing._store_samples import add, an_account, step

from .backends import Backend, new_backend
from .hosts import DATABASES, Host

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(params=DATABASES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return a database that the test may spoil."""
    with new_backend(request.param, tmp_path) as backend:
        yield backend


def test_people_are_found_again(backend: Backend) -> None:
    """Spoilt words and keys of names are as they should be, another tenant's are left alone, and all are counted."""
    with Host("any", backend).seen() as store:
        accounts = [an_account(f"c{number}", f"user{number}") for number in range(501)]
        for start in range(0, 501, 100):
            add(store, *accounts[start : start + 100])
        with closing(backend.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("DELETE FROM portal_words WHERE word LIKE 'user4%'")
            cursor.execute("UPDATE portal_words SET word = 'nobody' WHERE word = 'user7'")
            cursor.execute("UPDATE portal_accounts SET name_key = 'zz' WHERE contact_id = 'c1'")
            cursor.execute("INSERT INTO portal_words VALUES ('other', 0, 'w', 'n', 'c', ' w')")
            connection.commit()
        assert store.count(AccountQuery(now=NOW, words="user400")) == 0
        assert store.rebuild_words() == 501
        assert store.rebuild_words() == 501
        for words in ("user400", "user7", "nobody", "user"):
            found = store.count(AccountQuery(now=NOW, words=words))
            assert found == sum(f"user{number}".startswith(words) for number in range(501)), words
        page = store.search(AccountQuery(now=NOW, words="user3", limit=200))
        assert [account.contact_id for account in page.accounts] == sorted(
            f"c{number}" for number in range(501) if str(number).startswith("3")
        )
        page = store.search(AccountQuery(now=NOW, limit=3))
        assert [account.contact_id for account in page.accounts] == ["c0", "c1", "c10"]
        with closing(backend.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT contact_id FROM portal_words WHERE tenant = 'other'")
            assert list(cursor.fetchall()) == [("c",)]


def test_who_is_renamed_meanwhile_is_found(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that somebody else wrote after the old ones were removed are in nobody's way."""
    with Host("any", backend).seen() as store, Host("any", backend).seen() as other:
        account = an_account("c1", "before")
        add(store, account)
        begin, begun = store._port.transaction, []

        def transaction(**how: Any) -> Any:
            begun.append(how)
            if len(begun) == 2:  # The first one removes all words, and this one writes them.
                step(other, account, account.rename("after"))
            return begin(**how)

        monkeypatch.setattr(store._port, "transaction", transaction)
        assert store.rebuild_words() == 1
        assert [store.count(AccountQuery(now=NOW, words=words)) for words in ("before", "after")] == [0, 1]


def test_it_takes_a_store_of_all_accounts(backend: Backend) -> None:
    """A store with a scope would remove the words of people that it does not see."""
    scope = "SELECT contact_id FROM portal_accounts"
    with DBAPIAccountStore(backend.connect, dialect=backend.database, scope=scope) as store:
        with pytest.raises(ConfigurationError) as caught:
            store.rebuild_words()
        assert caught.value.argument == "store"
