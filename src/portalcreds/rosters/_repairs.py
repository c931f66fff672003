"""Undo what a spreadsheet did to a row where that is certain, and refuse or tell what is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .._text import looks_damaged
from .reading import RosterReason

_FORMULA: Final = re.compile(r'="([^"]*)"')
"""How exports keep Excel from reading a text as a number."""

_QUOTED_NUMBER: Final = re.compile(r"'([0-9][^']*)")
"""How people do. An apostrophe before a letter may belong to it, such as in a name."""

_SHORTENED: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+")
_WITH_FRACTION: Final = re.compile(r"[+-]?[0-9]+[.,]0+")
_ERRORS: Final = frozenset(("#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"))


class RowRefusedError(Exception):
    """A row cannot be taken."""

    def __init__(self, field: str, reason: RosterReason) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


def repaired(record: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, RosterReason]]]:
    """
    Return a row's values, and what to tell of them by field. An empty text becomes None.

    Raises:
        RowRefusedError: What a value was cannot be told.
    """
    values: dict[str, Any] = {}
    notes: list[tuple[str, RosterReason]] = []
    for field, value in record.items():
        if not isinstance(value, str):
            values[field] = value
            continue
        formula = _FORMULA.fullmatch(value)
        text = value if formula is None else formula[1]
        if field in ("contact_id", "username"):
            text = _identifier(field, text)
        elif _is_error(text):
            raise RowRefusedError(field, RosterReason.SPREADSHEET_ERROR)
        elif looks_damaged(text):
            notes.append((field, RosterReason.DAMAGED_TEXT))
        if text != value:
            notes.append((field, RosterReason.MARKS_REMOVED))
        values[field] = text or None
    return values, notes


def _identifier(field: str, text: str) -> str:
    text = text.strip("\ufeff")
    number = _QUOTED_NUMBER.fullmatch(text)
    if number is not None:
        return number[1]
    if _SHORTENED.fullmatch(text):
        raise RowRefusedError(field, RosterReason.NUMBER_CUT)
    if _WITH_FRACTION.fullmatch(text):
        raise RowRefusedError(field, RosterReason.READ_AS_NUMBER)
    if _is_error(text):
        raise RowRefusedError(field, RosterReason.SPREADSHEET_ERROR)
    return text


def _is_error(text: str) -> bool:
    return text in _ERRORS or (len(text) > 2 and not text.strip("#"))
