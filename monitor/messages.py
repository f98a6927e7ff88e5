"""What people read: tickets, comments and alerts as documents. Pure; untrusted text stays text, each channel escapes it its own way."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum, auto

from monitor.domain.advisory import Match
from monitor.domain.candidate import unreviewed
from monitor.domain.comparison import lines_of
from monitor.domain.deployment import Deployment
from monitor.domain.document import Bullets, Document, Heading, Paragraph, Table
from monitor.domain.finding import Finding, Tracked
from monitor.domain.provenance import Form, Verdict
from monitor.domain.purl import Purl
from monitor.domain.review import Review, State
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.rules.documentation import remedy
from monitor.wording import FORMS, VERDICTS, publisher_words

MAX_FINDINGS = 25
"""In one message; the rest is counted."""
MAX_HOSTS = 40
"""In one line."""
MAX_FACTS = 10
"""Of one finding in an alert."""


def ticket_title(snapshot: Snapshot, review: Review) -> str:
    """Say in one line which decision is asked for."""
    purl, name = review.candidate.purl, snapshot.server.name
    approved = snapshot.approval.pin.purl if snapshot.approval else None
    match _standing(snapshot, purl):
        case _Standing.APPROVED:
            return f"Review the approval of {purl.label} {purl.version} ({name})"
        case _Standing.DEPLOYED:
            return f"Deployed and not approved: {purl.label} {purl.version} ({name})"
        case _Standing.CANDIDATE:
            before = f"{approved.version} -> " if approved else ""
            return f"Re-approve {purl.label} {before}{purl.version} ({name})"


def ticket_body(snapshot: Snapshot, review: Review, findings: Sequence[Finding]) -> Document:
    """Write the evidence for the decision. What could not be checked stands first."""
    return (
        *_not_checked(snapshot),
        Heading("Decision"),
        Paragraph(_question(snapshot, review)),
        Table(("What", "Approved", "Under review"), _comparison(snapshot, review.candidate)),
        *_findings(findings),
        *_verification(snapshot, review),
        *_advisories(snapshot, review),
        *_deployed(snapshot),
        Paragraph(
            f"Review {review.fingerprint}, pin {review.candidate.fingerprint}, as seen at {_time(snapshot.taken_at)}. "
            "A decision holds only for exactly this pin."
        ),
    )


def comment_body(findings: Sequence[Finding], taken_at: datetime) -> Document:
    """Tell the reviewer what is new about the version."""
    return (Paragraph(f"New since this ticket was opened, as seen at {_time(taken_at)}:"), *_findings(findings))


def ending_body(review: Review, newer: str | None, notes: Sequence[str] = ()) -> Document:
    """Tell the reviewer that nothing is left to decide here; `notes` say why findings ended."""
    match review.state:
        case State.APPROVED:
            text = f"The registry now pins {review.candidate.purl.version}. Nothing is left to decide here."
        case State.SUPERSEDED:
            text = f"{newer} is the candidate now and has a ticket of its own. Nothing is left to decide here."
        case State.WITHDRAWN:
            text = "The cause is gone: no open finding asks for a decision about this version any more."
        case State.DETECTED | State.TICKETED | State.IN_REVIEW | State.REJECTED:
            text = f"The review is {review.state.value}."
    because = tuple(dict.fromkeys(notes))[:MAX_FINDINGS]
    return (Paragraph(text), *([Bullets(because)] if because else []))


def succession_body(before: Review, now: Review) -> Document:
    """Tell the reviewer that the ticket asks about a newer version now."""
    text = (
        f"{now.candidate.purl.version} appeared, before anybody took up {before.candidate.purl.version}. This ticket asks about "
        f"{now.candidate.purl.version} from now on (pin {now.candidate.fingerprint}); {before.candidate.purl.version} stays unapproved."
    )
    return (Paragraph(text),)


def alert_body(findings: Sequence[Finding]) -> Document:
    """Write a page or a notice about one server: what, how bad, where."""
    return tuple(block for finding in findings[:MAX_FINDINGS] for block in _alert_lines(finding)) + _more(findings)


def resolved_body(tracked: Sequence[Tracked]) -> Document:
    """Tell those who were alerted that it is over."""
    lines = tuple(_over(each) for each in tracked[:MAX_FINDINGS])
    return (Bullets(lines), *_more([each.finding for each in tracked]))


def _over(tracked: Tracked) -> str:
    because = f": {tracked.note}" if tracked.note else ""
    return f"{_words(tracked.finding)} (open since {_time(tracked.opened_at)}){because}"


def digest_body(tracked: Sequence[Tracked]) -> Document:
    """List what waits for no decision and woke nobody."""
    lines = tuple(f"{each.finding.server}: {_words(each.finding)}" for each in tracked[:MAX_FINDINGS])
    return (Bullets(lines), *_more([each.finding for each in tracked]))


def _not_checked(snapshot: Snapshot) -> Document:
    unknowns = [unknown for unknown in snapshot.unknowns() if unknown.reason is not Reason.NOT_COVERED]
    if not unknowns:
        return ()
    return (Heading("Not checked"), Bullets(tuple(str(unknown) for unknown in unknowns[:MAX_FINDINGS])))


def _question(snapshot: Snapshot, review: Review) -> str:
    server, purl = snapshot.server, review.candidate.purl
    who = f"{server.name} (owner {server.owner or 'nobody'}, tier {server.tier})"
    match _standing(snapshot, purl):
        case _Standing.APPROVED:
            return f"{who}: may {purl.label} {purl.version} stay approved?"
        case _Standing.CANDIDATE:
            return f"{who}: may {purl.label} {purl.version} run?"
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
    DEPLOYED = auto()


def _standing(snapshot: Snapshot, purl: Purl) -> _Standing:
    if snapshot.approval and snapshot.approval.pin.purl == purl:
        return _Standing.APPROVED
    if not isinstance(snapshot.package, Unknown):
        ahead = (known.release.purl for known in unreviewed(snapshot.approval, snapshot.package))
        return _Standing.CANDIDATE if purl in ahead else _Standing.DEPLOYED
    return _Standing.DEPLOYED


def _comparison(snapshot: Snapshot, candidate: Pin) -> tuple[tuple[str, str, str], ...]:
    approval = snapshot.approval
    pin = approval.pin if approval else None
    rows = [("package", str(pin.purl) if pin else "none", str(candidate.purl))]
    rows.append(("digests", _digests(pin) if pin else "none", _digests(candidate)))
    rows.append(("publisher", _publisher(pin), _publisher(candidate)))
    if approval:
        by = f"{approval.approved_by}, {_time(approval.approved_at)}" if approval.approved_at else approval.approved_by
        rows.append(("approved by", f"{by} {approval.ticket}".strip(), "nobody yet"))
    if not isinstance(snapshot.package, Unknown):
        rows.append(("published", _published(snapshot, pin), _published(snapshot, candidate)))
    return tuple(rows)


def _published(snapshot: Snapshot, pin: Pin | None) -> str:
    known = (
        None
        if isinstance(snapshot.package, Unknown) or pin is None
        else snapshot.package.known.get(pin.purl.version or "")
    )
    if known is None:
        return "not known"
    claimed = _time(known.release.published_at) if known.release.published_at else "no time given"
    return f"{claimed} (first seen {_time(known.first_seen_at)})"


def _findings(findings: Sequence[Finding]) -> Document:
    said: set[str] = set()
    blocks: list[Heading | Paragraph | Bullets] = [Heading("Findings")] if findings else []
    for finding in findings[:MAX_FINDINGS]:
        blocks.append(Paragraph(_words(finding)))
        if finding.facts:
            blocks.append(Bullets(tuple(_fact(finding, index) for index in range(len(finding.facts)))))
        if (what := remedy(finding.rule)) and finding.rule not in said:
            blocks.append(Paragraph(f"What to do: {what}"))
        said.add(finding.rule)
    return (*blocks, *_more(findings))


def _fact(finding: Finding, index: int) -> str:
    fact = finding.facts[index]
    return f"{fact.label}: {fact.value}" + (f" [{fact.source}]" if fact.source else "")


def _verification(snapshot: Snapshot, review: Review) -> Document:
    if isinstance(snapshot.verifications, Unknown):
        return (Heading("Verification"), Paragraph(f"Could not be done. {snapshot.verifications}"))
    claims = snapshot.verifications.get(review.candidate.purl, ())
    if not claims:
        return (Heading("Verification"), Paragraph("This version was not downloaded and verified."))
    rows = tuple(
        (claim.filename, FORMS[claim.form], VERDICTS[claim.verdict], claim.detail, publisher_words(claim.publisher))
        for claim in claims[:40]
    )
    return (Heading("Verification"), Table(("File", "Claim", "Verdict", "Why", "Built by"), rows))


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


def _deployed(snapshot: Snapshot) -> Document:
    if isinstance(snapshot.deployments, Unknown):
        return (Heading("Deployed"), Paragraph(f"Not known. {snapshot.deployments}"))
    if not snapshot.deployments:
        return (Heading("Deployed"), Paragraph("Seen nowhere."))
    rows = tuple((each.host, each.client, _runs(each), each.location) for each in snapshot.deployments[:40])
    table = Table(("Host", "Client", "Version", "Place"), rows)
    if not (mends := _mends(snapshot)):
        return (Heading("Deployed"), table)
    return (Heading("Deployed"), table, Paragraph("To mend what differs:"), Bullets(mends))


def _runs(deployment: Deployment) -> str:
    """The version as far as it is known, and whether the command names it."""
    runs = deployment.runs
    if runs is None or runs.version is None:
        return deployment.kind.value
    return runs.version if runs == deployment.purl else f"{runs.version} on the disk ({deployment.kind.value})"


def _mends(snapshot: Snapshot) -> tuple[str, ...]:
    """Each command once, with the hosts that it is for, and who answers for the server."""
    hosts: dict[str, dict[str, None]] = {}
    for line in lines_of(snapshot):
        if line.drift and line.deployment:
            hosts.setdefault(line.mend, {})[line.deployment.host] = None
    owner = snapshot.server.owner or "nobody"
    return tuple(
        f"{', '.join([*names][:MAX_HOSTS])}{_rest(names)} (owner {owner}): {mend}"
        for mend, names in [*hosts.items()][:MAX_FINDINGS]
    )


def _rest(names: Collection[str]) -> str:
    return f" and {len(names) - MAX_HOSTS} more" if len(names) > MAX_HOSTS else ""


def _alert_lines(finding: Finding) -> Document:
    facts = tuple(_fact(finding, index) for index in range(min(len(finding.facts), MAX_FACTS)))
    return (Paragraph(_words(finding)), *([Bullets(facts)] if facts else []))


def _more(findings: Sequence[Finding]) -> Document:
    rest = len(findings) - MAX_FINDINGS
    return (Paragraph(f"and {rest} more: mcp-monitor findings"),) if rest > 0 else ()


def _words(finding: Finding) -> str:
    return f"[{finding.severity.value}] {finding.rule}: {finding.summary}"


def _publisher(pin: Pin | None) -> str:
    return (publisher_words(pin.publisher) or "none known") if pin else "none"


def _digests(pin: Pin) -> str:
    return ", ".join(sorted(map(str, pin.digests))[:6]) or "none recorded"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def seen_pin(snapshot: Snapshot, pin: Pin) -> Pin:
    """Complete a pin with what was seen of its version: the digests of the downloaded files, and who built them."""
    if isinstance(snapshot.verifications, Unknown):
        return pin
    claims = snapshot.verifications.get(pin.purl, ())
    digests = {digest for claim in claims if claim.form is Form.REGISTRY_DIGEST for digest in claim.digests}
    strong = frozenset(digest for digest in digests if digest.algorithm in ("sha256", "sha512", "gitCommit"))
    publisher = next(
        (claim.publisher for claim in claims if claim.verdict is Verdict.VERIFIED and claim.publisher), None
    )
    return Pin(pin.purl, strong or pin.digests, publisher or pin.publisher)
