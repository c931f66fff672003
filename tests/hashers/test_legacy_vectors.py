"""What other systems wrote is verified, and nothing that is left of it when it was cut or changed."""

from __future__ import annotations

import copy
import json
import pickle
import random
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.hashers import Argon2Hasher
from portalcreds.hashers.legacy import SystemVerifier, Wrapping
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN

from .known_hashes import FOLDER, SAMPLE, SCHEMES, SHAPES, SOME_OR_ALL, VECTORS, VERIFIERS, Vector, of_shape

MUTATIONS = 200_000
STRUCTURAL_MUTATIONS = 50_000
SAMPLED = 1 / 50
ENCODED = {vector.encoded for vector in VECTORS}
CHARACTERS = "$:.,=+/{}*!_- \t\n\0ABCZabcz0159\u0661\u00e9\uff18"


@SOME_OR_ALL
def test_each_vector_is_verified(vectors: list[Vector]) -> None:
    """What a real system wrote is identified, and matched by its password alone: not by one that is a character off."""
    for vector in vectors:
        assert vector.verifier.identify(PasswordHash(vector.encoded)), vector.shape
        assert vector.takes(vector.password), vector.shape
        assert vector.wrong != vector.password
        assert not vector.takes(vector.wrong), vector.shape


def test_every_row_of_the_table_has_vectors() -> None:
    """No scheme is verified of which no hash was seen that its system wrote, and every run tries one of each."""
    assert {vector.scheme.name for vector in SAMPLE} == SCHEMES.keys()
    assert {vector.shape for vector in SAMPLE} == set(SHAPES)


def test_there_are_vectors_enough() -> None:
    """At least 6 vectors of each of at least 14 formats, each with where it came from."""
    assert len(SHAPES) >= 14
    assert min(len(of_shape(shape)) for shape in SHAPES) >= 6
    assert len(VECTORS) >= 120
    rows = [row for path in FOLDER.glob("*.json") for row in json.loads(path.read_text(encoding="ascii"))]
    assert all(row["source"] for row in rows)


def test_the_documented_numbers_of_vectors_are_these() -> None:
    """The table in the documentation counts what is tried here, by verifier."""
    page = Path(__file__).parents[2] / "docs" / "explanation" / "hashing-engine.md"
    table = re.findall(r"^\|[^|]+\| (\d+) \| (\d+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    counted = []
    for path in FOLDER.glob("*.json"):
        rows = json.loads(path.read_text(encoding="ascii"))
        counted.append((str(len({row["format"] for row in rows})), str(len(rows))))
    assert sorted(table) == sorted(counted)


@SOME_OR_ALL
def test_no_prefix_of_a_vector_is_verified(vectors: list[Vector]) -> None:
    """A hash that lost its end matches nothing, though PBKDF2's output is as good when it is cut."""
    taken = [
        (vector.encoded, length)
        for vector in vectors
        for length in range(len(vector.encoded))
        if vector.takes(vector.password, vector.encoded[:length])
    ]
    assert taken == []


@SOME_OR_ALL
def test_nothing_may_follow_or_precede_a_vector(vectors: list[Vector]) -> None:
    """R10: a hash is the whole of what is stored, without line ends, blanks or a second hash."""
    for vector in vectors:
        for extra in ("\n", " ", "\0", "$", "=", "A", vector.encoded):
            assert not vector.takes(vector.password, vector.encoded + extra), vector.shape
            assert not vector.takes(vector.password, extra + vector.encoded), vector.shape


def test_at_most_one_scheme_of_a_verifier_reads_a_hash() -> None:
    """Nothing is sniffed: which scheme a hash is of does not depend on an order."""
    for vector in VECTORS:
        readers = [scheme for scheme in vector.verifier.schemes if scheme.read(vector.encoded) is not None]
        assert len(readers) == 1


def test_a_verifier_is_a_value() -> None:
    """R13, R14: a verifier reaches a worker process whole, or not at all: a pepper is in no pickle."""
    for verifier in VERIFIERS:
        if any(pepper.reveal() for pepper in verifier.peppers):
            for lend in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match="with peppers"):
                    lend(verifier)
        else:
            again = pickle.loads(pickle.dumps(verifier))  # noqa: S301  Its own pickle.
            assert again == verifier
            assert hash(again) == hash(verifier)


def test_a_pepper_is_a_secret() -> None:
    """R14: neither what Python prints nor what attrs makes of a verifier shows the site's secret; a Secret is taken."""
    verifier = SystemVerifier("moodle", peppers=[Secret("s1te-Salt!"), ""])
    assert verifier == SystemVerifier("moodle", peppers=["s1te-Salt!", ""])
    assert verifier != SystemVerifier("moodle", peppers=["another", ""])
    shown = (verifier, attrs.asdict(verifier), verifier.peppers, Wrapping(verifier, Argon2Hasher(CHEAPEST_CHOSEN)))
    assert not [text for text in map(repr, shown) if "s1te" in text]
    with pytest.raises(TypeError):
        pickle.dumps(Wrapping(verifier, Argon2Hasher(CHEAPEST_CHOSEN)))


def test_what_a_verifier_costs_is_told() -> None:
    """R7: the service learns whether a wall-clock floor is needed, and the pool how much memory is."""
    for verifier in VERIFIERS:
        assert verifier.is_slow is any(scheme.is_slow for scheme in verifier.schemes)
        for vector in SAMPLE:
            needed = verifier.describe(PasswordHash(vector.encoded)).memory_bytes
            found = verifier.find(PasswordHash(vector.encoded))
            assert (needed > 0) == (found is not None and ("scrypt" in found[0].name or "argon2" in found[0].name))
        assert verifier.describe(PasswordHash("?")).memory_bytes == 0


def test_memory_is_what_the_cost_asks_for() -> None:
    """R7: the memory told is Argon2's m, and of scrypt the 128 r bytes for each of N, p and two more (RFC 7914 §5)."""
    told = {
        vector.shape: vector.verifier.describe(PasswordHash(vector.encoded)).memory_bytes
        for vector in VECTORS
        if vector.shape.startswith("django") and ("$2$seasalt0$8$" in vector.encoded or "m=8," in vector.encoded)
    }
    assert told == {"django scrypt": 128 * 8 * (2 + 1 + 2), "django argon2": 8 * 1024, "django argon2i": 8 * 1024}


# -- mutations


def _single(draw: random.Random, encoded: str) -> str:
    at = draw.randrange(len(encoded))
    character = draw.choice(CHARACTERS)
    return draw.choice(
        (
            encoded[:at] + character + encoded[at + 1 :],
            encoded[:at] + character + encoded[at:],
            encoded[:at] + encoded[at + 1 :],
            encoded[:at] + encoded[at].swapcase() + encoded[at + 1 :],
        )
    )


def _structural(draw: random.Random, encoded: str, other: str) -> str:
    separator = draw.choice([character for character in "$:{}" if character in encoded] or ["A"])
    parts = encoded.split(separator)
    i, j = draw.randrange(len(parts)), draw.randrange(len(parts))
    swapped = parts.copy()
    swapped[i], swapped[j] = swapped[j], swapped[i]
    cut = draw.randrange(len(encoded))
    return draw.choice(
        (
            separator.join(swapped),
            separator.join([*parts[:i], *parts[i + 1 :]]),
            separator.join([*parts[:i], parts[i], *parts[i:]]),
            separator.join([*parts[:i], "", *parts[i + 1 :]]),
            encoded[:cut] + other[cut:],
            encoded.upper(),
            encoded.lower(),
            encoded[::-1],
            encoded + "=" * draw.randrange(1, 4),
        )
    )


def _mutants(singles: int, structurals: int) -> Iterator[tuple[Vector, str]]:
    draw = random.Random(7)  # noqa: S311  The same mutants each time.
    for number in range(singles + structurals):
        vector = VECTORS[draw.randrange(len(VECTORS))]
        if number < singles:
            yield vector, _single(draw, vector.encoded)
        else:
            yield vector, _structural(draw, vector.encoded, VECTORS[draw.randrange(len(VECTORS))].encoded)


def _means_the_same(vector: Vector, mutant: str) -> bool:
    # phpBB's tag stands for phpass's; $2a$, $2b$ and $2y$ for each other; an LDAP tag is in either case.
    def plain(encoded: str) -> str:
        tag, brace, rest = encoded.rpartition("}")
        encoded = tag.lower() + brace + rest.replace("$H$", "$P$")
        return encoded.replace("$2a$", "$2b$").replace("$2y$", "$2b$")

    return plain(vector.encoded) == plain(mutant)


def _taken(singles: int, structurals: int) -> list[tuple[str, str]]:
    return [
        (vector.encoded, mutant)
        for vector, mutant in _mutants(singles, structurals)
        if mutant not in ENCODED and not _means_the_same(vector, mutant) and vector.takes(vector.password, mutant)
    ]


def test_no_mutant_is_verified() -> None:
    """A hash in which anything was changed matches nothing, and raises nothing; a sample."""
    assert _taken(int(MUTATIONS * SAMPLED), int(STRUCTURAL_MUTATIONS * SAMPLED)) == []


@pytest.mark.whole
def test_no_mutant_is_verified_at_all() -> None:
    """The same over 200,000 single changes and 50,000 of structure."""
    assert _taken(MUTATIONS, STRUCTURAL_MUTATIONS) == []


def test_the_check_of_mutants_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a verifier that compares only the beginning, mutants are taken."""
    monkeypatch.setattr("hmac.compare_digest", lambda ours, stored: ours[:4] == stored[:4])
    assert _taken(500, 0) != []


def test_another_verifier_never_takes_a_hash() -> None:
    """R10: a hash that belongs to another system is refused, whatever the password."""
    for vector in SAMPLE:
        for verifier in VERIFIERS:
            if vector.scheme.name not in verifier.claims:
                assert not verifier.identify(PasswordHash(vector.encoded)), vector.shape
                assert not verifier.verify(Secret(vector.password), PasswordHash(vector.encoded)), vector.shape
