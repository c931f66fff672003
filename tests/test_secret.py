"""Plaintext that does not leak by accident (R14)."""

from __future__ import annotations

import copy
import io
import json
import pickle
import pprint
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.default_passwords.strategies import Derived
from portalcreds.secret import Secret

CANARY = "Kanarienvogel-7f3a"


@attrs.frozen(kw_only=True)
class Holder:
    """An attrs class of a host that holds a secret among other things."""

    secret: Secret
    number: int = 1


def raised_with(secret: Secret) -> str:
    """Return the traceback, local variables included, of an error raised where *secret* is one of them."""
    try:
        _ = secret, 1 // 0
    except ZeroDivisionError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    raise AssertionError("nothing was raised")


def printed(secret: Secret) -> str:
    """Return what print writes."""
    stream = io.StringIO()
    print(secret, [secret], {"a": secret}, file=stream)
    return stream.getvalue()


PRINTERS: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "ascii": ascii,
    "str": str,
    "format": format,
    "print": printed,
    "pprint": pprint.pformat,
    "f-string": lambda secret: f"{secret}",
    "f-string with repr": lambda secret: f"{secret!r}",
    "f-string with self-documentation": lambda secret: f"{secret=}",
    "f-string with a width": lambda secret: f"{secret:>40}",
    "f-string with a nonsense spec": lambda secret: f"{secret:d.%Q}",
    "format method": lambda secret: "{0} {0!r} {0!s:10}".format(secret),  # noqa: UP032  The method is what is tested.
    "percent s": lambda secret: "%s %r %a" % (secret, secret, secret),  # noqa: UP031  The operator is what is tested.
    "list": lambda secret: str([secret]),
    "dict": lambda secret: str({"password": secret}),
    "asdict": lambda secret: str(attrs.asdict(Holder(secret=secret))),
    "astuple": lambda secret: str(attrs.astuple(Holder(secret=secret))),
    "holder": lambda secret: repr(Holder(secret=secret)),
    "derived": lambda secret: repr(Derived(secret=secret)),
    "traceback with locals": raised_with,
    "type error of addition": lambda secret: message_of(lambda: secret + "x"),  # type: ignore[operator]  # Wrong on purpose.
    "type error of len": lambda secret: message_of(lambda: len(secret)),  # type: ignore[arg-type]  # Wrong on purpose.
    "attribute error": lambda secret: message_of(lambda: secret.text),  # type: ignore[attr-defined]  # Wrong on purpose.
    "json": lambda secret: message_of(lambda: json.dumps({"password": secret})),
    "key error": lambda secret: message_of(lambda: dict[str, int]()[repr(secret)]),
    "dir": lambda secret: str(dir(secret)),
}


def message_of(step: Callable[[], object]) -> str:
    """Return all that the error of *step* says."""
    with pytest.raises((TypeError, AttributeError, KeyError)) as caught:
        step()
    return f"{caught.value!s} {caught.value!r} {caught.value.args!r}"


@pytest.mark.parametrize("way", PRINTERS)
def test_a_secret_is_masked_wherever_python_prints_it(way: str) -> None:
    """No way of printing, walking or failing shows the plaintext (R14)."""
    text = PRINTERS[way](Secret(CANARY))
    assert CANARY not in text
    assert CANARY[:6] not in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_refuses_every_pickle_protocol(protocol: int) -> None:
    """Plaintext does not leave the process in a pickle, by itself or within something else."""
    for holder in (Secret(CANARY), [Secret(CANARY)], Holder(secret=Secret(CANARY)), Derived(secret=Secret(CANARY))):
        with pytest.raises(TypeError, match="not pickled") as caught:
            pickle.dumps(holder, protocol)
        assert CANARY not in repr(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_pure_python_pickler_is_refused_too(protocol: int) -> None:
    """What picklers of other libraries are built on finds no way round either."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle._Pickler(io.BytesIO(), protocol).dump(Secret(CANARY))


@pytest.mark.parametrize(
    "step",
    [
        copy.copy,
        copy.deepcopy,
        lambda secret: copy.deepcopy({"a": [secret]}),
        lambda secret: secret.__reduce__(),
        lambda secret: secret.__reduce_ex__(2),
        lambda secret: secret.__getstate__(),
        vars,
        json.dumps,
        hash,
        lambda secret: {secret},
        iter,
        bytes,
    ],
)
def test_a_secret_refuses_to_be_copied_walked_or_hashed(step: Callable[[Any], object]) -> None:
    """Each copy is one more to leak, and a hash would place it by its plaintext."""
    with pytest.raises(TypeError) as caught:
        step(Secret(CANARY))
    assert CANARY not in str(caught.value)


def test_a_secret_has_no_dict_and_no_public_attribute_but_reveal() -> None:
    """Serialisers that look at ``__dict__`` or at public names find nothing."""
    secret = Secret(CANARY)
    assert not hasattr(secret, "__dict__")
    assert [name for name in dir(secret) if not name.startswith("_")] == ["reveal"]
    with pytest.raises(AttributeError):
        secret.note = "x"  # type: ignore[attr-defined]  # Wrong on purpose.


def test_no_attrs_helper_sees_into_a_secret() -> None:
    """It is no attrs class, so that ``asdict`` leaves it whole instead of walking in."""
    assert not attrs.has(Secret)
    assert type(attrs.asdict(Holder(secret=Secret(CANARY)))["secret"]) is Secret


@given(st.text(st.characters(categories=None)))
def test_a_secret_holds_exactly_what_it_was_given(text: str) -> None:
    """No character is altered, surrogates and controls included."""
    secret = Secret(text)
    assert secret.reveal() == text
    assert Secret(secret).reveal() == text


@given(st.text(st.characters(categories=None)), st.text(st.characters(categories=None)))
def test_secrets_are_equal_when_their_plaintexts_are(one: str, other: str) -> None:
    """Equality is that of the code points, for every text Python can hold, and never raises."""
    assert (Secret(one) == Secret(other)) is (one == other)
    assert (Secret(one) != Secret(other)) is (one != other)
    assert Secret(one) == Secret(one)


def test_a_lone_surrogate_compares_without_an_error() -> None:
    """An encoding error would carry the whole plaintext."""
    assert Secret("pass\ud800word") == Secret("pass\ud800word")
    assert Secret("pass\ud800word") != Secret("pass\udc00word")


@pytest.mark.parametrize("other", [CANARY, None, 5, CANARY.encode(), [CANARY], SimpleNamespace(reveal=lambda: CANARY)])
def test_a_secret_equals_nothing_but_secrets(other: object) -> None:
    """A comparison with plain text is a mistake that must not work by accident."""
    assert Secret(CANARY) != other
    assert other != Secret(CANARY)


def test_comparing_goes_through_the_constant_time_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a comparison takes does not tell how much of it was right."""
    compared: list[tuple[bytes, bytes]] = []

    def spy(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", spy)
    assert Secret("a") == Secret("a")
    assert compared == [(b"a", b"a")]


@pytest.mark.parametrize("text", [None, 5, CANARY.encode(), [CANARY], SimpleNamespace(reveal=CANARY), object()])
def test_anything_but_text_is_refused_by_type(text: Any) -> None:
    """The refusal names the type and not the value."""
    with pytest.raises(TypeError) as caught:
        Secret(text)
    assert type(text).__name__ in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_secret_of_another_copy_of_the_package_is_taken() -> None:
    """Two vendored copies meet: a secret is read by its method and not by its class."""
    assert Secret(SimpleNamespace(reveal=lambda: CANARY)).reveal() == CANARY  # type: ignore[arg-type]  # Of another copy of the package.


def test_a_subclass_of_str_becomes_plain_text() -> None:
    """What a subclass prints or carries besides stays outside."""

    class Loud(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "loud"

    revealed = Secret(Loud(CANARY)).reveal()
    assert revealed == CANARY
    assert type(revealed) is str
