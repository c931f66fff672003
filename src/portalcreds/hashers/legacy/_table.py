"""
The table: every scheme that is verified here, and which system wrote which.

A row is a name, a grammar with its ceilings, what is computed, and a known hash for the self-test. All grammars are
ASCII, and no two neighbours in them can match the same character, so that nothing backtracks.
"""

from __future__ import annotations

import re
import unicodedata
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from .._codecs import from_base64, to_base64, to_unpadded_base64
from .._phc import within_ceilings
from ._digests import (
    DIGEST_BYTES,
    MAX_BCRYPT_COST,
    argon2_memory,
    argon2i,
    argon2id,
    bcrypt,
    hex_first,
    iterations,
    keyed,
    pbkdf2,
    salt_after,
    salt_as_key,
    salt_before,
    scrypt,
    scrypt_memory,
    scrypt_within_bounds,
    sha1_twice,
)
from ._scheme import TAG, Compute, Scheme, Stored, behind, reader
from ._stretching import longest_stretched, md5_crypt, repeated, sha256_crypt, sha512_crypt, symfony

MAX_ROUNDS: Final = 656_000
"""
Rounds of sha-crypt, 0.4 s at the ceiling. crypt(3) allows 999,999,999, which would take ten minutes; the default is
5,000, Moodle writes 10,000, passlib 535,000 and 656,000. The length of the password is bounded too.
"""

MAX_EXPONENT: Final = 19
"""
The power of two of phpass's rounds, 0.4 s at the ceiling. phpass allows 30, which would take a quarter of an hour;
WordPress writes 13, phpBB 11, passlib 19. The length of the password is bounded too.
"""

MAX_DRUPAL_EXPONENT: Final = 18
"""The same for Drupal, which writes 15 and 16."""

BARE_ALGORITHMS: Final = ("md5", "sha1", "sha256", "sha512")

_SALT: Final = b"self-test"
"""Of the known hashes, all of which are of ``password``."""

_DIGESTS: Final = {
    "md5": ("X03MO1qnZdYdgyfeuILPmQ", "952m4c+Q3wwXgPkxY9mm/g", "YyKOCvqdMUC7EJaF+dvAvw"),
    "sha1": ("W6ph5Mm5Pz8GgiULbPgzG37mj9g", "CNFhYjGoXgzCv8C/OqX4nfy25W4", "b2ZBrPC1ERb8oh3tiBFEcWlAgu4"),
    "sha256": (
        "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg",
        "BOLD0vepPzkKiT2vNflD8CvEqqPfKHNOgWPWF1LBic4",
        "Grn+6XgT+CAnH6DeUthiWkgXV5NQ4+hoblL+QNAKQPk",
    ),
    "sha512": (
        "sQnzu7wkTrgkQZF+0G1hi5AI3Qmzvv0bXgc5THBqi7mAsdd4Xll27ASbRt9fEyavWi6m0QP9B8lThf+rDKy8hg",
        "JuWnz32PbTb0dVf4Y+rpVKutgrhXYzyRGgMaUVgszkOMkEWcAOELuzRJwQFDGEgWi6sExMUxmL6AlWQ2EpXZQA",
        "sAC9ZNbJhfWMtdLvxO8oPzwDRCgdKtaz27tS90JhpTp4GtqxFK23FsfugJXiUeLFmgNbpf7D4HUA3mclfbo6eQ",
    ),
}
"""Known digests, without a salt and with the salt before and after the password, in base64."""

_PBKDF2: Final = {
    "sha1": "Lj7ffYacHPcJ2evP1PK2B9STw8R/5PxtD9qt/fNO3nXTHDjGjurpMRZjElRzQMU1D0EpE9RO4VemvzDCNJgvfg",
    "sha256": "BVVWDuw4071T5BwlcD3kfHRsxrxbLBkiihVUKOgEMacCKyPAxZwO3CRIC82iymTofs08hygQIAUDZ15znvd26g",
    "sha512": "LXTAmjCaSz1CB5h/GbjR7GfAv2vOJB+4cpY0PY2vYmc0BOPej/DdaUhl2AvwIRVLv7fkrVfhAMkUl1p256mhYw",
}
"""Known digests of 64 bytes after one iteration; shorter ones are their beginnings."""

_WRITE: Final[Mapping[str, Callable[[bytes], str]]] = {
    "hex": bytes.hex,
    "base64": to_unpadded_base64,
    "base64=": to_base64,
    "base64.": lambda content: to_unpadded_base64(content).replace("+", "."),
}


def _known(text: str) -> bytes:
    return a2b_base64(text + "=" * (-len(text) % 4))


# -- digests: fast, and so weak


def _weak(name: str, pattern: str, compute: Compute, known: str) -> Scheme:
    return Scheme(name, reader(pattern), compute, known, is_slow=False, is_weak=True)


def _bare(algorithm: str, suffix: str, compute: Compute, known: str) -> Scheme:
    name, salt = algorithm + suffix, "<base64 1-64>" if suffix else ""
    pattern = rf"\$pc\${name}\${salt}\$<base64 {DIGEST_BYTES[algorithm]}>"
    return _weak(name, pattern, compute, "$".join((TAG + name, to_unpadded_base64(_SALT) if suffix else "", known)))


def _membership(name: str, algorithm: str, compute: Compute, known: str) -> Scheme:
    # The salt is always 16 bytes; .NET hashes UTF-16.
    pattern = rf"\$pc\$membership-{name}\$<base64 16-64>\$<base64 {DIGEST_BYTES[algorithm]}>"
    known = f"{TAG}membership-{name}$c2VsZi10ZXN0LXNhbHQxNg${known}"
    return _weak(f"membership-{name}", pattern, compute, known)._replace(encoding="utf-16-le")


def _django_digest(algorithm: str) -> Scheme:
    pattern = rf"{algorithm}\$<text 1-64>\$<hex {DIGEST_BYTES[algorithm]}>"
    known = f"{algorithm}$self-test${_known(_DIGESTS[algorithm][1]).hex()}"
    return _weak(f"django-{algorithm}", pattern, salt_before(algorithm), known)


def _tagged(tag: str, scheme: Scheme, system: str) -> Scheme:
    # OpenLDAP and Dovecot read tags in any case; people write them in one or the other.
    upper = "{" + tag + "}"
    return behind((upper, upper.lower()), scheme, f"{system}-{tag.lower()}")


def _ldap(tag: str, algorithm: str) -> Scheme:
    """
    Return the row of an LDAP tag (RFC 2307): base64 of the digest, and of a salt after it if the tag has an S for it.

    OpenLDAP has written salts of 4, 8 and 16 bytes, 389 Directory Server 8, passlib up to 16.
    """
    size, is_salted = DIGEST_BYTES[algorithm], tag.startswith(("SS", "SM"))
    salt = range(4, 33) if is_salted else range(1)

    def read(encoded: str) -> Stored | None:
        content = from_base64(encoded)
        if content is None or len(content) - size not in salt:
            return None
        return Stored(salt=content[size:], digest=content[:size])

    digest = _known(_DIGESTS[algorithm][2]) + _SALT if is_salted else _known(_DIGESTS[algorithm][0])
    row = Scheme("", read, salt_after(algorithm), _WRITE["base64="](digest), is_slow=False, is_weak=True)
    return _tagged(tag, row, "ldap")


_BARE: Final = tuple(
    _bare(algorithm, suffix, compute(algorithm), known)
    for algorithm, found in _DIGESTS.items()
    for suffix, compute, known in zip(
        ("", "-salt-before", "-salt-after"), (salt_before, salt_before, salt_after), found, strict=True
    )
)
_MEMBERSHIP: Final = (
    _membership("sha1", "sha1", salt_before("sha1"), "QLYaNsgH/+EdYjrhiieTQYkByVo"),
    _membership("hmacsha1", "sha1", salt_as_key("sha1"), "vI5+3q3WrC2vFoDMGVh/JT9IXjM"),
    _membership("sha256", "sha256", salt_before("sha256"), "3EbhxTyew/+PZcII3fiwp/N6oPN//yPq+4Am1ca4CWc"),
    _membership("hmacsha256", "sha256", salt_as_key("sha256"), "CW337hPDms6rMVO/H7KaIob7L0jXr5JWoVx/2Bc4qXE"),
    _membership(
        "sha512",
        "sha512",
        salt_before("sha512"),
        "nbG5kRLELlZ+/qCdMNbYOBk/e/krZoVezoaBKC7NvBSLNb1pSzVREGm8/hcCYUXl1EXktBArANyO4L3n8CT5zA",
    ),
    _membership(
        "hmacsha512",
        "sha512",
        salt_as_key("sha512"),
        "NYqhgBbK1rl07dKfFK3hJnAFrsabB6VAT/fTkrCflZL+W9NpskPozvAbAURNn8tWlEa63FjlfzdflcNvXr9COg",
    ),
)
_LDAP_SHA: Final = _ldap("SHA", "sha1")
_LDAP: Final = (
    _LDAP_SHA,
    *(_ldap(f"SSHA{bits}", f"sha{bits}") for bits in (256, 512)),
    *(_ldap(f"SHA{bits}", f"sha{bits}") for bits in (256, 512)),
    _ldap("SSHA", "sha1"),
    _ldap("SMD5", "md5"),
    _ldap("MD5", "md5"),
)
_MYSQL: Final = _weak("mysql", r"\*<HEX 20>", sha1_twice, "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19")

# -- PBKDF2, scrypt and Argon2


def _pbkdf2(name: str, start: str, algorithm: str, kind: str, size: int = 0) -> Scheme:
    size = size or DIGEST_BYTES[algorithm]
    # Where the salt is bytes, passlib and Keycloak draw 16; RFC 8018 §4.1 asks for 8 at least.
    is_text = kind in ("hex", "base64=")
    salt, written = ("<text 1-64>", _SALT.decode()) if is_text else (f"<{kind} 8-64>", _WRITE[kind](_SALT))
    pattern = rf"{re.escape(start)}<number>\${salt}\$<{kind} {size}>"
    known = f"{start}1${written}${_WRITE[kind](_known(_PBKDF2[algorithm])[:size])}"
    return Scheme(name, reader(pattern, iterations(algorithm, size)), pbkdf2(algorithm), known)


def _scrypt(name: str, pattern: str, known: str) -> Scheme:
    return Scheme(name, reader(pattern, scrypt_within_bounds), scrypt, known, memory_bytes=scrypt_memory)


def _argon2(kind: str, compute: Compute, known: str) -> Scheme:
    pattern = rf"\${kind}\$v=19\$m=<number>,t=<number>,p=<number>\$<base64 16-64>\$<base64 16-64>"
    known = f"${kind}$v=19$m=8,t=1,p=1$c2VsZi10ZXN0LW9mLWFyZ29u${known}"
    return Scheme(kind, reader(pattern, within_ceilings), compute, known, memory_bytes=argon2_memory)


_DJANGO_PBKDF2: Final = tuple(
    _pbkdf2(f"django-pbkdf2_{algorithm}", f"pbkdf2_{algorithm}$", algorithm, "base64=")
    for algorithm in ("sha256", "sha1")
)
_DJANGO_SCRYPT: Final = _scrypt(
    "django-scrypt",
    r"scrypt\$<number>\$<text 1-64>\$<number>\$<number>\$<base64= 64>",
    "scrypt$2$self-test$8$1$ilYZP6awAyj7Y54NIcPxmK7VOiqidawn6RdCIfwsdwMx3iLJsITn1vCJ8xIO0u+1u/YsvTIo+WziRKCixCC0Sg==",
)
_WERKZEUG: Final = (
    _scrypt(
        "werkzeug-scrypt",
        r"scrypt:<number>:<number>:<number>\$<text 1-64>\$<hex 64>",
        "scrypt:256:8:1$selftest$7096f0d08d06108a6a377b66674aeb620e7f5206a12fde071adf2e457733f4ce"
        "36d9f035cd3695b3938fb7a54c8ae1e2eb3cff9cfdc9cf7caa3a2ebc9c40f36d",
    ),
    *(
        _pbkdf2(f"werkzeug-pbkdf2-{algorithm}", f"pbkdf2:{algorithm}:", algorithm, "hex")
        for algorithm in ("sha1", "sha256", "sha512")
    ),
)
_PASSLIB: Final = {
    tag: _pbkdf2(f"passlib-{tag}", f"${tag}$", algorithm, "base64.")
    for tag, algorithm in {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}.items()
}
# With the bytes in the name: a digest of 64 bytes that was cut to 32 is well-formed, and matches the same password.
_KEYCLOAK: Final = tuple(
    _pbkdf2(f"keycloak-{algorithm}-{size}", f"{TAG}keycloak-{algorithm}-{size}$", algorithm, "base64", size)
    for algorithm, size in (("sha1", 64), ("sha256", 32), ("sha256", 64), ("sha512", 64))
)
# Without a tag before it, $argon2id$ is the portal's own.
ARGON2ID: Final = _argon2("argon2id", argon2id, "N+dSz1WHl7rqnXFt3VJLFSYZa9EU49Qo8as4xYcKyGs")
_ARGON2I: Final = _argon2("argon2i", argon2i, "cOVDHBVZhGfnLkv8s7BB+SOHxXliAIEAndZ5ExevhfU")

# -- ASP.NET Identity. A payload whose subkey was cut is well-formed too, and matches the same password: so it has 32
# bytes, as Microsoft always writes. Microsoft's own verifier refuses salts of fewer than 16 bytes.


def _read_identity_2(encoded: str) -> Stored | None:
    content = from_base64(encoded)
    if content is None or len(content) != 1 + 16 + 32 or not content.startswith(b"\0"):
        return None
    return Stored(salt=content[1:17], digest=content[17:], cost=(1000,))


def _identity_3(prf: int, known: str) -> Scheme:
    algorithm = ("sha1", "sha256", "sha512")[prf]
    is_affordable = iterations(algorithm, 32)

    def read(encoded: str) -> Stored | None:
        content = from_base64(encoded)
        if content is None or len(content) < 13 or not content.startswith(b"\1"):
            return None
        found_prf, count, salt_bytes = (int.from_bytes(content[at : at + 4], "big") for at in (1, 5, 9))
        is_whole = 16 <= salt_bytes <= 64 and len(content) == 13 + salt_bytes + 32
        if not (found_prf == prf and is_whole and is_affordable(count)):
            return None
        return Stored(salt=content[13 : 13 + salt_bytes], digest=content[13 + salt_bytes :], cost=(count,))

    return Scheme(f"identity-v3-{algorithm}", read, pbkdf2(algorithm), known)


_IDENTITY: Final = (
    Scheme(
        "identity-v2",
        _read_identity_2,
        pbkdf2("sha1"),
        "AHNlbGYtdGVzdC1zYWx0MTbUg3z15oizj9k3MH8xWj/sMZ2rXvqBak2cxJ/pGMII0A==",
    ),
    _identity_3(0, "AQAAAAAAAAABAAAAEHNlbGYtdGVzdC1zYWx0MTZGv/AMAMRBusaRPaCkMlKv5iCzTLTW0ZbJwxBlfE6HRQ=="),
    _identity_3(1, "AQAAAAEAAAABAAAAEHNlbGYtdGVzdC1zYWx0MTbLY72plruIrpmV9D4DsYBAIwUFDGAXx50e89wjTkvGVw=="),
    _identity_3(2, "AQAAAAIAAAABAAAAEHNlbGYtdGVzdC1zYWx0MTYIDMDx7ubS7Y4DWcWlQPgEJ+Cb+qfNGu7JyZEDyO65iA=="),
)

# -- bcrypt, crypt(3) and phpass

# The last characters of the salt and of the digest hold two bits and four: any other character there would be a second
# spelling of the same hash. $2x$ is refused: it marks hashes of a sign-extension bug, which other passwords match.
_BCRYPT: Final = Scheme(
    "bcrypt",
    reader(
        r"\$2[aby]\$<two digits>\$<crypt64 22>(?<=[.Oeu])<crypt64 31>(?<=[.CGKOSWaeimquy26])",
        range(4, MAX_BCRYPT_COST + 1).__contains__,
    ),
    bcrypt,
    "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
)


def _md5_crypt(tag: str, known: str) -> Scheme:
    read = reader(rf"\${tag}\$<crypt salt 1-8>\$<crypt64 22>")
    return Scheme(f"md5-crypt-{tag}", read, md5_crypt(f"${tag}$".encode()), f"${tag}$selftest${known}", is_weak=True)


def _sha_crypt(tag: str, compute: Compute, characters: int, known: str) -> Scheme:
    # crypt(3) writes 1,000 rounds where it is asked for fewer, so no hash says less; one that says nothing has 5,000.
    pattern = rf"\${tag}\$(?:rounds=<number>\$)?<crypt salt 1-16>\$<crypt64 {characters}>"
    read = reader(pattern, range(1000, MAX_ROUNDS + 1).__contains__, default=(5000,))
    known = f"${tag}$rounds=1000$selftest${known}"
    return Scheme(f"sha-crypt-{tag}", read, compute, known, longest=longest_stretched)


def _phpass(name: str, tag: str, algorithm: str, characters: int, most: int, known: str) -> Scheme:
    pattern = rf"{tag}<exponent><crypt64 8><crypt64 {characters}>"
    read = reader(pattern, range(1 << 7, (1 << most) + 1).__contains__)
    return Scheme(name, read, repeated(algorithm, characters), known, longest=longest_stretched)


def _of(compute: Compute, scheme: Scheme, name: str, tag: str, known: str) -> Scheme:
    """Return the row of another scheme's hashes of something else than the password itself, with a tag before them."""
    row = behind((tag,), scheme, name)
    return row._replace(compute=compute, known=row.known[: -len(known)] + known)


def _wordpress(content: bytes, stored: Stored) -> bytes:
    return bcrypt(keyed("sha384", b"wp-sha384", content), stored)


_WORDPRESS: Final = _of(_wordpress, _BCRYPT, "wordpress", "$wp", "uvVcN26Qszf/bgHTEy5wqn1LFLMIFXUq")
_BCRYPT_OF: Final = tuple(
    _of(hex_first(algorithm, bcrypt), _BCRYPT, f"bcrypt-of-{algorithm}", f"{TAG}bcrypt-of-{algorithm}", known)
    for algorithm, known in (
        ("md5", "uvRd6479mlTDECYXOIYMV5.3yuvdazPi"),
        ("sha1", "uuGQRZ4Wv7416xUhFFrUlDcnKXfEvq1S"),
        ("sha256", "uavYyybW8SwBYgHrVfEOHIljvgCGgHr2"),
    )
)
_DJANGO_BCRYPT: Final = (
    behind(("bcrypt$",), _BCRYPT, "django-bcrypt"),
    _of(_BCRYPT_OF[2].compute, _BCRYPT, "django-bcrypt_sha256", "bcrypt_sha256$", _BCRYPT_OF[2].known[-32:]),
)
_SHA256_CRYPT: Final = _sha_crypt("5", sha256_crypt, 43, ".rsKWgEzgkCDTLfhbWOgq543mGQEm8ZXSIYE1ET3638")
_SHA512_CRYPT: Final = _sha_crypt(
    "6", sha512_crypt, 86, "z6SpJYXWVaNde/Fx0gph7oCOYJFtOp4I4EvD8LSVX/NeZqToegKb27dqLKo2wMLf7RXAjzXH28HmrpB/svryn1"
)
_MD5_CRYPT: Final = _md5_crypt("1", "Ltd31aaqvaGoS7X/Drk3C1")
_APACHE: Final = _md5_crypt("apr1", "whK9LWMItfxAqTNyKCVBS.")
_CRYPT: Final = (_MD5_CRYPT, _SHA256_CRYPT, _SHA512_CRYPT)
_PHPASS: Final = _phpass("phpass", r"\$[PH]\$", "md5", 22, MAX_EXPONENT, "$P$5selftestxgtkzY30SsZw83J6Oy4UN0")
_DRUPAL: Final = _phpass(
    "drupal",
    r"\$S\$",
    "sha512",
    43,
    MAX_DRUPAL_EXPONENT,
    "$S$5selftestguFzxyBldyx/vqlgr4AwI4.1AnsB0xQDMuSYXkjjBLb",
)
_DRUPAL_6: Final = _of(
    hex_first("md5", _DRUPAL.compute), _DRUPAL, "drupal-6", "U", ".XCaEVs2.ZiMDxRK6LKf2nlEFnphTvSxUPgJt.LvnRw"
)
_SYMFONY: Final = Scheme(
    "symfony",
    reader(r"\$pc\$symfony\$<base64 1-64>\$<base64 64>"),
    symfony,
    f"{TAG}symfony$c2VsZi10ZXN0$YSMfhJ5BS9tEEc1jNI3EB88uIQDG6wnS4LhaInLQw/F5s7y9DgMLuyb3DhtiP7xIYKz+SZEtNjPYr1cxs3WGdQ",
)

# -- Flask-Security: what passlib writes, of the password's HMAC under the site's SECURITY_PASSWORD_SALT


def _flask_security(scheme: Scheme, known: str) -> Scheme:
    row = _of(scheme.compute, scheme, f"flask-security-{scheme.name}", f"{TAG}flask-security", known)
    return row._replace(season=lambda content, pepper: keyed("sha512", pepper, content))


_FLASK_SECURITY: Final = (
    _flask_security(ARGON2ID, "1IUxh13boMV29gaKJd2c9409FAZn5nn16NjVMxAINoE"),
    _flask_security(_BCRYPT, "uVLAAkUezSqCCB89rtlaV9.xvVAVoFty"),
    _flask_security(_PASSLIB["pbkdf2-sha256"], "2fywB29J5yIBSvRFBS7wtSq5x/6rxOcOg.X7.loI8Hc"),
    _flask_security(
        _PASSLIB["pbkdf2-sha512"],
        "BGbp4hRRvPJm6qzAKTr09ZfX4Fgb9xQJ2U5vKf80PrZpii4w2aryAefj4zVewO35Pr27sNmcJ2Zl2IcGM3L99g",
    ),
    _flask_security(_SHA256_CRYPT, "O4gCq3Bpg6S4D/apozuRWu6yjHlaLtSveSMDiziIGD5"),
    _flask_security(
        _SHA512_CRYPT, "W3ymJMNUx/RjdZJKYj0Y1xC85bQIaH8ix2Yqh8mGK2BXk3JgEqT4ct38bcfR5e3AcUZFQpSg/aqzf4zIhz/4Y/"
    ),
)

# -- who wrote which


def _or(*replaced: tuple[str, str]) -> Callable[[str], tuple[str, ...]]:
    """Return what gives a password as it is, and with these characters replaced in order."""

    def spellings(password: str) -> tuple[str, ...]:
        other = password
        for old, new in replaced:
            other = other.replace(old, new)
        return (password, other)

    return spellings


_SLASHES: Final = _or(("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'))
"""PHP's ``addslashes()``: its "magic quotes", which WordPress still adds to what is typed."""

_ENTITIES: Final = _or(("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;"))
"""PHP's ``htmlspecialchars()``, which phpBB applies to what is typed."""


def _decomposed(password: str) -> tuple[str, ...]:
    """Return a password as it is, and in the form that Flask-Security hashes."""
    return (password, unicodedata.normalize("NFKD", password))


class System(NamedTuple):
    """
    A system that hashes came from.

    Attributes:
        schemes: What it wrote.
        spellings: Returns what it may have hashed in place of a password.
        needs_pepper: Whether none of its hashes can be verified without the site's secret.
    """

    schemes: tuple[Scheme, ...]
    spellings: Callable[[str], tuple[str, ...]] = lambda password: (password,)
    needs_pepper: bool = False


SYSTEMS: Final[Mapping[str, System]] = {
    "apache": System((_APACHE, _LDAP_SHA, _BCRYPT)),
    "argon2i": System((_ARGON2I,)),
    "aspnet-identity": System(_IDENTITY),
    "aspnet-membership": System(_MEMBERSHIP),
    "bcrypt": System((_BCRYPT,)),
    **{scheme.name: System((scheme,)) for scheme in _BCRYPT_OF},
    "crypt": System(_CRYPT),
    "digests": System(_BARE),
    "django": System(
        (
            *_DJANGO_PBKDF2,
            _DJANGO_SCRYPT,
            behind(("argon2",), ARGON2ID, "django-argon2id"),
            behind(("argon2",), _ARGON2I, "django-argon2i"),
            _django_digest("md5"),
            _django_digest("sha1"),
        )
    ),
    "django-bcrypt": System(_DJANGO_BCRYPT),
    "dovecot": System(
        (
            *_LDAP,
            *(_tagged("CRYPT", scheme, scheme.name) for scheme in (*_CRYPT, _BCRYPT)),
            _tagged("MD5-CRYPT", _MD5_CRYPT, "dovecot"),
            _tagged("SHA256-CRYPT", _SHA256_CRYPT, "dovecot"),
            _tagged("SHA512-CRYPT", _SHA512_CRYPT, "dovecot"),
            _tagged("BLF-CRYPT", _BCRYPT, "dovecot"),
            _tagged("ARGON2I", _ARGON2I, "dovecot"),
            _tagged("ARGON2ID", ARGON2ID, "dovecot"),
        )
    ),
    "drupal": System((_DRUPAL, _DRUPAL_6, _BCRYPT)),
    "flask-security": System(_FLASK_SECURITY, spellings=_decomposed, needs_pepper=True),
    "keycloak": System(_KEYCLOAK),
    "ldap": System(_LDAP),
    "ldap-crypt": System(tuple(_tagged("CRYPT", scheme, scheme.name) for scheme in _CRYPT)),
    "moodle": System((*_BARE[:1], _BCRYPT, _SHA512_CRYPT), spellings=_SLASHES),
    "mysql": System((_MYSQL,)),
    "passlib": System(tuple(_PASSLIB.values())),
    "phpass": System((_PHPASS,)),
    "phpbb": System((_PHPASS, _BCRYPT, _ARGON2I), spellings=_ENTITIES),
    "spring": System(
        (behind(("{bcrypt}",), _BCRYPT, "spring-bcrypt"), behind(("{argon2}",), ARGON2ID, "spring-argon2id"))
    ),
    "symfony": System((_SYMFONY,)),
    "werkzeug": System(_WERKZEUG),
    "wordpress": System((_WORDPRESS, _PHPASS, _BCRYPT), spellings=_SLASHES),
}
"""What a host names. Several may have written the same scheme."""
