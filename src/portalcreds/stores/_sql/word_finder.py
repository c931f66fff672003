"""Find people by words: from the rows of the rarest word that was typed, or along everybody's names."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..._search_words import MAX_WORD_LENGTH
from ...account_queries import AccountQuery
from .._drivers.dialect import Dialect
from .._drivers.port import Statements
from .rows import NO_USERNAME
from .view import View

_SORTED: Final = 12_000
"""Rows of the rarest word that are sorted at once; a few milliseconds of a database."""

_WALKED: Final = 4_000
"""Names that are walked along for a word that more people have: spread evenly, a page of them is among fewer names."""

_RANKED: Final = 40_000
"""Rows that are counted of each of several words that are all frequent and stand together, to sort those of one."""

LOOKED_UP: Final = 4_000
"""Accounts that are looked up one by one, to see whether they are what else was asked for."""

_LAST_CODE_POINT: Final = "\U0010ffff"

Place = tuple[str, str]
"""The key of a name, and the id of its contact."""


class WordFinder:
    """
    Finds people by the words that were typed, in a transaction of the caller's.

    Each row of the table of words has all of its account's words, so whether it has the other words that were typed is
    known without a look elsewhere.

    Args:
        view: Which rows the store sees.
        dialect: What is said differently by this database.
    """

    def __init__(self, view: View, dialect: Dialect) -> None:
        self._view = view
        self._dialect = dialect

    def find(self, statements: Statements, query: AccountQuery) -> Places:
        """Return the places of those who have the words, whatever else was asked for."""
        return Places(self._view, self._dialect, statements, _words_of(query))

    def match_row(self, query: AccountQuery) -> tuple[str, dict[str, object]]:
        """Return the condition that the row of an account belongs to somebody who has the words, and its parameters."""
        words = _words_of(query)
        if not words:
            return "", {}
        has_words, parameters = _have_all(self._dialect, "found.words", words)
        accounts, words_path = (path.partition(" ")[0] for path in (self._view.accounts, self._view.words))
        table = accounts.rpartition(".")[2]
        # No EXISTS: what a planner may turn into a join, it may begin at the wrong end.
        each = (
            f"SELECT MAX(CASE WHEN {has_words} THEN 1 ELSE 0 END) FROM {words_path} found WHERE found.tenant = :tenant "
            f"AND found.word = '' AND found.name_key = {table}.name_key AND found.contact_id = {table}.contact_id"
        )
        return f"({each}) = 1", parameters


class Places:
    """
    Where those who have some words stand in the order of names.

    Args:
        view: Which rows the store sees.
        dialect: What is said differently by this database.
        statements: The transaction's.
        words: The words.
    """

    def __init__(self, view: View, dialect: Dialect, statements: Statements, words: Sequence[str]) -> None:
        self._view = view
        self._dialect = dialect
        self._statements = statements
        self._words = words
        self._ranked: list[tuple[int, str]] = []
        self._ranked_to = 0

    @property
    def are_few(self) -> bool:
        """Whether they are few enough to look up each."""
        return self._count <= LOOKED_UP

    def read(self, position: tuple[str | int, str] | None, limit: int) -> list[Place]:
        """Return the first places after a position."""
        if self._count > _SORTED and self._rank(_SORTED)[0][1] != NO_USERNAME:
            places = self._walk(position, limit)
            if len(places) == limit:
                return places
            if len(self._words) > 1:
                self._rank(_RANKED)
        return self._sort(position, limit)

    def list_all(self) -> tuple[str, dict[str, object]]:
        """Return the SELECT of all their contact ids, and its parameters."""
        condition, parameters = self._match_rarest(None)
        return f"SELECT contact_id FROM {self._view.words} AND {condition}", parameters

    def _sort(self, position: tuple[str | int, str] | None, limit: int) -> list[Place]:
        """Sort the rows of the rarest word."""
        places: list[Place] = []
        while True:
            condition, parameters = self._match_rarest(position)
            sql = f"SELECT name_key, contact_id FROM {self._view.words} AND {condition}"
            # Some have two such words. To tell them apart in the database would have it keep all, and not the first.
            asked = limit + limit // 4 + 1
            order = "word, name_key, contact_id" if "high" not in parameters else "name_key, contact_id"
            rows = self._ask(f"{sql} ORDER BY {order} LIMIT :limit", parameters, asked)
            places += dict.fromkeys(rows)
            if len(places) >= limit or len(rows) < asked:
                return places[:limit]
            position = places[-1]

    def _walk(self, position: tuple[str | int, str] | None, limit: int) -> list[Place]:
        """Look for those who have the words among the names that follow."""
        after, parameters = self._begin_after(position)
        condition = " AND ".join(filter(None, (self._dialect.pin_column("word", "no_word"), after)))
        parameters["no_word"] = ""
        rows = f"SELECT name_key, contact_id FROM {self._view.words} AND {condition}"
        order = "ORDER BY word, name_key, contact_id"
        ends = self._ask(f"{rows} {order} LIMIT :limit OFFSET {_WALKED}", parameters, 1)
        if ends:
            rows += " AND name_key <= :end"
            parameters["end"] = ends[0][0]
        has_words, of_words = _have_all(self._dialect, "words", self._words)
        return self._ask(f"{rows} AND {has_words} {order} LIMIT :limit", parameters | of_words, limit)

    def _match_rarest(self, position: tuple[str | int, str] | None) -> tuple[str, dict[str, object]]:
        """Return the condition that a row is of the rarest word and has the others beside it, and its parameters."""
        (_, word), *others = self._rank(_SORTED)
        has_others, parameters = _have_all(self._dialect, "words", [other for _, other in others])
        after, of_position = self._begin_after(position)
        if word == NO_USERNAME:
            # One word and not all that begin so: its rows are in the order of names already.
            is_word = self._dialect.pin_column("word", "low")
            parameters |= {"low": word, **of_position}
        else:
            is_word = "word >= :low AND word < :high"
            parameters |= {"low": word, "high": _follow(word), **of_position}
        return " AND ".join(filter(None, (is_word, has_others, after))), parameters

    def _begin_after(self, position: tuple[str | int, str] | None) -> tuple[str, dict[str, object]]:
        if position is None:
            return "", {}
        after = self._dialect.sort_after(("name_key", "contact_id"), ("position", "tie"))
        return after, {"position": position[0], "tie": position[1]}

    @property
    def _count(self) -> int:
        return self._rank(_SORTED)[0][0]

    def _rank(self, at_most: int) -> list[tuple[int, str]]:
        """Return the words, the rarest first, each with how many rows it has, as far as that was counted."""
        if self._ranked_to < at_most:
            self._ranked_to = at_most
            words = self._words
            counted = ", ".join(
                f"(SELECT COUNT(*) FROM (SELECT 1 FROM {self._view.words} "
                f"AND word >= :low{number} AND word < :high{number} LIMIT :most) counted{number})"
                for number in range(len(words))
            )
            parameters: dict[str, object] = {"most": at_most + 1}
            for number, word in enumerate(words):
                parameters |= {f"low{number}": word, f"high{number}": _follow(word)}
            ((*counts,),) = self._view.query(self._statements, f"SELECT {counted}", parameters)
            self._ranked = sorted((int(count), word) for count, word in zip(counts, words, strict=True))
        return self._ranked

    def _ask(self, sql: str, parameters: dict[str, object], limit: int) -> list[Place]:
        rows: Sequence[Sequence[Any]] = self._view.query(self._statements, sql, {**parameters, "limit": limit})
        return [(name_key, contact_id) for name_key, contact_id in rows]


def _words_of(query: AccountQuery) -> list[str]:
    return [*query.typed, *([NO_USERNAME] if query.without_username else [])]


def _have_all(dialect: Dialect, column: str, words: Sequence[str]) -> tuple[str, dict[str, object]]:
    """Return the condition that a text of words, with a blank before each, has one that begins with each of these."""
    parameters: dict[str, object] = {f"word{number}": f" {word}" for number, word in enumerate(words)}
    return " AND ".join(dialect.contains(column, name) for name in parameters), parameters


def _follow(word: str) -> str:
    # The least text behind all that begin with the word. LIKE is not used: it folds case in one database and takes
    # blanks off in another, and a typed percent sign means something to it.
    beginning = word.rstrip(_LAST_CODE_POINT)
    if not beginning:
        return _LAST_CODE_POINT * (MAX_WORD_LENGTH + 1)
    following = ord(beginning[-1]) + 1
    return beginning[:-1] + chr(0xE000 if following == 0xD800 else following)
