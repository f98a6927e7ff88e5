"""What comes and goes: deployments and registry entries, each state with the time since when, and when it was gone.

A state that changes is not overwritten: what ran where, when a release turned out to be malicious, is asked long afterwards.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update

from monitor.domain.deployment import Deployment, Inventory, Stay
from monitor.domain.purl import Purl
from monitor.domain.server import Entry, Listed
from monitor.store import documents, tables
from monitor.store.columns import key
from monitor.store.hosts import Hosts
from monitor.store.transaction import Transaction


class History:
    """One row a state; the states of now have no `gone_at`."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction
        self._hosts = Hosts(transaction)
        self.hosts, self.forget_hosts, self.forget_host = (
            self._hosts.hosts,
            self._hosts.forget_hosts,
            self._hosts.forget_host,
        )

    def deployments(self, packages: Collection[Purl] | None = None) -> list[tuple[Deployment, datetime]]:
        """Return what is deployed now, and when each was last seen; given packages, of these and of what is none.

        What a host reports by itself was seen when it did, however often its report is read again.
        """
        columns = tables.deployments.c
        asked = select(columns.source, columns.document, columns.seen_at).where(columns.gone_at.is_(None))
        if packages is not None:
            these = self._in.among(columns.package, [key(str(package)) for package in packages])
            asked = asked.where(these | columns.package.is_(None))
        rows = self._in.rows(asked.order_by(columns.source, columns.place))
        heard = self._hosts.heard()
        found = ((source, documents.DEPLOYMENT.decode(document), seen_at) for source, document, seen_at in rows)
        return [(each, heard.get((source, each.host), seen_at)) for source, each, seen_at in found]

    def stays_at(self, at: datetime) -> list[Stay]:
        """Return what was deployed at a time, in the order of sources and places."""
        columns = tables.deployments.c
        rows = self._in.rows(
            select(columns.source, columns.document, columns.since, columns.seen_at, columns.gone_at)
            .where(columns.since <= at, columns.gone_at.is_(None) | (columns.gone_at > at))
            .order_by(columns.source, columns.place)
        )
        return self._stays(rows)

    def stays_within(self, begin: datetime, end: datetime) -> list[Stay]:
        """Return what was deployed from `begin` on and before `end`, if only for a part of that time; oldest first."""
        columns = tables.deployments.c
        rows = self._in.rows(
            select(columns.source, columns.document, columns.since, columns.seen_at, columns.gone_at)
            .where(columns.since < end, columns.gone_at.is_(None) | (columns.gone_at > begin))
            .order_by(columns.since, columns.source, columns.place)
        )
        return self._stays(rows)

    def inventories_since(self) -> datetime | None:
        """Return when a deployment was seen first; None: never."""
        first = self._in.rows(select(tables.deployments.c.since).order_by(tables.deployments.c.since).limit(1))
        return first[0][0] if first else None

    def stays(self, packages: Collection[Purl]) -> list[Stay]:
        """Return everything that was ever deployed of the packages, oldest first."""
        columns = tables.deployments.c
        rows = self._in.rows(
            select(columns.source, columns.document, columns.since, columns.seen_at, columns.gone_at)
            .where(self._in.among(columns.package, [key(str(package)) for package in packages]))
            .order_by(columns.since, columns.source, columns.place)
        )
        return self._stays(rows)

    def _stays(self, rows: Iterable[tuple[str, str, datetime, datetime, datetime | None]]) -> list[Stay]:
        """Make them of source, document, since, seen_at and gone_at."""
        heard = self._hosts.heard()
        found: list[Stay] = []
        for source, document, since, seen_at, gone_at in rows:
            there = documents.DEPLOYMENT.decode(document)
            reported_at = heard.get((source, there.host), seen_at) if gone_at is None else seen_at
            found.append(Stay(there, since, reported_at, gone_at))
        return found

    def ran(self, begin: datetime | None, end: datetime | None) -> frozenset[Purl]:
        """Return every version (without one: what floated) that was deployed in that time, both ends included; None: without that end."""
        columns = tables.deployments.c
        asked = select(columns.document).where(columns.package.is_not(None))
        if begin is not None:
            asked = asked.where(columns.gone_at.is_(None) | (columns.gone_at >= begin))
        if end is not None:
            asked = asked.where(columns.since <= end)
        # Thousands of hosts run one version.
        one_each: dict[tuple[bytes, bytes], str] = {}
        for (document,) in self._in.rows(asked):
            version = documents.VERSION.decode(document)
            one_each[bytes(version.purl), bytes(version.installed)] = document
        found = (documents.DEPLOYMENT.decode(document).runs for document in one_each.values())
        return frozenset(purl for purl in found if purl)

    def keep_inventory(self, inventory: Inventory, at: datetime) -> None:
        """Replace what that source saw before: what it no longer sees is gone from `at` on, unless it saw only a part.

        What it saw a part of may be a host (`partial`), or all that has no report of its own (not `complete`). Of a host that reported to
        it before and has no report now nothing is gone.
        """
        self._in.alone()
        columns, source, seen_at = tables.deployments.c, key(inventory.source), inventory.collected_at or at
        now = {deployment.key: documents.write(deployment) for deployment in inventory.deployments}
        packages = {each.key: runs.package for each in inventory.deployments if (runs := each.runs)}
        named = {package: key(str(package)) for package in set(packages.values())}
        there = update(tables.deployments).where(columns.source == source, columns.gone_at.is_(None))
        before = dict[str, str](
            self._in.rows(
                select(columns.place, columns.document).where(columns.source == source, columns.gone_at.is_(None))
            )
        )
        hosts = {host for of, host in self._hosts.heard() if of == source}
        ended = _ended(before, {**_still(inventory, before, now, hosts), **now})
        self._in.change(there.where(self._in.among(columns.place, ended)).values(gone_at=at))
        self._in.change(there.where(self._in.among(columns.place, now)).values(seen_at=seen_at))
        begun = [
            {
                "source": source,
                "place": place,
                "since": at,
                "seen_at": seen_at,
                "gone_at": None,
                "package": named[packages[place]] if place in packages else None,
                "document": document,
            }
            for place, document in now.items()
            if before.get(place) != document
        ]
        self._in.put(tables.deployments, begun)
        self._hosts.keep_reports(inventory)

    def forget_inventories(self, kept: Collection[str], at: datetime) -> None:
        """Let everything be gone from `at` on that was seen by an inventory which is not among `kept` (sources' names)."""
        columns = tables.deployments.c
        others = ~self._in.among(columns.source, [key(source) for source in kept])
        self._in.change(update(tables.deployments).where(columns.gone_at.is_(None), others).values(gone_at=at))
        self._hosts.forget_others(kept)

    def entries(self) -> Mapping[str, Entry]:
        """Return the registry's entries as they were at the last look, by server name."""
        columns = tables.entries.c
        rows = self._in.rows(
            select(columns.document, columns.line).where(columns.gone_at.is_(None)).order_by(columns.server)
        )
        found = [replace(documents.ENTRY.decode(document), line=line) for document, line in rows]
        return {entry.server.name: entry for entry in found}

    def entry_history(self) -> list[Listed]:
        """Return every state that the registry's entries ever had, oldest first."""
        columns = tables.entries.c
        rows = self._in.rows(
            select(columns.document, columns.since, columns.gone_at).order_by(columns.since, columns.server)
        )
        return [Listed(documents.ENTRY.decode(document), since, gone_at) for document, since, gone_at in rows]

    def keep_entries(self, entries: Collection[Entry], at: datetime) -> None:
        """Keep the registry's entries as they are now; those not named are gone from `at` on.

        An entry that only stands on another line of the file is the same one.
        """
        self._in.alone()
        columns = tables.entries.c
        now = {key(entry.server.name): documents.write(replace(entry, line=0)) for entry in entries}
        lines = {key(entry.server.name): entry.line for entry in entries}
        current = {
            server: (document, since, line)
            for server, document, since, line in self._in.rows(
                select(columns.server, columns.document, columns.since, columns.line).where(columns.gone_at.is_(None))
            )
        }
        ended = _ended({server: document for server, (document, _, _) in current.items()}, now)
        self._in.change(
            update(tables.entries)
            .where(columns.gone_at.is_(None), self._in.among(columns.server, ended))
            .values(gone_at=at)
        )
        since = {server: began for server, (_, began, _) in current.items() if server not in ended}
        unchanged = {server for server in since if lines[server] == current[server][2]}
        self._in.put(
            tables.entries,
            [
                {
                    "server": server,
                    "since": since.get(server, at),
                    "line": lines[server],
                    "gone_at": None,
                    "document": document,
                }
                for server, document in now.items()
                if server not in unchanged
            ],
        )


def _still(
    inventory: Inventory, before: Mapping[str, str], now: Mapping[str, str], hosts: Collection[str]
) -> Mapping[str, str]:
    """Return the states that are missing now and may be there all the same. `hosts` reported to that source before.

    A host whose report was taken away said nothing new: what it said last holds, until it is forgotten.
    """
    reported = {report.host for report in inventory.reports}
    spelled = {host.casefold() for host in reported}
    silent = {host for host in hosts if host.casefold() not in spelled}
    if inventory.complete and not inventory.partial and not silent:
        return {}
    told = reported - inventory.partial
    missing = ((place, document) for place, document in before.items() if place not in now)
    at_hosts = ((place, document, documents.HOST.decode(document).host) for place, document in missing)
    return {
        place: document
        for place, document, host in at_hosts
        if host in inventory.partial or host in silent or not (inventory.complete or host in told)
    }


def _ended(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Name the states that are over: not there any more, or another one."""
    return {name for name, document in before.items() if now.get(name) != document}
