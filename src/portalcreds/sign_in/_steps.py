"""Which character comes after which: in alphabets, among the digits, and on keyboards."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from ._skeletons import skeletons

_ALPHABETS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह",
    "กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん",
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン",
    "가나다라마바사아자차카타파하",
    "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
    "一二三四五六七八九十",
    "甲乙丙丁戊己庚辛壬癸",
    "子丑寅卯辰巳午未申酉戌亥",
)
"""The letters in the order in which people say them."""

_DIGITS: Final = "0123456789"
_US_MARKS: Final = "!@#$%^&*()_+"

_KEYBOARDS: Final = (
    # QWERTY, plain, with shift, and letters and digits alone.
    ("1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"),
    (_US_MARKS, "qwertyuiop{}", 'asdfghjkl:"', "zxcvbnm<>?"),
    ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    # QWERTZ
    ("1234567890ß", "qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-"),
    ('!"§$%&/()=?', "qwertzuiopü*", "asdfghjklöä'", "yxcvbnm;:_"),
    # AZERTY
    ("1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    ("&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "wxcvbn,;:!"),
    # Dvorak
    ("1234567890[]", "',.pyfgcrl/=", "aoeuidhtns-", ";qjkxbmwvz"),
    # ЙЦУКЕН, Russian and Ukrainian
    ("1234567890-=", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю."),
    ("1234567890-=", "йцукенгшщзхї", "фівапролджє", "ячсмитьбю."),
    # Greek, Hebrew, Arabic, Korean
    ("1234567890", ";ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
    ("1234567890", "/'קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"),
    ("1234567890", "ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرﻻىةوزظ"),
    ("1234567890", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", "ㅋㅌㅊㅍㅠㅜㅡ"),
)
"""The rows of keys, one under the other, so that what leans on the keyboard is a column here."""

STAY: Final = 1
"""The way from a character to itself."""


class Steps:
    """
    The steps from one character to another that everybody knows: the ways they go are the bits of an int.

    Two steps go the same way if they have a bit in common. In an alphabet and among the digits, which both go round, a
    way is a distance; on a keyboard it is a direction. So ``a`` to ``b`` goes the way of ``b`` to ``c``, and on QWERTY
    ``q`` to ``a`` goes that of ``w`` to ``s``.
    """

    def __init__(self) -> None:
        self._ways: dict[str, int] = {}
        self._skeletons: dict[str, str] = {}
        self._last = STAY
        for distance in (1, -1, 2, -2, 3, -3):
            way = self._new_way()
            for line in (*_ALPHABETS, _DIGITS):
                self._add_line(line, distance, way)
        for distance in (4, 5, 6):
            self._add_line(_DIGITS, distance, self._new_way())
        self._lines = self._last * 2 - 1
        for rows in _KEYBOARDS:
            self._add_keyboard(rows)

    def ways(self, before: str, after: str) -> int:
        """Return the ways that lead from one character to the other; 0 for none."""
        return STAY if before == after else self._ways.get(before + after, 0)

    def is_line(self, ways: int) -> bool:
        """Return whether one of the ways is along an alphabet or the digits, and not only on a keyboard."""
        return bool(ways & self._lines)

    def _new_way(self) -> int:
        self._last *= 2
        return self._last

    def _add_line(self, line: str, distance: int, way: int) -> None:
        for at, char in enumerate(line):
            self._add(char, line[(at + distance) % len(line)], way)

    def _add_keyboard(self, rows: tuple[str, ...]) -> None:
        for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
            way = self._new_way()
            for before, after in _neighbours(rows, right, down):
                self._add(before, after, way)

    def _add(self, before: str, after: str, way: int) -> None:
        # Where one is read as two, such as ß, it makes a pair of three that nobody asks for.
        pair = self._skeleton(before) + self._skeleton(after)
        self._ways[pair] = self._ways.get(pair, 0) | way

    def _skeleton(self, char: str) -> str:
        # As it is read in a password, where й and и are the same.
        if char not in self._skeletons:
            self._skeletons[char] = skeletons(char)[0]
        return self._skeletons[char]


def _neighbours(rows: tuple[str, ...], right: int, down: int) -> Iterator[tuple[str, str]]:
    if not down:
        # As one reads: behind the end of a row comes the beginning of the next.
        rows = ("".join(rows),)
    for row, other in zip(rows[max(0, -down) :], rows[max(0, down) :], strict=False):
        for place, char in enumerate(row):
            if 0 <= place + right < len(other):
                yield char, other[place + right]


@cache
def known_steps() -> Steps:
    """Return the steps; they are made when the first password is read."""
    return Steps()
