"""
Write vectors/*.json anew, by running the systems whose hashes they are.

Not part of the suite. It takes the packages of the dependency group ``oracles`` and bcrypt; openssl, perl and iconv of
a Linux system whose crypt(3) is libxcrypt; php, ruby with bcrypt, doveadm, slappasswd, htpasswd, and a MariaDB server
that lets this user in::

    python tests/hashers/make_vectors.py                       # write the vectors
    python tests/hashers/make_vectors.py --agree               # compare random passwords with those systems
    python tests/hashers/make_vectors.py --agree --pairs 500 --commands 0   # fewer, and only those of Python packages

Comparing fails if one disagrees.

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
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import bcrypt
import flask
import flask_security
from argon2 import PasswordHasher, low_level
from argon2.exceptions import VerifyMismatchError
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from django.conf import settings
from flask_security.datastore import UserDatastore
from passlib import hash as libpass
from werkzeug import security as werkzeug

settings.configure(PASSWORD_HASHERS=[
    "django.contrib.auth.hashers." + name
    for name in ("PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "ScryptPasswordHasher", "MD5PasswordHasher",
                 "BCryptPasswordHasher", "BCryptSHA256PasswordHasher")
])  # fmt: skip

from django.contrib.auth import hashers as django  # noqa: E402  Configured first.

from portalcreds.accounts import PasswordHash  # noqa: E402  After Django's settings.
from portalcreds.hashers import Argon2Hasher, KeyRing, legacy  # noqa: E402  After Django's settings.
from portalcreds.hashers._phc import StoredArgon2  # noqa: E402  After Django's settings.
from portalcreds.hashers._phc import write as write_argon2  # noqa: E402  After Django's settings.
from portalcreds.hashers.argon2 import Argon2Parameters  # noqa: E402  After Django's settings.
from portalcreds.secret import Secret  # noqa: E402  After Django's settings.

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
    ran = subprocess.run(["bash", "-o", "pipefail", "-c", command], env={"PATH": "/usr/bin:/usr/sbin:/bin", "LC_ALL": "C.UTF-8", **values},
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


PHP = 'php -r \'$pw = getenv("PW"); '
SLAP = """printf '%s' "$PW" >"$FILE"; slappasswd -T "$FILE" """
DOVEADM = """doveadm pw -p "$PW" """
FLASK_SALT = "146585145368132386173505678016728509634"


class FlaskUser(flask_security.UserMixin):
    fs_uniquifier = ""


@cache
def flask_app(scheme: str) -> flask.Flask:
    app = flask.Flask("site")
    costs = {"argon2": {"memory_cost": 16, "time_cost": 1, "parallelism": 1}, "bcrypt": {"rounds": 4}}
    options = costs.get(scheme, {"rounds": 1000 if "crypt" in scheme else 7})
    app.config.update(SECRET_KEY="key", SECURITY_PASSWORD_SALT=FLASK_SALT, SECURITY_PASSWORD_HASH=scheme,
                      SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={f"{scheme}__{name}": value for name, value in options.items()})  # fmt: skip
    store = UserDatastore(FlaskUser, flask_security.RoleMixin)
    flask_security.Security().init_app(app, store, register_blueprint=False)
    return app


def flask_security_hash(scheme: str, password: str) -> str:
    """Hash as Flask-Security's views do, at the least cost."""
    with flask_app(scheme).app_context():
        return legacy.tagged_hash("flask-security", flask_security.hash_password(flask_form(password))).encoded


def flask_form(password: str) -> str:
    return flask.current_app.extensions["security"]._password_util.normalize(password)


def argon2(kind: str, password: str, salt: str) -> str:
    hashed = low_level.hash_secret(password.encode(), salt.encode(), 1, 8, 1, 32, low_level.Type[kind])
    return hashed.decode()


def keycloak(algorithm: str, iterations: int, salt: str, password: str, size: int) -> str:
    """Lay out a credential as Keycloak's export does, around OpenSSL's PBKDF2."""
    digest = {"pbkdf2": "sha1"}.get(algorithm, algorithm.removeprefix("pbkdf2-"))
    value = shell(f"openssl kdf -keylen {size} -kdfopt digest:{digest} -kdfopt hexpass:{password.encode().hex()} "
                  f"-kdfopt hexsalt:{salt.encode().hex()} -kdfopt iter:{iterations} -binary PBKDF2 | base64 -w0")  # fmt: skip
    return keycloak_export(algorithm, iterations, b64encode(salt.encode()).decode(), value)


def keycloak_export(algorithm: str, iterations: int, salt: str, value: str) -> str:
    return legacy.keycloak_hash({
        "type": "password",
        "credentialData": json.dumps({"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": {}}),
        "secretData": json.dumps({"value": value, "salt": salt, "additionalParameters": {}}),
    }).encoded  # fmt: skip


PERL_DRUPAL = r"""perl -MDigest::SHA=sha512 -MDigest::MD5=md5_hex -e '
  my ($pw, $exponent, $old) = ($ENV{PW}, $ENV{EXPONENT}, $ENV{OLD});
  my $itoa = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  $pw = md5_hex($pw) if $old;
  my $d = sha512($ENV{SALT}.$pw); $d = sha512($d.$pw) for 1 .. 1 << $exponent;
  my $out = ""; my @b = unpack("C*", $d);
  while (@b) { my @g = splice(@b, 0, 3); my $v = 0; $v |= $g[$_] << 8 * $_ for 0 .. $#g;
    for (0 .. @g) { $out .= substr($itoa, $v & 63, 1); $v >>= 6 } }
  print(($old ? "U" : "")."\$S\$".substr($itoa, $exponent, 1).$ENV{SALT}.substr($out, 0, 43))'"""

# System, format, expression; `p` is the password, `i` its number.
EXPRESSIONS = [
    ("django", "django pbkdf2_sha256", "django.PBKDF2PasswordHasher().encode(p, f'seasalt{i}', 1 + 50 * i)"),
    ("django", "django pbkdf2_sha1", "django.PBKDF2SHA1PasswordHasher().encode(p, f'seasalt{i}', 1 + 50 * i)"),
    ("django", "django scrypt", "django.ScryptPasswordHasher().encode(p, f'seasalt{i}', 2 << i, 8, 1 + i % 2)"),
    ("django", "django argon2", "CheapArgon2().encode(p, f'seasalt-of-argon2-{i}')"),
    ("django", "django md5", "django.MD5PasswordHasher().encode(p, f'seasalt{i}')"),
    ("django", "django sha1", "libpass.django_salted_sha1.using(salt=f'sea{i}').hash(p)"),
    ("django", "django argon2i", "'argon2' + argon2('I', p, f'seasalt-of-argon2i-{i}')"),
    ("django-bcrypt", "django bcrypt",
     "django.BCryptPasswordHasher().encode(p[:60], bcrypt.gensalt(4, b'2b'))"),
    ("django-bcrypt", "django bcrypt_sha256", "django.BCryptSHA256PasswordHasher().encode(p, bcrypt.gensalt(4, b'2b'))"),
    ("werkzeug", "werkzeug scrypt", "werkzeug_hash(f'scrypt:{256 << i % 3}:8:1', f'seasalt{i}', p)"),
    ("werkzeug", "werkzeug pbkdf2",
     "werkzeug_hash(f'pbkdf2:{ALGORITHMS[i % 3]}:{1 + 50 * i}', f'seasalt{i}', p)"),
    ("bcrypt", "bcrypt $2b$", "bcrypt.hashpw(p.encode()[:72], bcrypt.gensalt(4, b'2b')).decode()"),
    ("bcrypt", "bcrypt $2a$", "bcrypt.hashpw(p.encode()[:72], bcrypt.gensalt(4, b'2a')).decode()"),
    ("passlib", "passlib pbkdf2", "libpass.pbkdf2_sha1.using(rounds=1 + i).hash(p)"),
    ("passlib", "passlib pbkdf2-sha256", "libpass.pbkdf2_sha256.using(rounds=1 + 50 * i).hash(p)"),
    ("passlib", "passlib pbkdf2-sha512", "libpass.pbkdf2_sha512.using(rounds=1 + 50 * i).hash(p)"),
    ("crypt", "sha256-crypt", "libpass.sha256_crypt.using(rounds=1000 + i, salt_size=2 + 2 * i).hash(p)"),
    ("crypt", "sha512-crypt", "libpass.sha512_crypt.using(rounds=1000 + i, salt_size=2 + 2 * i).hash(p)"),
    ("phpass", "phpass $P$", "libpass.phpass.using(rounds=7 + i % 3).hash(p)"),
    ("phpass", "phpass $H$", "libpass.phpass.using(rounds=7 + i % 3, ident='$H$').hash(p)"),
    ("ldap", "ldap {SSHA}", "libpass.ldap_salted_sha1.using(salt_size=4 + 2 * i).hash(p)"),
    ("ldap", "ldap {SSHA256}", "libpass.ldap_salted_sha256.using(salt_size=4 + 2 * i).hash(p)"),
    ("ldap", "ldap {SSHA512}", "libpass.ldap_salted_sha512.using(salt_size=4 + 2 * i).hash(p)"),
    *(("flask-security", f"flask-security {scheme}", f"flask_security_hash('{scheme}', p)")
      for scheme in ("argon2", "bcrypt", "pbkdf2_sha256", "pbkdf2_sha512", "sha256_crypt", "sha512_crypt")),
    ("spring", "spring {bcrypt}", "'{bcrypt}' + bcrypt.hashpw(p.encode()[:72], bcrypt.gensalt(4, b'2a')).decode()"),
    ("spring", "spring {argon2}", "'{argon2}' + argon2('ID', p, f'seasalt-of-spring-{i}')"),
    *(("dovecot", f"dovecot {{{kind}}}", f"'{{{kind}}}' + argon2('{kind[6:]}', p, f'seasalt-dovecot-{{i}}')")
      for kind in ("ARGON2I", "ARGON2ID")),
    *(("keycloak", f"keycloak {name}",
       f"keycloak('{name}', 1 + 50 * i, f'seasalt-keycloak{{i}}', p, {size})") for name, size in
      (("pbkdf2", 64), ("pbkdf2-sha256", 64), ("pbkdf2-sha256", 32), ("pbkdf2-sha512", 64))),
    ("aspnet-identity", "identity v2", "identity(2, 'SHA1', 1000, p)"),
    ("aspnet-identity", "identity v3",
     "identity(3, ALGORITHMS[i % 3].upper(), 1 + 50 * i, p)"),
]  # fmt: skip

# System, format, options, shell command with $PW, and the scheme or how what is printed becomes a stored hash.
COMMANDS = [
    ("bcrypt", "bcrypt $2y$", {}, """perl -e 'print crypt($ENV{PW}, "\\$2y\\$04\\$abcdefghijklmnopqrstuu")'""", None),
    ("crypt", "sha512-crypt", {}, """printf '%s' "$PW" | openssl passwd -6 -salt saltstring -stdin""", None),
    ("crypt", "sha256-crypt", {}, """perl -e 'print crypt($ENV{PW}, "\\$5\\$rounds=1400\\$anotherlongsalts")'""",
     None),
    ("drupal", "drupal $S$", {}, "EXPONENT=8 SALT=seasalt0 " + PERL_DRUPAL, None),
    ("drupal", "drupal U$S$", {}, "EXPONENT=7 SALT=seasalt1 OLD=1 " + PERL_DRUPAL, None),
    ("moodle", "moodle md5", {"peppers": ["s1te-Salt!", "0ld", ""]}, """printf '%ss1te-Salt!' "$PW" | openssl dgst -md5 -r""",
     "md5"),
    ("moodle", "moodle md5", {"peppers": ["s1te-Salt!", "0ld", ""]}, """printf '%s0ld' "$PW" | openssl dgst -md5 -r""",
     "md5"),
    ("moodle", "moodle md5", {"peppers": ["s1te-Salt!", ""]}, """printf '%s' "$PW" | openssl dgst -md5 -r""", "md5"),
    ("moodle", "moodle md5 addslashes", {"peppers": ["s1te-Salt!", ""]},
     """printf '%ss1te-Salt!' "$PW" | sed 's/[\\\\"'"'"']/\\\\&/g' | openssl dgst -md5 -r""", "md5"),
    ("moodle", "moodle $6$ with a pepper", {"peppers": ["p3pper", ""]},
     """perl -e 'print crypt($ENV{PW}."p3pper", "\\$6\\$rounds=1000\\$saltstring")'""", None),
    # WordPress 6.8, wp_hash_password(): its three lines, around PHP's own functions.
    ("wordpress", "wordpress $wp$2y$", {}, PHP + """$key = base64_encode(hash_hmac("sha384", trim($pw), "wp-sha384", true));
       echo "\\$wp".password_hash($key, PASSWORD_BCRYPT, ["cost" => 4]);'""", None),
    ("wordpress", "wordpress $wp$2y$ of magic quotes", {}, PHP + """$pw = addslashes($pw);
       $key = base64_encode(hash_hmac("sha384", trim($pw), "wp-sha384", true));
       echo "\\$wp".password_hash($key, PASSWORD_BCRYPT, ["cost" => 4]);'""", None),
    # Drupal 10, PhpPassword::hash().
    ("drupal", "drupal $2y$ bcrypt", {}, PHP + """echo password_hash($pw, PASSWORD_DEFAULT, ["cost" => 4]);'""", None),
    # phpBB 3.3, type_cast_helper::set_var(), then the drivers bcrypt_2y and argon2i.
    ("phpbb", "phpbb $2y$ bcrypt", {}, PHP + """$pw = htmlspecialchars($pw, ENT_COMPAT, "UTF-8");
       echo password_hash($pw, PASSWORD_BCRYPT, ["cost" => 4]);'""", None),
    ("phpbb", "phpbb $argon2i$", {}, PHP + """$pw = htmlspecialchars($pw, ENT_COMPAT, "UTF-8");
       echo password_hash($pw, PASSWORD_ARGON2I, ["memory_cost" => 8, "time_cost" => 1]);'""", None),
    ("argon2i", "argon2i", {}, PHP + """echo password_hash($pw, PASSWORD_ARGON2I, ["memory_cost" => 16, "time_cost" => 2]);'""",
     None),
    # Symfony's MessageDigestPasswordHasher::hash(): its loop, around PHP's hash().
    ("symfony", "symfony", {}, PHP + """$salted = $pw."{seasalt}"; $digest = hash("sha512", $salted, true);
       for ($i = 1; $i < 5000; $i++) $digest = hash("sha512", $digest.$salted, true); echo base64_encode($digest);'""",
     "symfony"),
    *((f"bcrypt-of-{name}", f"bcrypt of {name}", {},
       PHP + f"""echo password_hash(hash("{name}", $pw), PASSWORD_BCRYPT, ["cost" => 4]);'""", f"bcrypt-of-{name}")
      for name in ("md5", "sha1", "sha256")),
    # Devise::Encryptor.digest(): the pepper after the password.
    ("bcrypt", "bcrypt with Devise's pepper", {"peppers": ["d3vise-pepper"]},
     """ruby -rbcrypt -e 'print BCrypt::Password.create(ENV["PW"] + "d3vise-pepper", cost: 4)'""", None),
    *((("crypt", "md5-crypt $1$", {}, command, None)) for command in
      ("""printf '%s' "$PW" | openssl passwd -1 -salt salt -stdin""", """perl -e 'print crypt($ENV{PW}, "\\$1\\$saltsalt")'""")),
    ("apache", "apache $apr1$", {}, """printf '%s' "$PW" | openssl passwd -apr1 -salt saltsalt -stdin""", None),
    *(("apache", f"apache {shape}", {}, f"""printf '%s' "$PW" | htpasswd -ni{option} user | cut -d: -f2-""", None)
      for shape, option in (("$apr1$", "m"), ("{SHA}", "s"), ("bcrypt", "B -C 4"))),
    *(("ldap", f"ldap {{{tag}}}", {}, SLAP + f"-h '{{{tag}}}'", None)
      for tag in ("SSHA", "SMD5", "SHA", "MD5")),
    ("ldap-crypt", "ldap {crypt} of $6$", {}, SLAP + "-h '{CRYPT}' -c '$6$rounds=1000$%.8s' | sed 's/^{CRYPT}/{crypt}/'", None),
    ("ldap-crypt", "ldap {CRYPT} of $5$", {}, SLAP + "-h '{CRYPT}' -c '$5$rounds=1000$%.16s'", None),
    ("ldap-crypt", "ldap {CRYPT} of $1$", {}, SLAP + "-h '{CRYPT}' -c '$1$%.8s'", None),
    *(("dovecot", f"dovecot {{{tag}}}", {}, DOVEADM + f"-s {tag} {rounds}", None) for tag, rounds in
      (("SHA512-CRYPT", "-r 1000"), ("SHA256-CRYPT", "-r 1000"), ("MD5-CRYPT", ""), ("BLF-CRYPT", "-r 4"), ("CRYPT", "-r 4"),
       ("SSHA512", ""), ("SSHA256", ""), ("SHA512", ""), ("SHA256", ""))),
    ("mysql", "mysql", {}, r"""mariadb -N -e "SELECT PASSWORD(CONVERT(X'$(printf '%s' "$PW" | od -An -tx1 -v | tr -d ' \n')' USING utf8mb4))" """, None),
    *(("digests", f"bare {name}", {}, """printf '%s' "$PW" | openssl dgst -""" + name + " -r", name)
      for name in ("md5", "sha1", "sha256", "sha512")),
    *(("digests", f"bare {name}-salt-before", {}, """printf 'seasalt%s' "$PW" | openssl dgst -""" + name + " -r",
       f"{name}-salt-before") for name in ("md5", "sha1", "sha256", "sha512")),
    *(("digests", f"bare {name}-salt-after", {}, """printf '%sseasalt' "$PW" | openssl dgst -""" + name + " -r",
       f"{name}-salt-after") for name in ("md5", "sha1", "sha256", "sha512")),
    *(("digests", f"bare md5 in {encoding}", {"encodings": [encoding]},
       f"""printf '%s' "$PW" | iconv -f UTF-8 -t {name} | openssl dgst -md5 -r""", "md5")
      for encoding, name in (("cp1252", "CP1252"), ("latin-1", "ISO-8859-1"))),
    ("digests", "bare md5 before and after UTF-8", {"encodings": ["utf-8", "cp1252"]},
     """printf '%s' "$PW" | iconv -f UTF-8 -t CP1252 | openssl dgst -md5 -r""", "md5"),
    *(("aspnet-membership", f"membership {name}", {},
       """(printf 'seasalt-16-bytes'; printf '%s' "$PW" | iconv -f UTF-8 -t UTF-16LE) | openssl dgst -""" + name
       + " -binary | base64" + (" -w0" if name == "sha512" else ""), f"membership {name.upper()}") for name in ("sha1", "sha256", "sha512")),
    # SqlMembershipProvider.EncodePassword: the key is the salt, repeated to .NET's default key, which is one block.
    *(("aspnet-membership", f"membership hmac{name}", {},
       """printf '%s' "$PW" | iconv -f UTF-8 -t UTF-16LE | openssl dgst -""" + name + " -mac HMAC -macopt hexkey:"
       + (b"seasalt-16-bytes" * blocks).hex() + " -binary | base64 -w0", f"membership HMAC{name.upper()}")
      for name, blocks in (("sha1", 4), ("sha256", 4), ("sha512", 8))),
]  # fmt: skip

ASPNET = "github.com/dotnet/aspnetcore src/Identity/test/Identity.Test/PasswordHasherTest.cs"
JOHN = "github.com/openwall/john src/"
PUBLISHED = [
    ("aspnet-identity", "identity v2", {}, "my password", ASPNET,
     ["ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A==",
      "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="]),
    ("aspnet-identity", "identity v3", {}, "my password", ASPNET,
     ["AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
      "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ="]),
    ("wordpress", "wordpress $wp$2y$", {}, "admin", "github.com/seanmorris/php-wasm, a site's dump",
     ["$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES"]),
    ("dovecot", "dovecot {ARGON2ID}", {}, "x", "doveadm pw -s ARGON2ID -p x",
     ["{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$kqNxv3+6js8xxeps84VJUg$qqPW2+F3qncuPzIAYKEwHDmASDXn3CkBuAQd1mJY8wY"]),
    ("dovecot", "dovecot {ARGON2I}", {}, "x", "doveadm pw -s ARGON2I -r 3 -p x",
     ["{ARGON2I}$argon2i$v=19$m=32768,t=3,p=1$sHQ/FhpV35PSf2rNSgCk7A$dn3AwCUx/MfUDBI5iFK9cyysI4Soky2LW4qkVN4GbHY"]),
    ("spring", "spring {bcrypt}", {}, "password", "docs.spring.io, Password Storage, Example 3",
     ["{bcrypt}$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG"]),
    ("drupal", "drupal $S$", {}, "virtualabc", JOHN + "drupal7_common.h",
     ["$S$CwkjgAKeSx2imSiN3SyBEg8e0sgE2QOx4a/VIfCHN0BZUNAWCr1X"]),
    ("drupal", "drupal $S$", {}, "password", JOHN + "drupal7_common.h",
     ["$S$CFURCPa.k6FAEbJPgejaW4nijv7rYgGc4dUJtChQtV4KLJTPTC/u"]),
    ("drupal", "drupal $S$", {}, "NEW_TEMP_PASSWORD", JOHN + "drupal7_common.h",
     ["$S$C6x2r.aW5Nkg7st6/u.IKWjTerHXscjPtu4spwhCVZlP89UKcbb/"]),
    ("phpass", "phpass $P$", {}, "JohnRipper", JOHN + "phpass_common_plug.c",
     ["$P$612345678si5M0DDyPpmRCmcltU/YW/", "$P$B12345678L6Lpt4BxNotVIMILOa9u81"]),
    ("phpass", "phpass $H$", {}, "JohnRipper", JOHN + "phpass_common_plug.c", ["$H$712345678WhEyvy1YWzT4647jzeOmo0"]),
    ("phpass", "phpass $H$", {}, "test1", JOHN + "phpass_common_plug.c", ["$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00"]),
]  # fmt: skip
EXPORTS = "realm exports and dumps in public repositories, with this password"
KEYCLOAK = [
    ("user1", "pbkdf2-sha256", 27500, "H1Yjwf5UUIip/deJSkNJ+Q==",
     "gI7lGJLNUQfn6xcMUtLp0XnOIF3JdaoAj8IogosYZsDg4Q5cFxG5JkJrKZpR7mIG5MxlH346ikZKsiZovvFKDQ=="),
    ("admin", "pbkdf2-sha256", 27500, "ML+SBS1T6UJAZEUjNmd7HA==",
     "vVkI4Eaf4D19T91kbMTgveLRr6Qt+TwvLiHvtX+IfOR+7jhnEk/cAEO8NQM3oIfO1WxE+0z6w2kcTO1kMxP5jg=="),
    ("password", "pbkdf2-sha256", 27500, "pogaDW0yrL1M2RliDB8dFw==",
     "BHqbYyUyKKeylieUovUvuhDJY24z6erNK9sLpdEaX+xvq/oYKZBpKC+vcBBgxOCoCaJvexFEGw5nUqbmQyxfiQ=="),
    ("password", "pbkdf2-sha256", 27500, "P5rtFkGtPfoaryJ6PizUJw==", "JsfNbCOIdZUbyBJ+BT+VoGI91Ec2rWLOvkLPDaX8e9k="),
    ("password", "pbkdf2-sha512", 210000, "6HzgnmR6i/9X1URbyyIrcg==",
     "pt3vWMFn9LFsNbqU3QA3gsUiirluhyEfJscqPAIKBGSvxc6OuZkOlce8xBf97tfJM61xXPdXf60J1d17AckP1w=="),
    ("password", "pbkdf2-sha512", 210000, "JaBKqx57IIB/dLDTpWBu+Q==",
     "5IL4kCCyOerhaEHfdK1BbjYxO6HitYLRtJOxwD8MUZH5wCgc1edmf35rWiP9sRxEwnQDstxch8twKh08Usi1fQ=="),
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
    if form.startswith("membership"):
        salt = b64encode(b"seasalt-16-bytes").decode()
        return legacy.membership_hash(password=printed, salt=salt, algorithm=form.split()[1]).encoded
    if form.startswith("bcrypt-of-"):
        return legacy.tagged_hash(form, printed).encoded
    salted = "-salt-" in form or form == "symfony"
    return legacy.digest_hash(form, printed.split()[0], salt="seasalt" if salted else b"").encoded


def wrong_twin(shape: str, password: str) -> str:
    # Under bcrypt what follows 72 bytes does not count, so its twins differ in front.
    if "bcrypt" in shape or "2y" in shape or "BLF" in shape or shape == "dovecot {CRYPT}":
        return ("y" if password[0] == "x" else "x") + password[1:]
    return password[:-1] + ("y" if password[-1] == "x" else "x")


def options_of(system: str) -> dict[str, object]:
    return {"peppers": [FLASK_SALT]} if system == "flask-security" else {}


def verifier_of(system: str, options: dict[str, object]) -> legacy.SystemVerifier:
    return legacy.SystemVerifier(system, **options)


def vectors() -> list[dict[str, object]]:
    rows = []

    def add(system: str, shape: str, options: dict[str, object], password: str, encoded: str, source: str) -> None:
        wrong = wrong_twin(shape, password)
        checker = verifier_of(system, options)
        assert checker.verify(Secret(password), PasswordHash(encoded)), (shape, password, encoded)
        assert not checker.verify(Secret(wrong), PasswordHash(encoded)), (shape, password, encoded)
        rows.append({"system": system, "format": shape, "options": options, "password": password, "wrong": wrong,
                     "hash": encoded, "source": source})  # fmt: skip

    for system, shape, expression in EXPRESSIONS:
        for i, p in enumerate(PASSWORDS):
            p = p[:60] if shape == "django bcrypt" else p
            encoded = eval(expression, globals(), {"p": p, "i": i})  # noqa: S307  Expressions of this file.
            add(system, shape, options_of(system), p, encoded, f"python: {expression}; i={i}")
    for system, shape, options, command, form in COMMANDS:
        for p in PASSWORDS:
            if (options.get("encodings") == ["latin-1"] and "€" in p) or ("encodings" in options and "😀" in p):
                p = p.replace("€", "").replace("😀", "") or "é"
            if system == "wordpress":
                p = p.strip()
            with NamedTemporaryFile() as file:
                printed = shell(command, PW=p, FILE=file.name)
            add(system, shape, options, p, stored_form(printed, form), f"bash: PW=password; {command}")
    for system, shape, options, password, source, hashes in PUBLISHED:
        for encoded in hashes:
            add(system, shape, options, password, encoded, source)
    for password, algorithm, count, salt, value in KEYCLOAK:
        encoded = keycloak_export(algorithm, count, salt, value)
        add("keycloak", f"keycloak {algorithm}", {}, password, encoded, EXPORTS)
    for password, salt, digest in MEMBERSHIP:
        algorithm = "SHA1" if len(digest) == 28 else "SHA256"
        encoded = legacy.membership_hash(password=digest, salt=salt, algorithm=algorithm).encoded
        add(
            "aspnet-membership", f"membership {algorithm.lower()}", {}, password, encoded, JOHN + "episerver_fmt_plug.c"
        )
    return rows


def write() -> None:
    rows = vectors()
    for system in sorted({str(row["system"]) for row in rows}):
        ours = [row for row in rows if row["system"] == system]
        text = json.dumps(ours, ensure_ascii=True, indent=1)
        (FOLDER / f"{system}.json").write_text(text + "\n", encoding="ascii")
    counts: dict[str, int] = {}
    for row in rows:
        counts[str(row["format"])] = counts.get(str(row["format"]), 0) + 1
    for shape, count in sorted(counts.items()):
        print(f"{count:4} {shape}")
    print(f"{len(rows):4} vectors of {len(counts)} formats")


def agree(pairs: int) -> int:
    """Compare with what the systems themselves say, to the right password and to one that is a character off."""
    draw = random.Random(20240901)  # noqa: S311  The same pairs each time.
    compared = [row for row in EXPRESSIONS if not row[1].startswith(("identity", "keycloak"))]
    letters = "abcXYZ019 '\"\\$:;äñß€😀中​"
    disagreements = 0
    for number in range(pairs):
        system, shape, expression = compared[number % len(compared)]
        p = "".join(draw.choice(letters) for _ in range(draw.randint(1, 17)))
        other = wrong_twin(shape, p)
        encoded = PasswordHash(eval(expression, globals(), {"p": p, "i": number % 7}))  # noqa: S307  Expressions of this file.
        checker = verifier_of(system, options_of(system))
        for password, expected in ((p, True), (other, theirs(shape, other, encoded.encoded))):
            if checker.verify(Secret(password), encoded) is not expected:
                disagreements += 1
                print("disagree:", shape, ascii(password), encoded.encoded)
    print(f"{pairs} pairs, {disagreements} disagreements")
    return disagreements


def agree_on_commands(each: int) -> int:
    """Compare with what the other programs print: its password, and one that is a character off."""
    draw = random.Random(68)  # noqa: S311  The same passwords each time.
    disagreements = 0
    for system, shape, options, command, form in COMMANDS:
        letters = "abcXYZ019 '\"\\$:;&<äñß" + ("" if "encodings" in options else "€😀中")
        for _ in range(each):
            p = "".join(draw.choice(letters) for _ in range(draw.randint(1, 17))).strip() or "x"
            with NamedTemporaryFile() as file:
                encoded = PasswordHash(stored_form(shell(command, PW=p, FILE=file.name), form))
            checker = verifier_of(system, options)
            for password, expected in ((p, True), (wrong_twin(shape, p), False)):
                if checker.verify(Secret(password), encoded) is not expected:
                    disagreements += 1
                    print("disagree:", shape, ascii(password), encoded.encoded)
    print(f"{len(COMMANDS)} commands, {each} passwords each, {disagreements} disagreements")
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
        encoded = PasswordHash(write_argon2(StoredArgon2(tuple(cost.values()), salt=salt, tag=tag, key_id=key_id)))
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
    if "argon2" in shape.lower() and not shape.startswith("flask"):
        try:
            return PasswordHasher().verify("$" + encoded.partition("$")[2], password)
        except VerifyMismatchError:
            return False
    if shape.startswith("flask-security"):
        with flask_app(shape.split()[1]).app_context():
            return flask_security.verify_password(flask_form(password), encoded.removeprefix("$pc$flask-security"))
    if shape.startswith("django"):
        return bool(django.identify_hasher(encoded).verify(password, encoded))
    if shape.startswith("werkzeug"):
        return werkzeug.check_password_hash(encoded, password)
    if shape.startswith(("bcrypt", "spring {bcrypt}")):
        return bcrypt.checkpw(password.encode()[:72], encoded.removeprefix("{bcrypt}").encode())
    handler = {"passlib pbkdf2": "pbkdf2_sha1", "passlib pbkdf2-sha256": "pbkdf2_sha256",
               "passlib pbkdf2-sha512": "pbkdf2_sha512", "sha256-crypt": "sha256_crypt", "sha512-crypt": "sha512_crypt",
               "phpass $P$": "phpass", "phpass $H$": "phpass", "ldap {SSHA}": "ldap_salted_sha1",
               "ldap {SSHA256}": "ldap_salted_sha256", "ldap {SSHA512}": "ldap_salted_sha512"}[shape]  # fmt: skip
    return bool(getattr(libpass, handler).verify(password, encoded))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agree", action="store_true", help="write nothing, compare")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="how many to compare, by default 5,000")
    parser.add_argument("--commands", type=int, default=25, help="passwords for each shell command, by default 25")
    options = parser.parse_args()
    if not options.agree:
        write()
    elif agree(options.pairs) + agree_on_argon2(options.pairs // 5) + agree_on_commands(options.commands):
        sys.exit(1)
