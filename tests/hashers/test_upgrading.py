"""The hasher that the services use: one cost for every refusal, and what to upgrade."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from argon2 import low_level

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import InvalidValueError
from portalcreds.hashers import (
    CHOSEN,
    ISSUED,
    Argon2Hasher,
    UpgradingHasher,
)
from portalcreds.protocols import HashCheck
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CountingHasher

from .benches import DECOMPOSED, PASSWORD, Bench, admitted, chosen_hash, issued_hash, legacy_hash, other_hash

BOMB = PasswordHash(chosen_hash().encoded.replace("m=16", "m=4194304"))

# What is stored, what is typed, and the fault that goes on record.
REFUSALS: dict[str, tuple[PasswordHash | None, str, str | None]] = {
    "no hash": (None, "wrong", None),
    "empty hash": (PasswordHash(""), "wrong", "hash_unknown"),
    "unknown scheme": (PasswordHash("{CRYPT}x"), "wrong", "hash_unknown"),
    "not even text": (PasswordHash("\ud800\0"), "wrong", "hash_unknown"),
    "malformed": (PasswordHash("$argon2id$v=19$m=16"), "wrong", "hash_refused"),
    "argon2i": (PasswordHash(chosen_hash().encoded.replace("argon2id", "argon2i")), "wrong", "hash_refused"),
    "bomb": (BOMB, "wrong", "hash_refused"),
    "chosen, wrong": (chosen_hash(), "wrong", None),
    "issued, wrong": (issued_hash(), "wrong", None),
    "chosen, not composed": (chosen_hash(DECOMPOSED), DECOMPOSED, None),
    "issued, not composed": (issued_hash(DECOMPOSED), DECOMPOSED, None),
    "chosen, empty": (chosen_hash(), "", "password_empty"),
    "chosen, too long": (chosen_hash(), "a" * 257, "password_too_long"),
    "chosen, far too long": (chosen_hash(), "a" * 5_000_000, "password_too_long"),
    "chosen, combining marks": (chosen_hash(), "a" + "\u0301\u0316" * 50_000, "password_too_long"),
    "chosen, control character": (chosen_hash(), PASSWORD + "\0", "password_control_character"),
    "chosen, surrogate": (chosen_hash(), PASSWORD + "\ud800", "password_surrogate"),
    "issued, surrogate": (issued_hash(), PASSWORD + "\ud800", "password_surrogate"),
    "legacy, surrogate": (legacy_hash(PASSWORD + "\ud800"), PASSWORD + "\ud800", "password_surrogate"),
    "other, empty": (other_hash(""), "", "password_empty"),
    "no hash, surrogate": (None, "\ud800", "password_surrogate"),
    "bomb, too long": (BOMB, "a" * 2000, "password_too_long"),
}


@pytest.mark.parametrize(("password_hash", "password", "fault"), REFUSALS.values(), ids=REFUSALS.keys())
def test_every_refusal_costs_one_chosen_and_one_issued_hash(
    bench: Bench,
    password_hash: PasswordHash | None,
    password: str,
    fault: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R7, R8: exactly one of each, real or dummy, whatever is wrong; only the record tells why."""
    costs = []
    real = low_level.hash_secret_raw

    def spy(content: bytes, salt: bytes, time_cost: int, memory_kib: int, *args: Any) -> bytes:
        assert 0 < len(content) <= 1024
        costs.append((memory_kib, time_cost))
        return real(content, salt, time_cost, memory_kib, *args)

    monkeypatch.setattr(low_level, "hash_secret_raw", spy)

    assert bench.check(password, password_hash) == HashCheck(matched=False, fault=fault)
    assert bench.work == (1, 1, 0)
    # The backend too, so that no hasher turns a password down before it has done the work.
    assert sorted(costs) == [(8, 1), (16, 1)]


# At neither cost: the scheme's own work comes on top, twice if what was typed is not canonical.
SLOW_REFUSALS: dict[str, tuple[PasswordHash, str, tuple[int, int, int]]] = {
    "other parameters": (other_hash(), "wrong", (2, 1, 0)),
    "other parameters, not composed": (other_hash(), DECOMPOSED + "!", (3, 1, 0)),
    "legacy": (legacy_hash(), "wrong", (1, 1, 1)),
    "legacy, not composed": (legacy_hash(), DECOMPOSED + "!", (1, 1, 2)),
}


@pytest.mark.parametrize(("password_hash", "password", "work"), SLOW_REFUSALS.values(), ids=SLOW_REFUSALS.keys())
def test_a_refusal_by_another_scheme_costs_both_hashes_besides(
    bench: Bench, password_hash: PasswordHash, password: str, work: tuple[int, int, int]
) -> None:
    """R7: a fast old scheme is hidden behind one chosen and one issued dummy."""
    assert bench.check(password, password_hash) == HashCheck(matched=False)
    assert bench.work == work


def test_a_decoy_that_matches_is_no_match(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """R7: whatever the dummy work says, nobody signs in on it."""
    monkeypatch.setattr(CountingHasher, "verify", lambda *_args: True)

    assert bench.check("wrong", None) == HashCheck(matched=False)


def test_the_dummy_work_is_done_at_the_real_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """R7: the backend sees hashes of both profiles, well-formed, and runs them to the end."""
    seen = []
    plain, core = low_level.hash_secret_raw, low_level.core

    def spy(content: bytes, salt: bytes, time_cost: int, memory_kib: int, lanes: int, *args: Any) -> bytes:
        seen.append((memory_kib, time_cost, lanes))
        return plain(content, salt, time_cost, memory_kib, lanes, *args)

    def core_spy(context: Any, kind: int) -> int:
        seen.append((context.m_cost, context.t_cost, context.lanes))
        return core(context, kind)

    chosen, issued = Argon2Hasher(CHOSEN), Argon2Hasher(ISSUED)
    with UpgradingHasher(chosen=chosen, issued=issued) as hasher, admitted(hasher) as permit:
        monkeypatch.setattr(low_level, "hash_secret_raw", spy)
        monkeypatch.setattr(low_level, "core", core_spy)
        assert permit.check(Secret("wrong"), None) == HashCheck(matched=False)

    # The first large hash tries whether arenas work, over 256 KiB.
    assert sorted(cost for cost in seen if cost[0] > 256) == [(19456, 2, 1), (65536, 3, 4)]


# -- matches


MATCHES: dict[str, tuple[PasswordHash, str, bool, tuple[int, int, int]]] = {
    "chosen": (chosen_hash(), PASSWORD, False, (1, 0, 0)),
    "chosen, typed decomposed": (chosen_hash(), DECOMPOSED, False, (1, 0, 0)),
    "chosen, no-break space": (chosen_hash(), PASSWORD.replace(" ", "\u00a0"), False, (1, 0, 0)),
    "issued": (issued_hash(), PASSWORD, True, (0, 1, 0)),
    "other parameters": (other_hash(), PASSWORD, True, (1, 0, 0)),
    "other parameters, hashed raw": (other_hash(DECOMPOSED), DECOMPOSED, True, (2, 0, 0)),
    "legacy": (legacy_hash(), PASSWORD, True, (0, 0, 1)),
    "legacy, typed decomposed": (legacy_hash(), DECOMPOSED, True, (0, 0, 1)),
    "legacy, hashed raw": (legacy_hash(DECOMPOSED), DECOMPOSED, True, (0, 0, 2)),
}


@pytest.mark.parametrize(("password_hash", "password", "upgrade", "work"), MATCHES.values(), ids=MATCHES.keys())
def test_a_match_stops_early_and_says_what_to_upgrade(
    bench: Bench, password_hash: PasswordHash, password: str, upgrade: bool, work: tuple[int, int, int]
) -> None:
    """R4, R7: one success costs what the stored hash costs; all but the chosen profile are to be upgraded."""
    assert bench.check(password, password_hash) == HashCheck(matched=True, needs_upgrade=upgrade)
    assert bench.work == work


@pytest.mark.parametrize(("password_hash", "password", "_upgrade", "work"), MATCHES.values(), ids=MATCHES.keys())
def test_matches_says_the_same_without_the_dummies(
    bench: Bench, password_hash: PasswordHash, password: str, _upgrade: bool, work: tuple[int, int, int]
) -> None:
    """R18: for somebody known already, every route is taken, at its own cost alone."""
    with admitted(bench.hasher) as permit:
        assert permit.matches(Secret(password), password_hash)
    assert bench.work == work


@pytest.mark.parametrize(("password_hash", "password", "_fault"), REFUSALS.values(), ids=REFUSALS.keys())
def test_matches_is_false_where_check_refuses(
    bench: Bench, password_hash: PasswordHash | None, password: str, _fault: str | None
) -> None:
    """R10, R18: malformed hashes and passwords without a form are no match, and no error."""
    with admitted(bench.hasher) as permit:
        assert password_hash is None or permit.matches(Secret(password), password_hash) is False
    assert sum(bench.work) <= 1


@pytest.mark.parametrize("password", [PASSWORD, DECOMPOSED])
def test_a_chosen_password_is_hashed_in_its_canonical_form(bench: Bench, password: str) -> None:
    """R18: set on one keyboard, it verifies on the other; at the chosen cost."""
    with admitted(bench.hasher) as permit:
        stored = permit.hash_chosen(Secret(password))

        assert permit.check(Secret(PASSWORD), stored) == HashCheck(matched=True)
        assert permit.check(Secret(DECOMPOSED), stored) == HashCheck(matched=True)
    assert Argon2Hasher(CHEAPEST_CHOSEN).verify(Secret(PASSWORD), stored)
    assert not Argon2Hasher(CHEAPEST_CHOSEN).needs_rehash(stored)


FORMLESS = {"empty": "", "too_long": "canary" * 43, "control_character": "canary\n", "surrogate": "canary\udfff"}


@pytest.mark.parametrize(("fault", "password"), FORMLESS.items())
def test_a_password_without_a_form_is_not_hashed(hasher: UpgradingHasher, fault: str, password: str) -> None:
    """R8, R14, R18: refused with the reason, and without the value."""
    with admitted(hasher) as permit, pytest.raises(InvalidValueError, match=fault) as chosen:
        permit.hash_chosen(Secret(password))
    with pytest.raises(InvalidValueError, match=fault) as issued:
        next(hasher.hash_issued([Secret(password)]))

    for caught in (chosen, issued):
        assert caught.value.field == "password"
        assert caught.value.__context__ is None
        assert "canary" not in "".join(traceback.format_exception(caught.value))
