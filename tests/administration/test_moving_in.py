"""A whole site moves in: users of two dozen systems, and everyone signs in with the old password."""

from __future__ import annotations

from collections import Counter
from itertools import cycle, islice
from typing import Final

import pytest

from administration.importing import able_to_verify, import_hashes
from hashers.known_hashes import VECTORS
from portal import OFFICE, Portal
from portalcreds.accounts import CredentialOrigin, PasswordHash
from portalcreds.administration import ImportOutcome
from portalcreds.hashers import Argon2Hasher
from portalcreds.hashers.legacy import SystemVerifier, Wrapping
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import SignedIn
from portalcreds.testing.hashers import CHEAPEST_CHOSEN

FLASK: Final = next(each.verifier for each in VECTORS if each.verifier.systems == ("flask-security",))
NO_OPTIONS: Final = ((), (Secret(""),))
HASHES: Final = [
    each for each in VECTORS if each.verifier == FLASK or (each.verifier.encodings, each.verifier.peppers) == NO_OPTIONS
]
PLAIN: Final = sorted({each.verifier.systems[0] for each in HASHES} - {"flask-security"})


@pytest.mark.parametrize("users", [200, pytest.param(1_000, marks=pytest.mark.whole)])
def test_users_move_in_and_sign_in_with_their_old_passwords(portal: Portal, users: int) -> None:
    """Hashes that the systems themselves wrote, weak ones wrapped on the way; each is upgraded, and on the record."""
    wrapping = Wrapping(SystemVerifier(*PLAIN), Argon2Hasher(CHEAPEST_CHOSEN))
    with able_to_verify(portal, wrapping, FLASK) as able:
        school = able.add_school(users)
        known = dict(zip(school, islice(cycle(HASHES), users), strict=True))
        report = import_hashes(able, [(each, known[each].encoded) for each in school])
        assert (report.count(ImportOutcome.IMPORTED), report.is_complete) == (users, True)
        stored = able.store.find_many(school)
        wrapped = [each for each in stored.values() if _hash(each.credential.password_hash).startswith("$pc$wrapped-")]
        assert len(wrapped) > users / 10

        for contact_id in school:
            outcome = able.sign_ins.sign_in(f"user.{contact_id}", known[contact_id].password)
            assert isinstance(outcome, SignedIn), known[contact_id].shape

        for account in able.store.find_many(school).values():
            assert _hash(account.credential.password_hash).startswith("$argon2id$v=19$m=16,")
            assert (account.credential.origin, account.credential.epoch) == (CredentialOrigin.IMPORTED, 1)
        kinds = Counter(event.kind.value for event in able.store.events() if event.contact_id in known)
        assert kinds == {
            "user_created": users,
            "credential_imported": users,
            "authn_login_success": users,
            "authn_hash_upgrade": users,
        }
        census = able.accounts.hash_census(OFFICE)
        assert set(census.unused_verifiers) == set(census.verifiers)
    assert len(PLAIN) > 20
    # Nobody needs the old verifiers any more.
    assert isinstance(portal.sign_ins.sign_in(f"user.{school[0]}", known[school[0]].password), SignedIn)


def _hash(password_hash: PasswordHash | None) -> str:
    assert password_hash is not None
    return password_hash.encoded
