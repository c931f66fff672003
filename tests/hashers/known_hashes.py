"""Read the golden vectors, each with the verifier that a host would declare for it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

import attrs
import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.hashers.legacy._scheme import Scheme
from portalcreds.hashers.legacy._table import SYSTEMS
from portalcreds.secret import Secret

FOLDER: Final = Path(__file__).with_name("vectors")


@attrs.frozen(kw_only=True)
class Vector:
    """One hash that another system wrote, its password, and one that is a character off."""

    shape: str
    verifier: SystemVerifier
    password: str
    wrong: str
    encoded: str

    @property
    def scheme(self) -> Scheme:
        """Return the row of the table that reads the hash."""
        found = self.verifier.find(PasswordHash(self.encoded))
        assert found is not None, self.shape
        return found[0]

    def takes(self, password: str, encoded: str | None = None) -> bool:
        """Return whether the verifier takes a password for the hash, or for another one."""
        return self.verifier.verify(Secret(password), PasswordHash(self.encoded if encoded is None else encoded))


@cache
def verifier_of(system: str, options: str = "{}") -> SystemVerifier:
    """Return the verifier of that system, made once: making one runs its self-test."""
    return SystemVerifier(system, **json.loads(options))


def _read() -> list[Vector]:
    return [
        Vector(
            shape=row["format"],
            verifier=verifier_of(row["system"], json.dumps(row["options"], sort_keys=True)),
            password=row["password"],
            wrong=row["wrong"],
            encoded=row["hash"],
        )
        for path in sorted(FOLDER.glob("*.json"))
        for row in json.loads(path.read_text(encoding="ascii"))
    ]


VECTORS: Final = _read()
SHAPES: Final = sorted({vector.shape for vector in VECTORS})
SCHEMES: Final[dict[str, Scheme]] = {scheme.name: scheme for system in SYSTEMS.values() for scheme in system.schemes}
"""Every row of the table."""

VERIFIERS: Final = sorted({vector.verifier for vector in VECTORS}, key=repr)


SAMPLE: Final = list({(vector.shape, vector.scheme.name): vector for vector in reversed(VECTORS)}.values())
"""One vector of each format, and of each row of the table: mostly the cheapest to verify."""

SOME_OR_ALL: Final = pytest.mark.parametrize(
    "vectors", [pytest.param(SAMPLE, id="sample"), pytest.param(VECTORS, id="all", marks=pytest.mark.whole)]
)
"""Runs a test over the sample, and in the whole over all vectors. Let its asserts name the vector's format."""


def of_shape(shape: str) -> list[Vector]:
    """Return the vectors of one format; most formats have the cheapest to verify first."""
    return [vector for vector in VECTORS if vector.shape == shape]
