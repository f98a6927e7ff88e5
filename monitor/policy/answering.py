"""What a ticket is told about decisions: which word counted, which did not and why, and what comes next."""

from collections.abc import Sequence

from monitor.domain.decision import Counted, Heard, NotCounted, Rules, approved_by
from monitor.domain.document import Bullets, Document, Paragraph
from monitor.domain.people import People
from monitor.domain.review import Review, State, Word

SAYS = {Word.APPROVE: "approves", Word.REJECT: "rejects"}
DECIDED_AS = {State.APPROVED: Word.APPROVE, State.REJECTED: Word.REJECT}


def decided_body(heard: Sequence[Heard], rules: Rules, writers: Sequence[str]) -> Document:
    """Answer the words of one ticket; empty where all of them repeat what is decided already."""
    lines = tuple(_with_note(each, _line(each, rules, writers)) for each in heard if not repeats(each))
    if len(lines) == 1:
        return (Paragraph(lines[0]),)
    return (Bullets(lines),) if lines else ()


def repeats(heard: Heard) -> bool:
    """Whether somebody says of a decided version what was decided: a ticket that is brought to where it belongs."""
    return isinstance(heard.result, NotCounted) and DECIDED_AS.get(heard.review.state) is heard.words.word


def enough_body(review: Review, rules: Rules, writers: Sequence[str]) -> Document:
    """Tell that approvals which were too few, or were held up, are enough by now."""
    names = ", ".join(sorted(approved_by(review, rules.people)))
    subject = f"{review.server} {_version(review)}, pin {review.candidate.fingerprint}"
    text = f"Approved by {names}: {subject}. What was missing is not demanded any more. {_next(review, writers)}"
    return (Paragraph(text),)


def undecided_body(reviews: Sequence[Review], status: str, *, nobodys: bool) -> Document:
    """Tell that a ticket was closed without a decision. `nobodys`: it is where decisions go, and no person brought it there."""
    versions = ", ".join(f"{each.server} {_version(each)}" for each in reviews)
    why = (
        f"The ticket is in {status!r}, and no person brought it there: that is nobody's decision."
        if nobodys
        else f"The ticket was closed ({status}) without a decision."
    )
    ways = (f"mcp-monitor review show {each.server} says how to decide without the ticket." for each in reviews[:1])
    return (Paragraph(f"{why} Unapproved as before: {versions}."), Paragraph(" ".join(ways)))


def lost_body(old: str) -> Document:
    """Say why a ticket is opened for what had one."""
    return (
        Paragraph(f"{old} was deleted, or is hidden from the monitor. The decision is still needed; votes start anew."),
    )


def reopened_body(by: str, reason: str) -> Document:
    """Say why a ticket is opened for what was decided."""
    return (Paragraph(f"{by} asks anew: {reason}. What was decided before does not count here; votes start anew."),)


def votes_over_body(before: Review, now: Review) -> Document:
    """Say that what was approved is known more exactly now, so that it has to be approved again."""
    names = ", ".join(sorted(before.approvals()))
    if before.candidate.fingerprint == now.candidate.fingerprint:
        approved = (now.before and now.before.purl.version) or "no version"
        text = f"The registry approves {approved} now, which it did not when {names} approved {_version(now)}: votes start anew."
        return (Paragraph(text),)
    text = (
        f"More is known of {_version(now)} than when {names} approved it: the pin was {before.candidate.fingerprint}, and is "
        f"{now.candidate.fingerprint} now. Approvals of the pin before do not count; votes start anew."
    )
    return (Paragraph(text),)


def proposal_body(what: str, review: Review) -> Document:
    """Say that a proposal ended otherwise than the review of its version."""
    show = f"mcp-monitor review show {review.server} {_version(review)}"
    return (Paragraph(f"{what[:1].upper()}{what[1:]}."), Paragraph(f"{show} says how things stand."))


def still_proposed_body(review: Review) -> Document:
    """Say what is left to do by hand where an approval that was proposed is taken back."""
    text = f"The change of the registry that was proposed for {_version(review)} is open still: close it unmerged."
    return (Paragraph(text),)


def unwritten_body(what: str, detail: str) -> Document:
    """Say that an approval did not reach the registry."""
    return (Paragraph(f"Not written into the registry: {what}. {detail}"), Paragraph("It is tried again every hour."))


def _with_note(heard: Heard, line: str) -> str:
    """Tell what people should know of what was read when it was said; the evidence as we have it is a command away."""
    note, review = heard.words.note, heard.review
    return f"{line} {note} What is kept: mcp-monitor review show {review.server}" if note else line


def _line(heard: Heard, rules: Rules, writers: Sequence[str]) -> str:
    review, words = heard.review, heard.words
    subject = f"{review.server} {_version(review)}"
    because = f" Reason: {words.reason}" if words.reason else ""
    match heard.result:
        case NotCounted(why, remedy):
            who = words.by.name if words.by else words.who or "somebody"
            what_to_do = f" What to do: {remedy}." if remedy else ""
            return f"Not counted: {who} {SAYS[words.word]} {subject} ({words.via}): {why}.{what_to_do}"
        case Counted(vote):
            if vote.word is Word.REJECT:
                if heard.late:
                    return (
                        f"Rejected by {vote.by} ({vote.via}), before the last approval: {subject} is not approved.{because} "
                        "The registry has it already: take it out there."
                    )
                if review.before and review.before.purl == review.candidate.purl:
                    return (
                        f"Rejected by {vote.by} ({vote.via}): {subject}.{because} The registry approves it still, and is not changed by "
                        f"this: take its approval out there, or retire it: mcp-monitor retire {review.server} --reason …"
                    )
                return (
                    f"Rejected by {vote.by} ({vote.via}): {subject} stays unapproved.{because} "
                    f"To ask anew: mcp-monitor review reopen {subject} --reason …"
                )
            names = sorted(approved_by(review, rules.people))
            if review.state is State.APPROVED:
                return f"Approved by {', '.join(names)}: {subject}, pin {vote.pin}.{because} {_next(review, writers)}"
            missing = missing_of(review, rules)
            return f"Counted: {vote.by} approves {subject} ({vote.via}), pin {vote.pin}.{because} Missing: {missing}."


def _next(review: Review, writers: Sequence[str]) -> str:
    if writers:
        return f"It is written next: {', '.join(writers)}."
    digests = ", ".join(sorted(map(str, review.candidate.digests))) or "none recorded"
    return f"Nothing writes it (reviews.write): enter version {_version(review)} in the registry, digests {digests}."


def missing_of(review: Review, rules: Rules) -> str:
    """Say how many approvals are missing, and whose they may be."""
    have = approved_by(review, rules.people)
    lacking = rules.needed(review) - len(have)
    return f"{lacking} more, of {others(rules.people, have)}" if lacking > 0 else "nothing"


def others(people: People, have: frozenset[str]) -> str:
    """Name those who may still approve."""
    return ", ".join(sorted(people.approvers - have)) or "reviews.approvers, which names nobody else"


def _version(review: Review) -> str:
    return review.candidate.purl.version or str(review.candidate.purl)
