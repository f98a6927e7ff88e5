"""What was not known in a period: times in which nothing looked, sources and hosts that were silent, servers nothing is known of."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from monitor.domain.server import Entry
from monitor.jobs.audit_period import Period, Walked, gaps, never_looked_at
from monitor.policy.settings import Policy
from monitor.ports.store import UnitOfWork
from monitor.reports.audit_tables import Row


def unknown_rows(  # noqa: PLR0917 everything that can be silent
    unit: UnitOfWork,
    period: Period,
    policy: Policy,
    walked: Walked,
    registry_since: datetime | None,
    listed: Mapping[str, tuple[Entry, datetime, datetime | None]],
) -> Iterator[Row]:
    """Yield the rows of the table. `registry_since`: since when the registry is known (None: never read)."""
    end = min(period.end, walked.known_until or period.begin)
    for what, since in (("registry", registry_since), ("inventories", unit.inventories_since())):
        if since is None or since > period.begin:
            first = at_words(min(since or end, end))
            yield ("not known yet", what, "", at_words(period.begin), first, "it was read first after that")
    if end < period.end:
        yield ("not known yet", "everything", "", at_words(end), at_words(period.end), "the audit log ends there")
    for begin, until in gaps(walked.runs, period, end, policy.silent_after):
        yield ("nobody looked", "all jobs", "", at_words(begin), at_words(until), "no run ended in that time")
    for (kind, name), silence in sorted(walked.silences.items()):
        yield (kind, name, str(silence.count), at_words(silence.first), at_words(silence.last), silence.detail)
    yield from _silent(unit, period, policy, end)
    for name in never_looked_at(unit, (entry for entry, _, _ in listed.values())):
        began = at_words(listed[name][1])
        yield ("server of which nothing is known", name, "", began, at_words(end), "no look was ever answered")


def _silent(unit: UnitOfWork, period: Period, policy: Policy, end: datetime) -> Iterator[Row]:
    """Sources and hosts that are silent now, and were before the period's end."""
    for source, health in sorted(unit.health().items()):
        if health.failing_since and health.failing_since < period.end:
            yield ("source that does not answer", source, "", at_words(health.failing_since), "", health.detail)
    for source, host in sorted(unit.hosts(), key=lambda each: (each[0], each[1].host)):
        if host.reported_at < end - policy.host_silent_after:
            at, detail = at_words(host.reported_at), f"it reported to {source}"
            yield ("host that fell silent", host.host, "", at, at_words(end), detail)


def at_words(at: datetime | None) -> str:
    """Write a time for a table; empty where there is none."""
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
