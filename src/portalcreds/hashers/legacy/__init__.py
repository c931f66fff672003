"""Verify the hashes that other systems wrote. The host declares which ones; none of these can write a hash."""

from __future__ import annotations

from .borrowed import CallableVerifier, CryptContext, CryptContextVerifier
from .importing import digest_hash, keycloak_hash, membership_hash, tagged_hash
from .systems import SystemVerifier
from .wrapping import Wrapping

__all__ = [
    "CallableVerifier",
    "CryptContext",
    "CryptContextVerifier",
    "SystemVerifier",
    "Wrapping",
    "digest_hash",
    "keycloak_hash",
    "membership_hash",
    "tagged_hash",
]
