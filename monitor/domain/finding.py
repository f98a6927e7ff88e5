"""Findings: what a rule saw, and their life from open to resolved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from monitor.domain.fingerprint import fingerprint
from monitor.domain.purl import Purl


class Severity(StrEnum):
    """How bad, if true. Ordered: `severity >= Severity.HIGH`."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (info) to 4 (critical)."""
        return RANKS[self.value]

    def __ge__(self, other: str) -> bool:
        """Compare by rank, not by text."""
        return self.rank >= Severity(other).rank

    def __gt__(self, other: str) -> bool:
        """Compare by rank, not by text."""
        return self.rank > Severity(other).rank

    def __le__(self, other: str) -> bool:
        """Compare by rank, not by text."""
        return self.rank <= Severity(other).rank

    def __lt__(self, other: str) -> bool:
        """Compare by rank, not by text."""
        return self.rank < Severity(other).rank


RANKS = {each.value: at for at, each in enumerate(Severity)}


class Confidence(StrEnum):
    """How likely it is that the evidence means what the rule says."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of evidence. `value` may be untrusted text: every renderer escapes it. `source` says who told us."""

    label: str
    value: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one subject of one server. Two findings with the same fingerprint are the same finding at two times."""

    rule: str
    server: str
    subject: str
    """What exactly is concerned, stable from look to look: a version, a file, a host and place, an advisory group."""
    severity: Severity
    summary: str
    """One sentence for a person. May quote untrusted text: renderers escape it."""
    facts: tuple[Fact, ...] = ()
    confidence: Confidence = Confidence.HIGH
    about: Purl | None = None  # the version that a re-approval would be about; None: no version in particular
    trust_signal: bool = False
    """Whether this is an independent sign that the supply chain was tampered with; two of them on one version page somebody."""
    provisional: bool = False
    """Whether its details could not be had yet: what it grows into is no change."""

    @property
    def fingerprint(self) -> str:
        """The finding's name for ever."""
        return fingerprint(self.rule, self.server, self.subject)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A rule could not judge this time: what it said before about `subject` (None: about anything here) stays as it was."""

    rule: str
    server: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A rule knows why what it said of `subject` is over: an open finding of it ends with that note, however little else was seen."""

    rule: str
    server: str
    subject: str
    note: str
    """One sentence for a person. May quote untrusted text."""
    quiet: bool = False
    """Whether it goes on under another name: nobody is told that it is over."""

    @property
    def fingerprint(self) -> str:
        """The name of the finding that it ends."""
        return fingerprint(self.rule, self.server, self.subject)


Verdicts = Iterable[Finding | Unseen | Settled]
"""What a rule yields."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A finding with its history. Open while its rule yields it; resolved by a look that could see; may recur."""

    finding: Finding
    opened_at: datetime
    occurrences: int = 1
    resolved_at: datetime | None = None  # None: open
    alerted_at: datetime | None = None  # None: nobody was told yet
    told: str = ""
    """How loudly it was told last: page, ticket or digest; empty: not at all."""
    opened_as: Finding | None = None
    """What it was when it was opened; None: opened before this was kept."""
    note: str = ""
    """Why it ended; empty: open, or its cause was just not there any more."""
    incident: str = ""
    """The incident in which somebody was told of it; empty: nobody was, or before this was kept."""

    @property
    def begun_as(self) -> Finding:
        """What it was when it was opened, or the earliest state that is known."""
        return self.opened_as or self.finding

    @property
    def open(self) -> bool:
        """Whether it is open now."""
        return self.resolved_at is None

    @classmethod
    def new(cls, finding: Finding, now: datetime) -> Self:
        """Open it for the first time."""
        return cls(finding, now, opened_as=finding)

    def become(self, finding: Finding) -> "Tracked":
        """Go on as another state of itself. One whose details were not there yet begins with the first that has them."""
        begun = finding if self.begun_as.provisional else self.begun_as
        return replace(self, finding=finding, opened_as=begun)

    def end(self, now: datetime, settled: Settled | None) -> "Tracked":
        """Resolve it; with `settled` it is known why."""
        if settled is None:
            return replace(self, resolved_at=now)
        return replace(self, resolved_at=now, note=settled.note, told="" if settled.quiet else self.told)

    def again(self, finding: Finding, now: datetime) -> "Tracked":
        """Open it once more."""
        times = self.occurrences + 1
        return replace(
            self, finding=finding, opened_at=now, occurrences=times, resolved_at=None, opened_as=finding, note=""
        )


@dataclass(frozen=True, slots=True)
class Delta:
    """What one look changed: each list is disjoint from the others."""

    opened: tuple[Tracked, ...] = ()
    recurred: tuple[Tracked, ...] = ()
    changed: tuple[Tracked, ...] = ()
    """Still open, and its severity, summary or evidence is another."""
    unchanged: tuple[Tracked, ...] = ()
    resolved: tuple[Tracked, ...] = ()

    @property
    def open(self) -> tuple[Tracked, ...]:
        """Every finding that is open after this look."""
        return self.opened + self.recurred + self.changed + self.unchanged

    @property
    def touched(self) -> tuple[Tracked, ...]:
        """Every finding whose row is another now."""
        return self.opened + self.recurred + self.changed + self.resolved


def track(known: Mapping[str, Tracked], verdicts: Verdicts, now: datetime) -> Delta:
    """Join what the rules say now with what is known (by fingerprint). `known` holds the findings of the judged servers only."""
    said = _Said.of(verdicts)
    opened, recurred, changed, unchanged, resolved = [], [], [], [], []
    for name, finding in said.found.items():
        before = known.get(name)
        if before is None:
            opened.append(Tracked.new(finding, now))
        elif not before.open:
            recurred.append(before.again(finding, now))
        elif before.finding != finding:
            changed.append(before.become(finding))
        else:
            unchanged.append(before)
    for name, before in known.items():
        if name in said.found or not before.open:
            continue
        if name not in said.notes and said.blind_for(before.finding):
            unchanged.append(before)
        else:
            resolved.append(before.end(now, said.notes.get(name)))
    return Delta(tuple(opened), tuple(recurred), tuple(changed), tuple(unchanged), tuple(resolved))


@dataclass(frozen=True, slots=True)
class _Said:
    """The verdicts of one look, sorted: findings and notes by fingerprint."""

    found: Mapping[str, Finding]
    notes: Mapping[str, Settled]
    unseen: frozenset[tuple[str, str, str | None]]

    @classmethod
    def of(cls, verdicts: Verdicts) -> Self:
        found: dict[str, Finding] = {}
        notes: dict[str, Settled] = {}
        unseen: set[tuple[str, str, str | None]] = set()
        for verdict in verdicts:
            match verdict:
                case Unseen():
                    unseen.add((verdict.rule, verdict.server, verdict.subject))
                case Settled():
                    notes.setdefault(verdict.fingerprint, verdict)
                case Finding():
                    found.setdefault(verdict.fingerprint, verdict)
        return cls(found, notes, frozenset(unseen))

    def blind_for(self, finding: Finding) -> bool:
        """Whether the finding's rule could not see its subject."""
        rule, server = finding.rule, finding.server
        return not self.unseen.isdisjoint({(rule, server, None), (rule, server, finding.subject)})
