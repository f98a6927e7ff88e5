"""One OSV record, read. Schema: https://ossf.github.io/osv-schema/ (1.7.5).

An unknown kind of severity costs itself. Records of other ecosystems are read, without their packages.
"""

import msgspec

from connectors._cvss import highest, rating, worded
from connectors._osv_shape import (
    NAME,
    RECORD,
    REFUSALS,
    Entry,
    Record,
    affected,
    covered,
    excess,
    refused,
    undecidable,
    utc,
)
from monitor.domain.advisory import OSV, Advisory
from monitor.domain.finding import Severity
from monitor.domain.text import one_line

MAX_SUMMARY = 300
MAX_ALIASES = 100
"""More names than that are no names of one flaw: the group would join what does not belong together."""


class _Specific(msgspec.Struct):
    severity: str = ""


# Made at import: msgspec looks a type up on its first use, and crashes the process where two threads do that at once.
_SPECIFIC = msgspec.json.Decoder(_Specific)


def parse_record(body: bytes, *, source: str = NAME) -> Advisory:
    """Read one record. Raises `Malformed` with the place for anything that is none: wrong shape, no id, no times, over a limit.

    One that names more versions or events than are compared is kept as undecidable, and its summary says so.
    """
    try:
        record = RECORD.decode(body)
        kept = covered(record)
        entries = [entry for _, entry in kept]
        score = _highest(record, entries)
        too_much = excess(entries)
        summary = record.summary or record.details
        return Advisory(
            id=record.id,
            aliases=tuple(alias for alias in record.aliases or () if _is_id(alias))[:MAX_ALIASES],
            summary=one_line(
                f"(it names {too_much}, and is not compared) {summary}" if too_much else summary, MAX_SUMMARY
            ),
            affected=tuple(affected(each, undecidable(too_much) if too_much else entry) for each, entry in kept),
            severity=_word(record.database_specific) if score is None else rating(score),
            score=score,
            modified_at=utc(record.modified),
            published_at=None if record.published is None else utc(record.published),
            withdrawn_at=None if record.withdrawn is None else utc(record.withdrawn),
            database=OSV,
        )
    except REFUSALS as error:
        raise refused(error, source) from error


def _highest(record: Record, entries: list[Entry]) -> float | None:
    """The highest score that applies to a package that is covered: an entry's own severity stands in place of the record's."""
    applicable = [entry.severity or record.severity or [] for entry in entries] or [record.severity or []]
    return highest((each.type, each.score) for severities in applicable for each in severities)


def _word(specific: msgspec.Raw) -> Severity | None:
    """GitHub's word; what other databases keep under that name is their own."""
    try:
        return worded(_SPECIFIC.decode(specific).severity)
    except msgspec.MsgspecError:
        return None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 100 and text.isascii() and text.isprintable() and " " not in text  # noqa: PLR2004  (as `Id`)
