"""Documents as Jira and Slack read them: no word of a stranger is markup, and nothing exceeds a limit."""

import html
import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block as SlackBlock

from connectors._markup.adf import adf
from connectors._markup.slack_blocks import Extras, blocks, fallback, summary
from connectors._markup.trim import NOTE, fit
from connectors._markup.wiki import escaped, wiki
from monitor.domain.action import SendAlert
from monitor.domain.document import Block, Bullets, Code, Document, Heading, Link, Paragraph, Table
from monitor.domain.text import one_line, visible, web_address
from tests.world.jira_rules import node_problem, words
from tests.world.slack import MAX_BLOCK_TEXT, texts

TEXT = st.text(max_size=300) | st.text(alphabet="<>&*_`[]{}|!~@#:-h1.\n ", max_size=300)
CELLS = st.lists(TEXT, min_size=2, max_size=2).map(tuple)
BLOCK: st.SearchStrategy[Block] = st.one_of(
    TEXT.map(Heading),
    TEXT.map(Paragraph),
    TEXT.map(Code),
    st.lists(TEXT, max_size=5).map(lambda items: Bullets(tuple(items))),
    st.lists(CELLS, max_size=5).map(lambda rows: Table(("label", "value"), tuple(rows))),
    st.builds(Link, TEXT, TEXT | TEXT.map("https://{}".format)),
)
DOCUMENT = st.lists(BLOCK, max_size=8).map(tuple)

HUGE: Document = (
    Paragraph("short"),
    Paragraph(" " * 50_000 + "<&>\u202e" * 20_000),
    Table(("a", "b"), (("x" * 300, "y"),) * 5_000),
    Bullets(("item",) * 5_000),
)


def alert(document: Document, title: str = "title") -> SendAlert:
    return SendAlert("key", "default", title, document, "critical")


def tree(document: Document) -> object:
    return json.loads(msgspec.json.encode(adf(document)))


@given(TEXT)
def test_visible_text_has_nothing_that_steers_a_terminal_or_reverses_a_line(text: str) -> None:
    shown = visible(text)

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert visible(shown) == shown
    assert shown.encode().decode() == shown


@given(TEXT, st.integers(1, 100))
def test_one_line_is_one_line_within_the_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)

    assert len(line) <= limit
    assert "\n" not in line


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https:", "//x", "http://[::1", "data:text/html,x", ""]
)
def test_only_addresses_of_the_web_become_links(url: str) -> None:
    assert web_address(url) is None
    assert "href" not in json.dumps(tree((Link("t", url),)))


def test_an_address_cannot_end_its_link() -> None:
    address = web_address("https://x.example/a]b|c>d e?q=1&r=2#f")

    assert address == "https://x.example/a%5Db%7Cc%3Ed%20e?q=1&r=2#f"


@given(DOCUMENT)
def test_every_document_is_a_document_to_jira_cloud(document: Document) -> None:
    assert node_problem(tree(document)) == ""


@given(TEXT)
def test_text_comes_out_of_the_document_format_as_it_went_in(text: str) -> None:
    assert words(tree((Paragraph(text),))).removesuffix("\n") == visible(text)


@given(TEXT)
def test_text_comes_out_of_wiki_markup_as_it_went_in(text: str) -> None:
    lines = [line.strip() for line in visible(text).split("\n")]

    assert html.unescape(escaped(text)).split("\n") == lines


MARKUP = r"""*b* _i_ -s- +u+ ^p^ ~b~ ??c?? {{m}} {code} [l|http://x] [~admin] !i.png! ||h|| |c| #n *b -b ---- h1.t bq.t
:) (x) http://x a@b.c \\ &#91; &lt;"""


@pytest.mark.parametrize("markup", MARKUP.split())
def test_wiki_markup_of_strangers_is_no_markup(markup: str) -> None:
    out = escaped(markup)

    assert not re.search(r"[*_+^~?{}\[\]!|\\:()@]|(?<![a-z])-|^h1\.|^bq\.|^# |http:", out)
    assert html.unescape(out) == markup


def test_names_of_packages_stay_readable_in_wiki_markup() -> None:
    assert escaped("mcp-server-files 1.4.2, sha256 abc/def") == "mcp-server-files 1.4.2, sha256 abc/def"


def test_a_code_block_cannot_be_closed_from_inside() -> None:
    assert wiki((Code("a {NoFormat} h1. b"),)) == "a &#123;NoFormat&#125; h1. b"
    assert wiki((Code("{code}"),)) == "{noformat}\n{code}\n{noformat}"


@given(DOCUMENT, st.text(max_size=400), st.booleans())
def test_every_alert_is_within_slacks_limits(document: Document, title: str, repeat: bool) -> None:  # noqa: FBT001
    subject = alert(document, title)

    rendered = blocks(subject, Extras(repeat=repeat))

    for block in SlackBlock.parse_all([dict(block) for block in rendered]):
        block.validate_json()
    found = [text for block in rendered for text in texts(block)]
    assert all(0 < len(text) <= 3000 for _, text in found)
    assert not any(re.search(r"<(?!https?://)|&(?!amp;|lt;|gt;)", text) for _, text in found)
    assert len(summary(subject, Extras(repeat=repeat))) <= 300
    assert 0 < len(fallback(subject, Extras(repeat=repeat))) <= 4000


@pytest.mark.parametrize("block", HUGE)
def test_a_huge_block_is_shortened_everywhere_and_says_so(block: Block) -> None:
    document = (block,) * 60

    rendered = blocks(alert(document), Extras())

    assert len(rendered) <= 40
    assert sum(len(text) for block in rendered for _, text in texts(block)) < MAX_BLOCK_TEXT * 0.75
    assert len(msgspec.json.encode(adf(document))) <= 32_767
    assert len(wiki(document)) <= 32_767
    if block != Paragraph("short"):
        assert all(NOTE.text[2:20] in text for text in (str(rendered), wiki(document), json.dumps(tree(document))))


@settings(max_examples=50)
@given(DOCUMENT, st.integers(100, 1000))
def test_what_fits_is_a_beginning_and_a_note(document: Document, limit: int) -> None:
    def weight(block: Block) -> int:
        return len(wiki((block,), limit=10**6)) + 1

    fitted = fit(document, weight=weight, limit=limit)

    assert sum(map(weight, fitted)) <= limit
    assert fitted == document or (fitted[-1] == NOTE and fitted[:-2] == document[: len(fitted[:-2])])


def test_a_backtick_does_not_end_a_code_block_in_slack() -> None:
    (_, code, _) = blocks(alert((Code("a``` *b*"),)), Extras())

    assert str(code).count("```") == 2


def test_a_repeated_alert_says_so_first() -> None:
    header = blocks(alert(()), Extras(repeat=True))[0]

    assert texts(header) == [("plain_text", "(repeat) title")]
