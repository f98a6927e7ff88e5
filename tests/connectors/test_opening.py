"""Opening what somebody named: everything that is no readable file is a refusal with its place."""

import os
from pathlib import Path

import pytest

from connectors._reading_files.opening import opened
from monitor.ports.errors import NotFound, SourceError, Unavailable


def read(path: Path) -> bytes:
    with opened(path, source="test") as file:
        return file.read(100)


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")

    assert read(tmp_path / "a") == b"text"


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("missing", NotFound, "missing: no such file"),
        ("a\0b", NotFound, "null byte"),
        ("folder", Unavailable, "folder is not a regular file"),
        ("pipe", Unavailable, "pipe is not a regular file"),
        ("folder/" * 2000, Unavailable, "name too long"),
    ],
)
def test_what_is_no_file_is_refused_without_waiting(
    tmp_path: Path, name: str, error: type[SourceError], said: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(error, match=f"(?i){said}"):
        read(tmp_path / name)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_a_file_that_cannot_be_read_any_further_is_a_refusal_too() -> None:
    with pytest.raises(Unavailable, match="/proc/self/mem: Input/output error"):
        read(Path("/proc/self/mem"))
