"""Mark parameters as a driver wants them marked; statements are written once, with ``:name``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..exceptions import ConfigurationError

# Quoted text is passed over, and so is PostgreSQL's "::type".
_MARK: Final = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|(?<![:\w]):([A-Za-z_]\w*)""", re.ASCII)

_BY_POSITION: Final = {"qmark": "?", "format": "%s", "numeric": ":"}
_BY_NAME: Final = {"named": ":{}", "pyformat": "%({})s"}


@attrs.frozen
class Styled:
    """
    A statement as a driver takes it.

    Attributes:
        sql: The statement.
        order: The names of its parameters in order of use, if they are passed by position.
    """

    sql: str
    order: tuple[str, ...] | None

    def bound(self, parameters: Mapping[str, object]) -> Any:  # Any: PEP 249 takes mappings and sequences.
        """Return the parameters in the form that goes with the statement."""
        return parameters if self.order is None else tuple(parameters[name] for name in self.order)


def checked_paramstyle(paramstyle: str) -> str:
    """
    Return the style.

    Raises:
        ConfigurationError: PEP 249 knows no such style.
    """
    if paramstyle not in (*_BY_NAME, *_BY_POSITION):
        raise ConfigurationError("paramstyle", f"pass one of: {', '.join((*_BY_NAME, *_BY_POSITION))}")
    return paramstyle


def styled(sql: str, paramstyle: str) -> Styled:
    """Return *sql*, in which parameters are ``:name``, in the driver's style."""
    if paramstyle in ("format", "pyformat"):
        sql = sql.replace("%", "%%")
    order: list[str] = []

    def mark(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0]
        if paramstyle in _BY_NAME:
            return _BY_NAME[paramstyle].format(name)
        order.append(name)
        return f":{len(order)}" if paramstyle == "numeric" else _BY_POSITION[paramstyle]

    marked = _MARK.sub(mark, sql)
    return Styled(marked, None if paramstyle in _BY_NAME else tuple(order))


def renamed(sql: str, prefix: str) -> str:
    """Return *sql* with *prefix* before the name of each parameter, so that it can stand in a statement of ours."""
    return _MARK.sub(lambda match: match[0] if match[1] is None else f":{prefix}{match[1]}", sql)
