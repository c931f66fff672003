"""Look accounts up, keep them in step with the SIS, move old hashes in, and disable, unlock, rename or erase."""

from __future__ import annotations

from .._lazy import found_in, names_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .changes import ChangeDecision as ChangeDecision
    from .changes import ChangeItem as ChangeItem
    from .changes import ChangeOutcome as ChangeOutcome
    from .changes import ChangePlan as ChangePlan
    from .changes import ChangeReason as ChangeReason
    from .changes import ChangeReport as ChangeReport
    from .changes import ChangeResult as ChangeResult
    from .default_search import DefaultFinding as DefaultFinding
    from .default_search import DefaultSearch as DefaultSearch
    from .default_search import UntriedReason as UntriedReason
    from .hash_census import HashCensus as HashCensus
    from .hash_census import HashCount as HashCount
    from .imports import HashImportWarning as HashImportWarning
    from .imports import ImportDecision as ImportDecision
    from .imports import ImportItem as ImportItem
    from .imports import ImportOutcome as ImportOutcome
    from .imports import ImportPlan as ImportPlan
    from .imports import ImportReason as ImportReason
    from .imports import ImportReport as ImportReport
    from .imports import ImportResult as ImportResult
    from .outcomes import AccountSummary as AccountSummary
    from .outcomes import Renamed as Renamed
    from .outcomes import UsernameTaken as UsernameTaken
    from .service import AccountService as AccountService
    from .status_census import CensusDay as CensusDay
    from .status_census import StatusCensus as StatusCensus
    from .steps import AccountChange as AccountChange
    from .sync import SyncAction as SyncAction
    from .sync import SyncItem as SyncItem
    from .sync import SyncPlan as SyncPlan
    from .sync import SyncReason as SyncReason
    from .sync import SyncReport as SyncReport
    from .usernames import usernames_from_email as usernames_from_email
    from .usernames import usernames_from_id as usernames_from_id
    from .usernames import usernames_from_name as usernames_from_name

_HOMES = {
    ".changes": (
        "ChangeDecision",
        "ChangeItem",
        "ChangeOutcome",
        "ChangePlan",
        "ChangeReason",
        "ChangeReport",
        "ChangeResult",
    ),
    ".default_search": ("DefaultFinding", "DefaultSearch", "UntriedReason"),
    ".hash_census": ("HashCensus", "HashCount"),
    ".imports": (
        "HashImportWarning",
        "ImportDecision",
        "ImportItem",
        "ImportOutcome",
        "ImportPlan",
        "ImportReason",
        "ImportReport",
        "ImportResult",
    ),
    ".outcomes": ("AccountSummary", "Renamed", "UsernameTaken"),
    ".service": ("AccountService",),
    ".status_census": ("CensusDay", "StatusCensus"),
    ".steps": ("AccountChange",),
    ".sync": ("SyncAction", "SyncItem", "SyncPlan", "SyncReason", "SyncReport"),
    ".usernames": ("usernames_from_email", "usernames_from_id", "usernames_from_name"),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = found_in(__name__, _HOMES)
    __all__ = names_in(_HOMES)
