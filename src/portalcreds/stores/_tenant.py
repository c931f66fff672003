"""Name the portal that rows and counts belong to."""

from __future__ import annotations

from typing import Final

from .._text import is_code
from ..exceptions import ConfigurationError

MAX_TENANT_LENGTH: Final = 64
"""Characters of a tenant's name; it is in every key."""


def check_tenant(tenant: object) -> str:
    """
    Return the tenant's name.

    Raises:
        ConfigurationError: It cannot be part of a key.
    """
    if not (isinstance(tenant, str) and (not tenant or is_code(tenant))):
        raise ConfigurationError("tenant", f"pass at most {MAX_TENANT_LENGTH} printable ASCII characters")
    return tenant
