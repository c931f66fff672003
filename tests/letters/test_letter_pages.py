"""What is printed: a document that needs nothing else, in which nothing is mistyped, and a CSV that nobody runs."""

from __future__ import annotations

import csv
import io
import re
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import portalcreds.letters
from portalcreds.contacts import ContactId
from portalcreds.exceptions import ConfigurationError, InvalidValueError, MissingDependencyError
from portalcreds.letters import Letter, LetterOutcome, LetterReason, Letters, LetterStyle
from portalcreds.secret import Secret
from portalcreds.texts import ENGLISH, TextTable
from test_texts import arabic_form

ADDRESS = "https://portal.example.org/parents"
INVITED = "https://portal.example.org/invited?ticket="
EXPIRES = datetime(2026, 9, 7, 7, 30, tzinfo=UTC)
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"]


def letter(password: str = "AbbiaticiR", **fields: Any) -> Letter:
    """Return a letter to Rosa."""
    told: dict[str, Any] = {
        "first_name": "Rosa",
        "last_name": "Abbiatici",
        "username": "rabbiatici",
        "password": Secret(password),
    }
    told |= {"contact_id": ContactId("c-1"), "outcome": LetterOutcome.WRITTEN, "expires_at": EXPIRES}
    return Letter(**(told | fields))


def refused(contact_id: str = "c-2", reason: LetterReason = LetterReason.CHOSE_OWN) -> Letter:
    """Return no letter to somebody."""
    return Letter(contact_id=ContactId(contact_id), outcome=LetterOutcome.REFUSED, reason=reason, first_name="<Pat>")


def html_of(*items: Letter, **style: Any) -> str:
    """Return the document."""
    given: dict[str, Any] = {"address": ADDRESS, "has_qr": False} | style
    return Letters(items=items).to_html(LetterStyle(**given)).reveal()


class Read(HTMLParser):
    """Reads a document as a browser does: its tags in balance, and what a person sees."""

    def __init__(self, html: str) -> None:
        """Read it."""
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what is open."""
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember its attributes."""
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """Close what is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember what is seen."""
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a person sees."""
        return "".join(self.words)


@pytest.mark.parametrize("layout", ["letters", "slips"])
def test_a_letter_says_what_a_family_needs(layout: str) -> None:
    """Name, user name, password, address and expiry are in both layouts."""
    seen = Read(html_of(letter(), layout=layout, school="Grand Bend")).text
    for words in ("Grand Bend", "Rosa Abbiatici", "rabbiatici", "AbbiaticiR", ADDRESS, "until 2026-09-07 07:30 UTC."):
        assert words in seen


@pytest.mark.parametrize("layout", ["letters", "slips"])
def test_everything_is_escaped_and_nothing_is_loaded(layout: str) -> None:
    """A name that is a script is a name, and the document reaches for no other site, so it is whole without one."""
    nasty = '"><script>alert(1)</script><img src=https://evil.example/>'
    items = [letter(nasty, first_name=nasty, last_name=nasty, username=nasty), refused(nasty)]
    read = Read(html_of(*items, layout=layout, school=nasty, has_qr=True, date_text=lambda at: nasty))
    assert {tag for tag, _, _ in read.attributes} & {"script", "img", "link", "iframe", "a"} == set()
    assert {name for _, name, _ in read.attributes} & {"src", "srcset", "style", "onload"} == set()
    assert {value for _, name, value in read.attributes if name == "href"} == {"#portal"}
    assert read.text.count("<script>alert(1)</script>") >= 5


def test_eight_slips_are_on_a_page() -> None:
    """Nine slips take two pages, and nine letters nine."""
    nine = [letter()] * 9
    assert html_of(*nine, layout="slips").count('<div class="sheet">') == 2
    assert html_of(*nine).count('<section class="letter">') == html_of(*nine, layout="slips").count("<section") == 9


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("AbbiaticiR", ["Capital letters: A, R. All others are small."]),
        ("abbiatici", ["All letters are small."]),
        ("LIR", ["All letters are capitals.", "I is a capital i."]),
        ("O'BrienP", ["Capital letters: O, B, P.", "O is a capital o.", "' is the straight apostrophe."]),
        ("O’BrienP", ["Not on every keyboard: ’"]),
        ("van der BergA", ["is a space, 2 times."]),
        ("Mc Donald\u00a0R", ["is a space, 2 times."]),
        ("l01", ["0 is the digit zero.", "1 is the digit one.", "l is a small L."]),
        ("NguyễnT", ["With the accents: ễ"]),
        ("NguyeI", ["I is a capital i."]),
        ("A\u200bB", ["is a character that nobody sees: U+200B"]),
        ("".join(map(chr, range(65, 91))) + "x", ["A, B, C, D, E, F, G, H, I, J, K, L, …. All"]),
        ("李小", []),
        ("الحسنن", []),
    ],
)
def test_what_is_mistyped_is_told_in_words(password: str, told: list[str]) -> None:
    """Capitals, blanks, look-alikes, accents and what is not on a keyboard have a sentence, and nothing else has."""
    html = html_of(letter(password, username="rabby"))
    for words in told:
        assert words in Read(html).text
    assert ('<ul class="hints">' in html) is bool(told)


def test_a_blank_is_marked_and_still_a_blank() -> None:
    """Who copies the password from the PDF gets the blank, and who types it sees the mark."""
    html = html_of(letter("van der BergA"))
    assert 'van<span class="blank"> </span>der<span class="blank"> </span>BergA' in html
    assert "van der BergA" in Read(html).text


def test_a_user_name_has_no_hint_on_its_case() -> None:
    """Case makes no difference there, so nobody is told to heed it."""
    html = html_of(letter("x", username="O'BrienL"))
    assert "Capital letters" not in html
    assert "O is a capital o." in html


# -- invitations, letter codes and QR codes


def test_an_invitation_has_its_own_address() -> None:
    """The ticket is quoted behind the address of the host's, and there is no password to look for."""
    invited = letter(password="x", ticket=Secret("c 1.abc"))
    html = html_of(
        Letter(
            contact_id=invited.contact_id,
            outcome=invited.outcome,
            username="rabbiatici",
            ticket=invited.ticket,
            expires_at=EXPIRES,
        ),
        invitation_address=INVITED,
    )
    assert f"{INVITED}c%201.abc" in Read(html).text
    assert "<dt>Password</dt>" not in html
    assert "Open this address." in html
    with pytest.raises(InvalidValueError, match="invitation_address"):
        html_of(invited)


def test_a_letter_code_is_told_with_its_use() -> None:
    """The family learns what it will be asked for."""
    seen = Read(html_of(letter(code=Secret("x7kdb-33vnf")))).text
    assert "x7kdb-33vnf" in seen
    assert "You are asked for it when you choose your own password." in seen


def drawn(html: str) -> list[list[bool]]:
    """Return the squares of the QR code that a document draws."""
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', html)[1])  # type: ignore[index]  # There, or the test fails.
    rows = [[False] * size for _ in range(size)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", html):
        for at in range(int(x), int(x) + int(width)):
            rows[int(y)][at] = True
    return rows


def test_the_qr_code_is_that_of_the_address() -> None:
    """It is drawn within the document, with the white around it that cameras need, once for all letters."""
    import segno

    html = html_of(letter(), letter(), has_qr=True)
    expected = [[bool(each) for each in row] for row in segno.make(ADDRESS, micro=False, error="m").matrix]
    rows = drawn(html)
    assert [row[4:-4] for row in rows[4:-4]] == expected
    assert not any(any(row) for row in [*rows[:4], *rows[-4:]])
    assert html.count("<path") == 1
    assert html.count('href="#portal"') == 2


def test_without_the_extra_there_is_the_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal without segno prints letters; one that asks for codes is told what to install."""
    monkeypatch.setitem(sys.modules, "segno", None)
    monkeypatch.delitem(sys.modules, "portalcreds.letters.qr", raising=False)
    assert "<figure>" not in html_of(letter(), has_qr=None)
    with pytest.raises(MissingDependencyError, match="segno"):
        html_of(letter(), has_qr=True)


# -- in other languages

GERMAN = TextTable(
    {
        "LetterText.title": "Ihr Zugang zum Elternportal",
        "LetterText.capitals": ("Großbuchstabe: {letters}.", "Großbuchstaben: {letters}."),
        "LetterText.until": "Gilt bis {until}.",
    }
)
SPANISH = TextTable({"LetterText.password": "Contraseña", "LetterText.blanks": ("{mark}: uno", "{mark}: {count}")})
ARABIC = TextTable(
    {
        "LetterText.username": "اسم المستخدم",
        "LetterText.blanks": ("{mark}", "{mark} مسافة واحدة", "{mark} مسافتان", *["{mark} {count} مسافات"] * 3),
    },
    plural_form=arabic_form,
)


def test_a_letter_is_in_the_language_of_the_family() -> None:
    """German, Spanish and Arabic, with their plurals and from their side; what is missing is English."""
    german = html_of(letter("Abbiatici"), lang="de", translation=GERMAN, date_text=lambda at: f"{at:%d.%m.%Y}")
    assert '<html lang="de" dir="ltr">' in german
    for words in ("Ihr Zugang zum Elternportal", "Großbuchstabe: A.", "Gilt bis 07.09.2026.", "User name"):
        assert words in german
    spanish = Read(html_of(letter("a b c"), lang="es", translation=SPANISH)).text
    assert "Contraseña" in spanish
    assert " : 2" in spanish
    arabic = html_of(letter("a b c"), lang="ar", direction="rtl", translation=ARABIC)
    assert '<html lang="ar" dir="rtl">' in arabic
    assert "اسم المستخدم" in arabic
    assert "مسافتان" in arabic
    # What is typed keeps its own direction.
    assert '<span dir="ltr"' in arabic
    assert '<bdi class="typed wide">a<span' in arabic


def test_the_office_reads_on_the_screen_whom_there_is_no_letter_for() -> None:
    """That is not printed, and in the language of the office, with the reason."""
    html = html_of(letter(), refused(), lang="ar", direction="rtl", translation=ARABIC)
    aside = html[html.index("<aside") : html.index("</aside>")]
    assert '<aside class="screen" lang="en" dir="ltr">' in aside
    assert "1 letter to print." in aside
    assert "<li><bdi>&lt;Pat&gt;</bdi>: Chose a password, which only the contact knows.</li>" in aside
    assert "AbbiaticiR" not in aside
    office = TextTable({"LetterText.refused": ("{count} ohne Brief", "{count} ohne Brief")})
    assert "1 ohne Brief" in html_of(refused(), staff_translation=office)


def test_every_text_of_a_letter_is_said_somewhere() -> None:
    """The catalogue has what the pages say, and nothing else, so that nobody translates in vain."""
    folder = Path(str(portalcreds.letters.__file__)).parent
    source = "".join((folder / name).read_text("utf-8") for name in ("_page.py", "_hints.py"))
    keys = {key.partition(".")[2] for key in ENGLISH if key.startswith("LetterText.")}
    assert {key for key in keys if f'"{key}"' not in source and f"'{key}'" not in source} == set()
    said = set(re.findall(r"""(?:LetterText\(|_say\(|_field\()["'](\w+)""", source))
    assert said - keys == set()


# -- CSV


def rows_of(*items: Letter, **style: Any) -> list[dict[str, str]]:
    """Return the rows, as a program reads them."""
    text = Letters(items=items).to_csv(LetterStyle(address=ADDRESS, **style)).reveal()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_csv_has_a_row_for_each_letter() -> None:
    """What a mail merge needs, blanks at the end included; who has no letter is left out."""
    assert rows_of(letter("a b "), refused()) == [
        {
            "contact_id": "c-1",
            "first_name": "Rosa",
            "last_name": "Abbiatici",
            "username": "rabbiatici",
            "password": "a b ",
            "letter_code": "",
            "address": ADDRESS,
            "works_until": "2026-09-07 07:30 UTC",
            "defused": "",
        }
    ]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_run_as_a_formula(formula: str) -> None:
    """CWE-1236: whatever a spreadsheet would run begins with an apostrophe, and the row says which cells do."""
    (row,) = rows_of(letter(formula, first_name=formula, username=formula), date_text=lambda at: formula)
    assert row["defused"] == "first_name username password works_until"
    assert {row[name] for name in row["defused"].split()} == {f"'{formula}"}
    assert not any(cell.startswith(tuple("=+-@\t\r\n＝")) for cell in row.values())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "portal.example.org"),
        ("address", None),
        ("address", "https://x \n"),
        ("invitation_address", "javascript:1"),
        ("school", ""),
        ("layout", "cards"),
        ("paper", "A5"),
        ("direction", "up"),
        ("lang", None),
        ("has_qr", "yes"),
    ],
)
def test_a_style_that_cannot_be_is_refused(field: str, value: object) -> None:
    """R23: a mistake in the style is found when the portal starts."""
    with pytest.raises(ConfigurationError, match=f"^{field}: "):
        LetterStyle(**{"address": ADDRESS, field: value})  # type: ignore[arg-type]  # Wrong on purpose.


def test_a_document_prints_masked() -> None:
    """R14: in a notebook neither the document nor the CSV is shown, and kept in its file, before somebody says so."""
    letters = Letters(items=(letter(),))
    style = LetterStyle(address=ADDRESS)
    assert repr(letters.to_html(style)) == repr(letters.to_csv(style)) == "Secret('********')"
