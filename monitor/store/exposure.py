"""Who was exposed to what: which record named which version, what versions bring along, how likely flaws are to be used."""

import zlib
from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import delete, exists, or_, select, update

from monitor.domain.advisory import Named
from monitor.domain.dependency import Dependencies, Resolved
from monitor.domain.purl import Purl
from monitor.domain.risk import Risk, RiskTable
from monitor.ports.sources import Validator, Validators
from monitor.store import documents, tables
from monitor.store.columns import key
from monitor.store.transaction import Transaction

WHOLE, UNRESOLVED, NOTHING, SILENT = '"whole":true', '"unresolved":["', '"found":[],"unresolved":[]', '"said":false'
"""As they stand in a document of dependencies. A quotation mark within a text is escaped there: no text can look like one of these."""

MOST_NAMES = 100
"""SQLite limits how deep an expression may be. A record of more packages is looked for here."""


class Exposure:
    """One row a match, one a state of a version's dependencies, one a list of risks."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def matches(self, versions: Collection[Purl] | None = None) -> Mapping[Purl, tuple[Named, ...]]:
        """Return which records named the versions (None: any version) since when, those that do no longer, too."""
        columns = tables.matches.c
        wanted = select(columns.document).order_by(columns.purl, columns.since, columns.advisory)
        if versions is not None:
            wanted = wanted.where(self._in.among(columns.purl, [key(str(purl)) for purl in versions]))
        found: dict[Purl, tuple[Named, ...]] = {}
        for (document,) in self._in.rows(wanted):
            named = documents.NAMED.decode(document)
            found[named.purl] = (*found.get(named.purl, ()), named)
        return found

    def keep_matches(self, named: Collection[Named]) -> None:
        """Insert or update by version, database and record."""
        rows = [
            {
                "purl": key(str(each.purl)),
                "database": key(each.database),
                "advisory": key(each.id),
                "since": each.since,
                "gone_at": each.gone_at,
                "document": documents.write(each),
            }
            for each in named
        ]
        self._in.put(tables.matches, rows)

    def dependencies(self, versions: Collection[Purl]) -> Mapping[Purl, Dependencies]:
        """Return what the versions bring along, as it is known now."""
        columns = tables.dependencies.c
        rows = self._in.rows(
            select(columns.document).where(
                columns.gone_at.is_(None), self._in.among(columns.purl, [key(str(purl)) for purl in versions])
            )
        )
        found = [documents.DEPENDENCIES.decode(document) for (document,) in rows]
        return {each.of: each for each in found}

    def dependency_history(self, packages: Collection[Purl]) -> list[Resolved]:
        """Return what was ever known of versions that brought along one of the packages, or something of no known version; oldest first.

        Other packages are left out. The database looks for the names: to make everything that was ever known takes a gigabyte.
        """
        table, before = tables.dependencies, tables.dependencies.alias("before")
        whole_before = exists().where(
            before.c.purl == table.c.purl, before.c.since < table.c.since, before.c.document.contains(WHOLE)
        )
        asked = select(table.c.document, table.c.since, table.c.gone_at, whole_before)
        names = _names(packages)
        if len(names) <= MOST_NAMES:
            holds = (table.c.document.contains(each, autoescape=True) for each in (UNRESOLVED, *names))
            asked = asked.where(or_(*holds))
        return [
            Resolved(documents.only_these(document, names), since, gone, corrects)
            for document, since, gone, corrects in self._in.rows(asked.order_by(table.c.since, table.c.purl))
        ]

    def known_whole(self, versions: Collection[Purl]) -> frozenset[Purl]:
        """Return those of the versions of which everything that they bring along is, or once was, known."""
        columns = tables.dependencies.c
        by_key = {key(str(purl)): purl for purl in versions}
        nothing = columns.document.contains(NOTHING) & ~columns.document.contains(SILENT)
        rows = self._in.rows(
            select(columns.purl)
            .where(self._in.among(columns.purl, by_key), columns.document.contains(WHOLE) | nothing)
            .distinct()
        )
        return frozenset(by_key[name] for (name,) in rows)

    def keep_dependencies(self, dependencies: Collection[Dependencies], at: datetime) -> None:
        """Keep what the versions bring along from `at` on; what was known of them before is kept as it was."""
        self._in.alone()
        columns = tables.dependencies.c
        names = [key(str(each.of)) for each in dependencies]
        self._in.change(
            update(tables.dependencies)
            .where(columns.gone_at.is_(None), self._in.among(columns.purl, names))
            .values(gone_at=at)
        )
        rows = [
            {"purl": key(str(each.of)), "since": at, "gone_at": None, "document": documents.write(each)}
            for each in dependencies
        ]
        self._in.put(tables.dependencies, rows)

    def risks(self, cves: Collection[str], sources: Collection[str]) -> Mapping[str, Risk]:
        """Return what the kept lists of those sources say of the flaws; those that no list names are not in it."""
        lists = self._risk_tables(sources) if cves else []
        exploited = {cve: entry for each in lists for cve in cves if (entry := each.exploited.get(cve))}
        epss = {cve: score for each in lists for cve in cves if (score := each.epss.get(cve)) is not None}
        return {cve: Risk(exploited.get(cve), epss.get(cve)) for cve in exploited.keys() | epss.keys()}

    def risk_lists(self) -> Mapping[str, tuple[datetime, Validators]]:
        """Return for each kept list of which day its data is, and what makes the next request conditional."""
        columns = tables.risks.c
        rows = self._in.rows(select(columns.source, columns.as_of, columns.validators).order_by(columns.source))
        return {
            source: (as_of, {each.key: each for each in documents.VALIDATORS.decode(validators)})
            for source, as_of, validators in rows
        }

    def risk_size(self, source: str) -> int:
        """Return how many flaws the kept list of a source names; 0: none is kept."""
        return sum(len(each.exploited) + len(each.epss) for each in self._risk_tables([source]))

    def keep_risks(self, table: RiskTable, validators: Collection[Validator]) -> None:
        """Keep the list in place of the one that the source gave before."""
        row = {
            "source": key(table.source),
            "as_of": table.as_of,
            "validators": documents.write(tuple(validators)),
            "document": zlib.compress(msgspec.json.encode(table), 1),
        }
        self._in.put(tables.risks, [row])

    def forget_risks(self, kept: Collection[str]) -> Collection[str]:
        """Forget the lists of sources that are not among `kept`, and return their names."""
        columns = tables.risks.c
        others = ~self._in.among(columns.source, [key(source) for source in kept])
        names = [source for (source,) in self._in.rows(select(columns.source).where(others).order_by(columns.source))]
        self._in.change(delete(tables.risks).where(others))
        return names

    def _risk_tables(self, sources: Collection[str]) -> list[RiskTable]:
        columns = tables.risks.c
        named = self._in.among(columns.source, [key(source) for source in sources])
        wanted = select(columns.document).where(named).order_by(columns.source)
        return [documents.RISK_TABLE.decode(zlib.decompress(document)) for (document,) in self._in.rows(wanted)]


def _names(packages: Collection[Purl]) -> list[str]:
    """Return how a package at any version begins in a document."""
    return sorted(documents.write(each.package).removesuffix("null}") for each in packages)
