"""
Write at random until killed, in processes of their own: ``python -m stores.writer ADDRESS JOURNALS KILLS SEED``.

A warm parent forks one writer after another, so that a kill costs milliseconds, and kills each with SIGKILL at a moment
that chance chooses. Each keeps a journal of the changes that it was about to hand in and of those that it was told are
stored.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from portalcreds.accounts import Account, CredentialOrigin, PasswordHash
from portalcreds.audit import AuditEvent, AuditKind
from portalcreds.contacts import ContactId
from portalcreds.protocols import AccountStore, ApplyResult, Change
from portalcreds.testing._store_samples import NOW
from stores.backends import Backend

IDS = [ContactId(f"c{number}") for number in range(8)]
"""Whose accounts are written."""

_LONGEST = 0.04
"""Seconds that a writer writes at the longest."""

NEW_EPOCH = ("issue", "choose")
"""The steps that grow the epoch (R6); the others are ``upgrade``, ``ticket`` and ``rename``."""

ABOUT_TO, STORED = "?", "!"
"""What lines of a journal begin with; the ids of the changes that were handed in together follow."""


def recorded(step: str, account: Account) -> str:
    """Return what the record says of a step: all that it made of the account."""
    credential = account.credential
    ticket = None if credential.ticket_digest is None else credential.ticket_digest[-4:]
    password = None if credential.password_hash is None else credential.password_hash.encoded
    texts = (credential.origin, password, credential.issue_id, ticket, account.username)
    return f"{step} {account.version} {credential.epoch} {' '.join(text or '-' for text in texts)}"


def settle(store: AccountStore) -> None:
    """
    Take one step on each account, so that nothing of a writer that was killed is still to come.

    All that may have outlived it is a COMMIT that it had sent. Its rows are locked until that is done; so whoever has
    written them afterwards has waited for it.
    """
    left = IDS
    while left:
        changes = [_change("issue", account) for account in store.find_many(left).values()]
        results = store.apply(changes)
        left = [
            change.new.contact_id
            for change, result in zip(changes, results, strict=True)
            if result != ApplyResult.APPLIED
        ]


def write(store: AccountStore, journal: int, draw: random.Random) -> None:
    """Take steps at random, on one account or on all of them at a time, for ever."""
    accounts = dict(store.find_many(IDS))
    while True:
        chosen = IDS if draw.random() < 0.2 else [draw.choice(IDS)]
        changes = [_change(draw.choice(_possible(accounts[each])), accounts[each]) for each in chosen]
        _note(journal, ABOUT_TO, changes)
        results = store.apply(changes)
        # Nobody else writes these accounts.
        assert set(results) == {ApplyResult.APPLIED}
        _note(journal, STORED, changes)
        accounts |= {change.new.contact_id: change.new for change in changes}


def _possible(account: Account) -> list[str]:
    origin = account.credential.origin
    steps = ["issue", "rename"]
    steps += ["choose"] if origin != CredentialOrigin.NONE else []
    steps += ["upgrade"] if origin == CredentialOrigin.CHOSEN else []
    steps += ["ticket"] if account.credential.must_change else []
    return steps


def _change(step: str, account: Account) -> Change:
    password = PasswordHash(f"hash-{account.version + 1}")
    match step:
        case "issue":
            new = account.issue(
                password, strategy="s", issue_id=uuid4().hex, issued_by="office", issued_at=NOW, expires_at=NOW
            )
        case "choose":
            new = account.choose(password, changed_at=NOW)
        case "upgrade":
            new = account.upgrade(password)
        case "ticket":
            new = account.open_ticket(f"{account.version:064x}", expires_at=NOW)
        case _:
            new = account.rename(f"{account.contact_id}-{account.version + 1}")
    change_id = uuid4().hex
    event = AuditEvent(
        kind=AuditKind.ACCOUNT_REFRESHED,
        at=NOW,
        contact_id=account.contact_id,
        reason=recorded(step, new),
        operation_id=change_id,
    )
    return Change(old=account, new=new, events=(event,), change_id=change_id)


def _note(journal: int, mark: str, changes: Sequence[Change]) -> None:
    # One call of the system's, which a kill comes before or after.
    os.write(journal, f"{mark} {' '.join(change.change_id for change in changes)}\n".encode())


# -- the parent


def main(address: str, journals: Path, kills: int, seed: int) -> None:
    """Have so many writers killed."""
    draw = random.Random(seed)  # noqa: S311  No secret is drawn from it.
    backend = Backend.at(address)
    with backend.open() as store:
        # What opening imports is imported here, once.
        store.find_many(IDS)
    for number in range(kills):
        writer = _started(backend, journals / str(number), draw.getrandbits(32))
        time.sleep(draw.uniform(0, _LONGEST))
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "the writer ended by itself"


def _started(backend: Backend, journal: Path, seed: int) -> int:
    """Return the process id of a writer that has begun to write."""
    reading, writing = os.pipe()
    writer = os.fork()
    if writer == 0:
        # It leaves by _exit, so that it runs nothing of the parent's.
        try:
            os.close(reading)
            with backend.open() as store:
                settle(store)
                descriptor = os.open(journal, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
                os.write(writing, b".")
                write(store, descriptor, random.Random(seed))  # noqa: S311  The same.
        except Exception:  # noqa: BLE001  Whatever it is, the parent's test shows it.
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)
    os.close(writing)
    begun = os.read(reading, 1)
    os.close(reading)
    assert begun, "the writer ended before it wrote"
    return writer


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
