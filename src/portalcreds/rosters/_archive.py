"""Read named files out of a zip, bounded and without ever writing one to disk."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from .._arguments import path_in
from ..exceptions import InvalidValueError, UnreadableRosterError

MAX_FILE_SIZE: Final = 2**30
"""Bytes of a file in a zip, unpacked, at most: 1 GiB."""

_MAX_DIRECTORY: Final = 2**20
"""Bytes of a zip's list of its files, at most: it is read whole, and OneRoster has about 20 files."""

_SIGNATURE: Final = b"PK\x03\x04"
_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_MAX_COMMENT: Final = 65_535
_END_LOCATOR_64: Final = b"PK\x06\x07"
_LOCATOR_SIZE: Final = 20
"""The end of a zip's list of files, from the ZIP specification (PKWARE's APPNOTE, sections 4.3.15 and 4.3.16)."""

_DAMAGED: Final = "the zip is damaged; export it again"
_NOT_SEEKABLE: Final = "pass a path, or a file opened in binary that can be read twice, such as io.BytesIO(data)"

_DAMAGES: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, OverflowError, RuntimeError, ValueError),
)
"""What `zipfile` raises for a zip that is not as it should be."""

Opener = Callable[[str], "IO[bytes] | Member | None"]
"""Opens a file by its name; None if there is none."""


@contextmanager
def opened(source: str | os.PathLike[str] | IO[bytes], alone: str) -> Iterator[Opener]:
    """
    Yield what opens the files of a zip, or of a file that is no zip and stands for the one called *alone*.

    Raises:
        InvalidValueError: It is neither a path nor a binary file, or the zip is damaged or too large.
        OSError: It cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        with open(path_in("source", source, InvalidValueError), "rb") as file:
            yield _opener(file, alone)
    elif callable(getattr(source, "read", None)) and callable(getattr(source, "seek", None)):
        yield _opener(source, alone)
    else:
        raise InvalidValueError("source", _NOT_SEEKABLE)


class Member:
    """A file within a zip, which says that the zip is damaged where `zipfile` has many ways to."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        try:
            data: object = self._file.read(size)
        except _DAMAGES:
            data = None
        if isinstance(data, bytes):
            return data
        raise UnreadableRosterError("source", _DAMAGED, "damaged_zip")


def _opener(file: IO[bytes], alone: str) -> Opener:
    try:
        file.seek(0)
        start: object = file.read(len(_SIGNATURE))
        file.seek(0)
    except (OSError, UnicodeError):
        start = None
    if not isinstance(start, bytes):
        raise InvalidValueError("source", _NOT_SEEKABLE)
    # A zip without any file begins with its end.
    if start not in (_SIGNATURE, _END):
        return lambda name: file if name == alone else None
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGES:
        archive = None
    if archive is None:
        raise UnreadableRosterError("source", _DAMAGED, "damaged_zip")
    return lambda name: _member(archive, name)


def _check_directory(file: IO[bytes]) -> None:
    """Refuse a zip whose list of files would fill the memory, before it is read."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_SIZE - _MAX_COMMENT - _LOCATOR_SIZE))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise UnreadableRosterError("source", _DAMAGED, "damaged_zip")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    has_more = at >= _LOCATOR_SIZE and tail[at - _LOCATOR_SIZE : at].startswith(_END_LOCATOR_64)
    if directory > _MAX_DIRECTORY or has_more:
        hint = "the zip lists too many files; pass one with the files of OneRoster alone"
        raise UnreadableRosterError("source", hint, "too_many_files")


def _member(archive: zipfile.ZipFile, name: str) -> Member | None:
    # Some exports put all files in one folder.
    named = [each for each in archive.infolist() if each.filename.rpartition("/")[2].casefold() == name.casefold()]
    named = [each for each in named if not each.filename.startswith("__MACOSX/")]
    if not named:
        return None
    if len(named) > 1:
        hint = f"the zip has several files called {name}; pass one with one"
        raise UnreadableRosterError("source", hint, "doubtful_file", {"file": name})
    (found,) = named
    if found.flag_bits & 1:
        raise UnreadableRosterError("source", "the zip asks for a password; export it without", "zip_password")
    if found.file_size > MAX_FILE_SIZE:
        hint = f"{name} has more than {MAX_FILE_SIZE:,} bytes unpacked; split it"
        raise UnreadableRosterError("source", hint, "file_too_large", {"file": name})
    opened_file = None
    if found.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with suppress(*_DAMAGES):
            # zipfile stops at the size that the list of files says, whatever is packed.
            opened_file = archive.open(found)
    if opened_file is None:
        raise UnreadableRosterError("source", _DAMAGED, "damaged_zip")
    return Member(opened_file)
