"""Which hashes are in the table, which verifier and which key may go, and who has the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from administration.importing import DJANGO, MD5, OTHER, able_to_verify, import_hashes
from portal import NOBODY, OFFICE, Portal, issued, settled, watched
from portalcreds.accounts import Account, AccountStatus, CredentialOrigin, PasswordHash
from portalcreds.administration import AccountService, HashCensus
from portalcreds.administration import hash_census as counting
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import Argon2Hasher, KeyRing, UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.privileges import Operator, Privilege
from portalcreds.protocols import Change, HashDescription
from portalcreds.sign_in.outcomes import SignedIn
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED


def counts(census: HashCensus) -> set[tuple[str | None, str, str, int, int]]:
    """Return scheme, cost, origin and both numbers of each count."""
    return {
        (each.hash.scheme, each.hash.cost, each.origin.value, each.accounts, each.never_signed_in) for each in census
    }


def test_hashes_are_counted_by_scheme_cost_and_origin(portal: Portal) -> None:
    """Before and after a sign-in: what is upgraded moves to the portal's own scheme, and nobody is counted twice."""
    with able_to_verify(portal) as able:
        import_hashes(able, [("c-1", DJANGO), ("c-4", OTHER), ("c-3", MD5)])
        issued(able, "c-2")
        census = able.accounts.hash_census(OFFICE)
        before = counts(census)
        assert (census.hidden, census.unused_verifiers, census.unused_key_ids) == (0, (), ())
        for username in ("rabbiatici", "avdberg"):
            assert isinstance(able.sign_ins.sign_in(username, "password"), SignedIn)
        after = able.accounts.hash_census(OFFICE)
    assert before == {
        ("django-pbkdf2_sha256", "1", "imported", 1, 1),
        ("django-pbkdf2_sha1", "1", "imported", 1, 1),
        ("wrapped-md5", "m=16,t=1,p=1", "imported", 1, 1),
        ("argon2id", "m=8,t=1,p=1", "issued", 1, 1),
    }
    assert counts(after) == {
        ("django-pbkdf2_sha1", "1", "imported", 1, 1),
        ("argon2id", "m=16,t=1,p=1", "imported", 2, 0),
        ("argon2id", "m=8,t=1,p=1", "issued", 1, 1),
    }
    assert after.unused_verifiers == ("Wrapping(SystemVerifier(digests))",)
    assert after.items[0].accounts == 2


def test_an_own_password_counts_as_signed_in_from_the_first_sign_in_on(memory_portal: Portal) -> None:
    """Whoever chose a password and never came back with it is told apart, and so is whoever was issued one after."""
    portal = memory_portal
    settled(portal)
    assert counts(portal.accounts.hash_census(OFFICE)) == {("argon2id", "m=16,t=1,p=1", "chosen", 1, 1)}
    portal.clock.move(hours=1)
    portal.sign_ins.sign_in("rabbiatici", "a long walk on the beach")
    assert counts(portal.accounts.hash_census(OFFICE)) == {("argon2id", "m=16,t=1,p=1", "chosen", 1, 0)}
    portal.clock.move(hours=1)
    issued(portal)
    assert counts(portal.accounts.hash_census(OFFICE)) == {("argon2id", "m=8,t=1,p=1", "issued", 1, 1)}


def test_a_rotation_is_over_when_nobody_names_the_old_key(memory_portal: Portal) -> None:
    """Sign-ins, resets and changes move to the new key; who does nothing of that is found by the filter."""

    def peppered(*keys: str) -> UpgradingHasher:
        ring = KeyRing(current=keys[-1], keys={key: key.encode() * 8 for key in keys})
        return UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring),
            issued=Argon2Hasher(CHEAPEST_ISSUED, key_ring=ring),
            legacy=[SystemVerifier("django")],
            denial_floor=timedelta(microseconds=1),
        )

    with peppered("k1") as first, peppered("k1", "k2") as both:
        before = attrs.evolve(memory_portal, hasher=first)
        settled(before, "c-1")
        settled(before, "c-2")
        issued(before, "c-3")
        portal = attrs.evolve(memory_portal, hasher=both)
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", "a long walk on the beach"), SignedIn)
        census = portal.accounts.hash_census(OFFICE)
        assert (census.old_key_ids, census.unused_key_ids, census.unused_verifiers) == (
            ("k1",),
            (),
            ("SystemVerifier(django)",),
        )
        assert sorted((each.hash.key_id, each.origin.value, each.accounts) for each in census) == [
            ("k1", "chosen", 1),
            ("k1", "issued", 1),
            ("k2", "chosen", 1),
        ]
        left = portal.accounts.search(OFFICE, hashed=lambda each: each.key_id == "k1")
        assert {each.contact_id for each in left.accounts} == {"c-2", "c-3"}
        for contact_id in ("c-2", "c-3"):
            portal.resets.reset_password(contact_id, OFFICE)
        assert portal.accounts.hash_census(OFFICE).unused_key_ids == ("k1",)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_the_filter_finds_every_account_of_a_kind_page_by_page(portal: Portal, limit: int) -> None:
    """Together with the others, in their order, whatever lies between, and never one without a hash."""
    with able_to_verify(portal) as able:
        school = able.add_school(30)
        import_hashes(able, [(each, DJANGO if n % 7 == 0 else OTHER) for n, each in enumerate(school)])
        found: list[str] = []
        after = None
        while True:
            page = able.accounts.search(
                OFFICE,
                hashed=lambda each: each.scheme == "django-pbkdf2_sha256",
                status=AccountStatus.IMPORTED,
                after=after,
                limit=limit,
            )
            found += [each.contact_id for each in page.accounts]
            after = page.next
            if after is None:
                break
        assert found == school[::7]
        assert able.accounts.search(OFFICE, hashed=lambda each: True, words="xyz").accounts == ()


def test_what_the_operator_may_not_see_is_hidden_and_nothing_is_then_unused(memory_portal: Portal) -> None:
    """R16: of other schools' accounts only their number is told, and no verifier is said to be free to go."""

    def some(operator: Operator, privilege: Privilege, accounts: Sequence[Account]) -> list[bool]:
        return [operator == OFFICE and account.contact_id != "c-2" for account in accounts]

    with able_to_verify(memory_portal, SystemVerifier("django"), SystemVerifier("digests")) as able:
        import_hashes(able, [("c-1", DJANGO), ("c-2", DJANGO)])
        assert able.accounts.hash_census(OFFICE).unused_verifiers == ("SystemVerifier(digests)",)
        narrow = able.with_parts(authorizer=some).accounts
        census = narrow.hash_census(OFFICE)
        assert (census.hidden, sum(each.accounts for each in census), census.unused_verifiers) == (1, 1, ())
        before = able.store.events()
        assert narrow.hash_census(NOBODY).items == ()
        (denied,) = able.store.events()[len(before) :]
        assert (denied.kind.value, denied.reason, denied.count) == ("authz_fail", "view_usernames", 4)


def test_a_census_reads_in_pages_and_counts_in_bounded_memory(
    memory_portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table into which somebody wrote a cost of its own for each row is counted too."""
    monkeypatch.setattr(counting, "_MAX_KINDS", 3)
    with able_to_verify(memory_portal) as able:
        school = able.add_school(1_100)
        changes = [
            Change(
                old=(old := able.account(each)),
                new=old.import_hash(
                    PasswordHash(DJANGO.replace("$1$", f"${n + 1}$")),
                    import_id="i",
                    imported_by="x",
                    imported_at=able.clock(),
                ),
            )
            for n, each in enumerate(school)
        ]
        able.store.apply(changes)
        pages: list[int] = []

        def hear(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
            if (phase, name) == ("before", "search"):
                pages.append(arguments[0].limit)

        census = attrs.evolve(able, store=watched(able.store, hear)).accounts.hash_census(OFFICE)
    assert pages == [1000, 1000]
    assert (census.items[0].hash.cost, census.items[0].accounts) == ("various", 1_097)
    assert (len(census), sum(each.accounts for each in census)) == (4, 1_100)


def test_a_census_shows_no_hash_and_no_name(memory_portal: Portal) -> None:
    """R14, R24: counts only, as a table in a notebook and as records."""
    with able_to_verify(memory_portal) as able:
        import_hashes(able, [("c-1", DJANGO), ("c-2", MD5)])
        census = able.accounts.hash_census(OFFICE)
    told = f"{census!r}{census.to_records()}{census._repr_html_()}{attrs.asdict(census)}"
    assert repr(census) == "<HashCensus of 2 accounts (2 kinds of hashes, 0 hidden)>"
    for hidden in ("self-test", "rabbiatici", "Rosa", "c-1", "BVVWD"):
        assert hidden not in told
    assert census.to_records()[0] == {
        "scheme": "django-pbkdf2_sha256",
        "cost": "1",
        "key_id": None,
        "verifier": "SystemVerifier(django)",
        "wrapped": "no",
        "fault": None,
        "origin": "imported",
        "accounts": 1,
        "never_signed_in": 1,
    }
    assert "<td>wrapped-md5</td>" in census._repr_html_()


def test_a_hash_that_opens_no_account_is_counted_with_its_fault(memory_portal: Portal) -> None:
    """Whoever took a verifier away too early sees whom it locks out."""
    with able_to_verify(memory_portal) as able:
        import_hashes(able, [("c-1", DJANGO)])
    (count,) = memory_portal.accounts.hash_census(OFFICE)
    assert (count.hash, count.origin) == (HashDescription(fault="hash_unknown"), CredentialOrigin.IMPORTED)


def test_a_filter_by_hash_needs_the_hasher(memory_portal: Portal) -> None:
    """R23: a portal whose hasher says nothing has no census, and the error says what to pass."""
    service = AccountService(memory_portal.store, authorizer=memory_portal.authorizer, throttle=memory_portal.throttle)
    for ask in (lambda: service.hash_census(OFFICE), lambda: service.search(OFFICE, hashed=lambda each: True)):
        with pytest.raises(ConfigurationError) as refused:
            ask()
        assert refused.value.argument == "hasher"
    assert len(service.search(OFFICE).accounts) == 4
