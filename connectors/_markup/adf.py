"""Documents in Atlassian Document Format (Jira Cloud): text is escaped by structure, since a text node means itself.

Format: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from connectors._markup.trim import fit
from monitor.domain.document import Block, Bullets, Code, Document, Heading, Link, Paragraph, Table
from monitor.domain.text import one_line, visible, web_address

LIMIT = 32_000
"""Of the whole document as JSON. Jira refuses fields of more than 32,767; what exactly it counts is not documented, so that the largest
of all ways to count is: with a space behind each comma and colon, and each character beyond ASCII escaped as `\\uXXXX`.
"""
ESCAPED = 5
"""What the escape of a character (of each half of a pair) is longer than it."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a text node: here only links."""

    type: Literal["link"]
    attrs: dict[str, str]


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node of the tree. Fields at their default are not written, as the format wants it."""

    type: str
    attrs: dict[str, int] = {}
    text: str = ""
    marks: list[Mark] = []
    content: list["Node"] | None = None


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """The document."""

    version: Literal[1] = 1
    type: Literal["doc"] = "doc"
    content: list[Node]


def adf(document: Document, *, closing: Document = (), limit: int = LIMIT) -> Root:
    """Render, shortened with a note where the JSON would be longer than `limit` characters; `closing` follows in any case."""
    fitted = fit(document, weight=_weight, limit=limit - 100 - sum(map(_weight, closing)))
    return Root(content=[node for block in (*fitted, *closing) for node in _nodes(block)])


def _weight(block: Block) -> int:
    return sum(_size(msgspec.json.encode(node)) + 2 for node in _nodes(block)) or 1


def _size(encoded: bytes) -> int:
    """Not less than any receiver counts: spaces are added for the commas and colons inside of texts, too."""
    size = len(encoded) + encoded.count(b",") + encoded.count(b":")
    if encoded.isascii():
        return size
    text = encoded.decode()
    units = len(text.encode("utf-16-le")) // 2
    plain = len(text.encode("ascii", "ignore"))
    return units + ESCAPED * (units - plain) + size - len(encoded)


def _nodes(block: Block) -> list[Node]:
    """No node for a block without content: the format refuses empty lists and tables."""
    match block:
        case Heading(text):
            return [Node(type="heading", attrs={"level": 3}, content=_text(one_line(text, 1000)))]
        case Paragraph(text):
            return [_paragraph(text)]
        case Bullets(items):
            return _wrapped("bulletList", (Node(type="listItem", content=[_paragraph(item)]) for item in items))
        case Table(header, rows):
            lines = [_row("tableHeader", header), *(_row("tableCell", row) for row in rows)]
            return _wrapped("table", lines if header else ())
        case Code(text):
            shown = visible(text)
            return [Node(type="codeBlock", content=[Node(type="text", text=shown)] if shown else [])]
        case Link(text, url):
            return [_link(text, url)]


def _wrapped(kind: str, content: Iterable[Node]) -> list[Node]:
    nodes = list(content)
    return [Node(type=kind, content=nodes)] if nodes else []


def _paragraph(text: str) -> Node:
    return Node(type="paragraph", content=_text(text))


def _text(text: str) -> list[Node]:
    """One text node a line with hard breaks between: a line break inside of a text node is not shown, an empty node is refused."""
    nodes: list[Node] = []
    for number, line in enumerate(visible(text).split("\n")):
        if number:
            nodes.append(Node(type="hardBreak"))
        if line:
            nodes.append(Node(type="text", text=line))
    return nodes


def _row(kind: str, cells: Iterable[str]) -> Node:
    return Node(type="tableRow", content=[Node(type=kind, content=[_paragraph(cell)]) for cell in cells])


def _link(text: str, url: str) -> Node:
    address = web_address(url)
    if address is None:
        return _paragraph(f"{text}: {url}")
    shown = one_line(text, 500) or address
    return Node(
        type="paragraph",
        content=[Node(type="text", text=shown, marks=[Mark(type="link", attrs={"href": address})])],
    )
