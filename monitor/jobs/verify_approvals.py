"""Who approved what an evidence file is about: what the log has, also of turns that the review forgot, against what the registry says."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from monitor.domain.audit import AuditEvent
from monitor.domain.bundle import Bundle
from monitor.domain.proof import Check, Result
from monitor.domain.review import Word
from monitor.domain.server import Approval, Pin
from monitor.domain.words_said import APPROVED, Said, all_said


def heard_before(bundle: Bundle, events: Iterable[AuditEvent]) -> Iterator[Check]:
    """Tell what the log has and the review does not: it was said in an earlier turn, before the version was asked about anew."""
    now = {(vote.by, vote.word.value, vote.ref[:200]) for review in bundle.reviews for vote in review.votes}
    for each in all_said(events):
        if (each.by, each.word, each.ref) not in now:
            detail = f"{each.said_at:%Y-%m-%d %H:%M} UTC via {each.via}, of pin {each.pin}; holds no more in the review"
            yield Check(f"{each.word} by {each.by}", Result.HOLDS, detail)


def approvals_of(bundle: Bundle, events: Sequence[AuditEvent]) -> Iterator[Check]:
    """Hold each approval that the registry had of the version against the votes that the log has."""
    seen: set[tuple[str, Pin]] = set()
    for each in sorted(bundle.entries, key=lambda listed: listed.since):
        approval = each.entry.approval
        if approval and approval.pin.purl == bundle.purl and (approval.approved_by, approval.pin) not in seen:
            seen.add((approval.approved_by, approval.pin))
            what = f"pin {approval.pin.fingerprint} approved by {approval.approved_by}"
            yield Check(what, *_borne_out(bundle, approval, each.since, events))


def _borne_out(bundle: Bundle, approval: Approval, since: datetime, events: Sequence[AuditEvent]) -> tuple[Result, str]:
    names = {name.strip() for name in approval.approved_by.split(",")}
    votes = [each for each in all_said(events) if each.word == Word.APPROVE and _of(each, approval.pin, bundle)]
    voters = {each.by for each in votes}
    if names <= voters:
        shown = ", ".join(sorted({each.pin for each in votes} - {approval.pin.fingerprint}))
        return Result.HOLDS, "as the votes in the log" + (f", which were shown more: pin {shown}" if shown else "")
    decided = [each.at for each in events if each.verb == APPROVED]
    there = any(each.verb.startswith("review.") for each in events)
    forgotten = not decided and any(review.asked_by or not there for review in bundle.reviews)
    if forgotten or any(at < since for at in decided):
        missing = ", ".join(sorted(names - voters))
        return (
            Result.UNTOLD,
            f"a review decided about the version, and no vote of {missing} for this pin is in the file",
        )
    return Result.TOLD, f"by hand, without a review: the registry names {approval.approved_by}, and no more is known"


def _of(vote: Said, pin: Pin, bundle: Bundle) -> bool:
    """Whether a vote was about what the registry pins; by hand, digests are left out."""
    more = {each.candidate.fingerprint for each in bundle.reviews if pin.digests <= each.candidate.digests}
    return not pin.digests or vote.pin == pin.fingerprint or vote.pin in more
