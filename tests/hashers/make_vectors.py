"""
Write vectors/*.json anew, by running the systems whose hashes they are.

Not part of the suite. It takes the packages of the dependency group ``oracles`` and bcrypt, and openssl, perl and
iconv of a Linux system whose crypt(3) is libxcrypt::

    python tests/hashers/make_vectors.py                       # write the vectors
    python tests/hashers/make_vectors.py --agree               # compare 5,000 random pairs with those systems
    python tests/hashers/make_vectors.py --agree --pairs 500   # or so many; fails if one disagrees

Each vector has the expression or the shell command that it came from, or where it was published.
"""

# mypy: ignore-errors
# ruff: noqa: D103, E501, T201
# Run by hand, with packages that the type checker has not; it prints what it counted, and its commands are long.

from __future__ import annotations

import argparse
import hashlib
import json
import random
import struct
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import bcrypt
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from django.conf import settings
from passlib import hash as libpass
from werkzeug import security as werkzeug

settings.configure(PASSWORD_HASHERS=[
    "django.contrib.auth.hashers." + name
    for name in ("PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "ScryptPasswordHasher", "MD5PasswordHasher",
                 "BCryptPasswordHasher", "BCryptSHA256PasswordHasher")
])  # fmt: skip

from django.contrib.auth import hashers as django  # noqa: E402  Configured first.

from portalcreds.accounts import PasswordHash  # noqa: E402
from portalcreds.hashers import Argon2Hasher, KeyRing, legacy  # noqa: E402
from portalcreds.hashers import bcrypt as our_bcrypt  # noqa: E402
from portalcreds.hashers._phc import StoredArgon2  # noqa: E402
from portalcreds.hashers._phc import write as write_argon2  # noqa: E402
from portalcreds.hashers.argon2 import Argon2Parameters  # noqa: E402
from portalcreds.secret import Secret  # noqa: E402

FOLDER = Path(__file__).with_name("vectors")
PASSWORDS = (
    "AbbiaticiR",
    "correct horse battery staple",
    "Pässwörd €uro 😀",
    " Núñez ",
    'it\'s "q" \\ b',
    "x" * 80,
    "ß",
)
PAIRS = 5000
CHEAPEST_CHOSEN = Argon2Parameters(memory_kib=16, time_cost=1, lanes=1, insecure_for_tests=True)
ALGORITHMS = ("sha1", "sha256", "sha512")


class CheapArgon2(django.Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 1, 8, 1


def werkzeug_hash(method: str, salt: str, password: str) -> str:
    digest, named = werkzeug._hash_internal(method, salt, password)
    return f"{named}${salt}${digest}"


def shell(command: str, **values: str) -> str:
    ran = subprocess.run(["bash", "-o", "pipefail", "-c", command], env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **values},
                         capture_output=True, check=True, timeout=60)  # fmt: skip
    return ran.stdout.decode().strip()


def identity(version: int, algorithm: str, iterations: int, password: str) -> str:
    """Lay out a payload as Microsoft's PasswordHasher.cs does, around OpenSSL's PBKDF2."""
    salt = hashlib.sha256(password.encode()).digest()[:16]
    command = (
        f"openssl kdf -keylen 32 -kdfopt digest:{algorithm} -kdfopt hexpass:{password.encode().hex()} "
        f"-kdfopt hexsalt:{salt.hex()} -kdfopt iter:{iterations} -binary PBKDF2 | base64 -w0"
    )
    subkey = shell(f"{command} | base64 -d | od -An -tx1 -v | tr -d ' \\n'")
    prf = ALGORITHMS.index(algorithm.lower())
    header = b"\0" if version == 2 else b"\1" + struct.pack(">III", prf, iterations, 16)
    return b64encode(header + salt + bytes.fromhex(subkey)).decode()


PERL_DRUPAL = r"""perl -MDigest::SHA=sha512 -MDigest::MD5=md5_hex -e '
  my ($pw, $exponent, $old) = ($ENV{PW}, $ENV{EXPONENT}, $ENV{OLD});
  my $itoa = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  $pw = md5_hex($pw) if $old;
  my $d = sha512($ENV{SALT}.$pw); $d = sha512($d.$pw) for 1 .. 1 << $exponent;
  my $out = ""; my @b = unpack("C*", $d);
  while (@b) { my @g = splice(@b, 0, 3); my $v = 0; $v |= $g[$_] << 8 * $_ for 0 .. $#g;
    for (0 .. @g) { $out .= substr($itoa, $v & 63, 1); $v >>= 6 } }
  print(($old ? "U" : "")."\$S\$".substr($itoa, $exponent, 1).$ENV{SALT}.substr($out, 0, 43))'"""

# Verifier, format, expression; `p` is the password, `i` its number.
EXPRESSIONS = [
    ("Django", "django pbkdf2_sha256", "django.PBKDF2PasswordHasher().encode(p, f'seasalt{i}', 1 + 50 * i)"),
    ("Django", "django pbkdf2_sha1", "django.PBKDF2SHA1PasswordHasher().encode(p, f'seasalt{i}', 1 + 50 * i)"),
    ("Django", "django scrypt", "django.ScryptPasswordHasher().encode(p, f'seasalt{i}', 2 << i, 8, 1 + i % 2)"),
    ("Django", "django argon2", "CheapArgon2().encode(p, f'seasalt-of-argon2-{i}')"),
    ("Django", "django md5", "django.MD5PasswordHasher().encode(p, f'seasalt{i}')"),
    ("Django", "django sha1", "libpass.django_salted_sha1.using(salt=f'sea{i}').hash(p)"),
    ("DjangoBcrypt", "django bcrypt",
     "django.BCryptPasswordHasher().encode(p[:60], bcrypt.gensalt(4, b'2b'))"),
    ("DjangoBcrypt", "django bcrypt_sha256", "django.BCryptSHA256PasswordHasher().encode(p, bcrypt.gensalt(4, b'2b'))"),
    ("Werkzeug", "werkzeug scrypt", "werkzeug_hash(f'scrypt:{256 << i % 3}:8:1', f'seasalt{i}', p)"),
    ("Werkzeug", "werkzeug pbkdf2",
     "werkzeug_hash(f'pbkdf2:{ALGORITHMS[i % 3]}:{1 + 50 * i}', f'seasalt{i}', p)"),
    ("Bcrypt", "bcrypt $2b$", "bcrypt.hashpw(p.encode()[:72], bcrypt.gensalt(4, b'2b')).decode()"),
    ("Bcrypt", "bcrypt $2a$", "bcrypt.hashpw(p.encode()[:72], bcrypt.gensalt(4, b'2a')).decode()"),
    ("PasslibPbkdf2", "passlib pbkdf2", "libpass.pbkdf2_sha1.using(rounds=1 + i).hash(p)"),
    ("PasslibPbkdf2", "passlib pbkdf2-sha256", "libpass.pbkdf2_sha256.using(rounds=1 + 50 * i).hash(p)"),
    ("PasslibPbkdf2", "passlib pbkdf2-sha512", "libpass.pbkdf2_sha512.using(rounds=1 + 50 * i).hash(p)"),
    ("ShaCrypt", "sha256-crypt", "libpass.sha256_crypt.using(rounds=1000 + i, salt_size=2 + 2 * i).hash(p)"),
    ("ShaCrypt", "sha512-crypt", "libpass.sha512_crypt.using(rounds=1000 + i, salt_size=2 + 2 * i).hash(p)"),
    ("Phpass", "phpass $P$", "libpass.phpass.using(rounds=7 + i % 3).hash(p)"),
    ("Phpass", "phpass $H$", "libpass.phpass.using(rounds=7 + i % 3, ident='$H$').hash(p)"),
    ("LdapSalted", "ldap {SSHA}", "libpass.ldap_salted_sha1.using(salt_size=4 + 2 * i).hash(p)"),
    ("LdapSalted", "ldap {SSHA256}", "libpass.ldap_salted_sha256.using(salt_size=4 + 2 * i).hash(p)"),
    ("LdapSalted", "ldap {SSHA512}", "libpass.ldap_salted_sha512.using(salt_size=4 + 2 * i).hash(p)"),
    ("AspNetIdentity", "identity v2", "identity(2, 'SHA1', 1000, p)"),
    ("AspNetIdentity", "identity v3",
     "identity(3, ALGORITHMS[i % 3].upper(), 1 + 50 * i, p)"),
]  # fmt: skip

# Verifier, format, options, shell command with $PW, and the scheme or how what is printed becomes a stored hash.
COMMANDS = [
    ("Bcrypt", "bcrypt $2y$", {}, """perl -e 'print crypt($ENV{PW}, "\\$2y\\$04\\$abcdefghijklmnopqrstuu")'""", None),
    ("ShaCrypt", "sha512-crypt", {}, """printf '%s' "$PW" | openssl passwd -6 -salt saltstring -stdin""", None),
    ("ShaCrypt", "sha256-crypt", {}, """perl -e 'print crypt($ENV{PW}, "\\$5\\$rounds=1400\\$anotherlongsalts")'""",
     None),
    ("Drupal", "drupal $S$", {}, "EXPONENT=8 SALT=seasalt0 " + PERL_DRUPAL, None),
    ("Drupal", "drupal U$S$", {}, "EXPONENT=7 SALT=seasalt1 OLD=1 " + PERL_DRUPAL, None),
    ("Moodle", "moodle md5", {"site_salts": ["s1te-Salt!", "0ld"]}, """printf '%ss1te-Salt!' "$PW" | openssl dgst -md5 -r""",
     "moodle-md5"),
    ("Moodle", "moodle md5", {"site_salts": ["s1te-Salt!", "0ld"]}, """printf '%s0ld' "$PW" | openssl dgst -md5 -r""",
     "moodle-md5"),
    ("Moodle", "moodle md5", {"site_salts": ["s1te-Salt!"]}, """printf '%s' "$PW" | openssl dgst -md5 -r""", "moodle-md5"),
    ("Moodle", "moodle md5 addslashes", {"site_salts": ["s1te-Salt!"]},
     """printf '%ss1te-Salt!' "$PW" | sed 's/[\\\\"'"'"']/\\\\&/g' | openssl dgst -md5 -r""", "moodle-md5"),
    *(("BareDigests", f"bare {name}", {}, """printf '%s' "$PW" | openssl dgst -""" + name + " -r", name)
      for name in ("md5", "sha1", "sha256")),
    *(("BareDigests", f"bare {name}-salt-before", {}, """printf 'seasalt%s' "$PW" | openssl dgst -""" + name + " -r",
       f"{name}-salt-before") for name in ("md5", "sha1", "sha256")),
    *(("BareDigests", f"bare {name}-salt-after", {}, """printf '%sseasalt' "$PW" | openssl dgst -""" + name + " -r",
       f"{name}-salt-after") for name in ("md5", "sha1", "sha256")),
    *(("BareDigests", f"bare md5 in {encoding}", {"encoding": encoding},
       f"""printf '%s' "$PW" | iconv -f UTF-8 -t {name} | openssl dgst -md5 -r""", "md5")
      for encoding, name in (("cp1252", "CP1252"), ("latin-1", "ISO-8859-1"))),
    *(("AspNetMembership", f"membership {name}", {},
       """(printf 'seasalt-16-bytes'; printf '%s' "$PW" | iconv -f UTF-8 -t UTF-16LE) | openssl dgst -""" + name
       + " -binary | base64", "membership") for name in ("sha1", "sha256")),
]  # fmt: skip

ASPNET = "github.com/dotnet/aspnetcore src/Identity/test/Identity.Test/PasswordHasherTest.cs"
JOHN = "github.com/openwall/john src/"
PUBLISHED = [
    ("AspNetIdentity", "identity v2", {}, "my password", ASPNET,
     ["ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A==",
      "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="]),
    ("AspNetIdentity", "identity v3", {}, "my password", ASPNET,
     ["AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
      "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ="]),
    ("AspNetIdentity", "identity v3", {"subkey_bytes": 16}, "my password", ASPNET,
     ["AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw",
      "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M"]),
    ("AspNetIdentity", "identity v3", {"subkey_bytes": 64}, "my password", ASPNET,
     ["AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+"
      "ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw=="]),
    ("Drupal", "drupal $S$", {}, "virtualabc", JOHN + "drupal7_common.h",
     ["$S$CwkjgAKeSx2imSiN3SyBEg8e0sgE2QOx4a/VIfCHN0BZUNAWCr1X"]),
    ("Drupal", "drupal $S$", {}, "password", JOHN + "drupal7_common.h",
     ["$S$CFURCPa.k6FAEbJPgejaW4nijv7rYgGc4dUJtChQtV4KLJTPTC/u"]),
    ("Drupal", "drupal $S$", {}, "NEW_TEMP_PASSWORD", JOHN + "drupal7_common.h",
     ["$S$C6x2r.aW5Nkg7st6/u.IKWjTerHXscjPtu4spwhCVZlP89UKcbb/"]),
    ("Phpass", "phpass $P$", {}, "JohnRipper", JOHN + "phpass_common_plug.c",
     ["$P$612345678si5M0DDyPpmRCmcltU/YW/", "$P$B12345678L6Lpt4BxNotVIMILOa9u81"]),
    ("Phpass", "phpass $H$", {}, "JohnRipper", JOHN + "phpass_common_plug.c", ["$H$712345678WhEyvy1YWzT4647jzeOmo0"]),
    ("Phpass", "phpass $H$", {}, "test1", JOHN + "phpass_common_plug.c", ["$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00"]),
]  # fmt: skip
MEMBERSHIP = [
    ("testPassword", "fGJ2wn/5WlzqQoDeCA2kXA==", "UQgnz/vPWap9UeD8Dhaw3h/fgFA="),
    ("sss", "fGJ2wn/5WlzqQoDeCA2kXA==", "uiP1YrZlVcHESbfsRt/wljwNeYU="),
    ("notused", "fGJ2wn/5WlzqQoDeCA2kXA==", "dxTlKqnxaVHs0210VcX+48QDonA="),
    ("test1", "OHdOb002Z1J6ZFhlRHRzbw==", "74l+VCC9xkGP27sNLPLZLRI/O5A="),
    ("test1", "aHIza2pUY0ZkR2dqQnJrNQ==", "1KPAZriqakiNvE6ML6xkUzS11QPREziCvYkJc4UtjWs="),
    ("thatsworking", "RUZzRmNja0c5NkN0aDlMVw==", "nh46rc4vkFIL0qGUrKTPuPWO6wqoESSeAxUNccEOe28="),
    ("test3", "cW9DdnVVUnFwM2FobFc4dg==", "Zr/nekpDxU5gjt+fzTSqm0j/twZySBBW44Csoai2Fug="),
]


def stored_form(printed: str, form: str | None) -> str:
    if form is None:
        return printed
    if form == "membership":
        return legacy.membership_hash(password=printed, salt=b64encode(b"seasalt-16-bytes").decode()).encoded
    return legacy.digest_hash(form, printed.split()[0], salt="seasalt" if "-salt-" in form else b"").encoded


def wrong_twin(verifier: str, password: str) -> str:
    # Under bcrypt what follows 72 bytes does not count, so its twins differ in front.
    if verifier == "Bcrypt":
        return ("y" if password[0] == "x" else "x") + password[1:]
    return password[:-1] + ("y" if password[-1] == "x" else "x")


def verifier_of(name: str, options: dict[str, object]) -> legacy.Django:
    return getattr(our_bcrypt if "Bcrypt" in name else legacy, name)(**options)


def vectors() -> list[dict[str, object]]:
    rows = []

    def add(verifier: str, shape: str, options: dict[str, object], password: str, encoded: str, source: str) -> None:
        wrong = wrong_twin(verifier, password)
        checker = verifier_of(verifier, options)
        assert checker.verify(Secret(password), PasswordHash(encoded)), (shape, password, encoded)
        assert not checker.verify(Secret(wrong), PasswordHash(encoded)), (shape, password, encoded)
        rows.append({"verifier": verifier, "format": shape, "options": options, "password": password, "wrong": wrong,
                     "hash": encoded, "source": source})  # fmt: skip

    for verifier, shape, expression in EXPRESSIONS:
        for i, p in enumerate(PASSWORDS):
            p = p[:60] if shape == "django bcrypt" else p
            add(verifier, shape, {}, p, eval(expression, globals(), {"p": p, "i": i}), f"python: {expression}; i={i}")  # noqa: S307
    for verifier, shape, options, command, form in COMMANDS:
        for p in PASSWORDS:
            if (options.get("encoding") == "latin-1" and "€" in p) or ("encoding" in options and "😀" in p):
                p = p.replace("€", "").replace("😀", "") or "é"
            add(verifier, shape, options, p, stored_form(shell(command, PW=p), form), f"bash: PW=password; {command}")
    for verifier, shape, options, password, source, hashes in PUBLISHED:
        for encoded in hashes:
            add(verifier, shape, options, password, encoded, source)
    for password, salt, digest in MEMBERSHIP:
        shape = f"membership {'sha1' if len(digest) == 28 else 'sha256'}"
        encoded = legacy.membership_hash(password=digest, salt=salt).encoded
        add("AspNetMembership", shape, {}, password, encoded, JOHN + "episerver_fmt_plug.c")
    return rows


def write() -> None:
    rows = vectors()
    for verifier in sorted({str(row["verifier"]) for row in rows}):
        ours = [row for row in rows if row["verifier"] == verifier]
        text = json.dumps(ours, ensure_ascii=True, indent=1)
        (FOLDER / f"{verifier}.json").write_text(text + "\n", encoding="ascii")
    counts: dict[str, int] = {}
    for row in rows:
        counts[str(row["format"])] = counts.get(str(row["format"]), 0) + 1
    for shape, count in sorted(counts.items()):
        print(f"{count:4} {shape}")
    print(f"{len(rows):4} vectors of {len(counts)} formats")


def agree(pairs: int) -> int:
    """Compare with what the systems themselves say, to the right password and to one that is a character off."""
    draw = random.Random(20240901)  # noqa: S311  The same pairs each time.
    letters = "abcXYZ019 '\"\\$:;äñß€😀中​"
    disagreements = 0
    for number in range(pairs):
        verifier, shape, expression = EXPRESSIONS[number % (len(EXPRESSIONS) - 2)]
        p = "".join(draw.choice(letters) for _ in range(draw.randint(1, 17)))
        other = wrong_twin(verifier, p)
        encoded = PasswordHash(eval(expression, globals(), {"p": p, "i": number % 7}))  # noqa: S307
        checker = verifier_of(verifier, {})
        for password, expected in ((p, True), (other, theirs(shape, other, encoded.encoded))):
            if checker.verify(Secret(password), encoded) is not expected:
                disagreements += 1
                print("disagree:", shape, ascii(password), encoded.encoded)
    print(f"{pairs} pairs, {disagreements} disagreements")
    return disagreements


def agree_on_argon2(hashes: int) -> int:
    """Compare with OpenSSL's Argon2id, with a pepper in every other hash."""
    draw = random.Random(9106)  # noqa: S311  The same hashes each time.
    ring = KeyRing(current="k", keys={"k": draw.randbytes(32)})
    hasher = Argon2Hasher(CHEAPEST_CHOSEN, key_ring=ring)
    disagreements = 0
    for number in range(hashes):
        lanes, key_id = draw.randint(1, 8), b"k" if number % 2 else None
        cost = {"memory_kib": draw.randint(8 * lanes, 256), "time_cost": draw.randint(1, 4), "lanes": lanes}
        salt, password = (
            draw.randbytes(draw.randint(16, 64)),
            "".join(draw.choices("aZ0 'ß€😀中", k=draw.randint(1, 64))),
        )
        derivation = {"salt": salt, "length": draw.randint(16, 64), "iterations": cost["time_cost"], "lanes": lanes,
                      "memory_cost": cost["memory_kib"], "secret": None if key_id is None else ring.find(key_id)}  # fmt: skip
        tag = Argon2id(**derivation).derive(password.encode())
        encoded = PasswordHash(write_argon2(StoredArgon2(**cost, salt=salt, tag=tag, key_id=key_id)))
        for candidate, expected in ((password, True), (password + "x", False)):
            if hasher.verify(Secret(candidate), encoded) is not expected:
                disagreements += 1
                print("disagree:", ascii(candidate), encoded.encoded)
    print(f"{hashes} Argon2 hashes, {disagreements} disagreements")
    return disagreements


def theirs(shape: str, password: str, encoded: str) -> bool:
    if shape == "django sha1":
        return bool(libpass.django_salted_sha1.verify(password, encoded))
    if shape == "django argon2":
        return bool(CheapArgon2().verify(password, encoded))
    if shape.startswith("django"):
        return bool(django.identify_hasher(encoded).verify(password, encoded))
    if shape.startswith("werkzeug"):
        return werkzeug.check_password_hash(encoded, password)
    if shape.startswith("bcrypt"):
        return bcrypt.checkpw(password.encode()[:72], encoded.encode())
    handler = {"passlib pbkdf2": "pbkdf2_sha1", "passlib pbkdf2-sha256": "pbkdf2_sha256",
               "passlib pbkdf2-sha512": "pbkdf2_sha512", "sha256-crypt": "sha256_crypt", "sha512-crypt": "sha512_crypt",
               "phpass $P$": "phpass", "phpass $H$": "phpass", "ldap {SSHA}": "ldap_salted_sha1",
               "ldap {SSHA256}": "ldap_salted_sha256", "ldap {SSHA512}": "ldap_salted_sha512"}[shape]  # fmt: skip
    return bool(getattr(libpass, handler).verify(password, encoded))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agree", action="store_true", help="write nothing, compare")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="how many to compare, A8's 5,000 by default")
    options = parser.parse_args()
    if not options.agree:
        write()
    elif agree(options.pairs) + agree_on_argon2(options.pairs // 5):
        sys.exit(1)
