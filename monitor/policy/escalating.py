"""Which pages nobody answered in time, and what is said then: three times at most, each after twice as long."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor import messages
from monitor.domain.action import SendAlert
from monitor.domain.document import Bullets, Document, Paragraph
from monitor.domain.finding import Tracked
from monitor.domain.review import EARLY, OPEN, Review
from monitor.domain.server import Entry
from monitor.domain.waiver import Kind, Waiver
from monitor.policy.lanes import Lane, live_findings
from monitor.policy.settings import Policy

STEPS = 3


@dataclass(frozen=True, slots=True)
class _Page:
    """One incident of which somebody was paged and nobody answered. `since`: from when the silence counts for the last that is due."""

    incident: str
    unanswered: Sequence[Tracked]
    since: datetime


def escalate_all(
    policy: Policy,
    tracked: Iterable[Tracked],
    reviews: Collection[Review],
    entries: Mapping[str, Entry],
    *,
    given: Collection[Waiver],
    now: datetime,
) -> list[SendAlert]:
    """Say again what is due to be said again: the same asked twice is the same action.

    `policy` holds the answers that hold now, `given` all that were ever given by command and not taken back.
    """
    if policy.escalate_after is None:
        return []
    pages: dict[str, list[Tracked]] = {}
    for each in live_findings(policy, (each for each in tracked if each.open), now):
        if each.incident and each.told == Lane.PAGE and not _answered(policy, each, reviews, now):
            pages.setdefault(each.incident, []).append(each)
    said = []
    for incident, unanswered in pages.items():
        # Each page has its own clock: what comes later in an incident is neither covered by what was said before nor puts that off.
        due = [each for each in (_since(it, given, now) for it in unanswered) if now - each >= policy.escalate_after]
        if due:
            page = _Page(incident, unanswered, max(due))
            step = _step(now - page.since, policy.escalate_after)
            said.append(_alert(policy, page, step, reviews=reviews, entries=entries, now=now))
    return said


def _since(tracked: Tracked, given: Iterable[Waiver], now: datetime) -> datetime:
    """The silence counts from the page on, or from when the last who had taken it up let it lie."""
    ended = (
        each.expires_at
        for each in given
        if each.kind is Kind.ACKNOWLEDGEMENT and each.expires_at <= now and each.names(tracked.finding)
    )
    return max([tracked.alerted_at or tracked.opened_at, *ended])


def _answered(policy: Policy, tracked: Tracked, reviews: Iterable[Review], now: datetime) -> bool:
    if policy.acknowledgement(tracked.finding, now):
        return True
    about = tracked.finding.about
    return about is not None and any(
        review.server == tracked.finding.server and review.candidate.purl == about and review.state not in EARLY
        for review in reviews
    )


def _step(silent: timedelta, after: timedelta) -> int:
    """Return 0 before the first is due, then 1 to 3: after once, twice and four times as long."""
    return sum(1 for step in range(STEPS) if silent >= after * 2**step)


def _alert(
    policy: Policy,
    page: _Page,
    step: int,
    *,
    reviews: Iterable[Review],
    entries: Mapping[str, Entry],
    now: datetime,
) -> SendAlert:
    worst_first = sorted(page.unanswered, key=lambda each: -each.finding.severity.rank)
    name = worst_first[0].finding.server
    server = entries[name].server if name in entries else None
    usual = policy.channel_for(server)
    elsewhere = policy.escalate_to not in ("", usual)
    return SendAlert(
        key=f"escalate:{page.incident}:{int(page.since.timestamp())}.{step}",
        channel=policy.escalate_to or usual,
        title=f"Nobody has answered for {_hours(now - page.since)}: {name}",
        body=_body(worst_first, step),
        severity=worst_first[0].finding.severity.value,
        incident="" if elsewhere else page.incident,
        loud=not elsewhere,
        owner=server.owner if server else "",
        ticket=next((each.mark for each in reviews if each.server == name and each.state in OPEN), ""),
    )


def _body(worst_first: Sequence[Tracked], step: int) -> Document:
    names = tuple(
        f"mcp-monitor acknowledge {each.finding.fingerprint[:8]} --reason … --for 4h" for each in worst_first[:5]
    )
    last = "; this is the last time that it is said" if step == STEPS else ""
    return (
        *messages.alert_body([each.finding for each in worst_first]),
        Paragraph(f"Take up the ticket, or say that you work on it{last}:"),
        Bullets(names),
    )


def _hours(length: timedelta) -> str:
    hours = int(length.total_seconds() // 3600)
    return f"{hours} h" if hours else f"{int(length.total_seconds() // 60)} min"
