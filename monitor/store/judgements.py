"""What was judged, and what the judgement rests on: advisories, findings, reviews, the health of the sources."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, select

from monitor.domain.advisory import Advisory
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.review import OPEN, Review
from monitor.store import documents, tables
from monitor.store.columns import key
from monitor.store.transaction import Transaction


class Judgements:
    """One row each, by its own name for ever."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def advisories(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Advisory]:
        """Return the kept records, by database and id."""
        named = self._in.among(tables.advisories.c.id, [key(name) for _, name in names])
        rows = self._in.rows(select(tables.advisories.c.document).where(named))
        found = [documents.ADVISORY.decode(document) for (document,) in rows]
        return {advisory.key: advisory for advisory in found if advisory.key in names}

    def advisories_by_name(self) -> Mapping[str, list[Advisory]]:
        """Return every kept record under its id and each of its aliases."""
        by_name: dict[str, list[Advisory]] = {}
        for (document,) in self._in.rows(select(tables.advisories.c.document).order_by(tables.advisories.c.id)):
            record = documents.ADVISORY.decode(document)
            for name in record.names:
                by_name.setdefault(name, []).append(record)
        return by_name

    def keep_advisories(self, advisories: Collection[Advisory]) -> None:
        """Keep records, in place of older states of them; a newer state that another process kept stays."""
        rows = [
            {
                "database": key(record.database),
                "id": key(record.id),
                "modified_at": record.modified_at,
                "document": documents.write(record),
            }
            for record in advisories
        ]
        self._in.put(tables.advisories, rows, newer="modified_at")

    def findings(
        self, servers: Collection[str] | None = None, *, rules: Collection[str] | None = None
    ) -> list[Tracked]:
        """Return the findings of the servers and of the rules (None: of all), open and resolved, in order of opening."""
        columns = tables.findings.c
        found = select(
            columns.document,
            columns.opened_at,
            columns.occurrences,
            columns.resolved_at,
            columns.alerted_at,
            columns.told,
            columns.opened_as,
            columns.note,
            columns.incident,
        ).order_by(columns.opened_at, columns.fingerprint)
        if servers is not None:
            found = found.where(self._in.among(columns.server, [key(server) for server in servers]))
        if rules is not None:
            found = found.where(self._in.among(columns.rule, [key(rule) for rule in rules]))
        return [
            Tracked(
                documents.FINDING.decode(document),
                opened_at,
                occurrences,
                resolved_at,
                alerted_at,
                told or "",
                documents.FINDING.decode(opened_as) if opened_as else None,
                documents.TEXT.decode(note) if note else "",
                documents.TEXT.decode(incident) if incident else "",
            )
            for (
                document,
                opened_at,
                occurrences,
                resolved_at,
                alerted_at,
                told,
                opened_as,
                note,
                incident,
            ) in self._in.rows(found)
        ]

    def keep_findings(self, findings: Collection[Tracked]) -> None:
        """Insert or update by fingerprint."""
        rows = [
            {
                "fingerprint": tracked.finding.fingerprint,
                "server": key(tracked.finding.server),
                "rule": key(tracked.finding.rule),
                "opened_at": tracked.opened_at,
                "occurrences": tracked.occurrences,
                "resolved_at": tracked.resolved_at,
                "alerted_at": tracked.alerted_at,
                "told": tracked.told or None,
                "opened_as": documents.write(tracked.opened_as) if tracked.opened_as else None,
                "note": documents.write(tracked.note) if tracked.note else None,
                "incident": documents.write(tracked.incident) if tracked.incident else None,
                "document": documents.write(tracked.finding),
            }
            for tracked in findings
        ]
        self._in.put(tables.findings, rows)

    def reviews(self, servers: Collection[str] | None = None) -> list[Review]:
        """Return the reviews, in order of opening."""
        if servers is None:
            return self._reviews()
        return self._reviews(self._in.among(tables.reviews.c.server, [key(server) for server in servers]))

    def reviews_in(self, marks: Collection[str]) -> list[Review]:
        """Return the reviews that live in the tickets with these marks, in order of opening."""
        return self._reviews(self._in.among(tables.reviews.c.mark, [key(mark) for mark in marks]))

    def reviews_since(self, at: datetime) -> list[Review]:
        """Return the reviews that were opened at that time or later, in order of opening."""
        return self._reviews(tables.reviews.c.opened_at >= at)

    def reviews_open(self) -> list[Review]:
        """Return the reviews that are not decided and have not ended, in order of opening."""
        return self._reviews(tables.reviews.c.state.in_([state.value for state in OPEN]))

    def _reviews(self, *which: ColumnElement[bool]) -> list[Review]:
        columns = tables.reviews.c
        found = select(columns.document).where(*which).order_by(columns.opened_at, columns.fingerprint)
        return [documents.REVIEW.decode(document) for (document,) in self._in.rows(found)]

    def keep_reviews(self, reviews: Collection[Review]) -> None:
        """Insert or update by fingerprint."""
        rows = [
            {
                "fingerprint": review.fingerprint,
                "server": key(review.server),
                "state": review.state.value,
                "opened_at": review.opened_at,
                "mark": key(review.mark),
                "document": documents.write(review),
            }
            for review in reviews
        ]
        self._in.put(tables.reviews, rows)

    def health(self) -> Mapping[str, SourceHealth]:
        """Return what is known of each source."""
        rows = self._in.rows(select(tables.health.c.document).order_by(tables.health.c.source))
        found = [documents.HEALTH.decode(document) for (document,) in rows]
        return {source.source: source for source in found}

    def keep_health(self, health: Collection[SourceHealth]) -> None:
        """Insert or update by source."""
        rows = [{"source": key(source.source), "document": documents.write(source)} for source in health]
        self._in.put(tables.health, rows)
