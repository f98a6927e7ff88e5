"""Hosts that report by themselves what runs on them."""

from collections.abc import Iterable

from monitor.domain.finding import Fact, Finding, Severity
from monitor.domain.snapshot import Fleet

FLEET = "fleet"
"""Stands for the server in findings about hosts."""


def host_silent(fleet: Fleet) -> Iterable[Finding]:
    """A host that reported what runs on it has not done so for longer than `policy.host_silent_after`.

    Harm: what is started there since is not seen, and what was seen last is taken for what runs.
    Evidence: the time of its last report.
    False positives: holidays, and hosts that were retired; these are forgotten 30 days after their last report.
    Remedy: run `mcp-monitor scan` there again, or take the host's report away if the host is no more.
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
