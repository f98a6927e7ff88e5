"""What those are told who are alerted, and what the digest tells: what is so, what to do first, and where to read more."""

from collections.abc import Iterable, Sequence

from monitor.domain.document import Block, Bullets, Document, Paragraph
from monitor.domain.finding import Finding, Tracked
from monitor.domain.text import one_line
from monitor.messages.listing import grouped, said_of
from monitor.messages.words import LONGEST, MAX_FINDINGS, fact_words, finding_words, more, time_words
from monitor.rules.documentation import remedy

MAX_FACTS = 10
"""Of one finding in an alert."""
FEW = 3
"""Places that a rule names with all facts; of more each has one line."""


def alert_body(findings: Sequence[Finding]) -> Document:
    """Write a page or a notice about one server: what, how bad, where; once for each rule what to do, and the command that shows all."""
    blocks: list[Block] = []
    groups = grouped(findings)
    for group in groups[:MAX_FINDINGS]:
        blocks += said_of(group) if len(group.members) > FEW else _each(group.members)
    rest = more(sum(len(group.members) for group in groups[MAX_FINDINGS:]), "mcp-monitor findings")
    return (*blocks, *rest, *_what_to_do(findings), *_where(each.server for each in findings))


def _each(findings: Iterable[Finding]) -> list[Block]:
    blocks: list[Block] = []
    for finding in findings:
        facts = tuple(map(fact_words, finding.facts[:MAX_FACTS]))
        blocks += [Paragraph(finding_words(finding)), *([Bullets(facts)] if facts else [])]
    return blocks


def resolved_body(tracked: Sequence[Tracked]) -> Document:
    """Tell those who were alerted that it is over."""
    lines = tuple(map(_over, tracked[:MAX_FINDINGS]))
    return (Bullets(lines), *more(len(tracked) - MAX_FINDINGS, "mcp-monitor findings --all"))


def digest_body(tracked: Sequence[Tracked]) -> Document:
    """List what waits for no decision and woke nobody; once for each rule what to do."""
    findings = [each.finding for each in tracked]
    lines = tuple(f"{each.server}: {finding_words(each)}" for each in findings[:MAX_FINDINGS])
    rest = more(len(findings) - MAX_FINDINGS, "mcp-monitor findings")
    return (Bullets(lines), *rest, *_what_to_do(findings[:MAX_FINDINGS]), *_where(each.server for each in findings))


def _over(tracked: Tracked) -> str:
    because = f": {one_line(tracked.note, LONGEST)}" if tracked.note else ""
    return f"{finding_words(tracked.finding)} (open since {time_words(tracked.opened_at)}){because}"


def _what_to_do(findings: Iterable[Finding]) -> Document:
    rules = dict.fromkeys(each.rule for each in findings)
    said = tuple(f"{rule}: {what}" for rule in rules if (what := remedy(rule)))
    return (Paragraph("What to do:"), Bullets(said)) if said else ()


def _where(servers: Iterable[str]) -> Document:
    names = dict.fromkeys(servers)
    only = f" --server {one_line(next(iter(names)), 200)}" if len(names) == 1 else ""
    return (Paragraph(f"See all of it: mcp-monitor findings{only}"),) if names else ()
