"""What each version of a server brings along: from the file that its entry names, else from what its registry says."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.app import App
from monitor.domain.dependency import Dependencies
from monitor.domain.purl import Purl
from monitor.domain.release import Release
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.jobs.bulkhead import concurrently, guarded
from monitor.ports.errors import NotFound, SourceError
from monitor.ports.sources import Fresh

AT_ONCE = 64
PLACEHOLDER = "{version}"
PLAIN_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]{0,127}")
"""Versions that may stand in the name of a file. Upstream writes them: `..` and `/` would lead out of the folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of the dependencies, by version, and why nothing is."""

    by_version: Mapping[Purl, Dependencies | Unknown]
    new: tuple[Dependencies, ...]
    """Those that are not kept yet."""


async def find_dependencies(
    app: App, asked: Mapping[str, frozenset[Purl]], snapshots: Iterable[Snapshot], *, registries: bool
) -> Found:
    """Find what the asked versions (by server) bring along. `registries`: ask the package's registry about those that were never asked."""
    wanted = {purl for versions in asked.values() for purl in versions}
    kept = await app.store.run(lambda unit: unit.dependencies(wanted))
    questions = {
        purl: (snapshot, purl, kept.get(purl)) for snapshot in snapshots for purl in asked[snapshot.server.name]
    }
    answers = await concurrently(
        questions,
        lambda purl: guarded(str(purl), _of(app, *questions[purl], registries=registries)),
        limit=AT_ONCE,
    )
    new = [each for purl, each in answers.items() if isinstance(each, Dependencies) and each != kept.get(purl)]
    return Found({purl: _said(answer) for purl, answer in answers.items()}, tuple(new))


def _said(answer: Dependencies | Unknown) -> Dependencies | Unknown:
    """Nothing said is nothing known; it is kept all the same, so that nobody is asked again and again."""
    if isinstance(answer, Unknown) or answer.said:
        return answer
    return Unknown(Reason.NOT_COVERED, answer.source, f"says nothing of what {answer.of} brings along")


def brought_along(found: Found) -> Iterator[Purl]:
    """Yield every dependency at its version."""
    for each in found.by_version.values():
        if not isinstance(each, Unknown):
            yield from (dependency.purl for dependency in each.found)


async def _of(
    app: App, snapshot: Snapshot, purl: Purl, kept: Dependencies | None, *, registries: bool
) -> Dependencies | Unknown:
    """The file's word, else what is kept: what a file once resolved is known of that version for ever; else the registry's word."""
    place = _place(snapshot, purl)
    answer = await asyncio.to_thread(_read, app, place, purl, kept) if place else None
    if answer is not None:
        return answer
    # A file for each version has to be there for the approved one; for what is new it may come later.
    if place and snapshot.approval and snapshot.approval.pin.purl == purl:
        return NotFound("dependencies", f"{snapshot.server.dependencies} names {place}, which is not there").unknown()
    if kept is not None:
        return kept
    release = _release(snapshot, purl)
    if release is None or purl.type not in app.releases:
        return Unknown(Reason.NOT_COVERED, "dependencies", f"nobody says what {purl} brings along")
    if not registries:
        return NOT_ASKED
    return await _declared(app, release)


def _place(snapshot: Snapshot, purl: Purl) -> Path | None:
    """The file about that version; None: the entry names none, or no name can be made of the version."""
    pattern = snapshot.server.dependencies
    if not pattern:
        return None
    if PLACEHOLDER not in pattern:
        return Path(pattern) if snapshot.approval and snapshot.approval.pin.purl == purl else None
    version = purl.version or ""
    return Path(pattern.replace(PLACEHOLDER, version)) if PLAIN_VERSION.fullmatch(version) else None


def _read(app: App, place: Path, purl: Purl, kept: Dependencies | None) -> Dependencies | Unknown | None:
    """The file's answer, or the kept one where the file is as it was; None: there is no such file."""
    try:
        answer = app.dependencies.read(place, purl, known=kept.stamp if kept else "")
    except NotFound:
        return None
    except SourceError as error:
        return error.unknown()
    return answer if isinstance(answer, Dependencies) else kept


def _release(snapshot: Snapshot, purl: Purl) -> Release | None:
    """The release as it is listed, or as it was first seen."""
    if isinstance(snapshot.package, Unknown):
        return None
    listed = snapshot.package.listing.release(purl.version or "")
    known = snapshot.package.known.get(purl.version or "")
    return listed or (known.release if known else None)


async def _declared(app: App, release: Release) -> Dependencies:
    """What the registry says."""
    try:
        answer: Fresh[Dependencies] = await app.releases[release.purl.type].dependencies(release)
    except NotFound as error:
        return Dependencies(release.purl, error.source, whole=False, found=(), said=False)
    return answer.value
