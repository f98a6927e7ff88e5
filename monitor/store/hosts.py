"""Which hosts report by themselves, and when each was heard of last."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from monitor.domain.deployment import HostReport, Inventory
from monitor.store import documents, tables
from monitor.store.columns import key
from monitor.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Hosts:
    """One row a source and host: its last report."""

    _in: Transaction

    def hosts(self) -> list[tuple[str, HostReport]]:
        """Return the last report of each host, with the name of the source that had it."""
        columns = tables.hosts.c
        rows = self._in.rows(select(columns.document).order_by(columns.source, columns.host))
        kept = [documents.HEARD.decode(document) for (document,) in rows]
        return [(heard.source, heard.report) for heard in kept]

    def heard(self) -> dict[tuple[str, str], datetime]:
        """Return when each host was heard of last, by the source's key and the host's name."""
        return {(key(source), report.host): report.reported_at for source, report in self.hosts()}

    def keep_reports(self, inventory: Inventory) -> None:
        """Keep the reports, each in place of an older one of its host; a host of which there is none keeps its last."""
        source = key(inventory.source)
        rows = {
            key(report.host): {
                "source": source,
                "host": key(report.host),
                "reported_at": report.reported_at,
                "document": documents.write(documents.Heard(inventory.source, report)),
            }
            for report in sorted(inventory.reports, key=lambda report: report.reported_at)
        }
        self._in.put(tables.hosts, [*rows.values()], newer="reported_at")

    def forget_others(self, kept: Collection[str]) -> None:
        """Forget the hosts of sources that are not among `kept`."""
        others = ~self._in.among(tables.hosts.c.source, [key(source) for source in kept])
        self._in.change(delete(tables.hosts).where(others))

    def forget_hosts(self, before: datetime, at: datetime) -> list[tuple[str, HostReport]]:
        """Forget the hosts that were heard of last before a time, and let their deployments be gone from `at` on; return them."""
        return self._forget([(source, report) for source, report in self.hosts() if report.reported_at < before], at)

    def forget_host(self, host: str, at: datetime) -> list[tuple[str, HostReport]]:
        """Forget one host at once, in every source that it reported to; return what is forgotten."""
        return self._forget([(source, report) for source, report in self.hosts() if report.host == host], at)

    def _forget(self, forgotten: list[tuple[str, HostReport]], at: datetime) -> list[tuple[str, HostReport]]:
        columns = tables.deployments.c
        for source in {source for source, _ in forgotten}:
            names = {report.host for each, report in forgotten if each == source}
            these = self._in.among(tables.hosts.c.host, [key(name) for name in names])
            self._in.change(delete(tables.hosts).where(tables.hosts.c.source == key(source), these))
            there = (columns.source == key(source), columns.gone_at.is_(None))
            rows = self._in.rows(select(columns.place, columns.document).where(*there))
            places = [place for place, document in rows if documents.DEPLOYMENT.decode(document).host in names]
            self._in.change(
                update(tables.deployments).where(*there, self._in.among(columns.place, places)).values(gone_at=at)
            )
        return forgotten
