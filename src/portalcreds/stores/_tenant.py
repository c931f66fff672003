"""Name the portal that rows and counts belong to."""

from __future__ import annotations

from ..accounts import is_code
from ..exceptions import ConfigurationError
from ._schema import MAX_TENANT_LENGTH


def checked_tenant(tenant: str) -> str:
    """
    Return the tenant's name.

    Raises:
        ConfigurationError: It cannot be part of a key.
    """
    if tenant != "" and not is_code(tenant):
        raise ConfigurationError("tenant", f"pass at most {MAX_TENANT_LENGTH} printable ASCII characters")
    return tenant
