"""The contracts catch what they are for: each broken store fails the test that is named for its fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portalcreds._memory_jobs import MemoryJobStore
from portalcreds.exceptions import StoreError
from portalcreds.stores.memory import MemoryAccountStore, MemoryAttemptCounter
from portalcreds.testing import (
    AccountStoreContract,
    AttemptCounterContract,
    AuditSinkContract,
    JobStoreContract,
    ManualClock,
)

from . import sabotaged_counters, sabotaged_jobs, sabotaged_sinks
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
    (broken.SearchesWithLike, "test_each_typed_text_finds_what_the_query_says"),
    (broken.SearchesNamesOnly, "test_people_are_found_by_what_a_clerk_types"),
    (broken.FindsAnyWord, "test_people_are_found_by_what_a_clerk_types"),
    (broken.KeepsOldWords, "test_search_sees_what_was_just_written"),
    (broken.SortsByCodePoint, "test_names_sort_as_people_expect"),
    (broken.CountsWithoutFilters, "test_words_and_filters_together"),
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
    (broken.FindsTheFirst500, "test_find_many_finds_hundreds"),
    (broken.FindsTheFirst500Owners, "test_find_owners_says_whose_each_key_is"),
    (broken.FindsAtMost100, "test_find_many_finds_hundreds"),
    (broken.AppliesTheFirst400, "test_many_changes_in_one_call"),
    (broken.RefusesOver400, "test_many_changes_in_one_call"),
    (broken.ShowsAtMost200, "test_a_page_is_as_long_as_was_asked"),
    (broken.AddsOverErased, "test_add_over_an_erased_account_is_stale"),
    (broken.SkipsEqualChanges, "test_the_same_change_twice_in_one_call"),
    (broken.UndoesOnTakenRename, "test_neighbours_of_a_taken_rename_are_applied"),
    (broken.DisabledHasNoEpoch, "test_disabled_accounts_are_found"),
    (broken.DisabledIsNotFound, "test_disabled_accounts_are_found"),
    (broken.ErasedIsNotFound, "test_erased_accounts_are_found_by_id"),
    (broken.DisabledFreesTheUsername, "test_a_disabled_account_keeps_its_username"),
    (broken.KeepsOneEventPerContact, "test_events_of_two_changes_of_one_contact_in_one_call"),
    (broken.DropsLookalikeEvents, "test_events_that_look_alike_are_all_stored"),
    (broken.RecordsTheSameChangeTwice, "test_events_of_the_same_change_twice_are_stored_once"),
    (broken.TornReads, "test_find_reads_no_half_of_a_change"),
    (broken.WritesFieldByField, "test_find_many_reads_no_half_of_a_change"),
    (broken.WritesFieldByField, "test_search_reads_no_half_of_a_change"),
    (broken.FindsTheOwnerFirst, "test_find_by_username_reads_no_half_of_a_change"),
    (broken.RecordsInASecondStep, "test_no_change_is_seen_without_its_events"),
    (broken.RecordsInAFirstStep, "test_no_event_is_seen_without_its_change"),
    (broken.LosesUnkeptEvents, "test_a_change_is_stored_with_its_events_or_not_at_all"),
    (broken.FailsHalfWay, "test_after_a_store_error_nothing_is_stored"),
    (broken.QuotesValues, "test_errors_quote_no_values"),
    (broken.QuotesInTheCause, "test_errors_quote_no_values"),
    (broken.CutsWhatIsTooLong, "test_what_is_told_applied_is_stored"),
    (broken.SortsResults, "test_results_are_not_in_the_order_of_the_ids"),
    (broken.LocksInTheOrderGiven, "test_calls_that_meet_head_on_are_both_served"),
    (broken.LocksInTheOrderGiven, "test_usernames_that_meet_head_on_have_one_owner"),
    (broken.RemembersAbsence, "test_who_was_absent_is_found_once_added"),
    (broken.CachesPages, "test_pages_and_counts_are_not_kept"),
    (broken.ExpiresADayLate, "test_statuses_are_counted_as_each_account_says"),
    (broken.HasDaysInUTC, "test_statuses_are_counted_as_each_account_says"),
    (broken.CountsNobody, "test_nobody_is_counted_in_an_empty_store"),
    (broken.CountsErased, "test_what_was_erased_is_not_counted"),
    (broken.CachesCensuses, "test_a_count_sees_what_was_just_written"),
]

TWO_STORES = [
    (broken.CachesAccounts, "test_another_store_sees_each_change"),
    (broken.CachesAccounts, "test_another_store_finds_whom_it_did_not_find"),
    (broken.CachesEpochs, "test_another_store_sees_each_epoch"),
    (broken.CachesOwners, "test_another_store_sees_who_has_a_username"),
    (broken.CachesCounts, "test_another_store_sees_pages_and_counts"),
    (broken.BuffersEvents, "test_another_store_sees_the_events"),
    (broken.ComparesWithWhatItRead, "test_what_another_store_changed_is_stale"),
    (broken.LocksInTheProcess, "test_of_changes_in_two_stores_one_wins"),
    (broken.LocksInTheProcess, "test_of_usernames_in_two_stores_one_wins"),
]

COUNTERS = [
    (sabotaged_counters.LosesHits, "test_no_hit_is_lost"),
    (sabotaged_counters.ProlongsTheWindow, "test_the_first_hit_decides_when_the_window_ends"),
    (sabotaged_counters.NeverForgets, "test_the_count_is_forgotten_when_the_window_ends"),
    (sabotaged_counters.ForgetsLate, "test_the_count_is_forgotten_when_the_window_ends"),
    (sabotaged_counters.FoldsKeys, "test_keys_are_counted_apart"),
    (sabotaged_counters.PurgesEverything, "test_purge_removes_what_ended"),
    (sabotaged_counters.ReturnsAllForNone, "test_of_no_keys_there_are_no_counts"),
    (sabotaged_counters.CountsEachKeyOnce, "test_counts_are_in_the_order_of_the_keys"),
    (sabotaged_counters.CountsTheFirst100, "test_many_keys_in_one_question"),
    (sabotaged_counters.TheLastHitDecides, "test_the_first_hit_decides_whether_there_is_a_window"),
    (sabotaged_counters.PurgesInTwoSteps, "test_no_hit_is_lost_to_a_purge"),
]

TWO_COUNTERS = [
    (sabotaged_counters.CountsForItself, "test_another_counter_counts_on"),
    (sabotaged_counters.LocksInTheProcess, "test_no_hit_is_lost_between_two_counters"),
]

SINKS = [
    (sabotaged_sinks.DropsEventsWithoutContact, "test_events_about_nobody_are_kept"),
    (sabotaged_sinks.LosesCounts, "test_counts_are_kept"),
    (sabotaged_sinks.ReversesBatches, "test_a_batch_is_kept_in_order"),
    (sabotaged_sinks.Overwrites, "test_events_are_added_to_those_on_record"),
    (sabotaged_sinks.CutsTexts, "test_the_longest_texts_are_not_cut"),
    (sabotaged_sinks.FailsOnNothing, "test_recording_nothing_does_nothing"),
    (sabotaged_sinks.SwallowsErrors, "test_no_error_is_swallowed"),
    (sabotaged_sinks.DropsWhatDoesNotFit, "test_what_is_not_kept_is_told"),
    (sabotaged_sinks.StopsForGood, "test_what_is_not_kept_is_told"),
    (sabotaged_sinks.QuotesEvents, "test_what_is_not_kept_is_told"),
    (sabotaged_sinks.DropsLookalikes, "test_events_that_look_alike_are_all_kept"),
]

JOBS = [
    (sabotaged_jobs.DropsMicroseconds, "test_a_job_comes_back_exactly"),
    (sabotaged_jobs.CutsTexts, "test_the_longest_texts_are_not_cut"),
    (sabotaged_jobs.FoldsKeys, "test_nothing_is_there_of_a_job_that_is_not"),
    (sabotaged_jobs.ReplacesJobs, "test_a_key_is_used_once"),
    (sabotaged_jobs.AddsInTwoSteps, "test_of_racing_additions_one_wins"),
    (sabotaged_jobs.SkipsOneBetweenPages, "test_pages_have_no_repeats_and_no_gaps"),
    (sabotaged_jobs.OffersTheFirstOnly, "test_chunks_are_offered_in_order"),
    (sabotaged_jobs.OffersWhatIsHeld, "test_a_claimed_chunk_is_nobody_else_s"),
    (sabotaged_jobs.ClaimsWhatIsHeld, "test_a_claimed_chunk_is_nobody_else_s"),
    (sabotaged_jobs.ReadsAndClaims, "test_of_racing_claims_one_wins"),
    (sabotaged_jobs.ReadsAndClaims, "test_workers_share_a_job"),
    (sabotaged_jobs.RefusesItsOwn, "test_a_worker_can_claim_again_what_it_has"),
    (sabotaged_jobs.HoldsForEver, "test_what_a_dead_worker_had_is_free_after_the_lease"),
    (sabotaged_jobs.FreesTooLate, "test_what_a_dead_worker_had_is_free_after_the_lease"),
    (sabotaged_jobs.ClaimsWhatIsFinished, "test_a_finished_chunk_is_claimed_no_more"),
    (sabotaged_jobs.ForgetsWhatFailed, "test_what_was_given_back_can_be_claimed_at_once"),
    (sabotaged_jobs.ForgetsWhatFailed, "test_the_longest_texts_are_not_cut"),
    (sabotaged_jobs.SavesWhatItLost, "test_whoever_lost_a_chunk_keeps_nothing"),
    (sabotaged_jobs.SavesWhatNobodyClaimed, "test_what_nobody_claimed_is_not_saved"),
    (sabotaged_jobs.RefusesTheLate, "test_a_late_worker_is_heard_if_nobody_took_over"),
    (sabotaged_jobs.SavesNothingOfACancelledJob, "test_what_was_under_way_is_kept_though_the_job_is_cancelled"),
    (sabotaged_jobs.NeverCloses, "test_the_last_chunk_closes_the_job"),
    (sabotaged_jobs.ClaimsOfACancelledJob, "test_a_cancelled_job_offers_nothing"),
    (sabotaged_jobs.CancelsAgain, "test_a_cancelled_job_offers_nothing"),
    (sabotaged_jobs.CancelsAgain, "test_the_last_chunk_closes_the_job"),
    (sabotaged_jobs.ListsTheNewestFirst, "test_unfinished_jobs_come_in_the_order_of_their_start"),
    (sabotaged_jobs.CountsChunks, "test_progress_counts_contacts"),
    (sabotaged_jobs.HoldsWhatIsDead, "test_progress_counts_contacts"),
    (sabotaged_jobs.HopesForEver, "test_the_rest_takes_as_long_as_lately"),
    (sabotaged_jobs.CountsEverybody, "test_planned_are_counted_by_operator_and_time"),
    (sabotaged_jobs.CountsTheInstant, "test_planned_are_counted_by_operator_and_time"),
    (sabotaged_jobs.CountsSinceMidnight, "test_no_midnight_begins_anew"),
    (sabotaged_jobs.GivesBackWhatWasCancelled, "test_what_ended_still_counts"),
    (sabotaged_jobs.KeepsWhatItRefused, "test_a_ceiling_is_reached_and_not_passed"),
    (sabotaged_jobs.RefusesTheSecondOK, "test_a_key_that_is_there_is_not_over_the_ceiling"),
    (sabotaged_jobs.CountsWithCeilingsOnly, "test_without_a_ceiling_all_are_added_and_count"),
    (sabotaged_jobs.CountsAndAdds, "test_racing_jobs_stay_within_the_ceiling"),
    (sabotaged_jobs.PurgesFinishedOnly, "test_purging_removes_what_is_old"),
]

TWO_JOB_STORES = [
    (sabotaged_jobs.CachesJobs, "test_another_store_sees_each_step"),
    (sabotaged_jobs.LocksInTheProcess, "test_of_claims_in_two_stores_one_wins"),
    (sabotaged_jobs.LocksInTheProcess, "test_jobs_in_two_stores_stay_within_the_ceiling"),
]


class Fixtures:
    """What pytest hands to a rule that asks for optional fixtures."""

    def __init__(self, **fixtures: object) -> None:
        """Hand out these."""
        self._fixtures = fixtures

    def getfixturevalue(self, argname: str) -> object:
        """Return the value of the fixture with this name."""
        return self._fixtures[argname]


@pytest.fixture
def another_counter(no_such_fixture: object) -> object:
    """Stand for a fixture of the host's that is there and cannot be made."""
    return no_such_fixture


@pytest.fixture(autouse=True)
def _quiet_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    # A broken store also raises inside the threads of a race; what counts is the rule that fails for it.
    monkeypatch.setattr("threading.excepthook", lambda _: None)


@pytest.mark.parametrize(("store", "rule"), STORES)
def test_a_broken_store_fails_the_rule_it_breaks(store: Callable[[], MemoryAccountStore], rule: str) -> None:
    """The fault is caught, and by the test whose name says what is wrong."""
    with pytest.raises((AssertionError, StoreError, UnicodeEncodeError)):
        getattr(AccountStoreContract(), rule)(store())
    getattr(AccountStoreContract(), rule)(MemoryAccountStore())


@pytest.mark.parametrize(("kind", "rule"), TWO_STORES)
def test_a_store_that_forgets_the_other_fails_the_rule_it_breaks(kind: Callable[[], broken.Shares], rule: str) -> None:
    """The same for what a process keeps to itself, which shows only where two stores are over one place."""
    store = kind()
    with pytest.raises(AssertionError):
        getattr(AccountStoreContract(), rule)(store, Fixtures(another_store=store.another()))
    store = broken.Shares()
    getattr(AccountStoreContract(), rule)(store, Fixtures(another_store=store.another()))


@pytest.mark.parametrize(("counter", "rule"), COUNTERS)
def test_a_broken_counter_fails_the_rule_it_breaks(counter: type[MemoryAttemptCounter], rule: str) -> None:
    """The same for counters, R9's lost hits among them."""
    with pytest.raises(AssertionError):
        _try(rule, counter)
    _try(rule, MemoryAttemptCounter)


@pytest.mark.parametrize(("sink", "rule"), SINKS)
def test_a_broken_sink_fails_the_rule_it_breaks(sink: Callable[[], MemoryAccountStore], rule: str) -> None:
    """The same for audit sinks, R17's lost look-ups of nobody in particular among them."""
    with pytest.raises((AssertionError, StoreError, UnicodeEncodeError, IndexError)):
        getattr(AuditSinkContract(), rule)(sink())
    getattr(AuditSinkContract(), rule)(MemoryAccountStore())


@pytest.mark.parametrize(("jobs", "rule"), JOBS)
def test_a_broken_job_store_fails_the_rule_it_breaks(jobs: Callable[[], MemoryJobStore], rule: str) -> None:
    """The same for where jobs are kept, R12's leases among them."""
    with pytest.raises(AssertionError):
        getattr(JobStoreContract(), rule)(jobs())
    getattr(JobStoreContract(), rule)(MemoryJobStore())


@pytest.mark.parametrize(("kind", "rule"), TWO_JOB_STORES)
def test_a_job_store_that_forgets_the_other_fails_the_rule_it_breaks(
    kind: Callable[[], sabotaged_jobs.Shares], rule: str
) -> None:
    """The same for what another process does to a job."""
    jobs = kind()
    with pytest.raises(AssertionError):
        getattr(JobStoreContract(), rule)(jobs, Fixtures(another_jobs=jobs.another()))
    jobs = sabotaged_jobs.Shares()
    getattr(JobStoreContract(), rule)(jobs, Fixtures(another_jobs=jobs.another()))


@pytest.mark.parametrize(("kind", "rule"), TWO_COUNTERS)
def test_a_counter_that_forgets_the_other_fails_the_rule_it_breaks(
    kind: Callable[..., sabotaged_counters.Shares], rule: str
) -> None:
    """The same for counters that count in one process only."""
    clock = ManualClock()
    counter = kind(clock=clock)
    with pytest.raises(AssertionError):
        getattr(AttemptCounterContract(), rule)(counter, Fixtures(another_counter=counter.another()))
    counter = sabotaged_counters.Shares(clock=clock)
    getattr(AttemptCounterContract(), rule)(counter, Fixtures(another_counter=counter.another()))


def test_a_sink_that_waits_fails_the_rule_it_breaks() -> None:
    """The same for a sink whose events are still in the process when it ends."""
    rule = AuditSinkContract().test_another_sink_sees_the_events
    sink = sabotaged_sinks.Buffers()
    with pytest.raises(AssertionError):
        rule(sink, Fixtures(another_sink=sink.another()))
    shared = sabotaged_sinks.Shares()
    rule(shared, Fixtures(another_sink=shared.another()))


def test_what_says_nothing_without_its_server_fails_the_rule_it_breaks() -> None:
    """A store, sink or counter that is taken for an empty one when its server is away; R14: or quotes then."""
    for kind in (MemoryAccountStore, broken.QuotesWhatItCannotReach):
        with pytest.raises(AssertionError):
            AccountStoreContract().test_a_store_that_is_not_reached_says_so(Fixtures(unreachable_store=kind()))
    with pytest.raises(AssertionError):
        AuditSinkContract().test_a_sink_that_is_not_reached_says_so(Fixtures(unreachable_sink=MemoryAccountStore()))
    with pytest.raises(AssertionError):
        JobStoreContract().test_a_store_that_is_not_reached_says_so(Fixtures(unreachable_jobs=MemoryJobStore()))
    counter = Fixtures(unreachable_counter=MemoryAttemptCounter())
    with pytest.raises(AssertionError):
        AttemptCounterContract().test_a_counter_that_is_not_reached_says_so(counter)


def test_a_rule_without_its_fixture_is_skipped_by_name(request: pytest.FixtureRequest) -> None:
    """Whoever gives no second store reads what was not tried; a fixture that cannot be made is an error."""
    with pytest.raises(pytest.skip.Exception, match="not tried without a fixture another_store: "):
        AccountStoreContract().test_another_store_sees_each_epoch(MemoryAccountStore(), request)
    with pytest.raises(pytest.FixtureLookupError):
        AttemptCounterContract().test_another_counter_counts_on(MemoryAttemptCounter(), request)


def test_the_contract_is_complete() -> None:
    """Third-party stores are tried with at least eighty rules, each of which says in one sentence what it is."""
    rules = [getattr(AccountStoreContract, name) for name in dir(AccountStoreContract) if name.startswith("test_")]
    assert len(rules) >= 80
    rules += [getattr(JobStoreContract, name) for name in dir(JobStoreContract) if name.startswith("test_")]
    assert len(rules) >= 110
    assert all(rule.__doc__ and rule.__doc__.endswith(".") for rule in rules)


def _try(rule: str, counter: type[MemoryAttemptCounter]) -> None:
    clock = ManualClock()
    method = getattr(AttemptCounterContract(), rule)
    takes_clock = "clock" in method.__func__.__code__.co_varnames[: method.__func__.__code__.co_argcount]
    method(counter(clock=clock), clock) if takes_clock else method(counter(clock=clock))
