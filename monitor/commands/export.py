"""`export allowlist`: what is approved and neither quarantined nor rejected, in the form of the client that enforces it."""

import asyncio
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from monitor import wiring
from monitor.commands.files import write_folder, write_whole
from monitor.commands.opening import open_settings, read_registry, recall, store_errors
from monitor.commands.output import note, show_json
from monitor.domain.audit import AuditEvent
from monitor.domain.enforcement import VERB
from monitor.domain.finding import Tracked
from monitor.domain.purl import Purl
from monitor.domain.review import Review, State
from monitor.domain.server import Registry
from monitor.ending import ExitCode, Stop
from monitor.exports.allowed import Export, Invalid, Origin
from monitor.exports.clients import WRITERS
from monitor.settings import Settings

ACTOR = "mcp-monitor"
REGISTRY_API = "registry-api"
EXPORTED_AT = re.compile(rb'exported_at"?\s*[:=]\s*"[^"]*"')


def export_allowlist(config: Path, client: str, output: Path | None, *, as_json: bool = False) -> int:
    """Write the client's file, or the folder of the registry's answers; name on stderr what it does not allow.

    A file that says the same already is left as it is. Nothing is written where nothing would be allowed: an empty list stops every
    server of everybody, which nobody asks for by an export.
    """
    if as_json and output is None:
        raise Stop("--json tells on stdout what was written: name the file with --output", ExitCode.USAGE)
    settings = open_settings(config, only_store=True)
    registry = read_registry(settings)
    findings, reviews, exports = recall(settings, lambda unit: (unit.findings(), unit.reviews(), unit.events(VERB)))
    denied = denied_versions(findings, reviews)
    origin = Origin(wiring.utc_now().replace(microsecond=0), registry.sha256)
    try:
        export = WRITERS[client](registry.entries, denied, origin)
    except Invalid as error:
        raise Stop(f"the file for {client} would not be valid, nothing is written: {error}", ExitCode.USAGE) from error
    for problem in registry.problems:
        note(f"{registry.path}, line {problem.line}: {problem.name}: {problem.message}")
    for each in export.left_out:
        note(f"not allowed: {each.server}: {each.reason}")
    if not export.allowed:
        raise Stop(f"{client} would allow no server at all; nothing is written", ExitCode.USAGE)
    last = next((each for each in reversed(exports) if each.subject == client), None)
    again = _of_last(export, origin, last)
    export = again or export
    anew = output is None or not _stands(client, export, output)
    if anew:
        _write(client, export, output)
    if anew and again is None:
        _keep(settings, _event(client, export, origin, denied=len(denied), output=output))
    if as_json:
        show_json(_json(client, export, registry, denied, output=output, written=anew))
    return ExitCode.FINDINGS if export.left_out or registry.problems else ExitCode.QUIET


def _json(
    client: str, export: Export, registry: Registry, denied: Iterable[Purl], *, output: Path | None, written: bool
) -> dict[str, object]:
    """Return what was written; `written` is false where the same was there already."""
    return {
        "client": client,
        "output": str(output),
        "written": written,
        "files": sorted(export.files),
        "registry": {"path": str(registry.path), "sha256": registry.sha256},
        "allowed": [
            {
                "server": each.entry.server.name,
                "version": None if each.remote else str(each.pin.purl),
                "remote": each.remote or None,
            }
            for each in export.allowed
        ],
        "denied": sorted(map(str, denied)),
        "left_out": [{"server": each.server, "reason": each.reason} for each in export.left_out],
        "problems": [{"line": each.line, "name": each.name, "message": each.message} for each in registry.problems],
    }


def denied_versions(findings: Iterable[Tracked], reviews: Iterable[Review]) -> set[Purl]:
    """Return the versions that must not run: those with an open finding of malware, and those that a reviewer rejected."""
    malware = {each.finding.about for each in findings if each.open and each.finding.rule == "malware"}
    rejected = {each.candidate.purl for each in reviews if each.state is State.REJECTED}
    return {purl for purl in (*malware, *rejected) if purl and purl.version}


def _of_last(export: Export, origin: Origin, last: AuditEvent | None) -> Export | None:
    """Return the files as the last export wrote them, where they say the same; None: they do not.

    To look at them on stdout, or to write them to another place, makes then no new bytes, and leaves no host behind.
    """
    if last is None:
        return None
    then = Origin(last.at, origin.registry).at.encode()
    files = {name: data.replace(origin.at.encode(), then) for name, data in export.files.items()}
    *_, told = files.values()
    return replace(export, files=files) if sha256(told).hexdigest() == last.detail.get("sha256") else None


def _stands(client: str, export: Export, output: Path) -> bool:
    """Say whether the same is there already, of whatever time: it stays as it is, so that hosts which have it are not behind."""
    places = {output / name if client == REGISTRY_API else output: data for name, data in export.files.items()}
    try:
        return all(
            place.is_file() and _timeless(place.read_bytes()) == _timeless(data) for place, data in places.items()
        )
    except OSError:
        return False


def _timeless(data: bytes) -> bytes:
    return EXPORTED_AT.sub(b"", data)


def _write(client: str, export: Export, output: Path | None) -> None:
    if client == REGISTRY_API:
        if output is None:
            raise Stop("registry-api writes a folder: name one with --output", ExitCode.USAGE)
        write_folder(output, export.files, within="v0.1/servers")
        return
    (data,) = export.files.values()
    if output is None:
        sys.stdout.write(data.decode())
    elif output.is_dir():
        raise Stop(f"{output} is a folder: name the file", ExitCode.USAGE)
    else:
        write_whole(output, data)


def _event(client: str, export: Export, origin: Origin, *, denied: int, output: Path | None) -> AuditEvent:
    """Return what the audit log keeps of an export: by its digest a host's file is known again."""
    *_, last = export.files.values()
    detail = {
        "sha256": sha256(last).hexdigest(),
        "registry": origin.registry,
        "allowed": str(len(export.allowed)),
        "denied": str(denied),
        "left_out": str(len(export.left_out)),
        "output": str(output or "-"),
    }
    return AuditEvent(origin.exported_at, ACTOR, VERB, client, detail)


def _keep(settings: Settings, event: AuditEvent) -> None:
    store = wiring.open_store(settings)
    with store_errors():
        asyncio.run(store.run(lambda unit: unit.commit(event)))
