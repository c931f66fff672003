"""Make user names for new accounts: functions to pass as ``usernames`` to a sync."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from .._search_words import fold
from ..contacts import Contact

_NUMBERS: Final = 99
"""So many people of the same initial and last name get a user name each; the office names the next one."""

_MAX_LENGTH: Final = 64
"""Characters of a name that is made of names; people type it."""


def usernames_from_email(contact: Contact) -> str | None:
    """
    Return the contact's e-mail address, or None without one.

    Where two share an address, one gets it as the user name, and the other's account is added without one.
    """
    return contact.email or None


def usernames_from_id(contact: Contact) -> str:
    """Return the SIS's identifier, which nobody else has."""
    return contact.contact_id


def usernames_from_name(contact: Contact) -> Iterator[str] | None:
    """
    Return an iterator over initial and last name and the same with numbers: ``rabbiatici``, ``rabbiatici2``.

    In small letters, without accents, blanks and signs: Łucja de la Núñez-D’Arc is ``ldelanunezdarc``. The first that
    nobody has is taken, so that a name never moves from one to another, and of several newcomers the one with the lower
    contact id has the lower number. Without a last name it is the first name; None without either.
    """
    first, last = _letters(contact.first_name), _letters(contact.last_name)
    name = (first[:1] + last if last else first)[:_MAX_LENGTH]
    if not name:
        return None
    return chain([name], (f"{name}{number}" for number in range(2, _NUMBERS + 1)))


def _letters(name: str | None) -> str:
    return "".join(filter(str.isalnum, fold(name or "")))
