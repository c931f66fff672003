"""
Run the first day of a parent portal: contacts in, defaults set, forced change out.

    python first_day.py [contacts.csv] [--database portal.db]

The contacts come from a small sample, or from any CSV with headers for an id, a first and a last name. The accounts go
into an SQLite file, in a folder that is removed at the end unless you name a file to keep.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from portalcreds import (
    AccountService,
    Contact,
    DBAPIAccountStore,
    Decision,
    Grants,
    InvalidValueError,
    Operator,
    PasswordChanged,
    PasswordChangeRequired,
    Privilege,
    ResetOutcome,
    ResetPlan,
    ResetService,
    RosterReading,
    SignedIn,
    SignInService,
    SyncAction,
    SyncReport,
    Throttle,
    UpgradingHasher,
    default_password,
    read_contacts_csv,
)

SAMPLE = Path(__file__).with_name("contacts.csv")
OFFICE = Operator(operator_id="office")
CHOSEN_PASSWORD = "a long walk on the beach"
ROWS_SHOWN = 12


def main() -> None:
    """Read, sync, plan, confirm, apply, look up, sign in."""
    arguments = parse_arguments()
    try:
        reading = read_contacts_csv(arguments.contacts)
    except (InvalidValueError, OSError) as error:
        sys.exit(str(error))
    print(f"1. Read {arguments.contacts.name}: contacts: {len(reading.contacts)}, refused: {len(reading.refusals)}")
    for refusal in reading.refusals[:ROWS_SHOWN]:
        print(f"   line {refusal.line}: {refusal.field}: {refusal.mend}")
    with tempfile.TemporaryDirectory() as folder:
        database = arguments.database or Path(folder, "portal.db")
        with DBAPIAccountStore.open_sqlite(database) as store, UpgradingHasher() as hasher:
            first_day(reading, store, hasher)


def first_day(reading: RosterReading, store: DBAPIAccountStore, hasher: UpgradingHasher) -> None:
    """Put the parts together once, as an application does when it starts, and use them."""
    authorizer = Grants(privileges={OFFICE.operator_id: Privilege})
    throttle = Throttle(store.counter())
    accounts = AccountService(store, authorizer=authorizer, throttle=throttle)
    resets = ResetService(store, hasher=hasher, authorizer=authorizer)
    sign_ins = SignInService(store, hasher=hasher, throttle=throttle)

    usernames = dict(reading.usernames) | dict(usernames_for(reading))
    synced = accounts.sync_contacts(reading.contacts, OFFICE, usernames=usernames)
    print(f"2. Synced with the SIS: accounts added: {synced.count(SyncAction.ADD)}")
    show_reasons(synced)

    plan = resets.plan([contact.contact_id for contact in reading.contacts], OFFICE)
    print("3. The plan:")
    show(plan)
    print(f"   {plan.confirmation.text}")
    confirmed = plan.confirm(OFFICE)
    print(f"   [OK], pressed by {confirmed.operator.operator_id}")

    job = resets.apply(confirmed)
    for _ in tqdm(job, desc="4. Setting", unit="contact", file=sys.stdout, mininterval=1):
        pass
    report = job.report()
    print(
        "   "
        + ", ".join(f"{outcome.value}: {report.count(outcome)}" for outcome in ResetOutcome if report.count(outcome))
    )

    parent = next((result.item for result in report if result.outcome is ResetOutcome.SET), None)
    if parent is None:
        sys.exit("   no default was set, so there is nobody to sign in")
    page = accounts.search(OFFICE, last_name_prefix=parent.last_name)
    found = [account.username for account in page.accounts]
    print(f"5. {parent.name} forgot the user name. Accounts under that last name: {', '.join(map(str, found[:5]))}")
    account = accounts.get(parent.contact_id, OFFICE)
    print(f"   The one of contact {account.contact_id}: {account.username}")
    sign_in(sign_ins, str(account.username), account.contact)


def sign_in(sign_ins: SignInService, username: str, contact: Contact) -> None:
    """Sign in with the default, be made to change it, and sign in with the password of one's own."""
    default = default_password(contact)
    demanded = sign_ins.sign_in(username, default)
    if not isinstance(demanded, PasswordChangeRequired):
        sys.exit(f"   the default should have asked for a change, not {demanded!r}")
    print(f"6. Signing in with {default.reveal()}: no session, only a ticket to choose a password.")

    refused = sign_ins.complete_change(demanded.ticket, default)
    print(f"   Keeping the default: {type(refused).__name__}")
    for violation in getattr(refused, "violations", ()):
        print(f"      {violation.text}")
    changed = sign_ins.complete_change(demanded.ticket, CHOSEN_PASSWORD)
    print(f"   Choosing one of their own: {type(changed).__name__}")
    again = sign_ins.sign_in(username, default)
    print(f"   The default once more: {type(again).__name__}")
    signed_in = sign_ins.sign_in(username, CHOSEN_PASSWORD)
    print(f"   The new password: {type(signed_in).__name__}")
    if not (isinstance(changed, PasswordChanged) and isinstance(signed_in, SignedIn)):
        sys.exit("   the day should have ended with a sign-in")


def usernames_for(reading: RosterReading) -> Iterator[tuple[str, str]]:
    """Make up user names for contacts whose SIS has none: first initial and last name, numbered where taken."""
    taken = {username.strip().casefold() for username in reading.usernames.values()}
    numbers: dict[str, int] = {}
    for contact in reading.contacts:
        name = f"{(contact.first_name or '')[:1]}{contact.last_name or ''}".replace(" ", "").casefold()
        if contact.contact_id in reading.usernames or not name:
            continue
        username = name
        while username in taken:
            numbers[name] = numbers.get(name, 1) + 1
            username = f"{name}{numbers[name]}"
        taken.add(username)
        yield contact.contact_id, username


def show_reasons(synced: SyncReport) -> None:
    """Print what a sync could not do, or what should be looked at."""
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
    counts = ", ".join(f"{decision.value}: {plan.count(decision)}" for decision in Decision)
    print(f"   {counts}")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="The first day of a parent portal.")
    parser.add_argument("contacts", nargs="?", type=Path, default=SAMPLE, help="a CSV with contacts")
    parser.add_argument("--database", type=Path, help="an SQLite file to keep the accounts in")
    return parser.parse_args()


if __name__ == "__main__":
    main()
