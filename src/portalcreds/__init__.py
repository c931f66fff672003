"""
Give parents their first password, make them choose their own, and sign them in.

The names below are the whole public API. Stores and hashers that need an extra are imported from their own modules.
"""

from .account_queries import AccountOrder, AccountPage, AccountQuery
from .account_service import AccountService
from .accounts import Account, AccountStatus, Credential, CredentialOrigin, PasswordHash
from .audit import AuditEvent, AuditKind
from .contact_columns import ContactColumns
from .contact_sync import SyncAction, SyncItem, SyncPlan, SyncReason, SyncReport
from .contacts import Contact, ContactId
from .default_passwords import (
    DefaultWarning,
    Derived,
    LastNameFirstInitial,
    NameTemplate,
    Passphrase,
    RandomReadable,
    default_password,
)
from .exceptions import (
    AccountNotFoundError,
    ConfigurationError,
    HashingUnavailableError,
    InvalidValueError,
    MissingDependencyError,
    PortalCredsError,
    PrivilegeDeniedError,
    StaleAccountError,
    StoreError,
    StoreUnavailableError,
    TransactionAborted,
    UnderivableError,
    WrongStateError,
)
from .hashers import CHOSEN, ISSUED, Argon2Hasher, Argon2Parameters, HashingPool, KeyRing, UpgradingHasher
from .outcomes import (
    ChangePasswordOutcome,
    CompleteChangeOutcome,
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    Renamed,
    SignedIn,
    SignInDenied,
    SignInOutcome,
    TicketInvalid,
    TryLater,
    Unavailable,
    UsernameTaken,
)
from .password_policy import PasswordPolicy, Violation
from .privileges import Grants, Operator, Privilege
from .protocols import (
    AccountStore,
    ApplyResult,
    AttemptCounter,
    AuditSink,
    Authorizer,
    Change,
    ChangeHook,
    Clock,
    CredentialHasher,
    DefaultPasswordStrategy,
    HashCheck,
    HashingPermit,
    LegacyVerifier,
    PasswordHasher,
    Usernames,
    utc_now,
)
from .reset_job import ResetJob, ResetOutcome, ResetReport, ResetResult
from .reset_plan import Confirmation, ConfirmedPlan, Decision, DecisionReason, PlanChanged, ResetPlan, ResetPlanItem
from .reset_service import ResetService
from .rosters import RosterReading, RosterRefusal, contacts_from_records, read_contacts_csv
from .secret import Secret
from .sign_in_service import SignInService
from .stores.dbapi import BorrowedDBAPIAccountStore, DBAPIAccountStore, DBAPIAttemptCounter
from .stores.host_contacts import Columns
from .stores.memory import MemoryAccountStore, MemoryAttemptCounter
from .throttle import Limit, Throttle, ThrottleLimits

__version__ = "0.1.0"

__all__ = [
    "CHOSEN",
    "ISSUED",
    "Account",
    "AccountNotFoundError",
    "AccountOrder",
    "AccountPage",
    "AccountQuery",
    "AccountService",
    "AccountStatus",
    "AccountStore",
    "ApplyResult",
    "Argon2Hasher",
    "Argon2Parameters",
    "AttemptCounter",
    "AuditEvent",
    "AuditKind",
    "AuditSink",
    "Authorizer",
    "BorrowedDBAPIAccountStore",
    "Change",
    "ChangeHook",
    "ChangePasswordOutcome",
    "Clock",
    "Columns",
    "CompleteChangeOutcome",
    "ConfigurationError",
    "Confirmation",
    "ConfirmedPlan",
    "Contact",
    "ContactColumns",
    "ContactId",
    "Credential",
    "CredentialHasher",
    "CredentialOrigin",
    "DBAPIAccountStore",
    "DBAPIAttemptCounter",
    "Decision",
    "DecisionReason",
    "DefaultExpired",
    "DefaultPasswordStrategy",
    "DefaultWarning",
    "Derived",
    "Grants",
    "HashCheck",
    "HashingPermit",
    "HashingPool",
    "HashingUnavailableError",
    "InvalidValueError",
    "KeyRing",
    "LastNameFirstInitial",
    "LegacyVerifier",
    "Limit",
    "MemoryAccountStore",
    "MemoryAttemptCounter",
    "MissingDependencyError",
    "NameTemplate",
    "Operator",
    "Passphrase",
    "PasswordChangeRequired",
    "PasswordChanged",
    "PasswordHash",
    "PasswordHasher",
    "PasswordPolicy",
    "PasswordRefused",
    "PlanChanged",
    "PortalCredsError",
    "Privilege",
    "PrivilegeDeniedError",
    "RandomReadable",
    "Renamed",
    "ResetJob",
    "ResetOutcome",
    "ResetPlan",
    "ResetPlanItem",
    "ResetReport",
    "ResetResult",
    "ResetService",
    "RosterReading",
    "RosterRefusal",
    "Secret",
    "SignInDenied",
    "SignInOutcome",
    "SignInService",
    "SignedIn",
    "StaleAccountError",
    "StoreError",
    "StoreUnavailableError",
    "SyncAction",
    "SyncItem",
    "SyncPlan",
    "SyncReason",
    "SyncReport",
    "Throttle",
    "ThrottleLimits",
    "TicketInvalid",
    "TransactionAborted",
    "TryLater",
    "Unavailable",
    "UnderivableError",
    "UpgradingHasher",
    "UsernameTaken",
    "Usernames",
    "Violation",
    "WrongStateError",
    "__version__",
    "contacts_from_records",
    "default_password",
    "read_contacts_csv",
    "utc_now",
]
