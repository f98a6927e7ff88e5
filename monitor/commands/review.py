"""`review list`, `show`, `approve`, `reject`, `reopen`: decisions at the keyboard."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from monitor import wiring
from monitor.commands.identity import caller, where_said
from monitor.commands.opening import open_settings, recall, record
from monitor.commands.output import note, say, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.action import CommentTicket
from monitor.domain.audit import AuditEvent
from monitor.domain.decision import NEVER, NotCounted, Rules, Words, approved_by, count
from monitor.domain.document import Document, plain
from monitor.domain.people import Person
from monitor.domain.review import OPEN, Review, State, Word
from monitor.domain.text import one_line, visible
from monitor.ending import ExitCode, Stop
from monitor.jobs.decide import Terms, decide_by, reopen_by
from monitor.jobs.outcome import review_event
from monitor.jobs.rulebook import Rulebook
from monitor.policy.answering import missing_of
from monitor.policy.campaigns import evidence_key
from monitor.ports.store import UnitOfWork
from monitor.settings import Settings

PIN = re.compile(r"[0-9a-f]{8,16}")
LONGEST_REASON = 1000
HEADER = (
    Column("server"),
    Column("approved", gives_way=2),
    Column("under review"),
    Column("pin"),
    Column("state"),
    Column("can be approved", gives_way=3),
    Column("missing"),
    Column("ticket", gives_way=1),
)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A review with what it is measured by, and the text of its ticket."""

    review: Review
    rules: Rules
    title: str
    body: Document


def list_reviews(config: Path, *, everything: bool, as_json: bool) -> int:
    """List reviews, oldest first."""
    settings = open_settings(config, only_store=True)
    terms = _terms(settings)

    def read(unit: UnitOfWork) -> list[_Shown]:
        book = _book(unit, terms)
        return [_shown(unit, book, each) for each in (unit.reviews() if everything else unit.reviews_open())]

    shown = recall(settings, read)
    if as_json:
        show_json([_json(each) for each in shown])
    else:
        show_table(HEADER, [_row(each) for each in shown], empty="No version waits for a decision.")
    return ExitCode.QUIET


def show_review(config: Path, server: str, version: str, *, as_json: bool) -> int:
    """Show one review with its evidence."""
    settings = open_settings(config, only_store=True)
    terms = _terms(settings)
    shown = recall(settings, lambda unit: _shown(unit, _book(unit, terms), _named(unit, server, version)))
    if as_json:
        show_json(_json(shown) | {"title": shown.title, "evidence": plain(shown.body)})
        return ExitCode.QUIET
    for line in _lines(shown):
        say(one_line(line, 2000))
    say("")
    say(one_line(shown.title, 500))
    for line in visible(plain(shown.body)).split("\n"):
        say(line)
    return ExitCode.QUIET


def decide_review(
    config: Path, server: str, version: str, *, word: Literal["approve", "reject"], pin: str, reason: str
) -> int:
    """Say a word about one review, for exactly the pin that was read."""
    given = pin.strip().casefold()
    if not PIN.fullmatch(given):
        raise Stop("--pin: expected 8 to 16 hex digits, as `review show` has them", ExitCode.USAGE)
    why = _reason(reason)
    settings = open_settings(config, only_store=True)
    person, terms = caller(settings.config), _terms(settings)

    def decide(unit: UnitOfWork) -> tuple[Review, NotCounted | None]:
        unit.alone()
        review = _named(unit, server, version)
        now = review.candidate.fingerprint
        if not now.startswith(given):
            raise Stop(
                f"the review of {server} is about pin {now} now ({review.candidate.purl}), not {given}: nothing is decided; "
                "read it with `review show`",
                ExitCode.FINDINGS,
            )
        said = Words(
            _ref(person, terms), Word(word), person, person.account, terms.now, (now,), where_said(config), why
        )
        result = count(review, said, _book(unit, terms).rules(review))
        if isinstance(result, NotCounted):
            detail = {**review_event(review, terms.now).detail, "word": word, "why": result.why, "via": said.via}
            unit.commit(AuditEvent(terms.now, person.name, "review.not-counted", review.server, detail))
            return review, result
        return decide_by(unit, terms, review, [said]).review or review, None

    review, refused = record(settings, decide)
    if refused:
        note(f"mcp-monitor: not counted: {refused.why}. {refused.remedy}")
        return ExitCode.FINDINGS
    for line in _result(review, terms, rules=_rules(settings, terms, review)):
        say(one_line(line, 1000))
    return ExitCode.QUIET


def reopen_review(config: Path, server: str, version: str, *, reason: str) -> int:
    """Ask anew about a version that was decided."""
    why = _reason(reason)
    settings = open_settings(config, only_store=True)
    person, terms = caller(settings.config), _terms(settings)
    if person.name not in terms.policy.people.approvers:
        group = ", ".join(sorted(terms.policy.people.approvers)) or "nobody yet"
        raise Stop(f"{person.name} may not reopen a review; one of reviews.approvers may: {group}", ExitCode.USAGE)

    def work(unit: UnitOfWork) -> Review | None:
        return reopen_by(unit, terms, _named(unit, server, version), by=person.name, reason=why)

    again = record(settings, work)
    if again is None:
        raise Stop(f"{server} {version} is not decided: nothing is to be opened again", ExitCode.USAGE)
    say(f"{server} {version} is under review again, with a new ticket; votes start anew.")
    return ExitCode.QUIET


def _named(unit: UnitOfWork, server: str, version: str) -> Review:
    """Return the review that is meant. Raises `Stop`."""
    found = unit.reviews([server])
    if version:
        meant = [each for each in found if each.candidate.purl.version == version]
        if meant:
            return meant[-1]
        known = ", ".join(sorted({each.candidate.purl.version or "" for each in found})) or "none"
        raise Stop(
            f"no review of {one_line(server, 200)} {one_line(version, 100)}; versions that had one: {one_line(known, 500)}",
            ExitCode.USAGE,
        )
    waiting = [each for each in found if each.state in OPEN]
    if len(waiting) == 1:
        return waiting[0]
    if waiting:
        versions = ", ".join(each.candidate.purl.version or "" for each in waiting)
        raise Stop(f"several versions of {server} wait for a decision; name one: {versions}", ExitCode.USAGE)
    raise Stop(
        f"nothing of {one_line(server, 200)} waits for a decision; `review list --all` has what was decided",
        ExitCode.USAGE,
    )


def _reason(text: str) -> str:
    if not 0 < len(text.strip()) <= LONGEST_REASON:
        raise Stop(f"--reason: expected a reason of at most {LONGEST_REASON} characters", ExitCode.USAGE)
    return text.strip()


def _ref(person: Person, terms: Terms) -> str:
    return f"command:{person.name}:{terms.now.isoformat()}"


def _terms(settings: Settings) -> Terms:
    writers = settings.config.reviews.writers
    return Terms(wiring.policy(settings.config), tuple(sorted(writers)), wiring.utc_now())


def _rules(settings: Settings, terms: Terms, review: Review) -> Rules:
    return recall(settings, lambda unit: _book(unit, terms).rules(review))


def _book(unit: UnitOfWork, terms: Terms) -> Rulebook:
    return Rulebook.of(unit, terms.policy, terms.now)


def _shown(unit: UnitOfWork, book: Rulebook, review: Review) -> _Shown:
    last = unit.said_last(review.mark)
    own = unit.action(evidence_key(review)) if review.campaign else None
    body = own.body if isinstance(own, CommentTicket) else last.body if last else ()
    return _Shown(review, book.rules(review), last.title if last else "", body)


def _row(shown: _Shown) -> tuple[str, ...]:
    review = shown.review
    return (
        review.server,
        review.before.purl.version or "" if review.before else "none",
        review.candidate.purl.version or str(review.candidate.purl),
        review.candidate.fingerprint,
        review.state.value,
        _from(review),
        missing_of(review, shown.rules) if review.state in OPEN else "",
        review.ticket,
    )


def _from(review: Review) -> str:
    if review.approvable_from is None:
        return "now"
    if review.approvable_from >= NEVER:
        return "when it was seen in its registry"
    return f"{review.approvable_from:%Y-%m-%d %H:%M} UTC"


def _lines(shown: _Shown) -> Sequence[str]:
    review, rules = shown.review, shown.rules
    before = str(review.before.purl) if review.before else "none"
    votes = [
        f"{each.at:%Y-%m-%d %H:%M} UTC  {each.by}: {each.word.value} ({each.via}), pin {each.pin}"
        + (f": {each.reason}" if each.reason else "")
        for each in review.votes
    ]
    lines = [
        f"server           {review.server}",
        f"under review     {review.candidate.purl}",
        f"approved         {before}",
        f"pin              {review.candidate.fingerprint}",
        f"state            {review.state.value}, ticket {review.ticket or 'none'}",
        f"opened           {review.opened_at:%Y-%m-%d %H:%M} UTC",
    ]
    if review.state in OPEN:
        lines.append(f"can be approved  {_from(review)}")
        lines.append(f"approvals        {len(approved_by(review, rules.people))} of {rules.needed(review)}")
        lines.append(f"missing          {missing_of(review, rules)}")
        if rules.blocked_by:
            lines.append(f"blocked by       {rules.blocked_by}")
    return [*lines, *(f"said             {vote}" for vote in votes)]


def _json(shown: _Shown) -> dict[str, object]:
    review, rules = shown.review, shown.rules
    have = approved_by(review, rules.people)
    until = review.approvable_from
    return {
        "server": review.server,
        "version": review.candidate.purl.version,
        "package": str(review.candidate.purl),
        "approved": str(review.before.purl) if review.before else None,
        "pin": review.candidate.fingerprint,
        "digests": sorted(map(str, review.candidate.digests)),
        "state": review.state.value,
        "ticket": review.ticket or None,
        "campaign": review.campaign or None,
        "opened_at": review.opened_at.isoformat(),
        "approvable_from": until.isoformat() if until and until < NEVER else None,
        "never_seen": bool(until and until >= NEVER),
        "approvers_needed": rules.needed(review),
        "approved_by": sorted(have),
        "missing_approvals": max(0, rules.needed(review) - len(have)) if review.state in OPEN else 0,
        "blocked_by": rules.blocked_by or None,
        "votes": [
            {"by": each.by, "word": each.word.value, "at": each.at.isoformat(), "via": each.via, "pin": each.pin}
            | ({"reason": each.reason} if each.reason else {})
            for each in review.votes
        ],
    }


def _result(review: Review, terms: Terms, *, rules: Rules) -> Sequence[str]:
    subject = f"{review.server} {review.candidate.purl.version or review.candidate.purl}"
    pin = review.candidate.fingerprint
    match review.state:
        case State.APPROVED:
            where = ", ".join(terms.writers)
            follows = (
                f"The next run writes it: {where}."
                if where
                else "Nothing writes it (reviews.write): enter it in the registry by hand."
            )
            return (
                f"approved: {subject}, pin {pin}, by {', '.join(sorted(approved_by(review, rules.people)))}.",
                follows,
            )
        case State.REJECTED:
            return (f"rejected: {subject}, pin {pin}. It stays unapproved.",)
        case State.DETECTED | State.TICKETED | State.IN_REVIEW | State.SUPERSEDED | State.WITHDRAWN:
            return (f"counted for {subject}, pin {pin}. Missing: {missing_of(review, rules)}.",)
