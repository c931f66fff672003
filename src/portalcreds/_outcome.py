"""The base class of outcomes."""

from __future__ import annotations

from typing import NoReturn

import attrs

from ._spoken import Spoken
from ._value import Value


@attrs.frozen(eq=False, repr=False)
class Outcome(Spoken, Value):
    """A value to ``match`` on. It is neither true nor false."""

    def __bool__(self) -> NoReturn:
        # `if sign_in(...)` would let everyone in, also when the answer is a denial.
        raise TypeError(f"{type(self).__name__} is neither true nor false; use match or isinstance")
