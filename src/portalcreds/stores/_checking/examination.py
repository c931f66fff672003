"""Find what is wrong with tables by trying them, before it costs data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from .._drivers.dialect import Dialect
from .._drivers.port import Statements
from .._drivers.savepoints import savepoint
from .._sql.schema import Column, Kind, Layout, Table
from ..table_faults import TableFault, TableFaultKind
from .catalog import read_catalog
from .encoding import find_encoding_fault
from .hints import BE_STRICT, CHANGE_ENGINE, LOOK_FOR_OTHERS, OTHER_RELEASE, Hint, Hints, mentions
from .probe_rows import Row, make_probe_rows, make_tenant, pick_confusable, pick_hardest
from .trial import Trial

_TYPES: Final = {
    Kind.TEXT: ("text", "varchar", "character", "char", "tinytext", "mediumtext", "longtext"),
    Kind.INTEGER: ("bigint", "int", "smallint", "mediumint", "tinyint", "numeric", "decimal"),
    Kind.SEQUENCE: ("bigint", "int", "smallint", "mediumint"),
}
"""Beginnings of the types that take at least a short text or a small number."""


def find_faults(statements: Statements, dialect: Dialect, layout: Layout) -> tuple[TableFault, ...]:
    """
    Return what is wrong with the tables. What is written to find out is undone.

    Args:
        statements: Of a transaction.
        dialect: What is said differently by this database.
        layout: The tables.

    Raises:
        DatabaseFailure: The tables may not be read or written.
    """
    encoding = find_encoding_fault(statements, dialect)
    if encoding is not None:
        return (encoding,)
    found: list[TableFault] = []
    for table in layout:
        with savepoint(statements, "checking"):
            found += _Examination(statements, dialect, layout, table).find_faults()
    # A connection is as lenient with one table as with another.
    lenient = [fault for fault in found if fault.kind == TableFaultKind.LENIENT]
    return tuple(fault for fault in found if fault not in lenient[1:])


class _Examination:
    """The examination of one table."""

    def __init__(self, statements: Statements, dialect: Dialect, layout: Layout, table: Table) -> None:
        self._table = table
        self._tenant = make_tenant()
        self._rows = make_probe_rows(layout, table, self._tenant)
        self._trial = Trial(statements, "checking", table, self._tenant)
        self._catalog = read_catalog(statements, dialect, table)
        self._hints = Hints(dialect, table, self._catalog)

    def find_faults(self) -> list[TableFault]:
        """Return what is wrong with the table."""
        names = [column.name for column in self._table.columns]
        is_readable = self._trial.is_readable
        # Before the table is so much as read: some engines then refuse every savepoint of the transaction.
        if self._catalog.engine is not None:
            detail = f"keeps what is undone (its engine is {self._catalog.engine})"
            return [self._fault(None, TableFaultKind.NOT_TRANSACTIONAL, detail, CHANGE_ENGINE)]
        if not is_readable([]):
            return [self._fault(None, TableFaultKind.MISSING_TABLE, "is not there", self._hints.add_table())]
        if not is_readable(names):
            missing = [name for name in names if not is_readable([name])]
            return [*self._missing_columns(missing), *self._missing_indexes(missing)]
        refused = self._refused_rows()
        if refused:
            return [*refused, *self._missing_indexes()]
        unfit = self._unfit_columns()
        return [
            *unfit,
            *self._folding_columns(besides=[fault.part for fault in unfit]),
            *self._nullable_columns(),
            *self._columns_to_fill_in(is_fit=not unfit),
            *self._missing_keys(),
            *self._missing_checks(),
            *self._missing_indexes(),
            *self._leniency(),
            *self._wrong_version(),
        ]

    # -- what is missing

    def _missing_columns(self, missing: Sequence[str]) -> Iterator[TableFault]:
        """Tell the columns that are missing, and what cannot be there without them."""
        for column in self._table.columns:
            if column.name in missing:
                hint = self._hints.add_column(column, missing=missing)
                yield self._fault(column.name, TableFaultKind.MISSING_COLUMN, "is not there", hint)
            elif mentions(column.computed or "", missing):
                yield self._not_computed(column)
        for name, columns in self._keys:
            # The key of a column that numbers rows comes with it.
            if not set(missing).isdisjoint(columns) and columns != self._sequence:
                yield self._missing_key(name, columns, missing)
        for name, condition in self._table.checks.items():
            if mentions(condition, missing):
                yield self._missing_check(name, missing)

    def _missing_keys(self) -> Iterator[TableFault]:
        row = self._rows.filled[0]
        keyed = {column for _, columns in self._keys for column in columns} - {"tenant"}
        other = row | {name: f"{row[name]}2" if isinstance(row[name], str) else row[name] - 1 for name in keyed}
        written = {column.name for column in self._trial.columns}
        for name, columns in self._keys:
            twice = {column: row[column] for column in columns}
            # What the database numbers, whatever it is told, is never twice the same.
            if written.issuperset(columns) and self._trial.find_refusal(row, other | twice) is None:
                yield self._missing_key(name, columns)

    def _missing_checks(self) -> Iterator[TableFault]:
        for name, rows in self._rows.broken.items():
            if any(self._trial.find_refusal(row) is None for row in rows):
                yield self._missing_check(name)

    def _missing_indexes(self, missing: Sequence[str] = ()) -> Iterator[TableFault]:
        for name, columns in self._table.indexes.items():
            if not any(there[: len(columns)] == columns for there in self._catalog.indexes.values()):
                detail = f"is missing: no index begins with ({', '.join(columns)})"
                hint = self._hints.add_index(name, missing=missing)
                yield self._fault(name, TableFaultKind.MISSING_INDEX, detail, hint)

    def _missing_key(self, name: str | None, columns: tuple[str, ...], missing: Sequence[str] = ()) -> TableFault:
        detail = f"is missing: nothing keeps ({', '.join(columns)}) unique"
        hint = self._hints.add_key(name, columns, missing=missing)
        return self._fault("primary_key" if name is None else name, TableFaultKind.MISSING_KEY, detail, hint)

    def _missing_check(self, name: str, missing: Sequence[str] = ()) -> TableFault:
        detail = f"is missing: nothing makes sure that {self._table.checks[name]}"
        return self._fault(name, TableFaultKind.MISSING_CHECK, detail, self._hints.add_check(name, missing=missing))

    @property
    def _keys(self) -> list[tuple[str | None, tuple[str, ...]]]:
        return [(None, self._table.primary_key or self._sequence), *self._table.unique.items()]

    @property
    def _sequence(self) -> tuple[str, ...]:
        return tuple(column.name for column in self._table.columns if column.kind == Kind.SEQUENCE)

    # -- what a column makes of what it is given

    def _refused_rows(self) -> list[TableFault]:
        """Tell why even short rows are refused, or kept where they do not belong, if they are."""
        trial = self._trial
        (tenant,) = [column for column in trial.columns if column.name == "tenant"]
        for row in self._rows.filled:
            refusal = trial.find_refusal(row)
            if refusal is not None and self._sequence:
                # It may be for the database alone to number rows, or to do so from zero on.
                given = trial.columns
                trial.columns = tuple(column for column in given if column.kind != Kind.SEQUENCE)
                if trial.find_refusal(row) is None:
                    continue
                trial.columns = given
            if refusal is None and trial.read_back([row], ["tenant"]) == []:
                return [self._unfit(tenant, TableFaultKind.TOO_NARROW, f"cuts {_hard(tenant)}")]
            if refusal is None:
                continue
            unlike = [column for column in trial.columns if not self._type(column).startswith(_TYPES[column.kind])]
            if trial.find_refusal(row | {"tenant": "x"}) is None:
                unlike = [tenant]
            if unlike:
                return [self._unfit(column, TableFaultKind.TOO_NARROW, f"refuses {_hard(column)}") for column in unlike]
            detail = f"refuses a row that is as it should be (cause: {refusal.code})"
            return [self._fault(None, TableFaultKind.REFUSES, detail, LOOK_FOR_OTHERS)]
        return []

    def _unfit_columns(self) -> list[TableFault]:
        """Tell the columns that refuse, cut, round or otherwise change what they must hold."""
        found: dict[str, TableFault] = {}
        for row in self._rows.filled:
            # The short values too, which some types fill up with blanks.
            tried = {
                column: [row[column.name], *pick_hardest(column, row)]
                for column in self._trial.columns
                if row[column.name] is not None
            }
            for place in (0, 1, -1):
                whole = row | {column.name: values[min(place, len(values) - 1)] for column, values in tried.items()}
                returned = self._trial.read_back([whole], [column.name for column in self._trial.columns])
                if returned and all(_is_same(got, whole[name]) for name, got in returned[0].items()):
                    continue
                for column, values in tried.items():
                    for value in values:
                        fault = None if column.name in found else self._tried(column, row, value)
                        if fault is not None:
                            found[column.name] = fault
                if not found:
                    detail = "refuses or changes a row all of whose texts are as long as can be"
                    return [self._fault(None, TableFaultKind.REFUSES, detail, LOOK_FOR_OTHERS)]
        return list(found.values())

    def _tried(self, column: Column, row: Row, value: Any) -> TableFault | None:  # Any: text or a number.
        name = column.name
        returned = self._trial.read_back([row | {name: value}], [name])
        if returned is None:
            # Is it too many characters, or is it those?
            plain = self._trial.read_back([row | {name: "x" * len(value)}], [name]) if _is_foreign(value) else None
            what = "characters beyond its character set" if plain else _hard(column)
            return self._unfit(column, TableFaultKind.TOO_NARROW, f"refuses {what}")
        got = returned[0][name]
        if _is_same(got, value):
            return None
        if isinstance(value, int):
            return self._unfit(column, TableFaultKind.LOSSY, "rounds or changes numbers")
        if isinstance(got, str) and got.rstrip(" ") == value.rstrip(" "):
            return self._unfit(column, TableFaultKind.LOSSY, "adds or drops blanks at the end")
        if isinstance(got, str) and value.startswith(got):
            return self._unfit(column, TableFaultKind.TOO_NARROW, f"cuts {_hard(column)}")
        return self._unfit(column, TableFaultKind.LOSSY, "changes texts")

    def _folding_columns(self, *, besides: Sequence[str | None]) -> Iterator[TableFault]:
        """Tell the columns that take different texts for the same, or sort them otherwise than their code points."""
        compared = {name for _, columns in self._keys for name in columns} | {"password_hash"}
        compared |= {name for columns in self._table.indexes.values() for name in columns}
        for column in self._trial.columns:
            if column.length is None or column.name in besides or column.name not in compared:
                continue
            text, others = pick_confusable(column, self._tenant)
            row = self._rows.filled[0] | {column.name: text}
            compared_with = self._trial.compare(column, row, [other for _, other in others])
            if compared_with is None:
                yield self._unfit(column, TableFaultKind.TOO_NARROW, "refuses characters that are none of its own")
                continue
            folded = [what for (what, _), (is_same, _) in zip(others, compared_with, strict=True) if is_same]
            is_unsorted = any(
                is_before is not (text < other)
                for (_, other), (_, is_before) in zip(others, compared_with, strict=True)
            )
            if folded:
                yield self._unfit(column, TableFaultKind.FOLDS, f"folds {', '.join(dict.fromkeys(folded))}")
            elif is_unsorted and column.name in self._rows.sorted_by:
                yield self._unfit(column, TableFaultKind.MISSORTS, "does not sort by code point")

    def _nullable_columns(self) -> Iterator[TableFault]:
        row = self._rows.filled[0]
        for column in self._trial.columns:
            is_required = column.required and column.kind != Kind.SEQUENCE
            if is_required and self._trial.find_refusal(row | {column.name: None}) is None:
                hint = self._hints.change_column(column)
                yield self._fault(column.name, TableFaultKind.NULLABLE, "takes NULL", hint)

    def _columns_to_fill_in(self, *, is_fit: bool) -> Iterator[TableFault]:
        """Tell the columns that the database should fill in, and does not."""
        named = [row | {"contact_id": state} for state, row in self._rows.states.items()]
        for column in self._table.columns:
            if column.kind == Kind.SEQUENCE and column.name not in self._catalog.numbered:
                hint = self._hints.change_column(column)
                yield self._fault(column.name, TableFaultKind.NOT_COMPUTED, "is not numbered by the database", hint)
            elif column.computed is not None:
                returned = self._trial.read_back(named, ["contact_id", column.name])
                if returned is not None and any(row["contact_id"] != row[column.name] for row in returned):
                    yield self._not_computed(column)
                elif returned is None and is_fit:
                    detail = "refuses an account in a state that can be"
                    yield self._fault(None, TableFaultKind.REFUSES, detail, LOOK_FOR_OTHERS)

    def _not_computed(self, column: Column) -> TableFault:
        detail = "is not computed from the other columns, or otherwise than it should be"
        return self._fault(column.name, TableFaultKind.NOT_COMPUTED, detail, self._hints.change_column(column))

    def _leniency(self) -> Iterator[TableFault]:
        keyed = {name for _, columns in self._keys for name in columns}
        too_long: Row = {
            column.name: "x" * (column.length + 1)
            for column in self._trial.columns
            if column.length is not None and column.name not in {*keyed, "origin"}
        }
        returned = self._trial.read_back([self._rows.filled[0] | too_long], list(too_long)) if too_long else None
        if returned is not None and any(len(returned[0][name]) < len(text) for name, text in too_long.items()):
            detail = "takes and cuts texts that are too long, as the connection's sql_mode lets it"
            yield self._fault(None, TableFaultKind.LENIENT, detail, BE_STRICT)

    def _wrong_version(self) -> Iterator[TableFault]:
        row = self._table.first_row
        if row is None:
            return
        found = self._trial.read("version", row["tenant"])
        if not found:
            detail = f"says nothing; these tables are of version {row['version']}"
            yield self._fault("version", TableFaultKind.VERSION, detail, self._hints.add_first_row(row))
        elif found != [row["version"]]:
            detail = f"says {found[0]}, and this release needs {row['version']}"
            yield self._fault("version", TableFaultKind.VERSION, detail, OTHER_RELEASE)

    # -- how it is told

    def _unfit(self, column: Column, kind: TableFaultKind, detail: str) -> TableFault:
        now = self._catalog.types.get(column.name)
        detail = f"{detail} (it is {now})" if now else detail
        return self._fault(column.name, kind, detail, self._hints.change_column(column))

    def _fault(self, part: str | None, kind: TableFaultKind, detail: str, hint: Hint) -> TableFault:
        return TableFault(
            table=self._table.path,
            part=part,
            kind=kind,
            detail=detail,
            statements=hint.statements,
            intended=hint.intended,
            hint=hint.text,
        )

    def _type(self, column: Column) -> str:
        return self._catalog.types.get(column.name, "").lower()


def _is_same(got: Any, given: Any) -> bool:  # Any: what a driver makes of text, of numbers and of NULL.
    # Of the same type too: a Decimal would do for comparing, but is no number of microseconds.
    return type(got) is type(given) and bool(got == given)


def _is_foreign(value: Any) -> bool:  # Any: text or a number.
    return isinstance(value, str) and not value.isascii()


def _hard(column: Column) -> str:
    if column.name == "origin":
        return "'imported'"
    return "numbers of 64 bits" if column.length is None else f"texts of {column.length} characters"
