"""Gather all that is kept of one version of one server."""

from collections import deque
from collections.abc import Iterator

from monitor.domain.audit import GENESIS, Sealed, read
from monitor.domain.bundle import Bundle, Chained, Log
from monitor.domain.checkpoint import Signed
from monitor.domain.purl import Purl
from monitor.domain.unknown import Unknown
from monitor.domain.waiver import Waiver
from monitor.jobs.verify_again import recall_version
from monitor.ports.store import UnitOfWork

PAGE = 10_000
"""Links that are read at once."""
LONGEST_STRETCH = 300_000
"""Links that are enclosed."""
LARGEST_STRETCH = 200 * 2**20
"""Characters of their lines."""


def gather(
    unit: UnitOfWork, server: str, purl: Purl, *, configured: tuple[Waiver, ...], signed: Signed | None
) -> Bundle:
    """Read everything about the version; `configured` are the configuration's waivers, `signed` the newest checkpoint."""
    kept = recall_version(unit, purl)
    bodies = {digest: body for digest, body in sorted(kept.bodies.items()) if not isinstance(body, Unknown)}
    missing = {digest: body.detail for digest, body in sorted(kept.bodies.items()) if isinstance(body, Unknown)}
    state = unit.packages(purl.type, [purl.package])[purl.package]
    named = tuple(sorted(unit.matches([purl]).get(purl, ()), key=lambda each: each.key))
    records = unit.advisories([each.key for each in named])
    findings = tuple(each for each in unit.findings([server]) if each.finding.about in (None, purl))
    answered = (*configured, *unit.waivers())
    return Bundle(
        server=server,
        purl=purl,
        claims=kept.claims,
        grounds=kept.grounds,
        bodies=bodies,
        missing=missing,
        sightings=tuple(unit.sightings(list(kept.bodies))),
        release=kept.release,
        first_seen=state.known.get(purl.version or ""),
        reviews=tuple(each for each in unit.reviews([server]) if each.candidate.purl == purl),
        entries=tuple(each for each in unit.entry_history() if each.entry.server.name == server),
        named=named,
        advisories=tuple(record for _, record in sorted(records.items())),
        dependencies=unit.dependencies([purl]).get(purl),
        findings=findings,
        waivers=tuple(each for each in answered if any(each.names(one.finding) for one in findings)),
        submission=next((each for each in unit.submissions() if each.server.name == server), None),
        log=_log(unit, server, purl, signed),
    )


def _log(unit: UnitOfWork, server: str, purl: Purl, signed: Signed | None) -> Log:
    links: list[Chained] = []
    stretch: deque[Sealed] = deque()
    size, whole, before, last = 0, True, GENESIS, None
    for link in links_of(unit):
        if _about(link, server, purl):
            links.append(Chained(before, link))
        if links and whole:
            stretch.append(link)
            size += len(link.line)
            whole = len(stretch) <= LONGEST_STRETCH and size <= LARGEST_STRETCH
        before, last = link.hash, link
    return Log(tuple(links), tuple(stretch) if whole else (), last, signed)


def links_of(unit: UnitOfWork) -> Iterator[Sealed]:
    """Yield the audit log's links, a page at a time."""
    after = 0
    while page := unit.chain(after, PAGE):
        yield from page
        after = page[-1].seq


def _about(link: Sealed, server: str, purl: Purl) -> bool:
    """Whether an event is about the version: of it, of its package, or of its server and no other version."""
    package = str(purl.package)
    if server not in link.line and package not in link.line:
        return False
    event = read(link.line)
    if event is None:
        return False
    version = event.detail.get("version") or event.detail.get("purl")
    if event.subject == server:
        return version in (None, str(purl), purl.version)
    return event.subject in (package, str(purl))
