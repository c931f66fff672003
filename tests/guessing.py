"""Guess passwords, and limits that a test can meet."""

from datetime import timedelta
from typing import Any

from portal import Portal
from portalcreds.throttle import Caller, Limit, Throttle, ThrottleLimits

UNLIMITED = (Limit(10**9, timedelta(days=1)),)


def limits(**only: Any) -> ThrottleLimits:
    """Return limits of which only those named can be met."""
    parts: dict[str, Any] = {"per_username": UNLIMITED, "per_source": UNLIMITED}
    parts |= dict.fromkeys(("per_place", "claims", "spray"), UNLIMITED[0])
    return ThrottleLimits(**parts | only)


def somebody(throttle: Throttle) -> Caller:
    """Return whoever types Rosa's user name from nowhere in particular."""
    return throttle.admit("rabbiatici", None)


def guess(portal: Portal, times: int, username: str = "rabbiatici", source: str | None = None) -> set[str]:
    """Guess wrong so often, and return the different outcomes."""
    return {repr(portal.sign_ins.sign_in(username, f"wrong {n}", source=source)) for n in range(times)}
