"""Limit guessing, on every path that verifies a password, over any counter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple

import attrs

from ._arguments import NEEDS_CLOCK, has_methods, is_callable, is_whole, lasts, refused_unless
from ._chunks import chunks
from ._closing import Closing
from ._ids import digest, keyed_digest, new_id
from ._sources import Sources, sources_shared_by
from ._text import MAX_USERNAME_LENGTH
from ._time import EPOCH
from ._value import Value
from .accounts import Account, CredentialOrigin
from .audit import AuditKind
from .exceptions import ConfigurationError, StoreUnavailableError
from .protocols import AttemptCounter, Clock, utc_now
from .secret import Secret

MAX_CONSECUTIVE_FAILURES: Final = 100
"""Failures after which a credential is spent, until it is issued again or unlocked (SP 800-63B-4 §3.2.2)."""

_USERNAME_BITS: Final = 24
"""
Bits kept of the digest of a submitted user name. People type passwords there, so a counter's table must not show what
was typed: of a billion guesses, sixty share each digest (k-anonymity, as in range queries to breach lists). It also
bounds the rows that invented names can make. Names that share a digest share its limit, which does no harm.
"""

_ASKED_AT_ONCE: Final = 50
"""Accounts whose counts are asked for at once: some hundreds of keys."""

_REMEMBERED: Final = timedelta(days=31)
"""How long a place is known after a right password there."""

_RESERVED: Final = 10
"""One of so many failures that a chosen password allows is kept for places where it was right before."""

_FEW: Final = 5
"""Failures that a source may have while a spray is on, unless more families than that got in there meanwhile."""

_LESS: Final = 4
"""A quarter of the failures for a user name are allowed while a spray is on, so that it spends no default soon."""

_PACE: Final = timedelta(seconds=30)
"""The time between the claims from a source that had too many."""

_SHARED_BY: Final = 20
"""Families with passwords of their own that make a source a shared one by signing in there."""

_SETTLED: Final = timedelta(hours=12)
"""How old such a password is at least. Those of somebody who claims accounts are younger, for as long."""

_SPRAYED: Final = ("default", "chosen")
"""The kinds of passwords whose failures are counted in the whole tenant: defaults that are live, and all others."""

_DECOY: Final = "decoy"

_PLACE: Final = "place"
_PROOF_PLACE: Final = "proof_place"
"""
Where a place's failures are counted: those of passwords, and those of claim proofs. They are apart, because a right
default takes back the first kind, and whoever guesses claim proofs has one.
"""

_UNDER_WAY: Final = timedelta(minutes=15)
"""The window in which attempts under way are counted: one whose process died counts until its end, and no longer."""

_OVERLAP: Final = timedelta(minutes=2)
"""
How close to the end of such a window an attempt is counted in the next one as well, and the other way round. So any two
that begin within twice this time share a window: far longer than a hash waits in a full queue.
"""

_MIN_KEY: Final = 32
"""Bytes of a key: as many as a digest of SHA-256 has (RFC 2104 §3)."""

_A_MOMENT: Final = timedelta(seconds=1)
"""How long to wait for other tries that are under way."""


@attrs.frozen(eq=False, repr=False)
class Limit(Value):
    """
    A limit on failures in a window of time.

    Attributes:
        attempts: How many failures are allowed.
        window: How long they are counted; windows start at whole multiples of it since 1970.
    """

    attempts: int = attrs.field(validator=is_whole(least=1, hint="allow at least one attempt"))
    window: timedelta = attrs.field(
        validator=lasts(
            timedelta(seconds=1), timedelta(days=31), hint="pass from one second to 31 days; a limit has to end"
        )
    )


def _is_limit(value: object) -> bool:
    return isinstance(value, Limit)


_one: Final = refused_unless(_is_limit, "pass a Limit, such as Limit(300, timedelta(minutes=10))")
_several: Final = refused_unless(
    lambda value: isinstance(value, tuple) and all(map(_is_limit, value)),
    "pass a tuple of Limit, such as (Limit(10, timedelta(minutes=5)),)",
)
_cap: Final = is_whole(
    least=1,
    most=MAX_CONSECUTIVE_FAILURES,
    hint=f"allow from 1 to {MAX_CONSECUTIVE_FAILURES} failures (SP 800-63B-4 §3.2.2)",
)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ThrottleLimits(Value):
    """
    How much guessing is allowed; the defaults suit one school.

    Attributes:
        default_failures: Failures against one issued default; then it is denied until re-issue or unlock. The same
            number, counted apart and also beside a chosen password, holds for the claim proof of one credential.
        chosen_failures: Consecutive failures against one chosen password; then the same. At most 100. The last tenth is
            kept for places where it was right before.
        per_username: Failures for one submitted user name, whether or not it exists; then other places, unless they are
            known for it, wait. While a spray is on, a quarter. The second limit is the back-off. A reset or an unlock
            lifts them. The same numbers, counted apart, hold for the tries to replace one credential's password: a new
            one that is refused costs hashing too.
        per_place: Failures for one user name from one place; a known one may have twice as many. A reset or an unlock
            lifts it too.
        per_source: Failures from one source, apart from those of families who got in there after them; then others
            wait, apart from known devices, unless families share the source.
        claims: Families who come with a right default for the first time from one source; then a mass claim is
            suspected. After twice as many the next ones wait for each other, unless families share the source.
        spray: Failures in the whole tenant, against live defaults and against chosen passwords apart; then a spray is
            suspected, and sources that mostly fail wait, unless families share them.
    """

    default_failures: int = attrs.field(default=10, validator=_cap)
    chosen_failures: int = attrs.field(default=MAX_CONSECUTIVE_FAILURES, validator=_cap)
    per_username: tuple[Limit, ...] = attrs.field(
        default=(Limit(10, timedelta(minutes=5)), Limit(30, timedelta(hours=1))), validator=_several
    )
    per_place: Limit = attrs.field(default=Limit(5, timedelta(hours=1)), validator=_one)
    per_source: tuple[Limit, ...] = attrs.field(
        default=(Limit(50, timedelta(minutes=5)), Limit(300, timedelta(hours=1))), validator=_several
    )
    claims: Limit = attrs.field(default=Limit(20, timedelta(hours=1)), validator=_one)
    spray: Limit = attrs.field(default=Limit(300, timedelta(minutes=10)), validator=_one)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ReachedLimit(Value):
    """
    A limit that keeps the owner of an account out at the moment.

    Attributes:
        reason: ``spent``: too many failures on the credential. ``unknown_places``: so many that only places where its
            password was right before go on. ``username``: too many for the user name, and only such places go on.
            ``change``: too many new passwords that were refused. Unlocking the account, or setting its password, lifts
            them all.
        until: When it ends by itself, or None if only unlocking or setting the password ends it.
    """

    reason: str
    until: datetime | None


class _Window(NamedTuple):
    """A count of failures in a window, and the count at which its limit is reached."""

    key: str
    limit: Limit
    most: int


class Caller(NamedTuple):
    """
    Who makes a request, as far as the request and what was counted before tell.

    Attributes:
        username: A digest of the user name.
        source: A digest of the source, or None.
        device: What the host kept of a device, or None if it keeps nothing.
        place: A digest of the user name and of the device if that is known for it, else of the source; or None.
        is_known: Whether a password was right at this place before.
        knows_device: Whether the place is a device.
        is_shared: Whether families share the source, as the host says or their sign-ins show.
        retry_after: How long to wait, or None if not at all.
        windows: What a failure adds to.
    """

    username: str
    source: str | None
    device: Secret | None
    place: str | None
    is_known: bool
    knows_device: bool
    is_shared: bool
    retry_after: timedelta | None = None
    windows: tuple[_Window, ...] = ()

    @property
    def in_queue(self) -> str:
        """What its turns at hashing are counted by: the family at a place that is known or shared, else the source."""
        return (self.place if self.is_known or self.is_shared else self.source) or ""


class _Progress(NamedTuple):
    """Where an attempt under way is counted: when it begins, when it ends, and for how long."""

    begun: tuple[str, ...]
    ended: tuple[str, ...]
    window: timedelta


class UnderWay(Closing):
    """
    An attempt that was counted before it is worked on, so that no number of parallel ones gets beyond a limit.

    Leaving its ``with`` block ends it. What it came to is counted apart: one that comes to nothing, for a full queue, a
    missing key or an outage, is in no count after it.
    """

    def __init__(self, counter: AttemptCounter, progress: _Progress) -> None:
        self._counter = counter
        self._window = progress.window
        self._ended = progress.ended

    def close(self) -> None:
        """End it, after what it came to was counted. More than once is once."""
        keys, self._ended = self._ended, ()
        # If nothing can be counted it ends with its window, and what was decided meanwhile stands.
        with suppress(StoreUnavailableError):
            for key in keys:
                self._counter.hit(key, self._window)


class Guess(UnderWay):
    """
    An attempt on one account.

    Attributes:
        refusal: Why it may not be verified, as a code for the record, or None if it may.
        failures_before: Failures on this credential before this attempt.
    """

    def __init__(
        self, counter: AttemptCounter, progress: _Progress, *, refusal: str | None = None, failures_before: int = 0
    ) -> None:
        super().__init__(counter, progress)
        self.refusal = refusal
        self.failures_before = failures_before


class ChangeTry(UnderWay):
    """
    A try to choose a password.

    Attributes:
        retry_after: How long to wait before it, or None if it may go on.
    """

    def __init__(self, counter: AttemptCounter, progress: _Progress, *, retry_after: timedelta | None) -> None:
        super().__init__(counter, progress)
        self.retry_after = retry_after


def _key_in(key: Any) -> Secret | None:  # Any: what a program without type checks passes.
    if key is None or isinstance(key, Secret):
        return key
    if not isinstance(key, bytes) or len(key) < _MIN_KEY:
        raise ConfigurationError(
            "key", f"pass at least {_MIN_KEY} random bytes, such as of secrets.token_bytes, or None"
        )
    # Masked in every repr, and in the frames of an error (R14).
    return Secret(key.hex())


@attrs.frozen(eq=False)
class Throttle:
    """
    The limits of R9, on whoever fails: per credential, user name, place and source, and in the whole tenant.

    A *source* is an IPv4 address, an IPv6 network of 64 bits, or any other text of the host's. A *place* is a device
    that is known for the user name, or else the source.

    Args:
        counter: Where attempts are counted; share one among all processes of a portal.
        limits: How much is allowed.
        shared_sources: Networks, addresses or other texts that are sources of many families, such as the school's own.
            What reaches a limit there is on the record, and nobody waits for what others did.
        key: What the names of counts are digested with, at least 32 random bytes that all processes share and that are
            kept apart from the counts. None for digests without a key: whoever reads the counts can then try all IPv4
            addresses, and all contact ids, until one fits. With another key all counts begin anew.
        clock: Tells the time.
    """

    _counter: AttemptCounter = attrs.field(
        alias="counter",
        repr=False,
        validator=has_methods(
            "hit", "counts", "clear", hint="pass an AttemptCounter, such as the store's own: store.counter()"
        ),
    )
    limits: ThrottleLimits = attrs.field(
        kw_only=True,
        factory=ThrottleLimits,
        validator=refused_unless(lambda value: isinstance(value, ThrottleLimits), "pass ThrottleLimits"),
    )
    _sources: Sources = attrs.field(
        kw_only=True,
        default=(),  # type: ignore[assignment]  # The converter makes one of it.
        alias="shared_sources",
        converter=sources_shared_by,
        repr=False,
    )
    _key: Secret | None = attrs.field(kw_only=True, default=None, alias="key", converter=_key_in, repr=False)
    _clock: Clock = attrs.field(
        kw_only=True, default=utc_now, alias="clock", repr=False, validator=is_callable(hint=NEEDS_CLOCK)
    )

    @property
    def tenant(self) -> str | None:
        """Which portal's counts these are; None if the counter does not say."""
        return getattr(self._counter, "tenant", None)

    @property
    def is_of_one_process(self) -> bool:
        """Whether the counts are in the memory of one process."""
        return getattr(self._counter, "is_of_one_process", False) is True

    def admit(self, username: str, source: str | None, device: Secret | None = None) -> Caller:
        """
        Return who makes a request, and how long they have to wait.

        It depends only on what the caller sent, and comes before any look-up or hash (R7).

        Args:
            username: The user name's key if it has one, else the user name as submitted.
            source: Where the request came from, or None.
            device: What `remember` returned earlier, or an empty secret; None if the host keeps nothing.
        """
        return self._held_up(self._find_caller(username, source, device), _PLACE)

    def admit_proof(self, account: Account, source: str | None, device: Secret | None = None) -> Caller:
        """
        Return who sends a claim proof for an account, and how long they have to wait.

        The limits on user names, places and sources are those of passwords. But what failed at a place is counted
        apart: only a right claim proof takes that back, and no right default.

        Args:
            account: Whose ticket came with it.
            source: As for `admit`.
            device: As for `admit`.
        """
        # Without a user name under one of its own: none has a control character.
        name = account.username_key or f"\0{account.contact_id}"
        return self._held_up(self._find_caller(name, source, device), _PROOF_PLACE)

    def _find_caller(self, username: str, source: str | None, device: Secret | None) -> Caller:
        name = self._username_digest(username)
        found = None if source is None else self._sources.find(source)
        where = None if found is None else self._digest(found.text)
        at_device = None if device is None else self._pair(name, device.reveal())
        at_source = None if where is None else self._pair(name, where)
        n = self._read([_known(at_device), _known(at_source), _families(where)])
        knows_device = n[_known(at_device)] > 0
        return Caller(
            username=name,
            source=where,
            device=device,
            place=at_device if knows_device else at_source,
            is_known=knows_device or n[_known(at_source)] > 0,
            knows_device=knows_device,
            is_shared=(found is not None and found.is_shared) or n[_families(where)] >= _SHARED_BY,
        )

    def _held_up(self, caller: Caller, what: str) -> Caller:
        """Return the caller with how long to wait and the windows that a failure adds to; *what* names the place's."""
        now, limits = self._clock(), self.limits
        of_name = _named(now, f"username:{caller.username}", limits.per_username)
        of_source = [] if caller.source is None else _named(now, f"source:{caller.source}", limits.per_source)
        of_place = [] if caller.place is None else _named(now, f"{what}:{caller.place}", (limits.per_place,))
        lifted, arrivals, pace = self._lifted(now, caller.username), self._arrivals(now, caller), _pace(now, caller)
        sprays = [_spray_key(now, limits.spray, kind) for kind in _SPRAYED]
        keys = [key for _, key in (*of_name, *of_source, *of_place)]
        n = self._read([*keys, *map(_forgiven, keys), *sprays, lifted, arrivals, pace])

        names = [_Window(key, limit, limit.attempts) for limit, key in of_name]
        sources = [_Window(key, limit, limit.attempts + n[_forgiven(key)]) for limit, key in of_source]
        times = 1 + caller.is_known + n[lifted]
        places = [_Window(key, limit, limit.attempts * times + n[_forgiven(key)]) for limit, key in of_place]
        is_sprayed = any(n[key] >= limits.spray.attempts for key in sprays)
        held = [window for window in places if n[window.key] >= window.most]
        if not caller.is_known:
            # Not for its own failures: those are counted for the place.
            own = sum(n[window.key] for window in places)
            least = _LESS if is_sprayed else 1
            held += [window for window in names if n[window.key] - own >= max(1, window.most // least)]
        waits = [window.limit.window for window in held]
        if sources and not caller.is_shared and not caller.knows_device:
            failures = n[sources[0].key] - n[_forgiven(sources[0].key)]
            if is_sprayed and failures >= _FEW and failures > n[arrivals]:
                waits.append(sources[0].limit.window)
            waits += [window.limit.window for window in sources if n[window.key] >= window.most]
            waits += [_PACE] if n[pace] and not caller.is_known else []
        return caller._replace(retry_after=_longest(now, waits), windows=(*names, *sources, *places))

    def begin(self, account: Account | None, caller: Caller, refusal: str | None) -> Guess:
        """
        Begin an attempt on *account*, and return whether it may be verified. It always costs the same (R7).

        It may if the failures so far, and all attempts under way with this one, are no more than the cap: then they
        cannot exceed it even if all of them fail. Both are bound to the epoch, so a re-issue starts at zero. One that
        is refused is no failure of the account's: who knows the password must not lose it by trying.

        Args:
            account: Whom the user name is of, or None.
            caller: Whom `admit` returned.
            refusal: Why it may not be verified anyway, as a code; None if it may.
        """
        now = self._clock()
        key, progress = self._counted(now, None if refusal is not None else account, caller)
        proofs_key = key if account is None or refusal is not None else self._name("claim_proof", account)
        failures, proofs, *counts = self._counter.counts([key, proofs_key, *progress.ended, *progress.begun])
        ended, begun = counts[: len(progress.ended)], counts[len(progress.ended) :]
        if account is not None and refusal is None:
            # Whoever would be refused is not even begun: a crowd at the door keeps nobody out by its number alone.
            refusal = self._refusal(account, caller, failures, _under_way(begun, ended) + 1)
            if proofs >= self.limits.default_failures:
                # Not even with the right password, whose only use would be to send one more claim proof.
                refusal = "spent"
            if refusal is not None:
                key, progress = self._counted(now, None, caller)
        under_way = self._begin(progress, ended)
        # Again, after what has ended was read: so whatever failed meanwhile is under way here, or a failure, or both.
        (failures,) = self._counter.counts([key])
        if account is None or refusal is not None:
            return Guess(self._counter, progress, refusal=refusal)
        refusal = self._refusal(account, caller, failures, under_way)
        return self._guess(progress, refusal, failures)

    def _guess(self, progress: _Progress, refusal: str | None, failures: int) -> Guess:
        guess = Guess(self._counter, progress, refusal=refusal, failures_before=failures)
        if refusal is not None:
            guess.close()
        return guess

    def note_unverified(self, caller: Caller, reason: str) -> list[tuple[AuditKind, str]]:
        """Return what goes on the record for an attempt that could not be verified for that reason, a code."""
        return [(AuditKind.SIGN_IN_FAILED, reason)] if self._is_on_record("unavailable", caller.username) else []

    def note_delay(self, source: str | None, reason: str) -> list[tuple[AuditKind, str]]:
        """
        Return what goes on the record for a request that is told to try later for that reason, a code.

        Once for each source, reason and first window of a user name, and no more for all sources together than failures
        are a spray: a flood must not fill the record, and what is not recorded is not counted either.
        """
        now, spray = self._clock(), self.limits.spray
        limit = self.limits.per_username[0] if self.limits.per_username else spray
        where = "" if source is None else self._digest(self._sources.find(source).text)
        ((_, of_source),) = _named(now, f"later:{reason}:{where}", (limit,))
        ((_, of_all),) = _named(now, "later", (spray,))
        n = self._read([of_source, of_all])
        if n[of_source] or n[of_all] >= spray.attempts:
            return []
        # Those that come at the same moment are told by the count that each of them gets.
        is_told = self._counter.hit(of_source, limit.window) == 1
        is_told = is_told and self._counter.hit(of_all, spray.window) <= spray.attempts
        return [(AuditKind.RATE_LIMITED, reason)] if is_told else []

    def record_failure(self, account: Account | None, caller: Caller) -> list[tuple[AuditKind, str]]:
        """
        Count a denial, and return what goes on the record for it: kinds and reasons. It always costs the same (R7).

        Args:
            account: Whose password it is not. None if none was verified: then it is no failure of anybody's.
            caller: As for `begin`.
        """
        now, spray = self._clock(), self.limits.spray
        key, _ = self._counted(now, account, caller)
        # First of all: the failure is counted whatever goes wrong after it.
        failures = self._counter.hit(key, spray.window if account is None else None)
        noted = self._note_failure(_kind(account, now), caller)
        if account is not None:
            if failures == self._cap(account):
                noted.append((AuditKind.CREDENTIAL_SPENT, "default" if _is_default(account) else "chosen"))
            elif failures == self._cap_of_unknown(account):
                noted.append((AuditKind.RATE_LIMITED, "unknown_places"))
        return noted

    def _note_failure(self, kind: str, caller: Caller) -> list[tuple[AuditKind, str]]:
        """Count a failure for the caller and in the tenant, and return what goes on the record for it."""
        now, spray = self._clock(), self.limits.spray
        noted = self._hit_all(caller.windows)
        sprays = self._counter.hit(_spray_key(now, spray, kind), spray.window)
        if kind in _SPRAYED and sprays == spray.attempts:
            noted.append((AuditKind.SPRAY_SUSPECTED, kind))
        return noted

    def record_success(self, account: Account, caller: Caller) -> list[tuple[AuditKind, str]]:
        """
        Forget the failures of a caller whose password was right, and return what goes on the record for it.

        Failures for the user name from other places stay, so that nobody there can tell that there was a success (R7).
        """
        now, key = self._clock(), self._name("account", account)
        n = self._read([key, *_forgivable(caller)])
        # A right password that took longer to verify than it counts as under way does not undo what spent it meanwhile.
        if 0 < n[key] < self._cap(account):
            self._counter.clear(key)
        self._forgive(caller, n)
        kind = _kind(account, now)
        if caller.place is None or caller.is_known or kind not in _SPRAYED:
            return []
        return self._record_arrival(account, caller, kind)

    def _forgive(self, caller: Caller, n: Counter[str | None]) -> None:
        """Take back what failed at the caller's place, so that it counts at the source no more."""
        of_source = [window for window in caller.windows if window.key.startswith("source:")]
        for window in _of_place(caller):
            for _ in range(n[window.key] - n[_forgiven(window.key)]):
                # Each failure is forgiven once, however many successes see it: this count tells who was first.
                if self._counter.hit(_forgiven(window.key), window.limit.window) <= n[window.key]:
                    for each in of_source:
                        self._counter.hit(_forgiven(each.key), each.limit.window)

    def begin_proof(self, account: Account) -> Guess:
        """
        Begin to verify a claim proof, and return whether the answer counts.

        It does if the wrong ones of this epoch, and all that are under way with this one, are no more than the cap of a
        default. A right password does not take them back: whoever guesses claim proofs has that already.
        """
        name, cap = self._name("claim_proof", account), self.limits.default_failures
        progress = _progress(self._clock(), name)
        under_way = self._begin(progress, self._counter.counts(progress.ended))
        # After what has ended was read: so whatever failed meanwhile is under way here, or a failure, or both.
        (failures,) = self._counter.counts([name])
        refusal = _beyond(cap, failures, under_way)
        return self._guess(progress, refusal, failures)

    def record_proof_failure(self, account: Account | None, caller: Caller) -> list[tuple[AuditKind, str]]:
        """
        Count a wrong claim proof, and return what goes on the record for it: kinds and reasons.

        Args:
            account: Whose it is not. None if the answer did not count: then it is no failure of the account's.
            caller: Whom `admit_proof` returned.
        """
        failures = 0 if account is None else self._counter.hit(self._name("claim_proof", account), None)
        noted = self._note_failure(_kind(account, self._clock()), caller)
        if failures == self.limits.default_failures:
            noted.append((AuditKind.CREDENTIAL_SPENT, "claim_proof"))
        return noted

    def record_proof(self, account: Account, caller: Caller) -> None:
        """Forget the wrong claim proofs for an account, and those of a caller whose claim proof was right."""
        name = self._name("claim_proof", account)
        n = self._read([name, *_forgivable(caller)])
        # What spent it meanwhile stands, as in `record_success`. So a family that got in leaves no row behind.
        if 0 < n[name] < self.limits.default_failures:
            self._counter.clear(name)
        self._forgive(caller, n)

    def _record_arrival(self, account: Account, caller: Caller, kind: str) -> list[tuple[AuditKind, str]]:
        """Count the first right password for a user name from a source, and return what goes on the record for it."""
        now, claims = self._clock(), self.limits.claims
        if self._hit(_known(caller.place), _REMEMBERED) > 1:
            return []
        if self.limits.per_source:
            self._hit(self._arrivals(now, caller), self.limits.per_source[0].window)
        if kind == "chosen":
            changed_at = account.credential.changed_at
            # An imported one was never chosen here, so nobody who claims accounts has it.
            if changed_at is None or now - changed_at >= _SETTLED:
                self._hit(_families(caller.source), _REMEMBERED)
            return []
        ((_, key),) = _named(now, f"claims:{caller.source}", (claims,))
        count = self._counter.hit(key, claims.window)
        if count >= 2 * claims.attempts:
            self._hit(_pace(now, caller), _PACE)
        is_told = count == claims.attempts
        return [(AuditKind.MASS_CLAIM_SUSPECTED, "shared" if caller.is_shared else "source")] if is_told else []

    def remember(self, caller: Caller) -> Secret | None:
        """Return what the host keeps of a device on which somebody signed in; None if it keeps nothing."""
        if caller.device is None or caller.knows_device:
            return caller.device
        token = new_id()
        self._hit(_known(self._pair(caller.username, token)), _REMEMBERED)
        return Secret(token)

    def record_ticket_failure(self, contact_id: str) -> list[tuple[AuditKind, str]]:
        """
        Return what goes on the record for a ticket that did not work.

        A ticket cannot be guessed, so nobody waits because of bad ones. But after as many as the first limit on a user
        name allows, no more of this contact are recorded: a flood must not fill the record.
        """
        is_told = self._is_on_record("ticket", self._username_digest(contact_id))
        return [(AuditKind.TICKET_REFUSED, "ticket_invalid")] if is_told else []

    def begin_change(self, account: Account) -> ChangeTry:
        """
        Begin a try to choose a password, and return how long to wait before it, if at all.

        Only the owner gets here, with a ticket or the current password: this limits the work, not guessing. Tries that
        were refused are counted for the epoch, which a good one ends.
        """
        now = self._clock()
        progress = _progress(now, self._name("change", account))
        under_way = self._begin(progress, self._counter.counts(progress.ended))
        windows = self._change_windows(now, account)
        n = self._read([window.key for window in windows])
        retry_after = _longest(now, [window.limit.window for window in windows if n[window.key] >= window.most])
        if retry_after is None and any(n[window.key] + under_way > window.most for window in windows):
            retry_after = _A_MOMENT
        return ChangeTry(self._counter, progress, retry_after=retry_after)

    def record_refused_change(self, account: Account) -> list[tuple[AuditKind, str]]:
        """Count a new password that was refused, and return what goes on the record for it: kinds and reasons."""
        return self._hit_all(self._change_windows(self._clock(), account))

    def unlock(self, account: Account) -> None:
        """Forget the failures of an account and of its user name. The limits on sources and the tenant stay."""
        now = self._clock()
        self._counter.clear(self._name("account", account))
        self.lift([account])
        for window in self._change_windows(now, account):
            self._counter.clear(window.key)
        self._counter.clear(self._name("claim_proof", account))
        # Of a process that died. Whatever is under way now counts less, at most once and with others in parallel.
        for what in ("account", "change", "claim_proof"):
            progress = _progress(now, self._name(what, account))
            # In this order: if it fails in between, too many are under way and not too few.
            for key in (*progress.ended, *progress.begun):
                self._counter.clear(key)

    def lift(self, accounts: Sequence[Account]) -> None:
        """Forget the failures of these accounts' user names, so that their owners get in with new passwords at once."""
        now = self._clock()
        named = [(each.username_key, self._username_windows(now, each)) for each in accounts]
        n = self._read(window.key for _, windows in named for window in windows)
        for username, windows in named:
            if username is not None and any(n[window.key] for window in windows):
                for window in windows:
                    self._counter.clear(window.key)
                # Nobody knows from which places they were. So each of them may fail as often once more.
                self._counter.hit(self._lifted(now, self._username_digest(username)), self.limits.per_place.window)

    def reached(self, account: Account) -> tuple[ReachedLimit, ...]:
        """Return the limits that keep the account's owner out at the moment, apart from those on sources."""
        (reached,) = self.reached_by_each([account])
        return reached

    def reached_by_each(self, accounts: Sequence[Account]) -> list[tuple[ReachedLimit, ...]]:
        """Return `reached` for each of the accounts, with one question to the counter for some dozens of them."""
        now = self._clock()
        found: list[tuple[ReachedLimit, ...]] = []
        for some in chunks(accounts, _ASKED_AT_ONCE):
            windows = [[*self._username_windows(now, each), *self._change_windows(now, each)] for each in some]
            keys = [self._name("account", account) for account in some]
            proofs = [self._name("claim_proof", account) for account in some]
            n = self._read([*keys, *proofs, *(window.key for window in chain.from_iterable(windows))])
            for account, key, proof, of_account in zip(some, keys, proofs, windows, strict=True):
                reached = [
                    ReachedLimit(reason=_reason(window.key), until=now + _remaining(now, window.limit.window))
                    for window in of_account
                    if n[window.key] >= window.most
                ]
                is_spent = n[key] >= self._cap(account) or n[proof] >= self.limits.default_failures
                if is_spent or n[key] >= self._cap_of_unknown(account):
                    reason = "spent" if is_spent else "unknown_places"
                    reached.append(ReachedLimit(reason=reason, until=None))
                found.append(tuple(reached))
        return found

    def _read(self, keys: Iterable[str | None]) -> Counter[str | None]:
        """Return the counts of these keys; of None it is 0."""
        asked = list(dict.fromkeys(key for key in keys if key is not None))
        return Counter(dict(zip(asked, self._counter.counts(asked) if asked else (), strict=True)))

    def _hit(self, key: str | None, window: timedelta) -> int:
        """Add one, and return the new count; for None 0."""
        return 0 if key is None else self._counter.hit(key, window)

    def _counted(self, now: datetime, account: Account | None, caller: Caller) -> tuple[str, _Progress]:
        """Return where failures are counted, and attempts under way: for None beside the real counts, by the name."""
        if account is not None:
            return self._name("account", account), _progress(now, self._name("account", account))
        key = f"{_DECOY}:{caller.username}"
        # As many hits, on one row: a flood of invented names must not fill the table.
        same = (key,) * len(_under_way_windows(now))
        return key, _Progress(same, same, self.limits.spray.window)

    def _refusal(self, account: Account, caller: Caller, failures: int, under_way: int) -> str | None:
        return _beyond(self._cap(account) if caller.is_known else self._cap_of_unknown(account), failures, under_way)

    def _begin(self, progress: _Progress, ended: Sequence[int]) -> int:
        """Count an attempt as under way, and return how many are, with it; *ended* was read before."""
        begun = [self._counter.hit(key, progress.window) for key in progress.begun]
        return _under_way(begun, ended)

    def _is_on_record(self, kind: str, name: str) -> bool:
        """Return whether one more event of this kind about that name is recorded: a flood must not fill the record."""
        limit = self.limits.per_username[0] if self.limits.per_username else self.limits.spray
        ((_, key),) = _named(self._clock(), f"{kind}:{name}", (limit,))
        return self._counter.hit(key, limit.window) <= limit.attempts

    def _cap(self, account: Account) -> int:
        return self.limits.default_failures if _is_default(account) else self.limits.chosen_failures

    def _cap_of_unknown(self, account: Account) -> int:
        cap = self._cap(account)
        return cap if _is_default(account) else cap - cap // _RESERVED

    def _hit_all(self, windows: Sequence[_Window]) -> list[tuple[AuditKind, str]]:
        # On the record once, when it is reached: recording each attempt beyond would let a flood fill the table.
        hits = [(window, self._counter.hit(window.key, window.limit.window)) for window in windows]
        return [(AuditKind.RATE_LIMITED, _reason(window.key)) for window, count in hits if count == window.most]

    def _username_windows(self, now: datetime, account: Account) -> list[_Window]:
        if account.username_key is None:
            return []
        return _windows(now, f"username:{self._username_digest(account.username_key)}", self.limits.per_username)

    def _change_windows(self, now: datetime, account: Account) -> list[_Window]:
        return _windows(now, self._name("change", account), self.limits.per_username)

    def _lifted(self, now: datetime, name: str) -> str:
        ((_, key),) = _named(now, f"lifted:{name}", (self.limits.per_place,))
        return key

    def _arrivals(self, now: datetime, caller: Caller) -> str | None:
        windows = _named(now, f"arrivals:{caller.source}", self.limits.per_source)
        return None if caller.source is None or not windows else windows[0][1]

    def _name(self, what: str, account: Account) -> str:
        """Return the name of what is counted for one epoch: ``account``, ``change`` or ``claim_proof``."""
        return f"{what}:{self._digest(account.contact_id)}:{account.credential.epoch}"

    def _pair(self, name: str, place: str) -> str:
        return self._digest(f"{name}:{place}")

    def _username_digest(self, username: str) -> str:
        return self._digest(username[: MAX_USERNAME_LENGTH + 1])[: _USERNAME_BITS // 4]

    def _digest(self, text: str) -> str:
        return (digest(text) if self._key is None else keyed_digest(self._key, text))[:32]


def _is_default(account: Account) -> bool:
    return account.credential.origin == CredentialOrigin.ISSUED


def _kind(account: Account | None, now: datetime) -> str:
    """Return one of those that are sprayed; or what is counted beside them, so that it costs the same."""
    if account is None or account.credential.is_expired(now):
        return _DECOY
    return "default" if _is_default(account) else "chosen"


def _spray_key(now: datetime, limit: Limit, kind: str) -> str:
    return f"spray:{kind}:{_window_name(now, limit.window)}"


def _known(place: str | None) -> str | None:
    return None if place is None else f"known:{place}"


def _families(source: str | None) -> str | None:
    return None if source is None else f"families:{source}"


def _pace(now: datetime, caller: Caller) -> str | None:
    return None if caller.source is None else f"pace:{caller.source}:{_window_name(now, _PACE)}"


def _forgiven(key: str) -> str:
    return f"forgiven:{key}"


def _of_place(caller: Caller) -> list[_Window]:
    return [window for window in caller.windows if _reason(window.key) in (_PLACE, _PROOF_PLACE)]


def _forgivable(caller: Caller) -> list[str]:
    return [each for window in _of_place(caller) for each in (window.key, _forgiven(window.key))]


def _beyond(cap: int, failures: int, under_way: int) -> str | None:
    """Return why one attempt more may not be verified, as a code for the record, or None if it may."""
    if failures >= cap:
        return "spent"
    return "too_many_at_once" if failures + under_way > cap else None


def _reason(key: str) -> str:
    return key.partition(":")[0]


def _named(now: datetime, what: str, limits: Sequence[Limit]) -> list[tuple[Limit, str]]:
    return [(limit, f"{what}:{_window_name(now, limit.window)}") for limit in limits]


def _windows(now: datetime, what: str, limits: Sequence[Limit]) -> list[_Window]:
    return [_Window(key, limit, limit.attempts) for limit, key in _named(now, what, limits)]


def _window_name(now: datetime, window: timedelta) -> str:
    # The window's length is part of the name, so that limits of different lengths never share a count.
    return f"{int(window.total_seconds())}:{(now - EPOCH) // window}"


def _progress(now: datetime, what: str) -> _Progress:
    windows = _under_way_windows(now)
    begun, ended = (tuple(f"{step}:{what}:{window}" for window in windows) for step in ("begun", "ended"))
    # Twice as long, because a counter may go by a clock of its own: both must outlast their window.
    return _Progress(begun, ended, 2 * _UNDER_WAY)


def _under_way(begun: Sequence[int], ended: Sequence[int]) -> int:
    return max(all_ - over for all_, over in zip(begun, ended, strict=True))


def _under_way_windows(now: datetime) -> list[str]:
    near = (now - _OVERLAP, now + _OVERLAP)
    return list(dict.fromkeys(_window_name(at, _UNDER_WAY) for at in near))


def _longest(now: datetime, windows: Sequence[timedelta]) -> timedelta | None:
    return max((_remaining(now, window) for window in windows), default=None)


def _remaining(now: datetime, window: timedelta) -> timedelta:
    return window - (now - EPOCH) % window
