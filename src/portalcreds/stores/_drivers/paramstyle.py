"""Mark parameters as a driver wants them marked; our statements are written once, with ``:name``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from ...exceptions import ConfigurationError

# Quoted text is passed over, and so is PostgreSQL's "::type".
_MARK: Final = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|(?<![:\w]):([A-Za-z_]\w*)""", re.ASCII)

_BY_POSITION: Final = {"qmark": "?", "format": "%s"}
_BY_NUMBER: Final = {"numeric": ":{}", "numeric_dollar": "${}"}
"""The second is not of PEP 249: SQLAlchemy says so of asyncpg."""

_BY_NAME: Final = {"named": ":{}", "pyformat": "%({})s"}
_ROW_STYLES: Final = {"format": "format", "pyformat": "format", "qmark": "qmark"}
"""In which style the values of rows are marked: what takes names takes none, too."""


class MarkedStatement(NamedTuple):
    """
    A statement as a driver takes it.

    Attributes:
        sql: The statement.
        order: The names of its parameters in order of use, if they are passed by position.
    """

    sql: str
    order: tuple[str, ...] | None

    def bind(self, parameters: Mapping[str, object]) -> Any:  # Any: PEP 249 takes mappings and sequences.
        """Return the parameters in the form that goes with the statement."""
        return parameters if self.order is None else tuple(parameters[name] for name in self.order)

    def bind_rows(self, names: Sequence[str]) -> Callable[[Sequence[object]], Any]:
        """Return what binds the parameters of these names to a row of values."""
        if self.order is None:
            return lambda row: dict(zip(names, row, strict=True))
        if self.order == tuple(names):
            return tuple
        places = [names.index(name) for name in self.order]
        return lambda row: [row[place] for place in places]


class ParamStyle:
    """
    One of the styles of PEP 249, with the statements that were marked in it so far.

    Args:
        name: The style; None for the one that the module of the first cursor's driver says.
        usual: The style where no module says one, as behind what wraps cursors.

    Raises:
        ConfigurationError: PEP 249 knows no such style.
    """

    def __init__(self, name: str | None, *, usual: str = "pyformat") -> None:
        self._name = None if name is None else _known(name)
        self._usual = usual
        self._marked: dict[tuple[str, str], MarkedStatement] = {}

    def mark(self, sql: str, cursor: object) -> MarkedStatement:
        """Return *sql*, in which parameters are ``:name``, in the style of the cursor's driver."""
        return self._mark(sql, self._find(cursor))

    def fill_rows(
        self, sql: str, between: str, cursor: object, parameters: Mapping[str, object], rows: Sequence[Sequence[object]]
    ) -> tuple[str, list[object]]:
        """
        Return *sql* with rows of values in the place of ``:rows``, and all that it is bound to.

        Raises:
            ConfigurationError: The style numbers or names each value.
        """
        style = self._find(cursor)
        if style not in _ROW_STYLES:
            raise ConfigurationError("paramstyle", f"pass one of: {', '.join(_ROW_STYLES)}")
        style = _ROW_STYLES[style]
        before, after = (self._mark(part, style) for part in sql.partition(":rows")[::2])
        row = ", ".join([_BY_POSITION[style]] * len(rows[0]))
        filled = f"{before.sql}{between.join([row] * len(rows))}{after.sql}"
        return filled, [*before.bind(parameters), *chain.from_iterable(rows), *after.bind(parameters)]

    def _find(self, cursor: object) -> str:
        if self._name is None:
            self._name = _known(find_paramstyle(cursor) or self._usual)
        return self._name

    def _mark(self, sql: str, style: str) -> MarkedStatement:
        marked = self._marked.get((sql, style))
        if marked is None:
            marked = self._marked[sql, style] = mark_parameters(sql, style)
        return marked


def _known(name: object) -> str:
    known = (*_BY_NAME, *_BY_POSITION, *_BY_NUMBER)
    if not isinstance(name, str) or name not in known:
        raise ConfigurationError("paramstyle", f"pass one of: {', '.join(known)}")
    return name


def mark_parameters(sql: str, paramstyle: str) -> MarkedStatement:
    """Return *sql*, in which parameters are ``:name``, in that style."""
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
        return _BY_NUMBER[paramstyle].format(len(order)) if paramstyle in _BY_NUMBER else _BY_POSITION[paramstyle]

    marked = _MARK.sub(mark, sql)
    return MarkedStatement(marked, None if paramstyle in _BY_NAME else tuple(order))


def find_paramstyle(cursor: object) -> str | None:
    """Return how the driver of a cursor marks parameters, as its module says (PEP 249), or None."""
    for kind in type(cursor).__mro__:
        name = kind.__module__
        while name:
            style = getattr(sys.modules.get(name), "paramstyle", None)
            if isinstance(style, str):
                return style
            name = name.rpartition(".")[0]
    return None


def prefix_parameters(sql: str, prefix: str) -> str:
    """Return *sql* with *prefix* before the name of each parameter, so that it can stand in a statement of ours."""
    return _MARK.sub(lambda match: match[0] if match[1] is None else f":{prefix}{match[1]}", sql)
