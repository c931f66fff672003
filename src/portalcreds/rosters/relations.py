"""Which contacts belong to which students, and which students to which classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import attrs

from .._arguments import items_in, part_in, text_in
from .._value import Value
from ..contacts import Contact, ContactId
from ..exceptions import InvalidValueError
from ..protocols import utc_now

if TYPE_CHECKING:
    from .reading import RosterReading

MAX_LINKS: Final = 5_000_000
"""Links between students, contacts and classes, at most: they are all held in memory."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RosterClass(Value):
    """
    A class, and who is in it.

    Attributes:
        class_id: Its identifier in the SIS.
        title: Its title, such as ``7B``.
        code: Its code, or empty.
        school_id: The identifier of its school, or empty.
        student_ids: The identifiers of its students.
        contact_ids: The contacts who are enrolled in it themselves, as some SIS have it.
    """

    class_id: str
    title: str = ""
    code: str = ""
    school_id: str = ""
    student_ids: tuple[str, ...] = attrs.field(default=(), repr=False)
    contact_ids: tuple[ContactId, ...] = attrs.field(default=(), repr=False)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RosterRelations:
    """
    Which contacts belong to which students and classes. It is held in memory only, and stored nowhere.

    Attributes:
        students: The contacts of each student who has some, by the student's identifier.
        classes: The classes.
    """

    students: Mapping[str, tuple[ContactId, ...]] = attrs.field(factory=dict)
    classes: tuple[RosterClass, ...] = ()

    def __repr__(self) -> str:
        return f"RosterRelations({len(self.students)} students, {len(self.classes)} classes)"

    def contacts_of_student(self, student_id: str) -> tuple[ContactId, ...]:
        """Return the ids of a student's contacts; none for a student without."""
        return self.students.get(text_in("student_id", student_id, "pass the student's identifier as text"), ())

    def contacts_of_class(self, name: str, *, school_id: str | None = None) -> tuple[ContactId, ...]:
        """
        Return the ids of the contacts of a class's students, each once.

        Args:
            name: The class's identifier, title or code; capitals and outer blanks do not count.
            school_id: The identifier of the school, where several have such a class.

        Raises:
            InvalidValueError: There is no such class, or there are several.
        """
        text_in("name", name, "pass the class's identifier, title or code as text, such as '7B'")
        there = [each for each in self.classes if school_id is None or each.school_id == school_id]
        wanted = name.strip().casefold()
        named = [each for each in there if each.class_id == name]
        named = named or [each for each in there if wanted and wanted in (_folded(each.title), _folded(each.code))]
        if not named:
            raise InvalidValueError("name", "there is no such class; see relations.classes")
        if len(named) > 1:
            # The parents of another school's 7B must not be among those whose passwords are set.
            raise InvalidValueError(
                "name", f"{len(named)} classes are called so; pass school_id=, or a class_id of relations.classes"
            )
        (found,) = named
        contacts = [contact for student in found.student_ids for contact in self.students.get(student, ())]
        return tuple(dict.fromkeys((*contacts, *found.contact_ids)))


def relate(
    reading: RosterReading,
    *,
    students: Iterable[tuple[str, str]],
    classes: Iterable[tuple[str, str]] = (),
) -> RosterReading:
    """
    Return a reading that knows which contacts belong to which students and classes, from lists of your own.

    Args:
        reading: What was read. Contacts that are not in it are passed over.
        students: Pairs of a student's identifier and that of a contact.
        classes: Pairs of a class, such as ``"7B"``, and the identifier of a student in it.

    Raises:
        InvalidValueError: There are more than 5,000,000 pairs, or one is not a pair of texts.
    """
    reading = part_in("reading", reading, ("contacts", "relations"), "pass a RosterReading")
    pairs = list(_pairs("classes", classes))
    named = {name: RosterClass(class_id=name, title=name) for name, _ in pairs}
    return attrs.evolve(
        reading, relations=relations_of(reading.contacts, _pairs("students", students), named.values(), pairs)
    )


def relations_of(
    contacts: Iterable[Contact],
    students: Iterable[tuple[str, str]],
    classes: Iterable[RosterClass],
    members: Iterable[tuple[str, str]],
    themselves: Iterable[tuple[str, str]] = (),
) -> RosterRelations:
    """
    Put together who belongs to whom.

    Args:
        contacts: The contacts who were taken; links to others are passed over.
        students: Pairs of a student's identifier and a contact's. A student may have the same one as a contact.
        classes: The classes, without members; members of others are passed over.
        members: Pairs of a class's identifier and a student's.
        themselves: Pairs of a class's identifier and that of a contact who is enrolled in it.

    Raises:
        InvalidValueError: There are too many.
    """
    taken = {contact.contact_id: contact.contact_id for contact in contacts}
    known = {each.class_id: each for each in classes}
    of_student: dict[str, dict[ContactId, None]] = {}
    in_class: dict[str, dict[str, None]] = {class_id: {} for class_id in known}
    enrolled: dict[str, dict[ContactId, None]] = {class_id: {} for class_id in known}
    links = 0
    for student, contact in students:
        contact_id = taken.get(ContactId(contact))
        if contact_id is not None:
            of_student.setdefault(student, {})[contact_id] = None
            links = _counted(links)
    for class_id, student in members:
        if class_id in in_class:
            in_class[class_id][student] = None
            links = _counted(links)
    for class_id, contact in themselves:
        contact_id = taken.get(ContactId(contact))
        if contact_id is not None and class_id in enrolled:
            enrolled[class_id][contact_id] = None
            links = _counted(links)
    return RosterRelations(
        students={student: tuple(contact_ids) for student, contact_ids in of_student.items()},
        classes=tuple(
            attrs.evolve(each, student_ids=tuple(in_class[class_id]), contact_ids=tuple(enrolled[class_id]))
            for class_id, each in known.items()
        ),
    )


def day_in(on: object) -> str:
    """Return the day on which a membership must not have ended, as the standards write it; None is today in UTC."""
    if on is None:
        return utc_now().date().isoformat()
    if not isinstance(on, date):
        raise InvalidValueError("on", "pass a date, such as date(2026, 9, 1)")
    return on.isoformat()[:10]


def _counted(links: int) -> int:
    if links >= MAX_LINKS:
        raise InvalidValueError("relations", f"pass at most {MAX_LINKS:,} links between contacts, students and classes")
    return links + 1


def _pairs(name: str, pairs: Iterable[Any]) -> Iterator[tuple[str, str]]:
    hint = "pass pairs of texts, such as ('S-17', 'P-1001')"
    for pair in items_in(name, pairs, hint):
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(each, str) for each in pair):
            raise InvalidValueError(name, hint)
        yield pair[0], pair[1]


def _folded(text: str) -> str:
    return text.strip().casefold()
