"""Say what is wrong with a table, and how to fix it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .._spoken import Code
from .._value import Value


class TableFaultKind(Code):
    """What is wrong, as a word that does not change."""

    MISSING_TABLE = "missing_table"
    """The table is not there."""

    MISSING_COLUMN = "missing_column"
    """The column is not there."""

    MISSING_KEY = "missing_key"
    """Nothing keeps the columns unique: a user name might have two owners."""

    MISSING_CHECK = "missing_check"
    """A state that must not be can be written."""

    MISSING_INDEX = "missing_index"
    """No index begins with these columns: nothing is lost but time."""

    ENCODING = "encoding"
    """The database, or the connection to it, does not hold every character. Nothing else is looked at then."""

    DRIVER = "driver"
    """The driver does not say what became of a statement, or not in a way that is understood."""

    NULLABLE = "nullable"
    """The column takes NULL."""

    NOT_COMPUTED = "not_computed"
    """The database does not fill in the column by itself."""

    FOLDS = "folds"
    """The column takes different texts for the same: by case, by accents, by blanks at the end."""

    MISSORTS = "missorts"
    """The column does not sort by code point: pages of the grid would begin in the wrong place."""

    TOO_NARROW = "too_narrow"
    """The column refuses or cuts what it must hold."""

    LOSSY = "lossy"
    """The column gives back something else than it was given, such as an instant that was rounded."""

    LENIENT = "lenient"
    """The connection takes what does not fit, and cuts it without an error."""

    NOT_TRANSACTIONAL = "not_transactional"
    """What is undone stays written."""

    VERSION = "version"
    """The tables, or what is in them, are of another release."""

    REFUSES = "refuses"
    """The table refuses a row that is as it should be."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TableFault(Value):
    """
    One thing that is wrong with a table. ``str`` says all of it.

    Attributes:
        table: The table, with its schema.
        part: The column, or our name of the constraint or the index; None if it is about the table as a whole.
        kind: What is wrong.
        detail: The same in words, with what the column is now.
        statements: Statements that fix it, in order. They only add: where rows stand in the way they fail and change
            nothing. Empty where fixing it would change what is there.
        intended: What it should be, as in CREATE TABLE, where no statement is given: for your migration tool.
        hint: What to do besides or instead, or an empty text.
    """

    table: str
    part: str | None
    kind: TableFaultKind
    detail: str
    statements: tuple[str, ...] = ()
    intended: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return write_report([self])

    @property
    def subject(self) -> str:
        """What it is about: the table, or the table and the part."""
        return self.table if self.part is None else f"{self.table}.{self.part}"


def write_report(faults: Sequence[TableFault]) -> str:
    """Return each fault with the statements that fix it or what it should be, and each hint once, after its faults."""
    by_hint: dict[str, list[str]] = {}
    for fault in faults:
        lines = by_hint.setdefault(fault.hint, [])
        lines.append(f"{fault.subject} {fault.detail}")
        lines += [f"  {statement};" for statement in fault.statements]
        if fault.intended:
            lines.append(f"  it should be: {fault.intended}")
    return "\n".join(line for hint, lines in by_hint.items() for line in ([*lines, f"({hint})"] if hint else lines))
