"""Derive the default passwords of many contacts to look at, in a notebook or before a first import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, final

from .._arguments import parts_in
from .._table import Counted, counted, records_as_html, said_as_html, summed_up
from ..contacts import Contact
from ..exceptions import InvalidValueError, UnderivableError
from ..secret import Secret
from .strategies import LastNameFirstInitial

if TYPE_CHECKING:
    from ..protocols import DefaultPasswordStrategy


class DerivedDefault(NamedTuple):
    """
    A contact and the default password that a strategy made for them.

    Attributes:
        contact: Whose it is.
        secret: The password.
        warnings: What makes it hard to type, as codes (see `DefaultWarning`).
    """

    contact: Contact
    secret: Secret
    warnings: tuple[str, ...]


class RefusedDefault(NamedTuple):
    """
    A contact for whom the strategy has no password.

    Attributes:
        contact: Who it is.
        field: The name at fault, such as ``first_name``; empty if the strategy raised an error of its own.
        reason: Why, as a code (see `UnderivableError`), or ``strategy_failed``.
        hint: Why and what to do about it, as a sentence.
    """

    contact: Contact
    field: str
    reason: str
    hint: str


@final
class DefaultPasswords(Counted):
    """
    The default passwords of several contacts, and the contacts who have none.

    Iterate over it for one row per contact, in the order they were handed in. Printed, it only counts; in a notebook
    it shows the names with the passwords masked, the problems first.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Iterable[DerivedDefault | RefusedDefault]) -> None:
        self._rows = tuple(rows)

    def __iter__(self) -> Iterator[DerivedDefault | RefusedDefault]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def derived(self) -> tuple[DerivedDefault, ...]:
        """The contacts with a default password."""
        return tuple(row for row in self._rows if isinstance(row, DerivedDefault))

    @property
    def refused(self) -> tuple[RefusedDefault, ...]:
        """The contacts without one, and why."""
        return tuple(row for row in self._rows if isinstance(row, RefusedDefault))

    @property
    def reasons(self) -> dict[str, int]:
        """How many contacts were refused for each reason, the commonest first."""
        return counted(row.reason for row in self.refused)

    def to_records(self, *, reveal: bool = False) -> list[dict[str, str | None]]:
        """
        Return the rows as plain records with names, for a table or a DataFrame.

        Args:
            reveal: Whether the records have a column ``password`` in plaintext. Whoever saves them keeps passwords.
        """
        return [_record(row) | (_password(row) if reveal is True else {}) for row in self._rows]

    @property
    def _summary(self) -> str:
        counts = {"derived": len(self.derived), "refused": len(self.refused)}
        return summed_up(counts, self.reasons)

    def _repr_html_(self) -> str:
        """Return the counts and the first rows for a notebook: the refused ones, those with warnings, the others."""
        masked = ({"password": _MASK if isinstance(row, DerivedDefault) else None} for row in self._rows)
        records = [_record(row) | password for row, password in zip(self._rows, masked, strict=True)]
        return said_as_html(self._summary) + records_as_html(records)


def default_passwords_for(
    contacts: Iterable[Contact], *, strategy: DefaultPasswordStrategy | None = None
) -> DefaultPasswords:
    """
    Return the default passwords of many contacts; a contact without one is a row that says why.

    Nothing is set or stored. To set them, use a `ResetService`.

    Args:
        contacts: The contacts, such as `RosterReading.contacts`.
        strategy: How a default password comes about; `LastNameFirstInitial` if None.

    Raises:
        InvalidValueError: *contacts* are not contacts, or *strategy* is no strategy.
    """
    chosen = LastNameFirstInitial() if strategy is None else strategy
    if not callable(getattr(chosen, "derive", None)):
        raise InvalidValueError("strategy", "pass a strategy, such as LastNameFirstInitial()")
    hint = "pass several Contact, such as contacts_from_records(frame).contacts"
    several = parts_in("contacts", contacts, ("contact_id", "first_name", "last_name"), hint)
    return DefaultPasswords(_row(contact, chosen) for contact in several)


_MASK: Final = "********"


def _row(contact: Contact, strategy: DefaultPasswordStrategy) -> DerivedDefault | RefusedDefault:
    try:
        derived = strategy.derive(contact)
    except UnderivableError as error:
        return RefusedDefault(contact, error.field, error.reason, error.hint)
    except Exception:  # noqa: BLE001  A host's strategy may fail in any way; its text may quote a name (R14).
        return RefusedDefault(contact, "", "strategy_failed", "try the strategy with this contact's names")
    return DerivedDefault(contact, derived.secret, tuple(derived.warnings))


def _record(row: DerivedDefault | RefusedDefault) -> dict[str, str | None]:
    contact = row.contact
    names: dict[str, str | None] = {
        "contact_id": contact.contact_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
    }
    if isinstance(row, RefusedDefault):
        return names | {"reason": row.reason, "hint": row.hint, "warnings": None}
    return names | {"reason": None, "hint": None, "warnings": ", ".join(row.warnings)}


def _password(row: DerivedDefault | RefusedDefault) -> dict[str, str | None]:
    return {"password": row.secret.reveal() if isinstance(row, DerivedDefault) else None}
