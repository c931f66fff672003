"""Derive or draw the default password of a contact."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from types import UnionType
from typing import Final

import attrs

from .._ids import digest
from .._text import MAX_PASSWORD_LENGTH, TextFaultError, canonical_password, character_fault, is_code
from .._value import Value
from ..contacts import Contact
from ..derived import Derived
from ..exceptions import InvalidValueError
from ..secret import Secret
from ._name_parts import FIELDS, LAST_NAME_FIRST_INITIAL, NamePart, composed
from ._words import WORDS
from .default_warning import DefaultWarning, name_warnings, text_warnings

__all__ = [
    "MAX_DRAWN_LENGTH",
    "MIN_DRAWN_BITS",
    "READABLE_ALPHABET",
    "DefaultWarning",
    "Derived",
    "LastNameFirstInitial",
    "NameTemplate",
    "Passphrase",
    "RandomReadable",
    "default_password",
]

READABLE_ALPHABET: Final = "bcdfghjknprtvxy3478"
"""
What `RandomReadable` draws from: 19 characters, 4.25 bits each.

One case only, no vowels (so that no words come about), and one or none of each group that is confused in print or in
handwriting: 0/o, 1/i/l, 2/z, 5/s, 6/b, 9/g/q, rn/m, vv/w.
"""

MIN_DRAWN_BITS: Final = 40
"""Bits of a drawn password below which a strategy is refused: enough for a secret that is throttled and expires."""

MAX_DRAWN_LENGTH: Final = 64
"""Characters, or words, that a drawn password may have; somebody has to type it."""


def default_password(contact: Contact) -> Secret:
    """
    Return the contact's last name and first initial, letter for letter as in the SIS: ``AbbiaticiR``.

    The shortest way to what `LastNameFirstInitial` derives, without its warnings. Guessable by design: issue it through
    a service, which makes it open nothing but "choose your own".

    Raises:
        UnderivableError: The contact has none. It is never guessed.
    """
    return Secret(composed(contact, LAST_NAME_FIRST_INITIAL))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LastNameFirstInitial(Value):
    """
    The default strategy: last name and first initial, no character and no case altered.

    The initial is the first grapheme of the first name, by an approximation of UAX #29 (combining marks, ZWJ sequences,
    modifiers, regional pairs, Hangul syllables, Indic conjuncts): a decomposed É stays whole, and decomposed. Only
    outer white space of a name is dropped, with a warning.
    """

    @property
    def id(self) -> str:
        """The strategy's name for the record."""
        return "last-name-first-initial"

    @property
    def is_derivable(self) -> bool:
        """True: whoever knows the name knows the password."""
        return True

    def derive(self, contact: Contact, /) -> Derived:
        """
        Return the contact's default password, and what makes it hard to type.

        Raises:
            UnderivableError: A name is missing, blank, too long or holds a control character or a surrogate, or the
                first name begins with a mark or another character that is no letter of its own.
        """
        return _derived(contact, LAST_NAME_FIRST_INITIAL)


# Converters where what is derived from the value comes before the validators run.
def _template(template: str) -> str:
    if not _is_a(template, str) or len(template) > MAX_PASSWORD_LENGTH:
        raise InvalidValueError("template", f"pass text of at most {MAX_PASSWORD_LENGTH} characters")
    literal = _PLACEHOLDER.sub("", template)
    if "{" in literal or "}" in literal:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise InvalidValueError("template", f"use braces for these only: {known}")
    if literal == template:
        raise InvalidValueError("template", "name at least one field; one password for everybody is no default")
    if character_fault(literal) is not None:
        raise InvalidValueError("template", "leave control characters and surrogates out")
    return template


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NameTemplate(Value):
    """
    A portal's other house rule over the names, such as ``{first_name}.{last_name}``.

    The fields are ``{last_name}``, ``{first_name}``, ``{last_initial}`` and ``{first_initial}``; all other text stands
    for itself. Names go in as `LastNameFirstInitial` takes them. There is no field that alters case: people are told
    the rule, and a rule with exceptions is one they get wrong.

    Attributes:
        template: The rule.

    Raises:
        InvalidValueError: *template* has other braces, no field, a control character or a surrogate, or is too long.
    """

    template: str = attrs.field(converter=_template)
    _pieces: tuple[NamePart | str, ...] = attrs.field(init=False, repr=False, eq=False)

    @_pieces.default
    def _parse(self) -> tuple[NamePart | str, ...]:
        texts = _PLACEHOLDER.split(self.template)
        return tuple(FIELDS[text] if at % 2 else text for at, text in enumerate(texts) if text)

    @property
    def id(self) -> str:
        """The template, or its digest if it cannot stand in a record."""
        name = f"name-template:{self.template}"
        return name if is_code(name) else f"name-template-sha256:{_short_digest(self.template)}"

    @property
    def is_derivable(self) -> bool:
        """True: whoever knows the name and the rule knows the password."""
        return True

    def derive(self, contact: Contact, /) -> Derived:
        """
        Return the contact's default password, and what makes it hard to type.

        Raises:
            UnderivableError: As for `LastNameFirstInitial`, for the names that the template uses.
        """
        return _derived(contact, self._pieces)


def _whole(minimum: int, maximum: int, value: object) -> bool:
    return type(value) is int and minimum <= value <= maximum


def _length(strategy: object, attribute: attrs.Attribute[int], value: object) -> None:
    minimum = math.ceil(MIN_DRAWN_BITS / math.log2(len(READABLE_ALPHABET)))
    if not _whole(minimum, MAX_DRAWN_LENGTH, value):
        raise InvalidValueError(attribute.name, f"pass a whole number from {minimum} to {MAX_DRAWN_LENGTH}")


def _group(strategy: object, attribute: attrs.Attribute[int], value: object) -> None:
    if not _whole(0, MAX_DRAWN_LENGTH, value):
        raise InvalidValueError(attribute.name, f"pass a whole number from 1 to {MAX_DRAWN_LENGTH}, or 0 for no groups")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RandomReadable(Value):
    """
    Random characters that are not mistaken for each other, such as ``x7kd-33vn-fr8h-tbcy``.

    Drawn with `secrets` from `READABLE_ALPHABET`; the default has 67.9 bits. The hyphens are part of the password and
    add none. It cannot be worked out again, so it has to be handed over when it is issued.

    Attributes:
        length: How many characters are drawn, from 10 (42 bits) to 64.
        group: After how many of them a hyphen stands, or 0 for none.

    Raises:
        InvalidValueError: *length* or *group* is out of bounds.
    """

    length: int = attrs.field(default=16, validator=_length)
    group: int = attrs.field(default=4, validator=_group)

    @property
    def bits(self) -> float:
        """The entropy of a password in bits."""
        return self.length * math.log2(len(READABLE_ALPHABET))

    @property
    def id(self) -> str:
        """The strategy's name with its parameters."""
        return f"random-readable:{self.length}/{self.group}"

    @property
    def is_derivable(self) -> bool:
        """False: nobody can work it out."""
        return False

    def derive(self, contact: Contact, /) -> Derived:
        """Return another password at every call, whatever the contact."""
        drawn = "".join(_drawn(READABLE_ALPHABET, self.length))
        size = self.group or self.length
        return Derived(secret=Secret("-".join(drawn[at : at + size] for at in range(0, self.length, size))))


def _words(words: Sequence[str]) -> tuple[str, ...]:
    # Not a text, which is a sequence of letters, and not a set, whose order would change the id.
    if not _is_a(words, Sequence) or _is_a(words, str | bytes) or len(words) < 2:
        raise InvalidValueError("words", "pass a sequence of at least two words")
    if not all(_is_a(word, str) and _is_word(word) for word in words):
        raise InvalidValueError("words", "pass words without control characters, each beginning with a letter or digit")
    if len({canonical_password(word) for word in words}) != len(words):
        raise InvalidValueError("words", "pass words that are all different; one that is there twice costs bits")
    return tuple(words)


def _is_a(value: object, kind: type | UnionType) -> bool:
    # Callers without a type checker get the same refusal; behind a function, because the checker knows better.
    return isinstance(value, kind)


def _is_word(word: str) -> bool:
    try:
        # A mark at the beginning would belong to the separator.
        return canonical_password(word)[0].isalnum()
    except TextFaultError:
        return False


def _separator(strategy: Passphrase, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or len(value) != 1 or not (value.isascii() and value.isprintable()):
        raise InvalidValueError(attribute.name, "pass one printable ASCII character")
    # A separator within a word would let two drawings make one password, and the bits would be a lie.
    if any(value in word for word in strategy.words):
        raise InvalidValueError(attribute.name, "pass a character that is in none of the words")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Passphrase(Value):
    """
    Random words, such as ``walnut-comet-piano-meadow-lizard``.

    Drawn with `secrets`, each word as likely as the others and any of them more than once. The default draws five of
    256 English words: 40 bits. That is enough for what is throttled, expires and must be changed, and too little for a
    password to keep.

    Attributes:
        words: What is drawn from; the package's own list if none is given. Hidden from ``repr`` for its length.
        count: How many are drawn.
        separator: The one ASCII character between them, which no word may hold.

    Raises:
        InvalidValueError: The words are fewer than two, not all different or not fit for a password, the separator is
            in one of them, or *count* makes less than 40 bits or more than a password may have.
    """

    words: tuple[str, ...] = attrs.field(default=WORDS, converter=_words, repr=False)
    count: int = attrs.field(default=5)
    separator: str = attrs.field(default="-", validator=_separator)

    def __attrs_post_init__(self) -> None:
        longest = max(len(canonical_password(word)) for word in self.words)
        minimum = math.ceil(MIN_DRAWN_BITS / math.log2(len(self.words)))
        maximum = min(MAX_DRAWN_LENGTH, (MAX_PASSWORD_LENGTH + 1) // (longest + 1))
        if not _whole(minimum, maximum, self.count):
            hint = f"pass a whole number from {minimum} to {maximum}" if minimum <= maximum else "pass more words"
            raise InvalidValueError("count", hint)

    @property
    def bits(self) -> float:
        """The entropy of a password in bits."""
        return self.count * math.log2(len(self.words))

    @property
    def id(self) -> str:
        """The strategy's name with its parameters, the words as a digest."""
        return f"passphrase:{self.count}{self.separator}{len(self.words)}:{_short_digest(*self.words)}"

    @property
    def is_derivable(self) -> bool:
        """False: nobody can work it out."""
        return False

    def derive(self, contact: Contact, /) -> Derived:
        """Return another password at every call, whatever the contact."""
        text = self.separator.join(_drawn(self.words, self.count))
        return Derived(secret=Secret(text), warnings=text_warnings(text))


_PLACEHOLDER: Final = re.compile("{(" + "|".join(FIELDS) + ")}")


def _derived(contact: Contact, pieces: Sequence[NamePart | str]) -> Derived:
    text = composed(contact, pieces)
    return Derived(secret=Secret(text), warnings=name_warnings(contact, pieces, text))


def _drawn(choices: Sequence[str], count: int) -> list[str]:
    import secrets  # Brings OpenSSL with it, which whoever only derives has no use for.

    return [secrets.choice(choices) for _ in range(count)]


def _short_digest(*texts: str) -> str:
    # 128 bits: ids that differ, in a field of 64 characters.
    return digest("\0".join(texts))[:32]
