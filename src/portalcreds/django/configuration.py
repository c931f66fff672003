"""Read the setting ``PORTALCREDS``, and make the site's portal of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connections, transaction
from django.utils.module_loading import import_string

from ..accounts import Account
from ..audit import AuditEvent
from ..portal import Portal, PortalParts
from ..protocols import ChangeHook
from ..stores.django import DjangoAccountStore

SETTING: Final = "PORTALCREDS"
"""The name of the setting: a dict of the keywords of `Portal.over`, and of what is listed below."""

LABEL: Final = SETTING.lower()
"""The label of the app, also of a copy under another name: migrations are on record under it."""

_OF_PORTAL: Final = frozenset(("authorizer", *PortalParts.__annotations__))
_OF_STORE: Final = frozenset(("tenant", "tables", "contacts", "scope", "timeouts"))
_OF_SITE: Final = frozenset(("using", "source", "contact_id", "get_user"))
_AS_WRITTEN: Final = frozenset(("using", "tenant", "scope"))
_KNOWN: Final = _OF_PORTAL | _OF_STORE | _OF_SITE

User = Any
"""A user of the site's. Any: which model it is, settings say."""


def get_portal() -> Portal:
    """
    Return the site's portal, which is made when it is first asked for.

    Raises:
        ImproperlyConfigured: The setting is absent, or a part of it is unknown or cannot be imported.
        ConfigurationError: The parts cannot work together.
    """
    portal: Portal = apps.get_app_config(LABEL).get_portal()
    return portal


def read_options() -> dict[str, Any]:
    """
    Return the setting, with what its dotted paths name.

    Raises:
        ImproperlyConfigured: It is absent, or a part of it is unknown or cannot be imported.
    """
    given = getattr(settings, SETTING, None)
    if not isinstance(given, Mapping) or "authorizer" not in given:
        raise ImproperlyConfigured(f'{SETTING}: set a dict, at least {{"authorizer": "path.to.your_rule"}}')
    unknown = sorted(map(str, given.keys() - _KNOWN))
    if unknown:
        raise ImproperlyConfigured(f"{SETTING}: leave out {', '.join(unknown)}; these are the keys: {sorted(_KNOWN)}")
    options = {}
    for key, value in given.items():
        try:
            options[key] = import_string(value) if isinstance(value, str) and key not in _AS_WRITTEN else value
        except ImportError as error:
            raise ImproperlyConfigured(f"{SETTING}: {key}: {error}") from error
    return options


def make_store(options: Mapping[str, Any]) -> DjangoAccountStore:
    """Return the store that the options describe."""
    of_store = {key: value for key, value in options.items() if key in _OF_STORE}
    return DjangoAccountStore(options.get("using", "default"), **of_store)


def make_portal() -> Portal:
    """Return a portal as the setting describes it."""
    options = read_options()
    parts = {key: value for key, value in options.items() if key in _OF_PORTAL}
    if parts.get("on_change") is not None:
        parts["on_change"] = _told_on_commit(parts["on_change"], options.get("using", "default"))
    return Portal.over(make_store(options), **parts)


# -- between users and contacts


def contact_id_of(user: User) -> str | None:
    """Return the id of the contact that a user is, or None for one that is none; by default, the primary key."""
    find: Callable[[User], str | None] | None = read_options().get("contact_id")
    return str(user.pk) if find is None else find(user)


def find_user(contact_id: str) -> User | None:
    """Return the user that a contact is, or None."""
    find: Callable[[str], User | None] | None = read_options().get("get_user")
    if find is not None:
        return find(contact_id)
    try:
        return get_user_model()._default_manager.filter(pk=contact_id).first()
    except (ValueError, ValidationError):  # An id that cannot be a primary key.
        return None


def find_epoch(user: User) -> int | None:
    """Return the epoch of the user's account; None for a user without one, such as staff."""
    contact_id = contact_id_of(user)
    return None if contact_id is None else get_portal().store.find_epoch(contact_id)


def find_source(request: Any) -> str | None:
    """Return where a request came from; by default ``REMOTE_ADDR``, which behind a proxy is the proxy's."""
    if request is None:
        return None
    find: Callable[[Any], str | None] | None = read_options().get("source")
    found: str | None = request.META.get("REMOTE_ADDR") if find is None else find(request)
    return found or None


def _told_on_commit(hook: ChangeHook, using: str) -> ChangeHook:
    """Return the hook, told when the ``atomic`` block around the change is committed, and never if it is not."""

    def tell(account: Account, event: AuditEvent) -> None:
        # Where there is no block, it is told at once, and a failure of it goes on the record. After a commit nobody is
        # there to be told of a failure but Django's log.
        robust = connections[using].in_atomic_block
        transaction.on_commit(lambda: hook(account, event), using=using, robust=robust)

    return tell
