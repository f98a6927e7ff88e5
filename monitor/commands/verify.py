"""`verify`: is a version, or a file, what its publisher built? Asked now, asked of a file, or decided again from what is kept."""

import asyncio
import sys
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from monitor import wiring
from monitor.app import App
from monitor.commands.opening import build_app, open_settings, open_verifier, recall
from monitor.commands.output import note, show_json
from monitor.commands.verdicts import (
    inspection_code,
    inspection_json,
    repetition_code,
    repetition_json,
    show_inspection,
    show_repetition,
)
from monitor.domain.inspection import Inspection, demands
from monitor.domain.purl import Purl
from monitor.domain.server import Entry
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop
from monitor.jobs.verify_again import decide_again, recall_version
from monitor.jobs.verify_now import Remembered, entry_of, remember, verify_now
from monitor.ports.errors import NotFound, SourceError
from monitor.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line. `what` is a package URL, a file, or with `recorded` a server; empty text demands nothing."""

    what: str
    version: str
    recorded: bool
    bundle: Path | None  # None: no file is asked about
    purl: str
    repository: str
    workflow: str
    as_json: bool


def verify(config: Path, asked: Asked) -> int:
    """Answer in one of the three forms. Raises `Stop` for what is none of them."""
    if asked.recorded and (asked.bundle or asked.purl or asked.repository or asked.workflow):
        raise Stop("--recorded decides what is kept, and takes a server and a version only", ExitCode.USAGE)
    if asked.recorded and not asked.version:
        raise Stop("which version? mcp-monitor verify --recorded SERVER VERSION", ExitCode.USAGE)
    if asked.version and not asked.recorded:
        raise Stop("a version of its own goes with --recorded only; else: pkg:npm/name@1.2.3", ExitCode.USAGE)
    if asked.recorded:
        return verify_recorded(config, asked.what, asked.version, as_json=asked.as_json)
    if asked.bundle:
        return verify_file(config, asked, asked.bundle)
    if asked.purl:
        raise Stop("--purl says what a file is, and goes with --bundle only", ExitCode.USAGE)
    if not asked.what.startswith("pkg:"):
        hint = f"{one_line(asked.what, 200)} is no package URL; for a file: mcp-monitor verify FILE --bundle BUNDLE"
        raise Stop(hint, ExitCode.USAGE)
    return verify_version(config, asked)


def verify_recorded(config: Path, server: str, version: str, *, as_json: bool) -> int:
    """Decide again, from the store alone, and show what was recorded beside it."""
    settings = open_settings(config, reports=True, only_store=True)
    entries = recall(settings, lambda unit: unit.entries())
    if server not in entries:
        near = get_close_matches(server, entries, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Stop(f"no server named {one_line(server, 200)} was ever looked at{hint}", ExitCode.USAGE)
    package = entries[server].server.package
    if package is None:
        raise Stop(f"{server} is a remote server: it publishes no files", ExitCode.USAGE)
    purl = package.at(version)
    kept = recall(settings, lambda unit: recall_version(unit, purl))
    if not kept.claims or kept.grounds is None:
        raise Stop(f"nothing was recorded about {one_line(str(purl), 300)}", ExitCode.UNCHECKED)
    verifier = open_verifier(settings)
    try:
        repeated = decide_again(kept, verifier)
    except SourceError as error:
        raise Stop(one_line(str(error), 500), ExitCode.UNCHECKED) from error
    if as_json:
        show_json(repetition_json(str(purl), kept.grounds, repeated))
    else:
        show_repetition(str(purl), kept.grounds, repeated)
    return repetition_code(repeated)


def verify_version(config: Path, asked: Asked) -> int:
    """Ask the configured sources about one version now. Nothing is kept."""
    purl = _version(asked.what)
    settings = open_settings(config, reports=True)
    app = build_app(settings, out=sys.stderr)
    if purl.type not in app.releases:
        known = ", ".join(sorted(app.releases)) or "none"
        raise Stop(f"no source is configured for {one_line(purl.type, 40)} packages, but: {known}", ExitCode.USAGE)
    entry = entry_of(_entries(app), purl.package)
    remembered, why = _remembered(settings, purl.package)
    try:
        found = asyncio.run(_ask(app, purl, entry, remembered))
    except SourceError as error:
        raise Stop(one_line(str(error), 500), ExitCode.UNCHECKED) from error
    demanded = demands(found.claims, repository=asked.repository, workflow=asked.workflow)
    compared = (*found.compared, *([why] if why and entry else []))
    whole = replace(found, objections=(*found.objections, *demanded), compared=compared)
    return _tell(whole, as_json=asked.as_json)


def verify_file(config: Path, asked: Asked, bundle: Path) -> int:
    """Decide what the document beside a local file says of it."""
    verifier = open_verifier(open_settings(config, reports=True, only_store=True))
    try:
        subject, attestation = wiring.local_file_question(
            Path(asked.what), bundle, purl=_version(asked.purl) if asked.purl else None
        )
        claims = verifier.verify(subject, [attestation])
    except NotFound as error:
        raise Stop(one_line(error.detail, 500), ExitCode.USAGE) from error
    except SourceError as error:
        raise Stop(one_line(error.detail, 500), ExitCode.UNCHECKED) from error
    objections = demands(claims, repository=asked.repository, workflow=asked.workflow)
    found = Inspection(subject.filename, claims, objections, _taken_for(subject.purl, asked))
    return _tell(found, as_json=asked.as_json)


def _taken_for(purl: Purl, asked: Asked) -> tuple[str, ...]:
    said = [] if asked.purl or purl.type == "generic" else [f"Taken for {purl}; --purl demands another version."]
    if not asked.repository and not asked.workflow:
        said.append("Who may build it is for you to say: --repository and --workflow demand a publisher.")
    return tuple(said)


def _tell(found: Inspection, *, as_json: bool) -> int:
    if as_json:
        show_json(inspection_json(found))
    else:
        show_inspection(found)
    return inspection_code(found)


def _version(text: str) -> Purl:
    try:
        purl = Purl.parse(text)
    except ValueError as error:
        raise Stop(
            f"{one_line(text, 200)} is no package URL such as pkg:npm/%40scope/name@1.2.3 ({one_line(str(error), 200)})",
            ExitCode.USAGE,
        ) from error
    if not purl.version:
        raise Stop(f"{one_line(text, 200)} names no version: pkg:npm/name@1.2.3", ExitCode.USAGE)
    return purl


def _entries(app: App) -> tuple[Entry, ...]:
    """Return the registry's entries; without a registry nothing is approved, which is told where the result is."""
    try:
        registry = app.registry.read()
    except SourceError as error:
        note(f"{error}; nothing can be compared with an approval")
        return ()
    for problem in registry.problems:
        note(f"{registry.path}:{problem.line}: {problem.name}: {problem.message}")
    return registry.entries


def _remembered(settings: Settings, package: Purl) -> tuple[Remembered, str]:
    """Return what is kept of the package, and else why nothing is."""
    store = wiring.open_store(settings.reading())
    try:
        found, needed = store.schema()
        if found == needed:
            return asyncio.run(store.run(lambda unit: remember(unit, package))), ""
    except wiring.StoreError as error:
        return Remembered(), f"Nothing that was kept could be read: {error}."
    return Remembered(), "Nothing is kept yet: the version that it is measured by was asked about now."


async def _ask(app: App, purl: Purl, entry: Entry | None, remembered: Remembered) -> Inspection:
    async with app.edge.session():
        return await verify_now(app, purl, entry, remembered)
