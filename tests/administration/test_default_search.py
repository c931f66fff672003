"""Whose imported password is a default: what is found, what cannot be told, who may ask, and what it never does."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import attrs
import pytest

from administration.importing import DJANGO, able_to_verify, import_hashes
from portal import NOBODY, OFFICE, USERNAMES, Portal, issued, settled, watched
from portalcreds.accounts import PasswordHash
from portalcreds.administration import AccountChange, AccountService, DefaultFinding, UntriedReason
from portalcreds.administration import default_search as searching
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import Derived, LastNameFirstInitial, NameTemplate, RandomReadable, default_password
from portalcreds.exceptions import ConfigurationError, HashingUnavailableError, InvalidValueError
from portalcreds.hashers import Argon2Hasher, KeyRing, UpgradingHasher
from portalcreds.hashers.legacy import SystemVerifier, digest_hash
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import Change, HashDescriber
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

HOUSE_RULE = LastNameFirstInitial().id
OLD_RULE = NameTemplate(template="{first_name}.{last_name}")


def django_hash(password: str) -> str:
    """Return what Django stores for a password, in one round."""
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), b"self-test", 1)
    return f"pbkdf2_sha256$1$self-test${b64encode(digest).decode()}"


def default_of(portal: Portal, contact_id: str) -> str:
    """Return a contact's default."""
    return default_password(portal.account(contact_id).contact).reveal()


@pytest.fixture
def able(every_portal: Portal) -> Iterator[Portal]:
    """A portal over each store into which hashes of Django's were imported, two of them of defaults."""
    with able_to_verify(every_portal) as portal:
        rosa, eva = (portal.account(contact_id).contact for contact_id in ("c-1", "c-3"))
        md5 = hashlib.md5(OLD_RULE.derive(eva).secret.reveal().encode(), usedforsecurity=False).hexdigest()
        rows = [
            ("c-1", django_hash(default_password(rosa).reveal())),
            ("c-2", DJANGO),
            ("c-3", digest_hash("md5", md5)),
        ]
        import_hashes(portal, rows)
        yield portal


def told(findings: Any) -> list[tuple[str, str | None, UntriedReason | None]]:
    """Return what each finding says."""
    return [(each.contact_id, each.strategy, each.reason) for each in findings]


def test_defaults_among_the_imported_are_found(able: Portal) -> None:
    """The service's own rule and an old house rule, on a hash of another system and on a wrapped one; no other hash."""
    search = able.accounts.find_on_default(OFFICE, strategies=[OLD_RULE])
    assert set(told(search)) == {("c-1", HOUSE_RULE, None), ("c-3", OLD_RULE.id, None)}
    assert (search.tried, search.found, search.hidden, search.is_finished, search.after) == (3, 2, 0, True, None)
    assert told(able.accounts.find_on_default(OFFICE)) == [("c-1", HOUSE_RULE, None)]


def test_chosen_passwords_are_tried_if_asked(memory_portal: Portal) -> None:
    """Whoever kept the default as an own password, before the policy forbade it; issued ones are never meant."""
    portal = memory_portal
    account = settled(portal, "c-1")
    issued(portal, "c-2")
    kept = portal.chosen_hash(default_of(portal, "c-1"))
    new = attrs.evolve(
        account, credential=attrs.evolve(account.credential, password_hash=kept), version=account.version + 1
    )
    portal.store.apply([Change(old=account, new=new)])
    assert told(portal.accounts.find_on_default(OFFICE)) == []
    assert told(portal.accounts.find_on_default(OFFICE, chosen=True)) == [("c-1", HOUSE_RULE, None)]


def test_what_cannot_be_told_is_no_no(memory_portal: Portal) -> None:
    """A hash nobody verifies, a key that is gone, names without a default, and what fails: each with its reason."""

    class Breaks:
        id, is_derivable = "breaks", True

        def derive(self, contact: Contact, /) -> Derived:
            raise ValueError(contact.last_name)

    class BreakingVerifier:
        is_slow = False

        def identify(self, password_hash: PasswordHash, /) -> bool:
            return password_hash.encoded == "broken"

        def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
            raise ValueError(password.reveal())

    def peppered(*keys: str) -> UpgradingHasher:
        ring = KeyRing(current=keys[-1], keys={key: key.encode() * 8 for key in keys})
        chosen, cheap = (Argon2Hasher(cost, key_ring=ring) for cost in (CHEAPEST_CHOSEN, CHEAPEST_ISSUED))
        return UpgradingHasher(
            chosen=chosen,
            issued=cheap,
            legacy=[SystemVerifier("django"), BreakingVerifier()],
            denial_floor=timedelta(microseconds=1),
        )

    with peppered("k1", "k2") as both, peppered("k2") as later:
        portal = attrs.evolve(memory_portal, hasher=both)
        nameless = Contact(contact_id=ContactId("c-9"), first_name="", last_name="")
        portal.accounts.sync_contacts([nameless], OFFICE)
        with peppered("k1") as earlier, earlier.admit() as permit:  # type: ignore[union-attr]  # The queue is empty.
            old_key = permit.hash_chosen(Secret(default_of(portal, "c-1")))
        rows = [("c-1", old_key), ("c-2", django_hash("x")), ("c-3", "broken"), ("c-9", django_hash("x"))]
        import_hashes(portal, rows)
        unknown = portal.account("c-4")
        imported = attrs.evolve(
            unknown,
            credential=attrs.evolve(
                unknown.credential, password_hash=PasswordHash("?"), origin="imported", issued_at=portal.clock()
            ),
            version=unknown.version + 1,
        )
        portal.store.apply([Change(old=unknown, new=imported)])
        portal = attrs.evolve(portal, hasher=later)
        search = portal.accounts.find_on_default(OFFICE)
        assert set(told(search)) == {
            ("c-1", None, UntriedReason.MISSING_KEY),
            ("c-3", None, UntriedReason.VERIFIER_FAILED),
            ("c-4", None, UntriedReason.HASH_UNKNOWN),
            ("c-9", None, UntriedReason.NOT_DERIVABLE),
        }
        failing = told(portal.accounts.find_on_default(OFFICE, strategies=[Breaks()]))
        assert ("c-2", None, UntriedReason.STRATEGY_FAILED) in failing


def test_nothing_is_changed_and_nothing_counted(able: Portal) -> None:
    """No account, no limit and no ticket: a search with many misses keeps no family out, and nobody signs in by it."""
    calls: list[str] = []

    def note(when: str, name: str, arguments: tuple[Any, ...]) -> None:
        calls.append(name)

    portal = attrs.evolve(able, store=watched(able.store, note), counter=watched(able.counter, note))
    before = able.store.find_many([ContactId(f"c-{n}") for n in range(1, 5)])
    for _ in range(12):  # More often than any limit on failures.
        list(portal.accounts.find_on_default(OFFICE, chosen=True, strategies=[OLD_RULE]))
    assert able.store.find_many(list(before)) == before
    assert set(calls) == {"search", "record"}
    assert isinstance(able.sign_ins.sign_in(USERNAMES["c-2"], "password"), SignedIn)


def test_a_search_that_was_stopped_goes_on(memory_portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any process with the token: nobody is left out, and at most a page is told again."""
    monkeypatch.setattr(searching, "_PAGE", 4)
    with able_to_verify(memory_portal) as portal:
        school = portal.add_school(30)
        rows = [(each, django_hash(default_of(portal, each))) for each in school]
        import_hashes(portal, rows)
        found: list[str] = []
        search = portal.accounts.find_on_default(OFFICE)
        for finding in search:
            found.append(finding.contact_id)
            if len(found) == 11:
                break
        assert not search.is_finished
        rest = portal.accounts.find_on_default(OFFICE, after=search.after)
        again = [finding.contact_id for finding in rest]
        assert sorted({*found, *again}) == sorted(school)
        assert len(found) + len(again) - len(school) <= 4
        assert rest.is_finished
        # The same loop goes on too, where it stopped.
        assert [*found, *(finding.contact_id for finding in search)] == sorted(school)


def test_it_takes_a_privilege_of_its_own(able: Portal) -> None:
    """R16: all other privileges together do not allow it, nor that of others; oneself one never finds."""
    for privileges in ([each for each in Privilege if each is not Privilege.FIND_DEFAULTS], []):
        portal = able.with_parts(authorizer=Grants(privileges={"office": privileges}))
        search = portal.accounts.find_on_default(OFFICE)
        assert (list(search), search.tried, search.hidden) == ([], 0, 3)
    search = able.accounts.find_on_default(Operator(operator_id="office", contact_id=ContactId("c-1")))
    assert (list(search), search.hidden) == ([], 1)
    grants = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact_id == "c-1")
    assert list(able.with_parts(authorizer=grants).accounts.find_on_default(OFFICE)) == []


def test_the_place_to_go_on_names_nobody_who_is_hidden(able: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """R16: where a page ends with an account that the operator may not see, the token is of one before it."""
    monkeypatch.setattr(searching, "_PAGE", 2)
    grants = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact_id == "c-2")
    accounts = able.with_parts(authorizer=grants).accounts
    search = accounts.find_on_default(OFFICE, strategies=[OLD_RULE])
    first, second = (next(iter(search)).contact_id for _ in range(2))
    assert (first, second, search.hidden) == ("c-1", "c-3", 1)
    assert search.after is not None
    assert "abbiatici" in (token := urlsafe_b64decode(search.after).decode())
    assert "brien" not in token
    assert "c-2" not in token
    rest = accounts.find_on_default(OFFICE, strategies=[OLD_RULE], after=search.after)
    assert [finding.contact_id for finding in rest] == ["c-3"]
    assert list(search) == []


def test_the_record_tells_the_search_in_a_few_lines(able: Portal) -> None:
    """R17: that it was begun stands before anything is tried; then how many were tried, found and refused."""
    before = len(able.store.events())
    search = iter(able.accounts.find_on_default(OFFICE))
    next(search)
    assert [each.reason for each in able.store.events()[before:]] == ["begun"]
    list(search)
    list(able.accounts.find_on_default(NOBODY))
    events = able.store.events()[before:]
    assert [(each.kind.value, each.operator_id, each.reason, each.count, each.contact_id) for each in events] == [
        ("sensitive_read.default", "office", "begun", None, None),
        ("sensitive_read.default", "office", "tried", 3, None),
        ("sensitive_read.default", "office", "found", 1, None),
        ("sensitive_read.default", "nobody", "begun", None, None),
        ("sensitive_read.default", "nobody", "tried", 0, None),
        ("sensitive_read.default", "nobody", "found", 0, None),
        ("authz_fail", "nobody", "find_defaults", 3, None),
    ]


def test_a_finding_holds_nothing_secret(able: Portal) -> None:
    """R14: an id and the name of a rule; neither shows a password, a name or a hash."""
    search = able.accounts.find_on_default(OFFICE)
    (finding,) = search
    assert finding.is_on_default
    assert set(attrs.asdict(finding)) == {"contact_id", "strategy", "reason"}
    shown = f"{finding!r} {search!r}"
    for secret in ("AbbiaticiR", "Abbiatici", "Rosa", "pbkdf2"):
        assert secret not in shown
    assert not DefaultFinding(contact_id=ContactId("x"), reason=UntriedReason.MISSING_KEY).is_on_default


def test_a_change_is_required_of_those_who_were_found(able: Portal) -> None:
    """What a how-to shows: with the ids that were found, the next sign-in on the default opens the change alone."""
    found = [each.contact_id for each in able.accounts.find_on_default(OFFICE) if each.is_on_default]
    plan = able.accounts.plan_change(found, OFFICE, change=AccountChange.REQUIRE_CHANGE, reason="on_default")
    able.accounts.apply_change(plan.confirm(OFFICE))
    assert isinstance(able.sign_ins.sign_in("rabbiatici", default_of(able, "c-1")), PasswordChangeRequired)


def test_no_more_are_tried_in_a_second_than_was_said(memory_portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate spaces what is begun, and what was late is not made up for in a burst."""
    now, looks, waits = [0.0], [0], list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    def monotonic() -> float:
        looks[0] += 1
        if looks[0] == 5:
            now[0] += 60  # The store was away for a minute.
        return now[0]

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", monotonic)
    with able_to_verify(memory_portal) as portal:
        school = portal.add_school(9)
        import_hashes(portal, [(each, DJANGO) for each in school])
        looks[0] = 0
        search = portal.accounts.find_on_default(OFFICE, per_second=4)
        assert list(search) == []
    assert search.tried == 9
    assert waits == [0.25] * 7  # Not before the first, and not after the minute.


def test_a_search_stops_when_nothing_can_be_hashed(memory_portal: Portal) -> None:
    """An outage of this process is no finding about anybody: it is raised, and the search goes on elsewhere."""

    class OutOfMemory(SystemVerifier):
        def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
            raise MemoryError

    with able_to_verify(memory_portal, OutOfMemory("django")) as portal:
        import_hashes(portal, [("c-1", DJANGO), ("c-2", DJANGO)])
        searches = [portal.accounts.find_on_default(OFFICE) for _ in range(2)]
        with pytest.raises(HashingUnavailableError):
            list(searches[0])
    # And now the pool is closed.
    with pytest.raises(HashingUnavailableError):
        list(searches[1])
    assert not any(search.is_finished for search in searches)


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategies": [RandomReadable()]},
        {"strategies": OLD_RULE},
        {"strategies": [NameTemplate]},
        {"strategies": ["x"]},
        {"per_second": 0},
        {"per_second": -1},
        {"per_second": float("nan")},
        {"per_second": True},
        {"chosen": 1},
        {"after": "x"},
    ],
    ids=str,
)
def test_a_search_for_what_nobody_derives_is_refused(portal: Portal, wrong: dict[str, Any]) -> None:
    """R23: drawn passwords can be worked out by nobody; before anything is tried or recorded."""
    before = portal.store.events()
    with pytest.raises(InvalidValueError) as caught:
        portal.accounts.find_on_default(OFFICE, **wrong)
    assert caught.value.field in wrong
    assert portal.store.events() == before


def test_there_has_to_be_something_to_try_and_to_try_it_with(memory_portal: Portal) -> None:
    """R23: a portal that draws its passwords names an old rule, and a hasher that tries one at a time is named."""
    portal = memory_portal.with_parts(strategy=RandomReadable())
    with pytest.raises(InvalidValueError, match="strategies"):
        portal.accounts.find_on_default(OFFICE)
    assert list(portal.accounts.find_on_default(OFFICE, strategies=[OLD_RULE])) == []

    class DescribesOnly:
        describe = wrap_all = staticmethod(iter)

    service = AccountService(
        portal.store,
        authorizer=portal.authorizer,
        throttle=portal.throttle,
        hasher=cast(HashDescriber, DescribesOnly()),
    )
    with pytest.raises(ConfigurationError, match="HashMatcher"):
        service.find_on_default(OFFICE, strategies=[OLD_RULE])
