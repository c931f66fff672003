"""What was read from a roster: the contacts, and what to know before they are synced."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .._spoken import Code, Spoken
from .._table import Rows, Shown, ShownRow, how_many, records_as_html, rows_of, said_as_html
from .._value import Value
from ..contacts import Contact, ContactId
from ..exceptions import InvalidValueError
from ..texts import Message
from .columns import ContactColumns
from .relations import RosterRelations


class RosterReason(Code):
    """Why a row was not taken, or what to look at in one that was."""

    MISSING_ID = "missing_id"
    """The row has no identifier, or is not said whose it is."""

    LISTED_TWICE = "listed_twice"
    """Another row has the same identifier and says something else."""

    TOO_FEW_CELLS = "too_few_cells"
    """The row ends before the cells that are needed."""

    TOO_MANY_CELLS = "too_many_cells"
    """The row has more cells than there are headers."""

    OPEN_QUOTE = "open_quote"
    """A quotation mark is not closed, or was closed on a line that is a row of its own."""

    STRAY_QUOTE = "stray_quote"
    """There is a quotation mark within a quoted cell that is not doubled."""

    CELL_TOO_LONG = "cell_too_long"
    """A cell is longer than 131,072 characters."""

    NUMBER_CUT = "number_cut"
    """A spreadsheet has cut the identifier short, such as ``1.00E+11``."""

    READ_AS_NUMBER = "read_as_number"
    """The identifier was read as a number with a fraction, such as the text ``1001.0``: zeros may be missing."""

    SPREADSHEET_ERROR = "spreadsheet_error"
    """The cell has the error of a spreadsheet, such as ``#REF!``."""

    NOT_TEXT = "not_text"
    """The value is a number, a date or something else where text belongs."""

    TOO_LONG = "too_long"
    """The value is longer than `portalcreds.contacts.MAX_CONTACT_TEXT` characters."""

    OUTER_BLANKS = "outer_blanks"
    """There are blanks around the identifier."""

    INVALID_TEXT = "invalid_text"
    """The value has characters that are not text, or that nobody sees."""

    USERNAME_INVALID = "username_invalid"
    """No account can have the user name."""

    STATE_UNKNOWN = "state_unknown"
    """The status, or whether the user is enabled, is none of the values that OneRoster has."""

    MARKS_REMOVED = "marks_removed"
    """A warning: the marks that a spreadsheet puts before a text were taken off."""

    DAMAGED_TEXT = "damaged_text"
    """A warning: the name looks as if it was read in a wrong encoding."""

    WAS_FLOAT = "was_float"
    """A warning, once for a column: identifiers came as floats such as ``12345.0`` and were taken as ``"12345"``."""

    SEVERAL_EMAILS = "several_emails"
    """A warning: there are several e-mail addresses and none is the primary one, so that none was taken."""

    ONLY_CHANGES = "only_changes"
    """A warning: the file lists only what has changed, so that nothing can be told of who is not in it."""


class LeftOut(Code):
    """Why a row that could be read is no contact."""

    STUDENT = "student"
    """The user is a student."""

    STAFF = "staff"
    """The user is a teacher or other staff."""

    OTHER_ROLE = "other_role"
    """The user has a role that OneRoster does not define."""

    NO_ROLE = "no_role"
    """It is not said which role the user has."""

    TO_BE_DELETED = "to_be_deleted"
    """The user has left: the status is ``tobedeleted``, or ``inactive`` as in OneRoster 1.0."""

    NOT_ENABLED = "not_enabled"
    """The user may not sign in anywhere: ``enabledUser`` is false."""

    NOT_KEPT = "not_kept"
    """The argument *keep* says so."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Told(Spoken, ShownRow, Value):
    line: int
    field: str
    reason: RosterReason
    file: str = ""
    taken_line: int | None = None

    @property
    def hint(self) -> str:
        """What to do about it, in English."""
        return self.reason.text

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it says to whoever keeps the roster."""
        name = type(self).__name__ + (".in_file" if self.file else "")
        (hint,) = self.reason.messages
        said = Message(name, {"line": self.line, "field": self.field, "file": self.file, "hint": hint})
        if self.taken_line is None:
            return (said,)
        return said, Message("RosterRefusal.taken", {"line": self.taken_line})

    def to_record(self) -> dict[str, str | int | None]:
        """Return it as a plain record, with the hint, and without anything that stands in the row."""
        return {
            "file": self.file or None,
            "line": self.line,
            "field": self.field,
            "reason": self.reason.value,
            "hint": self.hint,
        }


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RosterRefusal(_Told):
    """
    A row that was not taken, without anything that stands in it.

    Attributes:
        line: The line of the file that the row begins on, or the record's position; both from 1.
        field: The field at fault, such as ``last_name``, or ``row`` for the row as a whole.
        reason: What is wrong with it.
        file: The file within a zip, such as ``users.csv``; empty for a file or records read alone.
        taken_line: The line of the row that was taken instead, or None.
    """


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RosterWarning(_Told):
    """
    A row that was taken, and should be looked at; without anything that stands in it.

    Attributes:
        line: The line of the file that the row begins on, or the record's position; both from 1.
        field: The field that it is about, such as ``contact_id``.
        reason: What was repaired, or what is probably wrong.
        file: The file within a zip, such as ``users.csv``; empty for a file or records read alone.
        taken_line: None.
    """


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RosterReading(Shown):
    """
    What was read. The names are hidden from ``repr``, which only counts.

    Attributes:
        contacts: The contacts, in order, exactly as written. Each knows the fields that the roster has no column for,
            so that a sync keeps what the account has there.
        refusals: The rows that were not taken, in order.
        warnings: What to look at before a sync: repaired identifiers and names that look damaged, in order.
        left_out: How many rows are no contacts, by the reason. They get no account. A sync does not disable an account
            that somebody has already: see `AccountService.select_absent`.
        usernames: The user names by contact id, of the contacts who have one in the roster; pass them to
            `AccountService.sync_contacts`.
        columns: The header that each field was found under; empty for a field without a column.
        delimiter: What separates the cells, given or found; empty for records.
        encoding: What the file was read in, given or found; empty for records and for a file opened as text.
        relations: Which contacts belong to which students and classes, or None if that is not known.
    """

    contacts: Rows[Contact] = attrs.field(default=(), converter=rows_of)
    refusals: Rows[RosterRefusal] = attrs.field(default=(), converter=rows_of)
    warnings: Rows[RosterWarning] = attrs.field(default=(), converter=rows_of)
    left_out: Mapping[LeftOut, int] = attrs.field(factory=dict)
    usernames: Mapping[ContactId, str] = attrs.field(factory=dict)
    columns: ContactColumns = attrs.field(factory=ContactColumns)
    delimiter: str = ""
    encoding: str = ""
    relations: RosterRelations | None = None

    @property
    def _summary(self) -> str:
        parts = {
            "contact": self.contacts,
            "refusal": self.refusals,
            "warning": self.warnings,
            "user name": self.usernames,
        }
        counts = ", ".join(how_many(len(part), what) for what, part in parts.items())
        return f"{counts}, {sum(self.left_out.values())} left out"

    def to_records(self) -> list[dict[str, str | None]]:
        """Return one plain record for each contact, names and user name included, such as for a DataFrame."""
        return [each.to_record() | {"username": self.usernames.get(each.contact_id)} for each in self.contacts]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._summary})"

    def _repr_html_(self) -> str:
        """Return the counts, what was refused, what to look at, and the contacts, for a notebook."""
        notes = [records_as_html(each.to_records()) for each in (self.refusals, self.warnings) if each]
        return said_as_html(self._summary) + "".join(notes) + records_as_html(self.to_records())

    def contacts_of_class(self, name: str, *, school_id: str | None = None) -> tuple[ContactId, ...]:
        """
        Return the ids of the contacts of a class's students, each once: pass them to `ResetService.plan`.

        Args:
            name: The class's identifier, title or code, such as ``"7B"``; capitals and outer blanks do not count.
            school_id: The identifier of the school, where several have such a class.

        Raises:
            InvalidValueError: There is no such class, or there are several; or the roster does not tell.
        """
        return _known(self.relations).contacts_of_class(name, school_id=school_id)

    def contacts_of_student(self, student_id: str) -> tuple[ContactId, ...]:
        """
        Return the ids of a student's contacts; none for a student without.

        Raises:
            InvalidValueError: The roster does not tell.
        """
        return _known(self.relations).contacts_of_student(student_id)


def _known(relations: RosterRelations | None) -> RosterRelations:
    if relations is None:
        raise InvalidValueError(
            "relations", "read the whole OneRoster zip and not one that lists changes, or add them with relate"
        )
    return relations
