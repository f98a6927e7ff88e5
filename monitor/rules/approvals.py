"""Approvals end."""

from datetime import timedelta

from monitor.domain.finding import Fact, Finding, Severity, Verdicts
from monitor.domain.server import Approval
from monitor.domain.snapshot import Snapshot

WARN_BEFORE = timedelta(days=30)


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
    """The approval of the pinned version runs out within 30 days.

    Harm: none yet.
    Evidence: the expiry date in the registry.
    False positives: none.
    Remedy: plan the review.
    """
    approval = snapshot.approval
    if approval and approval.expires_at and snapshot.taken_at < approval.expires_at <= snapshot.taken_at + WARN_BEFORE:
        yield _ending(
            snapshot, approval, "approval-expiring", Severity.LOW, f"runs out on {approval.expires_at:%Y-%m-%d}"
        )


def not_approved(snapshot: Snapshot) -> Verdicts:
    """The server is listed and no version of it is approved.

    Harm: whatever is deployed of it was not reviewed.
    Evidence: an entry without an `approved` block.
    False positives: an entry on its way to approval.
    Remedy: approve a version, or remove the entry.
    """
    if snapshot.approval is None and snapshot.server.package:
        yield Finding(
            rule="not-approved",
            server=snapshot.server.name,
            subject=snapshot.server.name,
            severity=Severity.INFO,
            summary=f"{snapshot.server.name} is listed without an approved version",
        )


def _ending(snapshot: Snapshot, approval: Approval, rule: str, severity: Severity, words: str) -> Finding:
    return Finding(
        rule=rule,
        server=snapshot.server.name,
        subject=f"{approval.pin.purl} {approval.expires_at:%Y-%m-%d}",
        severity=severity,
        summary=f"the approval of {approval.pin.purl.label} {approval.pin.purl.version} {words}",
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
