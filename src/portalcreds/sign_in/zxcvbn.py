"""Ask zxcvbn how many guesses a password takes; needs the extra ``zxcvbn``."""

from __future__ import annotations

from typing import Final

import attrs

from .._arguments import is_whole
from .._value import Value
from ..accounts import Account
from ..exceptions import MissingDependencyError
from ..secret import Secret
from .password_policy import Violation

try:
    from zxcvbn import zxcvbn
except ImportError:
    raise MissingDependencyError("zxcvbn") from None

LONGEST: Final = 72
"""Code points that zxcvbn takes; what is behind them does not make a password worse."""

MAX_SCORE: Final = 4
"""The score of what takes 10 thousand million guesses or more."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ZxcvbnEstimator(Value):
    """
    A `PasswordCheck` that refuses what zxcvbn gives a low score.

    It knows English best, and more words of it than the policy does. It takes up to a tenth of a second, and what it
    fails on is allowed: the policy has already said what must be said.

    Attributes:
        least_score: The lowest score that is allowed, from 1 to 4: 3 is 100 million guesses, 4 a hundred times more.

    Raises:
        ConfigurationError: *least_score* is not one.
    """

    least_score: int = attrs.field(
        default=3, validator=is_whole(least=1, most=MAX_SCORE, hint=f"pass a whole number from 1 to {MAX_SCORE}")
    )

    def violations(self, password: Secret, account: Account, /) -> tuple[Violation, ...]:
        """Return ``guessable`` with the *score* and what is *needed*, or nothing."""
        contact = account.contact
        known = [text for text in (contact.first_name, contact.last_name, contact.email, account.username) if text]
        try:
            score = zxcvbn(password.reveal()[:LONGEST], user_inputs=known)["score"]
        except Exception:  # noqa: BLE001  What it raises carries the password in its frames (R14).
            return ()
        return () if score >= self.least_score else (_guessable(score, self.least_score),)


def _guessable(score: int, needed: int) -> Violation:
    return Violation(code="guessable", parameters={"score": score, "needed": needed})
