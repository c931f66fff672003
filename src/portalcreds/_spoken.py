"""What a program matches on and a person reads: codes and values with a text."""

from __future__ import annotations

from enum import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .texts import Message


class Spoken:
    """Has a text for people: `text` in English, `texts.text_of` in their language."""

    __slots__ = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says: a sentence each, as a key of the catalogue with the values for it."""
        # Here and below: few programs show a text, and importing the package is for all of them.
        from .texts import Message

        return (Message(type(self).__name__),)

    @property
    def text(self) -> str:
        """What it says in English, to show to a person; `texts.text_of` says it in other languages."""
        from .texts import text_of

        return text_of(self)


class Code(Spoken, StrEnum):
    """A word that does not change, for programs, with a text for people."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says: one sentence."""
        from .texts import Message

        return (Message(f"{type(self).__name__}.{self.value}"),)
