"""How letters look, and what stands in them that is the same for all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import quote

import attrs

from .._arguments import one_of
from .._value import Value
from ..exceptions import ConfigurationError, InvalidValueError
from ..secret import Secret
from ..texts import Translation

PAPERS: Final = {"A4": (210.0, 297.0), "Letter": (215.9, 279.4)}
"""Width and height in millimetres: ISO 216 and ANSI Y14.1."""


def show_date(at: datetime) -> str:
    """Return an instant in the one form that is the same everywhere: ``2026-09-07 07:30 UTC``."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _printable(style: object, attribute: attrs.Attribute[Any], value: object) -> None:
    is_text = isinstance(value, str) and value.isprintable() and value == value.strip() != ""
    if not is_text and not (value is None and attribute.default is None):
        raise ConfigurationError(attribute.name, "pass text in one line, without blanks around it")


def _address(style: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is None and attribute.default is None:
        return
    _printable(style, attribute, value)
    if not str(value).startswith(("https://", "http://")):
        raise ConfigurationError(attribute.name, "pass it in full, such as https://portal.example.org")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LetterStyle(Value):
    """
    How letters look, and what stands in them that is the same for all. Make one for each language.

    Attributes:
        address: Where the portal is; what a family types or scans.
        school: Who writes, above each letter; None for nobody.
        layout: ``letters`` for a page each, ``slips`` for eight on a page with lines to cut along.
        paper: ``A4`` or ``Letter``.
        lang: The language of the letters, as in the ``lang`` of a page.
        direction: ``ltr`` or ``rtl``: from which side it is read.
        translation: The texts of the letters; None for English. Your own wording goes the same way, also in English.
        staff_translation: The texts of what is seen on the screen alone; None for English.
        date_text: Returns the time, which is in UTC, as families read it.
        invitation_address: What the ticket of an invitation is put behind, such as
            ``https://portal.example.org/invited?ticket=``; needed only for invitations.
        has_qr: Whether there are QR codes of the address, which need the extra ``letters``. None: if it is installed.

    Raises:
        ConfigurationError: An attribute is not one of these.
    """

    address: str = attrs.field(validator=_address)
    school: str | None = attrs.field(default=None, validator=_printable)
    layout: Literal["letters", "slips"] = attrs.field(
        default="letters", validator=one_of("letters", "slips", hint="pass letters or slips")
    )
    paper: Literal["A4", "Letter"] = attrs.field(default="A4", validator=one_of(*PAPERS, hint="pass A4 or Letter"))
    lang: str = attrs.field(default="en", validator=_printable)
    direction: Literal["ltr", "rtl"] = attrs.field(
        default="ltr", validator=one_of("ltr", "rtl", hint="pass ltr or rtl")
    )
    translation: Translation | None = attrs.field(default=None, repr=False)
    staff_translation: Translation | None = attrs.field(default=None, repr=False)
    date_text: Callable[[datetime], str] = attrs.field(default=show_date, repr=False)
    invitation_address: str | None = attrs.field(default=None, validator=_address)
    has_qr: bool | None = attrs.field(
        default=None, validator=one_of(True, False, None, hint="pass True, False, or None for what is installed")
    )

    def address_for(self, ticket: Secret | None) -> str:
        """
        Return the address that a letter has: the portal's, or that which an invitation is opened with.

        Raises:
            InvalidValueError: There is a ticket, and no *invitation_address*.
        """
        if ticket is None:
            return self.address
        if self.invitation_address is None:
            hint = "pass what the ticket is put behind, such as https://portal.example.org/invited?ticket="
            raise InvalidValueError("invitation_address", hint)
        return self.invitation_address + quote(ticket.reveal(), safe="")
