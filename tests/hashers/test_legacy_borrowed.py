"""A host's own passlib context, or two functions of its own, verify without being trusted further than need be."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from portalcreds.accounts import PasswordHash
from portalcreds.exceptions import ConfigurationError, HashingUnavailableError
from portalcreds.hashers.legacy import CallableVerifier, CryptContextVerifier
from portalcreds.secret import Secret

ENCODED = "rot13$cnffjbeq"
RIGHT = Secret("password")


class Context:
    """What passlib's CryptContext looks like from here, with one scheme."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def identify(self, encoded: str, category: str | None = None) -> object:
        """Name the scheme, or do what this context is told to do."""
        if error := self.answers.get("identify_error"):
            raise error
        if self.answers.get("plaintext"):
            return "plaintext"
        return "rot13" if encoded.startswith("rot13$") else None

    def verify(self, password: str, encoded: str) -> bool:
        """Say what is so, or do what this context is told to do."""
        if error := self.answers.get("verify_error"):
            raise error
        answer: bool = self.answers.get("answer", hmac.compare_digest(password, "password"))
        return answer


def test_a_context_verifies() -> None:
    """F2: the host's own context decides, whether it is passlib's or libpass's."""
    verifier = CryptContextVerifier(Context())
    assert verifier.identify(PasswordHash(ENCODED))
    assert verifier.verify(RIGHT, PasswordHash(ENCODED)) is True
    assert verifier.verify(Secret("passwore"), PasswordHash(ENCODED)) is False
    assert verifier.is_slow is True


@pytest.mark.parametrize("encoded", ["", "*", "md5$x", "rot13$" + "a" * 600, "rot13$\xe9", "rot13$\ud800"])
def test_what_a_context_does_not_know_is_refused(encoded: str) -> None:
    """R10: what is unknown, too long or no ASCII never reaches the context's verify."""
    verifier = CryptContextVerifier(Context(answer=True))
    assert not verifier.identify(PasswordHash(encoded))
    assert not verifier.verify(RIGHT, PasswordHash(encoded))


@pytest.mark.parametrize("error", [ValueError("password"), TypeError(), KeyError("password"), OverflowError()])
def test_what_a_context_raises_is_no_match(error: Exception) -> None:
    """R14, R23: passlib raises for 73 bytes and for odd hashes; nothing of it gets out."""
    assert CryptContextVerifier(Context(verify_error=error)).verify(RIGHT, PasswordHash(ENCODED)) is False
    odd = CryptContextVerifier(Context(identify_error=error))
    assert odd.identify(PasswordHash(ENCODED)) is False
    assert odd.verify(RIGHT, PasswordHash(ENCODED)) is False


def test_a_context_that_takes_plain_text_is_refused() -> None:
    """A9: with ``plaintext`` among its schemes, any stored text would be a password."""
    with pytest.raises(ConfigurationError, match="plaintext"):
        CryptContextVerifier(Context(plaintext=True))
    with pytest.raises(ConfigurationError, match="plain text"):
        CallableVerifier(identifies=lambda encoded: True, verifies=lambda password, encoded: True)


def test_out_of_memory_is_nobodys_wrong_password() -> None:
    """R23: where memory runs out nothing is known about the password, and the error holds none of it."""
    with pytest.raises(HashingUnavailableError) as caught:
        CryptContextVerifier(Context(verify_error=MemoryError())).verify(RIGHT, PasswordHash(ENCODED))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("answer", [1, "yes", None, 0, [], object()])
def test_only_true_is_a_match(answer: object) -> None:
    """A function that answers something else than True or False has not said yes."""
    verifier = CallableVerifier(
        identifies=lambda encoded: encoded == ENCODED,
        verifies=lambda password, encoded: answer,  # type: ignore[arg-type,return-value]  # A host's may be untyped.
        is_slow=False,
    )
    assert verifier.verify(RIGHT, PasswordHash(ENCODED)) is False
    assert verifier.is_slow is False


@pytest.mark.parametrize("password", ["", "\0", "password\0", "\ud800", "x" * 257])
def test_odd_passwords_do_not_reach_the_host(password: str) -> None:
    """R8: what is empty, too long, or cannot be encoded is refused before the host's function sees it."""
    seen: list[str] = []

    def verifies(password: str, encoded: str) -> bool:
        seen.append(password)
        return True

    verifier = CallableVerifier(identifies=lambda encoded: encoded == ENCODED, verifies=verifies)
    assert verifier.verify(RIGHT, PasswordHash(ENCODED)) is True
    assert verifier.verify(Secret(password), PasswordHash(ENCODED)) is False
    assert seen == ["password"]
