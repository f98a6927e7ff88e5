"""Approvals that nobody stands by."""

from monitor.domain.finding import Fact, Finding, Severity, Verdicts
from monitor.domain.snapshot import Snapshot


def recertification_due(snapshot: Snapshot) -> Verdicts:
    """The owner was asked whether the server is kept, and nobody answered in time.

    Harm: nobody answers for the server any more; it may be forgotten, and still be used.
    Evidence: the quarterly question, its ticket and its date.
    False positives: an owner who was away: a late answer ends it.
    Remedy: keep the server or retire it: mcp-monitor recertify keep|retire SERVER, or the quarter's ticket. A new approval ends it, too.
    """
    if snapshot.unanswered and snapshot.approval:
        purl = snapshot.approval.pin.purl
        yield Finding(
            rule="recertification-due",
            server=snapshot.server.name,
            subject=f"{snapshot.server.name} {snapshot.unanswered}",
            severity=Severity.HIGH,
            summary=f"nobody answered for {snapshot.server.name} in the review of {snapshot.unanswered}",
            facts=(Fact("owner", snapshot.server.owner or "nobody", "registry"),),
            about=purl,
        )
