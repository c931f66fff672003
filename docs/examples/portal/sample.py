"""Make up contacts, so that there is something to search in."""

from __future__ import annotations

from collections.abc import Iterator

from portalcreds import Contact
from portalcreds.contacts import ContactId

_FIRST = "Ana,Bilal,Chloé,Dmitri,Emma,Fatima,George,Hana,Ivan,Jia,Khadija,Lucía,Minh,Noor,Oskar,Priya,Quinn,Rosa"
_LAST = (
    "Abbott,Ahmed,Bauer,Castro,Dubois,Eriksen,Fischer,García,Hassan,Ivanova,Jensen,Kowalski,Lý,Martínez,Nguyễn,"
    "O'Brien,Petrović,Quispe,Rossi,Šimić,Tanaka,Usman,Varga,Walker,Yılmaz,Zhou"
)


def made_up_contacts(count: int) -> Iterator[Contact]:
    """Yield so many contacts, the same each time."""
    firsts, lasts = _FIRST.split(","), _LAST.split(",")
    for number in range(count):
        first, last = firsts[number * 7 % len(firsts)], lasts[(number * 11 + number // len(lasts)) % len(lasts)]
        contact_id = ContactId(f"M-{number + 1:04}")
        yield Contact(contact_id=contact_id, first_name=first, last_name=last, email=f"{contact_id}@example.org")
