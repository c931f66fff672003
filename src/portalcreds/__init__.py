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
    from .account_queries import AccountQuery as AccountQuery
    from .accounts import Account as Account
    from .accounts import AccountStatus as AccountStatus
    from .accounts import PasswordHash as PasswordHash
    from .administration import AccountService as AccountService
    from .audit import AuditKind as AuditKind
    from .contacts import Contact as Contact
    from .default_passwords import LastNameFirstInitial as LastNameFirstInitial
    from .default_passwords import NameTemplate as NameTemplate
    from .default_passwords import Passphrase as Passphrase
    from .default_passwords import RandomReadable as RandomReadable
    from .default_passwords import default_password as default_password
    from .default_passwords import default_passwords_for as default_passwords_for
    from .exceptions import AccountNotFoundError as AccountNotFoundError
    from .exceptions import ConfigurationError as ConfigurationError
    from .exceptions import InvalidValueError as InvalidValueError
    from .exceptions import PortalCredsError as PortalCredsError
    from .exceptions import PrivilegeDeniedError as PrivilegeDeniedError
    from .exceptions import StoreUnavailableError as StoreUnavailableError
    from .exceptions import TransactionAborted as TransactionAborted
    from .exceptions import UnderivableError as UnderivableError
    from .hashers import KeyRing as KeyRing
    from .hashers import UpgradingHasher as UpgradingHasher
    from .plans import PlanChanged as PlanChanged
    from .portal import Portal as Portal
    from .privileges import Grants as Grants
    from .privileges import Operator as Operator
    from .privileges import Privilege as Privilege
    from .protocols import utc_now as utc_now
    from .resets import ResetOutcome as ResetOutcome
    from .resets import ResetService as ResetService
    from .rosters import contacts_from_records as contacts_from_records
    from .rosters import read_contacts_csv as read_contacts_csv
    from .secret import Secret as Secret
    from .sign_in import ClaimProofRefused as ClaimProofRefused
    from .sign_in import DefaultExpired as DefaultExpired
    from .sign_in import PasswordChanged as PasswordChanged
    from .sign_in import PasswordChangeRequired as PasswordChangeRequired
    from .sign_in import PasswordCompromised as PasswordCompromised
    from .sign_in import PasswordPolicy as PasswordPolicy
    from .sign_in import PasswordRefused as PasswordRefused
    from .sign_in import SignedIn as SignedIn
    from .sign_in import SignInDenied as SignInDenied
    from .sign_in import SignInService as SignInService
    from .sign_in import TicketInvalid as TicketInvalid
    from .sign_in import TryLater as TryLater
    from .sign_in import Unavailable as Unavailable
    from .stores.dbapi import DBAPIAccountStore as DBAPIAccountStore
    from .stores.dbapi import DBAPIAttemptCounter as DBAPIAttemptCounter
    from .stores.memory import MemoryAccountStore as MemoryAccountStore
    from .stores.memory import MemoryAttemptCounter as MemoryAttemptCounter
    from .throttle import Throttle as Throttle

__version__ = "0.1.0"

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
    # Hidden from type checkers, which read the imports above, so that a misspelt name is an error to them.
    __all__ = ["__version__", *(name for names in _HOMES.values() for name in names)]

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
