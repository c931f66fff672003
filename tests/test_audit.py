"""Audit events are one line each, whatever their texts hold, and never fail to be made (R16, R17)."""

from __future__ import annotations

import re
import time
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.audit import MAX_AUDIT_TEXT, AuditEvent, AuditKind, showing, with_shown
from portalcreds.exceptions import InvalidValueError
from strategies import NOW

TEXT_FIELDS = ["operator_id", "contact_id", "reason", "operation_id", "source"]

# Category Cs too: a host's texts come from anywhere.
hostile_texts = st.text(st.characters(categories=None) | st.sampled_from('\r\n\x1b\u2028\u2029\x85"\\= \0\ud800'))

contact_ids = st.text(st.sampled_from("cP-0123456789é"), min_size=1)


def fields_of(line: str) -> dict[str, str]:
    """Read a line back: the inverse of what `AuditEvent.line` documents."""
    _, _, rest = line.partition(" ")[2].partition(" ")
    found = {}
    for name, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^ "]*))', rest):
        found[name] = plain or quoted
    return found


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize(
    "text",
    [
        "a\r\nb",
        "\x1b[2Jb",
        "a\u2028b",
        "a\u2029b",
        "a\x85b",
        "a\0b",
        "a\ud800b",
        'a" reason="forged',
        "a reason=x",
        "é",
    ],
)
def test_a_line_stays_one_line(field: str, text: Any) -> None:
    """No text ends a line, colours a terminal or forges a field (CWE-117)."""
    line = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, event_id="e1", **{field: text}).line()
    assert line.isascii()
    assert line.isprintable()
    assert len(line.splitlines()) == 1
    assert set(fields_of(line)) == {field, "event_id"}


@given(st.dictionaries(st.sampled_from(TEXT_FIELDS), hostile_texts))
def test_any_texts_at_all_make_one_line_with_the_same_fields(texts: dict[str, Any]) -> None:
    """Whatever is recorded, a reader finds exactly the fields there are."""
    line = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, event_id="e1", **texts).line()
    assert line.isascii()
    assert line.isprintable()
    assert set(fields_of(line)) == {*texts, "event_id"}


@given(st.dictionaries(st.sampled_from([*TEXT_FIELDS, "event_id"]), hostile_texts))
def test_no_field_breaks_a_line(texts: dict[str, Any]) -> None:
    """CWE-117: a host that writes single fields somewhere need not escape them again."""
    event = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, **texts)
    for field in texts:
        kept = getattr(event, field)
        assert not {unicodedata.category(char) for char in kept} & {"Cc", "Cs", "Zl", "Zp"}
        assert len(kept.splitlines()) <= 1
        assert attrs.evolve(event, **{field: kept}) == event, "what is read back from a store is not escaped again"


@pytest.mark.parametrize("count", ["3\n", 3.5, True])
def test_a_count_that_is_none_is_refused(count: Any) -> None:
    """A text with a line end would get past the escaping of texts."""
    with pytest.raises(InvalidValueError) as caught:
        AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, count=count)
    assert caught.value.field == "count"


@given(hostile_texts, hostile_texts)
def test_different_texts_make_different_lines(one: str, other: str) -> None:
    """Escaping loses nothing: two sources are never written alike."""
    event = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, source=one)
    changed = attrs.evolve(event, source=other)
    assert (event.line() == changed.line()) is (event.source == changed.source)


def test_a_line_reads_in_order() -> None:
    """When, what, then what there is of the rest: in UTC, to the microsecond, in the OWASP vocabulary."""
    event = AuditEvent(
        kind=AuditKind.PASSWORD_ISSUED,
        at=datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
        operator_id="clerk",
        contact_id="c-1",
        reason="selected",
        operation_id="job 7",
        count=3,
        confirmed_at=datetime(2026, 3, 1, 11, 59, tzinfo=UTC),
        source="192.0.2.1",
        event_id="e1",
    )
    assert event.line() == (
        "2026-03-01T12:00:00.000005Z authn_password_issue contact_id=c-1 operator_id=clerk reason=selected "
        'operation_id="job 7" count=3 confirmed_at=2026-03-01T11:59:00.000000Z source=192.0.2.1 event_id=e1'
    )


def test_a_count_of_none_is_written() -> None:
    """Zero is a count; only what is not there is left out."""
    assert " count=0 " in AuditEvent(kind=AuditKind.PASSWORD_ISSUED, at=NOW, count=0).line()
    assert "count" not in AuditEvent(kind=AuditKind.PASSWORD_ISSUED, at=NOW).line()


@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_a_text_that_is_too_long_is_cut(field: str) -> None:
    """Recording never fails for a long text, and every store can hold what is left."""
    texts: dict[str, Any] = {field: "é" * 100_000}
    event = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, **texts)
    assert getattr(event, field) == "é" * MAX_AUDIT_TEXT


@pytest.mark.parametrize("field", ["at", "confirmed_at"])
def test_a_naive_time_is_refused(field: str) -> None:
    """Times are aware and in UTC, or nobody could put two records in order."""
    arguments: dict[str, Any] = {"at": NOW, field: datetime(2026, 3, 1)}
    with pytest.raises(InvalidValueError) as caught:
        AuditEvent(kind=AuditKind.SIGN_IN_FAILED, **arguments)
    assert caught.value.field == field


def test_an_offset_of_zero_is_utc_by_whatever_name() -> None:
    """A database driver's own UTC is taken."""
    at = datetime(2026, 3, 1, tzinfo=timezone(timedelta(0), "Z"))
    assert AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=at).line().startswith("2026-03-01T00:00:00.000000Z ")


def test_a_kind_is_read_back_from_its_word_and_no_other() -> None:
    """A store keeps the word; a word that is none is refused rather than recorded."""
    assert AuditEvent(kind="authn_login_fail", at=NOW).kind is AuditKind.SIGN_IN_FAILED
    with pytest.raises(ValueError, match="pass an AuditKind"):
        AuditEvent(kind="login", at=NOW)


def test_kinds_are_words_of_their_own_that_a_store_can_hold() -> None:
    """No two kinds share a word, and each is one word on a line."""
    assert len(set(AuditKind)) == len(AuditKind)
    for kind in AuditKind:
        assert kind.isascii()
        assert kind.replace("_", "").replace(".", "").isalpha()
        assert len(kind) <= 64


def test_each_event_has_an_id_of_its_own() -> None:
    """Recording one event twice can be told from two events."""
    ids = {AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW).event_id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(event_id) == 32 for event_id in ids)


def test_ids_of_later_events_sort_after_earlier_ones() -> None:
    """A district's events go to the end of the index of ids; each in a page of its own would be most of the work."""
    first = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW).event_id
    time.sleep(0.002)
    assert AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW).event_id > first


def test_a_time_of_another_zone_is_taken_to_utc() -> None:
    """A clock in a zone with summer time is right all year, and the record is in UTC."""
    summer = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=summer).line().startswith("2026-07-01T11:00:00")


# -- whom a page or a plan showed


@given(st.lists(contact_ids, unique=True, max_size=200), st.lists(contact_ids, unique=True, max_size=200))
def test_whom_several_events_showed_can_be_asked(shown: list[str], others: list[str]) -> None:
    """R17: no is certain; the marks of one operation say nothing in another."""
    event = AuditEvent(kind=AuditKind.USERNAME_VIEWED, at=NOW, operator_id="clerk", count=len(shown), reason="plan")
    first, *rest = with_shown(event, shown)
    assert (first.kind, first.count, first.reason) == (event.kind, event.count, event.reason)
    assert len(rest) == -(-len(shown) // 63)
    assert {(each.operator_id, each.operation_id) for each in rest} <= {("clerk", first.operation_id)}
    assert sum(each.count or 0 for each in rest) == len(shown)
    for contact_id in shown:
        # Two of several hundred share a mark once in hundreds of runs; but never twice.
        assert 1 <= len(list(showing(contact_id, [first, *rest]))) <= 2
    strangers = [contact_id for contact_id in others if contact_id not in shown]
    assert sum(any(showing(contact_id, rest)) for contact_id in strangers) <= 2
    moved = [attrs.evolve(each, operation_id="another") for each in rest]
    assert sum(any(showing(contact_id, moved)) for contact_id in shown) <= 2


def test_a_look_up_of_one_is_found_among_others() -> None:
    """R17: one question covers what was looked up alone and in a page."""
    of_one = [
        AuditEvent(kind=AuditKind.USERNAME_VIEWED, at=NOW, contact_id=contact_id) for contact_id in ("c-1", "c-2")
    ]
    page = with_shown(AuditEvent(kind=AuditKind.USERNAME_VIEWED, at=NOW, count=2), ["c-2", "c-3"])
    failed = AuditEvent(kind=AuditKind.SIGN_IN_FAILED, at=NOW, contact_id="c-1")
    events = [*of_one, *page, failed]
    assert list(showing("c-1", events)) == [of_one[0]]
    assert list(showing("c-2", events)) == [of_one[1], page[1]]
    assert list(showing("c-4", events)) == []
