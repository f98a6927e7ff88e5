"""Hosts that report by themselves what runs on them."""

from collections.abc import Iterable

from monitor.domain.deployment import PolicyState
from monitor.domain.enforcement import enforcements
from monitor.domain.finding import Fact, Finding, Severity
from monitor.domain.snapshot import Fleet

FLEET = "fleet"
"""Stands for the server in findings about hosts."""


def host_silent(fleet: Fleet) -> Iterable[Finding]:
    """A host that reported what runs on it has not done so for longer than `policy.host_silent_after`.

    Harm: what is started there since is not seen, and what was seen last is taken for what runs.
    Evidence: the time of its last report.
    False positives: holidays, and hosts that were retired; these are forgotten 30 days after their last report.
    Remedy: run `mcp-monitor scan` there again; of a host that is no more take the report away, then `mcp-monitor deployments forget HOST`.
    """
    for report in fleet.reports:
        if fleet.overdue_at and report.reported_at < fleet.overdue_at:
            yield Finding(
                rule="host-silent",
                server=FLEET,
                subject=report.host,
                severity=Severity.LOW,
                summary=f"{report.host} has not reported since {report.reported_at:%Y-%m-%d %H:%M} UTC",
                facts=(Fact("host", report.host, "inventory"),),
            )


def policy_not_enforced(fleet: Fleet) -> Iterable[Finding]:
    """A host does not have the exported file by which a client rejects what is not approved, or has another one.

    Harm: on that host anything may be started, or what was approved once.
    Evidence: the digest of the file as the host reports it, against the digests of the exports that the audit log names.
    False positives: an export that is still being rolled out; a client for which the file was exported to try it.
    Remedy: bring the file of the last `mcp-monitor export allowlist` to the place that is named.
    """
    for each in enforcements(fleet.reports, fleet.exports):
        if each.state is PolicyState.PRESENT:
            continue
        severity, words = _STATES[each.state]
        client, location = each.policy.client, each.policy.location
        yield Finding(
            rule="policy-not-enforced",
            server=FLEET,
            subject=each.subject,
            severity=severity,
            summary=f"{each.host} ({client}): {words}",
            facts=(
                Fact("host", each.host, "inventory"),
                Fact("client", client, "inventory"),
                Fact("place", location, "inventory"),
                Fact("to mend", f"mcp-monitor export allowlist --for {client}, brought to that place"),
                Fact("sha256 there", each.policy.sha256 or "no file", "inventory"),
            ),
        )


_STATES = {
    PolicyState.ABSENT: (Severity.MEDIUM, "the file that rejects what is not approved is missing"),
    PolicyState.ALTERED: (Severity.HIGH, "the file that rejects what is not approved is not one that was exported"),
    PolicyState.OLDER: (Severity.LOW, "the file that rejects what is not approved is of an earlier export"),
    PolicyState.PRESENT: (Severity.INFO, "in place"),
}
