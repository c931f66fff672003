"""Hold the keys of a pepper, which are kept apart from the hashes, and say which of them is current."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NoReturn, final

from ..exceptions import ConfigurationError
from ..secret import Secret
from ._phc import MAX_KEY_ID_BYTES

MIN_KEY_BYTES: Final = 16
"""Bytes of a key: 128 bit, of which SP 800-63B-4 §3.1.1.2 asks for 112."""


@final
class KeyRing:
    """
    Name the keys that go into Argon2 besides password and salt: a pepper.

    Somebody who steals the hashes without the keys cannot try passwords on them. Keep the keys out of the database and
    its backups. Keep each key for as long as hashes name it: without it, no password can be checked against them.

    To rotate, add a key and make it the current one. Hashes with the other keys are still verified, and are written
    anew when their owners sign in.

    Like a `Secret`, it is masked where Python prints things, and refuses to be pickled or copied. Rings with the same
    keys and the same current one are equal.

    Args:
        current: The name of the key to write with.
        keys: The keys by name. A name is 1 to 8 printable ASCII characters, and is written into each hash. A key is at
            least 16 random bytes, or a secret whose UTF-8 form has at least 16 bytes (longer if it is text that encodes
            random bytes: hexadecimal needs 32).
        may_leave_process: Whether the keys may be sent with passwords to an executor outside this process (R13). The
            ring can then be pickled.

    Attributes:
        current: As given.
        may_leave_process: As given.

    Raises:
        ConfigurationError: There is no current key, a name cannot be written, or a key is too short.
    """

    __slots__ = ("_keys", "current", "may_leave_process")

    def __init__(self, *, current: str, keys: Mapping[str, bytes | Secret], may_leave_process: bool = False) -> None:
        if not isinstance(keys, Mapping):
            raise ConfigurationError("keys", "pass a mapping of names to keys, such as {'k1': key}")
        if type(current) is not str or current not in keys:  # It may be anything, such as bytes.
            raise ConfigurationError("current", "name one of the keys")
        self.current: Final = current
        self.may_leave_process: Final = may_leave_process
        self._keys: Final = MappingProxyType({_name(name): _key(key) for name, key in keys.items()})

    @property
    def current_id(self) -> bytes:
        """The name of the current key, as hashes have it."""
        return self.current.encode("ascii")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys, in the order in which they were passed."""
        return tuple(name.decode("ascii") for name in self._keys)

    def find(self, key_id: bytes) -> bytes | None:
        """Return the key that a hash names, or None. Every call is a place to look at in a review."""
        return self._keys.get(key_id)

    def __eq__(self, other: object) -> bool:
        # By attribute: the other one may come from another vendored copy.
        theirs = (getattr(other, "current", None), getattr(other, "_keys", None))
        return (self.current, self._keys) == theirs

    def __hash__(self) -> int:
        return hash((self.current, tuple(self._keys)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(current={self.current!r}, {len(self._keys)} keys)"

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        if not self.may_leave_process:
            self.__getstate__()
        return _restored, (self.current, {name.decode("ascii"): key for name, key in self._keys.items()})

    def __reduce__(self) -> tuple[object, ...]:
        return self.__reduce_ex__(0)

    def __getstate__(self) -> NoReturn:
        raise TypeError("a KeyRing is not pickled or copied unless it was made with may_leave_process=True")


def _restored(current: str, keys: Mapping[str, bytes]) -> KeyRing:
    return KeyRing(current=current, keys=keys, may_leave_process=True)


def _name(name: object) -> bytes:
    if not (isinstance(name, str) and 1 <= len(name) <= MAX_KEY_ID_BYTES and name.isascii() and name.isprintable()):
        raise ConfigurationError("keys", "name each key with 1 to 8 printable ASCII characters")
    return name.encode("ascii")


def _key(key: bytes | Secret) -> bytes:
    # Surrogates are allowed: UnicodeEncodeError would carry the key.
    try:
        content = bytes(key) if isinstance(key, bytes) else Secret(key).reveal().encode("utf-8", "surrogatepass")
    except TypeError:
        raise ConfigurationError("keys", "pass each key as bytes or as a Secret") from None
    if len(content) < MIN_KEY_BYTES:
        raise ConfigurationError("keys", "take at least 16 random bytes for each key")
    return content
