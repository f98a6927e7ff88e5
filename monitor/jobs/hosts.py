"""The hosts that report by themselves, put beside what is deployed."""

from collections.abc import Mapping
from dataclasses import replace

from monitor.domain.deployment import HostReport
from monitor.domain.enforcement import VERB, Exported
from monitor.domain.health import SourceHealth
from monitor.domain.snapshot import Fleet
from monitor.jobs.recall import INVENTORY
from monitor.ports.store import UnitOfWork


def with_hosts(unit: UnitOfWork, fleet: Fleet, health: Mapping[str, SourceHealth]) -> Fleet:
    """Return the fleet with the newest report of each host, and the exports by which its files are known.

    A host whose report may lie where nothing could be read is left out: nothing is known of it now.
    """
    newest: dict[str, HostReport] = {}
    unread: set[str] = set()
    for source, report in sorted(unit.hosts(), key=lambda each: each[1].reported_at):
        heard = health.get(INVENTORY + source)
        if heard is None or heard.failing_since:
            unread.add(report.host.casefold())
        else:
            # Some sources know when a host was there, and nothing of its policies: they take back nothing that another one saw.
            # Nor is a host another one because its name is written in other capitals.
            before = newest.get(report.host.casefold(), report)
            newest[report.host.casefold()] = report if report.policies else replace(report, policies=before.policies)
    reports = tuple(report for host, report in newest.items() if host not in unread)
    # The whole log is searched for them: not for a fleet that reports no such file.
    asked = unit.events(VERB) if any(report.policies for report in reports) else ()
    exports = tuple(Exported(event.subject, event.at, event.detail.get("sha256", "")) for event in asked)
    return replace(fleet, reports=reports, exports=exports)
