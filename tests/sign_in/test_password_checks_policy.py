"""Checks behind the policy's own: lists of stolen passwords, and zxcvbn."""

from __future__ import annotations

import hashlib
import socket
import threading
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import attrs
import pytest

from portalcreds.accounts import Account
from portalcreds.contacts import Contact, ContactId
from portalcreds.exceptions import ConfigurationError, InvalidValueError
from portalcreds.secret import Secret
from portalcreds.sign_in import BreachChecker, PasswordPolicy, Violation
from stores.hosts import need

STOLEN = "lampe Regenschirm 47 Käse"
OTHER = "mfvzhgkqwdjnbtxrlpsc"
ROSA = Account(contact=Contact(contact_id=ContactId("1"), first_name="Rosella", last_name="Abbiatici"))


def codes(policy: PasswordPolicy, password: str) -> list[str]:
    """Return the codes of everything that is wrong with *password*."""
    return [violation.code for violation in policy.violations(Secret(password), ROSA)]


# -- stolen passwords


def digest(password: str) -> str:
    """Return what Pwned Passwords knows a password by."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def lines_for(*counted: tuple[str, int], padding: int = 800) -> str:
    """Return an answer as Pwned Passwords pads it: with endings that are in no list, counted 0 times."""
    padded = [f"{number:035X}:0" for number in range(padding)]
    return "\r\n".join(
        [*padded[::2], *(f"{digest(password)[5:]}:{count}" for password, count in counted), *padded[1::2]]
    )


@attrs.define
class Range:
    """A server of ranges, as it is there and asked over HTTP."""

    url: str
    timeout: float = 2
    answers: dict[str, str] = attrs.field(factory=dict)
    asked: list[str] = attrs.field(factory=list)

    def read(self, prefix: str) -> str:
        """Return the lines for *prefix*, as a host's function does."""
        request = urllib.request.Request(f"{self.url}/range/{prefix}", headers={"Add-Padding": "true"})  # noqa: S310  A server of the test's own.
        with urllib.request.urlopen(request, timeout=self.timeout) as response:  # noqa: S310  The server below.
            text: str = response.read().decode()
        return text


@pytest.fixture
def ranges() -> Iterator[Range]:
    """Serve ranges on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            body = served.answers.get(self.path.rpartition("/")[2], lines_for()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing to the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Range(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield served
        server.shutdown()


def test_stolen_password_is_refused(ranges: Range) -> None:
    """A password in the list is refused with the number of times, and another is not (ASVS 6.2.12)."""
    ranges.answers[digest(STOLEN)[:5]] = lines_for((STOLEN, 1749))
    policy = PasswordPolicy(checks=(BreachChecker(read_range=ranges.read, unreachable="refuse"),))

    (found,) = policy.violations(Secret(STOLEN), ROSA)
    assert (found.code, found.parameters) == ("breached", {"count": 1749})
    assert codes(policy, OTHER) == []


def test_no_more_than_the_prefix_is_told(ranges: Range) -> None:
    """The server learns five digits of a hash, and nothing of a password that the policy refuses anyway."""
    policy = PasswordPolicy(checks=(BreachChecker(read_range=ranges.read, unreachable="refuse"),))

    assert codes(policy, OTHER) == []
    assert "repetition" in codes(policy, "x" * 20)
    assert ranges.asked == [f"/range/{digest(OTHER)[:5]}"]


def test_spellings_of_one_password_are_one(ranges: Range) -> None:
    """What is looked for is the password's canonical form (R18)."""
    ranges.answers[digest(STOLEN)[:5]] = lines_for((STOLEN, 3))
    policy = PasswordPolicy(checks=(BreachChecker(read_range=ranges.read, unreachable="refuse"),))

    assert codes(policy, STOLEN.replace("ä", "a\u0308").replace(" ", "\u3000")) == ["breached"]


def test_padding_is_no_hit() -> None:
    """A line of 0 was put in to hide how long the answer is, also if its ending should be the password's."""
    checker = BreachChecker(read_range=lambda prefix: lines_for((STOLEN, 0)), unreachable="refuse")
    assert checker.violations(Secret(STOLEN), ROSA) == ()


def test_rare_ones_may_be_let_through() -> None:
    """A host says from how many times on a password is refused."""
    checker = BreachChecker(read_range=lambda prefix: lines_for((STOLEN, 4)), unreachable="refuse", least=5)

    assert checker.violations(Secret(STOLEN), ROSA) == ()
    assert attrs.evolve(checker, least=4).violations(Secret(STOLEN), ROSA) != ()


def _silent(_: str) -> str:
    # A server that takes a connection and never answers.
    with socket.create_server(("127.0.0.1", 0)) as server:
        return Range(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=0.05).read("00000")


def _nobody(_: str) -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    socket.create_connection(("127.0.0.1", port), timeout=1).close()
    return ""


@pytest.mark.parametrize(
    "read_range",
    [
        _silent,
        _nobody,
        lambda prefix: "<html>Please accept our terms</html>",
        lambda prefix: "",
        lambda prefix: lines_for(padding=30_000),
        lambda prefix: {}[prefix],
    ],
    ids=["silent", "nobody", "page of a proxy", "nothing", "endless", "defect"],
)
@pytest.mark.parametrize("unreachable", ["allow", "refuse"])
def test_list_that_is_not_there(read_range: Callable[[str], str], unreachable: Literal["allow", "refuse"]) -> None:
    """Whether people can choose passwords while the list is away is what the host said, however it is away."""
    policy = PasswordPolicy(checks=(BreachChecker(read_range=read_range, unreachable=unreachable),))
    assert codes(policy, OTHER) == ([] if unreachable == "allow" else ["breaches_unreachable"])


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"read_range": None, "unreachable": "allow"}, "read_range"),
        ({"read_range": len, "unreachable": "ignore"}, "unreachable"),
        ({"read_range": len, "unreachable": True}, "unreachable"),
        ({"read_range": len, "unreachable": "allow", "least": 0}, "least"),
    ],
)
def test_checker_that_cannot_be(arguments: dict[str, object], argument: str) -> None:
    """R23: a mistake is said when the checker is made."""
    with pytest.raises(ConfigurationError) as caught:
        BreachChecker(**arguments)  # type: ignore[arg-type]  # What is wrong on purpose.
    assert caught.value.argument == argument


def test_function_that_returns_bytes_is_told() -> None:
    """R23: a program's mistake is not taken for a server that is away, and shows no password (R14)."""
    checker = BreachChecker(read_range=lambda prefix: b"", unreachable="allow")  # type: ignore[arg-type, return-value]  # Wrong on purpose.
    with pytest.raises(InvalidValueError) as caught:
        PasswordPolicy(checks=(checker,)).violations(Secret(OTHER[:5] + OTHER[5:]), ROSA)
    printed = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())

    assert caught.value.field == "read_range"
    assert not any(text in printed for text in (OTHER[:5] + OTHER[5:], digest(OTHER), digest(OTHER)[5:]))


# -- zxcvbn


def test_zxcvbn_refuses_what_it_guesses() -> None:
    """An estimator can be asked on top; it knows English words that the policy does not."""
    estimator = need("portalcreds.sign_in.zxcvbn").ZxcvbnEstimator()
    policy = PasswordPolicy(second_factor=True, checks=(estimator,))

    assert codes(PasswordPolicy(second_factor=True), "ostriches") == []
    assert codes(policy, "ostriches") == ["guessable"]
    assert codes(policy, OTHER) == []
    assert codes(policy, "x" * 100 + " mfvzhgkqwdjnbtx") == ["guessable"]
    assert codes(policy, "mfvzhgkqwdjnbtx " + "lmv4" * 60) == []


def test_zxcvbn_knows_the_owner() -> None:
    """The names of the account are among what it guesses first."""
    module = need("portalcreds.sign_in.zxcvbn")
    owner = Account(contact=Contact(contact_id=ContactId("2"), first_name="Xvqjkwzhbn", last_name=None))
    found = module.ZxcvbnEstimator(least_score=4).violations(Secret("Xvqjkwzhbn77"), owner)

    assert [(one.code, one.parameters["needed"]) for one in found] == [("guessable", 4)]
    assert module.ZxcvbnEstimator(least_score=4).violations(Secret("Xvqjkwzhbn77"), ROSA) == ()


def test_zxcvbn_that_fails_refuses_nobody() -> None:
    """What it raises holds the password, so it is not let out; the policy has had its say (R14)."""
    module = need("portalcreds.sign_in.zxcvbn")
    assert module.ZxcvbnEstimator().violations(Secret(""), ROSA) == ()


@pytest.mark.parametrize("score", [0, 5, True, None, 2.5])
def test_zxcvbn_scores(score: object) -> None:
    """R23: a score that does not exist is refused when the estimator is made."""
    module = need("portalcreds.sign_in.zxcvbn")
    with pytest.raises(ConfigurationError):
        module.ZxcvbnEstimator(least_score=score)


# -- a host's own


def test_checks_of_a_host_are_all_told() -> None:
    """A host's own checks are asked in order, and all that they find is told at once (R19)."""

    @attrs.frozen
    class Never:
        code: str

        def violations(self, password: Secret, account: Account, /) -> tuple[Violation, ...]:
            """Refuse everything."""
            return (Violation(code=self.code, text="Choose something else."),)

    policy = PasswordPolicy(checks=[Never("one"), Never("other")])
    assert codes(policy, OTHER) == ["one", "other"]
    assert codes(policy, "aaaa") == ["too_short", "repetition"]
