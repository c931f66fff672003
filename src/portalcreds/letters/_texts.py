"""Say what stands in a letter."""

from __future__ import annotations

from html import escape
from typing import Any

from .._spoken import Spoken
from ..texts import Message, Translation, text_of


class LetterText(Spoken):
    """
    A sentence of a letter: under ``LetterText.`` and its key in the catalogue.

    Args:
        key: Which.
        number: What its plural goes by, or None.
        parameters: The values for it.
    """

    def __init__(self, key: str, number: int | None = None, /, **parameters: Any) -> None:
        self._message = Message(f"{type(self).__name__}.{key}", parameters, number)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says: one sentence."""
        return (self._message,)

    def html(self, translation: Translation | None) -> str:
        """Return it escaped."""
        return escape(text_of(self, translation))
