"""A host's own passlib context, or two functions of its own, verify without being trusted further than need be."""

from __future__ import annotations

import hmac
import time
from types import SimpleNamespace
from typing import Any

import pytest
from passlib.context import CryptContext

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

    def handler(self, scheme: object) -> Any:
        """Return what handles the scheme: something whose cost is fixed."""
        return SimpleNamespace(name=scheme, setting_kwds=("salt",))

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


# Schemes as an installed base has them, configured to be cheap; passlib writes none of these more cheaply.
CONTEXT = CryptContext(
    schemes=["pbkdf2_sha256", "sha512_crypt", "phpass", "bcrypt", "scrypt", "ldap_sha256_crypt", "django_pbkdf2_sha256",
             "ldap_pbkdf2_sha512", "sha1_crypt", "hex_md5", "ldap_salted_sha1", "md5_crypt", "django_argon2", "argon2"],
    sha1_crypt__default_rounds=2000,
)  # fmt: skip
CHEAP_ROUNDS = {"phpass": 7, "bcrypt": 4, "scrypt": 4}
DIGEST = "A" * 43


@pytest.mark.parametrize("scheme", [name for name in CONTEXT.schemes() if "argon2" not in name])
def test_a_real_context_verifies_what_it_wrote(scheme: str) -> None:
    """F2: libpass's own hashes, with and without rounds or a prefix, are matched by their password alone."""
    handler = CONTEXT.handler(scheme)
    has_rounds = "rounds" in handler.setting_kwds
    encoded = PasswordHash(
        (handler.using(rounds=CHEAP_ROUNDS.get(scheme, 1000)) if has_rounds else handler).hash("p\xe4ss")
    )
    verifier = CryptContextVerifier(CONTEXT)
    assert verifier.identify(encoded)
    assert verifier.verify(Secret("p\xe4ss"), encoded) is True
    assert verifier.verify(Secret("pass"), encoded) is False
    assert verifier.memory_bytes_for(encoded) == (128 * 16 * 8 if scheme == "scrypt" else 0)


@pytest.mark.parametrize(
    "encoded",
    [
        f"$pbkdf2-sha256$2000001$c2VsZi10ZXN0${DIGEST}",
        f"$pbkdf2-sha256$4294967295$c2VsZi10ZXN0${DIGEST}",
        f"{{PBKDF2-SHA512}}1000001$c2VsZi10ZXN0${'A' * 86}",
        f"pbkdf2_sha256$2000001$salt${DIGEST}=",
        f"$6$rounds=656001$selftest${'A' * 86}",
        f"$6$rounds=999999999$selftest${'A' * 86}",
        f"{{CRYPT}}$5$rounds=999999999$selftest${DIGEST}",
        f"$P$Iselftest{'0' * 22}",
        f"$2b$14$abcdefghijklmnopqrstuu{'g' * 31}",
        f"$2b$31$abcdefghijklmnopqrstuu{'g' * 31}",
        f"$scrypt$ln=18,r=8,p=1$c2VsZi10ZXN0${DIGEST}",
        f"$scrypt$ln=4,r=8,p=17$c2VsZi10ZXN0${DIGEST}",
        f"$scrypt$ln=20,r=1048576,p=1$c2VsZi10ZXN0${DIGEST}",
        f"$sha1$2001$c2VsZi10ZXN0${'A' * 28}",
        f"$argon2id$v=19$m=1048576,t=1,p=1$c2VsZi10ZXN0LW9m${DIGEST}",
        f"argon2$argon2id$v=19$m=1048576,t=1,p=1$c2VsZi10ZXN0LW9m${DIGEST}",
    ],
)
def test_a_context_bounds_nothing_so_we_do(encoded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """R10, A4: what asks for more than context and ceilings allow is refused, and the context is never asked."""
    verifier = CryptContextVerifier(CONTEXT)
    monkeypatch.setattr(CryptContext, "verify", lambda *args, **keywords: True)
    assert CONTEXT.identify(encoded) is not None
    assert not verifier.identify(PasswordHash(encoded))
    assert not verifier.verify(RIGHT, PasswordHash(encoded))
    assert verifier.memory_bytes_for(PasswordHash(encoded)) == 0


def test_what_hides_no_password_is_refused() -> None:
    """A9: stored text with a tag before it, or turned by a known key, is plain text as well, and opens nothing."""
    context = CryptContext(["pbkdf2_sha256", "roundup_plaintext", "cisco_type7"])
    verifier = CryptContextVerifier(context)
    for scheme in ("roundup_plaintext", "cisco_type7"):
        encoded = context.handler(scheme).hash("password")
        assert context.verify("password", encoded)
        assert not verifier.identify(PasswordHash(encoded))
        assert not verifier.verify(RIGHT, PasswordHash(encoded))


def test_what_the_context_would_write_is_let_in() -> None:
    """R10: a host that configured more rounds than our ceilings goes on verifying what it wrote, and nothing above."""
    encoded = "$pbkdf2-sha512$1500000$c2VsZi10ZXN0$" + "A" * 86
    dearer = CryptContext(["pbkdf2_sha512"], pbkdf2_sha512__default_rounds=1_500_000)
    assert CryptContextVerifier(dearer).identify(PasswordHash(encoded))
    assert not CryptContextVerifier(dearer).identify(PasswordHash(encoded.replace("1500000", "1500001")))


def test_a_long_password_is_not_stretched_without_bounds() -> None:
    """R10: sha-crypt hashes the whole password in each round, so that 256 emoji at 656,000 rounds would be seconds."""
    encoded = PasswordHash("$6$rounds=656000$selftest$" + "A" * 86)
    began = time.process_time()
    assert CryptContextVerifier(CONTEXT).verify(Secret("\U0001f600" * 256), encoded) is False
    assert time.process_time() - began < 1
