"""Lay letters out as one HTML document that prints as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from importlib import import_module
from typing import Final

from .._chunks import chunks
from ..secret import Secret
from ..texts import text_of
from ._hints import hints_for_password, hints_for_username, mark, with_marks
from ._texts import LetterText
from .letter import Letter
from .style import PAPERS, LetterStyle

SLIPS_ON_A_PAGE: Final = 8
"""Two beside each other, four times."""

_LONG: Final = 16
_VERY_LONG: Final = 34
"""From so many characters on a text is set smaller: what fits a line of a slip, and two."""

_FULL: Final = 100
_OVERFULL: Final = 350
"""With more characters in all, a slip is set smaller, so that nothing is cut."""

# Sides are start and end, so that the same sheet serves right-to-left letters. Nothing is told by colour or by what is
# behind a text: printers leave that out.
_CSS: Final = """
* { box-sizing: border-box; }
body { margin: 0; color: #000; background: #fff; font: 11pt/1.4 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; }
p, dl, dd, ul, figure, h1, h2 { margin: 0; padding: 0; }
bdi, dd, h2, p { overflow-wrap: anywhere; }
dt { font-size: .8em; color: #333; }
/* Broken anywhere, and not behind a hyphen, which would look like one of the line's. */
.typed { font-size: 1.4em; line-height: 1.25; word-break: break-all; }
.typed.long { font-size: 1.1em; }
.typed.very-long { font-size: .85em; }
/* Fonts in which 0 and O, and 1, l and I differ. */
.wide { font-family: "DejaVu Sans Mono", "Noto Sans Mono", Menlo, Consolas, ui-monospace, monospace;
  font-variant-ligatures: none; font-variant-numeric: slashed-zero; font-weight: 600; }
.address .typed { font-size: 1em; font-weight: 400; }
.address .long { font-size: .85em; }
.address .very-long { font-size: .8em; }
.blank { display: inline-block; width: .8ch; height: .35em; margin: 0 .1ch; border: solid; border-width: 0 .09em .09em;
  overflow: hidden; vertical-align: -.15em; }
.unseen { display: inline-block; min-width: .6ch; min-height: .8em; border: .09em dotted; vertical-align: baseline; }
.hints { list-style: none; font-size: .8em; line-height: 1.35; }
.hints li { display: inline; }
.hints li + li::before { content: " "; }
svg { display: block; width: 100%; }
.drawn { position: absolute; width: 0; height: 0; }
figure { text-align: center; font-size: .75em; line-height: 1.25; break-inside: avoid; }
h1 { font-size: 1.1em; }
.screen { max-width: 210mm; margin: 0 auto; padding: 5mm; border-bottom: 1px solid #999; }
@media print { .screen { display: none; } }
"""

_LETTERS_CSS: Final = """
@page { size: WIDTHmm HEIGHTmm; margin: 20mm 25mm; }
.letter { max-width: 160mm; margin: 0 auto; break-after: page; }
.letter:last-child { break-after: auto; }
.school { font-weight: 600; min-height: 1.4em; }
.to { margin: 24mm 0 18mm; }
h2 { font-size: 1.5em; line-height: 1.25; margin-bottom: 4mm; }
.box { display: flex; gap: 8mm; align-items: flex-start; margin: 6mm 0; padding: 6mm; border: .4mm solid #000;
  border-radius: 2mm; break-inside: avoid; }
dl { flex: 1; min-width: 0; display: grid; gap: 4mm; }
figure { flex: 0 0 34mm; }
.end { display: grid; gap: 2mm; }
@media screen { main { padding: 0 5mm; } .letter { padding: 15mm 0; border-bottom: 1px dashed #999; } }
"""

_SLIPS_CSS: Final = """
@page { size: WIDTHmm HEIGHTmm; margin: 0; }
body { font-size: 8.5pt; line-height: 1.3; }
.sheet { width: WIDTHmm; height: SHEETmm; margin: 0 auto; display: grid; grid-template: repeat(4, 1fr) / 1fr 1fr;
  break-after: page; overflow: hidden; }
.sheet:last-child { break-after: auto; }
.letter { display: grid; gap: 1mm 3mm; grid-template: max-content max-content 1fr max-content / 1fr 23mm;
  padding: 6mm 8mm 5mm; min-width: 0;
  min-height: 0; overflow: hidden; border: 0 dashed #666; }
.letter:nth-child(odd) { border-inline-end-width: .3mm; }
.letter:nth-child(-n + 6) { border-bottom-width: .3mm; }
.to { grid-column: 1 / -1; font-weight: 600; }
.school { font-weight: 400; }
.to .school::after { content: " · "; }
dl { display: grid; gap: 1mm; align-content: start; min-width: 0; }
dt { line-height: 1.2; }
.typed { line-height: 1.2; }
.to { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; line-height: 1.25; }
.letter > .address { grid-column: 1 / -1; margin-bottom: .5mm; }
.full { font-size: 6.8pt; padding-block: 4mm 3mm; gap: .5mm 3mm; }
.overfull { font-size: 5.4pt; }
figure { font-size: .8em; }
.end { grid-column: 1 / -1; font-size: .9em; line-height: 1.25; }
.end p { display: inline; }
"""


def make_page(letters: Sequence[Letter], style: LetterStyle) -> str:
    """Return the document."""
    return "".join(_Printer(letters, style).document())


class _Printer:
    def __init__(self, letters: Sequence[Letter], style: LetterStyle) -> None:
        self._written = [letter for letter in letters if letter.expires_at is not None]
        self._refused = [letter for letter in letters if letter.expires_at is None]
        self._style = style
        self._draw_qr = _find_qr(style.has_qr)

    def document(self) -> Iterator[str]:
        style = self._style
        width, height = PAPERS[style.paper]
        css = _SLIPS_CSS if style.layout == "slips" else _LETTERS_CSS
        # A hair less than the page, so that rounding makes no empty one after it.
        sizes = {"WIDTH": width, "HEIGHT": height, "SHEET": height - 0.2}
        for name, size in sizes.items():
            css = css.replace(name, f"{size:g}")
        yield f'<!doctype html>\n<html lang="{escape(style.lang)}" dir="{style.direction}">\n<head>\n'
        yield '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # No address that somebody opens from it tells where it came from.
        yield '<meta name="referrer" content="no-referrer">\n'
        yield f"<title>{self._say('title')}</title>\n<style>{_CSS}{css}</style>\n</head>\n<body>\n"
        yield from self._for_staff()
        yield "<main>\n"
        if self._draw_qr is not None:
            size, path = self._draw_qr(style.address)
            yield '<svg class="drawn" aria-hidden="true">'
            yield f'<symbol id="portal" viewBox="0 0 {size} {size}"><path d="{path}"/></symbol></svg>\n'
        if style.layout == "slips":
            for some in chunks(self._written, SLIPS_ON_A_PAGE):
                yield f'<div class="sheet">\n{"".join(map(self._slip, some))}</div>\n'
        else:
            yield from map(self._letter, self._written)
        yield "</main>\n</body>\n</html>\n"

    def _for_staff(self) -> Iterator[str]:
        words = self._style.staff_translation
        # The letters may be in a language that the office does not read.
        english = ' lang="en" dir="ltr"' if words is None else ""
        count = len(self._written)
        yield f'<aside class="screen"{english}>\n<h1>{LetterText("count", count, count=count).html(words)}</h1>\n'
        if self._refused:
            count = len(self._refused)
            yield f"<p>{LetterText('refused', count, count=count).html(words)}</p>\n<ul>\n"
            for letter in self._refused:
                why = "" if letter.reason is None else escape(text_of(letter.reason, words))
                yield f"<li><bdi>{escape(letter.name)}</bdi>: {why}</li>\n"
            yield "</ul>\n"
        yield "</aside>\n"

    def _letter(self, letter: Letter) -> str:
        intro = "intro" if letter.ticket is None else "intro_invitation"
        fields = self._field("address", self._address(letter)) + "".join(self._fields(letter))
        return (
            f'<section class="letter">\n<p class="school">{escape(self._style.school or "")}</p>\n'
            f'<p class="to"><bdi>{escape(letter.name)}</bdi></p>\n'
            f"<h2>{self._say('title')}</h2>\n<p>{self._say(intro)}</p>\n"
            f'<div class="box">\n<dl>\n{fields}</dl>\n{self._figure(letter)}</div>\n'
            f'<div class="end">\n{self._end(letter)}<p>{self._say("help")}</p>\n</div>\n</section>\n'
        )

    def _slip(self, letter: Letter) -> str:
        school = f'<span class="school">{escape(self._style.school)}</span>' if self._style.school else ""
        password = "" if letter.password is None else letter.password.reveal()
        count = len(letter.name) + len(letter.username or "") + len(password)
        size = " full overfull" if count > _OVERFULL else " full" if count > _FULL else ""
        return (
            f'<section class="letter{size}">\n<p class="to">{school}<bdi>{escape(letter.name)}</bdi></p>\n'
            f'<p class="address">{self._address(letter)}</p>\n'
            f"<dl>\n{''.join(self._fields(letter))}</dl>\n{self._figure(letter)}"
            f'<div class="end">\n{self._end(letter)}</div>\n</section>\n'
        )

    def _fields(self, letter: Letter) -> Iterator[str]:
        username = letter.username or ""
        shown = f'<bdi class="{_looks(username)}">{escape(username)}</bdi>'
        yield self._field("username", shown, hints_for_username(username))
        if letter.password is not None:
            yield self._field("password", _typed(letter.password), hints_for_password(letter.password))
        if letter.code is not None:
            yield self._field("code", _typed(letter.code), [LetterText("code_use")])

    def _field(self, key: str, shown: str, hints: Iterable[LetterText] = ()) -> str:
        told = "".join(f"<li>{with_marks(hint.html(self._style.translation))}</li>" for hint in hints)
        below = f'\n<ul class="hints">{told}</ul>' if told else ""
        return f'<div><dt>{self._say(key)}</dt><dd class="{key}">{shown}{below}</dd></div>\n'

    def _address(self, letter: Letter) -> str:
        address = self._style.address_for(letter.ticket)
        return f'<span dir="ltr" class="{_looks(address)}">{escape(address)}</span>'

    def _figure(self, letter: Letter) -> str:
        if self._draw_qr is None:
            return ""
        size, drawn = 1, '<use href="#portal" width="1" height="1"/>'
        if letter.ticket is not None:
            size, path = self._draw_qr(self._style.address_for(letter.ticket))
            drawn = f'<path d="{path}"/>'
        label = self._say("scan")
        return (
            f'<figure><svg role="img" aria-label="{label}" viewBox="0 0 {size} {size}">{drawn}</svg>'
            f"<figcaption>{label}</figcaption></figure>\n"
        )

    def _end(self, letter: Letter) -> str:
        until = "" if letter.expires_at is None else self._style.date_text(letter.expires_at)
        return f"<p>{self._say('until', until=until)}</p>\n<p>{self._say('keep')}</p>\n"

    def _say(self, key: str, **parameters: str) -> str:
        return LetterText(key, **parameters).html(self._style.translation)


def _typed(secret: Secret) -> str:
    return f'<bdi class="{_looks(secret.reveal())}">{mark(secret)}</bdi>'


def _looks(text: str) -> str:
    size = "" if len(text) < _LONG else " long" if len(text) < _VERY_LONG else " very-long"
    # Fonts in which all letters are as wide lack many others, or set their accents beside them.
    return f"typed{size} wide" if all(char < "\u0250" for char in text) else f"typed{size}"


def _find_qr(has_qr: bool | None) -> Callable[[str], tuple[int, str]] | None:
    if has_qr is False:
        return None
    try:
        # Here, because it needs an extra; and so, because a copy may leave the module out.
        draw: Callable[[str], tuple[int, str]] = import_module(".qr", __package__).draw_qr
    except ImportError:
        if has_qr:
            raise
        return None
    return draw
