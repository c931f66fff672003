"""What values have in common, said once in `Value` instead of written by attrs for each class."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from portalcreds import DefaultExpired, SignInDenied, TicketInvalid, Unavailable
from portalcreds._value import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Parcel(Value):
    """A value with a field of each sort."""

    weight: int
    code: str = attrs.field(default="", repr=False)
    note: str = attrs.field(default="", eq=False)
    marks: list[int] = attrs.field(factory=list, hash=False)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Letter(Value):
    weight: int


@attrs.frozen(kw_only=True)
class _AsAttrsWritesIt:
    weight: int
    code: str = attrs.field(default="", repr=False)
    note: str = attrs.field(default="", eq=False)
    marks: list[int] = attrs.field(factory=list, hash=False)


def test_values_are_equal_when_their_fields_are() -> None:
    """A field that differs makes two values differ, unless it says ``eq=False``."""
    parcel = _Parcel(weight=1, code="a", marks=[2])
    assert parcel == _Parcel(weight=1, code="a", note="fragile", marks=[2])
    assert hash(parcel) == hash(_Parcel(weight=1, code="a", note="fragile", marks=[2]))
    for other in (attrs.evolve(parcel, weight=2), attrs.evolve(parcel, code="b"), attrs.evolve(parcel, marks=[])):
        assert parcel != other


def test_values_of_two_classes_differ() -> None:
    """A value equals none of another class, nor anything that is no value."""
    assert _Letter(weight=1) != _Parcel(weight=1)
    assert _Letter(weight=1) != 1


def test_a_field_may_stay_out_of_the_hash() -> None:
    """``hash=False`` lets a value be hashed although a field cannot."""
    assert hash(_Parcel(weight=1, marks=[1])) == hash(_Parcel(weight=1, marks=[2]))
    assert hash(_Parcel(weight=1)) != hash(_Parcel(weight=2))


def test_a_value_shows_its_fields_as_attrs_would() -> None:
    """Fields show in order, and ``repr=False`` keeps one hidden (R14)."""
    shown = repr(_Parcel(weight=1, code="secret", note="n"))
    assert shown == repr(_AsAttrsWritesIt(weight=1, code="secret", note="n")).replace("_AsAttrsWritesIt", "_Parcel")
    assert "secret" not in shown


@pytest.mark.parametrize("outcome", [DefaultExpired, SignInDenied, TicketInvalid, Unavailable])
def test_outcomes_without_fields_are_values(
    outcome: type[DefaultExpired | SignInDenied | TicketInvalid | Unavailable],
) -> None:
    """An outcome without fields equals its like, shows its name, stays frozen and goes to another process."""
    assert outcome() == outcome() == copy.copy(outcome()) == pickle.loads(pickle.dumps(outcome()))  # noqa: S301  Its own bytes.
    assert len({outcome(), outcome()}) == 1
    assert repr(outcome()) == f"{outcome.__name__}()"
    with pytest.raises(AttributeError):
        outcome().reason = "any"  # type: ignore[union-attr]  # Wrong on purpose.
