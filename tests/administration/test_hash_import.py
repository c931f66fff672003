"""What an import of old hashes does, row by row, and what it leaves alone."""

from __future__ import annotations

import copy
import hashlib
import pickle
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from types import SimpleNamespace
from typing import Any, NamedTuple

import attrs
import pytest

from administration.importing import (
    DJANGO,
    IMPORTED,
    MD5,
    OTHER,
    Step,
    able_to_verify,
    import_hashes,
    outcomes,
    reasons,
    stored_hash,
)
from portal import (
    FAMILY,
    GOOD_PASSWORD,
    NOBODY,
    OFFICE,
    START,
    USERNAMES,
    Portal,
    issued,
    settled,
    watched,
)
from portalcreds.accounts import Account, AccountStatus, CredentialOrigin, PasswordHash
from portalcreds.administration import AccountService, ImportDecision, ImportOutcome, ImportReason
from portalcreds.audit import AuditKind
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError, InvalidValueError, WrongStateError
from portalcreds.hashers import Argon2Hasher, KeyRing
from portalcreds.hashers.legacy import SystemVerifier, Wrapping
from portalcreds.plans import ConfirmedPlan, PlanChanged
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import HashDescription
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn, SignInDenied
from portalcreds.testing.hashers import CHEAPEST_CHOSEN


class Named(NamedTuple):
    """A row of a database driver."""

    username: str
    password_hash: str | None


@pytest.fixture
def moved(portal: Portal) -> Iterator[Portal]:
    """A portal over each store that can verify what was imported."""
    with able_to_verify(portal) as able:
        yield able


@pytest.fixture
def memory(memory_portal: Portal) -> Iterator[Portal]:
    """The same in memory."""
    with able_to_verify(memory_portal) as able:
        yield able


def everything(portal: Portal) -> tuple[Any, ...]:
    """Return all that is stored of the family, and the record."""
    return portal.store.find_many([contact.contact_id for contact in FAMILY]), portal.store.events()


# -- what it does


def test_a_plan_writes_nothing(moved: Portal) -> None:
    """R11: whatever it says, no account changes, and nothing is on the record."""
    before = everything(moved)
    plan = moved.accounts.plan_import([("c-1", DJANGO), ("c-2", MD5), ("c-9", DJANGO), ("c-3", None)], OFFICE)
    assert reasons(plan) == [
        ("will_import", None),
        ("will_import", None),
        ("cannot", ImportReason.NO_ACCOUNT),
        ("cannot", ImportReason.HASH_MISSING),
    ]
    assert everything(moved) == before


def test_an_imported_hash_signs_its_owner_in_and_is_upgraded(moved: Portal) -> None:
    """R3, R4, R6: origin, epoch, issuer and event are one step; the first sign-in writes the portal's own hash."""
    report = import_hashes(moved, [("c-1", DJANGO), ("c-2", OTHER)])

    assert outcomes(report) == [IMPORTED, IMPORTED]
    assert report.is_complete
    account = moved.account("c-1")
    assert account.status(START) is AccountStatus.IMPORTED
    assert stored_hash(moved) == PasswordHash(DJANGO)
    credential = account.credential
    assert (credential.epoch, credential.issue_id, credential.issued_by, credential.issued_at) == (
        1,
        report.key,
        "office",
        START,
    )
    event = moved.store.events(ContactId("c-1"))[-1]
    assert (event.kind, event.kind.value, event.operator_id, event.reason, event.operation_id, event.count) == (
        AuditKind.CREDENTIAL_IMPORTED,
        "credential_imported",
        "office",
        "django-pbkdf2_sha256",
        report.key,
        2,
    )
    assert event.confirmed_at == START

    assert isinstance(moved.sign_ins.sign_in("rabbiatici", "passwort"), SignInDenied)
    assert isinstance(moved.sign_ins.sign_in("rabbiatici", "password"), SignedIn)
    assert stored_hash(moved).encoded.startswith("$argon2id$")
    assert moved.account("c-1").credential.origin is CredentialOrigin.IMPORTED
    assert isinstance(moved.sign_ins.sign_in("rabbiatici", "password"), SignedIn)


def test_a_hash_of_decomposed_text_is_rewritten(moved: Portal) -> None:
    """R4, R18: a hash of other bytes verifies as it was typed then, and its upgrade is of the canonical form."""
    composed, decomposed = "contrase\xf1a de Mu\xf1oz", "contrasen\u0303a de Mun\u0303oz"
    digest = b64encode(hashlib.pbkdf2_hmac("sha256", decomposed.encode(), b"self-test", 1)).decode()
    import_hashes(moved, [("c-1", f"pbkdf2_sha256$1$self-test${digest}")])

    assert moved.sign_ins.sign_in("rabbiatici", composed) == SignInDenied()
    for typed in (decomposed, composed, decomposed):
        assert isinstance(moved.sign_ins.sign_in("rabbiatici", typed), SignedIn)
    assert moved.kinds("c-1").count("authn_hash_upgrade") == 1


def test_a_forced_change_lets_nobody_in_before_it_is_made(moved: Portal) -> None:
    """R2: on the day of the move the old password opens one door, which says why."""
    import_hashes(moved, [("c-1", DJANGO)], force_change="moved")
    outcome = moved.sign_ins.sign_in("rabbiatici", "password")
    assert isinstance(outcome, PasswordChangeRequired)
    assert outcome.reason == "moved"
    assert moved.account("c-1").status(START) is AccountStatus.CHANGE_REQUIRED


def test_a_fast_digest_is_wrapped_before_it_is_stored(moved: Portal) -> None:
    """R10: the digest itself is stored nowhere, and the old password signs in."""
    plan = moved.accounts.plan_import([("c-1", MD5)], OFFICE)
    (item,) = plan
    assert item.hash is not None
    assert (item.hash.scheme, item.hash.can_be_wrapped, item.warnings) == ("md5", True, ())
    assert outcomes(moved.accounts.apply_import(plan.confirm(OFFICE))) == [IMPORTED]
    assert stored_hash(moved).encoded.startswith("$pc$wrapped-md5$$argon2id$")
    assert MD5.encoded.rpartition("$")[2] not in stored_hash(moved).encoded
    assert moved.store.events(ContactId("c-1"))[-1].reason == "md5"
    assert isinstance(moved.sign_ins.sign_in("rabbiatici", "password"), SignedIn)


def test_a_fast_digest_that_nothing_wraps_is_told(memory_portal: Portal) -> None:
    """R10: whoever declares the bare verifier is warned before OK that weak hashes will be stored."""
    with able_to_verify(memory_portal, SystemVerifier("digests")) as portal:
        (item,) = portal.accounts.plan_import([("c-1", MD5)], OFFICE)
        assert (item.decision, item.warnings) == (ImportDecision.WILL_IMPORT, ("fast_digest",))
    with able_to_verify(memory_portal, Wrapping(SystemVerifier("digests"), Argon2Hasher(CHEAPEST_CHOSEN))) as portal:
        (item,) = portal.accounts.plan_import([("c-1", MD5)], OFFICE)
        assert item.hash is not None
        assert (item.hash.can_be_wrapped, item.warnings) == (True, ())


def driver_row(**values: str | None) -> sqlite3.Row:
    """Return a row of SQLite's driver that has its columns by name."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        selected = ", ".join(f"? AS {name}" for name in values)
        row: sqlite3.Row = connection.execute(f"SELECT {selected}", tuple(values.values())).fetchone()
    return row


@pytest.mark.parametrize(
    "row",
    [
        ("c-1", DJANGO),
        ["c-1", DJANGO],
        ("c-1", PasswordHash(DJANGO)),
        ("c-1", SimpleNamespace(encoded=DJANGO)),
        ("c-1", f"{DJANGO}   "),
        {"contact_id": "c-1", "password_hash": DJANGO},
        {"username": "rabbiatici", "password_hash": DJANGO, "is_staff": False},
        {"contact_id": float("nan"), "username": " RABBIATICI ", "password_hash": DJANGO},
        SimpleNamespace(username="Rabbiatici", password_hash=DJANGO),
        Named("rabbiatici", DJANGO),
        {"contact_id": "c-1", "username": "RAbbiatici", "password_hash": DJANGO},
        driver_row(username="rabbiatici", password_hash=DJANGO),
        driver_row(password_hash=DJANGO, contact_id="c-1"),
        driver_row(id="7", username=None, contact_id="c-1", password_hash=DJANGO),
    ],
    ids=[
        *("pair", "list", "hash", "foreign hash", "padded", "mapping", "user name", "folded", "record", "named tuple"),
        *("both", "driver's row", "driver's row, turned", "driver's row, wide"),
    ],
)
def test_a_row_may_have_any_form_that_a_table_comes_in(memory: Portal, row: Any) -> None:
    """Pairs, mappings and records are read alike, by contact id or by user name (R18)."""
    assert outcomes(import_hashes(memory, [row])) == [IMPORTED]
    assert stored_hash(memory) == PasswordHash(DJANGO)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, ImportReason.HASH_MISSING),
        ("", ImportReason.HASH_MISSING),
        (" \n", ImportReason.HASH_MISSING),
        (float("nan"), ImportReason.HASH_MISSING),
        (b"$2b$", ImportReason.HASH_NOT_TEXT),
        (7, ImportReason.HASH_NOT_TEXT),
        (True, ImportReason.HASH_NOT_TEXT),
        ("!kXAiBvWvPYcNCbDJdgDPTmJsGqxWXsdbgLPb7DKy", ImportReason.HASH_UNUSABLE),
        ("!", ImportReason.HASH_UNUSABLE),
        ("*LK*", ImportReason.HASH_UNUSABLE),
        ("x" * 513, ImportReason.HASH_TOO_LONG),
        ("$2b$12$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", ImportReason.HASH_UNKNOWN),
        ("password", ImportReason.HASH_UNKNOWN),
        ("\ud800", ImportReason.HASH_UNKNOWN),
        ("pbkdf2_sha256$99999999$self-test$BVVWDuw4071T5BwlcD3kfHRsxrxbLBkiihVUKOgEMac=", ImportReason.HASH_UNKNOWN),
        ("$argon2id$v=19$m=4194304,t=3,p=4$c2FsdHNhbHRzYWx0c2E$" + "a" * 43, ImportReason.HASH_REFUSED),
        (
            "$argon2id$v=19$m=16,t=1,p=1,keyid=azk$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
            ImportReason.MISSING_KEY,
        ),
    ],
)
def test_what_no_password_could_be_verified_against_is_not_imported(
    memory: Portal, value: Any, reason: ImportReason
) -> None:
    """R10: each cell that is no hash of the portal's has its reason in the plan, and the other rows are imported."""
    rows = [("c-1", value), ("c-2", DJANGO)]
    assert reasons(memory.accounts.plan_import(rows, OFFICE)) == [("cannot", reason), ("will_import", None)]
    assert outcomes(import_hashes(memory, rows)) == [(ImportOutcome.CANNOT, reason), IMPORTED]
    assert memory.account("c-1").credential.origin is CredentialOrigin.NONE


def test_missing_values_of_pandas_are_missing(memory: Portal) -> None:
    """A column of a frame has a value of its own for none, whose comparisons raise."""

    class NotAvailable:
        def __ne__(self, other: object) -> bool:
            raise TypeError

        __hash__ = None  # type: ignore[assignment]  # As pandas has it.

    assert reasons(memory.accounts.plan_import([("c-1", NotAvailable())], OFFICE)) == [
        ("cannot", ImportReason.HASH_MISSING)
    ]


@pytest.mark.parametrize("owner", [None, "", " ", 7, float("nan"), b"c-1"])
def test_a_row_of_nobody_is_told(memory: Portal, owner: Any) -> None:
    """A number is not the id that looks like it; nothing is guessed."""
    rows = [{"contact_id": owner, "username": owner, "password_hash": DJANGO}, ("c-2", DJANGO)]
    assert outcomes(import_hashes(memory, rows)) == [(ImportOutcome.CANNOT, ImportReason.OWNER_MISSING), IMPORTED]


@pytest.mark.parametrize("username", ["nobody.here", "tab\there", "x" * 300])
def test_a_user_name_that_nobody_has_is_told(memory: Portal, username: str) -> None:
    """Also one that nobody could have; the row keeps it, so that somebody can look it up."""
    plan = memory.accounts.plan_import([{"username": username, "password_hash": DJANGO}], OFFICE)
    assert reasons(plan) == [("cannot", ImportReason.NO_ACCOUNT)]
    assert plan.to_records()[0]["username"] == username
    assert username not in repr(plan.items[0])


def test_a_user_name_that_only_the_database_takes_for_equal_is_nobody_s(memory: Portal) -> None:
    """R18: a collation that folds accents gives no contact the password of another one."""

    class Folding:
        def __getattr__(self, name: str) -> Any:
            return getattr(memory.store, name)

        def find_owners(self, username_keys: Sequence[str], /) -> dict[str, ContactId]:
            """Match as a database that folds accents does."""
            folded = memory.store.find_owners([key.replace("ä", "a") for key in username_keys])
            return {key: folded[key.replace("ä", "a")] for key in username_keys}

    folding = attrs.evolve(memory, store=Folding())
    rows = [{"username": name, "password_hash": DJANGO} for name in ("räbbiatici", "rabbiatici")]
    assert reasons(folding.accounts.plan_import(rows, OFFICE)) == [
        ("cannot", ImportReason.NO_ACCOUNT),
        ("will_import", None),
    ]


def test_the_first_row_that_can_be_imported_counts(memory: Portal) -> None:
    """A contact with two rows gets the first usable hash, however the rows name the contact."""
    rows: list[Any] = [("c-1", None), ("c-1", DJANGO), {"username": "rabbiatici", "password_hash": OTHER}]
    rows += [(f"x-{n}", DJANGO) for n in range(600)]
    rows.append(("c-1", OTHER))
    plan = memory.accounts.plan_import(rows, OFFICE)
    twice = ("skip", ImportReason.LISTED_TWICE)
    told = reasons(plan)
    assert [told[0], told[1], told[2], told[-1]] == [
        ("cannot", ImportReason.HASH_MISSING),
        ("will_import", None),
        twice,
        twice,
    ]
    memory.accounts.apply_import(plan.confirm(OFFICE))
    assert stored_hash(memory) == PasswordHash(DJANGO)


# -- what it leaves alone


def disable(portal: Portal) -> None:
    """Disable Rosa's account, which has a password."""
    settled(portal)
    portal.accounts.disable("c-1", OFFICE)


@pytest.mark.parametrize(
    ("state", "reason", "warning"),
    [
        (settled, ImportReason.CHOSE_OWN, "replaces_chosen"),
        (issued, ImportReason.HAS_DEFAULT, "replaces_default"),
        (lambda portal: import_hashes(portal, [("c-1", OTHER)]), ImportReason.ALREADY_IMPORTED, "replaces_imported"),
        (disable, ImportReason.DISABLED, None),
        (lambda portal: portal.accounts.erase("c-1", OFFICE), ImportReason.ERASED, None),
    ],
    ids=["chosen", "issued", "imported", "disabled", "erased"],
)
def test_a_password_that_is_here_already_is_left_alone_unless_told(
    moved: Portal, state: Step, reason: ImportReason, warning: str | None
) -> None:
    """R11: the plan says why; told to replace, it says what is replaced, and a disablement is never lifted."""
    state(moved)
    before = moved.account("c-1")
    told = ImportOutcome.CANNOT if reason is ImportReason.ERASED else ImportOutcome.SKIPPED, reason
    assert outcomes(import_hashes(moved, [("c-1", DJANGO)])) == [told]
    assert moved.account("c-1") == before

    plan = moved.accounts.plan_import([("c-1", DJANGO)], OFFICE, replace=True)
    report = moved.accounts.apply_import(plan.confirm(OFFICE))
    if warning is None:
        assert outcomes(report) == [told]
        assert moved.account("c-1") == before
    else:
        assert plan.items[0].warnings == (warning,)
        assert outcomes(report) == [IMPORTED]
        assert moved.account("c-1").credential.epoch == before.credential.epoch + 1
        assert stored_hash(moved) == PasswordHash(DJANGO)


def test_an_account_without_a_user_name_is_told(memory: Portal) -> None:
    """The hash is kept for the day when somebody gives the account its user name."""
    memory.accounts.sync_contacts([Contact(contact_id=ContactId("n-1"), last_name="Li")], OFFICE)
    plan = memory.accounts.plan_import([("n-1", DJANGO)], OFFICE)
    assert plan.items[0].warnings == ("no_username",)
    assert outcomes(memory.accounts.apply_import(plan.confirm(OFFICE))) == [IMPORTED]


def test_what_is_not_permitted_is_not_imported(memory: Portal) -> None:
    """R16: asked row by row with the privilege `import`; by user name a refusal looks like nobody's account."""
    rows = [("c-1", DJANGO), {"username": "rabbiatici", "password_hash": DJANGO}]
    assert reasons(memory.accounts.plan_import(rows, NOBODY)) == [
        ("cannot", ImportReason.NOT_PERMITTED),
        ("cannot", ImportReason.NO_ACCOUNT),
    ]
    assert memory.kinds("c-1")[-1] == "authz_fail import"
    assert memory.accounts.plan_import(rows, NOBODY).items[1].contact_id is None

    own = Operator(operator_id="office", contact_id=ContactId("c-1"))
    plan = memory.accounts.plan_import(rows[:1], OFFICE)
    confirmed = plan.confirm(own)
    assert outcomes(memory.accounts.apply_import(confirmed)) == [(ImportOutcome.CANNOT, ImportReason.NOT_PERMITTED)]
    assert memory.account("c-1").credential.epoch == 0


BY_NAME = [
    {"username": "rabbiatici", "password_hash": DJANGO},
    {"username": "nobody.here", "password_hash": DJANGO},
    {"contact_id": "c-2", "username": "PObrien", "password_hash": DJANGO},
    {"contact_id": "c-3", "username": "suharto", "password_hash": DJANGO},
    {"contact_id": "c-4", "username": None, "password_hash": DJANGO},
]
BLIND = Grants(privileges={"office": [each for each in Privilege if each is not Privilege.VIEW_USERNAMES]})


def test_a_row_tells_whose_a_user_name_is_only_to_who_may_see_it(memory: Portal) -> None:
    """R16: without the privilege somebody's user name looks like nobody's, and a right one like a wrong one."""
    settled(memory)
    plan = memory.with_parts(authorizer=BLIND).accounts.plan_import(BY_NAME, OFFICE, replace=True)
    not_permitted = ("cannot", ImportReason.NOT_PERMITTED)
    nobody = ("cannot", ImportReason.NO_ACCOUNT)
    assert reasons(plan) == [nobody, nobody, not_permitted, not_permitted, ("will_import", None)]
    assert [(item.contact_id, item.warnings, item.epoch) for item in plan][:2] == [(None, (), None)] * 2
    assert [memory.kinds(contact_id)[-1] for contact_id in ("c-1", "c-2", "c-3")] == ["authz_fail view_usernames"] * 3
    assert "sensitive_read.username import" not in memory.kinds()


def test_whose_user_names_a_plan_told_is_on_the_record(memory: Portal) -> None:
    """R16, R17: a plan by user name is a look-up; one by contact id is none."""
    memory.accounts.plan_import(BY_NAME, OFFICE)
    event = memory.store.events()[-2]
    assert (event.kind, event.operator_id, event.count, event.reason) == (
        AuditKind.USERNAME_VIEWED,
        "office",
        3,
        "import",
    )
    before = memory.store.events()
    memory.accounts.plan_import([("c-1", DJANGO), ("c-9", DJANGO)], OFFICE)
    assert memory.store.events() == before


def test_who_confirms_another_one_s_plan_is_asked_for_the_privilege_too(memory: Portal) -> None:
    """R16: the report tells the one who pressed OK no more of a user name than a plan of their own would."""
    other = Operator(operator_id="other")
    granted = {"office": list(Privilege), "other": list(BLIND.privileges["office"])}
    portal = memory.with_parts(authorizer=Grants(privileges=granted))
    plan = portal.accounts.plan_import([*BY_NAME, {"username": "suharto", "password_hash": None}], OFFICE)
    report = portal.accounts.apply_import(plan.confirm(other))
    hidden = (ImportOutcome.CANNOT, ImportReason.NOT_PERMITTED)
    nobody = (ImportOutcome.CANNOT, ImportReason.NO_ACCOUNT)
    assert outcomes(report) == [hidden, nobody, hidden, hidden, IMPORTED, hidden]
    assert [item.item.contact_id for item in report if item.item.username is not None] == [None] * 5
    assert memory.account("c-1").credential.epoch == 0
    memory.accounts.apply_import(memory.accounts.plan_import(BY_NAME, OFFICE).confirm(NOBODY))


@pytest.mark.parametrize("username", ["suharto", "nobody.here", "tab\there", "c-1"])
def test_a_row_that_names_two_people_is_imported_for_neither(memory: Portal, username: str) -> None:
    """R18: a sheet whose columns slipped gives nobody another one's password."""
    memory.accounts.sync_contacts([Contact(contact_id=ContactId("n-1"), last_name="Li")], OFFICE)
    rows = [{"contact_id": each, "username": username, "password_hash": DJANGO} for each in ("c-1", "n-1")]
    told = (ImportOutcome.CANNOT, ImportReason.USERNAME_DIFFERS)
    assert outcomes(import_hashes(memory, rows)) == [told, told]
    assert [memory.account(each).credential.epoch for each in ("c-1", "n-1", "c-4")] == [0, 0, 0]


def test_the_privilege_is_one_of_its_own(memory: Portal) -> None:
    """R16: who syncs and sets passwords does not import."""
    others = Grants(privileges={"office": [each for each in Privilege if each is not Privilege.IMPORT]})
    plan = memory.with_parts(authorizer=others).accounts.plan_import([("c-1", DJANGO)], OFFICE)
    assert reasons(plan) == [("cannot", ImportReason.NOT_PERMITTED)]


# -- OK


def test_ok_on_what_is_no_longer_so_imports_nothing(memory: Portal) -> None:
    """R11: the contact chose a password between showing and OK in another request."""
    issued(memory)
    rows = [("c-1", DJANGO), ("c-2", DJANGO)]
    seen = memory.accounts.plan_import(rows, OFFICE).fingerprint
    assert memory.accounts.plan_import(rows, OFFICE).fingerprint == seen
    memory.choose("c-1")
    fresh = memory.accounts.plan_import(rows, OFFICE)
    assert isinstance(fresh.confirm(OFFICE, fingerprint=seen), PlanChanged)
    assert isinstance(fresh.confirm(OFFICE, fingerprint=fresh.fingerprint), ConfirmedPlan)
    for other in ({"replace": True}, {"force_change": "moved"}):
        assert memory.accounts.plan_import(rows, OFFICE, **other).fingerprint != fresh.fingerprint


class Asked:
    """Verifies Django's hashes, and counts what it is asked to read."""

    is_slow = True

    def __init__(self) -> None:
        self.read = 0
        self._verifier = SystemVerifier("django")

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Count it."""
        self.read += 1
        return self._verifier.identify(password_hash)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """Count it."""
        self.read += 1
        return self._verifier.verify(password, password_hash)

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Count it."""
        self.read += 1
        return self._verifier.describe(password_hash)


def test_each_hash_is_read_once(memory: Portal) -> None:
    """A district's hashes take seconds: what the plan was told of them, its import goes by."""
    asked = Asked()
    with able_to_verify(memory, asked) as able:
        assert outcomes(import_hashes(able, [("c-1", DJANGO), ("c-2", OTHER)])) == [IMPORTED, IMPORTED]
    assert asked.read == 2


def test_another_hasher_looks_for_itself(memory: Portal) -> None:
    """R10: what the hasher cannot verify is not stored, whoever made the plan."""
    plan = memory.accounts.plan_import([("c-1", DJANGO)], OFFICE)
    with able_to_verify(memory, SystemVerifier("mysql")) as other:
        report = other.accounts.apply_import(plan.confirm(OFFICE))
    assert outcomes(report) == [(ImportOutcome.CANNOT, ImportReason.HASH_UNKNOWN)]
    assert memory.account("c-1").credential.epoch == 0


@pytest.mark.parametrize(
    "forge",
    [
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, replace=True)),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, force_change="no")),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, items=ok.plan.items[:1])),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, hashes=other_hashes(ok.plan))),
        lambda ok: attrs.evolve(ok, plan=attrs.evolve(ok.plan, items=None)),
        lambda ok: attrs.evolve(ok, key="other"),
        lambda ok: attrs.evolve(ok, operator=NOBODY),
        lambda ok: ok.plan,
        lambda ok: None,
    ],
    ids=["replace", "force", "items", "hashes", "no items", "key", "operator", "not confirmed", "none"],
)
def test_a_plan_that_was_changed_after_ok_is_refused(memory: Portal, forge: Callable[[Any], Any]) -> None:
    """R11: what the operator said yes to is what is written, the hashes that nobody saw included."""
    confirmed = memory.accounts.plan_import([("c-1", DJANGO), ("c-2", DJANGO)], OFFICE).confirm(OFFICE)
    with pytest.raises(ConfigurationError, match=r"pass what ImportPlan\.confirm"):
        memory.accounts.apply_import(forge(confirmed))
    assert memory.account("c-1").credential.epoch == 0


def other_hashes(plan: Any) -> Any:
    """Return what a plan keeps, with another hash in it."""
    return type(plan._hashes)({1: PasswordHash(OTHER), 2: PasswordHash(OTHER)})


def test_a_reset_s_plan_is_no_import_s(memory: Portal) -> None:
    """R11: OK on one thing is not OK on another."""
    reset: Any = memory.resets.plan(["c-1"], OFFICE).confirm(OFFICE)
    imported: Any = memory.accounts.plan_import([("c-1", DJANGO)], OFFICE).confirm(OFFICE)
    with pytest.raises(ConfigurationError):
        memory.accounts.apply_import(reset)
    with pytest.raises(ConfigurationError):
        memory.resets.start(imported)


def test_an_old_ok_is_refused(memory: Portal) -> None:
    """R11: what was shown a day ago is planned again, under the same key."""
    confirmed = memory.accounts.plan_import([("c-1", DJANGO)], OFFICE).confirm(OFFICE)
    memory.clock.move(hours=25)
    with pytest.raises(ConfigurationError, match="24 hours"):
        memory.accounts.apply_import(confirmed)


def test_what_the_portal_of_today_cannot_verify_is_not_stored(memory_portal: Portal) -> None:
    """R10, R11: a plan that was made with another configuration gives nobody a hash that no password ever matches."""
    rows = [("c-1", DJANGO), ("c-2", MD5)]
    with able_to_verify(memory_portal) as portal:
        confirmed = portal.accounts.plan_import(rows, OFFICE).confirm(OFFICE)
    with able_to_verify(memory_portal, SystemVerifier("phpass")) as portal:
        unknown = (ImportOutcome.CANNOT, ImportReason.HASH_UNKNOWN)
        assert outcomes(portal.accounts.apply_import(confirmed)) == [unknown, unknown]
    with able_to_verify(memory_portal, SystemVerifier("django", "digests")) as portal:
        # It was shown as wrapped.
        report = portal.accounts.apply_import(confirmed)
    assert outcomes(report) == [IMPORTED, (ImportOutcome.SKIPPED, ImportReason.CHANGED_MEANWHILE)]
    assert memory_portal.account("c-2").credential.password_hash is None


def test_progress_counts_up_to_the_number_of_rows(memory: Portal) -> None:
    """R12: a bar that is wrapped around an import ends full, also where rows were skipped or cannot be imported."""
    settled(memory, "c-2")
    plan = memory.accounts.plan_import([("c-1", DJANGO), ("c-2", DJANGO), ("c-9", DJANGO), ("c-3", MD5)], OFFICE)
    seen: list[Any] = []
    report = memory.accounts.apply_import(plan.confirm(OFFICE), progress=seen.append)
    assert seen == list(report)
    assert len(report) == len(plan) == 4


# -- secrets and parts


def test_a_plan_and_a_report_show_no_hash(memory: Portal) -> None:
    """R14: neither its text, nor its records, nor the table in a notebook; a plan is not pickled or copied."""
    plan = memory.accounts.plan_import([("c-1", DJANGO), ("c-2", MD5), ("c-3", "!x")], OFFICE)
    confirmed = plan.confirm(OFFICE)
    report = memory.accounts.apply_import(confirmed)
    shown = [
        f"{each!r} {each} {each.to_records()} {each._repr_html_()} {[repr(item) for item in each]}"
        for each in (plan, report)
    ]
    told = " ".join([*shown, repr(confirmed), repr(attrs.asdict(report)), repr(pickle.dumps(report))])
    for secret in (DJANGO, MD5.encoded, "BVVWDuw4071T5BwlcD3kfHRsxrxbLBkiihVUKOgEMac", "self-test"):
        assert secret not in told
    assert plan.to_records()[1] == {
        "row": "2",
        "contact_id": "c-2",
        "username": None,
        "scheme": "md5",
        "cost": "",
        "key_id": None,
        "wrapped": "yes",
        "decision": "will_import",
        "reason": None,
        "warnings": "",
    }
    assert report.to_records()[0]["outcome"] == "imported"
    for take in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="make it again from the rows"):
            take(plan)


def test_a_portal_whose_hasher_says_nothing_imports_nothing(memory_portal: Portal) -> None:
    """A hasher of the host's need not describe hashes; the error says what to pass."""
    service = AccountService(memory_portal.store, authorizer=memory_portal.authorizer, throttle=memory_portal.throttle)
    with pytest.raises(ConfigurationError) as refused:
        service.plan_import([("c-1", DJANGO)], OFFICE)
    assert refused.value.argument == "hasher"
    silent = watched(memory_portal.hasher, lambda *_: None)
    hidden = SimpleNamespace(admit=silent.admit, hash_issued=silent.hash_issued, denial_floor=silent.denial_floor)
    with pytest.raises(ConfigurationError):
        memory_portal.with_parts()._over(hidden).accounts.plan_import([("c-1", DJANGO)], OFFICE)


@pytest.mark.parametrize(
    "rows",
    [
        *(None, 5, "c-1", b"x", {"c-1": DJANGO}, [None], ["ab"], [("c-1",)], [{"id": 1}], [object()]),
        [driver_row(id="c-1", hash=DJANGO)],
    ],
)
def test_what_is_no_table_of_rows_is_refused(memory: Portal, rows: Any) -> None:
    """R23: a frame, a mapping or a column that is called something else is a mistake of the program's."""
    with pytest.raises(InvalidValueError, match="password_hash") as refused:
        memory.accounts.plan_import(rows, OFFICE)
    assert refused.value.field == "rows"


@pytest.mark.parametrize("reason", ["", " moved", "x" * 65, "verschoben für immer é", 5, True])
def test_a_reason_that_no_row_can_hold_is_refused(memory: Portal, reason: Any) -> None:
    """R23: before anything is read."""
    with pytest.raises(InvalidValueError) as refused:
        memory.accounts.plan_import([("c-1", DJANGO)], OFFICE, force_change=reason)
    assert refused.value.field == "force_change"


def test_a_hash_under_a_key_that_is_there_is_imported(memory_portal: Portal) -> None:
    """A table of another portal with a pepper moves in with its keys; without them the plan says which is missing."""
    ring = KeyRing(current="k9", keys={"k9": b"0123456789abcdef"})
    peppered = Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring)
    stored = peppered.hash(Secret(GOOD_PASSWORD))
    with able_to_verify(memory_portal) as portal:
        (item,) = portal.accounts.plan_import([("c-1", stored)], OFFICE)
        assert item.reason is ImportReason.MISSING_KEY
        assert item.hash is not None
        assert (item.hash.key_id, item.hash.scheme, item.hash.cost) == ("k9", "argon2id", "m=16,t=1,p=1")


def test_importing_is_a_step_that_no_disabled_account_takes() -> None:
    """R3: the account itself refuses, whatever a service forgot."""
    account = Account(contact=FAMILY[0], username=USERNAMES["c-1"])
    for off in (account.disable(), account.erase(erased_at=START)):
        with pytest.raises(WrongStateError, match="import a hash"):
            off.import_hash(PasswordHash(DJANGO), import_id="i", imported_by="office", imported_at=START)
    with pytest.raises(InvalidValueError):
        account.import_hash(
            PasswordHash(DJANGO), import_id="i", imported_by="office", imported_at=START, change_required_by=""
        )
