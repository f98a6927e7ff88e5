"""Findings in a ticket: each with its facts and, once for each rule, what to do. What is said of many hosts has one line for each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.domain.comparison import Kind
from monitor.domain.document import Block, Bullets, Document, Heading, Paragraph
from monitor.domain.finding import Finding
from monitor.domain.text import one_line
from monitor.messages.words import MAX_FINDINGS, fact_words, finding_words, more, plural
from monitor.rules.documentation import remedy
from monitor.rules.drift import RULE_OF

BY_HOST = frozenset(RULE_OF.values()) - {"not-deployed"}
"""Rules that say the same of each host."""
UNLISTED = RULE_OF[Kind.SHADOW]
"""It speaks of servers that no command knows by a name of the registry."""
MAX_LINES = 20
"""Of one rule."""
MAX_FACTS = 15
"""Of one finding."""
MAX_MENDS = 3


@dataclass(slots=True)
class Group:
    """What one rule says, as badly, of one or more hosts."""

    rule: str
    members: list[Finding]


def findings_listed(findings: Sequence[Finding]) -> Document:
    """List the findings, worst first as they come."""
    groups = grouped(findings)
    if not groups:
        return ()
    said: set[str] = set()
    blocks: list[Block] = [Heading("Findings")]
    for group in groups[:MAX_FINDINGS]:
        blocks += said_of(group)
        if (what := remedy(group.rule)) and group.rule not in said:
            blocks.append(Paragraph(f"What to do: {what}"))
        said.add(group.rule)
    rest = sum(len(group.members) for group in groups[MAX_FINDINGS:])
    return (*blocks, *more(rest, f"mcp-monitor findings --server {findings[0].server}"))


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """Put together what one rule says, as badly, of several places; everything else stands alone. In the order in which they come."""
    groups: dict[tuple[str, str], Group] = {}
    for finding in findings:
        same = finding.severity.value if finding.rule in BY_HOST else finding.fingerprint
        groups.setdefault((finding.rule, same), Group(finding.rule, [])).members.append(finding)
    return list(groups.values())


def said_of(group: Group) -> list[Block]:
    """Say it of all its places; the facts where there is one."""
    return _many(group) if len(group.members) > 1 else _one(group.members[0])


def _one(finding: Finding) -> list[Block]:
    facts = tuple(fact_words(fact) for fact in finding.facts[:MAX_FACTS])
    return [Paragraph(finding_words(finding)), *([Bullets(facts)] if facts else [])]


def _many(group: Group) -> list[Block]:
    first = group.members[0]
    places = plural(len(group.members), "place")
    show = "mcp-monitor drift" if group.rule == UNLISTED else f"mcp-monitor drift --server {first.server}"
    lines = tuple(_place(finding) for finding in group.members[:MAX_LINES])
    mends = tuple(dict.fromkeys(filter(None, (_fact(each, "to mend") for each in group.members))))
    return [
        Paragraph(f"[{first.severity.value}] {group.rule}, in {places}:"),
        Bullets(lines),
        *more(len(group.members) - MAX_LINES, show),
        *([Bullets(tuple(f"to mend: {one_line(mend, 300)}" for mend in mends[:MAX_MENDS]))] if mends else []),
    ]


def _place(finding: Finding) -> str:
    place = _fact(finding, "place")
    return one_line(finding.summary, 200) + (f" [{one_line(place, 100)}]" if place else "")


def _fact(finding: Finding, label: str) -> str:
    return next((fact.value for fact in finding.facts if fact.label == label), "")
