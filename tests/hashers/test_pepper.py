"""A pepper in both profiles: rotation, a missing key, and where keys may go."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from argon2 import low_level

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError
from portalcreds.hashers import (
    Argon2Hasher,
    HashingUnavailableError,
    KeyRing,
    UpgradingHasher,
)
from portalcreds.protocols import HashCheck
from portalcreds.secret import Secret
from portalcreds.testing.hashers import CHEAPEST_CHOSEN, CHEAPEST_ISSUED, CountingHasher

from .benches import OTHER, PASSWORD, Reversed, admitted, chosen_hash, elsewhere, issued_hash, numbered

KEYS = {"k1": b"the first canary", "k2": b"the other canary"}


OTHER_PEPPERED = Argon2Hasher(OTHER.parameters, key_ring=KeyRing(current="k1", keys=KEYS))


def peppered(current: str = "k2", *names: str, may_leave_process: bool = False) -> UpgradingHasher:
    """Hash fast with those of the keys, or with both, in a pool of its own."""
    keys = {name: key for name, key in KEYS.items() if not names or name in names}
    ring = KeyRing(current=current, keys=keys, may_leave_process=may_leave_process)
    return UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring),
        issued=Argon2Hasher(CHEAPEST_ISSUED, key_ring=ring),
        legacy=[Reversed()],
    )


@pytest.fixture
def stored_before() -> dict[str, PasswordHash | None]:
    """What may be stored when a second key was made the current one."""
    with peppered("k1", "k1") as before, peppered() as after, admitted(before) as old, admitted(after) as new:
        return {
            "nothing": None,
            "unknown": PasswordHash("{CRYPT}"),
            "chosen": new.hash_chosen(Secret(PASSWORD)),
            "issued": next(after.hash_issued([Secret(PASSWORD)])),
            "chosen, older key": old.hash_chosen(Secret(PASSWORD)),
            "issued, older key": next(before.hash_issued([Secret(PASSWORD)])),
            "chosen, no key": chosen_hash(),
            "issued, no key": issued_hash(),
        }


def test_a_refusal_costs_the_same_with_a_pepper(
    stored_before: dict[str, PasswordHash | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R7: one chosen and one issued hash, real or dummy, whatever key the stored one names; dummies have one too."""
    work: list[tuple[int, int]] = []
    plain, core = low_level.hash_secret_raw, low_level.core

    def plain_spy(content: bytes, salt: bytes, time_cost: int, memory_kib: int, *args: Any) -> bytes:
        work.append((memory_kib, 0))
        return plain(content, salt, time_cost, memory_kib, *args)

    def core_spy(context: Any, kind: int) -> int:
        work.append((context.m_cost, context.secretlen))
        return core(context, kind)

    told = {}
    with peppered() as hasher, admitted(hasher) as permit:
        monkeypatch.setattr(low_level, "hash_secret_raw", plain_spy)
        monkeypatch.setattr(low_level, "core", core_spy)
        for name, stored in stored_before.items():
            work.clear()
            assert not permit.check(Secret("wrong"), stored).matched
            told[name] = sorted(work)

    assert told == {
        name: [(8, 0 if name == "issued, no key" else 16), (16, 0 if name == "chosen, no key" else 16)]
        for name in stored_before
    }


def test_rotation_upgrades_at_sign_in(stored_before: dict[str, PasswordHash | None]) -> None:
    """R4: a match with an older key, or none, is to be written anew; one in the chosen profile with this one is not."""
    with peppered() as hasher, admitted(hasher) as permit:
        told = {
            name: permit.check(Secret(PASSWORD), stored)
            for name, stored in stored_before.items()
            if name not in {"nothing", "unknown"}
        }
        rewritten = permit.hash_chosen(Secret(PASSWORD))
        assert permit.check(Secret(PASSWORD), rewritten) == HashCheck(matched=True)

    assert told == {name: HashCheck(matched=True, needs_upgrade=name != "chosen") for name in told}
    assert "keyid=azI$" in rewritten.encoded


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_missing_key_is_an_error_and_no_outcome(password: str, stored_before: dict[str, PasswordHash | None]) -> None:
    """NIST's pepper: with the right password as with a wrong one, nobody is denied falsely and nobody let in."""
    stored = stored_before["chosen"]
    assert stored is not None
    with peppered("k1", "k1") as hasher, admitted(hasher) as permit:
        for question in (permit.check, permit.matches):
            with pytest.raises(HashingUnavailableError) as caught:
                question(Secret(password), stored)
            assert caught.value.code == "missing_key"


@pytest.mark.parametrize(
    ("chosen", "issued"),
    [
        (None, {"k1": KEYS["k1"]}),
        ({"k1": KEYS["k1"]}, None),
        (KEYS, {"k1": KEYS["k1"]}),
        ({"k1": KEYS["k1"]}, {"k1": KEYS["k2"]}),
    ],
    ids=["issued only", "chosen only", "one key less", "another key of the same name"],
)
def test_profiles_with_different_keys_are_refused(
    chosen: dict[str, bytes] | None, issued: dict[str, bytes] | None
) -> None:
    """R23: after a change of costs one profile meets the other's hashes, and would be unavailable for ever."""
    rings = [None if keys is None else KeyRing(current="k1", keys=keys) for keys in (chosen, issued)]
    with pytest.raises(ConfigurationError, match="KeyRing") as caught:
        UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN, key_ring=rings[0]),
            issued=CountingHasher(Argon2Hasher(CHEAPEST_ISSUED, key_ring=rings[1])),
        )
    assert caught.value.argument == "issued"


def test_equal_rings_are_one_pepper() -> None:
    """Two rings made from one configuration are equal, and so are those of two vendored copies."""
    first, second = (KeyRing(current="k1", keys=KEYS) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != KeyRing(current="k2", keys=KEYS)
    assert first != "k1"
    UpgradingHasher(
        chosen=Argon2Hasher(CHEAPEST_CHOSEN, key_ring=first), issued=Argon2Hasher(CHEAPEST_ISSUED, key_ring=second)
    ).close()


def test_a_hash_of_the_other_profile_is_verified_after_a_change_of_costs() -> None:
    """R4: with one ring in both profiles, what either wrote at its old cost is a match."""
    ring = KeyRing(current="k1", keys=KEYS)
    stored = OTHER_PEPPERED.hash(Secret(PASSWORD))
    with (
        UpgradingHasher(
            chosen=Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring), issued=Argon2Hasher(CHEAPEST_ISSUED, key_ring=ring)
        ) as hasher,
        admitted(hasher) as permit,
    ):
        assert permit.check(Secret(PASSWORD), stored) == HashCheck(matched=True, needs_upgrade=True)


def test_keys_do_not_leave_the_process_unasked() -> None:
    """R13: leave for the plaintexts is none for the keys; refused before anything is taken, and the error says how."""
    spy, executor = elsewhere()
    with peppered() as hasher, pytest.raises(ConfigurationError, match="KeyRing") as caught:
        hasher.hash_issued(numbered(1), executor=executor, may_leave_process=True)

    assert caught.value.argument == "executor"
    assert spy.calls == []


def test_threads_of_the_host_need_no_leave_for_keys() -> None:
    """R13: they are of this process."""
    with peppered() as hasher, ThreadPoolExecutor(1) as executor:
        assert "keyid=azI$" in next(hasher.hash_issued(numbered(1), executor=executor)).encoded


def test_keys_that_may_leave_go_along_to_another_process() -> None:
    """R13: with both permissions, the hashes are those of this process, and name the key."""
    with (
        peppered(may_leave_process=True) as hasher,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor,
        admitted(hasher) as permit,
    ):
        (stored,) = hasher.hash_issued(numbered(1), executor=executor, may_leave_process=True)
        with pytest.raises(ConfigurationError, match="plaintexts"):
            hasher.hash_issued(numbered(1), executor=executor)

        assert "keyid=azI$" in stored.encoded
        assert permit.check(Secret("password 0"), stored).matched
