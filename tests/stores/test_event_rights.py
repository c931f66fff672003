"""The record is only ever added to, so that rights to INSERT into its table suffice (R17)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import attrs
import pytest

from portal import FAMILY, OFFICE, USERNAMES, MovingClock, cheap_hasher
from portalcreds import Grants, Portal, Privilege
from portalcreds.exceptions import StoreError
from portalcreds.sign_in.outcomes import PasswordChanged, PasswordChangeRequired, SignedIn, SignInDenied
from portalcreds.stores.dbapi import DBAPIAccountStore
from servers import Database, own_database

TABLES = ("accounts", "words", "attempts", "jobs", "job_chunks")


@pytest.fixture
def databases() -> Iterator[tuple[Database, Database]]:
    """The same PostgreSQL schema for its owner, and for a role that may only INSERT into the events."""
    role = f"portalcreds_{uuid4().hex}"
    with own_database("postgresql") as owner:
        with DBAPIAccountStore(owner, dialect="postgresql") as store:
            store.create_tables()
        with owner() as connection:
            connection.execute(f"CREATE ROLE {role}")
            connection.execute(f"GRANT USAGE ON SCHEMA {owner.name} TO {role}")
            connection.execute(f"GRANT INSERT ON portal_audit_events TO {role}")
            connection.execute(f"GRANT SELECT ON portal_schema_version TO {role}")
            for table in TABLES:
                connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON portal_{table} TO {role}")
        try:
            yield owner, attrs.evolve(owner, settings=(f"SET ROLE {role}",))
        finally:
            with owner() as connection:
                connection.execute(f"DROP OWNED BY {role}")
                connection.execute(f"DROP ROLE {role}")


def test_a_portal_works_with_rights_to_insert_events_only(databases: tuple[Database, Database]) -> None:
    """Syncing, looking, resetting, signing in and being denied are recorded; nothing is read or removed."""
    owner, writer = databases
    clock = MovingClock()
    with (
        cheap_hasher() as hasher,
        DBAPIAccountStore(owner, dialect="postgresql") as all_rights,
        DBAPIAccountStore(writer, dialect="postgresql") as store,
    ):
        office = Grants(privileges={"office": Privilege})
        portal = Portal.over(store, authorizer=office, hasher=hasher, clock=clock)
        portal.accounts.sync_contacts(FAMILY, OFFICE, usernames=USERNAMES)
        portal.accounts.search(OFFICE)
        portal.resets.reset_password("c-1", OFFICE)
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", "wrong"), SignInDenied)
        demanded = portal.sign_ins.sign_in("rabbiatici", "AbbiaticiR")
        assert isinstance(demanded, PasswordChangeRequired)
        changed = portal.sign_ins.complete_change(demanded.ticket, "a long walk on the beach")
        assert isinstance(changed, PasswordChanged)
        assert isinstance(portal.sign_ins.sign_in("rabbiatici", "a long walk on the beach"), SignedIn)
        portal.accounts.unlock("c-1", OFFICE)
        portal.accounts.disable("c-1", OFFICE)

        tomorrow = clock() + timedelta(days=1)
        for forbidden in (store.events, lambda: store.purge_events(tomorrow)):
            with pytest.raises(StoreError):
                forbidden()
        assert [event.kind.value for event in all_rights.events("c-1")] == [
            "user_created",
            "authn_password_issue",
            "authn_login_fail",
            "authn_token_created",
            "authn_password_change",
            "authn_login_success",
            "authn_login_unlock.begun",
            "authn_login_unlock",
            "user_archived",
        ]
        everything = len(all_rights.events())
        assert all_rights.purge_events(tomorrow) == everything
        assert [event.kind.value for event in all_rights.events()] == ["events_purged"]
