"""Write and verify Argon2id hashes, at the cost that fits what is hashed."""

from __future__ import annotations

import os
from typing import ClassVar, Final

import attrs
from argon2 import low_level
from argon2.exceptions import HashingError

from .._arguments import whole
from .._value import Value
from ..accounts import PasswordHash
from ..exceptions import ConfigurationError, HashingUnavailableError, InvalidValueError
from ..protocols import HashDescription
from ..secret import Secret
from ._arena import LOAN, raw_tag
from ._codecs import encode
from ._phc import MAX_BYTES, MIN_BYTES, StoredArgon2, parse, within_ceilings, write
from .key_ring import KeyRing

SALT_BYTES: Final = 16
"""Bytes of a salt that is drawn (RFC 9106 §4)."""

TAG_BYTES: Final = 32
"""Bytes of a tag that is written (RFC 9106 §4)."""

_MIB: Final = 1024

_MEMORY_ALLOCATION_ERROR: Final = -22
"""``ARGON2_MEMORY_ALLOCATION_ERROR`` of argon2.h, whose text is all that argon2-cffi's exceptions carry."""

_SELF_TEST_KEY: Final = b"0123456789abcdef"

_SELF_TEST_TAGS: Final = {
    b"": bytes.fromhex("771338d819573c67116b39e1788ae8e04b0eb0cf9dfbbfe2e6d746cf3e464fc7"),
    _SELF_TEST_KEY: bytes.fromhex("db8f3627fcb409efe57da39dab1157c66842440e90081abf0156e1845b7e2f3a"),
}
"""By key: the tag of ``password`` with the same salt, over 8 KiB in one pass and one lane, computed with OpenSSL."""

_FLOOR: Final = {1: 46 * _MIB, 2: 19 * _MIB, 3: 12 * _MIB, 4: 9 * _MIB, 5: 7 * _MIB}
"""Passes, and the least memory in kibibytes with so many (OWASP Password Storage Cheat Sheet; ASVS 5.0 11.4.2)."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Argon2Parameters(Value):
    """
    What one Argon2id hash costs.

    Attributes:
        memory_kib: Memory in kibibytes.
        time_cost: Number of passes over it.
        lanes: Number of lanes, each of which may run in a thread of its own.
        insecure_for_tests: Whether a cost below OWASP's floor is allowed. Never in production: whoever reads the
            database guesses such hashes in bulk.

    Raises:
        ConfigurationError: The cost is below OWASP's floor, or above what a stored hash may ask for.
    """

    memory_kib: int
    time_cost: int
    lanes: int
    insecure_for_tests: bool = attrs.field(default=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for name in ("memory_kib", "time_cost", "lanes"):
            whole(name, getattr(self, name), least=1)
        # What is written must be within bounds when it is read.
        if not within_ceilings(self.memory_kib, self.time_cost, self.lanes):
            raise ConfigurationError(
                "memory_kib",
                "take at most 256 MiB, 32 passes, 16 lanes and 768 MiB x passes, and at least 8 KiB a lane",
            )
        if not self.insecure_for_tests and self.memory_kib < _FLOOR[min(self.time_cost, max(_FLOOR))]:
            raise ConfigurationError(
                "memory_kib",
                "take one of OWASP's rows or more: 46 MiB with 1 pass, 19 with 2, 12 with 3, 9 with 4, 7 with 5",
            )

    @property
    def memory_bytes(self) -> int:
        """The memory of one hash, in bytes."""
        return self.memory_kib * 1024

    @property
    def cost(self) -> tuple[int, int, int]:
        """The three numbers in the order in which hashes have them."""
        return self.memory_kib, self.time_cost, self.lanes


CHOSEN: Final = Argon2Parameters(memory_kib=64 * _MIB, time_cost=3, lanes=4)
"""For passwords that their owners chose: RFC 9106 §4, second recommended option."""

ISSUED: Final = Argon2Parameters(memory_kib=19 * _MIB, time_cost=2, lanes=1)
"""For issued passwords, worth nothing offline and everything in speed: OWASP's floor."""


@attrs.frozen(eq=False, repr=False)
class Argon2Hasher(Value):
    """
    Write Argon2id hashes at one cost, and verify them at any cost within the ceilings.

    It can be pickled, unless it has a key ring that may not leave the process, and one instance serves any number of
    threads. It hashes on the thread that calls it; `UpgradingHasher` adds a bounded pool of threads.

    Attributes:
        parameters: The cost of what is written.
        key_ring: The keys of a pepper, or None. New hashes name the current key. A stored hash is verified with the key
            that it names, or without one if it names none.

    Raises:
        ConfigurationError: The installed backend fails its self-test.
    """

    loan: ClassVar[object] = LOAN
    parameters: Argon2Parameters = CHOSEN
    key_ring: KeyRing | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        # A broken backend is found here, and not in a school's records.
        if not _passes_self_test(b"" if self.key_ring is None else _SELF_TEST_KEY):
            raise ConfigurationError("argon2", "reinstall argon2-cffi-bindings: the one installed fails its self-test")

    @property
    def memory_bytes(self) -> int:
        """The memory of one hash, in bytes."""
        return self.parameters.memory_bytes

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether it is an Argon2id hash within the ceilings, of any parameters. Never raises."""
        return parse(password_hash.encoded) is not None

    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """
        Return the password's hash.

        Args:
            password: Hashed as it is; the caller has brought it to its canonical form.
            salt: 16 to 64 bytes that were never used before, or None to draw them.

        Raises:
            InvalidValueError: The password holds a lone surrogate, or the salt is too short or too long.
            HashingUnavailableError: Memory ran out, or the backend failed.
        """
        if salt is None:
            salt = os.urandom(SALT_BYTES)
        elif not MIN_BYTES <= len(salt) <= MAX_BYTES:
            raise InvalidValueError("salt", "pass 16 to 64 bytes, or None to have them drawn")
        content = encode(password.reveal())
        if content is None:
            raise InvalidValueError("password", "refuse a lone surrogate where it is typed")
        key_id = None if self.key_ring is None else self.key_ring.current_id
        key = self._find_key(key_id)
        tag = _tag(content, salt, self.parameters.cost, TAG_BYTES, key)
        del content, key
        return PasswordHash(write(StoredArgon2(self.parameters.cost, salt, _known(tag), key_id)))

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's, at the hash's own cost.

        Raises:
            HashingUnavailableError: Memory ran out, or the backend failed: nothing is known about the password. With
                the code ``missing_key``, the key that the hash names is not on the ring. The password may be right, so
                nobody is denied, counted as a guesser, or let in: sign-ins are unavailable until the key is back.
        """
        # First of all: the code behind this allocates what the hash asks for (R10).
        stored = parse(password_hash.encoded)
        if stored is None:
            return False
        key = self._find_key(stored.key_id)
        content = encode(password.reveal())
        if content is None:
            return False
        tag = _tag(content, stored.salt, stored.cost, len(stored.tag), key)
        del content, key
        import hmac  # Brings OpenSSL with it, which importing this module need not.

        return hmac.compare_digest(_known(tag), stored.tag)

    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """
        Return whether this hasher would write it in another way: another scheme, cost, key or length of the tag.

        The salt does not count: the caller of `hash` may have chosen it.
        """
        stored = parse(password_hash.encoded)
        key_id = None if self.key_ring is None else self.key_ring.current_id
        ours = (self.parameters.cost, key_id, TAG_BYTES)
        return stored is None or (stored.cost, stored.key_id, len(stored.tag)) != ours

    def costs_the_same(self, password_hash: PasswordHash, /) -> bool:
        """Return whether verifying it costs what hashing costs, with any key and any length of the tag (R7)."""
        stored = parse(password_hash.encoded)
        return stored is not None and stored.cost == self.parameters.cost

    def describe(self, password_hash: PasswordHash, /) -> HashDescription:
        """Return what the hash says: its cost, its key, and whether the key is there."""
        stored = parse(password_hash.encoded)
        if stored is None:
            return HashDescription(fault="hash_refused")
        memory_kib, time_cost, lanes = stored.cost
        ring, key_id = self.key_ring, stored.key_id
        is_missing = key_id is not None and (ring is None or ring.find(key_id) is None)
        return HashDescription(
            scheme="argon2id",
            cost=f"m={memory_kib},t={time_cost},p={lanes}",
            # What a stranger wrote into the table may be any bytes.
            key_id=None if key_id is None else key_id.decode("ascii", "backslashreplace"),
            memory_bytes=stored.memory_bytes,
            fault="missing_key" if is_missing else None,
        )

    def _find_key(self, key_id: bytes | None) -> bytes:
        if key_id is None:
            return b""
        key = None if self.key_ring is None else self.key_ring.find(key_id)
        if key is None:
            raise HashingUnavailableError("missing_key")
        return key


def _tag(content: bytes, salt: bytes, cost: tuple[int, int, int], tag_bytes: int, key: bytes) -> bytes | str:
    """Return the tag, or as str the code for why there is none."""
    memory_kib, time_cost, lanes = cost
    try:
        return raw_tag(
            content, salt, memory_kib=memory_kib, time_cost=time_cost, lanes=lanes, tag_bytes=tag_bytes, key=key
        )
    except (HashingError, MemoryError) as error:
        out_of_memory = low_level.error_to_str(_MEMORY_ALLOCATION_ERROR)
        is_memory = isinstance(error, MemoryError) or str(error) == out_of_memory
        return "out_of_memory" if is_memory else type(error).__name__


def _known(tag: bytes | str) -> bytes:
    # Raised here, and not where it was caught: the context of an error holds the frames that hold the plaintext.
    if isinstance(tag, str):
        raise HashingUnavailableError(tag)
    return tag


def _passes_self_test(key: bytes) -> bool:
    """Return whether the backend computes what OpenSSL's Argon2 does, over 8 KiB in a tenth of a millisecond."""
    try:
        for each in {b"", key}:
            right, wrong = (_tag(text, b"0123456789abcdef", (8, 1, 1), 32, each) for text in (b"password", b"passwore"))
            if right != _SELF_TEST_TAGS[each] or not isinstance(wrong, bytes) or wrong == right:
                return False
    except Exception:  # noqa: BLE001  Whatever a broken backend raises, it is broken.
        return False
    return True
