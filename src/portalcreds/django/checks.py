"""System checks: the settings, the tables, and whether the old door is closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  Django's own name.
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.utils.module_loading import import_string

from ..contacts import ContactId
from ..exceptions import PortalCredsError
from .backends import PortalBackend, StaffBackend
from .configuration import LABEL, SETTING, User, contact_id_of, make_store, read_options
from .sessions import SessionEpochMiddleware, SessionEpochMixin

_AT_ONCE = 500


def check_settings(app_configs: object = None, **others: Any) -> list[CheckMessage]:
    """Find what is missing in the settings, and a backend that would let in whom the portal denies."""
    found: list[CheckMessage] = []
    try:
        make_store(read_options())
    except (ImproperlyConfigured, PortalCredsError) as error:
        found.append(Error(str(error), hint=f"Set {SETTING}, as the page on Django shows.", id=f"{LABEL}.E001"))
    backends = [import_string(path) for path in settings.AUTHENTICATION_BACKENDS]
    if not any(issubclass(backend, PortalBackend) for backend in backends):
        hint = f"Put {_path(PortalBackend)} first into AUTHENTICATION_BACKENDS."
        found.append(Error("No backend asks the portal.", hint=hint, id=f"{LABEL}.E002"))
    if any(map(_opens_the_old_door, backends)):
        hint = f"Put {_path(StaffBackend)} in place of ModelBackend into AUTHENTICATION_BACKENDS."
        text = "ModelBackend lets in by Django's old column, also whom the portal denies."
        found.append(Warning(text, hint=hint, id=f"{LABEL}.W003"))
    middleware = [import_string(path) for path in settings.MIDDLEWARE]
    if not (issubclass(get_user_model(), SessionEpochMixin) or SessionEpochMiddleware in middleware):
        hint = f"Put {_path(SessionEpochMiddleware)} after AuthenticationMiddleware into MIDDLEWARE."
        found.append(Error("A new password ends no sessions.", hint=hint, id=f"{LABEL}.E004"))
    return found


def check_tables(
    app_configs: object = None, databases: Sequence[str] | None = None, **others: Any
) -> list[CheckMessage]:
    """Find what is wrong with the tables: each fault with its fix."""
    using = _place(databases)
    if using is None:
        return []
    loader = MigrationLoader(connections[using])
    if any(node[0] == LABEL and node not in loader.applied_migrations for node in loader.graph.nodes):
        # No error: `migrate` would not begin. What else is wrong, the migration may be about to put right.
        return [Warning("The tables are not migrated.", hint=f"manage.py migrate {LABEL}", id=f"{LABEL}.W005")]
    try:
        faults = make_store(read_options()).find_faults()
    except PortalCredsError as error:
        return [Error(str(error), id=f"{LABEL}.E006")]
    return [
        Error(f"{fault.table} {fault.part or ''}: {fault.detail}", hint=fault.hint, id=f"{LABEL}.E006")
        for fault in faults
    ]


def check_the_old_door(
    app_configs: object = None, databases: Sequence[str] | None = None, **others: Any
) -> list[CheckMessage]:
    """Find contacts whose password in Django's column still works."""
    if _place(databases) is None:
        return []
    try:
        count = sum(len(users) for users in find_open_doors())
    except (DatabaseError, PortalCredsError):
        return []  # Other checks say that there are no tables.
    if count == 0:
        return []
    text = f"{count} users with an account in the portal have a password in Django's column too."
    hint = f"manage.py {LABEL}_close_old_door"
    return [Error(text, hint=hint, id=f"{LABEL}.E007")]


def find_open_doors() -> Iterable[dict[ContactId, User]]:
    """Yield the users, by contact id, who have an account in the portal and a usable password in Django's column."""
    store = make_store(read_options())
    unusable = {"password__startswith": UNUSABLE_PASSWORD_PREFIX}
    usable = get_user_model()._default_manager.exclude(password="").exclude(**unusable).order_by("pk")
    users = usable.iterator(chunk_size=_AT_ONCE)
    while chunk := list(islice(users, _AT_ONCE)):
        ids = ((contact_id_of(user), user) for user in chunk)
        by_contact = {ContactId(contact_id): user for contact_id, user in ids if contact_id is not None}
        known = store.find_many(list(by_contact))
        yield {contact_id: user for contact_id, user in by_contact.items() if contact_id in known}


def _opens_the_old_door(backend: type) -> bool:
    # Whoever has a method of their own for it knows what they let in.
    is_own = getattr(backend, "authenticate", None) is ModelBackend.authenticate
    return is_own and not issubclass(backend, StaffBackend)


def _place(databases: Sequence[str] | None) -> str | None:
    """Return the alias of our database, if it is one of those that are checked."""
    try:
        using: str = read_options().get("using", "default")
    except ImproperlyConfigured:
        return None
    return using if using in (databases or ()) and using in [*connections] else None


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
