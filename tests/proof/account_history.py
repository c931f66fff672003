"""Let threads act on one account, note what each saw, and say what a call may come to in which state."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs

from portal import GOOD_PASSWORD, OFFICE, OTHER_PASSWORD, Portal
from portalcreds._ids import digest
from portalcreds.accounts import Account
from portalcreds.default_passwords import default_password
from portalcreds.exceptions import StaleAccountError, WrongStateError
from portalcreds.sign_in import PasswordChanged, PasswordChangeRequired, SignedIn
from proof.linearizability import Call
from races import at_once

PHRASES: Final = (GOOD_PASSWORD, OTHER_PASSWORD)


@attrs.frozen
class State:
    """All of an account that a caller can tell."""

    password: str
    origin: str
    is_required: bool
    is_active: bool
    ticket: str | None
    epoch: int
    version: int

    @property
    def must_change(self) -> bool:
        """Whether the only thing allowed is to choose a password."""
        return self.origin == "issued" or self.is_required

    @classmethod
    def of(cls, account: Account, password: str) -> State:
        """Return the state of an account with that password."""
        credential = account.credential
        return cls(
            password=password,
            origin=credential.origin.value,
            is_required=credential.change_required_by is not None,
            is_active=account.is_active,
            ticket=credential.ticket_digest,
            epoch=credential.epoch,
            version=account.version,
        )


@attrs.frozen
class Seen:
    """What a caller learns: the class of the outcome, and what of the account it shows."""

    kind: str
    epoch: int | None = None
    version: int | None = None
    ticket: str | None = None


def allowed(state: State, call: Call) -> State | None:
    """Return the state after a call that had that outcome, or None if it could not have had it here."""
    step: Callable[..., State | None] = _STEPS[call.name]
    after = step(state, call.outcome, *call.arguments)
    seen: Seen = call.outcome
    if after is None or not isinstance(seen, Seen):
        return after
    # Nobody may be shown an account as it never was.
    if seen.epoch not in (None, after.epoch) or seen.version not in (None, after.version):
        return None
    return after


def _new_epoch(state: State, **changes: Any) -> State:
    changed = {"epoch": state.epoch + 1, "version": state.version + 1, "ticket": None} | changes
    return attrs.evolve(state, **changed)


def _issue(state: State, seen: Seen, default: str) -> State | None:
    if seen.kind == "set":
        changes = {"password": default, "origin": "issued", "is_required": False}
        return _new_epoch(state, **changes) if state.is_active else None
    # Left alone: disabled, or changed since the plan of the same call.
    return state


def _sign_in(state: State, seen: Seen, password: str) -> State | None:
    is_right = state.is_active and password == state.password
    if seen.kind == "SignedIn":
        return attrs.evolve(state, version=state.version + 1) if is_right and not state.must_change else None
    if seen.kind == "PasswordChangeRequired":
        changed = attrs.evolve(state, ticket=seen.ticket, version=state.version + 1)
        return changed if is_right and state.must_change else None
    if seen.kind == "SignInDenied":
        return None if is_right else state
    return state if seen.kind == "Unavailable" else None


def _complete_change(state: State, seen: Seen, ticket: str, new: str) -> State | None:
    opens = state.is_active and state.must_change and state.ticket == ticket
    if seen.kind == "TicketInvalid":
        return None if opens else state
    if not opens:
        return state if seen.kind == "Unavailable" else None
    if seen.kind == "PasswordChanged":
        changes = {"password": new, "origin": "chosen", "is_required": False}
        return None if new == state.password else _new_epoch(state, **changes)
    return state if seen.kind == "PasswordRefused" and new == state.password else None


def _require_change(state: State, seen: Seen) -> State | None:
    return _new_epoch(state, is_required=True)


def _disable(state: State, seen: Seen) -> State | None:
    return _new_epoch(state, is_active=False) if state.is_active else state


def _enable(state: State, seen: Seen) -> State | None:
    return state if state.is_active else attrs.evolve(state, is_active=True, version=state.version + 1)


def _end_sessions(state: State, seen: Seen) -> State | None:
    return _new_epoch(state)


def _unlock(state: State, seen: Seen) -> State | None:
    return state


def _read(state: State, seen: State) -> State | None:
    return state if attrs.evolve(seen, password=state.password) == state else None


_STEPS: Final[dict[str, Callable[..., State | None]]] = {
    "issue": _issue,
    "sign_in": _sign_in,
    "complete_change": _complete_change,
    "require_change": _require_change,
    "disable": _disable,
    "enable": _enable,
    "end_sessions": _end_sessions,
    "unlock": _unlock,
    "read": _read,
}


_OFTEN: Final = {
    "sign_in": 8,
    "complete_change": 8,
    "issue": 2,
    "require_change": 2,
    "disable": 1,
    "enable": 3,
    "end_sessions": 1,
    "unlock": 1,
    "read": 2,
}
"""How often a thread does what."""


class Recorder:
    """
    Calls services and notes what was seen. Threads share it, and the tickets that any of them was given.

    Args:
        portal: Whose services.
        contact_id: Whose account.
        username: Its user name.
    """

    def __init__(self, portal: Portal, contact_id: str, username: str) -> None:
        self.contact_id = contact_id
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._tickets = ["c-1.never-drawn"]
        self._default = default_password(portal.account(contact_id).contact).reveal()
        accounts, sign_ins = portal.accounts, portal.sign_ins
        self._portal = portal
        self._services: dict[str, Callable[..., Any]] = {
            "issue": lambda default: portal.resets.reset_password(contact_id, OFFICE),
            "sign_in": lambda password: sign_ins.sign_in(username, password),
            "complete_change": lambda ticket, new: sign_ins.complete_change(ticket, new),
            "require_change": lambda: accounts.require_change(contact_id, OFFICE, reason="policy"),
            "disable": lambda: accounts.disable(contact_id, OFFICE),
            "enable": lambda: accounts.enable(contact_id, OFFICE),
            "end_sessions": lambda: accounts.end_sessions(contact_id, OFFICE),
            "unlock": lambda: accounts.unlock(contact_id, OFFICE),
            "read": lambda: State.of(portal.account(contact_id), ""),
        }

    @property
    def state(self) -> State:
        """The account as it is now, on the default."""
        return State.of(self._portal.account(self.contact_id), self._default)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a service, and note it; what kept losing its races has changed nothing."""
        began = time.perf_counter()
        try:
            outcome = self._services[name](*arguments)
        except (StaleAccountError, WrongStateError):
            return
        ended = time.perf_counter()
        seen = outcome if isinstance(outcome, State) else self._seen(outcome)
        if name == "complete_change":
            arguments = (digest(arguments[0]), arguments[1])
        with self._lock:
            self.calls.append(Call(began, ended, name, arguments, seen))

    def act(self, choices: random.Random) -> None:
        """Do one thing at random: mostly what families do."""
        (name,) = choices.choices(list(_OFTEN), list(_OFTEN.values()))
        if name == "sign_in":
            self.call(name, choices.choice((self._default, *PHRASES)))
        elif name == "complete_change":
            self.call(name, choices.choice(self._tickets[-2:]), choices.choice(PHRASES))
        elif name == "issue":
            self.call(name, self._default)
        else:
            self.call(name)

    def _seen(self, outcome: Any) -> Seen:
        if isinstance(outcome, PasswordChangeRequired):
            self._tickets.append(outcome.ticket.reveal())
            return Seen(type(outcome).__name__, ticket=digest(outcome.ticket.reveal()))
        if isinstance(outcome, SignedIn | PasswordChanged):
            account = outcome.account
            return Seen(type(outcome).__name__, epoch=account.credential.epoch, version=account.version)
        if hasattr(outcome, "epoch"):
            return Seen("done", epoch=outcome.epoch)
        return Seen(str(getattr(outcome, "outcome", type(outcome).__name__)))


def record(recorders: list[Recorder], threads: int, calls: int, seed: int) -> None:
    """Let so many threads make so many calls each, on accounts by turns, and read each account at the end."""

    def work(number: int) -> None:
        choices = random.Random(f"{seed}:{number}")  # noqa: S311  The same choices each time.
        for _ in range(calls):
            choices.choice(recorders).act(choices)

    at_once(*(partial(work, number) for number in range(threads)))
    for recorder in recorders:
        recorder.call("read")
