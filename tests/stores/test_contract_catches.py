"""The contracts catch what they are for: each broken store fails the test that is named for its fault (I1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.testing import AccountStoreContract, AttemptCounterContract, AuditSinkContract, ManualClock

from . import sabotaged_counters, sabotaged_sinks
from . import sabotaged_stores as broken

STORES = [
    (broken.LastWriteWins, "test_a_stale_old_never_overwrites"),
    (broken.FoldsCase, "test_find_by_username_does_not_fold"),
    (broken.FoldsIds, "test_find_is_by_the_whole_id"),
    (broken.StripsNames, "test_names_come_back_exactly"),
    (broken.NormalisesNames, "test_names_come_back_exactly"),
    (broken.Truncates, "test_the_longest_texts_are_not_cut"),
    (broken.EmptyIsNone, "test_no_name_is_not_an_empty_one"),
    (broken.DropsMicroseconds, "test_instants_come_back_to_the_microsecond"),
    (broken.DropsTheTimeZone, "test_instants_come_back_to_the_microsecond"),
    (broken.LosesTickets, "test_ticket_digests_come_back_exactly"),
    (broken.OverwritesOnAdd, "test_add_over_an_account_is_stale"),
    (broken.AddsWhatItShouldChange, "test_a_change_of_nobody_is_stale"),
    (broken.SharesUsernames, "test_add_with_a_taken_username"),
    (broken.AllOrNothing, "test_neighbours_of_a_stale_change_are_applied"),
    (broken.SortsChanges, "test_a_username_freed_in_the_same_call_is_free"),
    (broken.SortsChanges, "test_events_follow_the_order_of_the_changes"),
    (broken.RecordsBeforehand, "test_events_of_a_stale_change_are_not_stored"),
    (broken.RecordsTwice, "test_events_are_stored_with_their_change"),
    (broken.RecordsNothing, "test_events_are_stored_with_their_change"),
    (broken.SaysApplied, "test_the_same_change_applies_once"),
    (broken.SwallowsTaken, "test_rename_to_a_taken_username"),
    (broken.ReturnsLiveObjects, "test_what_was_returned_does_not_change"),
    (broken.ReadsComparesAndWrites, "test_of_racing_changes_one_wins"),
    (broken.TakesFewIds, "test_find_many_takes_more_ids_than_a_statement_does"),
    (broken.SearchesWithLike, "test_each_last_name_prefix_finds_what_begins_with_it"),
    (broken.PagesByKeyAlone, "test_pages_under_equal_keys"),
    (broken.SortsBySecond, "test_expiries_sort_to_the_microsecond"),
    (broken.ExpiresLate, "test_a_default_expires_at_its_instant"),
    (broken.ShowsErased, "test_erased_accounts_are_not_found"),
    (broken.RaisesForOddText, "test_what_cannot_be_stored_is_not_found"),
    (broken.HidesDisabled, "test_find_many_returns_those_that_are_there"),
    (broken.HidesErased, "test_find_many_returns_those_that_are_there"),
    (broken.BeginsAtThePlace, "test_pages_have_no_repeats_and_no_gaps"),
    (broken.BeginsAtThePlace, "test_pages_under_equal_keys"),
    (broken.LosesNameChanges, "test_a_default_of_an_old_name_stays_one"),
    (broken.LosesNameChanges, "test_every_field_of_an_account_comes_back"),
    (broken.EpochIsVersion, "test_find_epoch_is_not_the_version"),
]

COUNTERS = [
    (sabotaged_counters.LosesHits, "test_no_hit_is_lost"),
    (sabotaged_counters.ProlongsTheWindow, "test_the_first_hit_decides_when_the_window_ends"),
    (sabotaged_counters.NeverForgets, "test_the_count_is_forgotten_when_the_window_ends"),
    (sabotaged_counters.ForgetsLate, "test_the_count_is_forgotten_when_the_window_ends"),
    (sabotaged_counters.FoldsKeys, "test_keys_are_counted_apart"),
    (sabotaged_counters.PurgesEverything, "test_purge_removes_what_ended"),
    (sabotaged_counters.ReturnsAllForNone, "test_of_no_keys_there_are_no_counts"),
]

SINKS = [
    (sabotaged_sinks.DropsEventsWithoutContact, "test_events_about_nobody_are_kept"),
    (sabotaged_sinks.LosesCounts, "test_counts_are_kept"),
    (sabotaged_sinks.ReversesBatches, "test_a_batch_is_kept_in_order"),
    (sabotaged_sinks.Overwrites, "test_events_are_added_to_those_on_record"),
    (sabotaged_sinks.CutsTexts, "test_the_longest_texts_are_not_cut"),
    (sabotaged_sinks.RefusesOddText, "test_odd_text_does_not_prevent_a_record"),
    (sabotaged_sinks.FailsOnNothing, "test_recording_nothing_does_nothing"),
]


@pytest.fixture(autouse=True)
def _quiet_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    # A broken store also raises inside the threads of a race; what counts is the rule that fails for it.
    monkeypatch.setattr("threading.excepthook", lambda _: None)


@pytest.mark.parametrize(("store", "rule"), STORES)
def test_a_broken_store_fails_the_rule_it_breaks(store: Callable[[], MemoryAccountStore], rule: str) -> None:
    """I1: the fault is caught, and by the test whose name says what is wrong."""
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        getattr(AccountStoreContract(), rule)(store())
    getattr(AccountStoreContract(), rule)(MemoryAccountStore())


@pytest.mark.parametrize(("counter", "rule"), COUNTERS)
def test_a_broken_counter_fails_the_rule_it_breaks(counter: type[MemoryAttemptCounter], rule: str) -> None:
    """I1: the same for counters, R9's lost hits among them."""
    with pytest.raises(AssertionError):
        _try(rule, counter)
    _try(rule, MemoryAttemptCounter)


@pytest.mark.parametrize(("sink", "rule"), SINKS)
def test_a_broken_sink_fails_the_rule_it_breaks(sink: Callable[[], MemoryAccountStore], rule: str) -> None:
    """I1: the same for audit sinks, R17's lost look-ups of nobody in particular among them."""
    with pytest.raises((AssertionError, UnicodeEncodeError, IndexError)):
        getattr(AuditSinkContract(), rule)(sink())
    getattr(AuditSinkContract(), rule)(MemoryAccountStore())


def test_the_contract_is_complete() -> None:
    """I1: third-party stores are tried with at least eighty rules, each of which says in one sentence what it is."""
    rules = [getattr(AccountStoreContract, name) for name in dir(AccountStoreContract) if name.startswith("test_")]
    assert len(rules) >= 80
    assert all(rule.__doc__ and rule.__doc__.endswith(".") for rule in rules)


def _try(rule: str, counter: type[MemoryAttemptCounter]) -> None:
    clock = ManualClock()
    method = getattr(AttemptCounterContract(), rule)
    takes_clock = "clock" in method.__func__.__code__.co_varnames[: method.__func__.__code__.co_argcount]
    method(counter(clock=clock), clock) if takes_clock else method(counter(clock=clock))
