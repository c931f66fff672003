"""Tell "the password was not looked at" from "the password is wrong"."""

from __future__ import annotations

import attrs

from ..exceptions import PortalCredsError


@attrs.define(slots=False)
class HashingUnavailableError(PortalCredsError, RuntimeError):
    """
    Hashing could not be done; nothing is known about the password, and no attempt may be counted for it.

    Attributes:
        code: Why: ``out_of_memory``, ``closed``, or the name of the class of what a hasher raised. Never its text,
            which may quote the password.
    """

    code: str

    def __str__(self) -> str:
        return f"hashing is unavailable (cause: {self.code}); free memory, open the pool or mend the hasher, and retry"
