"""Draw identifiers, and digest texts that must be told apart and not be read."""

from __future__ import annotations

import os


def new_id() -> str:
    """Return 128 random bits in 32 hexadecimal digits."""
    return os.urandom(16).hex()


def digest(text: str) -> str:
    """Return the SHA-256 of a text in 64 hexadecimal digits; surrogates are texts too."""
    # Loading OpenSSL costs more than all of the kernel.
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
