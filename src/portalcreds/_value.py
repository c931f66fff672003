"""The base class of values: two are equal when their fields are, and they show their fields."""

from __future__ import annotations

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
        names = [field.name for field in attrs.fields(type(self)) if field.eq]
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __hash__(self) -> int:
        fields = [field for field in attrs.fields(type(self)) if (field.eq if field.hash is None else field.hash)]
        return hash((type(self), *(getattr(self, field.name) for field in fields)))

    def __repr__(self) -> str:
        return show(self)


def show(value: attrs.AttrsInstance) -> str:
    """Return the ``repr`` of an instance of an attrs class: its name, and the fields that are shown."""
    shown = [f"{field.name}={getattr(value, field.name)!r}" for field in attrs.fields(type(value)) if field.repr]
    return f"{type(value).__qualname__}({', '.join(shown)})"
