"""Find people by words: from the rows of the rarest word that was typed, or along everybody's names."""

# ruff: noqa: S608  Tables have a checked prefix and conditions are written here; every value is a parameter.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from ..._search_words import MAX_NAME_KEY_LENGTH
from ...account_queries import AccountQuery
from .._drivers.dialect import Dialect
from .._drivers.port import Statements
from .rows import MAX_SHARED, NO_USERNAME
from .view import View

FEW: Final = 4_000
"""Accounts that are looked up one by one; some ten milliseconds of a database."""

_SORTED: Final = 500
"""Rows of a word that are sorted at once. Of a word with more, a page is probably among the next names."""

_WALKED: Final = 4_000
"""Names that are walked along for a word that many have: spread evenly, of 1 in 80 a page is among them."""

_LAST_CODE_POINT: Final = "\U0010ffff"

_ORDER: Final = "shared, word, name_key, contact_id"
"""The order of the table of words. Among the rows of one word it is the order of names."""

Place = tuple[Any, str]  # Any: a name's key is text, an instant a number.
"""What an account is sorted by, and the id of its contact."""


class WordFinder:
    """
    Finds people by the words that were typed, in a transaction of the caller's.

    Those whom a typed word sorts, as ``garc`` does everybody named Garcia, stand together among the names. All others
    are found by the rows of their words. Each row begins with how much its word shares with the name that sorts its
    account, so nobody who stands among the names is met again there.
    And each has all of its account's words: whether it has the other words that were typed is known without a look
    elsewhere.

    Args:
        view: Which rows the store sees.
        dialect: What is said differently by this database.
    """

    def __init__(self, view: View, dialect: Dialect) -> None:
        self._view = view
        self._dialect = dialect

    def find(self, statements: Statements, query: AccountQuery, *, is_filtered: bool = False) -> Places:
        """
        Return the places of those who have the words, whatever else was asked for.

        Args:
            statements: The transaction's.
            query: What is asked for.
            is_filtered: Whether something else was asked for, too; then more are looked at for a page.
        """
        words = typed_of(query)
        found = self._begin_with_rarest(statements, words, _SORTED)
        if not found.are_few and (is_filtered or len(words) > 1):
            found = self._begin_with_rarest(statements, words, FEW)
        return found

    def match_row(self, words: Sequence[str]) -> tuple[str, dict[str, object]]:
        """Return the condition that the row of an account belongs to somebody who has the words, and its parameters."""
        if not words:
            return "", {}
        has_words, parameters = _have_all(self._dialect, "found.words", words)
        accounts, words_path = (path.partition(" ")[0] for path in (self._view.accounts, self._view.words))
        table = accounts.rpartition(".")[2]
        # No EXISTS: what a planner may turn into a join, it may begin at the wrong end.
        each = (
            f"SELECT MAX(CASE WHEN {has_words} THEN 1 ELSE 0 END) FROM {words_path} found WHERE found.tenant = :tenant "
            f"AND found.shared = 0 AND found.word = '' AND found.name_key = {table}.name_key "
            f"AND found.contact_id = {table}.contact_id"
        )
        return f"({each}) = 1", parameters

    def _begin_with_rarest(self, statements: Statements, words: Sequence[str], few: int) -> Places:
        """Return the places, found by the word of which fewest rows have to be read, as far as these are counted."""
        rows = f"(SELECT COUNT(*) FROM (SELECT 1 FROM {self._view.words} AND "
        counted: list[str] = []
        parameters: dict[str, object] = {"few": few + 1, "few_names": _SORTED + 1}
        for number, word in enumerate(words):
            low, high = f":low{number}", f":high{number}"
            parameters |= {f"low{number}": word, f"high{number}": follow(word)}
            is_named = f"shared = 0 AND word = '' AND name_key >= {low} AND name_key < {high}"
            counted += [
                f"{rows}{_share_less(word)} AND word >= {low} AND word < {high} LIMIT :few) with_word)",
                # With a single word there is nothing to choose.
                f"{rows}{is_named} LIMIT :few_names) with_name)" if len(words) > 1 else "0",
            ]
        ((*counts,),) = self._view.query(statements, f"SELECT {', '.join(counted)}", parameters)
        ranked = [
            (int(found) > few, int(found) + int(named), word)
            for found, named, word in zip(counts[::2], counts[1::2], words, strict=True)
        ]
        (are_many, _, word), *others = sorted(ranked)
        return Places(self._view, self._dialect, statements, word, [other for *_, other in others], not are_many)


class Places:
    """
    Where those who have some words stand in the order of names.

    Args:
        view: Which rows the store sees.
        dialect: What is said differently by this database.
        statements: The transaction's.
        word: The word that fewest have.
        others: The other words.
        are_few: Whether few have a row of the word.

    Attributes:
        word: The word that fewest have.
        others: The other words.
        are_few: Whether those who have the word are few, apart from those who are sorted by it.
    """

    def __init__(
        self, view: View, dialect: Dialect, statements: Statements, word: str, others: Sequence[str], are_few: bool
    ) -> None:
        self._view = view
        self._dialect = dialect
        self._statements = statements
        self.word = word
        self.others = others
        self.are_few = are_few

    def read(self, position: tuple[str | int, str] | None, limit: int) -> list[Place]:
        """Return the first places after a position."""
        if not self.are_few and self.word != NO_USERNAME:
            places = self._walk_names(position, limit)
            if len(places) == limit:
                return places
        return sorted({*self.read_unsorted(position, limit), *self._read_sorted(position, limit)})[:limit]

    def read_unsorted(
        self,
        position: tuple[str | int, str] | None,
        limit: int,
        condition: str = "",
        parameters: Mapping[str, object] = MappingProxyType({}),
    ) -> list[Place]:
        """
        Return the first places after a position of those who are not sorted by the word.

        Args:
            position: After what.
            limit: How many.
            condition: What must hold of the row of an account.
            parameters: Its parameters.
        """
        has_word, of_word = self._match_word()
        if condition or self._view.is_scoped:
            has_word = _all_of(has_word, self._match_account(condition, parameters))
        # One word, and not all that begin so: its rows are in the order of names already.
        order = _ORDER if self.word == NO_USERNAME else "name_key, contact_id"
        places: list[Place] = []
        while True:
            after, of_position = self._begin_after(position)
            # Some have two such words. To tell them apart in the database would have it keep all, and not the first.
            asked = limit + limit // 4 + 1
            rows = self._read(_all_of(has_word, after), order, {**parameters, **of_word, **of_position}, asked)
            places += dict.fromkeys(rows)
            if len(places) >= limit or len(rows) < asked:
                return places[:limit]
            position = places[-1]

    def select_all(self) -> tuple[str, dict[str, object]]:
        """Return the SELECT of all their contact ids, and its parameters; some may come twice."""
        select = f"SELECT contact_id FROM {self._view.words} AND "
        with_word, parameters = self._match_word()
        by_name, of_names = self._match_names()
        # As a table of its own: MariaDB would ask a UNION once for each account.
        both = f"{select}{with_word} UNION ALL {select}{by_name} AND name_key >= :low"
        return f"SELECT contact_id FROM ({both}) listed", {**parameters, **of_names, "low": self.word}

    def _read_sorted(self, position: tuple[str | int, str] | None, limit: int) -> list[Place]:
        """Return the first places after a position of those who are sorted by the word."""
        condition, parameters = self._match_names()
        begin, of_begin = self._begin_after(max((self.word, ""), position or ("", "")))
        return self._read(_all_of(condition, begin), _ORDER, parameters | of_begin, limit)

    def _walk_names(self, position: tuple[str | int, str] | None, limit: int) -> list[Place]:
        """Look for those who have the words among the names that follow."""
        after, of_position = self._begin_after(position)
        condition, parameters = self._pin("")
        condition = _all_of(condition, after)
        parameters |= of_position
        ends = self._read(condition, _ORDER, parameters, 1, f" OFFSET {_WALKED}")
        if ends:
            condition += " AND name_key <= :end"
            parameters["end"] = ends[0][0]
        has_words, of_words = _have_all(self._dialect, "words", (self.word, *self.others))
        return self._read(_all_of(condition, has_words), _ORDER, parameters | of_words, limit)

    def _match_word(self) -> tuple[str, dict[str, object]]:
        """Return the condition that a row is of the word and has the others beside it, and its parameters."""
        has_others, of_others = _have_all(self._dialect, "words", self.others)
        if self.word == NO_USERNAME:
            condition, parameters = self._pin(NO_USERNAME, "no_username")
        else:
            condition = f"{_share_less(self.word)} AND word >= :low AND word < :high"
            parameters = {"low": self.word, "high": follow(self.word)}
        return _all_of(condition, has_others), parameters | of_others

    def _match_names(self) -> tuple[str, dict[str, object]]:
        """Return the condition that a row is of a name before the word's end and has the others, and its parameters."""
        has_others, of_others = _have_all(self._dialect, "words", self.others)
        condition, parameters = self._pin("")
        return _all_of(condition, "name_key < :high", has_others), {
            **parameters,
            **of_others,
            "high": follow(self.word),
        }

    def _match_account(self, condition: str, parameters: Mapping[str, object]) -> str:
        """Return the condition that something holds of the account of a row."""
        table = self._view.words.partition(" ")[0].rpartition(".")[2]
        accounts = self._view.accounts.partition(" ")[0]
        # By name: whoever has the word stands close together there, in an index that has the status, too.
        key = ("tenant = :tenant", "state = :state") if "state" in parameters else ("tenant = :tenant",)
        holds = _all_of(condition, self._view.within)
        return self._dialect.holds_of_one(
            holds, f"{accounts} WHERE {_all_of(*key)}", "name_key", "contact_id", f"{table}."
        )

    def _pin(self, word: str, parameter: str = "no_word") -> tuple[str, dict[str, object]]:
        """Return the condition that a row is of this very word, of which names share nothing, and its parameters."""
        pins = (self._dialect.pin_column("shared", "nothing"), self._dialect.pin_column("word", parameter))
        return _all_of(*pins), {"nothing": 0, parameter: word}

    def _begin_after(self, position: tuple[str | int, str] | None) -> tuple[str, dict[str, object]]:
        if position is None:
            return "", {}
        after = self._dialect.sort_after(("name_key", "contact_id"), ("position", "tie"))
        return after, {"position": position[0], "tie": position[1]}

    def _read(
        self, condition: str, order: str, parameters: dict[str, object], limit: int, offset: str = ""
    ) -> list[Place]:
        sql = (
            f"SELECT name_key, contact_id FROM {self._view.words} AND {condition} ORDER BY {order} LIMIT :limit{offset}"
        )
        rows: Sequence[Sequence[Any]] = self._view.query(self._statements, sql, {**parameters, "limit": limit})
        return [(name_key, contact_id) for name_key, contact_id in rows]


def typed_of(query: AccountQuery) -> list[str]:
    """Return the words that somebody must have, and what stands among them for somebody without a user name."""
    return [*query.typed, *([NO_USERNAME] if query.without_username else [])]


def follow(word: str) -> str:
    """Return the least text behind all that begin with the word."""
    # LIKE is not used: it folds case in one database and takes blanks off in another, and a typed percent sign means
    # something to it.
    beginning = word.rstrip(_LAST_CODE_POINT)
    if not beginning:
        return _LAST_CODE_POINT * (MAX_NAME_KEY_LENGTH + 1)
    following = ord(beginning[-1]) + 1
    return beginning[:-1] + chr(0xE000 if following == 0xD800 else following)


def _share_less(word: str) -> str:
    """Return the condition that a row's word has less than *word* in common with the name that it is sorted by."""
    # Of a word that is longer than what is written all rows are met, and who is sorted by it is found twice.
    return f"shared IN ({', '.join(map(str, range(min(len(word), MAX_SHARED + 1))))})"


def _have_all(dialect: Dialect, column: str, words: Sequence[str]) -> tuple[str, dict[str, object]]:
    """Return the condition that a text of words, with a blank before each, has one that begins with each of these."""
    parameters: dict[str, object] = {f"word{number}": f" {word}" for number, word in enumerate(words)}
    return _all_of(*(dialect.contains(column, name) for name in parameters)), parameters


def _all_of(*conditions: str) -> str:
    return " AND ".join(filter(None, conditions))
