"""
Print how many default passwords a second one core derives: ``python tests/benchmarks/bench_default_password.py``.

The budget: at least 200 for each hash at the issued cost that the same core computes, whatever the script of the name.
"""

# ruff: noqa: T201  A benchmark prints its table.

from __future__ import annotations

import timeit
import unicodedata
from collections.abc import Callable
from typing import Final

from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords.strategies import (
    LastNameFirstInitial,
    NameTemplate,
    Passphrase,
    RandomReadable,
    default_password,
)
from portalcreds.hashers.argon2 import ISSUED, Argon2Hasher
from portalcreds.secret import Secret

_NAMES: Final = {
    "ASCII": ("Abbiatici", "Rosa"),
    "ASCII with spaces": ("van der Berg", "anna"),
    "Latin, composed": ("Núñez", "Éva"),
    "Latin, decomposed": (unicodedata.normalize("NFD", "Núñez"), unicodedata.normalize("NFD", "Éva")),
    "typographic": ("O’Brien", "Pat"),
    "Cyrillic": ("Щербакова", "Юлия"),
    "Hebrew": ("עמית", "דוד"),
    "Han": ("李", "明"),
    "Hangul": ("김", "민준"),
    "Devanagari": ("शर्मा", "क्षमा"),
    "ZWJ emoji": ("Smith", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
    "outer blanks": (" Li ", "Bo "),
}

_ROUNDS: Final = 7


def _rate(step: Callable[[], object], number: int) -> float:
    return number / min(timeit.repeat(step, number=number, repeat=_ROUNDS))


def main() -> None:
    """Measure and print the table."""
    hasher = Argon2Hasher(ISSUED)
    hash_rate = _rate(lambda: hasher.hash(Secret("AbbiaticiR")), 5)
    print(f"{'a hash, issued cost':<20}{hash_rate:>18,.1f}  per second, one core; 200 times: {200 * hash_rate:,.0f}")
    strategy = LastNameFirstInitial()
    print(f"{'':<20}{'default_password':>18}{'derive':>14}  per second, one core")
    for title, (last_name, first_name) in _NAMES.items():
        contact = Contact(contact_id=ContactId("1"), first_name=first_name, last_name=last_name)
        short = _rate(lambda contact=contact: default_password(contact), 100_000)  # type: ignore[misc]  # mypy infers no lambda with a default.
        full = _rate(lambda contact=contact: strategy.derive(contact), 20_000)  # type: ignore[misc]  # mypy infers no lambda with a default.
        print(f"{title:<20}{short:>18,.0f}{full:>14,.0f}")
    contact = Contact(contact_id=ContactId("1"), first_name="Rosa", last_name="Abbiatici")
    for other in (NameTemplate(template="{first_name}.{last_name}"), RandomReadable(), Passphrase()):
        print(f"{other.id[:36]:<38}{_rate(lambda other=other: other.derive(contact), 5_000):>14,.0f}")  # type: ignore[misc]  # mypy infers no lambda with a default.


if __name__ == "__main__":
    main()
