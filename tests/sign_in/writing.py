"""Write accounts behind the service's back, and limits that a test can meet."""

from __future__ import annotations

from datetime import timedelta

import attrs

from portal import GOOD_PASSWORD, Portal
from portalcreds.accounts import Account, Credential, PasswordHash
from portalcreds.hashers import Argon2Hasher
from portalcreds.protocols import ApplyResult, Change
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN
from portalcreds.throttle import Limit, ThrottleLimits

MICROSECOND = timedelta(microseconds=1)
ONE = (Limit(10**9, timedelta(days=1)),)
TIGHT = ThrottleLimits(
    default_failures=2, chosen_failures=2, per_username=ONE, per_place=ONE[0], per_source=ONE, spray=ONE[0]
)
"""A cap of two guesses."""


def write(
    portal: Portal, password_hash: str | PasswordHash, origin: str = "chosen", contact_id: str = "c-1"
) -> Account:
    """Put a hash into an account's row, past every service: an import, or somebody who can write to the database."""
    old = portal.account(contact_id)
    stored = PasswordHash(password_hash) if isinstance(password_hash, str) else password_hash
    credential = Credential(password_hash=stored, origin=origin, epoch=old.credential.epoch + 1)
    new = attrs.evolve(old, credential=credential, version=old.version + 1)
    assert list(portal.store.apply([Change(old=old, new=new)])) == [ApplyResult.APPLIED]
    return new


def older_hash(password: str = GOOD_PASSWORD) -> PasswordHash:
    """Return a hash of the parameters of some years ago."""
    return Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=24)).hash(Secret(password))
