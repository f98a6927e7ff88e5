"""Documents within a receiver's limit: the longest beginning that fits, and a note that says what is missing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from monitor.domain.document import Block, Bullets, Code, Document, Heading, Link, Paragraph, Table

T = TypeVar("T")

NOTE = Paragraph("… The rest did not fit here: `mcp-monitor review show`, `findings` and `drift` show everything.")


def fit(document: Document, *, weight: Callable[[Block], int], limit: int) -> Document:
    """Return the document, or the longest beginning of it that weighs at most `limit` together with a closing note.

    `weight` is what a block costs once rendered, in the receiver's own measure; it grows with the block.
    """
    costs: list[int] = []
    for block in document:
        within = _within(block, limit)
        costs.append(weight(within))
        if within != block or sum(costs) > limit:
            return _shortened(document, costs, weight, limit)
    return document


def _shortened(document: Document, costs: list[int], weight: Callable[[Block], int], limit: int) -> Document:
    """`costs` are the weights of the first blocks, up to the one that is too much."""
    left = limit - weight(NOTE)
    kept: list[Block] = []
    for block, cost in zip(document, costs, strict=False):
        if cost > left:
            if part := _beginning(_within(block, limit), weight, left):
                kept.append(part)
            break
        kept.append(_within(block, limit))
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
    match block:
        case Bullets(items):
            return Bullets(_some((item[: limit + 1] for item in items), len, limit))
        case Table(header, rows):
            cut = (tuple(cell[: limit + 1] for cell in row) for row in rows)
            return Table(header, _some(cut, lambda row: sum(map(len, row)), limit))
        case Heading() | Paragraph() | Code() | Link():
            return _cut(block, limit + 1)


def _some(things: Iterable[T], size: Callable[[T], int], limit: int) -> tuple[T, ...]:
    """The first things, until their sizes are together above the limit."""
    kept: list[T] = []
    left = limit
    for thing in things:
        kept.append(thing)
        left -= size(thing) + 1
        if left < 0:
            break
    return tuple(kept)


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
