"""
Start the page on this computer: ``python -m docs.examples.portal``.

Everything is kept in an SQLite file, or in PostgreSQL if you pass its URL, which needs psycopg.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from portalcreds import (
    Account,
    Contact,
    DBAPIAccountStore,
    Grants,
    Operator,
    Portal,
    Privilege,
    default_password,
    read_contacts_csv,
)
from portalcreds.administration import usernames_from_name
from portalcreds.audit import AuditEvent
from portalcreds.contacts import ContactId
from portalcreds.protocols import ChangeHook

from .app import create_app
from .mail import Send, send_invitation, tell_owner
from .sample import made_up_contacts

SAMPLE = Path(__file__).parents[1] / "contacts.csv"
NIGHTLY = Operator(operator_id="nightly-sync")


def main() -> None:
    """Read the command line, take the contacts over, and serve the pages."""
    parser = argparse.ArgumentParser(prog="python -m docs.examples.portal", description=__doc__)
    parser.add_argument("--database", default="portal.db", help="a file, or postgresql://user@host/database")
    parser.add_argument("--contacts", type=Path, default=SAMPLE, help="a CSV with contacts")
    parser.add_argument("--made-up", type=int, default=300, help="how many made-up contacts to add")
    parser.add_argument("--operator", default="office", help="who signs in as staff")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()

    # In your portal staff sign in as they always have. Here one password is drawn at each start.
    staff_password = secrets.token_urlsafe(9)
    with open_portal(arguments.database, arguments.operator, print_mail) as portal:
        reading = read_contacts_csv(arguments.contacts)
        contacts = [*reading.contacts, *made_up_contacts(arguments.made_up)]
        take_over(portal, contacts, reading.usernames)
        address = f"http://localhost:{arguments.port}"
        app = create_app(
            portal,
            secret_key=secrets.token_hex(),
            staff_passwords={arguments.operator: staff_password},
            printers=[arguments.operator],
            invite=partial(send_invitation, page=f"{address}/invited", send=print_mail),
        )
        print(f"Staff:   {address}/staff/    user name {arguments.operator}    password {staff_password}", flush=True)
        print(f"Parents: {address}/          such as {example_of(reading.contacts, reading.usernames)}", flush=True)
        app.run(port=arguments.port, threaded=True)


@contextmanager
def open_portal(database: str, operator: str, send: Send) -> Iterator[Portal]:
    """Yield the portal over a file or a PostgreSQL database. The operator has the least that the page takes."""
    authorizer = Grants(
        privileges={
            operator: [
                *(Privilege.VIEW_USERNAMES, Privilege.SET_ONE, Privilege.SET_MANY),
                *(Privilege.REVEAL, Privilege.INVITE),
            ],
            NIGHTLY.operator_id: [Privilege.SYNC],
        }
    )

    def on_change(account: Account, event: AuditEvent) -> None:
        tell_owner(account, event, send)

    words = ("Grand Bend", "parent portal")
    if database.startswith(("postgresql://", "postgres://")):
        yield from _over_postgresql(database, authorizer, words, on_change)
    else:
        with Portal.open_sqlite(database, authorizer=authorizer, context_words=words, on_change=on_change) as portal:
            yield portal


def _over_postgresql(url: str, authorizer: Grants, words: tuple[str, ...], on_change: ChangeHook) -> Iterator[Portal]:
    # Here, because SQLite needs no driver.
    import psycopg

    with DBAPIAccountStore(lambda: psycopg.connect(url), dialect="postgresql") as store:
        store.create_tables()
        with Portal.over(store, authorizer=authorizer, context_words=words, on_change=on_change) as portal:
            yield portal


def take_over(portal: Portal, contacts: Iterable[Contact], usernames: Mapping[ContactId, str]) -> None:
    """Add an account for each contact who has none: what your portal does each night."""
    portal.accounts.sync_contacts(
        contacts, NIGHTLY, usernames=lambda contact: usernames.get(contact.contact_id) or usernames_from_name(contact)
    )


def example_of(contacts: Iterable[Contact], usernames: Mapping[ContactId, str]) -> str:
    """Return how the first contact signs in, once the office has set the password."""
    first = next(iter(contacts), None)
    if first is None:
        return "a contact of your file"
    return f"{usernames.get(first.contact_id, 'the user name')} with {default_password(first).reveal()}, once it is set"


def print_mail(to: str, subject: str, body: str) -> None:
    """Stand in for the mail server."""
    print(f"Mail to {to}: {subject}. {body}", file=sys.stderr)


if __name__ == "__main__":
    main()
