"""
Print what a sign-in asks of each database: ``python tests/benchmarks/bench_sign_in_statements.py``.

For each outcome: the statements, and the milliseconds of all of it with hashes that cost next to nothing. The peer is
the bare driver, for the outcome that writes most: the same statements for the look-ups, the counters, the change
ticket and its audit event, in as many transactions, without a look at any of it. Nothing is asserted: a shared machine
has no exact times, so CPU stands beside them; that of a database server is not in it.

The budget: at most 2 times the bare driver, ticket write included.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_sign_in import PEER, Stopwatch, cheap_hasher, kinds_of, say
from benchmarks.bench_sign_in_times import ADDRESS, Portal
from portalcreds.exceptions import PortalCredsWarning
from portalcreds.stores._drivers.cursors import CursorStatements
from portalcreds.stores._drivers.paramstyle import mark_parameters
from portalcreds.stores._sql.rows import EVENT_COLUMNS
from stores.backends import Backend, new_backend

TICKET = "PasswordChangeRequired, its ticket"
BARE = "the bare driver, for the ticket"

Call = tuple[str, Mapping[str, object]]
"""A statement, and its values by name."""


def main() -> None:
    """Measure, and print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgresql", "mariadb"])
    parser.add_argument("--turns", type=int, default=200, help="of each outcome, and of the peer")
    parser.add_argument("--address", action="store_true", help="pass the client's address, which is counted then")
    options = parser.parse_args()
    # Without an address, which is said once.
    warnings.simplefilter("ignore", PortalCredsWarning)
    for database in options.databases:
        with tempfile.TemporaryDirectory() as folder, new_backend(database, Path(folder)) as backend:
            say(f"\n{database}: {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}, {options.turns} turns")
            say(f"{'':40}{'statements':>12}{'ms, p50':>10}{'CPU':>8}{'/ bare':>8}{'CPU':>8}")
            measure(backend, options.turns, ADDRESS if options.address else None)


def measure(backend: Backend, turns: int, source: str | None) -> None:
    """Print the table of one database."""
    with backend.open() as store:
        portal = Portal(store, store.counter(), cheap_hasher())
        with portal.hasher:
            works = kinds_of(portal, store.counter, Stopwatch(portal.hasher), source)
            del works[PEER]
            asked = {label: statements_of(work) for label, work in works.items()}
            calls = asked[TICKET]
            taken = {label: medians(work, turns) for label, work in works.items()}
            taken[BARE] = medians(bare(backend, calls), turns)
    seconds, cpu = taken[BARE]
    for label, (mine, mine_cpu) in taken.items():
        statements = len(asked.get(label, calls))
        ratio = f"{mine / seconds:8.2f}{mine_cpu / cpu:8.2f}" if label == TICKET else ""
        say(f"{label:40}{statements:12}{1000 * mine:10.2f}{1000 * mine_cpu:8.2f}{ratio}")


def medians(work: Callable[[], object], turns: int) -> tuple[float, float]:
    """Return the median seconds, and those of this process's CPU, of so many turns."""
    seconds, cpu = [], []
    for _ in range(turns):
        spent, began = time.process_time(), time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - spent)
    return median(seconds), median(cpu)


def statements_of(work: Callable[[], object]) -> list[Call]:
    """Return the statements of one turn, each with its values by name."""
    seen: list[Call] = []
    kept = {name: getattr(CursorStatements, name) for name in ("execute", "execute_each", "execute_rows")}

    def one(self: CursorStatements, sql: str, values: Mapping[str, object], /) -> Any:
        seen.append((sql, values))
        return kept["execute"](self, sql, values)

    def each(self: CursorStatements, sql: str, names: Sequence[str], rows: Sequence[Sequence[object]], /) -> Any:
        seen.extend((sql, dict(zip(names, row, strict=True))) for row in rows)
        return kept["execute_each"](self, sql, names, rows)

    def listed(self: CursorStatements, sql: str, between: str, values: Any, rows: Any, /) -> Any:
        # In one sign-in, the one row of an audit event.
        names = ("tenant", *EVENT_COLUMNS)
        filled = sql.replace(":rows", ", ".join(f":{name}" for name in names))
        seen.extend((filled, dict(zip(names, row, strict=True))) for row in rows)
        return kept["execute_rows"](self, sql, between, values, rows)

    work()  # What the first turn alone has to do.
    for name, recording in (("execute", one), ("execute_each", each), ("execute_rows", listed)):
        setattr(CursorStatements, name, recording)
    try:
        work()
    finally:
        for name, method in kept.items():
            setattr(CursorStatements, name, method)
    return seen


def bare(backend: Backend, calls: list[Call]) -> Callable[[], object]:
    """Return what executes these statements over the driver and nothing else, with rows of their own each time."""
    connection: Any = backend.connect()
    if backend.database == "sqlite":
        connection.isolation_level = None
    elif backend.database == "postgresql":
        connection.autocommit = True
    else:
        connection.autocommit(True)
    style = "named" if backend.database == "sqlite" else "pyformat"
    marked: list[tuple[str, dict[str, Any]]] = [
        (mark_parameters(sql, style).sql, dict(values)) for sql, values in calls
    ]
    turn = count()
    (contact_id,) = (values["contact_id"] for sql, values in calls if sql.startswith("UPDATE portal_accounts"))
    # Others have signed in since.
    cursor = connection.cursor()
    cursor.execute(f"SELECT version FROM portal_accounts WHERE contact_id = '{contact_id}'")
    ((version,),) = cursor.fetchall()

    def work() -> None:
        cursor = connection.cursor()
        number = next(turn)
        for sql, values in marked:
            is_update = sql.startswith("UPDATE portal_accounts")
            if is_update:
                values["version"] = version + 1 + number
            if "event_id" in values:
                values["event_id"] = f"bare-{number}"
            cursor.execute(sql, values)
            assert cursor.rowcount == 1 or not is_update
            if cursor.description is not None:
                cursor.fetchall()

    return work


if __name__ == "__main__":
    main()
