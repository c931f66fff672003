"""Old hashes to import, a portal that can verify them, and what tests read of an import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import attrs

from portal import OFFICE, Portal
from portalcreds.accounts import PasswordHash
from portalcreds.administration import ImportOutcome, ImportPlan, ImportReason, ImportReport
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier, Wrapping, digest_hash
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

DJANGO: Final = "pbkdf2_sha256$1$self-test$BVVWDuw4071T5BwlcD3kfHRsxrxbLBkiihVUKOgEMac="
"""Django's hash of ``password``."""

OTHER: Final = "pbkdf2_sha1$1$self-test$Lj7ffYacHPcJ2evP1PK2B9STw8Q="
"""Another one of the same password."""

MD5: Final = digest_hash("md5", "5f4dcc3b5aa765d61d8327deb882cf99")
"""A bare digest of the same password."""

IMPORTED: Final = (ImportOutcome.IMPORTED, None)

Step = Callable[[Portal], object]


@contextmanager
def able_to_verify(portal: Portal, *legacy: Any) -> Iterator[Portal]:
    """Give a portal a hasher that knows Django's hashes and wraps bare digests, or the verifiers passed."""
    verifiers = legacy or (SystemVerifier("django"), Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN)))
    hasher = UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN),
        issued=Argon2Hasher(CHEAPEST_ISSUED),
        legacy=verifiers,
        denial_floor=timedelta(microseconds=1),
    )
    with hasher:
        yield attrs.evolve(portal, hasher=hasher)


def import_hashes(portal: Portal, rows: Any, *, key: str | None = None, **options: Any) -> ImportReport:
    """Plan, press OK, and apply."""
    return portal.accounts.apply_import(portal.accounts.plan_import(rows, OFFICE, **options).confirm(OFFICE, key=key))


def reasons(plan: ImportPlan) -> list[tuple[str, ImportReason | None]]:
    """Return what is decided, and why, in order."""
    return [(item.decision.value, item.reason) for item in plan]


def outcomes(report: ImportReport) -> list[tuple[ImportOutcome, ImportReason | None]]:
    """Return what happened, and why, in order."""
    return [(result.outcome, result.reason) for result in report]


def stored_hash(portal: Portal, contact_id: str = "c-1") -> PasswordHash:
    """Return the hash that an account has."""
    stored = portal.account(contact_id).credential.password_hash
    assert stored is not None
    return stored
