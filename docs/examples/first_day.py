"""
Run the first day of a parent portal: contacts in, defaults set, forced change out.

    python first_day.py [contacts.csv] [--database portal.db]

The CSV needs headers for an id, a first and a last name. Without --database the accounts are gone at the end.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from portalcreds import (
    Contact,
    Grants,
    InvalidValueError,
    Operator,
    PasswordChanged,
    PasswordChangeRequired,
    Portal,
    Privilege,
    ResetOutcome,
    SignedIn,
    default_password,
    read_contacts_csv,
)
from portalcreds.administration import SyncAction, SyncReport, usernames_from_name
from portalcreds.resets import Decision, ResetPlan
from portalcreds.rosters import RosterReading

SAMPLE = Path(__file__).with_name("contacts.csv")
OFFICE = Operator(operator_id="office")
MAY = {Privilege.SYNC, Privilege.SET_ONE, Privilege.SET_MANY, Privilege.VIEW_USERNAMES}
SOURCE = "192.0.2.7"
CHOSEN_PASSWORD = "a long walk on the beach"
ROWS_SHOWN = 12


def main() -> None:
    """Read the command line and the contacts, and open the portal."""
    parser = argparse.ArgumentParser(description="The first day of a parent portal.")
    parser.add_argument("contacts", nargs="?", type=Path, default=SAMPLE, help="a CSV with contacts")
    parser.add_argument("--database", type=Path, help="an SQLite file to keep the accounts in")
    arguments = parser.parse_args()
    try:
        reading = read_contacts_csv(arguments.contacts)
    except (InvalidValueError, OSError) as error:
        sys.exit(str(error))
    print(f"1. Read {arguments.contacts.name}: contacts: {len(reading.contacts)}, refused: {len(reading.refusals)}")
    for refusal in reading.refusals[:ROWS_SHOWN]:
        print(f"   line {refusal.line}: {refusal.field}: {refusal.hint}")
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.database or Path(folder, "portal.db")
        with Portal.open_sqlite(database, authorizer=Grants(privileges={OFFICE.operator_id: MAY})) as portal:
            first_day(portal, reading)


def first_day(portal: Portal, reading: RosterReading) -> None:
    """Sync the contacts, set their defaults, find a forgotten user name, and sign one contact in."""

    def usernames(contact: Contact) -> str | Iterator[str] | None:
        return reading.usernames.get(contact.contact_id) or usernames_from_name(contact)

    synced = portal.accounts.sync_contacts(reading.contacts, OFFICE, usernames=usernames)
    print(f"2. Synced with the SIS: accounts added: {synced.count(SyncAction.ADD)}")
    show_reasons(synced)

    plan = portal.resets.plan([contact.contact_id for contact in reading.contacts], OFFICE)
    print("3. The plan:")
    show(plan)
    print(f"   {plan.confirmation.text}")
    confirmed = plan.confirm(OFFICE)
    print(f"   [OK], pressed by {confirmed.operator.operator_id}")

    job = portal.resets.start(confirmed)
    for _ in tqdm(job, desc="4. Setting", unit="contact", file=sys.stdout, mininterval=1):
        pass
    report = job.report()
    counts = [f"{outcome.value}: {report.count(outcome)}" for outcome in ResetOutcome if report.count(outcome)]
    print(f"   {', '.join(counts)}")

    parent = next((result.item for result in report if result.outcome is ResetOutcome.SET), None)
    if parent is None:
        sys.exit("   no default was set, so there is nobody to sign in")
    found = portal.accounts.search(OFFICE, words=parent.last_name or "", limit=5).accounts
    print(f"5. {parent.name} forgot the user name. Accounts under that last name: {[one.username for one in found]}")
    account = portal.accounts.get(parent.contact_id, OFFICE)
    print(f"   Contact {account.contact_id} has: {account.username}")
    sign_in(portal, str(account.username), account.contact)


def sign_in(portal: Portal, username: str, contact: Contact) -> None:
    """Sign in with the default, make the forced change, and sign in with the new password."""
    default = default_password(contact)
    first = portal.sign_ins.sign_in(username, default, source=SOURCE)
    if not isinstance(first, PasswordChangeRequired):
        sys.exit(f"   the default should have asked for a change, not {first!r}")
    print(f"6. Signing in with {default.reveal()}: no session, only a ticket to choose a password.")

    refused = portal.sign_ins.complete_change(first.ticket, default)
    print(f"   Keeping the default: {type(refused).__name__}")
    for violation in getattr(refused, "violations", ()):
        print(f"      {violation.text}")
    changed = portal.sign_ins.complete_change(first.ticket, CHOSEN_PASSWORD)
    print(f"   Choosing one of their own: {type(changed).__name__}")
    print(f"   The default once more: {type(portal.sign_ins.sign_in(username, default, source=SOURCE)).__name__}")
    signed_in = portal.sign_ins.sign_in(username, CHOSEN_PASSWORD, source=SOURCE)
    print(f"   The new password: {type(signed_in).__name__}")
    if not (isinstance(changed, PasswordChanged) and isinstance(signed_in, SignedIn)):
        sys.exit("   the day should have ended with a sign-in")


def show_reasons(synced: SyncReport) -> None:
    """Print the contacts that could not be synced, and those to look at."""
    noted = [item for item in synced if item.reason is not None]
    for item in noted[:ROWS_SHOWN]:
        print(f"   {item.contact_id}: {item.action.value}, {item.reason}")
    if len(noted) > ROWS_SHOWN:
        print(f"   … {len(noted) - ROWS_SHOWN} more")


def show(plan: ResetPlan) -> None:
    """Print the first rows of a plan as a table."""
    columns = ("contact_id", "first_name", "last_name", "username", "decision", "reason", "warnings")
    rows = [[record[column] or "" for column in columns] for record in plan.to_records()[:ROWS_SHOWN]]
    widths = [max(len(row[index]) for row in [list(columns), *rows]) for index in range(len(columns))]
    for row in [list(columns), *rows]:
        print("   " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(plan) > ROWS_SHOWN:
        print(f"   … {len(plan) - ROWS_SHOWN} more")
    print("   " + ", ".join(f"{decision.value}: {plan.count(decision)}" for decision in Decision))


if __name__ == "__main__":
    main()
