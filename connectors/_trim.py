"""Documents within a receiver's limit: the longest beginning that fits, and a note that says what is missing."""

from collections.abc import Callable
from dataclasses import replace

from monitor.domain.document import Block, Bullets, Code, Document, Heading, Link, Paragraph, Table

NOTE = Paragraph("… The rest did not fit here: `mcp-monitor findings` shows everything.")


def fit(document: Document, *, weight: Callable[[Block], int], limit: int) -> Document:
    """Return the document, or the longest beginning of it that weighs at most `limit` together with a closing note.

    `weight` is what a block costs once rendered, in the receiver's own measure; it grows with the block.
    """
    shortened = tuple(_within(block, limit) for block in document)
    weights = [weight(block) for block in shortened]
    if shortened == document and sum(weights) <= limit:
        return document
    left = limit - weight(NOTE)
    kept: list[Block] = []
    for block, cost in zip(shortened, weights, strict=True):
        if cost > left:
            if part := _beginning(block, weight, left):
                kept.append(part)
            break
        kept.append(block)
        left -= cost
    return (*kept, NOTE)


def _beginning(block: Block, weight: Callable[[Block], int], left: int) -> Block | None:
    """The longest beginning of one block that weighs at most `left`; None: not even its first character or row does."""
    fits, beyond = 0, min(_length(block), max(left, 0)) + 1
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        if weight(_cut(block, middle)) <= left:
            fits = middle
        else:
            beyond = middle
    return _cut(block, fits) if fits else None


def _within(block: Block, limit: int) -> Block:
    """A block so cut that rendering it to be weighed costs nothing unusual, however long it came."""
    return block if _length(block) <= limit else _cut(block, limit + 1)


def _length(block: Block) -> int:
    match block:
        case Heading(text) | Paragraph(text) | Code(text) | Link(text, _):
            return len(text)
        case Bullets(items):
            return len(items)
        case Table(_, rows):
            return len(rows)


def _cut(block: Block, count: int) -> Block:
    match block:
        case Heading(text) | Paragraph(text) | Code(text) | Link(text, _):
            return replace(block, text=text[:count])
        case Bullets(items):
            return Bullets(items[:count])
        case Table(header, rows):
            return Table(header, rows[:count])
