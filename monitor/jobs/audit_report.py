"""The quarter's audit report, as tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.approved_then import Answer, Approvals, Then
from monitor.domain.connection import Connection
from monitor.domain.purl import Purl
from monitor.domain.review import Word
from monitor.domain.server import Entry, Pin
from monitor.domain.waiver import Waiver
from monitor.domain.words_said import REOPENED, Said
from monitor.jobs.audit_period import (
    Accessed,
    AccessKey,
    Kept,
    Outside,
    Period,
    Walked,
    accessed,
    approvals_of,
    connections_of,
    listed_in,
    outside,
    verdict_counts,
    walk_log,
)
from monitor.jobs.audit_unknowns import at_words, unknown_rows
from monitor.policy.settings import Policy
from monitor.ports.store import UnitOfWork
from monitor.reports.audit_tables import Row, section
from monitor.reports.section import Section


@dataclass(frozen=True, slots=True)
class Report:
    """The lead's sentences, the tables in order, and whether the audit log holds."""

    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    whole: bool


def report(unit: UnitOfWork, period: Period, policy: Policy, *, everything: bool, over: bool = True) -> Report:
    """Read what is recorded of the period. With `everything` each connection is a row of its own, which is read when it is asked for.

    `over`: the period's end is past.
    """
    walked = walk_log(unit, period)
    known_until = walked.known_until or period.begin
    history = unit.entry_history()
    approvals = Approvals(history)
    listed = listed_in(history, period)
    kept = approvals_of(history, period)
    stays = unit.stays_within(period.begin, period.end)
    strays = outside(stays, approvals, period, known_until)
    used = accessed(connections_of(unit, approvals, period))
    waivers = [row for each in (*policy.waivers, *unit.waivers()) if (row := _waiver(each, walked, period))]
    unknowns = list(unknown_rows(unit, period, policy, walked, approvals.since, listed))
    rejected = list(_rejected(walked.words))
    sections = [
        section("servers", list(_servers(listed, kept, period))),
        section("approvals", list(_approvals(unit, kept, walked, period))),
        section("decisions", list(_decisions(walked, period))),
        section("deployments", [_deployment(each, period) for each in strays]),
        section("accessed", [_access(key, each) for key, each in used.items()]),
        section("unknown", unknowns),
        section("waivers", waivers),
        section("rejected", rejected),
        section("log", _log(walked, period)),
    ]
    how_far = ("the quarter", "over" if over else "NOT OVER YET")
    short = section(
        "summary", [how_far, *_summary(listed, kept, len(stays), strays, used, unknowns, waivers, rejected)]
    )
    if everything:
        rows = (_connection(each, answer) for each, answer in connections_of(unit, approvals, period))
        sections.append(section("connections", rows))
    return Report(_lead(period, walked, known_until, over=over), (short, *sections), not walked.broken)


def _lead(period: Period, walked: Walked, known_until: datetime, *, over: bool) -> tuple[str, ...]:
    said = [f"From {at_words(period.begin)} on, before {at_words(period.end)}. All times are in UTC."]
    if not over:
        said.append("THE QUARTER IS NOT OVER YET: this is what is known so far.")
    if walked.known_until is None:
        said.append("NOTHING IS KNOWN: the audit log is empty.")
    elif known_until < period.end:
        said.append(f"What is known ends at {at_words(known_until)}: the time after that is not in this report.")
    if walked.broken:
        said.append(f"THE AUDIT LOG DOES NOT HOLD: {walked.broken}. Nothing below is proven.")
    return tuple(said)


def _summary(  # noqa: PLR0917 one for each table
    listed: Mapping[str, object],
    kept: Sequence[Kept],
    stays: int,
    strays: Sequence[Outside],
    used: Mapping[AccessKey, Accessed],
    unknowns: Sequence[Row],
    waivers: Sequence[Row],
    rejected: Sequence[Row],
) -> list[Row]:
    by_answer = {then: sum(each.count for key, each in used.items() if key[3] is then) for then in Then}
    ran = {then: len({each.stay.deployment.key for each in strays if each.answer.then is then}) for then in Then}
    counts = {
        "servers listed": len(listed),
        "approvals that held": len(kept),
        "deployments seen": stays,
        "places where something ran that was not approved then": ran[Then.NO],
        "places where it is not known whether it was": ran[Then.UNKNOWN],
        "connections to what was approved then": by_answer[Then.YES],
        "connections to what was not": by_answer[Then.NO],
        "connections of which that is not known": by_answer[Then.UNKNOWN],
        "things that were not known": len(unknowns),
        "waivers and acknowledgements": len(waivers),
        "versions that stand rejected": sum(not standing for *_, standing in rejected),
    }
    return [(what, str(count)) for what, count in counts.items()]


def _servers(
    listed: Mapping[str, tuple[Entry, datetime, datetime | None]], kept: Iterable[Kept], period: Period
) -> Iterator[Row]:
    versions: dict[str, dict[str, None]] = {}
    for each in kept:
        versions.setdefault(each.server, {})[each.approval.pin.purl.version or "(the address)"] = None
    for name, (entry, since, gone_at) in listed.items():
        it, approved, until = entry.server, ", ".join(versions.get(name, ())), at_words(period.within(gone_at))
        what = str(it.package) if it.package else it.remote or ""
        yield (name, what, it.owner, str(it.tier), it.stage.value, at_words(since), until, approved)


def _approvals(unit: UnitOfWork, kept: Sequence[Kept], walked: Walked, period: Period) -> Iterator[Row]:
    found = verdict_counts(unit, (each.approval.pin for each in kept))
    for each in kept:
        approval, pin = each.approval, each.approval.pin
        counts, documents = found.get(pin.purl, ({}, ()))
        state, ticket = walked.reviews.get((each.server, str(pin.purl)), ("none: written by hand", ""))
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        yield (
            each.server,
            pin.purl.version or "(the address)",
            pin.fingerprint,
            approval.approved_by,
            _day(approval.approved_at),
            _day(approval.expires_at),
            approval.ticket or ticket,
            at_words(each.since),
            at_words(period.within(each.until)),
            state,
            _votes(walked.words, each.server, pin),
            verdicts or "not looked at",
            ", ".join(sorted(map(str, pin.digests))) or "none: the version alone",
            pin.publisher.repository if pin.publisher else "",
            ", ".join(documents),
        )


def _votes(words: Iterable[Said], server: str, pin: Pin) -> str:
    return "; ".join(
        f"{each.by} {each.word} {at_words(each.said_at)} via {each.via}"
        + ("" if each.pin == pin.fingerprint else f" (of pin {each.pin})")
        for each in words
        if each.server == server and each.version == str(pin.purl)
    )


def _deployment(each: Outside, period: Period) -> Row:
    it = each.stay.deployment
    runs = str(it.runs) if it.runs else it.remote or it.note
    return (
        each.answer.then.value,
        each.answer.why,
        each.answer.server or "(on no list)",
        it.host,
        it.client,
        runs,
        at_words(each.begin),
        at_words(each.end),
        at_words(min(each.stay.seen_at, period.end)),
        it.location,
        "disabled" if it.disabled else "",
    )


def _access(key: AccessKey, each: Accessed) -> Row:
    server, version, target, then, why = key
    people = str(len(each.people)) if each.people else "not logged"
    count = str(each.count)
    return (
        target,
        server,
        version or "not logged",
        then.value,
        why,
        count,
        people,
        at_words(each.first),
        at_words(each.last),
    )


def _connection(each: Connection, answer: Answer) -> Row:
    version = (each.version.version if each.version else None) or ""
    who = (each.target, each.person, each.client, each.remote)
    return (
        each.at.isoformat(),
        answer.server,
        each.server,
        version,
        *who,
        answer.then.value,
        answer.why,
        each.source,
        each.id,
    )


def _waiver(each: Waiver, walked: Walked, period: Period) -> Row | None:
    undone = period.within(walked.undone.get(each.id)) if each.id else None
    begin, until = each.given_at or period.begin, min(each.expires_at, undone or each.expires_at)
    if not period.meets(begin, until):
        return None
    given = at_words(each.given_at) if each.given_at else "in the configuration"
    about = (each.kind.value, each.rule, each.server, each.subject, each.by, each.reason)
    return (*about, given, at_words(each.expires_at), at_words(undone))


def _decisions(walked: Walked, period: Period) -> Iterator[Row]:
    for each in walked.words:
        if each.heard_at >= period.begin:
            state, ticket = walked.reviews.get((each.server, each.version), ("", ""))
            what = (each.server, _version(each.version), each.pin, each.word, each.by, each.via)
            yield (at_words(each.said_at), *what, each.ticket or ticket, state, each.reason)


def _rejected(words: Sequence[Said]) -> Iterator[Row]:
    for number, each in enumerate(words):
        if each.word == Word.REJECT:
            later = (one for one in words[number:] if one.word == REOPENED)
            anew = next((one for one in later if (one.server, one.version) == (each.server, each.version)), None)
            told = (each.by, at_words(each.said_at), each.via, each.ticket, each.reason)
            until = f"{anew.by} {at_words(anew.said_at)}" if anew else ""
            yield (each.server, _version(each.version), each.pin, *told, until)


def _version(purl: str) -> str:
    try:
        return Purl.parse(purl).version or purl
    except ValueError:
        return purl


def _log(walked: Walked, period: Period) -> list[Row]:
    then, head = walked.head_then, walked.head
    return [
        ("holds", f"no: {walked.broken}" if walked.broken else f"yes, {walked.length} events"),
        (f"head at the end of {period.name}", f"event {then.seq}, hash {then.hash}" if then else "none"),
        ("head now", f"event {head.seq}, hash {head.hash}" if head else "none"),
        ("newest signed checkpoint of then", walked.checkpoint or "none"),
        ("runs that ended", str(len(walked.runs))),
    ]


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else "not said"
