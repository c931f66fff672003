"""Import what a package offers when it is first asked for, because few programs ask for all of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def found_in(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """
    Return the ``__getattr__`` and the ``__dir__`` of a package (PEP 562).

    Type checkers read the same names from imports under ``if TYPE_CHECKING``; a test compares the two.

    Args:
        package: Its ``__name__``.
        homes: The names that it offers, by the module within it that each is found in.
    """
    place = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> object:
        if name not in place:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(place[name], package), name)
        # Found without this function from now on.
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *place})

    return get, list_names


def names_in(homes: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the ``__all__`` of such a package, at run time; type checkers go by the imports."""
    return [name for names in homes.values() for name in names]
