"""Hold plaintext that does not leak by accident."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, final

_MASK: Final = "********"


@final
class Secret:
    """
    A password or ticket in plaintext, readable only through `reveal`.

    A plain slotted class and not an attrs one, because ``attrs.asdict`` would walk into it (R14). It is masked wherever
    Python prints things, refuses to be pickled, copied or made into JSON, and compares in constant time.

    Args:
        text: The plaintext, or another secret to hold the same plaintext as. Kept exactly as it is.

    Raises:
        TypeError: *text* is neither. The message names the type, not the value.
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
        return hmac.compare_digest(_as_bytes(self._text), _as_bytes(other._text))

    # Hashing would let a dict or a set compare secrets by a value that depends on the plaintext.
    __hash__ = None  # type: ignore[assignment]

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

    def __copy__(self) -> NoReturn:
        self.__reduce_ex__(0)

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce_ex__(0)

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(0)


def _text_of(text: object) -> str:
    if isinstance(text, str):
        # A subclass of str may carry more than its text, or print differently.
        return str.__str__(text)
    # Read by attribute, so that a secret of another vendored copy is taken too.
    reveal = getattr(text, "reveal", None)
    revealed = reveal() if callable(reveal) else None
    if type(revealed) is str:
        return revealed
    raise TypeError(f"a Secret holds a str or another Secret, not {type(text).__name__}")


def _as_bytes(text: str) -> bytes:
    # A lone surrogate must not raise: UnicodeEncodeError carries the whole plaintext.
    return text.encode("utf-8", "surrogatepass")
