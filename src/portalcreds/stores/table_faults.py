"""Say what is wrong with a table, and what mends it."""

from __future__ import annotations

from enum import StrEnum

import attrs


class TableFaultKind(StrEnum):
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

    REFUSES = "refuses"
    """The table refuses a row that is as it should be."""


@attrs.frozen(kw_only=True)
class TableFault:
    """
    One thing that is wrong with a table. ``str`` says all of it.

    Attributes:
        table: The table, with its schema.
        part: The column, or our name of the constraint or the index; None if it is about the table as a whole.
        kind: What is wrong.
        detail: The same in words, with what the column is now.
        mend: The statements that mend it, in order; empty if no statement does.
        advice: What to do besides or instead, or an empty text.
    """

    table: str
    part: str | None
    kind: TableFaultKind
    detail: str
    mend: tuple[str, ...] = ()
    advice: str = ""

    def __str__(self) -> str:
        return report_of([self])

    @property
    def subject(self) -> str:
        """What it is about: the table, or the table and the part."""
        return self.table if self.part is None else f"{self.table}.{self.part}"


def report_of(faults: list[TableFault] | tuple[TableFault, ...]) -> str:
    """Return each fault on a line of its own, with the statements that mend it; once for those with the same mend."""
    together: dict[tuple[tuple[str, ...], str], list[TableFault]] = {}
    for fault in faults:
        together.setdefault((fault.mend, fault.advice), []).append(fault)
    return "\n".join(_told(alike, mend, advice) for (mend, advice), alike in together.items())


def _told(alike: list[TableFault], mend: tuple[str, ...], advice: str) -> str:
    what = "\n".join(f"{fault.subject} {fault.detail}" for fault in alike)
    statements = [f"{statement};" for statement in mend]
    is_short = len(statements) == 1 and "\n" not in statements[0]
    lines = [f"{what}: {statements[0]}"] if is_short else [f"{what}:", *statements]
    if not advice:
        return "\n".join(lines)
    return "\n".join([*lines, f"({advice})"]) if statements else f"{what}: {advice}"
