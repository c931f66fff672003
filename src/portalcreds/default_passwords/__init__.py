"""Derive or draw the default password of a contact."""

from __future__ import annotations

from .default_warning import DefaultWarning
from .many import DefaultPasswords, DerivedDefault, RefusedDefault, default_passwords_for
from .strategies import (
    MAX_DRAWN_LENGTH,
    MIN_DRAWN_BITS,
    READABLE_ALPHABET,
    Derived,
    LastNameFirstInitial,
    NameTemplate,
    Passphrase,
    RandomReadable,
    default_password,
)

__all__ = [
    "MAX_DRAWN_LENGTH",
    "MIN_DRAWN_BITS",
    "READABLE_ALPHABET",
    "DefaultPasswords",
    "DefaultWarning",
    "Derived",
    "DerivedDefault",
    "LastNameFirstInitial",
    "NameTemplate",
    "Passphrase",
    "RandomReadable",
    "RefusedDefault",
    "default_password",
    "default_passwords_for",
]
