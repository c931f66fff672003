"""
Read contacts from OneRoster 1.1 and 1.2.

Source: 1EdTech, OneRoster CSV Tables 1.1.1, and OneRoster CSV Binding 1.2.1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import IO, TYPE_CHECKING, Final

from .._arguments import number_in
from ..contacts import Contact
from ..exceptions import UnreadableRosterError
from .columns import ContactColumns, folded
from .reading import LeftOut, RosterReading, RosterReason
from .relations import RosterClass, RosterRelations, day_in, relations_of

if TYPE_CHECKING:
    from ._archive import Opener
    from ._collecting import Collector
    from ._csv_rows import Table

CONTACT_ROLES: Final = frozenset(("guardian", "parent", "relative"))
"""The roles of OneRoster whose users are contacts."""

_STAFF_ROLES: Final = frozenset(
    (
        *("administrator", "aide", "proctor", "teacher"),
        # Since 1.2.
        *("counselor", "districtadministrator", "principal", "siteadministrator", "systemadministrator"),
    )
)
_LEFT: Final = frozenset(("tobedeleted", "inactive"))
"""The statuses of those who have left; ``inactive`` is of OneRoster 1.0, and exports still have it."""

_FIELDS: Final = {
    "contact_id": "sourcedId",
    "first_name": "givenName",
    "last_name": "familyName",
    "email": "email",
    "username": "username",
}
_ID: Final = "sourcedId"
_USER_NEEDED: Final = (_ID, "givenName", "familyName")
_USER_OPTIONAL: Final = ("status", "enabledUser", "role", "username", "email", "agentSourcedIds")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


def read_oneroster(
    source: str | os.PathLike[str] | IO[bytes],
    *,
    on: date | None = None,
    encoding: str | None = None,
    max_rows: int = 2_000_000,
) -> RosterReading:
    """
    Read the contacts of a OneRoster zip, or of its ``users.csv`` alone.

    Guardians, parents and relatives are contacts; a teacher who is also a parent is one too. Students, staff, users
    with no role or one that OneRoster does not define, users who have left (``tobedeleted``) and those with
    ``enabledUser`` false are not: `RosterReading.left_out` counts them by the reason. A blank status means active, as
    in every bulk file, and a blank ``enabledUser`` enabled.

    Of a zip ``manifest.csv``, ``users.csv``, ``roles.csv``, ``classes.csv`` and ``enrollments.csv`` are read, and never
    extracted. In 1.2 the roles are in ``roles.csv``, so that its ``users.csv`` is not enough. ``userProfiles.csv`` is
    not read: it holds user names and passwords for other applications. Nor are the passwords of ``users.csv``.

    Who belongs to whom is read from ``agentSourcedIds``, of the student or of the contact, and from enrollments that
    have not ended: see `RosterReading.contacts_of_class`. A zip that lists only changes (``delta``) does not tell that.

    Args:
        source: A path, or a binary file that can be read twice. It stays open.
        on: The day on which enrollments and roles must not have ended; None for today in UTC.
        encoding: What the files are written in; None for UTF-8, which OneRoster asks for, or UTF-16 with a mark.
        max_rows: Rows of each file, at most.

    Returns:
        The contacts, the rows that were refused, and who was left out.

    Raises:
        UnreadableRosterError: The zip is damaged, asks for a password, lists too many files or has one with more than
            1 GiB or *max_rows*; a file or column is missing; the version is another one.
        InvalidValueError: An argument is not what it should be.
        OSError: The source cannot be read.
    """
    # Here: importing the package needs none of them.
    from ._archive import opened
    from ._collecting import Collector

    number_in("max_rows", max_rows, least=1)
    day = day_in(on)
    collector = Collector("users.csv")
    with opened(source, "users.csv") as opener:
        return _Reader(opener, collector, day, encoding, max_rows).reading()


class _Reader:
    """Reads the files of one zip, each once: the roles, then the users, then who belongs to whom."""

    def __init__(self, opener: Opener, collector: Collector, day: str, encoding: str | None, max_rows: int) -> None:
        self._open = opener
        self._collector = collector
        self._day = day
        self._encoding = encoding
        self._max_rows = max_rows
        self._modes: dict[str, str] = {}
        self._encoding_found = ""
        self._students: dict[str, list[str]] = {}
        self._agents: dict[str, list[str]] = {}

    def reading(self) -> RosterReading:
        self._read_manifest()
        roles = self._roles()
        users = self._table("users.csv", _USER_NEEDED, _USER_OPTIONAL)
        if users is None:
            hint = "pass a OneRoster zip with a users.csv, or users.csv itself"
            raise UnreadableRosterError("source", hint, "missing_file", {"file": "users.csv"})
        encoding = self._encoding_found
        if roles is None and "role" not in users.indexes:
            hint = "users.csv does not say who has which role; pass a zip with roles.csv"
            raise UnreadableRosterError("source", hint, "missing_roles")
        for line, record in self._rows(users, "users.csv", _USER_NEEDED):
            self._take(line, record, {_word(record, "role")} - {""} if roles is None else roles.get(record[_ID], set()))
        relations = None
        if "delta" not in {self._modes.get(name) for name in ("users", "roles", "classes", "enrollments")}:
            relations = self._relations(self._collector.reading().contacts)
        there = {
            field: users.headers[users.indexes[name]] if name in users.indexes else ""
            for field, name in _FIELDS.items()
        }
        return self._collector.reading(
            columns=ContactColumns(**there), delimiter=users.delimiter, encoding=encoding, relations=relations
        )

    def _table(self, file: str, needed: Sequence[str], optional: Iterable[str] = ()) -> Table | None:
        from ._csv_rows import table_of
        from ._lines import RosterLines

        mode = self._modes.get(file.removesuffix(".csv").casefold(), "")
        member = None if mode == "absent" else self._open(file)
        if member is None:
            if mode in ("bulk", "delta"):
                hint = f"manifest.csv lists {file}, which is not in the zip; export it again"
                raise UnreadableRosterError("source", hint, "missing_file", {"file": file})
            return None
        lines = RosterLines(member, self._encoding)  # type: ignore[arg-type]  # No more is asked of it than read.
        table = table_of(lines, lambda headers, _: _positions(file, headers, needed, optional), max_rows=self._max_rows)
        self._encoding_found = lines.encoding
        return table

    def _rows(self, table: Table, file: str, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
        def refuse(line: int, reason: RosterReason) -> None:
            self._collector.refuse(line, "row", reason, file=file)

        for line, _, record in table.records(needed, refuse):
            yield line, record

    def _live(self, file: str, needed: Sequence[str], optional: Iterable[str] = ()) -> Iterator[dict[str, str]] | None:
        """Return the rows of a file, if there is one, that are neither to be deleted nor over."""
        table = self._table(file, needed, ("status", "endDate", *optional))
        if table is None:
            return None
        return (record for _, record in self._rows(table, file, needed) if self._is_live(record))

    def _is_live(self, record: dict[str, str]) -> bool:
        end = _DATE.match(record.get("endDate", "").strip())
        return _word(record, "status") not in _LEFT and (end is None or end[0] >= self._day)

    def _read_manifest(self) -> None:
        file, columns = "manifest.csv", ("propertyName", "value")
        table = self._table(file, columns)
        for line, record in () if table is None else self._rows(table, file, columns):
            name, value = _word(record, "propertyName"), _word(record, "value")
            if name == "oneroster.version" and not value.startswith(("1.1", "1.2")):
                hint = "export it as OneRoster 1.1 or 1.2; manifest.csv has another version"
                raise UnreadableRosterError("source", hint, "other_version")
            if name.startswith("file."):
                self._modes[name.removeprefix("file.")] = value
                if name == "file.users" and value == "delta":
                    self._collector.warn(line, "row", RosterReason.ONLY_CHANGES, file=file)

    def _roles(self) -> dict[str, set[str]] | None:
        """Return the roles of each user who has one, or None if there is no file of roles."""
        rows = self._live("roles.csv", (_ID, "userSourcedId", "role"))
        if rows is None:
            return None
        roles: dict[str, set[str]] = {}
        for record in rows:
            roles.setdefault(record["userSourcedId"], set()).add(_word(record, "role"))
        return roles

    def _take(self, line: int, record: dict[str, str], roles: set[str]) -> None:
        """Take one user, or tell why not."""
        agents = [agent for each in record.get("agentSourcedIds", "").split(",") if (agent := each.strip())]
        status, enabled = _word(record, "status"), _word(record, "enabledUser")
        if "student" in roles and status not in _LEFT:
            self._students[record[_ID]] = agents
        reason = _left_out(status, enabled, roles)
        if reason is not None:
            self._collector.leave_out(reason)
        elif status not in ("", "active"):
            self._collector.refuse(line, "status", RosterReason.STATE_UNKNOWN)
        elif enabled not in ("", "true"):
            self._collector.refuse(line, "enabledUser", RosterReason.STATE_UNKNOWN)
        else:
            self._agents[record[_ID]] = agents
            self._collector.take(line, {field: record[name] for field, name in _FIELDS.items() if name in record})

    def _relations(self, contacts: tuple[Contact, ...]) -> RosterRelations:
        """Return who belongs to whom. Some SIS list the parents as a student's agents, others the reverse."""
        links = [(student, agent) for student, agents in self._students.items() for agent in agents]
        links += [
            (agent, contact) for contact, agents in self._agents.items() for agent in agents if agent in self._students
        ]
        classes = [
            RosterClass(
                class_id=record[_ID],
                title=record["title"],
                code=record.get("classCode", ""),
                school_id=record.get("schoolSourcedId", ""),
            )
            for record in self._live("classes.csv", (_ID, "title"), ("classCode", "schoolSourcedId")) or ()
        ]
        members: list[tuple[str, str]] = []
        themselves: list[tuple[str, str]] = []
        for record in self._live("enrollments.csv", (_ID, "classSourcedId", "userSourcedId", "role")) or ():
            pair, role = (record["classSourcedId"], record["userSourcedId"]), _word(record, "role")
            if role == "student" and pair[1] in self._students:
                members.append(pair)
            elif role in CONTACT_ROLES:
                themselves.append(pair)
        return relations_of(contacts, links, classes, members, themselves)


def _positions(file: str, headers: Sequence[str], needed: Sequence[str], optional: Iterable[str]) -> dict[str, int]:
    """Return where each column is, by its name in the specification."""
    at: dict[str, int] = {}
    for name in (*needed, *optional):
        found = [index for index, header in enumerate(headers) if folded(header) == name.casefold()]
        if len(found) > 1 or (not found and name in needed):
            what = "twice" if found else "not there"
            hint = f"the column {name} of {file} is {what}; pass a file of OneRoster 1.1 or 1.2"
            reason = "doubtful_column" if found else "missing_column"
            raise UnreadableRosterError("source", hint, reason, {"columns": f"{name} ({file})"})
        if found:
            at[name] = found[0]
    return at


def _word(record: dict[str, str], name: str) -> str:
    """Return one of the words that OneRoster defines, as it is compared: exports write ``TRUE`` and ``Active`` too."""
    return record.get(name, "").strip().casefold()


def _left_out(status: str, enabled: str, roles: set[str]) -> LeftOut | None:
    """Return why a user is no contact, or None for one who is."""
    if status in _LEFT:
        return LeftOut.TO_BE_DELETED
    if not roles - {""}:
        return LeftOut.NO_ROLE
    if not roles & CONTACT_ROLES:
        if "student" in roles:
            return LeftOut.STUDENT
        return LeftOut.STAFF if roles & _STAFF_ROLES else LeftOut.OTHER_ROLE
    return LeftOut.NOT_ENABLED if enabled == "false" else None
