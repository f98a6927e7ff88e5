"""What the ticket of a campaign says, and how many versions one ticket can show: nobody approves what they were not shown."""

from collections.abc import Iterable, Sequence

from monitor.domain.decision import NEVER
from monitor.domain.document import Document, Heading, Paragraph, Table
from monitor.domain.fingerprint import fingerprint
from monitor.domain.review import Review
from monitor.domain.text import one_line

ROOM = 28_000
"""Of the 32,000 characters that a description has in every tracker's way of writing; the rest is for what is around the list."""
ROW = 700
"""What a row of the list costs beside its texts, in the way of writing that is longest."""
LONGEST_CELL = 300


def portions(reviews: Iterable[Review], beside: Iterable[Review] = ()) -> list[int]:
    """Return how many of the reviews, in their order, each ticket can list; the first one lists what is `beside` them already."""
    counts, used = [0], sum(map(_weight, beside))
    for review in reviews:
        weight = _weight(review)
        if used + weight > ROOM:
            counts.append(0)
            used = 0
        counts[-1] += 1
        used += weight
    return counts


def title(name: str, members: Sequence[Review]) -> str:
    """Return the ticket's title."""
    return f"Campaign: re-approve {len(members)} servers of {name}"


def body(name: str, members: Sequence[Review]) -> Document:
    """List every version that a decision in the ticket is about."""
    return (
        Heading("Decision"),
        # Whatever changes in the list changes the name of the whole, so that a tracker's history tells one text from the other.
        Paragraph(
            f"{len(members)} servers of {name} ask for a decision at the same time (pins {fingerprint(*pins(members))}). A decision in "
            "this ticket counts for each version that is listed here, by that server's own rules. The evidence for each is a comment below."
        ),
        Table(
            ("Server", "Approved", "Under review", "Pin", "Can be approved from", "Approvers"),
            tuple(_row(each) for each in members),
        ),
        Paragraph("To decide about one of them alone: mcp-monitor review approve SERVER --pin PIN --reason …"),
    )


def pins(members: Iterable[Review]) -> tuple[str, ...]:
    """Return the fingerprints of the pins that are asked about."""
    return tuple(sorted(each.candidate.fingerprint for each in members))


def version(review: Review) -> str:
    """Name the version under review."""
    return review.candidate.purl.version or str(review.candidate.purl)


def _row(review: Review) -> tuple[str, ...]:
    cells = (
        review.server,
        (review.before.purl.version or "none") if review.before else "none",
        version(review),
        review.candidate.fingerprint,
        _from(review),
        str(review.approvers_needed),
    )
    return tuple(one_line(cell, LONGEST_CELL) for cell in cells)


def _weight(review: Review) -> int:
    """Not less than any tracker's way of writing a row needs: one writes punctuation as six characters, another some letters as twelve."""
    texts = "".join(_row(review))
    return ROW + sum(1 if each.isascii() and each.isalnum() else 6 if each.isascii() else 12 for each in texts)


def _from(review: Review) -> str:
    until = review.approvable_from
    if until is None:
        return "now"
    return "not seen in its registry" if until >= NEVER else f"{until:%Y-%m-%d %H:%M} UTC"
