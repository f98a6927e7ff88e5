"""FIRST's Exploit Prediction Scoring System: a CSV file each day (https://www.first.org/epss/data_stats), plain or gzip.

It knows: for nearly every CVE the probability that it is used within the next 30 days, by a model.
It does not know: whether it was used. A CVE that is not in it has no score, which is not a score of 0; and since a new model moves all
scores at once, a movement alone means nothing.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import structlog

from connectors._edge.http import Http
from connectors._risk_list import build_list, refuse_mostly_bad
from monitor.domain.risk import RiskTable
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed
from monitor.ports.sources import RiskSource

NAME = "epss"
MAX_LINES = 2_000_000
"""The file has 300,000."""
HEADER = b"cve,epss"

_HEAD = re.compile(rb"#[^\n]{0,200}\bscore_date:([0-9TtZz:.+-]{10,40})[^\n]{0,200}")
_ROW = re.compile(
    rb"^(CVE-[0-9]{4}-[0-9]{4,19}),([0-9]{0,3}\.?[0-9]{1,30}(?:[eE][+-]?[0-9]{1,3})?)(?:,[^\n]*)?$", re.MULTILINE
)

log = structlog.get_logger()


def parse_scores(body: bytes) -> RiskTable:
    """Read the file; a row that is none costs itself, and of two about one CVE the higher counts.

    Raises `Malformed`: no date, no header, more than `MAX_LINES` lines, or mostly rows that are none.
    """
    first, _, rest = body.partition(b"\n")
    as_of = _date(first)
    header, _, rows = rest.partition(b"\n")
    if header.strip() != HEADER and not header.startswith(HEADER + b","):
        raise Malformed(NAME, f"line 2 is not the header {HEADER.decode()}")
    if rows.count(b"\n") > MAX_LINES:
        raise Malformed(NAME, f"more than {MAX_LINES} lines")
    rows = rows.replace(b"\r", b"").rstrip()
    found: dict[str, float] = {}
    good = 0
    # One expression over the whole file: splitting 300,000 rows in Python takes several times as long.
    for row in _ROW.finditer(rows):
        score = float(row[2])
        if score > 1:
            continue
        good += 1
        cve = row[1].decode()
        if score > found.get(cve, -1.0):
            found[cve] = score
    bad = rows.count(b"\n") + bool(rows) - good
    refuse_mostly_bad(NAME, good=good, bad=bad)
    if bad:
        log.warning("risk.entries-unreadable", source=NAME, unreadable=bad, of=good + bad)
    return RiskTable(NAME, as_of, epss=found)


def build(edge: Http, *, place: str | Path) -> RiskSource:
    """Build the source for the file at an http(s) address, or on this machine. Raises ValueError for an address that is none."""
    return build_list(edge, NAME, place, parse_scores, keeps=False)


def _date(line: bytes) -> datetime:
    """Read `#model_version:v2025.03.14,score_date:2026-11-23T12:55:00Z`; without a zone it is in UTC."""
    head = _HEAD.fullmatch(line.strip())
    try:
        read = datetime.fromisoformat(head[1].decode()) if head else None
        if read is not None:
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # told below
    raise Malformed(NAME, f"line 1 names no score_date: {one_line(line[:200].decode('ascii', 'replace'), 100)}")
