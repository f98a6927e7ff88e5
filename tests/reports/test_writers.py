"""Pages and sheets: what strangers wrote is shown, and neither obeyed nor computed."""

import csv
import io
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.reports.page import MOST_ROWS, write_page
from monitor.reports.section import Section
from monitor.reports.sheet import COMPUTED, harmless, write_sheet

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e"


def page(*rows: tuple[str, ...], title: str = "t") -> str:
    return "".join(write_page(title, [title], [Section("s", title, f"n{title}", ("a",), rows)]))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen += [tag, *(name for name, _ in attrs)]


def tags(text: str) -> list[str]:
    parser = _Tags()
    parser.feed(text)
    return parser.seen


@given(st.text(max_size=60))
def test_no_text_adds_a_tag_to_the_page(text: str) -> None:
    assert tags(page((text,), title=text)) == tags(page(("x",), title="x"))


def test_a_page_runs_nothing_and_loads_nothing() -> None:
    text = page((HOSTILE,), title=HOSTILE)

    assert not {"script", "img", "link", "iframe", "src", "onload"} & set(tags(text))
    assert "default-src 'none'" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_page_ends_where_nobody_reads_on_and_says_so() -> None:
    text = page(*(("x",) for _ in range(MOST_ROWS + 7)))

    assert text.count("<td>x</td>") == MOST_ROWS
    assert "7 more rows" in text


def test_an_empty_table_is_a_sentence() -> None:
    assert "<strong>None.</strong>" in page()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_no_cell_is_computed(cell: str) -> None:
    assert not harmless(cell).strip().startswith(COMPUTED)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_a_sheet_is_read_back_as_it_was_shown(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")

    count = write_sheet(file, ("a", "b"), rows)

    read = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert count == len(rows)
    assert read == [["a", "b"], *([harmless(one), harmless(two)] for one, two in rows)]
