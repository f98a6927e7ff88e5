"""How tables fit a terminal of any width, and a pipe."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from monitor.commands.output import LINE_HEADER
from monitor.commands.table import GAP, Column, fit, wrap

ROOT = Path(__file__).parent.parent
NAME = "io.github.modelcontextprotocol/server-filesystem"
LINE = (
    NAME,
    "2025.8.21",
    "2025.12.18",
    "2025.8.21 (3)",
    "3 verified, 1 absent",
    "2 high",
    "4 (critical)",
    "github, npm",
)
LONG = "urn.example.com/" + "a" * 300
WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=60).map(lambda text: " ".join(text.split()))

PROGRAM = """
import sys
from monitor.commands.output import LINE_HEADER, show_table
show_table(LINE_HEADER, [{line!r}], empty="")
"""


@given(rows=st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4), room=st.integers(20, 200))
def test_a_table_is_never_wider_than_its_room(rows: list[tuple[str, str, str]], room: int) -> None:
    header = (Column("one"), Column("two", gives_way=1), Column("three"))

    fitted = fit(header, rows, room)

    assert sum(fitted.widths) + len(GAP) * (len(fitted.widths) - 1) <= room
    assert {0, 2} <= set(fitted.shown)


@given(cell=WORDS, width=st.integers(4, 40))
def test_wrapping_loses_nothing_but_spaces(cell: str, width: int) -> None:
    lines = wrap(cell, width)

    assert "".join("".join(lines).split()) == "".join(cell.split())


def test_a_name_wraps_between_its_words_and_a_version_not_at_all() -> None:
    lines = wrap(f"{NAME} 1.4.2-beta.1", 33)

    assert lines == ["io.github.modelcontextprotocol/", "server-filesystem 1.4.2-beta.1"]


def test_what_fits_is_left_alone() -> None:
    fitted = fit(LINE_HEADER, [LINE], 400)

    assert fitted.shown == tuple(range(len(LINE_HEADER)))
    assert fitted.widths[0] == len(NAME)


def test_at_80_columns_a_servers_name_and_versions_are_whole() -> None:
    fitted = fit(LINE_HEADER, [LINE], 80)

    shown = [wrap(LINE[index], width) for index, width in zip(fitted.shown, fitted.widths, strict=True)]

    assert {0, 1, 3, 6, 7} <= set(fitted.shown)
    assert ["".join(lines) for lines in shown][:2] == [NAME, "2025.8.21"]
    assert "2025.8.21" in shown[-3]


def test_a_terminal_of_80_columns_gets_no_longer_line_and_is_told_what_has_no_room() -> None:
    printed = on_a_terminal(PROGRAM.format(line=LINE), columns=80)

    lines = printed.splitlines()
    assert max(map(len, lines[:-1])) <= 80
    assert "io.github.modelcontextprotocol/" in printed
    assert "…" not in printed
    assert lines[-1].startswith("No room for: ")


def test_a_wide_terminal_gets_a_line_a_server() -> None:
    printed = on_a_terminal(PROGRAM.format(line=LINE), columns=180)

    assert [len(line.split(GAP)) > len(LINE) for line in printed.splitlines()] == [True, True]


def test_a_pipe_gets_everything() -> None:
    line = (LONG, *LINE[1:])
    code = PROGRAM.format(line=line)

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603 ours

    assert all(cell in printed for cell in line)
    assert len(printed.splitlines()) == 2


def on_a_terminal(code: str, *, columns: int) -> str:
    """Run the code in a process whose stdout is a terminal of that width, without colours; return what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {**os.environ, "TERM": "xterm"}
    environ.pop("COLUMNS", None)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=theirs, cwd=ROOT, env=environ)  # noqa: S603 ours
    os.close(theirs)
    shown = b""
    try:
        while some := os.read(ours, 4096):
            shown += some
    except OSError:
        pass  # Linux says so when the other end has gone
    os.close(ours)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")
