"""Write and verify Argon2id hashes, at the cost that fits what is hashed."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

import attrs
from argon2 import low_level
from argon2.exceptions import HashingError, VerificationError, VerifyMismatchError

from ..accounts import PasswordHash
from ..exceptions import ConfigurationError, HashingUnavailableError, InvalidValueError
from ..secret import Secret
from ._arena import Arena, raw_tag
from ._phc import MAX_BYTES, MIN_BYTES, StoredArgon2, parse, within_ceilings, write
from .key_ring import KeyRing

SALT_BYTES: Final = 16
"""Bytes of a salt that is drawn (RFC 9106 §4)."""

TAG_BYTES: Final = 32
"""Bytes of a tag that is written (RFC 9106 §4)."""

_MIB: Final = 1024

_MEMORY_ALLOCATION_ERROR: Final = -22
"""``ARGON2_MEMORY_ALLOCATION_ERROR`` of argon2.h, whose text is all that argon2-cffi's exceptions carry."""

_FLOOR: Final = {1: 46 * _MIB, 2: 19 * _MIB, 3: 12 * _MIB, 4: 9 * _MIB, 5: 7 * _MIB}
"""Passes, and the least memory in kibibytes with so many (OWASP Password Storage Cheat Sheet; ASVS 5.0 11.4.2)."""


@attrs.frozen(kw_only=True)
class Argon2Parameters:
    """
    What one Argon2id hash costs.

    Attributes:
        memory_kib: Memory in kibibytes.
        time_cost: Number of passes over it.
        lanes: Number of lanes, each of which may run in a thread of its own.
        insecure_for_tests: Whether a cost below OWASP's floor is let through. Never in production: such hashes fall
            in bulk to whoever reads the database.

    Raises:
        ConfigurationError: The cost is below OWASP's floor, or above what is verified of a stored hash.
    """

    memory_kib: int
    time_cost: int
    lanes: int
    insecure_for_tests: bool = attrs.field(default=False, eq=False)

    def __attrs_post_init__(self) -> None:
        # What is written must pass the gate when it is read.
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


CHOSEN: Final = Argon2Parameters(memory_kib=64 * _MIB, time_cost=3, lanes=4)
"""For passwords that their owners chose: RFC 9106 §4, second recommended option."""

ISSUED: Final = Argon2Parameters(memory_kib=19 * _MIB, time_cost=2, lanes=1)
"""For issued passwords, worth nothing offline and everything in speed: OWASP's floor."""


@attrs.frozen
class Argon2Hasher:
    """
    Write Argon2id hashes at one cost, and verify them at any cost within the gate's ceilings.

    A value: it can be pickled, unless it has a key ring that may not leave the process, and one instance serves any
    number of threads. It hashes on the thread that calls it; `UpgradingHasher` brings the bounded threads.

    Attributes:
        parameters: The cost of what is written.
        key_ring: The keys of a pepper. What is written names the current key, and what is verified takes the key that
            it names, or none if it names none. Without a ring, no key is known.

    Raises:
        ConfigurationError: The installed backend fails its self-test.
    """

    parameters: Argon2Parameters = CHOSEN
    key_ring: KeyRing | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        # A backend that says yes to everything, or no, shows itself here and not in a school's records.
        if not _passes_self_test() or (self.key_ring is not None and not _passes_keyed_self_test()):
            raise ConfigurationError("argon2", "reinstall argon2-cffi-bindings: the one installed fails its self-test")

    @property
    def memory_bytes(self) -> int:
        """The memory of one hash, in bytes."""
        return self.parameters.memory_bytes

    def identify(self, password_hash: PasswordHash, /) -> bool:
        """Return whether it is an Argon2id hash within the ceilings, of whatever parameters. Never raises."""
        return parse(password_hash.encoded) is not None

    def hash(self, password: Secret, /, *, salt: bytes | None = None) -> PasswordHash:
        """
        Return the password's hash.

        Args:
            password: Hashed as it is; whoever calls has brought it to its canonical form.
            salt: 16 to 64 bytes that were never used before, or None to draw them.

        Raises:
            InvalidValueError: The password holds a lone surrogate, or the salt is too short or too long.
            HashingUnavailableError: Memory ran out, or the backend failed.
        """
        return self._hash_in(None, password, salt)

    def verify(self, password: Secret, password_hash: PasswordHash, /) -> bool:
        """
        Return whether the password is the hash's, at the hash's own cost.

        Raises:
            HashingUnavailableError: Memory ran out, or the backend failed: nothing is known about the password. With
                the code ``missing_key``, the hash names a key that is not on the ring. That is no wrong password: a
                sign-in is unavailable until the key is back, so that nobody is denied falsely, counted as a guesser,
                or let in.
        """
        return self._verify_in(None, password, password_hash)

    def needs_rehash(self, password_hash: PasswordHash, /) -> bool:
        """
        Return whether this hasher would write it in another way: another scheme, cost, key or length of the tag.

        The salt is no reason: the caller of `hash` may have brought it.
        """
        stored = parse(password_hash.encoded)
        key_id = None if self.key_ring is None else self.key_ring.current_id
        return (
            stored is None
            or not self._is_at_own_cost(stored)
            or (stored.key_id, len(stored.tag)) != (key_id, TAG_BYTES)
        )

    def costs_the_same(self, password_hash: PasswordHash, /) -> bool:
        """Return whether to verify it costs what to hash costs, whatever key and length of the tag it has (R7)."""
        stored = parse(password_hash.encoded)
        return stored is not None and self._is_at_own_cost(stored)

    def _is_at_own_cost(self, stored: StoredArgon2) -> bool:
        ours = self.parameters
        return (stored.memory_kib, stored.time_cost, stored.lanes) == (ours.memory_kib, ours.time_cost, ours.lanes)

    def _hash_in(self, arena: Arena | None, password: Secret, salt: bytes | None) -> PasswordHash:
        if salt is None:
            salt = secrets.token_bytes(SALT_BYTES)
        elif not MIN_BYTES <= len(salt) <= MAX_BYTES:
            raise InvalidValueError("salt", "pass 16 to 64 bytes, or None to have them drawn")
        content = _utf8(password)
        if content is None:
            raise InvalidValueError("password", "it holds a lone surrogate; refuse it where it is typed")
        if arena is None and self.key_ring is None:
            written = _hash(content, salt, self.parameters)
        else:
            written = _hash_by_core(content, salt, self.parameters, self.key_ring, arena)
        del content
        # Raised here and not where it was caught: an error's context holds the frames that hold the plaintext.
        if isinstance(written, str):
            raise HashingUnavailableError(written)
        return PasswordHash(written.decode("ascii"))

    def _verify_in(self, arena: Arena | None, password: Secret, password_hash: PasswordHash) -> bool:
        # The gate comes first: behind it is code that allocates what the hash asks for (R10).
        stored = parse(password_hash.encoded)
        if stored is None:
            return False
        key = self._key_of(stored)
        content = _utf8(password)
        if content is None:
            return False
        if arena is None and stored.key_id is None:
            matched = _verify(content, password_hash.encoded.encode("ascii"))
        else:
            matched = _verify_by_core(content, stored, key, arena)
        del content, key
        if isinstance(matched, str):
            raise HashingUnavailableError(matched)
        return matched

    def _key_of(self, stored: StoredArgon2) -> bytes:
        if stored.key_id is None:
            return b""
        key = None if self.key_ring is None else self.key_ring.find(stored.key_id)
        if key is None:
            raise HashingUnavailableError("missing_key")
        return key


def _utf8(password: Secret) -> bytes | None:
    """Return the bytes to hash, or None for a lone surrogate, because UnicodeEncodeError holds the plaintext."""
    try:
        return password.reveal().encode("utf-8")
    except UnicodeEncodeError:
        return None


def _hash(content: bytes, salt: bytes, parameters: Argon2Parameters) -> bytes | str:
    """Return the encoded hash, or as str the code for why there is none."""
    try:
        return low_level.hash_secret(
            content,
            salt,
            time_cost=parameters.time_cost,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.lanes,
            hash_len=TAG_BYTES,
            type=low_level.Type.ID,
        )
    except (HashingError, MemoryError) as error:
        return _code(error)


def _verify(content: bytes, encoded: bytes) -> bool | str:
    """Return whether it matches, or as str the code for why that is not known."""
    try:
        return low_level.verify_secret(encoded, content, low_level.Type.ID)
    except VerifyMismatchError:
        return False
    except (VerificationError, MemoryError) as error:
        # Behind the gate the C code has nothing to complain of but its own troubles, and "Decoding failed" among them
        # would be the two grammars' disagreement. None of them says that the password is wrong.
        return _code(error)


def _hash_by_core(
    content: bytes, salt: bytes, parameters: Argon2Parameters, key_ring: KeyRing | None, arena: Arena | None
) -> bytes | str:
    """Return what `_hash` does, with the ring's current key, in an arena, or both."""
    # The plain call knows neither.
    key_id = None if key_ring is None else key_ring.current_id
    key = b"" if key_ring is None or key_id is None else key_ring.find(key_id) or b""
    cost = {"memory_kib": parameters.memory_kib, "time_cost": parameters.time_cost, "lanes": parameters.lanes}
    try:
        tag = raw_tag(content, salt, **cost, tag_bytes=TAG_BYTES, key=key, arena=arena)
    except (HashingError, MemoryError) as error:
        return _code(error)
    return write(StoredArgon2(**cost, salt=salt, tag=tag, key_id=key_id)).encode("ascii")


def _verify_by_core(content: bytes, stored: StoredArgon2, key: bytes, arena: Arena | None) -> bool | str:
    """Return what `_verify` does, with a key, in an arena, or both."""
    try:
        tag = raw_tag(
            content,
            stored.salt,
            memory_kib=stored.memory_kib,
            time_cost=stored.time_cost,
            lanes=stored.lanes,
            tag_bytes=len(stored.tag),
            key=key,
            arena=arena,
        )
    except (HashingError, MemoryError) as error:
        return _code(error)
    return hmac.compare_digest(tag, stored.tag)


def _code(error: Exception) -> str:
    out_of_memory = low_level.error_to_str(_MEMORY_ALLOCATION_ERROR)
    return "out_of_memory" if isinstance(error, MemoryError) or str(error) == out_of_memory else type(error).__name__


def _passes_self_test() -> bool:
    # Computed with OpenSSL's Argon2, over 8 KiB: a tenth of a millisecond for all three calls.
    parameters = Argon2Parameters(memory_kib=8, time_cost=1, lanes=1, insecure_for_tests=True)
    known = b"$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$dxM42BlXPGcRaznheIro4EsOsM+d+7/i5tdGzz5GT8c"
    try:
        written = _hash(b"password", b"0123456789abcdef", parameters)
        return (
            isinstance(written, bytes)
            and hmac.compare_digest(written, known)
            and _verify(b"password", known) is True
            and _verify(b"passwore", known) is False
        )
    except Exception:  # noqa: BLE001  Whatever a broken backend raises, it is broken.
        return False


def _passes_keyed_self_test() -> bool:
    # The same with a secret input of "0123456789abcdef".
    known = parse(
        "$argon2id$v=19$m=8,t=1,p=1,keyid=azE$MDEyMzQ1Njc4OWFiY2RlZg$2482J/y0Ce/lfaOdqxFXxmhCRA6QCBq/AVbhhFt+Lzo"
    )
    key = b"0123456789abcdef"
    try:
        return (
            known is not None
            and _verify_by_core(b"password", known, key, None) is True
            and _verify_by_core(b"password", known, key[::-1], None) is False
        )
    except Exception:  # noqa: BLE001  The same.
        return False
