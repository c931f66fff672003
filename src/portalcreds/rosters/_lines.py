"""Read the lines of a roster, whatever it is stored in, without ever holding more than one long line."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from typing import IO, Any, Final, NamedTuple

from .._arguments import path_in
from .._text import has_surrogate
from ..exceptions import InvalidValueError, UnreadableRosterError

MAX_LINE_LENGTH: Final = 1_000_000
"""Characters of a line. No row of a roster is that long, and a file without line breaks must not fill the memory."""

_BLOCK: Final = 65_536

_ZIP: Final = (
    "source",
    "it is a workbook or a zip; save the sheet as CSV (UTF-8), or pass it to read_oneroster",
    "workbook",
)

_SIGNATURES: Final = {
    b"PK\x03\x04": _ZIP,
    b"PK\x05\x06": _ZIP,  # Without any file in it.
    b"\xd0\xcf\x11\xe0": ("source", "it is a workbook; save the sheet as CSV (UTF-8) and read that", "workbook"),
    b"\x1f\x8b": ("source", "it is compressed; decompress it and read that", "compressed"),
    codecs.BOM_UTF32_LE: ("encoding", "the file is UTF-32; save it as CSV (UTF-8)", "other_encoding"),
    codecs.BOM_UTF32_BE: ("encoding", "the file is UTF-32; save it as CSV (UTF-8)", "other_encoding"),
}

_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""With one of them a file is UTF-16 beyond doubt, which is how Excel saves Unicode text."""

_NOT_UTF_8: Final = "save the file as CSV UTF-8, or pass encoding='cp1252' if Excel on Windows saved it as plain CSV"


class _Fault(NamedTuple):
    field: str
    hint: str
    reason: str = ""
    """The code of what whoever brought the file can do about; empty for a mistake of the program's."""

    line: int = 0


class RosterLines:
    r"""
    The lines of a path or an open file without their ends; ``\r\n`` and ``\r`` end a line as ``\n`` does.

    Attributes:
        encoding: What it is read in, as soon as the first line is there; empty for a file opened as text.

    Raises:
        InvalidValueError: When iterated over: it is no text, not in the encoding given, or a line is too long.
        OSError: It cannot be read.
    """

    def __init__(self, source: str | os.PathLike[str] | IO[str] | IO[bytes], encoding: str | None) -> None:
        self._source = source
        self._wanted = encoding
        self.encoding = ""

    def __iter__(self) -> Iterator[str]:
        source = self._source
        if isinstance(source, str) and ("\n" in source or "\r" in source):
            # Opened as a path it would stand in the error, with every name in it.
            raise InvalidValueError("source", "wrap text in io.StringIO, or pass a path")
        if isinstance(source, (str, os.PathLike)):
            with open(path_in("source", source, InvalidValueError), "rb") as file:
                yield from self._lines(file)
        elif callable(getattr(source, "read", None)):
            yield from self._lines(source)
        else:
            raise InvalidValueError("source", "pass a path or an open file")

    def _lines(self, file: IO[str] | IO[bytes]) -> Iterator[str]:
        rest, number = "", 1
        for text in self._texts(file):
            fault = text if isinstance(text, _Fault) else None
            lines = [] if fault is not None else (rest + str(text)).split("\n")
            if any(len(line) > MAX_LINE_LENGTH for line in lines):
                hint = (
                    f"a line is longer than {MAX_LINE_LENGTH:,} characters; pass a CSV file with one row on each line"
                )
                fault = _Fault("source", hint, "line_too_long")
            elif isinstance(text, str) and has_surrogate(text):
                fault = _Fault("encoding", "open the file in the encoding that it was written in", "other_encoding")
            if fault is not None:
                # Not within a handler, and with nothing of the file at hand: error trackers print both (R14).
                rest, text, lines = "", "", []
                line = number + fault.line
                hint = fault.hint.format(line=line)
                if not fault.reason:
                    raise InvalidValueError(fault.field, hint)
                raise UnreadableRosterError(fault.field, hint, fault.reason, {"line": line})
            *lines, rest = lines
            number += len(lines)
            yield from lines
        if rest:
            yield rest

    def _texts(self, file: IO[Any]) -> Iterator[str | _Fault]:
        """Yield a file's text in blocks; a fault last, if it has one."""
        decoder = io.IncrementalNewlineDecoder(None, translate=True)
        block = _read(file)
        if isinstance(block, str):
            if self._wanted is not None:
                yield _Fault("encoding", "leave it out for a file opened as text")
                return
            block = block.removeprefix("\ufeff")
        elif isinstance(block, bytes):
            fault = _fault_of(block, self._wanted)
            if fault is not None:
                yield fault
                return
            self.encoding = self._wanted or ("utf-16" if block.startswith(_UTF_16_MARKS) else "utf-8")
            name = "utf-8-sig" if self._wanted is None and self.encoding == "utf-8" else self.encoding
            decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(name)(), translate=True)
        while isinstance(block, (str, bytes)):
            text = _decoded(decoder, block)
            if isinstance(text, str):
                yield text
            else:
                hint, reason = "pass the encoding that the file was written in", "other_encoding"
                if self._wanted is None and self.encoding == "utf-8":
                    hint, reason = f"line {{line}} is not UTF-8; {_NOT_UTF_8}", "not_utf_8"
                yield _Fault("encoding", hint, reason, text)
                return
            if not block:
                return
            block = _read(file)
        yield block


def _read(file: IO[Any]) -> str | bytes | _Fault:
    try:
        block: object = file.read(_BLOCK)
    except UnicodeError:
        return _Fault("encoding", "open the file in the encoding that it was written in", "other_encoding")
    if isinstance(block, (str, bytes)):
        return block
    if callable(getattr(block, "close", None)):
        block.close()  # type: ignore[attr-defined]  # A coroutine, which would warn that nobody awaited it.
    return _Fault("source", "pass a file opened for reading; read an asynchronous upload and wrap it in io.BytesIO")


def _fault_of(start: bytes, encoding: str | None) -> _Fault | None:
    """Return what a file's first bytes say against reading it in this encoding, None standing for UTF-8."""
    if encoding is not None:
        try:
            b"a".decode(encoding)
        except UnicodeDecodeError:
            return None
        except (LookupError, TypeError, ValueError):
            return _Fault("encoding", "pass the name of an encoding that Python knows, such as 'utf-8' or 'cp1252'")
        return None
    for signature, fault in _SIGNATURES.items():
        if start.startswith(signature):
            return _Fault(*fault)
    sample = b"" if start.startswith(_UTF_16_MARKS) else start[:400]
    if sample and sample.count(0) * 4 > len(sample):
        name = "utf-16-be" if sample[0] == 0 else "utf-16-le"
        hint = f"the file is UTF-16; pass encoding={name!r} or save it as CSV (UTF-8)"
        return _Fault("encoding", hint, "other_encoding")
    return None


def _decoded(decoder: io.IncrementalNewlineDecoder, block: Any) -> str | int:
    """Return a block's text, or on which of its lines it cannot be decoded, counted from 0."""
    try:
        return decoder.decode(block, final=not block)
    except UnicodeDecodeError as error:
        return error.object[: error.start].count(b"\n")
    except UnicodeError:
        return 0
