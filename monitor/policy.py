"""Findings -> actions: severity thresholds, lanes, waivers, who is told."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor import messages
from monitor.domain.action import Action, CommentTicket, OpenTicket, SendAlert
from monitor.domain.finding import Confidence, Delta, Finding, Severity, Tracked
from monitor.domain.fingerprint import fingerprint
from monitor.domain.purl import Purl
from monitor.domain.review import OPEN, Happening, Review, State, advance
from monitor.domain.server import Pin, Server
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that somebody answers for, for a while. `server` and `subject` may be `*`."""

    rule: str
    server: str
    subject: str
    reason: str
    by: str
    expires_at: datetime

    def covers(self, finding: Finding, now: datetime) -> bool:
        """Whether the finding is waived at that time."""
        return (
            self.rule == finding.rule
            and self.server in ("*", finding.server)
            and self.subject in ("*", finding.subject)
            and now < self.expires_at
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """What the organisation decided about who is told what."""

    page_at: Severity = Severity.CRITICAL
    """From here on somebody is alerted at once; two independent trust signals on one version do so, too."""
    ticket_at: Severity = Severity.MEDIUM
    """From here on a finding opens a re-approval ticket; below, it waits for the digest."""
    exit_at: Severity = Severity.MEDIUM
    """From here on an open finding makes `run` exit with 1."""
    cooldown: timedelta = timedelta(hours=24)
    """A finding that recurs within this time after somebody was told is not told again."""
    channel: str = "default"
    channels_by_owner: Mapping[str, str] = field(default_factory=dict)
    channels_by_tier: Mapping[int, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    look_every: timedelta = timedelta(hours=1)
    """How long after a look at a server the next one is due, for `serve`."""
    advise_every: timedelta = timedelta(minutes=10)
    """The same for the job that only asks about advisories: less than between its ticks, which jitter, or every other one is lost."""
    silent_after: timedelta = timedelta(hours=24)
    """A source that has not answered for this long is a finding of its own."""
    host_silent_after: timedelta = timedelta(days=3)
    """A host whose last report is older than this is a finding."""
    roots_old_after: timedelta = timedelta(days=180)
    """A trust root that is older than this is a finding."""
    epss_at: float = 0.1
    """From this forecast on (0 to 1) a flaw counts as one step worse."""

    def channel_for(self, server: Server | None) -> str:
        """Return the channel that hears about a server: its owner's, else its tier's, else the default."""
        if server is None:
            return self.channel
        tier = self.channels_by_tier.get(server.tier, self.channel)
        return self.channels_by_owner.get(server.owner, tier)

    def waiver(self, finding: Finding, now: datetime) -> Waiver | None:
        """Return the waiver that covers the finding now, None where nobody answers for it."""
        return next((waiver for waiver in self.waivers if waiver.covers(finding, now)), None)


class Lane(StrEnum):
    """How soon somebody hears of a finding."""

    PAGE = "page"
    TICKET = "ticket"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from one look at one server: the rows that changed, and what is to be said."""

    tracked: tuple[Tracked, ...]
    reviews: tuple[Review, ...]
    actions: tuple[Action, ...]


def decide(policy: Policy, snapshot: Snapshot, delta: Delta, reviews: Sequence[Review]) -> Decision:
    """Turn the findings of one server into reviews, tickets and alerts. `reviews` are all of that server's."""
    live = live_findings(policy, delta.open, snapshot.taken_at)
    kept, tickets = _reviews(policy, snapshot, delta, {review.candidate.purl: review for review in reviews}, live)
    alerted, alerts = tell(policy, snapshot.server, delta, snapshot.taken_at)
    return Decision(alerted, kept, (*tickets, *alerts))


def live_findings(policy: Policy, tracked: Iterable[Tracked], now: datetime) -> list[Tracked]:
    """Return the findings that nobody has waived."""
    return [each for each in tracked if policy.waiver(each.finding, now) is None]


def lane(policy: Policy, finding: Finding, live: Iterable[Tracked]) -> Lane:
    """One independent trust signal holds the version and opens a ticket; two or more on one version page somebody.

    What is bad enough pages alone where it has no known false positives (its confidence is high).
    """
    if finding.severity >= policy.page_at and finding.confidence is Confidence.HIGH:
        return Lane.PAGE
    signals = {each.finding.rule for each in live if each.finding.trust_signal and each.finding.about == finding.about}
    if finding.trust_signal and finding.about and len(signals) > 1:
        return Lane.PAGE
    return Lane.TICKET if finding.severity >= policy.ticket_at else Lane.DIGEST


def tell(
    policy: Policy, server: Server | None, delta: Delta, now: datetime
) -> tuple[tuple[Tracked, ...], tuple[SendAlert, ...]]:
    """Write at most one page, one notice and one all-clear for these findings; return them with the rows that changed.

    Alerted is what pages, and what would open a ticket but names no version to decide about. A finding that came back is told
    again only when the cooldown has passed; one that got worse is told at once. `server` None: findings of no listed server.
    """
    live = live_findings(policy, delta.open, now)
    pages, notices = [], []
    for each in live:
        where = lane(policy, each.finding, live)
        if not _due(policy, each, where, now):
            continue
        if where is Lane.PAGE:
            pages.append(each)
        elif where is Lane.TICKET and each.finding.about is None:
            notices.append(each)
    over = [each for each in delta.resolved if each.told in (Lane.PAGE, Lane.TICKET) and _told_of_this(each)]
    groups = (("page", "Act now", pages), ("notice", "Notice", notices), ("resolved", "Resolved", over))
    alerts = tuple(_alert(policy, server, kind, title, group) for kind, title, group in groups if group)
    told = {
        each.finding.fingerprint: replace(each, alerted_at=now, told=where.value)
        for where, group in ((Lane.PAGE, pages), (Lane.TICKET, notices))
        for each in group
    }
    # Those who were paged and then heard that it is over hear at once when it is back, whatever the cooldown.
    cleared = {each.finding.fingerprint: replace(each, told="") for each in over if each.told == Lane.PAGE}
    rows = {each.finding.fingerprint: each for each in delta.touched} | told | cleared
    return tuple(rows.values()), alerts


def _alert(policy: Policy, server: Server | None, kind: str, title: str, group: Sequence[Tracked]) -> SendAlert:
    names = sorted({each.finding.server for each in group})
    subject = names[0] if len(names) == 1 else f"{len(names)} servers on no list"
    findings = [each.finding for each in group]
    body = messages.resolved_body(group) if kind == "resolved" else messages.alert_body(findings)
    severity = max((each.finding.severity for each in group), key=lambda severity: severity.rank)
    return SendAlert(_key(kind, group), policy.channel_for(server), f"{title}: {subject}", body, severity.value)


LOUDNESS = ("", Lane.DIGEST.value, Lane.TICKET.value, Lane.PAGE.value)


def _due(policy: Policy, tracked: Tracked, where: Lane, now: datetime) -> bool:
    """Whether it is to be told: never told, told less loudly than it deserves now, or come back after the cooldown."""
    if tracked.alerted_at is None or LOUDNESS.index(tracked.told) < LOUDNESS.index(where.value):
        return True
    return not _told_of_this(tracked) and now - tracked.alerted_at >= policy.cooldown


def _told_of_this(tracked: Tracked) -> bool:
    """Whether somebody was told of this occurrence, not of an earlier one."""
    return tracked.alerted_at is not None and tracked.alerted_at >= tracked.opened_at


def _key(kind: str, group: Sequence[Tracked]) -> str:
    """Name what is told: which findings, which time, how bad; the same told twice is not told again."""
    said = sorted(f"{each.finding.fingerprint}.{each.occurrences}.{each.finding.severity.value}" for each in group)
    return f"{kind}:{fingerprint(*said)}"


def _reviews(
    policy: Policy, snapshot: Snapshot, delta: Delta, reviews: Mapping[Purl, Review], live: Sequence[Tracked]
) -> tuple[tuple[Review, ...], tuple[Action, ...]]:
    wanted: dict[Purl, list[Tracked]] = {}
    for each in live:
        if each.finding.about and lane(policy, each.finding, live) is not Lane.DIGEST:
            wanted.setdefault(each.finding.about, []).append(each)
    news = {each.finding.fingerprint for each in (*delta.opened, *delta.recurred, *delta.changed)}
    kept: list[Review] = []
    actions: list[Action] = []
    for purl, causes in wanted.items():
        review, action = _ask(snapshot, reviews.get(purl), purl, causes, news)
        kept += [review] if review else []
        actions += [action] if action else []
    actions += [_say_over(review, over) for review in reviews.values() if (over := _over(review, delta, wanted))]
    newer = next((str(purl.version) for purl, causes in wanted.items() if _is_candidate(causes)), None)
    for purl, review in reviews.items():
        if review.state in OPEN and (ended := _end(snapshot, delta, review, asked=purl in wanted, newer=newer)):
            kept.append(ended)
            notes = [each.note for each in delta.resolved if each.note and each.finding.about == purl]
            actions.append(_say_ended(ended, newer, notes))
    return tuple(kept), tuple(actions)


def _over(review: Review, delta: Delta, wanted: Container[Purl]) -> list[Tracked]:
    """What ended, and why, of a version that stays up for review for another reason."""
    purl = review.candidate.purl
    if review.state not in OPEN or purl not in wanted:
        return []
    told = (each for each in delta.resolved if each.note and each.finding.about == purl)
    return [each for each in told if "same flaw as" not in each.note]


def _say_over(review: Review, over: Sequence[Tracked]) -> CommentTicket:
    said = fingerprint(*(f"{each.finding.fingerprint}.{each.occurrences}" for each in over))
    return CommentTicket(f"over:{review.mark}:{said}", review.server, review.mark, messages.resolved_body(over))


def _ask(
    snapshot: Snapshot, review: Review | None, purl: Purl, causes: Sequence[Tracked], news: Container[str]
) -> tuple[Review | None, Action | None]:
    """Open the review of a version, or add to it, or open it again; the same look repeated asks for nothing more."""
    findings = [each.finding for each in causes]
    fresh = [each for each in causes if each.finding.fingerprint in news]
    if review is None:
        review = Review(snapshot.server.name, messages.seen_pin(snapshot, Pin(purl)), State.DETECTED, snapshot.taken_at)
        return review, _open(snapshot, review, findings)
    if review.state is State.REJECTED or (review.state is State.APPROVED and not fresh):
        return None, None
    if review.state in OPEN:
        return None, _comment(snapshot, review, fresh) if fresh else None
    again = replace(advance(review, Happening.RECURRED), candidate=messages.seen_pin(snapshot, Pin(purl)))
    if again.ticket:
        return advance(again, Happening.TICKET_OPENED), _comment(snapshot, again, causes)
    return again, _open(snapshot, again, findings)


def _comment(snapshot: Snapshot, review: Review, fresh: Sequence[Tracked]) -> CommentTicket:
    said = fingerprint(*(_news(each) for each in fresh))
    body = messages.comment_body([each.finding for each in fresh], snapshot.taken_at)
    return CommentTicket(f"comment:{review.mark}:{said}", review.server, review.mark, body)


def _news(tracked: Tracked) -> str:
    """What a comment tells of a finding. Where it runs changes by the hour, and what could mend it with every outage."""
    finding = tracked.finding
    facts = (
        f"{fact.label}={fact.value}" for fact in finding.facts if fact.label not in ("deployed on", "approved fix")
    )
    return "\0".join((finding.fingerprint, str(tracked.occurrences), finding.severity, finding.summary, *facts))


def _open(snapshot: Snapshot, review: Review, findings: Sequence[Finding]) -> OpenTicket:
    worst_first = sorted(findings, key=lambda finding: -finding.severity.rank)
    return OpenTicket(
        key=f"ticket:{review.mark}",
        server=review.server,
        fingerprint=review.mark,
        title=messages.ticket_title(snapshot, review),
        body=messages.ticket_body(snapshot, review, worst_first),
        priority=worst_first[0].severity.value,
    )


def _end(snapshot: Snapshot, delta: Delta, review: Review, *, asked: bool, newer: str | None) -> Review | None:
    """End a review that has nothing left to decide. A source that lost most of its releases ends nothing."""
    purl = review.candidate.purl
    was_candidate = any(each.finding.rule == "new-release" and each.finding.about == purl for each in delta.resolved)
    if was_candidate and snapshot.approval and _same_pin(snapshot.approval.pin, review.candidate):
        return advance(review, Happening.APPROVE)
    if asked or (not isinstance(snapshot.package, Unknown) and snapshot.package.changes.reset):
        return None
    return advance(review, Happening.NEWER_CANDIDATE if was_candidate and newer else Happening.CAUSE_GONE)


def _same_pin(approved: Pin, shown: Pin) -> bool:
    """Whether the approval is about what the ticket showed: the version, and each digest that both speak of."""
    common = approved.algorithms & shown.algorithms
    compared = {digest for digest in approved.digests if digest.algorithm in common}
    return approved.purl == shown.purl and compared <= shown.digests


def _say_ended(review: Review, newer: str | None, notes: Sequence[str] = ()) -> CommentTicket:
    key = f"ended:{review.mark}"
    return CommentTicket(key, review.server, review.mark, messages.ending_body(review, newer, notes))


def _is_candidate(causes: Iterable[Tracked]) -> bool:
    return any(each.finding.rule == "new-release" for each in causes)


def let_go(
    tracked: Iterable[Tracked], reviews: Iterable[Review], now: datetime
) -> tuple[list[Tracked], list[Review], list[Action]]:
    """End everything about servers that have left the registry: nobody watches them any more, and nobody is asked."""
    ended = [advance(review, Happening.CAUSE_GONE) for review in reviews if review.state in OPEN]
    resolved = [replace(each, resolved_at=now) for each in tracked if each.open]
    return resolved, ended, [_say_ended(review, None) for review in ended]
