"""
Tell whether what several threads saw can be explained by some order of their calls, one after the other.

The search of Wing and Gong (1993), with the memory of Lowe (2017): of the calls that could have come next, those that
began before any other that is left had ended, each is tried on the model's state; a pair of *what is left* and *state*
that led nowhere is never tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import attrs

MOST_CALLS: Final = 400
"""Calls of one history; of more, the search would meet the bound of Python's stack."""


@attrs.frozen
class Call:
    """
    A call, and what was seen of it.

    Attributes:
        began: When, on a clock that all threads share.
        ended: When it returned.
        name: What was called.
        arguments: With what.
        outcome: What came back.
    """

    began: float
    ended: float
    name: str
    arguments: tuple[Any, ...]
    outcome: Any


Model = Callable[[Any, Call], Any]
"""Returns the state after a call that could have had this outcome in that state; None if it could not."""


def find_order(calls: Sequence[Call], state: Hashable, model: Model) -> list[Call] | None:
    """Return an order of the calls that explains all of them, or None if there is none."""
    assert len(calls) <= MOST_CALLS
    by_begin = sorted(calls, key=lambda call: call.began)
    dead: set[tuple[int, Hashable]] = set()

    def search(left: int, state: Hashable) -> list[Call] | None:
        """Explain the calls whose bits are in *left*."""
        if not left:
            return []
        if (left, state) in dead:
            return None
        first_end = min(call.ended for at, call in enumerate(by_begin) if left >> at & 1)
        for at, call in enumerate(by_begin):
            if not left >> at & 1:
                continue
            if call.began > first_end:
                break
            after = model(state, call)
            if after is None:
                continue
            rest = search(left & ~(1 << at), after)
            if rest is not None:
                return [call, *rest]
        dead.add((left, state))
        return None

    return search((1 << len(by_begin)) - 1, state)
