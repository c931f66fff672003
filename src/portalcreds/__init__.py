"""
Give parents their first password, make them choose their own, and sign them in.

The names below are what an application types; all else is public in its package, as in `portalcreds.resets`.
A name is imported when it is first used, so that ``import portalcreds`` costs next to nothing.
"""

from __future__ import annotations

# The name is all that type checkers ask for; importing typing would be most of what importing this module costs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from . import administration as administration
    from . import default_passwords as default_passwords
    from . import hashers as hashers
    from . import letters as letters
    from . import resets as resets
    from . import rosters as rosters
    from . import sign_in as sign_in
    from . import stores as stores
    from .account_queries import AccountQuery
    from .accounts import Account, AccountStatus, PasswordHash
    from .administration import AccountService
    from .audit import AuditKind
    from .contacts import Contact
    from .default_passwords import (
        LastNameFirstInitial,
        NameTemplate,
        Passphrase,
        RandomReadable,
        default_password,
        default_passwords_for,
    )
    from .exceptions import (
        AccountNotFoundError,
        ConfigurationError,
        InvalidValueError,
        PortalCredsError,
        PrivilegeDeniedError,
        StoreUnavailableError,
        TransactionAborted,
        UnderivableError,
    )
    from .hashers import KeyRing, UpgradingHasher
    from .plans import PlanChanged
    from .portal import Portal
    from .privileges import Grants, Operator, Privilege
    from .protocols import utc_now
    from .resets import ResetOutcome, ResetService
    from .rosters import contacts_from_records, read_contacts_csv
    from .secret import Secret
    from .sign_in import (
        ClaimProofRefused,
        DefaultExpired,
        PasswordChanged,
        PasswordChangeRequired,
        PasswordCompromised,
        PasswordPolicy,
        PasswordRefused,
        SignedIn,
        SignInDenied,
        SignInService,
        TicketInvalid,
        TryLater,
        Unavailable,
    )
    from .stores.dbapi import DBAPIAccountStore, DBAPIAttemptCounter
    from .stores.memory import MemoryAccountStore, MemoryAttemptCounter
    from .throttle import Throttle

__version__ = "0.1.0"

__all__ = [
    "Account",
    "AccountNotFoundError",
    "AccountQuery",
    "AccountService",
    "AccountStatus",
    "AuditKind",
    "ClaimProofRefused",
    "ConfigurationError",
    "Contact",
    "DBAPIAccountStore",
    "DBAPIAttemptCounter",
    "DefaultExpired",
    "Grants",
    "InvalidValueError",
    "KeyRing",
    "LastNameFirstInitial",
    "MemoryAccountStore",
    "MemoryAttemptCounter",
    "NameTemplate",
    "Operator",
    "Passphrase",
    "PasswordChangeRequired",
    "PasswordChanged",
    "PasswordCompromised",
    "PasswordHash",
    "PasswordPolicy",
    "PasswordRefused",
    "PlanChanged",
    "Portal",
    "PortalCredsError",
    "Privilege",
    "PrivilegeDeniedError",
    "RandomReadable",
    "ResetOutcome",
    "ResetService",
    "Secret",
    "SignInDenied",
    "SignInService",
    "SignedIn",
    "StoreUnavailableError",
    "Throttle",
    "TicketInvalid",
    "TransactionAborted",
    "TryLater",
    "Unavailable",
    "UnderivableError",
    "UpgradingHasher",
    "__version__",
    "contacts_from_records",
    "default_password",
    "default_passwords_for",
    "read_contacts_csv",
    "utc_now",
]

_PACKAGES = ("administration", "default_passwords", "hashers", "letters", "resets", "rosters", "sign_in", "stores")

# The same names as under TYPE_CHECKING, by the module they come from; a test compares the two.
_HOMES = {
    ".account_queries": ("AccountQuery",),
    ".accounts": (
        "Account",
        "AccountStatus",
        "PasswordHash",
    ),
    ".administration": ("AccountService",),
    ".audit": ("AuditKind",),
    ".contacts": ("Contact",),
    ".default_passwords": (
        "LastNameFirstInitial",
        "NameTemplate",
        "Passphrase",
        "RandomReadable",
        "default_password",
        "default_passwords_for",
    ),
    ".exceptions": (
        "AccountNotFoundError",
        "ConfigurationError",
        "InvalidValueError",
        "PortalCredsError",
        "PrivilegeDeniedError",
        "StoreUnavailableError",
        "TransactionAborted",
        "UnderivableError",
    ),
    ".hashers": (
        "KeyRing",
        "UpgradingHasher",
    ),
    ".plans": ("PlanChanged",),
    ".portal": ("Portal",),
    ".privileges": (
        "Grants",
        "Operator",
        "Privilege",
    ),
    ".protocols": ("utc_now",),
    ".resets": (
        "ResetOutcome",
        "ResetService",
    ),
    ".rosters": (
        "contacts_from_records",
        "read_contacts_csv",
    ),
    ".secret": ("Secret",),
    ".sign_in": (
        "ClaimProofRefused",
        "DefaultExpired",
        "PasswordChangeRequired",
        "PasswordChanged",
        "PasswordCompromised",
        "PasswordPolicy",
        "PasswordRefused",
        "SignInDenied",
        "SignInService",
        "SignedIn",
        "TicketInvalid",
        "TryLater",
        "Unavailable",
    ),
    ".stores.dbapi": (
        "DBAPIAccountStore",
        "DBAPIAttemptCounter",
    ),
    ".stores.memory": (
        "MemoryAccountStore",
        "MemoryAttemptCounter",
    ),
    ".throttle": ("Throttle",),
}

if not TYPE_CHECKING:
    # Hidden from type checkers, so that a misspelt name is an error to them.

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _PACKAGES:
            return import_module(f".{name}", __name__)
        for home, names in _HOMES.items():
            if name in names:
                value = getattr(import_module(home, __name__), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})
