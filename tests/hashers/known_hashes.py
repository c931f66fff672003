"""Read the golden vectors, each with the verifier that a host would declare for it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

import attrs

from portalcreds.accounts import PasswordHash
from portalcreds.hashers import bcrypt, legacy
from portalcreds.hashers.legacy._table_verifier import TableVerifier
from portalcreds.secret import Secret

FOLDER: Final = Path(__file__).with_name("vectors")


@attrs.frozen(kw_only=True)
class Vector:
    """One hash that another system wrote, its password, and one that is a character off."""

    shape: str
    verifier: TableVerifier
    password: str
    wrong: str
    encoded: str

    def takes(self, password: str, encoded: str | None = None) -> bool:
        """Return whether the verifier takes a password for the hash, or for another one."""
        return self.verifier.verify(Secret(password), PasswordHash(self.encoded if encoded is None else encoded))


@cache
def verifier_of(name: str, options: str = "{}") -> TableVerifier:
    """Return the verifier of that name, made once: making one runs its self-test."""
    verifier = getattr(bcrypt if "Bcrypt" in name else legacy, name)(**json.loads(options))
    assert isinstance(verifier, TableVerifier)
    return verifier


def _read() -> list[Vector]:
    return [
        Vector(
            shape=row["format"],
            verifier=verifier_of(row["verifier"], json.dumps(row["options"], sort_keys=True)),
            password=row["password"],
            wrong=row["wrong"],
            encoded=row["hash"],
        )
        for path in sorted(FOLDER.glob("*.json"))
        for row in json.loads(path.read_text(encoding="ascii"))
    ]


VECTORS: Final = _read()
SHAPES: Final = sorted({vector.shape for vector in VECTORS})
VERIFIERS: Final = sorted({vector.verifier for vector in VECTORS}, key=repr)


def of_shape(shape: str) -> list[Vector]:
    """Return the vectors of one format, the cheapest to verify first."""
    return [vector for vector in VECTORS if vector.shape == shape]
