"""Ask whether a password is in a list of stolen ones, and tell no more than how its hash begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

import attrs

from .._arguments import is_callable, is_whole, one_of
from .._text import canonical_password
from .._value import Value
from ..accounts import Account
from ..exceptions import InvalidValueError
from ..secret import Secret
from .password_policy import Violation

PREFIX_LENGTH: Final = 5
"""Hexadecimal digits of a password's SHA-1 that are told."""

_LINE: Final = re.compile(r"([0-9A-Fa-f]{35}):(\d{1,12})")

_MAX_ANSWER: Final = 1_000_000
"""Characters of an answer that are read: twenty times what a padded range has."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BreachChecker(Value):
    """
    A `PasswordCheck` that asks a range of stolen passwords, in the format of Pwned Passwords (k-anonymity).

    It tells the first five hexadecimal digits of the password's SHA-1, gets all endings that are known to follow them,
    and looks for its own. It makes no connection itself: *read_range* does.

    Attributes:
        read_range: A function of yours. It takes the five digits and returns the lines for them, each
            ``<35 digits>:<count>``. It has to end by itself, since a person waits at the form: give it a timeout, of
            two seconds or so. Whatever it raises counts as unreachable; if you want to know, log it there.
        unreachable: What to do if it raises, or returns something else: ``"allow"`` the password, or ``"refuse"`` it,
            so that nobody can choose one meanwhile. There is no default, because it is your choice.
        least: How often a password has to be in the list to be refused. Lines of 0, which pad an answer, never count.

    Raises:
        ConfigurationError: An argument is of the wrong type.
    """

    read_range: Callable[[str], str] = attrs.field(
        validator=is_callable(hint="pass a function of the first five digits that returns the lines for them")
    )
    unreachable: Literal["allow", "refuse"] = attrs.field(
        validator=one_of("allow", "refuse", hint='pass "allow" or "refuse"')
    )
    least: int = attrs.field(default=1, validator=is_whole(least=1))

    def violations(self, password: Secret, account: Account, /) -> tuple[Violation, ...]:
        """
        Return ``breached`` with its *count* if the password is in the list, or ``breaches_unreachable``, or nothing.

        Raises:
            InvalidValueError: *read_range* returned no text.
        """
        prefix, ending = _digest(password)
        try:
            lines = self.read_range(prefix)
        except Exception:  # noqa: BLE001  A host's function may fail in any way.
            return self._if_unreachable()
        if not isinstance(lines, str):
            raise InvalidValueError("read_range", "return text, such as response.text")
        count = _count(lines, ending)
        if count is None:
            return self._if_unreachable()
        return (_breached(count),) if count >= self.least else ()

    def _if_unreachable(self) -> tuple[Violation, ...]:
        return () if self.unreachable == "allow" else (_UNREACHABLE,)


def _digest(password: Secret) -> tuple[str, Secret]:
    # Loading OpenSSL costs more than all of the kernel.
    from hashlib import sha1

    # The form in which it is hashed, which is NFC, as most people type it.
    canonical = canonical_password(password.reveal()).encode("utf-8")
    digest = sha1(canonical, usedforsecurity=False).hexdigest().upper()
    # Whoever has all of it can find the password.
    return digest[:PREFIX_LENGTH], Secret(digest[PREFIX_LENGTH:])


def _count(lines: str, ending: Secret) -> int | None:
    """Return how often the ending is in the lines; None if they are no range, such as the page of a proxy."""
    found = {} if len(lines) > _MAX_ANSWER else dict(_LINE.findall(lines.upper()))
    return int(found.get(ending.reveal(), 0)) if found else None


def _breached(count: int) -> Violation:
    return Violation(code="breached", parameters={"count": count})


_UNREACHABLE: Final = Violation(code="breaches_unreachable")
