"""Hold the keys of a pepper, which are kept elsewhere than the hashes, and say which of them is current."""

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

    Whoever steals the hashes, and not the keys, can try no password on them. Keep the keys out of the database and its
    backups, and keep each for as long as hashes name it: without it, nobody can tell whether their passwords match.

    To rotate, add a key and make it the current one. Hashes of the others go on being verified, and are written anew
    when their owners sign in.

    Like a `Secret`, it is masked where Python prints things, and refuses to be pickled or copied.

    Args:
        current: The name of the key to write with.
        keys: The keys by name. A name is 1 to 8 printable ASCII characters, and is written into each hash. A key is at
            least 16 bytes from a random generator, or a secret whose UTF-8 form is (text that encodes random bytes
            must be as much longer as its alphabet is smaller).
        may_leave_process: Whether the keys may be sent along with passwords to an executor that is not of this
            process's threads (R13). The ring can then be pickled.

    Attributes:
        current: As given.
        may_leave_process: As given.

    Raises:
        ConfigurationError: There is no current key, a name cannot be written, or a key is too short.
    """

    __slots__ = ("_keys", "current", "may_leave_process")

    def __init__(self, *, current: str, keys: Mapping[str, bytes | Secret], may_leave_process: bool = False) -> None:
        if current not in keys:
            raise ConfigurationError("current", "name one of the keys")
        self.current: Final = current
        self.may_leave_process: Final = may_leave_process
        self._keys: Final = MappingProxyType({_name(name): _key(key) for name, key in keys.items()})

    @property
    def current_id(self) -> bytes:
        """The name of the current key, as hashes have it."""
        return self.current.encode("ascii")

    def find(self, key_id: bytes) -> bytes | None:
        """Return the key that a hash names, or None. Every call is a place to look at in a review."""
        return self._keys.get(key_id)

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


def _name(name: str) -> bytes:
    if not (1 <= len(name) <= MAX_KEY_ID_BYTES and name.isascii() and name.isprintable()):
        raise ConfigurationError("keys", "name each key with 1 to 8 printable ASCII characters")
    return name.encode("ascii")


def _key(key: bytes | Secret) -> bytes:
    # Surrogates pass: UnicodeEncodeError would carry the key.
    content = bytes(key) if isinstance(key, bytes) else Secret(key).reveal().encode("utf-8", "surrogatepass")
    if len(content) < MIN_KEY_BYTES:
        raise ConfigurationError("keys", "take at least 16 random bytes for each key")
    return content
