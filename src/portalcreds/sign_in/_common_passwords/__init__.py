"""The passwords that too many people use, as far as they ship with the package."""

from __future__ import annotations

import os
from functools import cache
from typing import Final

# Known to everybody, and too long for the list.
_ALSO: Final = ("correcthorsebatterystaple", "passwordispassword", "thisismypassword")


@cache
def common_passwords() -> tuple[str, ...]:
    """
    Return the list that ships, the most common first: in lower case, each of 4 or more code points.

    It is read when it is first asked for. The folder's ``LICENSE`` says where it is from.
    """
    # Not worth its import to those who check no password.
    import gzip

    # Beside this file, whatever the package is called where it was copied to.
    path = os.path.join(os.path.dirname(__file__), "passwords.txt.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return (*lines.read().split("\n")[:-1], *_ALSO)
