"""What a strategy makes for a contact."""

from __future__ import annotations

from typing import NamedTuple

from .secret import Secret


class Derived(NamedTuple):
    """
    A default password, and what an operator should know of it.

    Attributes:
        secret: The password.
        warnings: Codes for what makes it hard to type or to tell, such as ``outer_blanks_removed``.
    """

    secret: Secret
    warnings: tuple[str, ...] = ()
