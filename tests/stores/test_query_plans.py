"""Each page of the grid is read from its place in an index, on every database, and the planner sees it so."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from benchmarks.load_accounts import NOW, STATES, accounts, load
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import AccountStatus
from portalcreds.stores._cursors import CursorStatements
from portalcreds.stores.dbapi import DBAPIAccountStore
from servers import SERVERS, own_database

_ACCOUNTS: Final = 5000
"""Enough for a planner to prefer an index to reading everything."""

_LAST_NAME: Final = "portal_accounts_by_last_name"
_STATE: Final = "portal_accounts_by_state"
_STATE_USERNAME: Final = "portal_accounts_by_state_username"
_EXPIRY: Final = "portal_accounts_by_expiry"
_USERNAME: Final = "portal_accounts_username"

_FILTERS: Final[Sequence[tuple[dict[str, Any], str, str]]] = (
    ({}, _LAST_NAME, "last_name_key"),
    ({"last_name_prefix": "s"}, _LAST_NAME, "last_name_key"),
    ({"username_prefix": "s"}, _USERNAME, "username_key"),
    ({"status": AccountStatus.DEFAULT_LIVE}, _EXPIRY, "expires_at"),
    ({"status": AccountStatus.DEFAULT_EXPIRED}, _EXPIRY, "expires_at"),
    ({"status": AccountStatus.NEVER_ISSUED}, _STATE, "last_name_key"),
    ({"status": AccountStatus.DISABLED}, _STATE, "last_name_key"),
    ({"status": AccountStatus.DISABLED, "last_name_prefix": "s"}, _STATE, "last_name_key"),
    ({"status": AccountStatus.DEFAULT_LIVE, "last_name_prefix": "s"}, _STATE, "last_name_key"),
    ({"status": AccountStatus.SELF_CHOSEN, "username_prefix": "s"}, _STATE_USERNAME, "username_key"),
    ({"status": AccountStatus.DEFAULT_EXPIRED, "username_prefix": "s"}, _STATE_USERNAME, "username_key"),
)
"""What is asked for, the index that serves it, and the column by whose value the index is entered."""


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
        with DBAPIAccountStore(connect, dialect=dialect) as store:
            yield store


@pytest.mark.parametrize("turned", [False, True], ids=["first", "next"])
@pytest.mark.parametrize(("filters", "index", "column"), _FILTERS)
def test_each_page_is_read_from_its_place_in_an_index(
    store: DBAPIAccountStore,
    monkeypatch: pytest.MonkeyPatch,
    filters: dict[str, Any],
    index: str,
    column: str,
    turned: bool,
) -> None:
    """Each order of the grid is an index's own: no page sorts, and no page reads what lies before it."""
    query = AccountQuery(now=NOW, limit=10, **filters)
    if turned:
        query = attrs.evolve(query, after=store.search(query).next)
        assert query.after is not None
    executed: list[tuple[str, Mapping[str, object]]] = []
    execute = CursorStatements.execute

    def recording(self: CursorStatements, sql: str, parameters: Mapping[str, object], /) -> Any:
        executed.append((sql, parameters))
        return execute(self, sql, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(CursorStatements, "execute", recording)
        assert len(store.search(query).accounts) == query.limit
    ((sql, parameters),) = executed
    dialect = type(store._dialect).__name__
    explain, read = _PLANS[dialect]
    with store._connections.reading() as statements:
        rows, _ = statements.execute(explain + sql, parameters)
    used, bounds, faults = read(rows)
    assert faults == []
    assert used == index or (used, index) == ("sqlite_autoindex_portal_accounts_2", _USERNAME)
    assert column in bounds
    if turned and dialect != "MariaDB":  # Whose plan names the columns only.
        assert ">" in bounds


def _analyse(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("ANALYZE")
    connection.close()


# Each returns the index, the columns by which it is entered, and what else there is to do than to walk along it.


def _plan_of_sqlite(rows: Sequence[Sequence[Any]]) -> tuple[str, str, list[str]]:
    (first, *others) = [str(row[3]) for row in rows]  # "SEARCH portal_accounts USING INDEX name (tenant=? AND ...)"
    index, _, bounds = first.partition(" USING INDEX ")[2].partition(" ")
    return index, bounds, others


def _plan_of_postgresql(rows: Sequence[Sequence[Any]]) -> tuple[str, str, list[str]]:
    plan = rows[0][0][0]["Plan"]
    nodes = []
    while True:
        nodes.append(plan["Node Type"])
        if not plan.get("Plans"):
            break
        (plan,) = plan["Plans"]
    return plan["Index Name"], plan["Index Cond"], [node for node in nodes if node not in ("Limit", "Index Scan")]


def _plan_of_mariadb(rows: Sequence[Sequence[Any]]) -> tuple[str, str, list[str]]:
    # Of its JSON the nesting says what is done to a table: it stands at the top unless it is sorted or copied first.
    block = json.loads(rows[0][0])["query_block"]
    table = block.get("table")
    if table is None and "nested_loop" in block:
        (loop,) = block["nested_loop"]
        table = loop.get("table")
    if table is None:
        return "", "", [str(block)]
    return table["key"], " ".join(table["used_key_parts"]), [] if table["access_type"] == "range" else [str(table)]


_PLANS: Final = {
    "SQLite": ("EXPLAIN QUERY PLAN ", _plan_of_sqlite),
    "PostgreSQL": ("EXPLAIN (FORMAT JSON) ", _plan_of_postgresql),
    "MariaDB": ("EXPLAIN FORMAT=JSON ", _plan_of_mariadb),
}
