"""
Print what it takes to write and read many accounts: ``python tests/benchmarks/bench_bulk_writes.py``.

For each database: contacts are added with their audit events, as a sync adds them, and with the words that they are
found by. The peer is Django's ``bulk_create`` of the same accounts and events, in transactions of as many; once without
the words and once with them. Both begin at the same contacts and make their objects themselves. Then a sync in which
nothing is new, and the plan of a reset of all, beside the bare driver that reads the same rows. Then a hash of another
system is imported for each, plan and all, beside Django's ``bulk_update`` of the same columns with the same events.
Last, servers are reached through a proxy that takes a millisecond for each journey.

A shared machine has no exact times: the CPU of this process and of the server, statements and bytes are told beside
them. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load_accounts import accounts as sample
from portalcreds._chunks import chunks
from portalcreds._ids import new_id
from portalcreds._time import micros
from portalcreds.accounts import Account
from portalcreds.administration.imports import ImportOutcome
from portalcreds.administration.service import AccountService
from portalcreds.administration.sync import SyncAction
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import Contact
from portalcreds.hashers import UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.privileges import Operator
from portalcreds.protocols import ApplyResult, Change, utc_now
from portalcreds.resets.service import ResetService
from portalcreds.stores._drivers.cursors import CursorStatements
from portalcreds.stores._sql.rows import ACCOUNT_COLUMNS, WORD_COLUMNS, word_rows
from portalcreds.stores.dbapi import DBAPIAccountStore
from portalcreds.throttle import Throttle
from stores.backends import Backend, OwnedStore, new_backend
from stores.hosts import django_alias

OFFICE: Final = Operator(operator_id="office")
AT_A_TIME: Final = 500
DATABASES: Final = ("sqlite", "postgresql", "mariadb")

Row = tuple[Contact, str | None]


def main() -> None:
    """Measure, and print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--far", type=int, default=10_000, help="contacts added through the proxy")
    parser.add_argument("--databases", nargs="*", choices=DATABASES, default=DATABASES)
    parser.add_argument("--rounds", type=int, default=1, help="of each; the least of each figure is told")
    parser.add_argument("--folder", type=Path, help="on which disk to put the file; a temporary folder by default")
    options = parser.parse_args()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    say(f"{os.cpu_count()} cores, load {load}; {options.contacts:,} contacts, {AT_A_TIME} in a transaction")
    rows = roster(options.contacts)
    for database in options.databases:
        say(f"\n{database:38}{'seconds':>9}{'CPU here':>10}{'server':>9}{'ratio':>8}{'of CPU':>8}")
        measure(database, rows, options.rounds, options.folder)
        if database != "sqlite":
            measure_far(database, rows[: options.far])


def roster(count: int) -> list[Row]:
    """Return contacts with their user names."""
    shares = {"never_issued": 1.0}
    return [(account.contact, account.username) for account in sample(count, shares=shares)]


def measure(database: str, rows: list[Row], rounds: int, folder: Path | None) -> None:
    """Print the figures of one database."""
    taken: dict[str, list[Taken]] = defaultdict(list)
    names = {contact.contact_id: name for contact, name in rows if name is not None}
    contacts = [contact for contact, _ in rows]
    ids = [contact.contact_id for contact in contacts]
    for _ in range(rounds):
        for words in (False, True):
            with new(database, folder) as backend, django_alias(backend) as alias:
                work = partial(add_by_peer, alias, rows, words=words)
                taken["Django, words" if words else "Django"].append(timed(database, work))
                if not words:
                    taken["Django, hashes"].append(timed(database, partial(import_by_peer, alias, ids)))
        with new(database, folder) as backend, backend.open() as store:
            taken["ours"].append(timed(database, partial(add, store, rows)))
        with new(database, folder) as backend, backend.open() as store:
            hasher = UpgradingHasher(legacy=[SystemVerifier("django")], denial_floor=timedelta(seconds=2))
            service = AccountService(store, authorizer=allow, throttle=Throttle(store.counter()), hasher=hasher)
            resets = ResetService(store, authorizer=allow, hasher=hasher)
            sync = partial(service.sync_contacts, contacts, OFFICE, usernames=names)
            taken["sync"].append(timed(database, sync))
            analyse(backend)
            taken["bare"].append(timed(database, partial(read_bare, backend, rows)))
            taken["again"].append(timed(database, sync))
            taken["plan"].append(timed(database, partial(resets.plan, ids, OFFICE)))
            assert service.plan_sync(contacts, OFFICE, usernames=names).count(SyncAction.UNCHANGED) == len(rows)
            taken["import"].append(timed(database, partial(import_hashes, service, ids)))
    of = {what: least(each) for what, each in taken.items()}
    tell("Django, accounts and events", of["Django"])
    tell("Django, and words", of["Django, words"])
    tell("ours", of["ours"], of["Django"])
    tell("ours, beside all three tables", of["ours"], of["Django, words"])
    tell("ours, by sync_contacts", of["sync"], of["Django"])
    tell("the bare driver reads them", of["bare"])
    tell("a sync of the same once more", of["again"], of["bare"])
    tell("the plan of a reset of all", of["plan"], of["bare"])
    tell("Django, hashes and events", of["Django, hashes"])
    tell("an import of a hash for each", of["import"], of["Django, hashes"])
    for name in ("Django, words", "ours"):
        (first, *_) = taken[name]
        if first.size:
            cells = f"{first.written / 1e6:9.0f}{first.size / 1e6:10.0f}{first.written / first.size:17.1f}"
            say(f"{f'  {name}: MB written, of the file':38}{cells}")
    (first, *_) = taken["ours"]
    say(f"{'  statements for each transaction':38}{first.statements / -(-len(rows) // AT_A_TIME):9.1f}")


def measure_far(database: str, rows: list[Row]) -> None:
    """Print what a millisecond for each journey costs."""
    taken = []
    for delay in (0.0, 0.001):
        with new(database, None) as backend, proxy(database, delay) as port:
            there = far(backend, port)
            with DBAPIAccountStore(there, dialect=database) as store:
                taken.append(timed(database, partial(add, store, rows)))
    tell(f"ours, {len(rows):,} through a proxy", taken[0])
    tell("ours, a millisecond away", taken[1], taken[0])


# -- the work


def add(store: OwnedStore, rows: Sequence[Row]) -> None:
    """Add the contacts."""
    operation_id = new_id()
    for chunk in chunks(rows, AT_A_TIME):
        now = utc_now()
        changes = [
            Change(
                old=None,
                new=Account(contact=contact, username=username),
                events=(
                    AuditEvent(
                        kind=AuditKind.ACCOUNT_ADDED,
                        at=now,
                        operator_id="office",
                        contact_id=contact.contact_id,
                        operation_id=operation_id,
                    ),
                ),
            )
            for contact, username in chunk
        ]
        assert set(store.apply(changes)) == {ApplyResult.APPLIED}


def add_by_peer(alias: str, rows: Sequence[Row], *, words: bool) -> None:
    """Add the same with Django: what of a row is worked out, it is handed."""
    from django.db import transaction

    accounts, events, of_words = models()
    operation_id = new_id()
    for chunk in chunks(rows, AT_A_TIME):
        now = micros(utc_now())
        with transaction.atomic(using=alias):
            accounts.objects.using(alias).bulk_create(
                [
                    accounts(
                        contact_id=contact.contact_id,
                        first_name=contact.first_name,
                        last_name=contact.last_name,
                        email=contact.email,
                        name_key=f"{contact.last_name}\t{contact.first_name}".lower()[:80],
                        username=username,
                        username_key=None if username is None else username.lower(),
                        change_id=new_id(),
                    )
                    for contact, username in chunk
                ],
                batch_size=AT_A_TIME,
            )
            events.objects.using(alias).bulk_create(
                [
                    events(
                        event_id=new_id(),
                        kind="user_created",
                        at=now,
                        operator_id="office",
                        contact_id=contact.contact_id,
                        operation_id=operation_id,
                    )
                    for contact, _ in chunk
                ],
                batch_size=AT_A_TIME,
            )
            if words:
                of_words.objects.using(alias).bulk_create(
                    [
                        of_words(**dict(zip(("tenant", *WORD_COLUMNS), row, strict=True)))
                        for contact, username in chunk
                        for row in word_rows("", Account(contact=contact, username=username))
                    ],
                    batch_size=AT_A_TIME,
                )


def import_hashes(service: AccountService, contact_ids: Sequence[str]) -> None:
    """Plan an import of a hash for each, confirm it and carry it out."""
    rows = ({"contact_id": contact_id, "password_hash": hash_of(contact_id)} for contact_id in contact_ids)
    plan = service.plan_import(rows, OFFICE)
    report = service.apply_import(plan.confirm(OFFICE))
    assert report.count(ImportOutcome.IMPORTED) == len(contact_ids)


def import_by_peer(alias: str, contact_ids: Sequence[str]) -> None:
    """Do the same with Django, without a plan, a check of the hash or of what is there."""
    from django.db import transaction

    accounts, events, _ = models()
    operation_id = new_id()
    for chunk in chunks(contact_ids, AT_A_TIME):
        now = micros(utc_now())
        with transaction.atomic(using=alias):
            found = list(accounts.objects.using(alias).filter(tenant="", contact_id__in=chunk))
            for account in found:
                account.password_hash, account.origin = hash_of(account.contact_id), "imported"
                account.epoch, account.version, account.change_id = account.epoch + 1, account.version + 1, new_id()
            columns = ("password_hash", "origin", "epoch", "version", "change_id")
            accounts.objects.using(alias).bulk_update(found, columns, batch_size=AT_A_TIME)
            events.objects.using(alias).bulk_create(
                [
                    events(
                        event_id=new_id(),
                        kind="credential_imported",
                        at=now,
                        operator_id="office",
                        contact_id=contact_id,
                        operation_id=operation_id,
                    )
                    for contact_id in chunk
                ],
                batch_size=AT_A_TIME,
            )


def hash_of(contact_id: str) -> str:
    """Return a hash as Django writes them, with a salt of its own; nobody signs in with it."""
    salt = f"{sum(map(ord, contact_id)):06}{contact_id}".replace("-", "")[:22].ljust(12, "0")
    return f"pbkdf2_sha256$600000${salt}$BVVWDuw4071T5BwlcD3kfHRsxrxbLBkiihVUKOgEMac="


_MODELS: list[Any] = []


def models() -> Any:
    """Return Django's models of the three tables."""
    if _MODELS:
        return _MODELS
    from django.db import models as of

    texts: tuple[str, ...] = (
        "first_name",
        "last_name",
        "email",
        "name_key",
        "username",
        "username_key",
        "password_hash",
    )
    texts += ("change_required_by", "strategy", "issue_id", "issued_by", "ticket_digest")
    numbers = ("issued_at", "changed_at", "expires_at", "ticket_expires_at", "name_changed_at", "last_sign_in_at")
    fields: dict[str, Any] = {name: of.CharField(max_length=1024, null=True) for name in texts}
    fields |= {name: of.BigIntegerField(null=True) for name in (*numbers, "erased_at")}
    fields |= {
        "tenant": of.CharField(max_length=64, default=""),
        "contact_id": of.CharField(max_length=255, primary_key=True),
        "origin": of.CharField(max_length=64, default="none"),
        "epoch": of.BigIntegerField(default=0),
        "is_active": of.BigIntegerField(default=1),
        "version": of.BigIntegerField(default=1),
        "change_id": of.CharField(max_length=64),
    }
    texts = ("operator_id", "contact_id", "reason", "operation_id", "source")
    of_events: dict[str, Any] = {name: of.CharField(max_length=255, null=True) for name in texts}
    of_events |= {
        "seq": of.BigAutoField(primary_key=True),
        "tenant": of.CharField(max_length=64, default=""),
        "event_id": of.CharField(max_length=64),
        "kind": of.CharField(max_length=64),
        "at": of.BigIntegerField(),
        "affected": of.BigIntegerField(null=True),
        "confirmed_at": of.BigIntegerField(null=True),
    }
    of_words: dict[str, Any] = {name: of.CharField(max_length=256) for name in WORD_COLUMNS}
    of_words |= {
        "tenant": of.CharField(max_length=64, default=""),
        "words": of.CharField(max_length=256, primary_key=True),
    }
    for table, columns in (("accounts", fields), ("audit_events", of_events), ("words", of_words)):
        meta = type("Meta", (), {"app_label": "bench", "db_table": f"portal_{table}", "managed": False})
        _MODELS.append(type(table, (of.Model,), {"__module__": __name__, "Meta": meta, **columns}))
    return _MODELS


def read_bare(backend: Backend, rows: Sequence[Row]) -> None:
    """Read the rows by contact id with the driver and nothing else."""
    with closing(backend.connect()) as connection:
        cursor = connection.cursor()
        for chunk in chunks(rows, AT_A_TIME):
            mark = "?" if backend.database == "sqlite" else "%s"
            marks = ", ".join([mark] * len(chunk))
            of_those = f"FROM portal_accounts WHERE tenant = '' AND contact_id IN ({marks})"
            cursor.execute(
                f"SELECT {', '.join(ACCOUNT_COLUMNS)} {of_those}", [contact.contact_id for contact, _ in chunk]
            )
            assert len(cursor.fetchall()) == len(chunk)


def analyse(backend: Backend) -> None:
    """Have the database look at what it holds, as it does by itself within minutes."""
    with closing(backend.connect()) as connection:
        if backend.database == "postgresql":
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE portal_accounts")
        elif backend.database == "mariadb":
            connection.cursor().execute("ANALYZE TABLE portal_accounts")


def allow(operator: object, privilege: object, accounts: Sequence[Account]) -> list[bool]:
    """Let everybody do everything."""
    return [True] * len(accounts)


# -- the measure


@attrs.frozen
class Taken:
    """What some work took."""

    seconds: float
    cpu: float
    server: float
    statements: int = 0
    written: int = 0
    size: int = 0


def timed(database: str, work: Callable[[], object]) -> Taken:
    """Do the work, and return what it took."""
    gc.collect()
    seen = Counted.statements
    written, server = bytes_written(), server_cpu(database)
    cpu, began = time.process_time(), time.perf_counter()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    size = 0
    for file in Counted.folder.glob("portal.db") if database == "sqlite" else ():
        # What is still in the log is written once more.
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = file.stat().st_size
    return Taken(
        seconds, cpu, server_cpu(database) - server, Counted.statements - seen, bytes_written() - written, size
    )


class Counted:
    """How many statements the store has executed; and where its file is."""

    statements = 0
    folder = Path()


def count_statements() -> None:
    """Have the statements of stores counted."""
    for name in ("execute", "execute_each", "execute_rows"):
        method = getattr(CursorStatements, name)

        def counted(*arguments: Any, method: Any = method, **keywords: Any) -> Any:
            Counted.statements += 1
            return method(*arguments, **keywords)

        setattr(CursorStatements, name, counted)


def bytes_written() -> int:
    """Return how many bytes this process has written, as the system counts them."""
    with suppress(OSError):
        for line in Path("/proc/self/io").read_text().splitlines():
            if line.startswith("wchar"):
                return int(line.split()[1])
    return 0


def server_cpu(database: str) -> float:
    """Return the seconds of CPU that the server's processes here have had; 0 if that cannot be told."""
    names = {"postgresql": "(postgres)", "mariadb": "(mariadbd)"}
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (folder / "stat").read_text()
            if names.get(database, "?") in stat:
                fields = stat.rpartition(")")[2].split()
                # Of processes that are gone, their parent's.
                total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def least(taken: Sequence[Taken]) -> Taken:
    """Return the least of each figure."""
    return Taken(*(min(getattr(each, name) for each in taken) for name in ("seconds", "cpu", "server")))


@contextmanager
def new(database: str, folder: Path | None) -> Iterator[Backend]:
    """Yield an empty database of that kind."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        Counted.folder = Path(temporary)
        with new_backend(database, Path(temporary)) as backend:
            yield backend


def far(backend: Backend, port: int) -> Callable[[], Any]:
    """Return what connects to the backend through the proxy."""
    if backend.database == "postgresql":
        import psycopg

        server = os.environ.get("PORTALCREDS_POSTGRESQL", "host=127.0.0.1 user=postgres dbname=test")
        return lambda: psycopg.connect(
            f"{server} host=127.0.0.1 port={port}", options=f"-c search_path={backend.place}"
        )
    import pymysql

    return lambda: pymysql.connect(host="127.0.0.1", port=port, user="root", database=backend.place, charset="utf8mb4")


@contextmanager
def proxy(database: str, delay: float) -> Iterator[int]:
    """Yield the port of a process that hands on what it gets that much later."""
    target = {"postgresql": 5432, "mariadb": 3306}[database]
    listening = socket.create_server(("127.0.0.1", 0))
    pid = os.fork()
    if pid == 0:
        try:
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", target))
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=hand_on, args=(client, server, delay), daemon=True).start()
                threading.Thread(target=hand_on, args=(server, client, 0.0), daemon=True).start()
        finally:
            os._exit(1)
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()
        os.kill(pid, 15)
        os.waitpid(pid, 0)


def hand_on(source: socket.socket, target: socket.socket, delay: float) -> None:
    """Hand on what comes, each so much later than it came; what follows at once is on its way already."""
    on_its_way: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def take() -> None:
        data = b"-"
        while data:
            data = b""
            with suppress(OSError):
                data = source.recv(1 << 20)
            on_its_way.put((time.monotonic() + delay, data))

    threading.Thread(target=take, daemon=True).start()
    with suppress(OSError):
        while True:
            due, data = on_its_way.get()
            if delay:
                time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                break
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def tell(what: str, taken: Taken, beside: Taken | None = None) -> None:
    """Print one line."""
    line = f"{what:38}{taken.seconds:9.2f}{taken.cpu:10.2f}{taken.server:9.2f}"
    if beside is not None:
        line += f"{taken.seconds / beside.seconds:8.2f}"
        line += f"{(taken.cpu + taken.server) / (beside.cpu + beside.server):8.2f}"
    say(line)


def say(line: str) -> None:
    """Print one line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    count_statements()
    main()
