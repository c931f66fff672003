"""A OneRoster zip is untrusted input: what is damaged, hidden or too large is refused before it costs anything."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds.exceptions import InvalidValueError
from portalcreds.rosters import read_oneroster
from rosters.making_oneroster import FILES_1_1, USERS_1_1, zipped


def refusal_of(source: Any, **options: Any) -> str:
    """Return the hint with which a source is refused."""
    with pytest.raises(InvalidValueError) as refused:
        read_oneroster(source, **options)
    assert refused.value.field == "source"
    assert refused.value.__cause__ is None
    assert "Woods" not in str(refused.value)
    return refused.value.hint


def test_sources(tmp_path: Path) -> None:
    """A path, an open file and bytes in memory are read alike, and what was handed in stays open (R24)."""
    path = tmp_path / "export.zip"
    path.write_bytes(zipped(FILES_1_1).read())
    users = tmp_path / "users.csv"
    users.write_text(USERS_1_1, "utf-8")
    for source in (path, str(path), users, zipped(FILES_1_1)):
        assert len(read_oneroster(source).contacts) == 3
    with path.open("rb") as file:
        assert len(read_oneroster(file).contacts) == 3
        assert not file.closed
    assert [each.name for each in tmp_path.iterdir()] != []
    assert {each.name for each in tmp_path.iterdir()} == {"export.zip", "users.csv"}
    with pytest.raises(FileNotFoundError):
        read_oneroster(tmp_path / "none.zip")


def test_files_in_one_folder() -> None:
    """Some exports put all files in a folder, and macOS adds its own of the same names."""
    files = {f"export/{name.upper()}": text for name, text in FILES_1_1.items()}
    assert len(read_oneroster(zipped(files | {"__MACOSX/export/users.csv": "x"})).contacts) == 3


def test_two_files_of_a_name_are_refused() -> None:
    """Which of two users.csv holds is not guessed."""
    assert "several files called users.csv" in refusal_of(zipped(FILES_1_1 | {"old/users.csv": USERS_1_1}))


@pytest.mark.parametrize("source", [5, b"PK", io.StringIO("sourcedId"), "a\0b"], ids=repr)
def test_what_is_no_source_is_refused(source: Any) -> None:
    """R23: a file opened as text and bytes that are not wrapped are refused with the hint."""
    assert "pass a path" in refusal_of(source)


def test_a_stream_that_cannot_be_read_twice_is_refused() -> None:
    """The list of a zip's files is at its end."""

    class Stream(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"PK\x03\x04"

    assert "io.BytesIO" in refusal_of(Stream())


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A users.csv of 2 GiB in 2 MiB of zip costs no memory and no time; that its size is a lie changes nothing."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.csv", "x" * 10_000_000)
    assert "longer than 1,000,000 characters" in refusal_of(data)
    bomb = data.getvalue()
    size = struct.pack("<I", 10_000_000)
    assert bomb.count(size) == 2
    assert "1,073,741,824 bytes" in refusal_of(io.BytesIO(bomb.replace(size, struct.pack("<I", 2**31))))
    understated = bomb.replace(size, struct.pack("<I", 100))
    assert refusal_of(io.BytesIO(understated))


def test_a_list_of_a_million_files_is_not_read() -> None:
    """The list of files is refused by its length, before an object is made for each."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(15_000):
            archive.writestr(f"{number:060}", "")
        archive.writestr("users.csv", USERS_1_1)
    tracemalloc.start()
    try:
        assert "too many files" in refusal_of(data)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_rows_are_bounded() -> None:
    """A file of endless rows is refused at the bound that the caller sets."""
    assert "more than 3 rows" in refusal_of(zipped({"users.csv": USERS_1_1}), max_rows=3)
    assert len(read_oneroster(zipped({"users.csv": USERS_1_1}), max_rows=12).contacts) == 3


def test_a_zip_with_a_password_is_refused() -> None:
    """The flag of encryption is told, and not a zip that is damaged."""
    data = bytearray(zipped({"users.csv": USERS_1_1}).read())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    assert "asks for a password" in refusal_of(io.BytesIO(data))


def test_a_zip_packed_in_another_way_is_refused() -> None:
    """A method that Python does not have is the zip's fault and no NotImplementedError."""
    data = bytearray(zipped({"users.csv": USERS_1_1}).read())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.index(signature) + offset] = 99
    assert "damaged" in refusal_of(io.BytesIO(data))


def test_only_named_files_are_read() -> None:
    """What else is in a zip may be damaged, or have a name that leads out of any folder."""
    files = {"../../evil.csv": "x", "users.csv": USERS_1_1, "demographics.csv": "y" * 1000}
    data = zipped(files).read()
    assert len(read_oneroster(io.BytesIO(data)).contacts) == 3


@given(at=st.integers(0, 2_000), byte=st.integers(0, 255), cut=st.integers(0, 40))
def test_a_damaged_zip_is_refused_or_read(at: int, byte: int, cut: int) -> None:
    """Whatever byte is changed and wherever it ends, nothing but the library's own error comes out."""
    data = bytearray(zipped(FILES_1_1).read())
    data[at % len(data)] = byte
    with suppress(InvalidValueError):
        assert len(read_oneroster(io.BytesIO(bytes(data[: len(data) - cut]))).contacts) <= 4


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    """Neither a zip nor a CSV is one error."""
    with pytest.raises(InvalidValueError):
        read_oneroster(io.BytesIO(b"PK\x03\x04" + data))
