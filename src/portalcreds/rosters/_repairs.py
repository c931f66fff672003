"""Undo what a spreadsheet did to a row where that is certain, and refuse or tell what is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .._text import looks_damaged
from ..exceptions import InvalidValueError

_FORMULA: Final = re.compile(r'="([^"]*)"')
"""How exports keep Excel from reading a text as a number."""

_QUOTED_NUMBER: Final = re.compile(r"'([0-9][^']*)")
"""How people do. An apostrophe before a letter may belong to it, such as in a name."""

_SHORTENED: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+")
_WITH_FRACTION: Final = re.compile(r"[+-]?[0-9]+[.,]0+")
_ERRORS: Final = frozenset(("#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"))

_AS_TEXT: Final = "format the column as text before the export"


def repaired(record: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """
    Return a row's values, and what to tell of them as fields and hints. An empty text becomes None.

    Raises:
        InvalidValueError: What a value was cannot be told.
    """
    values: dict[str, Any] = {}
    notes: list[tuple[str, str]] = []
    for field, value in record.items():
        if not isinstance(value, str):
            values[field] = value
            continue
        formula = _FORMULA.fullmatch(value)
        text = value if formula is None else formula[1]
        if field in ("contact_id", "username"):
            text = _identifier(field, text)
        elif text in _ERRORS or (text and not text.strip("#") and len(text) > 2):
            raise InvalidValueError(field, "correct the cell; it has the error of a spreadsheet and not a value")
        elif looks_damaged(text):
            notes.append((field, "check the encoding that the file was written in; the text looks damaged"))
        if text != value:
            notes.append((field, "the marks that a spreadsheet puts before a text were taken off"))
        values[field] = text or None
    return values, notes


def _identifier(field: str, text: str) -> str:
    text = text.strip("\ufeff")
    number = _QUOTED_NUMBER.fullmatch(text)
    if number is not None:
        return number[1]
    if _SHORTENED.fullmatch(text):
        raise InvalidValueError(field, f"a spreadsheet has cut the number short; {_AS_TEXT}")
    if _WITH_FRACTION.fullmatch(text):
        hint = f"it was read as a number, which drops leading zeros; {_AS_TEXT}, or read it with dtype=str"
        raise InvalidValueError(field, hint)
    if text in _ERRORS or (len(text) > 2 and not text.strip("#")):
        raise InvalidValueError(field, f"it is the error of a spreadsheet and not a value; {_AS_TEXT}")
    return text
