"""The short texts of which all messages are made. Each bounds what strangers wrote: no text may push the others out of a ticket."""

from datetime import datetime

from monitor.domain.document import Document, Paragraph
from monitor.domain.finding import Fact, Finding
from monitor.domain.text import one_line

MAX_FINDINGS = 25
"""In one message; the rest is counted."""
LONGEST = 400
"""Characters of one text."""


def time_words(at: datetime) -> str:
    """To the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def finding_words(finding: Finding) -> str:
    """How bad, which rule, what."""
    return f"[{finding.severity.value}] {finding.rule}: {one_line(finding.summary, LONGEST)}"


def fact_words(fact: Fact) -> str:
    """What is so, and who says so."""
    return f"{fact.label}: {one_line(fact.value, LONGEST)}" + (f" [{fact.source}]" if fact.source else "")


def more(rest: int, command: str) -> Document:
    """Say how many are missing, and which command shows them; nothing where none is."""
    return (Paragraph(f"and {rest} more: {command}"),) if rest > 0 else ()


def listed(items: tuple[str, ...], limit: int = 20) -> str:
    """Return the first of them on one line, and how many more there are."""
    rest = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(one_line(item, 120) for item in items[:limit]) + rest


def plural(count: int, word: str) -> str:
    """`1 host`, `2 hosts`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
