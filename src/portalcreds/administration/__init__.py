"""Look accounts up, keep them in step with the SIS, move old hashes in, and disable, unlock, rename or erase."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .changes import ChangeDecision, ChangeItem, ChangeOutcome, ChangePlan, ChangeReason, ChangeReport, ChangeResult
    from .default_search import DefaultFinding, DefaultSearch, UntriedReason
    from .hash_census import HashCensus, HashCount
    from .imports import (
        HashImportWarning,
        ImportDecision,
        ImportItem,
        ImportOutcome,
        ImportPlan,
        ImportReason,
        ImportReport,
        ImportResult,
    )
    from .outcomes import AccountSummary, Renamed, UsernameTaken
    from .service import AccountService
    from .status_census import CensusDay, StatusCensus
    from .steps import AccountChange
    from .sync import SyncAction, SyncItem, SyncPlan, SyncReason, SyncReport
    from .usernames import usernames_from_email, usernames_from_id, usernames_from_name

__all__ = [
    "AccountChange",
    "AccountService",
    "AccountSummary",
    "CensusDay",
    "ChangeDecision",
    "ChangeItem",
    "ChangeOutcome",
    "ChangePlan",
    "ChangeReason",
    "ChangeReport",
    "ChangeResult",
    "DefaultFinding",
    "DefaultSearch",
    "HashCensus",
    "HashCount",
    "HashImportWarning",
    "ImportDecision",
    "ImportItem",
    "ImportOutcome",
    "ImportPlan",
    "ImportReason",
    "ImportReport",
    "ImportResult",
    "Renamed",
    "StatusCensus",
    "SyncAction",
    "SyncItem",
    "SyncPlan",
    "SyncReason",
    "SyncReport",
    "UntriedReason",
    "UsernameTaken",
    "usernames_from_email",
    "usernames_from_id",
    "usernames_from_name",
]

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
