"""Verify the hashes that other systems wrote, each declared by the host; none of them can write."""

from __future__ import annotations

from .aspnet import AspNetIdentity, AspNetMembership
from .bare_digests import BareDigests
from .borrowed import CallableVerifier, CryptContext, CryptContextVerifier
from .django import Django
from .importing import digest_hash, membership_hash
from .ldap import LdapSalted
from .moodle import Moodle
from .passlib import PasslibPbkdf2
from .phpass import Drupal, Phpass
from .sha_crypt import ShaCrypt
from .werkzeug import Werkzeug
from .wrapping import Wrapping

__all__ = [
    "AspNetIdentity",
    "AspNetMembership",
    "BareDigests",
    "CallableVerifier",
    "CryptContext",
    "CryptContextVerifier",
    "Django",
    "Drupal",
    "LdapSalted",
    "Moodle",
    "PasslibPbkdf2",
    "Phpass",
    "ShaCrypt",
    "Werkzeug",
    "Wrapping",
    "digest_hash",
    "membership_hash",
]
