"""Write the list of an IN as parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

AT_ONCE: Final = 500
"""Values in one statement; SQLite before 3.32 takes 999 parameters."""


def list_parameters(values: Sequence[object]) -> tuple[str, dict[str, object]]:
    """
    Return the list of an IN, and its parameters; pass one value at least.

    Filled up to a power of two with the last value: ten statements for drivers to prepare and to keep, and not five
    hundred. SQLAlchemy keeps an object for each parameter of each, in a cache that it shares with the host.
    """
    size = 1 << (len(values) - 1).bit_length()
    parameters = {f"id{number}": value for number, value in enumerate([*values, *[values[-1]] * (size - len(values))])}
    return f"({', '.join(f':{name}' for name in parameters)})", parameters
