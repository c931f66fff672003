"""Derive or draw the default password of a contact."""

from __future__ import annotations

import attrs

from .secret import Secret


@attrs.frozen(kw_only=True)
class Derived:
    """
    A default password, and what an operator should know of it.

    Attributes:
        secret: The password.
        warnings: Codes for what makes it hard to type or to tell, such as ``outer_blanks_removed``.
    """

    secret: Secret
    warnings: tuple[str, ...] = ()
