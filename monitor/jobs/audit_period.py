"""What an auditor asks about a quarter: what was listed, approved, deployed and used, on whose word and what evidence, and what is unknown.

Everything is told from what was recorded then. No clock is asked: the newest event of the audit log is how far anything is known.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.domain.approved_then import Answer, Approvals, Then, of_connection, of_deployment
from monitor.domain.audit import GENESIS, AuditEvent, Sealed, link, read
from monitor.domain.connection import Connection
from monitor.domain.deployment import Stay
from monitor.domain.purl import Purl
from monitor.domain.server import Approval, Entry, Listed, Pin
from monitor.domain.words_said import Said, said, state_after
from monitor.jobs.gather_evidence import links_of
from monitor.ports.store import UnitOfWork

SLICE = timedelta(days=1)
"""Of the connections that are held at once."""
WORST_FIRST = (Then.NO, Then.UNKNOWN, Then.YES)


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` on and before `end`; `name` is for people: `2026Q4`."""

    name: str
    begin: datetime
    end: datetime

    def within(self, at: datetime | None) -> datetime | None:
        """Return the time if it was over then: what came later changes nothing about the period."""
        return at if at and at < self.end else None

    def meets(self, since: datetime, until: datetime | None) -> bool:
        """Whether something lasted into it."""
        return since < self.end and (until is None or until > self.begin)


@dataclass(slots=True)
class Silence:
    """Something that could not be checked: how often, first and last, and what was said last."""

    count: int = 0
    first: datetime | None = None  # None: never
    last: datetime | None = None  # None: never
    detail: str = ""

    def note(self, at: datetime, detail: str, times: int = 1) -> None:
        """Note it once more."""
        self.count += times
        self.first, self.last, self.detail = self.first or at, at, detail


@dataclass(slots=True)
class Walked:
    """What the audit log says of a period."""

    length: int = 0
    broken: str = ""
    """Where it breaks; empty: nowhere."""
    head: Sealed | None = None  # None: it is empty
    head_then: Sealed | None = None  # None: it began later
    known_until: datetime | None = None  # None: it is empty
    runs: list[datetime] = field(default_factory=list)
    """When runs ended within the period."""
    silences: dict[tuple[str, str], Silence] = field(default_factory=dict)
    """By kind and name."""
    undone: dict[str, datetime] = field(default_factory=dict)
    """By a waiver's id: when it was taken back."""
    checkpoint: str = ""
    """The newest signed checkpoint before the period's end."""
    words: list[Said] = field(default_factory=list)
    """What was heard of versions before the period's end, oldest first."""
    reviews: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """By server and version: the state and the ticket that a review had at the period's end."""


def walk_log(unit: UnitOfWork, period: Period) -> Walked:
    """Read the audit log once: does it hold, and what does it say."""
    walked, before = Walked(), GENESIS
    for each in links_of(unit):
        walked.length += 1
        if not walked.broken and (each.seq != walked.length or link(before, each.line) != each.hash):
            walked.broken = f"event {walked.length} is missing, was changed, or one before it was"
        before, walked.head = each.hash, each
        if event := read(each.line):
            walked.known_until = max(event.at, walked.known_until or event.at)
            if event.at < period.end:
                walked.head_then = each
            _hear(walked, event, period)
    return walked


def _hear(walked: Walked, event: AuditEvent, period: Period) -> None:
    if event.verb in ("waiver.undone", "acknowledgement.undone"):
        walked.undone[event.detail.get("id", "")] = event.at
    if event.verb == "checkpoint.signed" and event.at < period.end:
        walked.checkpoint = f"{event.subject}, at event {event.detail.get('seq', '?')}"
    if event.at < period.end:
        _hear_of_review(walked, event)
    if not period.begin <= event.at < period.end:
        return
    unknown = event.detail.get("unknown", "0")
    if event.verb == "run.finished":
        walked.runs.append(event.at)
        if event.detail.get("exit") == "3":
            _note(walked, "run that could not check everything", "all jobs", event, f"{unknown} questions unanswered")
    elif event.verb == "inventory.unreadable":
        _note(walked, "inventory that could not be read", event.subject, event, event.detail.get("detail", ""))
    elif event.verb.endswith(".looked") and unknown.isdigit() and int(unknown):
        _note(
            walked, "questions without an answer", event.verb.removesuffix(".looked"), event, f"{unknown} in one look"
        )


def _hear_of_review(walked: Walked, event: AuditEvent) -> None:
    if word := said(event):
        walked.words.append(word)
    if state := state_after(event):
        key = (event.subject, event.detail.get("version", ""))
        _, ticket = walked.reviews.get(key, ("", ""))
        walked.reviews[key] = (state, event.detail.get("ticket", ticket))


def _note(walked: Walked, kind: str, name: str, event: AuditEvent, detail: str) -> None:
    walked.silences.setdefault((kind, name), Silence()).note(event.at, detail)


@dataclass(frozen=True, slots=True)
class Kept:
    """An approval, and from when to when the registry had it."""

    server: str
    approval: Approval
    since: datetime
    until: datetime | None  # None: it has it now


@dataclass(frozen=True, slots=True)
class Outside:
    """A deployment that was outside approval, or of which that is not known, for a time."""

    stay: Stay
    answer: Answer
    begin: datetime
    end: datetime


def approvals_of(history: Iterable[Listed], period: Period) -> list[Kept]:
    """Return the approvals that the registry had in the period; other changes of an entry do not cut one in two."""
    found: list[Kept] = []
    last: dict[str, int] = {}
    for each in sorted(history, key=lambda listed: (listed.entry.server.name, listed.since)):
        approval, name = each.entry.approval, each.entry.server.name
        if approval is None:
            continue
        index = last.get(name)
        if index is not None and found[index].approval == approval and found[index].until == each.since:
            found[index] = Kept(name, approval, found[index].since, each.gone_at)
        else:
            last[name] = len(found)
            found.append(Kept(name, approval, each.since, each.gone_at))
    return [each for each in found if period.meets(each.since, each.until)]


def listed_in(history: Iterable[Listed], period: Period) -> dict[str, tuple[Entry, datetime, datetime | None]]:
    """Return the servers that were listed in the period: as they were last, since when, and until when."""
    found: dict[str, tuple[Entry, datetime, datetime | None]] = {}
    for each in sorted(history, key=lambda listed: (listed.entry.server.name, listed.since)):
        if period.meets(each.since, each.gone_at):
            name = each.entry.server.name
            begin = found[name][1] if name in found else each.since
            found[name] = (each.entry, begin, each.gone_at)
    return found


def outside(stays: Iterable[Stay], approvals: Approvals, period: Period, known_until: datetime) -> list[Outside]:
    """Return what was deployed and not, or not known to be, approved then; cut where the answer changes."""
    end = min(period.end, known_until)
    found = [
        Outside(stay, segment.answer, segment.begin, segment.end)
        for stay in stays
        for segment in approvals.during(
            of_deployment(stay.deployment), max(stay.since, period.begin), min(stay.gone_at or end, end)
        )
        if segment.answer.then is not Then.YES
    ]
    return sorted(found, key=_by_place)


def _by_place(each: Outside) -> tuple[int, str, str, str, datetime]:
    it = each.stay.deployment
    return (WORST_FIRST.index(each.answer.then), each.answer.server, it.host, it.key, each.begin)


def connections_of(unit: UnitOfWork, approvals: Approvals, period: Period) -> Iterator[tuple[Connection, Answer]]:
    """Yield the period's connections, oldest first, each with whether it was approved then; no more than a day is held."""
    begin = period.begin
    while begin < period.end:
        end = min(begin + SLICE, period.end)
        for each in unit.connections(begin, end):
            yield each, approvals.at(of_connection(each), each.at)
        begin = end


@dataclass(slots=True)
class Accessed:
    """Connections that are alike: how many, by how many people, first and last."""

    count: int = 0
    people: set[str] = field(default_factory=set)
    first: datetime | None = None  # None: not yet
    last: datetime | None = None  # None: not yet


AccessKey = tuple[str, str, str, Then, str]
"""Server, version, target, whether it was approved, why."""


def accessed(connections: Iterable[tuple[Connection, Answer]]) -> dict[AccessKey, Accessed]:
    """Sum connections up by server, version, target and answer."""
    found: dict[AccessKey, Accessed] = {}
    for each, answer in connections:
        version = (each.version.version if each.version else None) or ""
        name = answer.server or each.server
        one = found.setdefault((name, version, each.target, answer.then, answer.why), Accessed())
        one.count += 1
        one.first, one.last = one.first or each.at, each.at
        if each.person:
            one.people.add(each.person)
    return dict(sorted(found.items(), key=lambda item: (item[0][2], WORST_FIRST.index(item[0][3]), item[0])))


def gaps(
    runs: Sequence[datetime], period: Period, known_until: datetime, longest: timedelta
) -> list[tuple[datetime, datetime]]:
    """Return the times within the period, longer than that, in which no run ended."""
    marks = [period.begin, *sorted(runs), min(period.end, known_until)]
    return [(one, two) for one, two in pairwise(marks) if two - one > longest]


def never_looked_at(unit: UnitOfWork, servers: Iterable[Entry]) -> list[str]:
    """Return the servers of whose package no source has ever said anything."""
    by_type: dict[str, dict[Purl, list[str]]] = {}
    for each in servers:
        if each.server.package:
            by_type.setdefault(each.server.package.type, {}).setdefault(each.server.package, []).append(
                each.server.name
            )
    return sorted(
        name
        for source, packages in by_type.items()
        for package, state in unit.packages(source, list(packages)).items()
        if state.listing is None
        for name in packages[package]
    )


def verdict_counts(unit: UnitOfWork, pins: Iterable[Pin]) -> dict[Purl, tuple[Counter[str], tuple[str, ...]]]:
    """Return by version how many claims have which verdict, and the digests of the documents that make them."""
    wanted = {pin.purl for pin in pins}
    found = unit.verifications(list({purl.package for purl in wanted}))
    return {
        purl: (
            Counter(claim.verdict.value for claim in claims),
            tuple(sorted({claim.document for claim in claims if claim.document})),
        )
        for purl, claims in found.items()
        if purl in wanted
    }
