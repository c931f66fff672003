"""
Print how fast accounts are written through every backend: ``python tests/benchmarks/bench_stores.py``.

Each account is issued a password with its audit event, in transactions of 50 as a reset does. The peer writes the same
rows through the bare driver with executemany, without comparing versions and without a savepoint: what safety costs
stands between the two. Nothing is asserted: a shared machine has no exact times.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from portalcreds._chunks import chunks
from portalcreds.accounts import Account
from portalcreds.protocols import ApplyResult, Change
from portalcreds.stores._drivers.paramstyle import mark_parameters
from portalcreds.stores._sql.rows import WRITTEN_COLUMNS, account_rows
from portalcreds.testing._store_samples import an_account, an_event, issued
from stores.backends import BACKENDS, Backend, new_backend

CHUNK = 50


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=2000, help="accounts for each backend")
    options = parser.parse_args()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    sys.stdout.write(f"{os.cpu_count()} cores, load {load}; accounts per second, {CHUNK} in each transaction\n\n")
    sys.stdout.write(f"{'backend':26}{'added':>10}{'issued':>10}{'bare driver':>13}{'issued / bare':>15}\n")
    for name in BACKENDS:
        with tempfile.TemporaryDirectory() as folder, new_backend(name, Path(folder)) as backend:
            added, changed, bare = measure(backend, options.accounts)
        sys.stdout.write(f"{name:26}{added:10.0f}{changed:10.0f}{bare:13.0f}{changed / bare:15.2f}\n")
        sys.stdout.flush()


def measure(backend: Backend, count: int) -> tuple[float, float, float]:
    """Return how many accounts a second are added, issued a password, and written by the bare driver."""
    accounts = [an_account(f"c{number}", f"user.{number}") for number in range(count)]
    new = [issued(account) for account in accounts]
    with backend.open() as store:
        additions = [Change(old=None, new=account) for account in accounts]
        issues = [
            Change(old=old, new=after, events=(an_event(old.contact_id, "issue"),))
            for old, after in zip(accounts, new, strict=True)
        ]
        rates = []
        for changes in (additions, issues):
            began = time.perf_counter()
            for chunk in chunks(changes, CHUNK):
                assert set(store.apply(chunk)) == {ApplyResult.APPLIED}
            rates.append(count / (time.perf_counter() - began))
    return rates[0], rates[1], _bare(backend, new)


def _bare(backend: Backend, accounts: list[Account]) -> float:
    connection: Any = backend.connect()
    style = "named" if backend.database == "sqlite" else "pyformat"
    settings = ", ".join(f"{name} = :{name}" for name in WRITTEN_COLUMNS if name != "contact_id")
    update = mark_parameters(
        f"UPDATE portal_accounts SET {settings} WHERE tenant = '' AND contact_id = :contact_id", style
    ).sql
    insert = mark_parameters(
        "INSERT INTO portal_audit_events (tenant, event_id, kind, at, contact_id) "
        "VALUES ('', :event_id, 'bare', 1, :contact_id)",
        style,
    ).sql
    written = account_rows([Change(old=None, new=attrs.evolve(account, version=1)) for account in accounts])
    rows = [dict(zip(WRITTEN_COLUMNS, row, strict=True)) for row in written]
    events = [{"event_id": f"bare-{account.contact_id}", "contact_id": account.contact_id} for account in accounts]
    began = time.perf_counter()
    for chunk in chunks(list(zip(rows, events, strict=True)), CHUNK):
        cursor = connection.cursor()
        cursor.executemany(update, [row for row, _ in chunk])
        cursor.executemany(insert, [event for _, event in chunk])
        connection.commit()
    elapsed = time.perf_counter() - began
    connection.close()
    return len(accounts) / elapsed


if __name__ == "__main__":
    main()
