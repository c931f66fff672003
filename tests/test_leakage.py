"""Nothing that was typed at a form, and no hash, gets to where people and programs read along."""

from __future__ import annotations

import copy
import logging
import pickle
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import attrs
import pytest

import portalcreds
from administration.importing import DJANGO, able_to_verify
from portal import GOOD_PASSWORD, OFFICE, USERNAMES, Portal, issued, open_portal, ticket_of, watched
from portalcreds.account_queries import AccountQuery
from portalcreds.accounts import WITHHELD, Account
from portalcreds.audit import AuditEvent
from portalcreds.default_passwords import RandomReadable
from portalcreds.exceptions import InvalidValueError, StoreError, StoreUnavailableError, TransactionAborted
from portalcreds.hashers import Argon2Hasher, UpgradingHasher
from portalcreds.hashers.legacy import digest_hash
from portalcreds.protocols import Change
from portalcreds.secret import Secret
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordChangeRequired, SignedIn
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED

LIBRARY = str(Path(portalcreds.__file__).parent)
PASSWORD = "Kanarienvogel-åuf-dem-Dach-9173"
WRONG = "Kanarienvogel-im-Keller-4406"
NEW = "Kanarienvögel-überall-2958!"
NOBODY = "kanarienvogel.nobody.5521"
"""What is looked for everywhere. Each of them is typed somewhere below."""

Step = Callable[[Portal], object]


@attrs.define
class Canaries:
    """What must not be found, and all that was said where it could be."""

    texts: set[str] = attrs.field(factory=lambda: {PASSWORD, WRONG, NEW, NOBODY, NOBODY.upper()})
    said: list[str] = attrs.field(factory=list)
    frames: list[str] = attrs.field(factory=list)
    outcomes: list[object] = attrs.field(factory=list)

    def keep_secret(self, account: Account) -> None:
        """Look for this account's hash, its salt and its tag as well."""
        stored = account.credential.password_hash
        assert stored is not None
        self.texts |= {stored.encoded, *stored.encoded.split("$")[-2:]}

    def hear(self, text: object) -> None:
        """Keep what was said, printed in every way."""
        self.said += [repr(text), str(text), f"{text}"]

    def hear_error(self, error: BaseException) -> None:
        """Keep what an error says, its causes and contexts, and the variables in the library's frames."""
        seen: set[int] = set()
        errors: list[BaseException | None] = [error]
        while errors:
            one = errors.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            self.hear(one)
            self.said += [repr(one.args), repr(vars(one)), *getattr(one, "__notes__", ())]
            errors += [one.__cause__, one.__context__]
            for frame, _ in traceback.walk_tb(one.__traceback__):
                if frame.f_code.co_filename.startswith(LIBRARY):
                    self.frames += map(repr, frame.f_locals.values())

    def attempt(self, step: Callable[[], object]) -> None:
        """Take a step, and hear what comes of it: an outcome or an error."""
        try:
            outcome = step()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  Whatever it is, it is looked into.
            self.hear_error(error)
        else:
            self.outcomes.append(outcome)
            self.hear(outcome)

    def found(self) -> set[str]:
        """Return the canaries that were heard, as they are or as Python, JSON or UTF-8 bytes write them."""
        said, frames = "\n".join(self.said), "\n".join(self.frames)
        # A user name as typed is its caller's own argument, so that frames are searched for the secrets alone.
        return {
            text
            for text in self.texts
            for form in (text, ascii(text)[1:-1], repr(text.encode())[2:-1])
            if form in said or (text.lower() != NOBODY and form in frames)
        }


@pytest.fixture
def canaries(caplog: pytest.LogCaptureFixture) -> Iterator[Canaries]:
    """The canaries, with every logger turned up."""
    with caplog.at_level(logging.DEBUG):
        heard = Canaries()
        yield heard
        heard.said.append(caplog.text)
        assert heard.said
        assert heard.found() == set()


def test_a_canary_is_heard_wherever_it_sings(memory_portal: Portal) -> None:
    """What the tests below rest on: a text, an argument, a cause and a variable of a frame are all found."""

    def raising_from(text: str) -> None:
        raise RuntimeError from ValueError(text)

    def fail(_phase: str, _name: str, _arguments: tuple[Any, ...]) -> None:
        raise ValueError

    failing = attrs.evolve(memory_portal, store=watched(memory_portal.store, fail)).sign_ins
    steps: dict[str, Callable[[], object]] = {
        PASSWORD: lambda: PASSWORD,
        WRONG: lambda: raising_from(WRONG),
        # In no message, but a user name in a frame of the library.
        NEW: lambda: failing.sign_in(NEW, WRONG),
    }
    heard = Canaries()
    for text, step in steps.items():
        heard.texts = {text}
        heard.attempt(step)
        assert heard.found() == {text}


def go_the_whole_way(portal: Portal, canaries: Canaries) -> None:
    """Call everything that is public, right, wrong and absurd."""
    sign_ins = portal.sign_ins

    def attempt(step: Callable[..., object], *arguments: object) -> object:
        canaries.attempt(lambda: step(*arguments))
        return canaries.outcomes[-1] if canaries.outcomes else None

    attempt(sign_ins.sign_in, "rabbiatici", WRONG)
    attempt(sign_ins.sign_in, NOBODY, PASSWORD)
    attempt(sign_ins.sign_in, NOBODY.upper(), WRONG)
    attempt(sign_ins.sign_in, NOBODY + "\x00", WRONG + "\ud800")
    attempt(sign_ins.sign_in, NOBODY * 20, WRONG * 200)
    attempt(sign_ins.sign_in, NOBODY, [PASSWORD])
    attempt(sign_ins.change_password, "rabbiatici", PASSWORD, WRONG)
    attempt(sign_ins.complete_change, f"c-1.{PASSWORD}", NEW)
    attempt(sign_ins.complete_change, PASSWORD, NEW)
    demanded = attempt(sign_ins.sign_in, "rabbiatici", PASSWORD)
    if isinstance(demanded, PasswordChangeRequired):
        ticket = demanded.ticket.reveal()
        canaries.texts |= {ticket, ticket.partition(".")[2]}
        for refused in (PASSWORD, f"{NEW}\t", f"{NEW}\ud800", NEW * 40):
            attempt(sign_ins.complete_change, ticket, refused)
        attempt(sign_ins.complete_change, ticket, NEW)
    attempt(sign_ins.sign_in, "rabbiatici", NEW)
    attempt(sign_ins.change_password, "rabbiatici", NEW, NEW)
    attempt(sign_ins.change_password, "rabbiatici", NEW, f"{PASSWORD} again")
    canaries.hear(sign_ins)
    canaries.hear(portal.throttle)


def prepared(portal: Portal, canaries: Canaries) -> Portal:
    """Give the account a password that has to be changed and whose hash is an old one."""
    issued(portal)
    old = portal.account("c-1")
    older = Argon2Hasher(attrs.evolve(CHEAPEST_CHOSEN, memory_kib=24)).hash(Secret(PASSWORD))
    canaries.attempt(lambda: portal.store.apply([Change(old=old, new=old.choose(older, changed_at=portal.clock()))]))
    portal.accounts.require_change("c-1", OFFICE, reason="policy")
    canaries.keep_secret(portal.account("c-1"))
    return portal


def heard_from(portal: Portal, canaries: Canaries) -> None:
    """Hear what is on the record."""
    for event in portal.store.events():
        canaries.hear(event)
        canaries.said.append(event.line())


def test_nothing_leaks_when_all_goes_well(portal: Portal, canaries: Canaries) -> None:
    """No outcome, event, log line or repr holds a password, hash, ticket or unknown user name (R7, R14)."""
    prepared(portal, canaries)
    go_the_whole_way(portal, canaries)
    assert {PasswordChangeRequired, PasswordChanged, SignedIn} <= {type(outcome) for outcome in canaries.outcomes}
    heard_from(portal, canaries)


@pytest.mark.parametrize("name", ["find", "find_by_username", "apply", "record", "hit", "counts", "clear"])
@pytest.mark.parametrize(
    "error",
    [StoreError, StoreUnavailableError, TransactionAborted, ValueError, KeyboardInterrupt],
)
def test_nothing_leaks_when_a_call_fails(
    memory_portal: Portal, canaries: Canaries, name: str, error: type[BaseException]
) -> None:
    """Whatever a store or a counter raises at its n-th call, no frame of the library shows a secret (R14)."""
    prepared(memory_portal, canaries)
    for at in (0, 1, 2, 5, 9):
        calls: list[str] = []

        def hook(phase: str, called: str, _arguments: tuple[Any, ...], calls: list[str] = calls, at: int = at) -> None:
            if (phase, called) == ("before", name):
                calls.append(called)
                if len(calls) > at:
                    raise error("x")

        failing = attrs.evolve(
            memory_portal, store=watched(memory_portal.store, hook), counter=watched(memory_portal.counter, hook)
        )
        go_the_whole_way(failing, canaries)
    # An unreachable store is an outcome; of everything else the frames were seen.
    assert canaries.frames or issubclass(error, StoreUnavailableError) or name == "find"
    heard_from(memory_portal, canaries)


@pytest.mark.parametrize("at", range(8))
@pytest.mark.parametrize("table", range(3))
def test_nothing_leaks_out_of_a_database_that_breaks(tmp_path: Path, canaries: Canaries, table: int, at: int) -> None:
    """A driver's own errors quote what they were given: not one of their words gets out (R14)."""
    with open_portal("sqlite", tmp_path) as portal:
        prepared(portal, canaries)
        writes: list[str] = []

        def break_it(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
            if phase == "before" and name in ("apply", "record", "hit"):
                writes.append(name)
                if len(writes) == 1 + 4 * at:
                    with sqlite3.connect(tmp_path / "portal.db") as connection:
                        names = (
                            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'portal_%' ORDER BY name"
                        )
                        tables = [row[0] for row in connection.execute(names)]
                        connection.execute(f"ALTER TABLE {tables[table]} RENAME TO gone")
                    connection.close()

        breaking = attrs.evolve(
            portal, store=watched(portal.store, break_it), counter=watched(portal.counter, break_it)
        )
        go_the_whole_way(breaking, canaries)
    assert any("TablesMissingError" in text for text in canaries.said)


def test_nothing_leaks_out_of_hashing_that_fails(memory_portal: Portal, canaries: Canaries) -> None:
    """What a host's hasher raises may quote the password: only its class's name gets out (R14)."""
    prepared(memory_portal, canaries)

    def quote(phase: str, name: str, arguments: tuple[Any, ...]) -> None:
        if armed and phase == "before" and name in ("hash", "verify"):
            raise ValueError(arguments[0].reveal())

    armed = False
    hashers: dict[str, Any] = {
        "chosen": watched(Argon2Hasher(CHEAPEST_CHOSEN), quote),
        "issued": watched(Argon2Hasher(CHEAPEST_ISSUED), quote),
    }
    with UpgradingHasher(**hashers) as hasher:
        armed = True
        go_the_whole_way(memory_portal.with_parts(sign_in_hasher=hasher), canaries)
        heard_from(memory_portal, canaries)


class _TimedOut:
    """A hasher whose permits are interrupted at the call told of them."""

    def __init__(self, hasher: Any, method: str) -> None:
        self._part = hasher
        self._method = method

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)

    def admit(self, caller: str | None = None, /) -> Any:
        """Return a permit that is interrupted."""

        def interrupt(phase: str, name: str, _arguments: tuple[Any, ...]) -> None:
            if (phase, name) == ("before", self._method):
                raise TimeoutError

        return _Permit(self._part.admit(caller), interrupt)


class _Permit:
    def __init__(self, permit: Any, hook: Callable[..., None]) -> None:
        self._permit = permit
        self._watched = watched(permit, hook)

    def __enter__(self) -> Any:
        self._permit.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._permit.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watched, name)


@pytest.mark.parametrize("method", ["check", "matches", "hash_chosen"])
def test_nothing_leaks_out_of_a_request_that_times_out(memory_portal: Portal, canaries: Canaries, method: str) -> None:
    """A web server's time-out comes out of whatever is hashing, and error pages show the frames' variables (R14)."""
    prepared(memory_portal, canaries)
    hasher = _TimedOut(memory_portal.hasher, method)
    go_the_whole_way(memory_portal.with_parts(sign_in_hasher=hasher), canaries)
    drawing = memory_portal.with_parts(strategy=RandomReadable(), sign_in_hasher=hasher)
    drawn = drawing.resets.reset_password("c-1", OFFICE, reveal=True).secret
    assert drawn is not None
    demanded = memory_portal.sign_ins.sign_in("rabbiatici", drawn)
    assert isinstance(demanded, PasswordChangeRequired)
    canaries.texts |= {NEW.lower(), NEW[:-1]}
    canaries.attempt(lambda: drawing.sign_ins.complete_change(demanded.ticket, NEW))
    assert canaries.frames


def _pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301  Its own bytes.


@pytest.mark.parametrize("copied", [_pickled, copy.deepcopy])
def test_nothing_takes_a_hash_out_of_the_process(portal: Portal, copied: Callable[[Any], Any]) -> None:
    """R14: a host that keeps an account, an outcome or a page of the grid in a session keeps no hash with it."""
    ticket = ticket_of(portal, "rabbiatici", issued(portal))
    changed = portal.sign_ins.complete_change(ticket, GOOD_PASSWORD)
    signed_in = portal.sign_ins.sign_in("rabbiatici", GOOD_PASSWORD)
    assert isinstance(changed, PasswordChanged)
    assert isinstance(signed_in, SignedIn)
    account = portal.account("c-1")
    page = portal.store.search(AccountQuery(now=portal.clock(), words="rabbiatici"))
    holders: list[tuple[Any, Callable[[Any], Account]]] = [
        (changed, attrgetter("account")),
        (signed_in, attrgetter("account")),
        (account, lambda taken: taken),
        (page, lambda taken: taken.accounts[0]),
        ({"account": [account]}, lambda taken: taken["account"][0]),
    ]
    for holder, account_of in holders:
        assert account.credential.password_hash is not None
        assert account.credential.password_hash.encoded.encode() not in pickle.dumps(holder)
        taken = copied(holder)
        assert type(taken) is type(holder)
        assert account_of(taken).credential.password_hash == WITHHELD
        same = attrs.evolve(account_of(taken), credential=account_of(holder).credential)
        assert same == account_of(holder)
        with pytest.raises(InvalidValueError, match="read the account from the store"):
            Change(old=account_of(taken), new=account_of(taken).disable())
    with pytest.raises(InvalidValueError, match="read the account from the store"):
        _pickled(Change(old=account, new=account.disable()))


def test_nothing_leaks_out_of_a_hook_that_fails(portal: Portal, canaries: Canaries) -> None:
    """A hook's error goes on the record by its class's name, whatever it quotes (R14)."""

    def quote(account: Account, event: AuditEvent) -> None:
        stored = account.credential.password_hash
        assert stored is not None
        canaries.keep_secret(account)
        raise ValueError(stored.encoded, NEW, event)

    prepared(portal, canaries)
    go_the_whole_way(portal.with_parts(on_change=quote), canaries)
    heard_from(portal, canaries)
    assert "notification_failed ValueError" in portal.kinds()


@pytest.mark.parametrize("error", [None, StoreError, StoreUnavailableError, TransactionAborted, ValueError])
@pytest.mark.parametrize("name", ["find_by_username", "find_many", "apply"])
def test_nothing_leaks_out_of_an_import(
    memory_portal: Portal, canaries: Canaries, name: str, error: type[BaseException] | None
) -> None:
    """No plan, report, event or error of an import shows a hash, whatever fails and whatever stands in a cell (R14)."""
    digests = ("5f4dcc3b5aa765d61d8327deb882cf99", "0cc175b9c0f1b6a831c399e269772661")
    with able_to_verify(memory_portal) as portal:
        wrapped, plain = digest_hash("md5", digests[0]), f"sha1${PASSWORD}${'ab' * 20}"
        canaries.texts |= {wrapped.encoded, wrapped.encoded.rpartition("$")[2], plain, "ab" * 20, DJANGO, WRONG * 40}
        canaries.texts |= {DJANGO.rpartition("$")[2]}
        rows: list[Any] = [("c-1", wrapped), ("c-2", DJANGO), ("c-3", PASSWORD), ("c-4", WRONG * 40), ("c-4", plain)]
        rows.append({"username": NOBODY, "password_hash": DJANGO})

        def fail(phase: str, called: str, _arguments: tuple[Any, ...]) -> None:
            if error is not None and (phase, called) == ("before", name):
                raise error("x")

        failing = attrs.evolve(portal, store=watched(portal.store, fail)).accounts
        plan = portal.accounts.plan_import(rows, OFFICE)
        canaries.hear(plan)
        canaries.attempt(lambda: failing.plan_import(rows, OFFICE))
        canaries.attempt(lambda: failing.apply_import(plan.confirm(OFFICE)))
        canaries.attempt(lambda: portal.accounts.plan_import([PASSWORD], OFFICE))
        canaries.attempt(lambda: portal.accounts.apply_import(attrs.evolve(plan.confirm(OFFICE), key="other")))
        canaries.hear(portal.accounts)
        canaries.said += [repr(item) for item in plan]
        heard_from(portal, canaries)


def test_no_plaintext_reaches_the_database(tmp_path: Path, canaries: Canaries) -> None:
    """Not a byte of the file holds a password, a ticket or what was typed as an unknown user name (R2, R7, R15)."""
    with open_portal("sqlite", tmp_path) as portal:
        prepared(portal, canaries)
        hashes = {text for text in canaries.texts if text not in (PASSWORD, WRONG, NEW, NOBODY, NOBODY.upper())}
        go_the_whole_way(portal, canaries)
        contents = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert b"rabbiatici" in contents
    plaintexts = canaries.texts - hashes
    assert len(plaintexts) >= 7
    assert [text for text in plaintexts for form in (text, text.lower()) if form.encode() in contents] == []


@pytest.mark.parametrize("take", [pickle.dumps, attrs.asdict, attrs.astuple], ids=["pickle", "asdict", "astuple"])
def test_a_ticket_is_not_taken_along_by_accident(memory_portal: Portal, take: Callable[[Any], object]) -> None:
    """Whoever keeps an outcome in a session or a cache does not keep the ticket in plaintext (R14)."""
    issued(memory_portal)
    outcome = memory_portal.sign_ins.sign_in(USERNAMES["c-1"], "AbbiaticiR")
    assert isinstance(outcome, PasswordChangeRequired)
    text = outcome.ticket.reveal()
    try:
        taken = repr(take(outcome))
    except TypeError as error:
        taken = str(error)
    assert text not in taken
    assert text.partition(".")[2] not in taken


@pytest.mark.parametrize("contact_id", ["line\u2028break", "esc\x1b[31m", "cr\r\nlf"])
def test_an_events_line_is_one_line_of_what_was_handed_in_with_a_ticket(portal: Portal, contact_id: str) -> None:
    """Nobody writes lines of their own into the log through a form (CWE-117)."""
    portal.sign_ins.complete_change(f"{contact_id}.secret", NEW, source=contact_id)
    portal.sign_ins.sign_in(contact_id, NEW, source=contact_id)
    for event in portal.store.events():
        line = event.line()
        assert line.isascii()
        assert line.isprintable()
