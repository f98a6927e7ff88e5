"""CISA's catalogue of known exploited vulnerabilities: one JSON document (https://www.cisa.gov/known-exploited-vulnerabilities-catalog).

It knows: which CVEs attackers have used, since when they are listed, and whether a ransomware campaign is known to use them.
It does not know: flaws without a CVE id, and exploitation that nobody reported. Not to be listed is no sign of safety.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import structlog

from connectors._edge.http import Http
from connectors._risk_list import build_list, refuse_mostly_bad
from monitor.domain.risk import Exploited, RiskTable
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed
from monitor.ports.sources import RiskSource

NAME = "kev"
MAX_ENTRIES = 200_000
"""The catalogue has 1,600."""

log = structlog.get_logger()


class _Entry(msgspec.Struct, rename="camel"):
    cve_id: Annotated[str, msgspec.Meta(pattern=r"^CVE-[0-9]{4}-[0-9]{4,19}\Z")] = msgspec.field(name="cveID")
    date_added: date
    known_ransomware_campaign_use: str = ""


class _Catalogue(msgspec.Struct, rename="camel"):
    date_released: Annotated[datetime, msgspec.Meta(tz=True)]
    vulnerabilities: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MAX_ENTRIES)]


# Made at import: msgspec looks a type up on its first use, and crashes the process where two threads do that at once.
_CATALOGUE = msgspec.json.Decoder(_Catalogue)
_ENTRY = msgspec.json.Decoder(_Entry)


def parse_catalogue(body: bytes) -> RiskTable:
    """Read the catalogue; an entry that is none costs itself. Raises `Malformed`, also where that is most of them."""
    try:
        read = _CATALOGUE.decode(body)
        as_of = read.date_released.astimezone(UTC)
    except (ValueError, OverflowError, RecursionError) as error:
        raise Malformed(NAME, f"the catalogue is none: {one_line(str(error), 200)}") from error
    found: dict[str, Exploited] = {}
    bad = 0
    for raw in read.vulnerabilities:
        try:
            entry = _ENTRY.decode(raw)
        except (ValueError, RecursionError):
            bad += 1
            continue
        new = Exploited(entry.date_added, entry.known_ransomware_campaign_use.strip().lower() == "known")
        found[entry.cve_id] = _worse(found.get(entry.cve_id, new), new)
    refuse_mostly_bad(NAME, good=len(read.vulnerabilities) - bad, bad=bad)
    if bad:
        log.warning("risk.entries-unreadable", source=NAME, unreadable=bad, of=len(read.vulnerabilities))
    return RiskTable(NAME, as_of, exploited=found)


def build(edge: Http, *, place: str | Path) -> RiskSource:
    """Build the source for the catalogue at an http(s) address, or in a file. Raises ValueError for an address that is none."""
    return build_list(edge, NAME, place, parse_catalogue, keeps=True)


def _worse(one: Exploited, other: Exploited) -> Exploited:
    return min(one, other, key=lambda entry: (not entry.ransomware, entry.added_on))
