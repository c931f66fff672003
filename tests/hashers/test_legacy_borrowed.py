"""A host's own passlib context, or two functions of its own, verify without being trusted further than need be."""

from __future__ import annotations

import hmac
import time
import traceback
from types import SimpleNamespace
from typing import Any

import pytest
from passlib.context import CryptContext
from passlib.exc import PasswordSizeError

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

    def schemes(self) -> tuple[str, ...]:
        """Name the only one."""
        return ("rot13",)

    def handler(self, scheme: object) -> Any:
        """Return what handles the scheme: something whose cost is fixed."""
        return SimpleNamespace(name=scheme, setting_kwds=("salt",), hash=lambda password: ENCODED)

    def verify(self, password: str | bytes, encoded: str) -> bool:
        """Say what is so, or do what this context is told to do."""
        if error := self.answers.get("verify_error"):
            raise error
        assert isinstance(password, str)
        answer: bool = self.answers.get("answer", hmac.compare_digest(password, "password"))
        return answer


def test_a_context_verifies() -> None:
    """The host's own context decides, whether it is passlib's or libpass's."""
    verifier = CryptContextVerifier(Context())
    assert verifier.identify(PasswordHash(ENCODED))
    assert verifier.verify(RIGHT, PasswordHash(ENCODED)) is True
    assert verifier.verify(Secret("passwore"), PasswordHash(ENCODED)) is False
    assert verifier.is_slow is True


def sound(**answers: Any) -> tuple[CryptContextVerifier, Context]:
    """Return a verifier that passed its self-test, over a context that afterwards does what it is told to do."""
    context = Context()
    verifier = CryptContextVerifier(context)
    context.answers = answers
    return verifier, context


@pytest.mark.parametrize("encoded", ["", "*", "md5$x", "rot13$" + "a" * 600, "rot13$\xe9", "rot13$\ud800"])
def test_what_a_context_does_not_know_is_refused(encoded: str) -> None:
    """R10: what is unknown, too long or not ASCII never reaches the context's verify."""
    verifier, _ = sound(answer=True)
    assert not verifier.identify(PasswordHash(encoded))
    assert not verifier.verify(RIGHT, PasswordHash(encoded))


ERRORS = [ValueError("canary"), TypeError(), KeyError("canary"), OverflowError(), MemoryError(), LookupError("canary")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(type(error).__name__))
def test_what_a_host_s_code_raises_is_unavailable_and_no_mismatch(error: Exception) -> None:
    """R7, R14, R23: a backend that fails denies nobody and counts against nobody; its class is told, not its text."""

    def fail(password: str, encoded: str) -> bool:
        if armed:
            raise error
        return password == "password"

    armed = False
    ours = CallableVerifier(identifies=lambda encoded: encoded == ENCODED, verifies=fail, known=("password", ENCODED))
    armed = True
    for verifier in (ours, sound(verify_error=error)[0]):
        with pytest.raises(HashingUnavailableError) as caught:
            verifier.verify(Secret("canary"), PasswordHash(ENCODED))
        assert caught.value.code == ("out_of_memory" if isinstance(error, MemoryError) else type(error).__name__)
        assert caught.value.__context__ is None
        assert "canary" not in "".join(traceback.format_exception(caught.value)).replace('Secret("canary")', "")


@pytest.mark.parametrize("error", [ValueError("password"), KeyError("password")])
def test_a_hash_that_a_context_cannot_read_is_not_identified(error: Exception) -> None:
    """R10: passlib raises for odd hashes, and that is a hash of nobody's."""
    verifier, _ = sound(identify_error=error)
    assert verifier.identify(PasswordHash(ENCODED)) is False
    assert verifier.verify(RIGHT, PasswordHash(ENCODED)) is False


def test_a_password_that_passlib_calls_impossible_is_a_wrong_one() -> None:
    """R7: a guess that is too long for the scheme is denied like any other guess, and does not show the account."""
    verifier, _ = sound(verify_error=PasswordSizeError(16))
    assert verifier.verify(Secret("x" * 17), PasswordHash(ENCODED)) is False


@pytest.mark.parametrize("scheme", ["bcrypt", "django_bcrypt"])
def test_what_bcrypt_ignores_is_cut_before_it_raises(scheme: str) -> None:
    """R7: bcrypt 5 raises for 73 bytes; the password matches by its first 72, as it did where the hash was written."""
    context = CryptContext([scheme])
    encoded = PasswordHash(context.handler(scheme).using(rounds=4).hash("\u4e2d" * 24))
    verifier = CryptContextVerifier(context)
    assert verifier.verify(Secret("\u4e2d" * 24), encoded) is True
    assert verifier.verify(Secret("\u4e2d" * 30), encoded) is True
    assert verifier.verify(Secret("\u4e2d" * 23 + "ab" + "\u4e2d" * 7), encoded) is False


@pytest.mark.parametrize(
    "answers",
    [{"answer": False}, {"answer": True}, {"verify_error": ValueError()}, {"identify_error": KeyError()}],
    ids=["always no", "always yes", "verify raises", "identify raises"],
)
def test_a_borrowed_verifier_that_cannot_work_is_refused(answers: dict[str, Any]) -> None:
    """R23: it shows when the portal starts, and not as a wrong password of every parent of a school."""
    with pytest.raises(ConfigurationError, match="rot13"):
        CryptContextVerifier(Context(**answers))

    context = Context(**answers)
    with pytest.raises(ConfigurationError, match="verifies"):
        CallableVerifier(identifies=context.identify, verifies=context.verify, known=("password", ENCODED))


@pytest.mark.parametrize("scheme", ["postgres_md5", "msdcc", "htdigest"])
def test_a_scheme_that_needs_more_than_a_password_is_refused(scheme: str) -> None:
    """R23: nobody hands it a user name, so it would match nobody."""
    with pytest.raises(ConfigurationError, match=scheme):
        CryptContextVerifier(CryptContext(["sha256_crypt", scheme]))


def test_a_missing_backend_is_found_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    """R23: passlib 1.7.4 beside bcrypt 5 makes a context, and then raises for whatever it verifies."""
    context = CryptContext(["sha256_crypt", "bcrypt"])
    CryptContextVerifier(context)

    def broken(*_args: object) -> bytes:
        raise ValueError("password cannot be longer than 72 bytes")

    monkeypatch.setattr("bcrypt.hashpw", broken)
    with pytest.raises(ConfigurationError, match="scheme bcrypt"):
        CryptContextVerifier(context)


def test_a_scheme_of_accounts_without_a_password_is_not_tried() -> None:
    """What marks a locked account matches nothing, and is no fault of the context."""
    verifier = CryptContextVerifier(CryptContext(["sha256_crypt", "unix_disabled"]))
    assert verifier.verify(Secret("!"), PasswordHash("!")) is False


def test_a_context_that_takes_plain_text_is_refused() -> None:
    """With ``plaintext`` among its schemes, any stored text would be a password."""
    with pytest.raises(ConfigurationError, match="plaintext"):
        CryptContextVerifier(Context(plaintext=True))
    with pytest.raises(ConfigurationError, match="plain text"):
        CallableVerifier(
            identifies=lambda encoded: True, verifies=lambda password, encoded: True, known=("password", ENCODED)
        )


@pytest.mark.parametrize("answer", [1, "yes", None, 0, [], object()])
def test_only_true_is_a_match(answer: object) -> None:
    """A function that answers something else than True or False has not said yes."""
    answers: dict[str, object] = {"password": True}
    verifier = CallableVerifier(
        identifies=lambda encoded: encoded == ENCODED,
        verifies=lambda password, encoded: answers.get(password),  # type: ignore[arg-type,return-value]  # Untyped.
        known=("password", ENCODED),
        is_slow=False,
    )
    answers["password"] = answer
    assert verifier.verify(RIGHT, PasswordHash(ENCODED)) is False
    assert verifier.is_slow is False


@pytest.mark.parametrize("password", ["", "\0", "password\0", "\ud800", "x" * 257])
def test_odd_passwords_do_not_reach_the_host(password: str) -> None:
    """R8: what is empty, too long, or cannot be encoded is refused before the host's function sees it."""
    seen: list[str] = []

    def verifies(password: str, encoded: str) -> bool:
        seen.append(password)
        return password == "password"

    verifier = CallableVerifier(
        identifies=lambda encoded: encoded == ENCODED, verifies=verifies, known=("password", ENCODED)
    )
    seen.clear()
    assert verifier.verify(RIGHT, PasswordHash(ENCODED)) is True
    assert verifier.verify(Secret(password), PasswordHash(ENCODED)) is False
    assert seen == ["password"]


# Schemes as an installed base has them, configured to be cheap; passlib writes none of these more cheaply.
CONTEXT = CryptContext(
    schemes=["pbkdf2_sha256", "sha512_crypt", "phpass", "bcrypt", "scrypt", "ldap_sha256_crypt", "django_pbkdf2_sha256",
             "ldap_pbkdf2_sha512", "sha1_crypt", "hex_md5", "ldap_salted_sha1", "md5_crypt", "django_argon2", "argon2"],
    sha1_crypt__default_rounds=2000,
)  # fmt: skip
VERIFIER = CryptContextVerifier(CONTEXT)
CHEAP_ROUNDS = {"phpass": 7, "bcrypt": 4, "scrypt": 4}
DIGEST = "A" * 43


OF_CONTEXT = pytest.mark.parametrize("scheme", [name for name in CONTEXT.schemes() if "argon2" not in name])


def written(scheme: str) -> PasswordHash:
    """Return what libpass writes for a password, at the least cost."""
    handler = CONTEXT.handler(scheme)
    if "rounds" in handler.setting_kwds:
        handler = handler.using(rounds=CHEAP_ROUNDS.get(scheme, 1000))
    return PasswordHash(handler.hash("p\xe4ss"))


@OF_CONTEXT
def test_what_only_begins_like_a_hash_is_refused(scheme: str) -> None:
    """R10: a damaged row is denied like any other, though a context takes it for a hash and raises when it verifies."""
    encoded = written(scheme).encoded
    for damaged in (encoded + "G", encoded + "}" + encoded, encoded[: len(encoded) // 2], encoded[:-20]):
        assert VERIFIER.verify(Secret("p\xe4ss"), PasswordHash(damaged)) is False


@OF_CONTEXT
def test_a_real_context_verifies_what_it_wrote(scheme: str) -> None:
    """Libpass's own hashes, with and without rounds or a prefix, are matched by their password alone."""
    encoded, verifier = written(scheme), VERIFIER
    assert verifier.identify(encoded)
    assert verifier.verify(Secret("p\xe4ss"), encoded) is True
    assert verifier.verify(Secret("pass"), encoded) is False
    assert verifier.describe(encoded).memory_bytes == (128 * 8 * (16 + 1 + 2) if scheme == "scrypt" else 0)


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
    """R10: what asks for more than context and ceilings allow is refused, and the context is never asked."""
    verifier = VERIFIER
    monkeypatch.setattr(CryptContext, "verify", lambda *args, **keywords: True)
    assert CONTEXT.identify(encoded) is not None
    assert not verifier.identify(PasswordHash(encoded))
    assert not verifier.verify(RIGHT, PasswordHash(encoded))
    assert verifier.describe(PasswordHash(encoded)).memory_bytes == 0


def test_what_hides_no_password_is_refused() -> None:
    """Stored text with a tag before it, or turned by a known key, is plain text as well, and opens nothing."""
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
    assert VERIFIER.verify(Secret("\U0001f600" * 256), encoded) is False
    assert time.process_time() - began < 1
