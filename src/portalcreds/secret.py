"""Hold plaintext that does not leak by accident."""

from __future__ import annotations

from typing import ClassVar, Final, NoReturn, final

from ._text import same_text

_MASK: Final = "********"


@final
class Secret:
    """
    A password or ticket in plaintext, readable only through `reveal`.

    Masked wherever Python prints things. It cannot be pickled, copied or turned into JSON, and is compared in constant
    time. A plain class, because ``attrs.asdict`` would look into an attrs class (R14).

    Args:
        text: The plaintext, kept exactly as it is, or another secret with it.

    Raises:
        TypeError: *text* is neither. The message names its type, not its value.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str | Secret) -> None:
        if type(text) is not str:
            text = _text_of(text)
        self._text = text

    def reveal(self) -> str:
        """Return the plaintext. Every call is a place to look at in a review."""
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return same_text(self._text, other._text)

    # A dict or a set would compare secrets by a value that depends on the plaintext.
    __hash__: ClassVar[None]  # type: ignore[assignment]  # As Python has it without one.

    def __repr__(self) -> str:
        return f"Secret('{_MASK}')"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, format_spec: str) -> str:
        return _MASK

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied; pass the object itself, or reveal() it on purpose")

    def __reduce__(self) -> NoReturn:
        self.__reduce_ex__(0)

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(0)


def _text_of(text: object) -> str:
    if isinstance(text, str):
        # A subclass of str may have more than its text, or print differently.
        return str.__str__(text)
    # By attribute and not by class: a secret of another vendored copy is allowed too.
    reveal = getattr(text, "reveal", None)
    revealed = reveal() if callable(reveal) else None
    if type(revealed) is str:
        return revealed
    raise TypeError(f"a Secret holds a str or another Secret, not {type(text).__name__}")
