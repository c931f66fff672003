"""Nobody who is denied learns why: every denial looks the same, and costs the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from portal import (
    FAMILY,
    GOOD_PASSWORD,
    OFFICE,
    OTHER_PASSWORD,
    USERNAMES,
    Portal,
    issued,
    open_portal,
    settled,
    watched,
)
from portalcreds.accounts import Account
from portalcreds.audit import AuditEvent
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import PasswordChangeRequired, SignedIn, SignInDenied
from portalcreds.stores._drivers.cursors import CursorStatements
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher
from sign_in.writing import TIGHT, write


def stored_hash(portal: Portal, contact_id: str = "c-1") -> str:
    """Return the stored hash's text."""
    stored = portal.account(contact_id).credential.password_hash
    assert stored is not None
    return stored.encoded


Typed = tuple[Any, Any]
"""A user name and a password as they were typed; Any, for what a form sends may be of any type."""


def guess_wrong(portal: Portal, username: str, times: int) -> None:
    """Guess wrong so often."""
    for _ in range(times):
        portal.sign_ins.sign_in(username, "a wrong password")


def _wrong_for_chosen(portal: Portal) -> Typed:
    settled(portal)
    return "rabbiatici", "not the password"


def _wrong_for_default(portal: Portal) -> Typed:
    issued(portal)
    return "rabbiatici", "abbiaticir"


def _disabled(portal: Portal) -> Typed:
    settled(portal)
    portal.accounts.disable("c-1", OFFICE)
    return "rabbiatici", GOOD_PASSWORD


def _disabled_default(portal: Portal) -> Typed:
    issued(portal)
    portal.accounts.disable("c-1", OFFICE)
    return "rabbiatici", "AbbiaticiR"


def _erased(portal: Portal) -> Typed:
    settled(portal)
    portal.accounts.erase("c-1", OFFICE)
    return "rabbiatici", GOOD_PASSWORD


def _restored(portal: Portal) -> Typed:
    _erased(portal)
    portal.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES, restore_erased=True)
    return "rabbiatici", GOOD_PASSWORD


def _spent_default(portal: Portal) -> Typed:
    issued(portal)
    guess_wrong(portal, "rabbiatici", 2)
    return "rabbiatici", "AbbiaticiR"


def _spent_chosen(portal: Portal) -> Typed:
    settled(portal)
    guess_wrong(portal, "rabbiatici", 2)
    return "rabbiatici", GOOD_PASSWORD


def _expired_and_wrong(portal: Portal) -> Typed:
    issued(portal)
    portal.clock.move(days=14)
    return "rabbiatici", "wrong"


def _replaced_default(portal: Portal) -> Typed:
    settled(portal)
    return "rabbiatici", "AbbiaticiR"


def _with_hash(encoded: str, password: str = GOOD_PASSWORD) -> Callable[[Portal], Typed]:
    def prepare(portal: Portal) -> Typed:
        write(portal, encoded)
        return "rabbiatici", password

    return prepare


def _passing_the_hash(portal: Portal) -> Typed:
    settled(portal)
    return "rabbiatici", stored_hash(portal)


def _typed(username: Any, password: Any) -> Callable[[Portal], Typed]:
    def prepare(portal: Portal) -> Typed:
        settled(portal)
        return username, password

    return prepare


_SALT_AND_TAG = "MDEyMzQ1Njc4OWFiY2RlZg$dxM42BlXPGcRaznheIro4EsOsM+d+7/i5tdGzz5GT8c"
DENIALS: dict[str, tuple[Callable[[Portal], Typed], str]] = {
    "absent": (_typed("nobody", GOOD_PASSWORD), "no_account"),
    "never issued": (lambda portal: ("rabbiatici", "AbbiaticiR"), "never_issued"),
    "wrong for chosen": (_wrong_for_chosen, "wrong_password"),
    "wrong for default": (_wrong_for_default, "wrong_password"),
    "disabled": (_disabled, "disabled"),
    "disabled default": (_disabled_default, "disabled"),
    "erased": (_erased, "no_account"),
    "restored": (_restored, "never_issued"),
    "spent default": (_spent_default, "spent"),
    "spent chosen": (_spent_chosen, "spent"),
    "expired and wrong": (_expired_and_wrong, "wrong_password"),
    "replaced default": (_replaced_default, "wrong_password"),
    "pass the hash": (_passing_the_hash, "wrong_password"),
    "corrupt hash": (_with_hash("corrupt"), "hash_unknown"),
    "empty hash": (_with_hash(""), "hash_unknown"),
    "plaintext hash": (_with_hash(GOOD_PASSWORD), "hash_unknown"),
    "legacy hash": (_with_hash("5f4dcc3b5aa765d61d8327deb882cf99", "password"), "hash_unknown"),
    "surrogate in hash": (_with_hash("$argon2id$é"), "hash_refused"),
    "memory bomb": (_with_hash(f"$argon2id$v=19$m=4194304,t=3,p=4${_SALT_AND_TAG}"), "hash_refused"),
    "time bomb": (_with_hash(f"$argon2id$v=19$m=8,t=4294967295,p=1${_SALT_AND_TAG}"), "hash_refused"),
    "lanes bomb": (_with_hash(f"$argon2id$v=19$m=65536,t=1,p=16777215${_SALT_AND_TAG}"), "hash_refused"),
    "password too long": (_typed("rabbiatici", "x" * 1_000_000), "password_too_long"),
    "marks too many": (_typed("rabbiatici", "a" + "\u0301\u0323" * 100_000), "password_too_long"),
    "password empty": (_typed("rabbiatici", ""), "password_empty"),
    "password with control": (_typed("rabbiatici", GOOD_PASSWORD + "\x00"), "password_control_character"),
    "password with surrogate": (_typed("rabbiatici", "\ud800" + GOOD_PASSWORD), "password_surrogate"),
    "password None": (_typed("rabbiatici", None), "password_empty"),
    "password int": (_typed("rabbiatici", 0), "password_empty"),
    "password bytes": (_typed("rabbiatici", GOOD_PASSWORD.encode()), "password_empty"),
    "password list": (_typed("rabbiatici", [GOOD_PASSWORD]), "password_empty"),
    "password object": (_typed("rabbiatici", object()), "password_empty"),
    "name too long": (_typed("rabbiatici" + " " * 1_000_000, GOOD_PASSWORD), "no_account"),
    "name of marks": (_typed("\ufdfa" * 100_000, GOOD_PASSWORD), "no_account"),
    "name empty": (_typed("", GOOD_PASSWORD), "no_account"),
    "name blank": (_typed(" \u3000", GOOD_PASSWORD), "no_account"),
    "name with control": (_typed("rabbiatici\x00", GOOD_PASSWORD), "no_account"),
    "name with surrogate": (_typed("rabbiatici\udc80", GOOD_PASSWORD), "no_account"),
    "name None": (_typed(None, GOOD_PASSWORD), "no_account"),
    "name int": (_typed(1, GOOD_PASSWORD), "no_account"),
    "name bytes": (_typed(b"rabbiatici", GOOD_PASSWORD), "no_account"),
    "name is SQL": (_typed("' OR 1=1 --", GOOD_PASSWORD), "no_account"),
    "name is a pattern": (_typed("rabbiatic_", GOOD_PASSWORD), "no_account"),
    "name is the id": (_typed("c-1", GOOD_PASSWORD), "no_account"),
    "confusable name": (_typed("rabbıatici", GOOD_PASSWORD), "no_account"),
}


@attrs.define
class Expense:
    """What a service did: hashing at each cost, and its calls of the store and the counter in order."""

    chosen: CountingHasher
    issued: CountingHasher
    calls: list[str] = attrs.field(factory=list)

    def reset(self) -> None:
        """Count from 0 again."""
        self.chosen.reset()
        self.issued.reset()
        self.calls.clear()


@pytest.fixture
def expense() -> Expense:
    """Nothing done yet."""
    return Expense(CountingHasher(Argon2Hasher(CHEAPEST_CHOSEN)), CountingHasher(Argon2Hasher(CHEAPEST_ISSUED)))


@pytest.fixture
def measured(portal: Portal, expense: Expense) -> Iterator[Portal]:
    """A portal over each store, of which every hash and every call is counted, and two guesses spend a credential."""

    def note(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
        if phase == "before":
            expense.calls.append(name)

    portal.store = watched(portal.store, note)
    portal.counter = watched(portal.counter, note)
    with UpgradingHasher(chosen=expense.chosen, issued=expense.issued) as hasher:
        yield portal.with_parts(limits=TIGHT, sign_in_hasher=hasher)


@pytest.mark.parametrize("reason", DENIALS)
def test_every_denial_looks_and_costs_the_same(measured: Portal, expense: Expense, reason: str) -> None:
    """One outcome, one chosen-cost and one issued-cost hash, the same calls of store and counter (R7)."""
    measured.sign_ins.sign_in("somebody else", "guess", source="192.0.2.7")
    absent = list(expense.calls)
    prepare, recorded = DENIALS[reason]
    username, password = prepare(measured)
    for path in ("sign in", "change"):
        expense.reset()
        if path == "sign in":
            outcome: object = measured.sign_ins.sign_in(username, password, source="192.0.2.7")
        else:
            outcome = measured.sign_ins.change_password(username, password, OTHER_PASSWORD, source="192.0.2.7")
        assert repr(outcome) == "SignInDenied()"
        assert outcome == SignInDenied()
        assert (expense.chosen.work, expense.issued.work) == (1, 1)
        assert (expense.chosen.hashes, expense.issued.hashes) == (0, 0)
        assert expense.calls == absent
        # The second wrong guess may be the one that spends the credential: then it was the cap that was looked at.
        (failed, *_) = [kind for kind in measured.kinds()[-3:] if kind.startswith("authn_login_fail")][-1:]
        assert failed == f"authn_login_fail {recorded}"
        assert measured.store.events()[-1].source == "192.0.2.7"


def test_every_denial_asks_the_database_as_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No count of statements, and no time that they take, tells whether there is such an account (R7)."""
    executed: list[str] = []
    for name in ("execute", "execute_rows", "execute_each"):
        plain = getattr(CursorStatements, name)

        def counted(statements: Any, sql: str, *rest: Any, plain: Any = plain) -> Any:
            executed.append(sql)
            return plain(statements, sql, *rest)

        monkeypatch.setattr(CursorStatements, name, counted)
    with open_portal("sqlite", tmp_path) as portal:
        settled(portal)
        portal.accounts.disable(settled(portal, "c-3").contact_id, OFFICE)
        issued(portal, "c-2")
        portal.clock.move(days=14)
        asked = []
        for username in ("nobody", "rabbiatici", "avdberg", "PObrien", "suharto", "somebody else", "a" * 300):
            executed.clear()
            assert portal.sign_ins.sign_in(username, "a wrong password") == SignInDenied()
            asked.append(list(executed))
    assert len(asked[0]) > 10
    assert asked == [asked[0]] * len(asked)


def test_a_hash_of_other_parameters_is_denied_like_any_other(measured: Portal, expense: Expense) -> None:
    """A slow hash cannot cost the same, but it hides nothing behind less than what everybody costs (R7)."""
    other = attrs.evolve(CHEAPEST_CHOSEN, memory_kib=32)
    write(measured, Argon2Hasher(other).hash(Secret(GOOD_PASSWORD)), "imported")
    expense.reset()
    assert repr(measured.sign_ins.sign_in("rabbiatici", "wrong")) == "SignInDenied()"
    assert expense.chosen.work >= 1
    assert expense.issued.work == 1


def test_a_success_costs_one_hash(measured: Portal, expense: Expense) -> None:
    """Only denials are made equal: a right password stops early (R7)."""
    settled(measured)
    expense.reset()
    assert isinstance(measured.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)
    assert (expense.chosen.work, expense.issued.work) == (1, 0)
    issued(measured)
    expense.reset()
    assert isinstance(measured.sign_ins.sign_in("rabbiatici", "AbbiaticiR"), PasswordChangeRequired)
    assert (expense.chosen.work, expense.issued.work) == (0, 1)


@pytest.mark.parametrize("typed", ["nobody", "my secret password", "a\x00b", ""])
def test_nothing_typed_for_an_absent_user_name_is_on_the_record(portal: Portal, typed: str) -> None:
    """People type passwords into the field above: the record says that somebody failed, and no more (R7, R17)."""
    before = len(portal.store.events())
    portal.sign_ins.sign_in(typed, "guess", source="192.0.2.7")
    (event,) = portal.store.events()[before:]
    assert event == AuditEvent(
        kind="authn_login_fail",
        at=portal.clock(),
        reason="no_account",
        source="192.0.2.7",
        event_id=event.event_id,
    )


def test_a_store_that_folds_more_than_we_do_finds_nobody(portal: Portal) -> None:
    """What a collation matched is compared again here, and denied like an absent name (R18)."""
    settled(portal)
    rosa = portal.account("c-1")

    class Folding:
        def __getattr__(self, name: str) -> Any:
            return getattr(portal.store, name)

        def find_by_username(self, username_key: str, /) -> Account | None:
            return rosa if username_key == "rabbiaticí" else portal.store.find_by_username(username_key)

    store: Any = Folding()
    folding = attrs.evolve(portal, store=store)
    assert folding.sign_ins.sign_in("rabbiaticí", GOOD_PASSWORD) == SignInDenied()
    assert portal.kinds()[-1] == "authn_login_fail no_account"
    assert isinstance(folding.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("typed", ["rabbiatici", "RABBIATICI", "  Rabbiatici ", "ｒａｂｂｉａｔｉｃｉ"])
def test_a_user_name_is_matched_by_its_key(portal: Portal, typed: str) -> None:
    """Case, width and outer blanks of a user name make no difference (R18)."""
    settled(portal)
    assert isinstance(portal.sign_ins.sign_in(typed, GOOD_PASSWORD), SignedIn)


@pytest.mark.parametrize("secret", [False, True])
def test_a_password_is_verified_whole_and_as_typed(portal: Portal, secret: bool) -> None:
    """No case, blank or character of a password is overlooked; only its normal form is (R18, ASVS 6.2.8)."""
    chosen = "  Ünder the Ångström bridge " + "x" * 200
    settled(portal, password=chosen)
    wrong = [chosen[:i] + chosen[i].swapcase() + chosen[i + 1 :] for i in range(len(chosen)) if chosen[i].isalpha()]
    for guess in (*wrong[:6], *wrong[-3:], chosen.strip(), chosen[:-1], chosen + " ", chosen + "x"):
        portal.accounts.unlock("c-1", OFFICE)
        assert portal.sign_ins.sign_in("rabbiatici", Secret(guess) if secret else guess) == SignInDenied()
    portal.accounts.unlock("c-1", OFFICE)
    for same in (chosen, chosen.replace("Å", "A\u030a"), chosen.replace(" ", "\u00a0")):
        outcome = portal.sign_ins.sign_in("rabbiatici", Secret(same) if secret else same)
        assert isinstance(outcome, SignedIn)
