"""Each page of the grid is read from its place in an index, on every database, and the planner sees it so."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from benchmarks.load_accounts import NOW, STATES, accounts, load
from portalcreds.account_queries import AccountOrder, AccountQuery
from portalcreds.accounts import Account, AccountStatus
from portalcreds.contacts import Contact, ContactId
from portalcreds.protocols import Change
from portalcreds.stores._drivers.cursors import CursorStatements
from portalcreds.stores._sql import word_finder
from portalcreds.stores.dbapi import DBAPIAccountStore
from servers import SERVERS, own_database

_ACCOUNTS: Final = 5000
"""Enough for a planner to prefer an index to reading everything."""

_NAME: Final = "portal_accounts_by_name"
_STATE: Final = "portal_accounts_by_state"
_EXPIRY: Final = "portal_accounts_by_expiry"
_LAST_SIGN_IN: Final = "portal_accounts_by_last_sign_in"

_AT_ONCE: Final = "everybody along the index is shown, and their rows are read with it"
_ALONE: Final = "the index is read alone, and then the rows of those who are shown"
_ROWS: Final = "a row is read of those who are passed over, too"

_FILTERS: Final[Sequence[tuple[dict[str, Any], str, str, str]]] = (
    ({}, _NAME, "name_key", _AT_ONCE),
    ({"never_signed_in": True}, _NAME, "name_key", _ROWS),
    ({"issued_before": NOW}, _NAME, "name_key", _ALONE),
    ({"unchanged_since": NOW - timedelta(days=100)}, _STATE, "name_key", _ROWS),
    ({"unchanged_since": NOW, "or_never_issued": True}, _NAME, "name_key", _ROWS),
    ({"order": AccountOrder.EXPIRY}, _EXPIRY, "expires_at", _AT_ONCE),
    ({"order": AccountOrder.EXPIRY, "status": AccountStatus.DEFAULT_LIVE}, _EXPIRY, "expires_at", _AT_ONCE),
    ({"order": AccountOrder.EXPIRY, "status": AccountStatus.DEFAULT_EXPIRED}, _EXPIRY, "expires_at", _AT_ONCE),
    ({"order": AccountOrder.EXPIRY, "expires_before": NOW}, _EXPIRY, "expires_at", _AT_ONCE),
    ({"order": AccountOrder.LAST_SIGN_IN}, _LAST_SIGN_IN, "last_sign_in_at", _AT_ONCE),
    ({"status": AccountStatus.NEVER_ISSUED}, _STATE, "name_key", _AT_ONCE),
    ({"status": AccountStatus.DISABLED}, _STATE, "name_key", _AT_ONCE),
    ({"status": AccountStatus.DEFAULT_LIVE}, _STATE, "name_key", _ALONE),
    ({"status": AccountStatus.DEFAULT_EXPIRED}, _STATE, "name_key", _ALONE),
    ({"expires_before": NOW}, _STATE, "name_key", _ALONE),
)
"""What is asked for, the index that serves it, the column by whose value the index is entered, and how it is read."""


@pytest.fixture(params=["sqlite", "sqlite-analysed", *SERVERS], scope="module")
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DBAPIAccountStore]:
    """Yield a store of some thousand accounts, on each database; on SQLite, which may have no statistics, twice."""
    some = accounts(_ACCOUNTS, shares=dict.fromkeys(STATES, 1 / len(STATES)))
    dialect, _, analysed = request.param.partition("-")
    if dialect == "sqlite":
        file = tmp_path_factory.mktemp("plans") / "portal.db"
        load(lambda: sqlite3.connect(file), dialect, some)
        if analysed:
            _analyse(file)
        with DBAPIAccountStore.open_sqlite(file) as store:
            yield store
        return
    with own_database(dialect) as connect:
        load(connect, dialect, some)
        if dialect == "postgresql":
            with closing(connect()) as connection:
                connection.autocommit = True
                # A page that somebody looks at meanwhile, such as a checkpoint, is left out by VACUUM. Then reading the
                # key alone seems dear, and the plan would depend on chance.
                seen = "SELECT relallvisible >= relpages FROM pg_class WHERE relname = 'portal_words'"
                for _ in range(100):
                    if connection.execute(seen).fetchone()[0]:
                        break
                    connection.execute("VACUUM portal_words")
        with DBAPIAccountStore(connect, dialect=dialect) as store:
            yield store


@pytest.mark.parametrize("turned", [False, True], ids=["first", "next"])
@pytest.mark.parametrize(("filters", "index", "column", "how"), _FILTERS)
def test_each_page_is_read_from_its_place_in_an_index(
    store: DBAPIAccountStore,
    filters: dict[str, Any],
    index: str,
    column: str,
    how: str,
    turned: bool,
) -> None:
    """Each order of the grid is an index's own: no page sorts, and no page reads what lies before it or passes over."""
    query = AccountQuery(now=NOW, limit=10, **filters)
    if turned:
        query = attrs.evolve(query, after=store.search(query).next)
        assert query.after is not None
    with _recorded() as (executed, _):
        assert len(store.search(query).accounts) == query.limit
    (sql, parameters), *look_ups = [asked for asked in executed if "portal_accounts" in asked[0]]
    assert (look_ups == []) == (how == _AT_ONCE)
    dialect = type(store._dialect).__name__
    explain, read = _PLANS[dialect]
    with store._connections.reading() as statements:
        rows, _ = statements.execute(explain + sql, parameters)
    used, is_alone, bounds, faults = read(rows)
    assert faults == []
    assert used == index
    # SQLite looks at the row for a column that is computed, even where its index has it.
    assert is_alone == (how == _ALONE and not (dialect == "SQLite" and index in (_STATE, _EXPIRY)))
    assert column in bounds
    if turned and dialect != "MariaDB":  # Whose plan names the columns only.
        assert ">" in bounds


@pytest.mark.parametrize("words", ["s", "smith", "rosa s", "example"])
def test_words_are_read_from_their_key_and_nothing_else(store: DBAPIAccountStore, words: str) -> None:
    """The rows of a word, and everybody's names, stand together in the key; nobody's account is read but the page's."""
    with _recorded() as (executed, patched):
        patched.setattr(word_finder, "_SORTED", 50)
        patched.setattr(word_finder, "_WALKED", 60)
        assert store.search(AccountQuery(now=NOW, words=words, limit=10)).accounts
    asked = [(sql, parameters) for sql, parameters in executed if "portal_words" in sql]
    assert 2 <= len(asked) <= 6
    assert len([sql for sql, _ in executed if "portal_accounts" in sql]) == 1
    explain = {"SQLite": "EXPLAIN QUERY PLAN ", "PostgreSQL": "EXPLAIN ", "MariaDB": "EXPLAIN FORMAT=JSON "}
    whole = {"SQLite": "SCAN portal_words", "PostgreSQL": "Seq Scan", "MariaDB": '"access_type": "index"'}
    key = {
        "SQLite": "USING PRIMARY KEY (tenant=? AND shared=? AND word",
        "PostgreSQL": "portal_words_pkey",
        "MariaDB": '"key": "PRIMARY"',
    }
    dialect = type(store._dialect).__name__
    for sql, parameters in asked:
        with store._connections.reading() as statements:
            rows, _ = statements.execute(explain[dialect] + sql, parameters)
        plan = " ".join(str(row) for row in rows)
        assert key[dialect] in plan, sql
        assert whole[dialect] not in plan, sql
        if "ORDER BY shared" in sql:
            assert not {"TEMP B-TREE", "Sort", "filesort"} & set(plan.replace(":", " ").split()), sql


@pytest.mark.parametrize("status", [AccountStatus.DEFAULT_LIVE, AccountStatus.NEVER_ISSUED])
def test_whether_somebody_with_a_word_has_a_status_is_seen_in_its_index(
    store: DBAPIAccountStore, status: AccountStatus
) -> None:
    """SQLite once read all who have a default for each who had the word: ten seconds for a page at a million."""
    with _recorded() as (executed, _):
        assert store.search(AccountQuery(now=NOW, words="rosa", status=status, limit=10)).accounts
    ((sql, parameters),) = [asked for asked in executed if "portal_words" in asked[0] and "state" in asked[0]]
    explain = {"SQLite": "EXPLAIN QUERY PLAN ", "PostgreSQL": "EXPLAIN ", "MariaDB": "EXPLAIN FORMAT=JSON "}
    with store._connections.reading() as statements:
        rows, _ = statements.execute(explain[type(store._dialect).__name__] + sql, parameters)
    plan = " ".join(str(row) for row in rows)
    # MariaDB also names the indexes that it might have used.
    named = '"key": "{}"' if "possible_keys" in plan else "{}"
    assert named.format(_STATE) in plan
    assert not [other for other in (_EXPIRY, _LAST_SIGN_IN, "portal_accounts_pkey") if named.format(other) in plan], (
        plan
    )
    # Of people without a name, all were once read for each who had the word: 19 seconds for 5,000 in SQLite.
    if "possible_keys" not in plan:
        assert re.search(r"contact_id\S* ?>", plan.partition(_STATE)[2]), plan


def test_many_are_found_by_their_key_in_a_table_that_was_never_analysed() -> None:
    """PostgreSQL expected two rows there, and read all of the tenant's for 500: 1.5 seconds at a million."""
    with own_database("postgresql") as connect, DBAPIAccountStore(connect, dialect="postgresql") as store:
        store.create_tables()
        with store._connections.reading() as statements:
            for table in ("accounts", "words"):
                statements.execute(f"ALTER TABLE portal_{table} SET (autovacuum_enabled = false)", {})
            statements.execute(
                "INSERT INTO portal_accounts (tenant, contact_id, name_key, origin, epoch, is_active, version, "
                "change_id) SELECT '', CAST(n AS VARCHAR), '', 'none', 0, 1, 1, '' FROM generate_series(1, 20000) n",
                {},
            )
            statements.execute(
                "INSERT INTO portal_words (tenant, shared, word, name_key, contact_id, words) "
                "SELECT '', 0, '', '', CAST(n AS VARCHAR), '' FROM generate_series(1, 20000) n",
                {},
            )
        with _recorded() as (executed, _):
            found = store.find_many([ContactId(str(number)) for number in range(1, 1001, 2)])
            assert len(found) == 500
            store.apply([Change(old=old, new=old.rename(f"name {old.contact_id}")) for old in found.values()])
            assert len(store.find_owners([f"name {contact_id}" for contact_id in found])) == 500
        asked = [(sql, bound) for sql, bound in executed if sql.startswith(("SELECT", "UPDATE", "DELETE"))]
        plans = {}
        with store._connections.reading() as statements:
            for sql, bound in asked:
                rows, _ = statements.execute("EXPLAIN " + sql, bound)
                kind = "owners" if sql.startswith("SELECT") and "UPDATE" in plans else sql.partition(" ")[0]
                plans[kind] = " ".join(str(row[0]) for row in rows)
    keys = {"SELECT": "accounts_pkey", "UPDATE": "accounts_pkey", "DELETE": "words_pkey", "owners": "accounts_username"}
    assert list(plans) == list(keys)
    for kind, plan in plans.items():
        key = f"portal_{keys[kind]}"
        assert f"Index Scan using {key}" in plan
        assert "Seq Scan" not in plan
        assert "Bitmap" not in plan


@pytest.mark.parametrize(
    ("filters", "index"), [({"status": "never_issued"}, _STATE), ({"never_signed_in": True}, _NAME)]
)
def test_a_word_with_a_filter_is_looked_up_by_name_in_a_table_that_was_never_analysed(
    filters: dict[str, Any], index: str
) -> None:
    """PostgreSQL took an index that begins with the tenant, and read all of it for each who had the word."""
    with own_database("postgresql") as connect, DBAPIAccountStore(connect, dialect="postgresql") as store:
        store.create_tables()
        with store._connections.reading() as statements:
            for table in ("accounts", "words"):
                statements.execute(f"ALTER TABLE portal_{table} SET (autovacuum_enabled = false)", {})
            statements.execute(
                "INSERT INTO portal_accounts (tenant, contact_id, name_key, first_name, last_name, origin, epoch, "
                "is_active, version, change_id) SELECT '', CAST(n AS VARCHAR), CAST(n AS VARCHAR), 'Rosa', "
                "CAST(n AS VARCHAR), 'none', 0, 1, 1, '' FROM generate_series(1, 20000) n",
                {},
            )
            statements.execute(
                "INSERT INTO portal_words (tenant, shared, word, name_key, contact_id, words) SELECT '', 0, 'rosa', "
                "CAST(n AS VARCHAR), CAST(n AS VARCHAR), ' rosa' FROM generate_series(1, 300) n",
                {},
            )
        with _recorded() as (executed, _):
            assert store.search(AccountQuery(now=NOW, words="rosa", limit=10, **filters)).accounts
        ((sql, parameters),) = [each for each in executed if "portal_words" in each[0] and "CASE WHEN" in each[0]]
        with store._connections.reading() as statements:
            rows, _ = statements.execute("EXPLAIN " + sql, parameters)
    plan = " ".join(str(row[0]) for row in rows)
    assert index in plan, plan
    assert _LAST_SIGN_IN not in plan


@pytest.mark.parametrize("is_analysed", [False, True], ids=["never analysed", "analysed"])
@pytest.mark.parametrize("count", [30, 100, 500])
def test_as_many_rows_are_looked_for_as_are_written(count: int, is_analysed: bool) -> None:
    """PostgreSQL once joined a small table by version first, and so locked a hundred rows a hundred times each."""
    with own_database("postgresql") as connect, DBAPIAccountStore(connect, dialect="postgresql") as store:
        store.create_tables()
        new = [Account(contact=Contact(contact_id=f"c-{number:03}", last_name="Rossi")) for number in range(count)]
        store.apply([Change(old=None, new=account) for account in new])
        for table in ("accounts", "words") if is_analysed else ():
            with store._connections.reading() as statements:
                statements.execute(f"ANALYZE portal_{table}", {})
        with _recorded() as (executed, _):
            store.apply([Change(old=old, new=old.refresh(named(old), username=None, at=NOW)) for old in new])
        asked = [(sql, bound) for sql, bound in executed if sql.startswith(("UPDATE", "DELETE"))]
        assert [sql.partition(" ")[0] for sql, _ in asked] == ["UPDATE", "DELETE"]
        with store._connections.transaction() as statements:
            for sql, bound in asked:
                ((plan,),), _ = statements.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", bound)
                plan = json.loads(plan) if isinstance(plan, str) else plan
                # A contact has three words.
                assert max(_loops(plan[0]["Plan"])) <= (3 * count if sql.startswith("DELETE") else count), sql[:6]


@contextmanager
def _recorded() -> Iterator[tuple[list[tuple[str, Mapping[str, object]]], pytest.MonkeyPatch]]:
    """Yield what is executed meanwhile, each statement with its parameters, and what else can be patched as long."""
    executed: list[tuple[str, Mapping[str, object]]] = []
    execute = CursorStatements.execute

    def recording(self: CursorStatements, sql: str, parameters: Mapping[str, object], /) -> Any:
        executed.append((sql, parameters))
        return execute(self, sql, parameters)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(CursorStatements, "execute", recording)
        yield executed, patched


def named(account: Account) -> Contact:
    """Return the contact under another name."""
    return attrs.evolve(account.contact, last_name="Bianchi")


def _loops(plan: Mapping[str, Any]) -> Iterator[int]:
    yield plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from _loops(part)


def _analyse(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("ANALYZE")
    connection.close()


# Each returns the index, whether it is read alone, the columns by which it is entered, and what else there is to do
# than to walk along it.


def _plan_of_sqlite(rows: Sequence[Sequence[Any]]) -> tuple[str, bool, str, list[str]]:
    (first, *others) = [str(row[3]) for row in rows]  # "SEARCH portal_accounts USING INDEX name (tenant=? AND ...)"
    how, _, rest = first.partition("INDEX ")
    index, _, bounds = rest.partition(" ")
    return index, "COVERING" in how, bounds, others


def _plan_of_postgresql(rows: Sequence[Sequence[Any]]) -> tuple[str, bool, str, list[str]]:
    plan = rows[0][0][0]["Plan"]
    nodes = []
    while True:
        nodes.append(plan["Node Type"])
        if not plan.get("Plans"):
            break
        (plan,) = plan["Plans"]
    others = [node for node in nodes if node not in ("Limit", "Index Scan", "Index Only Scan")]
    return plan["Index Name"], nodes[-1] == "Index Only Scan", plan["Index Cond"], others


def _plan_of_mariadb(rows: Sequence[Sequence[Any]]) -> tuple[str, bool, str, list[str]]:
    # Of its JSON the nesting says what is done to a table: it stands at the top unless it is sorted or copied first.
    block = json.loads(rows[0][0], strict=False)["query_block"]
    table = block.get("table")
    if table is None and "nested_loop" in block:
        (loop,) = block["nested_loop"]
        table = loop.get("table")
    if table is None:
        return "", False, "", [str(block)]
    faults = [] if table["access_type"] == "range" else [str(table)]
    return table["key"], table.get("using_index", False), " ".join(table["used_key_parts"]), faults


_PLANS: Final = {
    "SQLite": ("EXPLAIN QUERY PLAN ", _plan_of_sqlite),
    "PostgreSQL": ("EXPLAIN (FORMAT JSON) ", _plan_of_postgresql),
    "MariaDB": ("EXPLAIN FORMAT=JSON ", _plan_of_mariadb),
}
