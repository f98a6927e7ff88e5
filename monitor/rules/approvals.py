"""Approvals end, and have to be given again."""

from collections.abc import Mapping
from datetime import timedelta

from monitor.domain.finding import Fact, Finding, Severity, Verdicts
from monitor.domain.server import Approval
from monitor.domain.snapshot import Snapshot

WARN_BEFORE: Mapping[int, timedelta] = {1: timedelta(days=30), 2: timedelta(days=90), 3: timedelta(days=90)}
"""By tier: those of the first are reviewed often, and soon."""
DUE_SOON = timedelta(days=14)
"""So long before its end it is time to decide."""


def approval_expired(snapshot: Snapshot) -> Verdicts:
    """The approval of the pinned version has run out.

    Harm: nobody answers for the server any more.
    Evidence: the expiry date in the registry.
    False positives: none.
    Remedy: review the version again, or retire the server.
    """
    approval = snapshot.approval
    if approval and approval.expires_at and approval.expires_at <= snapshot.taken_at:
        yield _ending(
            snapshot, approval, "approval-expired", Severity.HIGH, f"ran out on {approval.expires_at:%Y-%m-%d}"
        )


def approval_expiring(snapshot: Snapshot) -> Verdicts:
    """The approval of the pinned version runs out within 90 days (30 for tier 1); in the last 14 it is time to decide.

    Harm: none yet; when it has run out, nobody answers for the server, and exports leave it out.
    Evidence: the expiry date in the registry. Nobody is warned before half of the approval's time is over.
    False positives: none.
    Remedy: review the version before its date.
    """
    approval, now = snapshot.approval, snapshot.taken_at
    if approval is None or approval.expires_at is None or approval.expires_at <= now:
        return
    left = approval.expires_at - now
    if left <= _warn_before(snapshot.server.tier, approval):
        severity = Severity.MEDIUM if left <= DUE_SOON else Severity.LOW
        yield _ending(snapshot, approval, "approval-expiring", severity, f"runs out on {approval.expires_at:%Y-%m-%d}")


def _warn_before(tier: int, approval: Approval) -> timedelta:
    """An approval for a few days is not about to end on the day on which it is given."""
    warn = WARN_BEFORE.get(tier, max(WARN_BEFORE.values()))
    if approval.approved_at is None or approval.expires_at is None:
        return warn
    return min(warn, (approval.expires_at - approval.approved_at) / 2)


def review_due(snapshot: Snapshot) -> Verdicts:
    """An approval that names no end is older than approvals of its tier may be.

    Harm: what was looked at once is trusted for ever, while its publisher, its dependencies and its use change.
    Evidence: the date of the approval in the registry, against `expires_after` of the server's tier; an approval without a date is told
    as one whose age is not known.
    False positives: none; without `expires_after` for the tier nothing is due.
    Remedy: review the version again, and let the approval name its end.
    """
    approval, term = snapshot.approval, snapshot.terms.expires_after.get(snapshot.server.tier)
    if approval is None or approval.expires_at is not None or term is None:
        return
    if approval.approved_at is None:
        words = "does not say when it was given"
        yield _about(snapshot, approval, rule="review-due", date="", severity=Severity.LOW, words=words)
    elif approval.approved_at + term <= snapshot.taken_at:
        date = f"{approval.approved_at:%Y-%m-%d}"
        words = f"was given on {date}, and holds for {term.days} days in tier {snapshot.server.tier}"
        yield _about(snapshot, approval, rule="review-due", date=date, severity=Severity.MEDIUM, words=words)


def approval_rejected(snapshot: Snapshot) -> Verdicts:
    """The registry approves a version that was rejected.

    Harm: the fleet is held to a version that somebody looked at and refused.
    Evidence: the rejection in the audit log, and the registry, whose approval names no later time than that.
    False positives: an approval that was entered by hand after the rejection, on the same day or without its time (`on`).
    Remedy: take the approval out of the registry or retire the server; or let the version be reviewed anew (`mcp-monitor review reopen`).
    """
    approval = snapshot.approval
    rejected = snapshot.rejected.get(approval.pin.purl) if approval else None
    if approval is None or rejected is None or (approval.approved_at and approval.approved_at > rejected.at):
        return
    purl = approval.pin.purl
    yield Finding(
        rule="approval-rejected",
        server=snapshot.server.name,
        subject=f"{purl} {rejected.ref}",
        severity=Severity.HIGH,
        summary=f"{purl.label} {purl.version} is approved in the registry and was rejected by {rejected.by}",
        facts=(
            Fact("rejected", f"{rejected.at:%Y-%m-%d %H:%M} UTC, {rejected.via}", "audit log"),
            Fact("reason", rejected.reason or "none given", "audit log"),
            Fact("approved by", approval.approved_by or "not recorded", "registry"),
        ),
    )  # It names no version to decide about: that is decided.


def not_approved(snapshot: Snapshot) -> Verdicts:
    """The server is listed and no version of it is approved.

    Harm: whatever is deployed of it was not reviewed.
    Evidence: an entry without an `approved` block.
    False positives: an entry on its way to approval.
    Remedy: approve a version, or remove the entry.
    """
    if snapshot.approval is None and snapshot.server.package and snapshot.submission is None:
        yield Finding(
            rule="not-approved",
            server=snapshot.server.name,
            subject=snapshot.server.name,
            severity=Severity.INFO,
            summary=f"{snapshot.server.name} is listed without an approved version",
        )


def _ending(snapshot: Snapshot, approval: Approval, rule: str, severity: Severity, words: str) -> Finding:
    date = f"{approval.expires_at:%Y-%m-%d}"
    return _about(snapshot, approval, rule=rule, date=date, severity=severity, words=words)


def _about(snapshot: Snapshot, approval: Approval, *, rule: str, date: str, severity: Severity, words: str) -> Finding:
    return Finding(
        rule=rule,
        server=snapshot.server.name,
        subject=f"{approval.pin.purl} {date}".strip(),
        severity=severity,
        summary=f"the approval of {' '.join(filter(None, (approval.pin.purl.label, approval.pin.purl.version)))} {words}",
        facts=(
            Fact("approved by", approval.approved_by or "not recorded", "registry"),
            Fact(
                "approved on",
                f"{approval.approved_at:%Y-%m-%d}" if approval.approved_at else "not recorded",
                "registry",
            ),
        ),
        about=approval.pin.purl,
    )
