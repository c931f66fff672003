"""A stored hash is untrusted: what is malformed or asks for too much is refused before anything is computed (R10)."""

from __future__ import annotations

import hashlib
import hmac
import random
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import bcrypt
import pytest
from argon2 import low_level
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.accounts import PasswordHash
from portalcreds.hashers.legacy import SystemVerifier
from portalcreds.hashers.legacy._digests import scrypt_memory, scrypt_within_bounds
from portalcreds.hashers.legacy._scheme import Scheme, Stored
from portalcreds.secret import Secret

from .known_hashes import SCHEMES, VERIFIERS, verifier_of

PASSWORD = "my password"
B64 = "A" * 43
DIGEST_32 = b64encode(bytes(32)).decode()
DIGEST_64 = b64encode(bytes(64)).decode()
ARGON2 = "c2VsZi10ZXN0LW9mLWFyZ29u$N+dSz1WHl7rqnXFt3VJLFSYZa9EU49Qo8as4xYcKyGs"
BCRYPT = "abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"
SHA512 = "z6SpJYXWVaNde/Fx0gph7oCOYJFtOp4I4EvD8LSVX/NeZqToegKb27dqLKo2wMLf7RXAjzXH28HmrpB/svryn1"


def payload(*, version: int = 1, prf: int = 1, iterations: int = 1000, salt: int = 16, subkey: int = 32) -> str:
    """Lay out an ASP.NET Identity payload whose lengths are as given, and are as they are said to be."""
    header = bytes([version]) + b"".join(number.to_bytes(4, "big") for number in (prf, iterations, salt))
    return b64encode(header + bytes(salt + subkey)).decode()


BOMBS = {
    # PBKDF2
    "django 2,000,001": f"pbkdf2_sha256$2000001$salt${DIGEST_32}",
    "django sha1 2,000,001": f"pbkdf2_sha1$2000001$salt${b64encode(bytes(20)).decode()}",
    "django 9,999,999": f"pbkdf2_sha256$9999999$salt${DIGEST_32}",
    "django 2**31": f"pbkdf2_sha256$2147483648$salt${DIGEST_32}",
    "django 20 digits": f"pbkdf2_sha256${'9' * 20}$salt${DIGEST_32}",
    "django 5000 digits": f"pbkdf2_sha256${'9' * 5000}$salt${DIGEST_32}",
    "django sha1 2**31 - 1": f"pbkdf2_sha1$2147483647$salt${b64encode(bytes(20)).decode()}",
    "werkzeug 2,000,001": f"pbkdf2:sha256:2000001$salt${'0' * 64}",
    "werkzeug sha512 1,000,001": f"pbkdf2:sha512:1000001$salt${'0' * 128}",
    "werkzeug 2**31": f"pbkdf2:sha512:2147483648$salt${'0' * 128}",
    "passlib 2,000,001": f"$pbkdf2-sha256$2000001$c2VsZi10ZXN0${B64}",
    "passlib 2**32": f"$pbkdf2-sha256$4294967296$c2VsZi10ZXN0${B64}",
    "passlib sha512 1,000,001": f"$pbkdf2-sha512$1000001$c2VsZi10ZXN0${'A' * 86}",
    "identity 2,000,001": payload(iterations=2_000_001),
    "identity sha512 1,000,001": payload(prf=2, iterations=1_000_001),
    "identity sha1 1,000,001 of two blocks": payload(prf=0, iterations=1_000_001),
    "identity 2**31 - 1": payload(iterations=2**31 - 1),
    "identity 2**32 - 1": payload(iterations=2**32 - 1),
    "identity salt 2**31": b64encode(b"\1" + bytes(11) + b"\x80" + bytes(64)).decode(),
    # scrypt
    "django scrypt N 2**18": f"scrypt$262144$salt$8$1${DIGEST_64}",
    "django scrypt N 2**20": f"scrypt$1048576$salt$8$1${DIGEST_64}",
    "django scrypt N 2**30": f"scrypt$1073741824$salt$8$1${DIGEST_64}",
    "django scrypt r 999": f"scrypt$16384$salt$999$1${DIGEST_64}",
    "django scrypt r 2**20": f"scrypt$2$salt$1048576$1${DIGEST_64}",
    "django scrypt r 2**19": f"scrypt$2$salt$524288$1${DIGEST_64}",
    "django scrypt r 2**15, p 16": f"scrypt$2$salt$32768$16${DIGEST_64}",
    "django scrypt r 33": f"scrypt$2$salt$33$1${DIGEST_64}",
    "werkzeug scrypt r 2**19": f"scrypt:2:524288:1$salt${'0' * 128}",
    "django scrypt p 17": f"scrypt$2$salt$8$17${DIGEST_64}",
    "django scrypt p 2**24": f"scrypt$2$salt$8$16777216${DIGEST_64}",
    "django scrypt N no power of 2": f"scrypt$16383$salt$8$1${DIGEST_64}",
    "django scrypt N 1": f"scrypt$1$salt$8$1${DIGEST_64}",
    "django scrypt r 1": f"scrypt$1048576$salt$1$1${DIGEST_64}",
    "werkzeug scrypt N 2**18": f"scrypt:262144:8:1$salt${'0' * 128}",
    "werkzeug scrypt N 2**30": f"scrypt:1073741824:8:1$salt${'0' * 128}",
    "werkzeug scrypt p 99": f"scrypt:32768:8:99$salt${'0' * 128}",
    # Argon2 in Django's form
    "django argon2 1 GiB": f"argon2$argon2id$v=19$m=1048576,t=1,p=1${ARGON2}",
    "django argon2 2**32 - 1 KiB": f"argon2$argon2id$v=19$m=4294967295,t=1,p=1${ARGON2}",
    "django argon2 2**32 - 1 passes": f"argon2$argon2id$v=19$m=8,t=4294967295,p=1${ARGON2}",
    "django argon2 33 passes": f"argon2$argon2id$v=19$m=8,t=33,p=1${ARGON2}",
    "django argon2 2**24 lanes": f"argon2$argon2id$v=19$m=8,t=1,p=16777216${ARGON2}",
    # bcrypt
    **{f"bcrypt cost {cost}": f"$2b${cost}${BCRYPT}" for cost in (14, 15, 16, 17, 20, 24, 31, 32, 99)},
    "bcrypt cost 3": f"$2b$03${BCRYPT}",
    "django bcrypt cost 31": f"bcrypt$$2b$31${BCRYPT}",
    "django bcrypt_sha256 cost 31": f"bcrypt_sha256$$2b$31${BCRYPT}",
    "wordpress cost 14": f"$wp$2y$14${BCRYPT}",
    "wordpress cost 31": f"$wp$2y$31${BCRYPT}",
    "spring cost 31": f"{{bcrypt}}$2a$31${BCRYPT}",
    "dovecot cost 31": f"{{BLF-CRYPT}}$2y$31${BCRYPT}",
    "bcrypt of md5 cost 31": f"$pc$bcrypt-of-md5$2y$31${BCRYPT}",
    # Argon2i, and Argon2id behind a tag
    "argon2i 1 GiB": f"$argon2i$v=19$m=1048576,t=1,p=1${ARGON2}",
    "argon2i 33 passes": f"$argon2i$v=19$m=8,t=33,p=1${ARGON2}",
    "dovecot 1 GiB": f"{{ARGON2ID}}$argon2id$v=19$m=1048576,t=1,p=1${ARGON2}",
    "flask-security 1 GiB": f"$pc$flask-security$argon2id$v=19$m=1048576,t=1,p=1${ARGON2}",
    "flask-security 2**31": f"$pc$flask-security$pbkdf2-sha256$2147483648$c2VsZi10ZXN0${B64}",
    "keycloak 2,000,001": f"$pc$keycloak-sha256-32$2000001$c2VsZi10ZXN0${B64}",
    "keycloak 1,000,001 of two blocks": f"$pc$keycloak-sha256-64$1000001$c2VsZi10ZXN0${'A' * 86}",
    # sha-crypt
    "ldap crypt 656,001": f"{{CRYPT}}$6$rounds=656001$selftest${SHA512}",
    "dovecot 999,999,999": f"{{SHA512-CRYPT}}$6$rounds=999999999$selftest${SHA512}",
    "sha-crypt 656,001": f"$6$rounds=656001$selftest${SHA512}",
    "sha-crypt 256 656,001": f"$5$rounds=656001$selftest${SHA512[:43]}",
    "sha-crypt 1,000,000": f"$6$rounds=1000000$selftest${SHA512}",
    "sha-crypt 999,999,999": f"$6$rounds=999999999$selftest${SHA512}",
    "sha-crypt 999,999,999 without salt": f"$6$rounds=999999999${SHA512}",
    "sha-crypt 256 999,999,999": f"$5$rounds=999999999$selftest${SHA512[:43]}",
    "sha-crypt 999": f"$6$rounds=999$selftest${SHA512}",
    # phpass
    **{f"phpass 2**{12 + at}": f"$P${letter}selftest{'0' * 22}" for at, letter in ((8, "I"), (12, "M"), (18, "S"))},
    "phpass 2**30": f"$P$Sselftest{'0' * 22}",
    "phpass 2**63": f"$P$zselftest{'0' * 22}",
    "drupal 2**19": f"$S$Hselftest{'0' * 43}",
    "drupal 2**30": f"$S$Sselftest{'0' * 43}",
    "drupal 6 2**30": f"U$S$Sselftest{'0' * 43}",
    # Size
    "megabyte of salt": f"md5${'a' * 1_000_000}${'0' * 32}",
    "megabyte of digest": "{SSHA}" + "A" * 1_000_000,
    "megabyte of Identity": "AQAA" + "A" * 1_000_000,
    "megabyte of tagged salt": f"$pc$md5-salt-before${'A' * 1_000_000}$X03MO1qnZdYdgyfeuILPmQ",
    "megabyte of dollars": "$" * 1_000_000,
}

# What real systems write where nobody configured anything, and OWASP's rows.
DEFAULTS = {
    "Django 5.2": f"pbkdf2_sha256$1000000$salt${DIGEST_32}",
    "Django 6.0": f"pbkdf2_sha256$1200000$salt${DIGEST_32}",
    "Django scrypt": f"scrypt$16384$salt$8$5${DIGEST_64}",
    "Django argon2": f"argon2$argon2id$v=19$m=102400,t=2,p=8${ARGON2}",
    "Werkzeug scrypt": f"scrypt:32768:8:1$salt${'0' * 128}",
    "Werkzeug pbkdf2": f"pbkdf2:sha256:1000000$salt${'0' * 64}",
    "Werkzeug pbkdf2 of sha512": f"pbkdf2:sha512:1000000$salt${'0' * 128}",
    "Odoo": f"$pbkdf2-sha512$600000$c2VsZi10ZXN0${'A' * 85}Q",
    "OWASP sha1": f"$pbkdf2$1400000$c2VsZi10ZXN0${'A' * 26}E",
    "OWASP scrypt": f"scrypt:131072:8:1$salt${'0' * 128}",
    "ASP.NET Core": payload(prf=2, iterations=100_000),
    "OWASP sha1 in Identity": payload(prf=0, iterations=1_000_000),
    "passlib sha256-crypt": f"$5$rounds=535000$sixteencharacter${SHA512[:43]}",
    "passlib sha512-crypt": f"$6$rounds=656000$sixteencharacter${SHA512}",
    "passlib phpass": f"$P$Hselftest{'0' * 22}",
    "WordPress": f"$P$Bselftest{'0' * 22}",
    "Drupal 10": f"$S$Eselftest{'0' * 43}",
    "Drupal at the ceiling": f"$S$Gselftest{'0' * 43}",
    "PHP 8.4, Rails, Django": f"$2b$12${BCRYPT}",
    "Yii": f"$2y$13${BCRYPT}",
    "WordPress 6.8": f"$wp$2y$10${BCRYPT}",
    "PHP's Argon2i": f"$argon2i$v=19$m=65536,t=4,p=1${ARGON2}",
    "Dovecot's Argon2id": f"{{ARGON2ID}}$argon2id$v=19$m=65536,t=3,p=1${ARGON2}",
    "Dovecot's bcrypt": f"{{BLF-CRYPT}}$2y$05${BCRYPT}",
    "Spring": f"{{bcrypt}}$2a$10${BCRYPT}",
    "Keycloak 25's PBKDF2": f"$pc$keycloak-sha512-64$210000$c2VsZi10ZXN0${'A' * 85}Q",
    "Flask-Security": f"$pc$flask-security$argon2id$v=19$m=65536,t=3,p=4${ARGON2}",
}

MALFORMED = {
    # Microsoft's own, of which a verifier that trusts the lengths takes the short subkey
    "identity v2 wrong": "AAABAgMEBQYHCAkKCwwNDg+uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALtH1uJg==",
    "identity v2 too short": "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggE=",
    "identity v2 too long": "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJgAAAAAAAAAAAAA=",
    "identity v3 wrong": "AQAAAAAAAAD6AAAAEAhftMyfTJyAAAAAAAAAAAAAAAAAAAih5WsjXaR3PA9M",
    "identity v3 subkey of 3 bytes": "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4A=",
    "identity v3 too long": "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHwAAAAAAAAAAAA",
    "identity v3 no subkey": payload(subkey=0),
    "identity v3 subkey of 15 bytes": payload(subkey=15),
    "identity v3 subkey of 31 bytes": payload(subkey=31),
    "identity v3 subkey of 33 bytes": payload(subkey=33),
    "identity v3 salt of 15 bytes": payload(salt=15),
    "identity v3 salt of 65 bytes": payload(salt=65),
    "identity v3 no salt": payload(salt=0),
    "identity v3 no iterations": payload(iterations=0),
    "identity v3 prf 3": payload(prf=3),
    "identity version 2 byte": payload(version=2),
    "identity header alone": b64encode(b"\1" + bytes(12)).decode(),
    "identity cut header": b64encode(b"\1" + bytes(5)).decode(),
    "identity nothing": "",
    "identity unpadded": payload().rstrip("="),
    "identity URL-safe": payload().replace("A", "-"),
    # Django
    "django no iterations": f"pbkdf2_sha256$$salt${DIGEST_32}",
    "django zero": f"pbkdf2_sha256$0$salt${DIGEST_32}",
    "django negative": f"pbkdf2_sha256$-1$salt${DIGEST_32}",
    "django signed": f"pbkdf2_sha256$+1$salt${DIGEST_32}",
    "django underscore": f"pbkdf2_sha256$1_0$salt${DIGEST_32}",
    "django leading zero": f"pbkdf2_sha256$01$salt${DIGEST_32}",
    "django blank": f"pbkdf2_sha256$ 1$salt${DIGEST_32}",
    "django Arabic-Indic digit": f"pbkdf2_sha256$\u0661$salt${DIGEST_32}",
    "django full-width digit": f"pbkdf2_sha256$\uff11$salt${DIGEST_32}",
    "django exponent": f"pbkdf2_sha256$1e3$salt${DIGEST_32}",
    "django no salt": f"pbkdf2_sha256$1$${DIGEST_32}",
    "django long salt": f"pbkdf2_sha256$1${'a' * 65}${DIGEST_32}",
    "django umlaut in the salt": f"pbkdf2_sha256$1$s\xe4lt${DIGEST_32}",
    "django blank in the salt": f"pbkdf2_sha256$1$a b${DIGEST_32}",
    "django no digest": "pbkdf2_sha256$1$salt$",
    "django digest of 31 bytes": f"pbkdf2_sha256$1$salt${b64encode(bytes(31)).decode()}",
    "django digest of another algorithm": f"pbkdf2_sha1$1$salt${DIGEST_32}",
    "django unpadded": f"pbkdf2_sha256$1$salt${DIGEST_32.rstrip('=')}",
    "django bits left over": f"pbkdf2_sha256$1$salt${DIGEST_32[:-2]}B=",
    "django upper case": f"PBKDF2_SHA256$1$salt${DIGEST_32}",
    "django one field more": f"pbkdf2_sha256$1$salt${DIGEST_32}$",
    "django unusable": "!XbYoLbsIZMXWLnjMjvGdZqGd2JWPfZzGrd0pQfVo",
    "django md5 without salt": "md5$$5f4dcc3b5aa765d61d8327deb882cf99",
    "django md5 upper case": "md5$self-test$F79DA6E1CF90DF0C1780F93163D9A6FE",
    "django md5 no digest": "md5$self-test$",
    "django sha1 of md5's length": "sha1$self-test$f79da6e1cf90df0c1780f93163d9a6fe",
    "django argon2d": f"argon2$argon2d$v=19$m=8,t=1,p=1${ARGON2}",
    "django argon2 version 16": f"argon2$argon2id$v=16$m=8,t=1,p=1${ARGON2}",
    "django argon2 tag of 4 bytes": "argon2$argon2id$v=19$m=8,t=1,p=1$c2VsZi10ZXN0LW9mLWFyZ29u$N+dSzw",
    "django argon2 reordered": f"argon2$argon2id$v=19$t=1,m=8,p=1${ARGON2}",
    "django old third-party scrypt": f"scrypt$salt$14$8$1$64${DIGEST_64}",
    # Werkzeug
    "werkzeug without iterations": f"pbkdf2:sha256$salt${'0' * 64}",
    "werkzeug unknown algorithm": f"pbkdf2:md5:1$salt${'0' * 32}",
    "werkzeug plain": "plain$$my password",
    "werkzeug digest one over": f"pbkdf2:sha256:1$salt${'0' * 65}",
    "werkzeug no digest": "pbkdf2:sha256:1$salt$",
    "werkzeug odd parameters": f"scrypt:x:8:1$salt${'0' * 128}",
    "werkzeug scrypt without parameters": f"scrypt$salt${'0' * 128}",
    # passlib
    "passlib plus sign": f"$pbkdf2-sha256$1$c2VsZi10ZXN0$+{B64[1:]}",
    "passlib salt of 7 bytes": f"$pbkdf2-sha256$1$AAAAAAAAAA${B64}",
    "passlib no salt": f"$pbkdf2-sha256$1$${B64}",
    "passlib no digest": "$pbkdf2-sha256$1$c2VsZi10ZXN0",
    "passlib empty digest": "$pbkdf2-sha256$1$c2VsZi10ZXN0$",
    # sha-crypt
    "sha-crypt no digest": "$6$selftest$",
    "sha-crypt no salt": f"$6$${SHA512}",
    "sha-crypt long salt": f"$6${'a' * 17}${SHA512}",
    "sha-crypt rounds twice": f"$6$rounds=1000$rounds=1000${SHA512}",
    "sha-crypt rounds zero-led": f"$6$rounds=01000$selftest${SHA512}",
    "sha-crypt locked": f"!$6$selftest${SHA512}",
    "sha-crypt digest of 85": f"$6$selftest${SHA512[:-1]}",
    # phpass and Drupal
    "phpass no digest": "$P$5selftest",
    "phpass exponent 6": f"$P$4selftest{'0' * 22}",
    "phpass short salt": f"$P$5selftes{'0' * 22}",
    "phpass another tag": f"$Q$5selftest{'0' * 22}",
    "drupal no digest": "$S$5selftest",
    "drupal uncut": f"$S$5selftest{'0' * 86}",
    # LDAP
    "ldap no salt": "{SSHA}" + b64encode(bytes(20)).decode(),
    "ldap salt of 3 bytes": "{SSHA}" + b64encode(bytes(23)).decode(),
    "ldap short digest": "{SSHA}" + b64encode(bytes(10)).decode(),
    "ldap no digest": "{SSHA}",
    "ldap salted without an S": "{SHA}" + b64encode(bytes(24)).decode(),
    "ldap salt of 33 bytes": "{SSHA}" + b64encode(bytes(53)).decode(),
    "ldap crypt of DES": "{CRYPT}rl0uE0wDVYCKU",
    "ldap crypt of another tag": "{CRYPT}$7$selftest" + SHA512,
    "ldap crypt of plain text": "{CRYPT}my password",
    "ldap mixed case": "{sSHA}qlqIIK5v3B2ltLXPPB7roDXvG19zZWxmdGVzdA==",
    "ldap plain text": "{CLEARTEXT}my password",
    "ldap pass-through": "{SASL}user@realm",
    "dovecot plain text": "{PLAIN}my password",
    "dovecot hexadecimal": "{SSHA.HEX}" + "0" * 48,
    "dovecot another hash": f"{{SHA512-CRYPT}}$5$selftest${SHA512[:43]}",
    "spring plain text": "{noop}my password",
    "spring without an id": f"{{}}$2a$10${BCRYPT}",
    "spring another hash": f"{{bcrypt}}$argon2id$v=19$m=8,t=1,p=1${ARGON2}",
    "spring upper case": f"{{BCRYPT}}$2a$10${BCRYPT}",
    # WordPress, phpBB, MySQL, Symfony, md5crypt
    "wordpress 2x": f"$wp$2x$10${BCRYPT}",
    "wordpress tag twice": f"$wp$wp$2y$10${BCRYPT}",
    "wordpress tag with a dollar": f"$wp$$2y$10${BCRYPT}",
    "wordpress phpass": f"$wp$P$Bselftest{'0' * 22}",
    "phpbb converted": "$CP$5f4dcc3b5aa765d61d8327deb882cf99",
    "phpbb combined": f"$H\\2y$9selftest\\10$abcdefghijklmnopqrstuu${BCRYPT[22:]}",
    "mysql before 4.1": "5d2e19393cc5ef67",
    "mysql lower case": "*2470c0c06dee42fd1618bb99005adca2ec9d1e19",
    "mysql caching_sha2": "$A$005$" + "a" * 20 + "b" * 43,
    "symfony without a salt": f"$pc$symfony$${'A' * 85}Q",
    "md5-crypt no salt": "$1$$Ltd31aaqvaGoS7X/Drk3C1",
    "md5-crypt long salt": "$1$selftests$Ltd31aaqvaGoS7X/Drk3C1",
    "md5-crypt rounds": "$1$rounds=1000$Ltd31aaqvaGoS7X/Drk3C1",
    "apache no digest": "$apr1$selftest$",
    # Argon2, Keycloak, Flask-Security
    "argon2d": f"$argon2d$v=19$m=8,t=1,p=1${ARGON2}",
    "argon2i version 16": f"$argon2i$v=16$m=8,t=1,p=1${ARGON2}",
    "argon2i without a version": f"$argon2i$m=8,t=1,p=1${ARGON2}",
    "argon2i with a key": f"$argon2i$v=19$m=8,t=1,p=1,keyid=AAAA${ARGON2}",
    "argon2i short salt": f"$argon2i$v=19$m=8,t=1,p=1$c2VsZi10ZXN0${ARGON2.split('$')[1]}",
    "keycloak cut": f"$pc$keycloak-sha256-64$27500$c2VsZi10ZXN0${B64}",
    "keycloak short salt": f"$pc$keycloak-sha256-32$27500$AAAAAAAAAA${B64}",
    "keycloak no iterations": f"$pc$keycloak-sha256-32$$c2VsZi10ZXN0${B64}",
    "flask-security plain text": "$pc$flask-securitymy password",
    "flask-security digest": "$pc$flask-security5f4dcc3b5aa765d61d8327deb882cf99",
    "bcrypt of md5 without a tag": "bcrypt-of-md5$2b$04$" + BCRYPT,
    "ldap garbage": "{SSHA}!!!!",
    # Tagged
    "tagged unknown scheme": "$pc$md4$$X03MO1qnZdYdgyfeuILPmQ",
    "tagged no digest": "$pc$md5$$",
    "tagged salt where none is": "$pc$md5$c2VsZi10ZXN0$X03MO1qnZdYdgyfeuILPmQ",
    "tagged no salt where one is": "$pc$md5-salt-before$$952m4c+Q3wwXgPkxY9mm/g",
    "tagged padded": "$pc$md5$$X03MO1qnZdYdgyfeuILPmQ==",
    "tagged bits left over": "$pc$md5$$X03MO1qnZdYdgyfeuILPmR",
    "tagged digest of another length": "$pc$md5$$W6ph5Mm5Pz8GgiULbPgzG37mj9g",
    "tagged membership short salt": "$pc$membership-sha1$c2VsZi10ZXN0$QLYaNsgH/+EdYjrhiieTQYkByVo",
    "bare md5": "5f4dcc3b5aa765d61d8327deb882cf99",
    "bare sha1": "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
    # bcrypt
    "bcrypt 2x": f"$2x$04${BCRYPT}",
    "bcrypt 2": f"$2$04${BCRYPT}",
    "bcrypt upper case": f"$2B$04${BCRYPT}",
    "bcrypt no digest": "$2b$04$abcdefghijklmnopqrstuu",
    "bcrypt salt with bits left over": f"$2b$04${BCRYPT[:21]}v{BCRYPT[22:]}",
    "bcrypt digest with bits left over": f"$2b$04${BCRYPT[:-1]}n",
    "bcrypt one digit": f"$2b$4${BCRYPT}",
    "bcrypt blank": f"$2b$ 4${BCRYPT}",
    # Anything
    "nothing": "",
    "star": "*",
    "bang": "!",
    "None": "None",
    "surrogate": "md5$self-test$\ud800",
    "NUL": "\0",
    "the password": PASSWORD,
}


class Spy:
    """Counts the calls of every backend, and lets them through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        for module, name in (
            (hashlib, "new"),
            (hashlib, "pbkdf2_hmac"),
            (hashlib, "scrypt"),
            (hashlib, "sha256"),
            (hashlib, "sha512"),
            (low_level, "hash_secret_raw"),
            (hmac, "new"),
            (bcrypt, "hashpw"),
        ):
            monkeypatch.setattr(module, name, self._counting(getattr(module, name)))

    def _counting(self, function: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: Any, **keywords: Any) -> object:
            self.calls += 1
            return function(*args, **keywords)

        return counted


def test_a_bomb_is_refused_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that asks for too much costs no call of any backend, whichever verifier it is handed to."""
    spy = Spy(monkeypatch)
    for name, encoded in BOMBS.items():
        for verifier in VERIFIERS:
            assert not verifier.identify(PasswordHash(encoded)), name
            assert not verifier.verify(Secret(PASSWORD), PasswordHash(encoded)), name
        assert spy.calls == 0, name


def test_a_malformed_hash_matches_nothing() -> None:
    """What is malformed is refused by every verifier, for any password, and nothing is raised."""
    for name, encoded in MALFORMED.items():
        for verifier in VERIFIERS:
            for password in (PASSWORD, encoded):
                assert not verifier.verify(Secret(password), PasswordHash(encoded)), name


def test_what_systems_write_by_default_is_within_bounds() -> None:
    """R10: a ceiling never shuts out the accounts of a system that nobody made slower."""
    refused = [
        name
        for name, encoded in DEFAULTS.items()
        if not any(verifier.identify(PasswordHash(encoded)) for verifier in VERIFIERS)
    ]
    assert refused == []


POWERS = [1 << exponent for exponent in range(21)]


def test_no_scrypt_within_bounds_takes_more_than_it_says() -> None:
    """R10: all costs within bounds need what OpenSSL counts and the pool is told, and derive 64 KiB at most."""
    allowed = [(n, r, p) for n in POWERS for r in (*range(1, 40), *POWERS) for p in range(1, 18)]
    allowed = [cost for cost in dict.fromkeys(allowed) if scrypt_within_bounds(*cost)]
    told = {cost: scrypt_memory(Stored(salt=b"", digest=b"", cost=cost)) for cost in allowed}
    assert max(told.values()) <= 129 * 2**20
    assert max(128 * r * p for _, r, p in allowed) <= 2**16
    cheapest = [cost for cost in allowed if cost[0] * cost[1] * cost[2] <= 2**12]
    assert len(cheapest) > 500
    for n, r, p in random.Random(7).sample(cheapest, 50):  # noqa: S311  The same ones each time.
        hashlib.scrypt(b"", salt=b"", n=n, r=r, p=p, maxmem=told[n, r, p])
        with pytest.raises(ValueError, match="memory limit"):
            hashlib.scrypt(b"", salt=b"", n=n, r=r, p=p, maxmem=told[n, r, p] - 1)


@pytest.mark.parametrize(
    ("name", "encoded", "longest"),
    [
        ("crypt", f"$5$rounds=535000$selftest${SHA512[:43]}", 125),
        ("crypt", f"$6$rounds=656000$selftest${SHA512}", 102),
        ("crypt", f"$6$rounds=70000$selftest${SHA512}", 958),
        ("crypt", f"$6$selftest${SHA512}", None),
        ("phpass", f"$P$Hselftest{'0' * 22}", 128),
        ("phpass", f"$P$Bselftest{'0' * 22}", None),
        ("drupal", f"$S$Gselftest{'0' * 43}", 256),
        ("drupal", f"$S$Eselftest{'0' * 43}", None),
    ],
)
def test_many_rounds_are_not_done_over_a_long_password(
    name: str, encoded: str, longest: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R10: where the length of a password adds to the work, rounds times length are bounded, by no computation."""
    verifier = verifier_of(name)
    computed: list[int] = []

    def compute(content: bytes, _stored: Stored) -> bytes:
        computed.append(len(content))
        return b""

    rows = tuple(scheme._replace(compute=compute) for scheme in verifier.schemes)
    monkeypatch.setattr(SystemVerifier, "schemes", rows)
    wanted = [1, *([] if longest is None else [longest - 1, longest])]
    # 1,024 bytes are what the longest password has in UTF-8.
    for length in [*wanted, 1024 if longest is None else longest + 1]:
        fours, rest = divmod(length, 4)
        assert not verifier.verify(Secret("😀" * fours + "a" * rest), PasswordHash(encoded))

    assert computed == [*wanted, *([1024] if longest is None else [])]


def test_malformed_hashes_are_not_identified() -> None:
    """R10: all but the one that is well-formed, and wrong, are refused by their form."""
    identified = {
        name
        for name, encoded in MALFORMED.items()
        if any(verifier.identify(PasswordHash(encoded)) for verifier in VERIFIERS)
    }
    assert identified == {"identity v2 wrong"}


def _twins(known: str) -> Iterator[str]:
    """Yield what looks like a hash, and must not be read: longer, shorter, dearer, in another case, with less salt."""
    yield from (known[:-1], known[1:], known + 100 * "A", known + "\n", " " + known, known + known)
    for number in re.finditer(r"(?<=[$:=,])[0-9]+(?=[$:,])", known):
        for other in ("", "0", "01", "-1", "+1", "1e3", "9999999", "2147483648", "\u0661"):
            yield known[: number.start()] + other + known[number.end() :]
    yield known.replace("$2b$", "$2x$").replace("$v=19$", "$v=16$")
    yield re.sub("c2VsZi10ZXN0|self-?test", "", known)


def test_no_row_reads_what_only_looks_like_its_hash() -> None:
    """R10: every row of the table has a strict grammar and a ceiling, and refuses its wrong twins by them alone."""
    for name, scheme in SCHEMES.items():
        assert scheme.read(scheme.known) is not None, name
        tried = [twin for twin in _twins(scheme.known) if twin != scheme.known]
        assert len(tried) >= 6
        assert [twin for twin in tried if scheme.read(twin) is not None] == [], name


def test_the_tables_are_long_enough() -> None:
    """At least 60 malformed hashes and 40 bombs, all different."""
    assert len(set(MALFORMED.values())) >= 60
    assert len(set(BOMBS.values())) >= 40


def test_the_spy_sees_what_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count of 0 above means something: a hash within bounds is counted under every backend."""
    spy = Spy(monkeypatch)
    for verifier in VERIFIERS:
        for scheme in verifier.schemes:
            before = spy.calls
            verifier.verify(Secret(PASSWORD), PasswordHash(scheme.known))
            assert spy.calls > before or not verifier.identify(PasswordHash(scheme.known))


@given(text=st.text(max_size=80), password=st.text(max_size=20))
def test_no_text_raises(text: str, password: str) -> None:
    """R10, R23: whatever a column and a form hold, verifying says no and raises nothing."""
    for verifier in VERIFIERS:
        assert verifier.verify(Secret(password), PasswordHash(text)) is False


def test_what_is_too_long_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """No decoder and no grammar sees more than 512 characters."""
    seen: list[int] = []

    def read(encoded: str) -> None:
        seen.append(len(encoded))

    scheme = Scheme(name="all", read=read, compute=lambda content, stored: content, known="")
    verifier = SystemVerifier("digests")
    monkeypatch.setattr(SystemVerifier, "schemes", (scheme,))
    for length in (511, 512, 513, 1_000_000):
        assert not verifier.identify(PasswordHash("A" * length))
    assert not verifier.identify(PasswordHash("\xe9"))
    assert seen == [511, 512]
