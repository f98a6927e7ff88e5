"""Tickets about one version of one server: the question, the evidence, the findings, and what was told later."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto

from monitor.domain.advisory import Match
from monitor.domain.candidate import unreviewed
from monitor.domain.document import Bullets, Document, Heading, Paragraph, Table
from monitor.domain.finding import Finding
from monitor.domain.purl import Purl
from monitor.domain.review import Review, State
from monitor.domain.snapshot import Snapshot
from monitor.domain.stage import Stage
from monitor.domain.text import one_line
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.messages.evidence import changed, not_known
from monitor.messages.listing import findings_listed
from monitor.messages.places import deployed
from monitor.messages.summary import approvable, summary
from monitor.messages.words import MAX_FINDINGS, more, time_words
from monitor.wording import FORMS, VERDICTS, publisher_words

MAX_FILES = 20
"""Claims about files in one ticket."""
MAX_DIGESTS = 12
"""Of the pin, in one ticket."""
LONGEST = 160
"""Characters of a cell about one file."""


def ticket_title(snapshot: Snapshot, review: Review) -> str:
    """Say in one line which decision is asked for."""
    purl, name = review.candidate.purl, snapshot.server.name
    approved = snapshot.approval.pin.purl if snapshot.approval else None
    match _standing(snapshot, purl):
        case _Standing.APPROVED:
            return f"Review the approval of {purl.label} {purl.version} ({name})"
        case _Standing.SUBMITTED:
            return f"Onboard {name}: {purl.label} {purl.version or ''}".rstrip()
        case _Standing.DEPLOYED:
            return f"Deployed and not approved: {purl.label} {purl.version} ({name})"
        case _Standing.CANDIDATE:
            before = f"{approved.version} -> " if approved else ""
            return f"Re-approve {purl.label} {before}{purl.version} ({name})"


def ticket_body(snapshot: Snapshot, review: Review, findings: Sequence[Finding]) -> Document:
    """Write the evidence for the decision; `findings` are sorted, worst first. What could not be checked stands first."""
    evidence = changed(snapshot, review)
    return (
        *_not_checked(snapshot, not_known(evidence)),
        Heading("Decision"),
        Paragraph(_question(snapshot, review)),
        Paragraph(summary(snapshot, review.candidate.purl, findings)),
        Paragraph(
            f"Pin {review.candidate.fingerprint}: {review.candidate.purl}, review {review.fingerprint}, as seen at "
            f"{time_words(snapshot.taken_at)}. A decision holds only for exactly this pin. {approvable(snapshot, review)}"
        ),
        *_digests(review),
        Paragraph(
            "To decide: move this ticket to a status that approves or rejects, or: mcp-monitor review approve|reject "
            f'{review.server} {review.candidate.purl.version or ""} --pin {review.candidate.fingerprint} --reason "…"'
        ),
        Heading("What changed"),
        *evidence,
        *findings_listed(findings),
        *_verification(snapshot, review),
        *_advisories(snapshot, review),
        *deployed(snapshot),
    )


def _digests(review: Review) -> Document:
    """List the pin's digests whole, so that they can be compared by hand."""
    digests = sorted(map(str, review.candidate.digests))
    if not digests:
        return (Paragraph("The pin holds no digest yet: the files were not looked at."),)
    rest = (f"and {len(digests) - MAX_DIGESTS} more: mcp-monitor review show {review.server}",)
    return (Bullets((*digests[:MAX_DIGESTS], *(rest if len(digests) > MAX_DIGESTS else ()))),)


def comment_body(findings: Sequence[Finding], taken_at: datetime) -> Document:
    """Tell the reviewer what is new about the version."""
    return (
        Paragraph(f"New since this ticket was opened, as seen at {time_words(taken_at)}:"),
        *findings_listed(findings),
    )


_NOTHING_LEFT = " Nothing is left to decide here."


def ending_body(review: Review, newer: str | None, notes: Sequence[str] = ()) -> Document:
    """Tell the reviewer that nothing is left to decide here; `notes` say why findings ended."""
    match review.state:
        case State.APPROVED:
            text = f"The registry now pins {review.candidate.purl.version}.{_NOTHING_LEFT}"
        case State.SUPERSEDED:
            text = f"{newer} is the candidate now and has a ticket of its own.{_NOTHING_LEFT}"
        case State.WITHDRAWN:
            text = "The cause is gone: no open finding asks for a decision about this version any more."
        case State.DETECTED | State.TICKETED | State.IN_REVIEW | State.REJECTED:
            text = f"The review is {review.state.value}."
    if review.campaign:
        others = " What else the ticket lists is asked about as before."
        text = f"{review.server} {review.candidate.purl.version}: {text.removesuffix(_NOTHING_LEFT)}{others}"
    because = tuple(dict.fromkeys(notes))[:MAX_FINDINGS]
    return (Paragraph(text), *([Bullets(because)] if because else []))


def succession_body(before: Review, now: Review) -> Document:
    """Tell the reviewer that the ticket asks about a newer version now."""
    text = (
        f"{now.candidate.purl.version} appeared, before anybody took up {before.candidate.purl.version}. This ticket asks about "
        f"{now.candidate.purl.version} from now on (pin {now.candidate.fingerprint}); {before.candidate.purl.version} stays unapproved."
    )
    return (Paragraph(text),)


def _not_checked(snapshot: Snapshot, lines: Sequence[str]) -> Document:
    """`lines`: those of the table that are not known."""
    unknowns = [str(unknown) for unknown in snapshot.unknowns() if unknown.reason is not Reason.NOT_COVERED]
    said = [one_line(each, 300) for each in unknowns[:MAX_FINDINGS]]
    if lines:
        said.append(f"Not known of the version under review, for which the table says why: {', '.join(lines)}")
    return (Heading("Not checked"), Bullets(tuple(said))) if said else ()


def _question(snapshot: Snapshot, review: Review) -> str:
    server, purl = snapshot.server, review.candidate.purl
    who = f"{server.name} (owner {server.owner or 'nobody'}, tier {server.tier})"
    match _standing(snapshot, purl):
        case _Standing.APPROVED:
            return f"{who}: may {purl.label} {purl.version} stay approved?"
        case _Standing.CANDIDATE:
            return f"{who}: may {purl.label} {purl.version} run?"
        case _Standing.SUBMITTED:
            asked = snapshot.submission
            by = f" {asked.by} asks for it: {asked.purpose}." if asked else ""
            scopes = f" It is to be allowed: {', '.join(asked.scopes)}." if asked and asked.scopes else ""
            stage = (
                " Approved, it is in staging: no export allows it." if asked and asked.wanted is Stage.STAGING else ""
            )
            return f"{who}: may it be listed with {purl.label} {purl.version or ''}?{by}{scopes}{stage}"
        case _Standing.DEPLOYED:
            mend = (
                f"bring the hosts to {snapshot.approval.pin.purl.version}, or approve it"
                if snapshot.approval
                else "approve it, or stop it"
            )
            return f"{who}: {purl.label} {purl.version} is deployed and not approved. Either {mend}."


class _Standing(Enum):
    """What a version is to its server, when a ticket about it is written."""

    APPROVED = auto()
    CANDIDATE = auto()
    SUBMITTED = auto()
    DEPLOYED = auto()


def _standing(snapshot: Snapshot, purl: Purl) -> _Standing:
    if snapshot.approval and snapshot.approval.pin.purl == purl:
        return _Standing.APPROVED
    if snapshot.submission and snapshot.submission.candidate.purl == purl:
        return _Standing.SUBMITTED
    if not isinstance(snapshot.package, Unknown):
        ahead = (known.release.purl for known in unreviewed(snapshot.approval, snapshot.package))
        return _Standing.CANDIDATE if purl in ahead else _Standing.DEPLOYED
    return _Standing.DEPLOYED


def _verification(snapshot: Snapshot, review: Review) -> Document:
    if snapshot.verifications is NOT_ASKED:
        return (
            Heading("Verification"),
            Paragraph("Not looked at by the job that found this: `run releases` verifies."),
        )
    if isinstance(snapshot.verifications, Unknown):
        return (Heading("Verification"), Paragraph(f"Could not be done. {snapshot.verifications}"))
    claims = snapshot.verifications.get(review.candidate.purl, ())
    if not claims:
        return (Heading("Verification"), Paragraph("This version was not downloaded and verified."))
    rows = tuple(
        (
            one_line(claim.filename, LONGEST),
            FORMS[claim.form],
            VERDICTS[claim.verdict],
            one_line(claim.detail, LONGEST),
            one_line(publisher_words(claim.publisher), LONGEST) or "nobody named",
        )
        for claim in claims[:MAX_FILES]
    )
    table = Table(("File", "Claim", "Verdict", "Why", "Built by"), rows)
    show = f"mcp-monitor verify --recorded {review.server} {review.candidate.purl.version}"
    return (Heading("Verification"), table, *more(len(claims) - MAX_FILES, show))


def _advisories(snapshot: Snapshot, review: Review) -> Document:
    purl = review.candidate.purl
    own = _named(snapshot, purl)
    brought = snapshot.dependencies.get(purl)
    if brought is None:
        text = "What this version brings along is not known."
    elif isinstance(brought, Unknown):
        text = f"What this version brings along is not known. {brought}"
    else:
        flawed = [each for each in brought.found if _live(snapshot, each.purl)]
        depth = "at every depth" if brought.whole else "as declared, not what those bring along themselves"
        text = f"It brings along {len(brought.found)} packages ({brought.source}, {depth}); "
        text += f"advisories name {len(flawed)} of them."
        if brought.unresolved:
            text += f" Not resolved, and not looked at: {len(brought.unresolved)}."
    return (Heading("Advisories"), Paragraph(own), Paragraph(text))


def _named(snapshot: Snapshot, purl: Purl) -> str:
    if isinstance(snapshot.advisories, Unknown):
        return "Not asked in this look." if snapshot.advisories is NOT_ASKED else f"Not known. {snapshot.advisories}"
    advised = snapshot.advisories.get(purl)
    if advised is None:
        return "Not asked in this look."
    if advised.failed:
        return f"Not known for this version. {advised.failed[0]}"
    found = sorted({match.advisory.id for match in _live(snapshot, purl)})
    return f"Name this version: {', '.join(found[:20])}" if found else "None names this version."


def _live(snapshot: Snapshot, purl: Purl) -> list[Match]:
    advised = None if isinstance(snapshot.advisories, Unknown) else snapshot.advisories.get(purl)
    return [match for match in advised.matches if match.live] if advised else []
