"""The base class of values: two are equal when their fields are, and they show their fields."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

import attrs


@attrs.frozen(eq=False, repr=False)
class Value:
    """
    What `attrs` would write for each class, said once for all.

    It would write and compile these methods anew for every class, which is half of what importing a class costs.
    So the classes that inherit this one say ``eq=False, repr=False``. Fields say what they always do: ``eq=False`` is
    not compared, ``hash=False`` not hashed, and ``repr=False`` not shown.
    """

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        read = _compared(self.__class__)  # type: ignore[arg-type]  # The class has a hash; what it is called on is not it.
        return bool(read(self) == read(other))

    def __hash__(self) -> int:
        return hash(_hashed(self.__class__)(self))  # type: ignore[arg-type]  # As above.

    def __repr__(self) -> str:
        return show(self)


@cache
def _compared(kind: type[attrs.AttrsInstance]) -> Callable[[object], Any]:
    # Once for each class: a sync compares each contact of a district with what is stored.
    # A second name makes it a tuple in any case.
    return attrgetter("__class__", *(field.name for field in attrs.fields(kind) if field.eq))


@cache
def _hashed(kind: type[attrs.AttrsInstance]) -> Callable[[object], Any]:
    fields = [field for field in attrs.fields(kind) if (field.eq if field.hash is None else field.hash)]
    return attrgetter("__class__", *(field.name for field in fields))


def show(value: attrs.AttrsInstance) -> str:
    """Return the ``repr`` of an instance of an attrs class: its name, and the fields that are shown."""
    shown = [f"{field.name}={getattr(value, field.name)!r}" for field in attrs.fields(type(value)) if field.repr]
    return f"{type(value).__qualname__}({', '.join(shown)})"
