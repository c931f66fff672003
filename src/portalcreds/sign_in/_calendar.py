"""Find dates, years and telephone numbers, in digits and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from ._skeletons import skeletons, unit

_IN_ORDER: Final = (
    # English, German, Dutch, French, Spanish, Portuguese, Italian, Polish, Russian: seasons, months, weekdays.
    "spring summer autumn fall winter",
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "monday tuesday wednesday thursday friday saturday sunday",
    "mon tue wed thu fri sat sun",
    "frühling sommer herbst winter",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "montag dienstag mittwoch donnerstag freitag samstag sonntag",
    "lente zomer herfst winter",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "printemps été automne hiver",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "primavera verano otoño invierno",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "lunes martes miércoles jueves viernes sábado domingo",
    "primavera verão outono inverno",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "segunda terça quarta quinta sexta sábado domingo",
    "primavera estate autunno inverno",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "wiosna lato jesień zima",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    "весна лето осень зима",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "понедельник вторник среда четверг пятница суббота воскресенье",
)
_COUNTED: Final = (
    "one two three four five six seven eight nine ten eleven twelve",
    "eins zwei drei vier fünf sechs sieben acht neun zehn",
    "een twee drie vier vijf zes zeven acht negen tien",
    "un deux trois quatre cinq six sept huit neuf dix",
    "uno dos tres cuatro cinco seis siete ocho nueve diez",
    "um dois três quatro cinco seis sete oito nove dez",
    "uno due tre quattro cinque sei sette otto nove dieci",
    "jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć",
    "один два три четыре пять шесть семь восемь девять десять",
    "do re mi fa so la ti do",
    "alfa bravo charlie delta echo foxtrot golf hotel india juliett",
    "alpha beta gamma delta epsilon zeta eta theta iota kappa",
)


def word_rows() -> Iterator[str]:
    """Yield what two or more of these words make that follow each other, such as ``onetwothree``."""
    for line in (*_IN_ORDER, *_COUNTED):
        words = line.split()
        for start in range(len(words)):
            for end in range(start + 2, len(words) + 1):
                yield "".join(words[start:end])


_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_YEAR: Final = r"(?:19|20)\d\d"
_DAY_AND_MONTH: Final = rf"(?:{_DAY}{_MONTH}|{_MONTH}{_DAY})"
_LONG_DATE: Final = re.compile(rf"{_DAY_AND_MONTH}{_YEAR}|{_YEAR}{_DAY_AND_MONTH}")
_SHORT_DATE: Final = re.compile(
    # With two digits of the year, or without the zeros of day and month.
    rf"(?:{_DAY_AND_MONTH}\d\d|\d\d{_MONTH}{_DAY}|[1-9]\d?[1-9]\d?{_YEAR}|{_YEAR}[1-9]\d?[1-9]\d?)(?!\d)"
)
_ANY_YEAR: Final = re.compile(_YEAR)
_DIGITS: Final = re.compile(r"\d+")
_ABROAD: Final = re.compile(r"(?:00|011)[1-9]")


@cache
def _date_in_words() -> re.Pattern[str]:
    names = {skeleton for line in _IN_ORDER for word in line.split() for skeleton in skeletons(word)}
    name = f"(?:{'|'.join(sorted(names, key=len, reverse=True))})"
    day = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|er)?(?:of|de)?"
    # A weekday, a day before or behind the month, and a year; one of the last two at least.
    return re.compile(rf"{name}?(?:(?:{day})?{name}(?:{day}|de)?{_YEAR}|{name}{day}(?!\d)|{day}{name}(?!\d))")


def date_end(text: str, start: int) -> int:
    """Return where the date that begins at *start* ends; *start* if there is none."""
    for pattern in (_date_in_words(), _LONG_DATE, _SHORT_DATE):
        end = _end(pattern, text, start)
        if end > start and (pattern is not _SHORT_DATE or _is_whole_number(text, start, end)):
            return end
    return start


def year_end(text: str, start: int) -> int:
    """Return where the year of the last or this century that begins at *start* ends; *start* if there is none."""
    return _end(_ANY_YEAR, text, start)


def telephone_number_end(text: str, start: int) -> int:
    """Return where what may be a telephone number ends; *start* if it is too long or short, or in a longer number."""
    found = _DIGITS.match(text, start)
    if found is None or not _is_whole_number(text, start, found.end()):
        return start
    number = unit(found[0])
    # As in E.164, with and without the prefix abroad.
    most = 15 if _ABROAD.match(number) else 13
    # In a random text some digits stand in a row, but beside letters.
    beside = text[start - 1 : start] + text[found.end() : found.end() + 1]
    return start + len(number) if 7 <= len(number) <= most and not any(map(str.isalpha, beside)) else start


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    # Somewhere within a longer number there is often something that looks like a date, by chance.
    return found.end() if found and (_begins(text, start) or _ends(text, found.end())) else start


def _is_whole_number(text: str, start: int, end: int) -> bool:
    return _begins(text, start) and _ends(text, end)


def _begins(text: str, start: int) -> bool:
    return not text[start - 1 : start].isdigit()


def _ends(text: str, end: int) -> bool:
    return not text[end : end + 1].isdigit()
