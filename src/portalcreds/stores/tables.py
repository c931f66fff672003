"""Say where our tables are: what their names begin with, and in which schema."""

from __future__ import annotations

import re
from typing import Final

import attrs

from .._arguments import refused_unless
from .._value import Value

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,29}", re.ASCII)
# PostgreSQL cuts identifiers after 63 bytes; the longest name of ours has 26 besides the prefix.


_name: Final = refused_unless(
    lambda value: isinstance(value, str) and (not value or _NAME.fullmatch(value)),
    "pass up to 30 small ASCII letters, digits and underscores, no digit first",
)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Tables(Value):
    """
    Where our tables are.

    Attributes:
        prefix: What their names begin with, as small ASCII letters, digits and underscores; it may be empty.
        schema: The schema that they are in; None for the connection's own.

    Raises:
        ConfigurationError: One of them cannot be part of a name.
    """

    prefix: str = attrs.field(default="portal_", validator=_name)
    schema: str | None = attrs.field(default=None, validator=attrs.validators.optional(_name))


DEFAULT_TABLES: Final = Tables()
"""``portal_accounts``, ``portal_words`` and so on, in the connection's own schema."""
