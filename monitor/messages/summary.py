"""What a reviewer reads first: two sentences about the risk, and from when on it can be approved. Pure functions of what was found."""

from collections.abc import Sequence
from datetime import datetime

from monitor.domain.finding import Finding
from monitor.domain.hold import mended, not_listed_anywhere, seen_since
from monitor.domain.purl import Purl
from monitor.domain.review import Review
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.messages.words import listed, plural, time_words

NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
NEVER = 9999
"""The year that stands for a version that cannot be approved."""


def summary(snapshot: Snapshot, purl: Purl, findings: Sequence[Finding]) -> str:
    """Say in exactly two sentences what speaks against the version, and which advisories it mends or has."""
    return f"{_against(snapshot, findings)}. {_advisories(snapshot, purl)}."


def approvable(snapshot: Snapshot, review: Review) -> str:
    """Say from when on the pin can be approved, why then, and by how many."""
    people = f"{_number(review.approvers_needed)} approver{'' if review.approvers_needed == 1 else 's'}"
    until = review.approvable_from
    if until is None:
        return f"Nothing holds it: it can be approved now, by {people}."
    if until.year >= NEVER:
        return "It cannot be approved: it was not seen in its registry."
    why = people
    since = _since(snapshot, review)
    if since and since[1] < until:
        hours = round((until - since[1]).total_seconds() / 3600)
        fix = " for a security fix" if mended(snapshot, review.candidate.purl) and not review.bytes_at else ""
        why = f"{since[0]} {time_words(since[1])}, hold {hours} h{fix}, {people}"
    return f"It can be approved {'now' if until <= snapshot.taken_at else f'from {time_words(until)}'} ({why})."


def _since(snapshot: Snapshot, review: Review) -> tuple[str, datetime] | None:
    """From what on its age counts, and since when that is."""
    if review.bytes_at:
        return "other bytes than before, first seen", review.bytes_at
    if not_listed_anywhere(snapshot):
        return "no source lists such packages; asked about since", review.opened_at
    if isinstance(snapshot.package, Unknown):
        return None
    known = snapshot.package.known.get(review.candidate.purl.version or "")
    return ("first seen", seen_since(known)) if known else None


def named(snapshot: Snapshot, purl: Purl) -> tuple[str, ...] | Unknown:
    """Return the advisories that name the version; `Unknown` where one that should have answered did not."""
    if isinstance(snapshot.advisories, Unknown):
        return snapshot.advisories
    advised = snapshot.advisories.get(purl)
    if advised is None:
        return Unknown(Reason.NOT_ASKED, "advisories", "were not asked about this version in this look")
    if advised.failed:
        return advised.failed[0]
    return tuple(sorted({match.advisory.id for match in advised.matches if match.live}))


def _against(snapshot: Snapshot, findings: Sequence[Finding]) -> str:
    signals = tuple(dict.fromkeys(each.rule for each in findings if each.trust_signal))
    unknown = [each for each in snapshot.unknowns() if each.reason is not Reason.NOT_COVERED]
    blind = f"; {plural(len(unknown), 'thing')} could not be checked" if unknown else ""
    if signals:
        independent = "independent trust signal" if len(signals) == 1 else "independent trust signals"
        return f"{_number(len(signals)).capitalize()} {independent}: {listed(signals)}{blind}"
    worst = max(findings, key=lambda each: each.severity.rank, default=None)
    if worst is None or all(each.rule == "new-release" for each in findings):
        return f"No trust signal and nothing else that was checked speaks against it{blind}"
    return f"No trust signal; the worst finding is {worst.rule} ({worst.severity.value}){blind}"


def _advisories(snapshot: Snapshot, purl: Purl) -> str:
    mends = mended(snapshot, purl)
    begins = f"It mends {listed(mends, 5)}" if mends else "It mends no advisory that is known"
    match named(snapshot, purl):
        case Unknown():
            return f"{begins}; whether an advisory names this version is not known"
        case ():
            return f"{begins}; nothing names this version"
        case ids:
            return f"{begins}; {listed(ids, 5)} {'names' if len(ids) == 1 else 'name'} this version"


def _number(count: int) -> str:
    return NUMBERS[count] if 0 <= count < len(NUMBERS) else str(count)
