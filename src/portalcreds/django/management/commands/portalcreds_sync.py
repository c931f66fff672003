"""Sync contacts into the portal, from a CSV file or from Django's own users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from ....contacts import Contact
from ....exceptions import PortalCredsError
from ....privileges import Operator
from ....rosters import RosterReading, read_contacts_csv, read_oneroster
from ...configuration import contact_id_of, get_portal


class Command(BaseCommand):
    """Add accounts and refresh names; no password is touched, and nobody is disabled or removed."""

    help = "Add accounts for contacts and refresh their names. Passwords are not touched, and nobody is removed."

    def add_arguments(self, parser: Any) -> None:
        """Take a file, or users."""
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("file", nargs="?", help="a CSV file with a header line, or a OneRoster zip")
        source.add_argument("--from-users", action="store_true", help="Django's users who are not staff")
        parser.add_argument(
            "--keep",
            action="append",
            metavar="COLUMN=VALUE,…",
            help="which rows of a CSV file are contacts, such as role=parent,guardian; COLUMN alone for any value",
        )
        parser.add_argument("--encoding", help="what the file is written in, if not UTF-8")
        parser.add_argument("--operator", default="manage.py", help="who is on the record for it")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done")

    def handle(self, **options: Any) -> None:
        """Sync, and say how many accounts had each result."""
        accounts, operator = get_portal().accounts, Operator(operator_id=options["operator"])
        try:
            read = read_users() if options["from_users"] else read_file(**options)
            plan = accounts.plan_sync(read.contacts, operator, usernames=read.usernames)
            rows = plan if options["dry_run"] else accounts.apply_sync(plan)
        except (OSError, PortalCredsError) as error:
            raise CommandError(str(error)) from None
        for told in (*read.refusals, *read.warnings):
            self.stderr.write(told.text)
        for reason, count in read.left_out.items():
            self.stdout.write(f"left out, {reason.value}: {count}")
        actions = [item.action.value for item in rows]
        for action in sorted(set(actions)):
            self.stdout.write(f"{action}: {actions.count(action)}")
        if options["dry_run"]:
            self.stdout.write("nothing was written")


def read_file(file: str, encoding: str | None, keep: list[str] | None, **_: Any) -> RosterReading:
    """Return the contacts of a file."""
    if file.lower().endswith(".zip"):
        return read_oneroster(file, encoding=encoding)
    columns = [each.partition("=") for each in keep or ()]
    rule = {column: values.split(",") if told else None for column, told, values in columns}
    return read_contacts_csv(file, encoding=encoding, keep=rule)


def read_users() -> RosterReading:
    """Return Django's users who are not staff, as contacts."""
    contacts: list[Contact] = []
    usernames = {}
    for user in get_user_model()._default_manager.filter(is_staff=False).iterator():
        contact_id = contact_id_of(user)
        if contact_id is not None:
            contact = Contact(
                contact_id=contact_id,
                first_name=user.first_name or None,
                last_name=user.last_name or None,
                email=user.email or None,
            )
            contacts.append(contact)
            usernames[contact.contact_id] = user.get_username()
    return RosterReading(contacts=tuple(contacts), usernames=usernames)
