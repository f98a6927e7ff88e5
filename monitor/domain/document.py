"""A text as a small tree, so that no untrusted word ever passes through a markup language. Each channel renders it its own way.

All text in it is plain: `<`, `*`, `[~user]`, `<!channel>` mean themselves.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading line."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """An unordered list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has as many cells as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be shown as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of our own making; `url` is https or http."""

    text: str
    url: str


Block = Heading | Paragraph | Bullets | Table | Code | Link
Document = tuple[Block, ...]


def plain(document: Document) -> str:
    """Render for a terminal or a fallback text."""
    lines: list[str] = []
    for block in document:
        match block:
            case Heading(text):
                lines += ["", text, "-" * min(len(text), 78)]
            case Paragraph(text) | Code(text):
                lines.append(text)
            case Bullets(items):
                lines += [f"  - {item}" for item in items]
            case Table(header, rows):
                lines += [" | ".join(header)] + [" | ".join(row) for row in rows]
            case Link(text, url):
                lines.append(f"{text}: {url}")
    return "\n".join(lines).strip("\n")
