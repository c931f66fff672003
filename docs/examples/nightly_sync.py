"""
Sync a portal with the file that the SIS exports, and remove what is too old.

    python nightly_sync.py contacts.csv --database portal.db

It prints what somebody should look at, and nothing else. It ends with 1 if the roster looked wrong and nothing was
written, or if contacts could not be synced.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from portalcreds import Contact, Grants, InvalidValueError, Operator, Portal, Privilege, read_contacts_csv, utc_now
from portalcreds.administration import SyncAction, usernames_from_name
from portalcreds.rosters import RosterReading
from portalcreds.stores.dbapi import DBAPIAccountStore

NIGHTLY = Operator(operator_id="nightly_sync")
MAY = Grants(privileges={NIGHTLY.operator_id: {Privilege.SYNC, Privilege.VIEW_USERNAMES}})
AT_MOST_REFUSED = 0.05
AT_LEAST_LEFT = 0.8


def main() -> None:
    """Read the command line, and sync."""
    parser = argparse.ArgumentParser(description="Sync a portal with the SIS.")
    parser.add_argument("contacts", type=Path, help="the CSV file of the SIS")
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file with the accounts")
    arguments = parser.parse_args()
    try:
        reading = read_contacts_csv(arguments.contacts)
    except (InvalidValueError, OSError) as error:
        sys.exit(str(error))
    with Portal.open_sqlite(arguments.database, authorizer=MAY) as portal:
        is_sound = sync(portal, reading)
        clean(portal)
    sys.exit(0 if is_sound else 1)


def sync(portal: Portal, reading: RosterReading) -> bool:
    """Sync, unless the roster looks wrong; return whether all went well."""
    for refusal in reading.refusals:
        print(f"line {refusal.line}: {refusal.field}: {refusal.hint}")
    rows = len(reading.contacts) + len(reading.refusals)
    accounts = portal.accounts.count(NIGHTLY, at_most=10_000_000)
    if len(reading.refusals) > AT_MOST_REFUSED * rows or len(reading.contacts) < AT_LEAST_LEFT * accounts:
        print(f"stopped: {len(reading.contacts)} contacts, {len(reading.refusals)} refused, {accounts} accounts")
        return False

    def usernames(contact: Contact) -> str | Iterator[str] | None:
        return reading.usernames.get(contact.contact_id) or usernames_from_name(contact)

    report = portal.accounts.sync_contacts(reading.contacts, NIGHTLY, usernames=usernames)
    for item in report:
        if item.reason is not None:
            print(f"{item.contact_id}: {item.action.value}, {item.reason.text}")
    return not report.count(SyncAction.CANNOT)


def clean(portal: Portal) -> None:
    """Remove counts, jobs and events that are too old."""
    store = portal.store
    if isinstance(store, DBAPIAccountStore):
        store.counter().purge()
        store.purge_jobs(utc_now() - timedelta(days=90))
        store.purge_events(utc_now() - timedelta(days=3 * 365))


if __name__ == "__main__":
    main()
