"""Test a hasher or a verifier of your own: inherit from a class, and override a fixture that makes yours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..accounts import PasswordHash
from ..protocols import LegacyVerifier, PasswordHasher
from ..secret import Secret

_Vectors = Sequence[tuple[str, str]]

_PASSWORD: Final = Secret("Pässwörd of a parent 😀")
_SALT: Final = bytes(range(16))
_OTHER_SALT: Final = bytes(range(1, 17))

_NO_HASHES: Final = (
    "",
    "*",
    "!",
    "!x",
    "None",
    "{CRYPT}",
    "password",
    "$",
    "$$$$",
    "0" * 32,
    "A" * 60,
    "$unknown$1$salt$A",
)
"""Text that columns hold besides hashes."""

_ODD_TEXTS: Final = ("\ud800", "\0", "\u0661", "é" * 60, "$" * 100_000, "A" * 1_000_000)
"""Text that a column may hold and that decoders and grammars fail on."""

_ODD_PASSWORDS: Final = ("\ud800", "a\udfff", "\0", "", "é" * 2_000)
"""What cannot be encoded, or is nobody's password."""

_LENGTHS: Final = (1, 14, 15, 71, 72, 73, 128, 256)
"""Characters around the limits of bcrypt, of the blocks of digests, and of the passwords of a portal."""


class PasswordHasherContract:
    """
    The rules that every `PasswordHasher` must keep, as tests for pytest.

    Inherit from it under a name that begins with ``Test``, and override the fixture ``hasher``; give it a low cost::

        class TestMyHasher(PasswordHasherContract):
            @pytest.fixture
            def hasher(self):
                return MyHasher(cost=4)
    """

    def test_a_password_matches_its_hash(self, hasher: PasswordHasher) -> None:
        """What was hashed verifies."""
        assert hasher.verify(_PASSWORD, hasher.hash(_PASSWORD)) is True

    def test_another_password_does_not_match(self, hasher: PasswordHasher) -> None:
        """Case, blanks, a character more and a character less make another password."""
        written = hasher.hash(_PASSWORD)
        text = _PASSWORD.reveal()
        for other in (text.upper(), text + " ", " " + text, text[:-1], text + "x", "x" + text[1:], "x"):
            assert hasher.verify(Secret(other), written) is False

    def test_the_whole_password_counts(self, hasher: PasswordHasher) -> None:
        """The last character counts, after 72 bytes too."""
        for length in _LENGTHS:
            for character in ("a", "ß", "中", "😀"):
                written = hasher.hash(Secret(character * length))
                assert hasher.verify(Secret(character * length), written) is True
                assert hasher.verify(Secret(character * (length - 1) + "b"), written) is False

    def test_nul_does_not_end_a_password(self, hasher: PasswordHasher) -> None:
        """A password is not the same as one that goes on after a NUL."""
        written = hasher.hash(Secret("abc"))
        for other in ("abc\0", "abc\0def", "\0abc"):
            assert hasher.verify(Secret(other), written) is False

    def test_each_hash_has_a_salt_of_its_own(self, hasher: PasswordHasher) -> None:
        """Equal passwords do not show: each hash is another."""
        assert len({hasher.hash(_PASSWORD).encoded for _ in range(8)}) == 8

    def test_a_salt_handed_in_is_used(self, hasher: PasswordHasher) -> None:
        """R13: hashing with a salt is a pure function, so that executors may repeat it."""
        first, again = (hasher.hash(_PASSWORD, salt=_SALT) for _ in range(2))
        assert first.encoded == again.encoded
        assert hasher.hash(_PASSWORD, salt=_OTHER_SALT).encoded != first.encoded
        assert hasher.verify(_PASSWORD, first) is True

    def test_it_identifies_what_it_writes(self, hasher: PasswordHasher) -> None:
        """A hash is taken by who wrote it, and is not due for another one at once."""
        written = hasher.hash(_PASSWORD)
        assert hasher.identify(written) is True
        assert hasher.needs_rehash(written) is False

    def test_what_it_writes_fits_a_column(self, hasher: PasswordHasher) -> None:
        """A hash is printable ASCII of at most 255 characters, and shows nothing of the password."""
        encoded = hasher.hash(Secret("AbbiaticiR" * 25)).encoded
        assert encoded.isascii()
        assert encoded.isprintable()
        assert len(encoded) <= 255
        assert "Abbiatici" not in encoded

    def test_what_it_did_not_write_is_refused(self, hasher: PasswordHasher) -> None:
        """R10: what is no hash of its own is not identified, matches nothing, and should be written anew."""
        for text in _NO_HASHES:
            stored = PasswordHash(text)
            assert hasher.identify(stored) is False
            assert hasher.verify(_PASSWORD, stored) is False
            assert hasher.verify(Secret(text), stored) is False
            assert hasher.needs_rehash(stored) is True

    def test_odd_hashes_raise_nothing(self, hasher: PasswordHasher) -> None:
        """R10: whatever a column holds, the answer is no."""
        for text in _ODD_TEXTS:
            assert hasher.identify(PasswordHash(text)) is False
            assert hasher.verify(_PASSWORD, PasswordHash(text)) is False

    def test_odd_passwords_raise_nothing(self, hasher: PasswordHasher) -> None:
        """R23: whatever a form holds, the answer is no."""
        written = hasher.hash(_PASSWORD)
        for text in _ODD_PASSWORDS:
            assert hasher.verify(Secret(text), written) is False

    def test_no_part_of_a_hash_is_taken(self, hasher: PasswordHasher) -> None:
        """A hash that was cut, or has something after it, matches nothing."""
        encoded = hasher.hash(_PASSWORD).encoded
        for length in range(len(encoded)):
            assert hasher.verify(_PASSWORD, PasswordHash(encoded[:length])) is False
        for extra in ("\n", " ", "=", "A", encoded):
            assert hasher.verify(_PASSWORD, PasswordHash(encoded + extra)) is False

    def test_what_it_says_besides_can_be_used(self, hasher: PasswordHasher) -> None:
        """`HasherDetails`: whatever of it the hasher has is of the right kind, and true of what it writes."""
        memory_bytes = getattr(hasher, "memory_bytes", 0)
        assert isinstance(memory_bytes, int)
        assert memory_bytes >= 0
        costs_the_same = getattr(hasher, "costs_the_same", None)
        if costs_the_same is not None:
            assert costs_the_same(hasher.hash(_PASSWORD)) is True
            assert not any(costs_the_same(PasswordHash(text)) for text in _NO_HASHES)

    def test_a_hash_is_no_password(self, hasher: PasswordHasher) -> None:
        """Somebody who reads the hash does not have the password."""
        written = hasher.hash(_PASSWORD)
        for text in (written.encoded, *written.encoded.split("$")):
            assert hasher.verify(Secret(text), written) is False


class LegacyVerifierContract:
    """
    The rules that every `LegacyVerifier` must keep, as tests for pytest.

    Inherit from it under a name that begins with ``Test``, and override the fixtures ``verifier`` and ``vectors``:
    passwords and hashes that the other system really wrote::

        class TestMyVerifier(LegacyVerifierContract):
            @pytest.fixture
            def verifier(self):
                return MyVerifier()

            @pytest.fixture
            def vectors(self):
                return [("Pässwörd", "$mine$5$…"), …]
    """

    def test_there_is_a_vector(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """Without a hash of the other system's, nothing is known about the verifier."""
        assert len(vectors) >= 1
        assert all(password and encoded for password, encoded in vectors)

    def test_each_vector_is_verified(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """What the other system wrote is identified, and matched by its password."""
        for password, encoded in vectors:
            assert verifier.identify(PasswordHash(encoded)) is True
            assert verifier.verify(Secret(password), PasswordHash(encoded)) is True

    def test_another_password_does_not_match(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """A character changed, or one more, makes another password; after 72 bytes, bcrypt does not see it."""
        for password, encoded in vectors:
            others = ["~" + password[1:], "~" + password, "~"]
            if len(password.encode()) < 72:
                others += [password + "~", password + " ", password[:-1] + "~"]
            for other in others:
                assert verifier.verify(Secret(other), PasswordHash(encoded)) is False

    def test_nul_does_not_end_a_password(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """A password is not the same as one that goes on after a NUL: neither to C nor to HMAC."""
        for password, encoded in vectors:
            for other in (password + "\0", password + "\0x", "\0" + password):
                assert verifier.verify(Secret(other), PasswordHash(encoded)) is False

    def test_no_prefix_is_taken(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """A hash that lost its end matches nothing, down to the empty digest."""
        for password, encoded in vectors:
            for length in range(len(encoded)):
                assert verifier.verify(Secret(password), PasswordHash(encoded[:length])) is False

    def test_nothing_may_follow(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """A hash is the whole of what is stored."""
        for password, encoded in vectors:
            for extra in ("\n", " ", "\0", "$", encoded):
                assert verifier.verify(Secret(password), PasswordHash(encoded + extra)) is False

    def test_a_hash_is_no_password(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """Somebody who reads the hash, or a part of it, does not have the password."""
        for _, encoded in vectors:
            for text in (encoded, *encoded.split("$"), *encoded.split(":"), encoded.partition("}")[2]):
                assert verifier.verify(Secret(text), PasswordHash(encoded)) is False

    def test_what_is_no_hash_is_refused(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """R10: plain text and what marks a locked account are not identified, and are nobody's password."""
        for text in _NO_HASHES:
            assert verifier.identify(PasswordHash(text)) is False
            for password in (text, "password", ""):
                assert verifier.verify(Secret(password), PasswordHash(text)) is False

    def test_odd_hashes_raise_nothing(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """R10: whatever a column holds, the answer is no."""
        for text in _ODD_TEXTS:
            assert verifier.identify(PasswordHash(text)) is False
            assert verifier.verify(_PASSWORD, PasswordHash(text)) is False

    def test_odd_passwords_raise_nothing(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """R23: whatever a form holds, the answer is no."""
        for _, encoded in vectors:
            for text in _ODD_PASSWORDS:
                assert verifier.verify(Secret(text), PasswordHash(encoded)) is False

    def test_what_it_says_besides_can_be_used(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """`VerifierDetails`: whatever of it the verifier has is of the right kind, and raises for no hash."""
        assert all(isinstance(name, str) for name in getattr(verifier, "claims", ()))
        describe = getattr(verifier, "describe", None)
        if describe is not None:
            for text in (*(encoded for _, encoded in vectors), *_NO_HASHES, *_ODD_TEXTS):
                said = describe(PasswordHash(text))
                assert said.memory_bytes >= 0
                # It is asked in place of `identify`.
                is_taken = said.fault != "hash_unknown" and not said.can_be_wrapped
                assert is_taken is verifier.identify(PasswordHash(text))

    def test_it_says_whether_it_is_slow(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """R7: the sign-in service learns whether denials need a floor."""
        assert isinstance(getattr(verifier, "is_slow", None), bool)

    def test_it_cannot_write(self, verifier: LegacyVerifier, vectors: _Vectors) -> None:
        """A legacy scheme is never written."""
        assert not hasattr(verifier, "hash")
