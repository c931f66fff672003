"""Set default passwords, for one contact or a district: plan, confirm, start."""

from __future__ import annotations

from .._lazy import found_in

TYPE_CHECKING = False

if TYPE_CHECKING:
    from .job import ResetJob
    from .plan import Confirmation, Decision, DecisionReason, ResetPlan, ResetPlanItem, ResetWarning
    from .report import ResetOutcome, ResetReport, ResetResult
    from .service import DEFAULT_LEASE, DEFAULT_LIFETIME, MAX_LIFETIME, ResetService

__all__ = [
    "DEFAULT_LEASE",
    "DEFAULT_LIFETIME",
    "MAX_LIFETIME",
    "Confirmation",
    "Decision",
    "DecisionReason",
    "ResetJob",
    "ResetOutcome",
    "ResetPlan",
    "ResetPlanItem",
    "ResetReport",
    "ResetResult",
    "ResetService",
    "ResetWarning",
]

_HOMES = {
    ".job": ("ResetJob",),
    ".plan": (
        "Confirmation",
        "Decision",
        "DecisionReason",
        "ResetPlan",
        "ResetPlanItem",
        "ResetWarning",
    ),
    ".report": (
        "ResetOutcome",
        "ResetReport",
        "ResetResult",
    ),
    ".service": (
        "DEFAULT_LEASE",
        "DEFAULT_LIFETIME",
        "MAX_LIFETIME",
        "ResetService",
    ),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = found_in(__name__, _HOMES)
