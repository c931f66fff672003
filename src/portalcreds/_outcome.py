"""The base class of outcomes."""

from __future__ import annotations

from typing import NoReturn

import attrs

from ._spoken import Spoken
from ._value import Value


@attrs.frozen(eq=False, repr=False)
class Outcome(Spoken, Value):
    """A value to ``match`` on. It is neither true nor false, and is compared with its like alone."""

    def __bool__(self) -> NoReturn:
        # `if sign_in(...)` would let everyone in, also when the answer is a denial.
        raise TypeError(f"{type(self).__name__} is neither true nor false; use match or isinstance")

    def __eq__(self, other: object) -> bool:
        # `if outcome != SignInDenied()` would let in whoever has to wait, or to choose a password first.
        if other.__class__ is not self.__class__:
            raise TypeError(f"{type(self).__name__} is compared with something else; use match or isinstance")
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()
