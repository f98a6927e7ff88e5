"""`evidence` and `evidence verify`: all that is kept of a version as one file, and that file decided again anywhere."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from monitor import evidence_file, wiring
from monitor.commands.audit import proven, read_checkpoint, require_public
from monitor.commands.files import write_whole
from monitor.commands.opening import open_settings, recall
from monitor.commands.output import say, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.bundle import Bundle
from monitor.domain.proof import Check, Result
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop
from monitor.jobs.gather_evidence import gather
from monitor.jobs.verify_evidence import Examined, examine
from monitor.ports.errors import SourceError
from monitor.ports.store import UnitOfWork

HEADER = (Column("check"), Column("result"), Column("detail"))
LONGEST = 600
LARGEST_ROOT = 2**24
DIGEST = re.compile(r"[0-9a-fA-F]{64}")


def export(config: Path, server: str, version: str, output: Path) -> int:
    """Write everything that is kept of a version. Raises `Stop` for a server, or a version, of which nothing is."""
    settings = open_settings(config, reports=True, only_store=True)
    configured = wiring.policy(settings.config).waivers
    try:
        signed = wiring.newest_checkpoint(settings.config)
    except SourceError as error:
        raise Stop(error.detail, ExitCode.USAGE) from error

    def work(unit: UnitOfWork) -> Bundle:
        purl = _purl(unit, server, version)
        return gather(unit, server, purl, configured=configured, signed=signed)

    bundle = recall(settings, work)
    if not (bundle.claims or bundle.release or bundle.reviews):
        raise Stop(f"nothing is kept about {one_line(str(bundle.purl), 300)}", ExitCode.UNCHECKED)
    data = evidence_file.write(bundle)
    write_whole(output, data)
    log = bundle.log
    place = f"events {log.links[0].link.seq} to {log.links[-1].link.seq} of the audit log" if log.links else "no event"
    say(f"{output}: {len(bundle.claims)} claims, {len(bundle.bodies)} documents and roots, {place}, {len(data)} bytes.")
    say(f"To decide it again anywhere: mcp-monitor evidence verify {output}")
    return ExitCode.QUIET


def _purl(unit: UnitOfWork, server: str, version: str) -> Purl:
    """A server that is listed no more had its package when it was listed last."""
    listed = {each.entry.server.name: each.entry.server for each in unit.entry_history()}
    listed |= {each.server.name: each.server for each in unit.submissions() if each.server.name not in listed}
    if server not in listed:
        near = get_close_matches(server, listed, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Stop(f"no server named {one_line(server, 200)} was ever looked at{hint}", ExitCode.USAGE)
    package = listed[server].package
    try:
        return package.at(version) if package else wiring.remote_purl(server).at(version)
    except ValueError as error:
        raise Stop(one_line(str(error), 200), ExitCode.USAGE) from error


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the reader trusts beside the program: of the log's head, and of roots. None: the reader has none of that kind."""

    checkpoint: Path | None = None
    checkpoints: Path | None = None
    key: Path | None = None
    roots: Sequence[str] = ()
    """The sha256 of a trust root, or its file."""


def verify(file: Path, anchors: Anchors, *, as_json: bool) -> int:
    """Decide a bundle again with nothing but itself, and the checkpoints that the reader keeps."""
    expected = [read_checkpoint(anchors.checkpoint)] if anchors.checkpoint else []
    if anchors.checkpoints and not anchors.key:
        raise Stop("expected --public-key beside --checkpoints", ExitCode.USAGE)
    if anchors.checkpoints and anchors.key:
        expected += proven(anchors.checkpoints, anchors.key)
    if anchors.key:
        require_public(anchors.key)
    roots = frozenset(map(_root, anchors.roots))
    bundle = _read(file)
    signed: tuple[Check, ...] = ()
    if bundle.log.signed and anchors.key:
        try:
            expected.append(wiring.proven_checkpoint(bundle.log.signed, anchors.key))
        except SourceError as error:
            signed = (Check("enclosed checkpoint", Result.FAILS, error.detail),)
    try:
        found = examine(bundle, wiring.own_verifier(), expected, roots)
    except (ValueError, OverflowError) as error:  # names and times of the right shape, that are none
        raise Stop(f"{file}: what it holds is none: {one_line(str(error), 200)}", ExitCode.FINDINGS) from error
    checks = (*signed, *found.checks)
    code = _code(checks)
    if as_json:
        show_json(_json(bundle, checks, found, code))
    else:
        _show(bundle, checks, code)
    return code


def _root(given: str) -> str:
    """Return the sha256 of a root that the reader trusts."""
    if DIGEST.fullmatch(given):
        return given.lower()
    try:
        with Path(given).open("rb") as file:
            data = file.read(LARGEST_ROOT + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no name of a file"
        raise Stop(
            f"--root: {one_line(given, 200)}: neither 64 hex digits nor a file: {why}", ExitCode.USAGE
        ) from error
    if len(data) > LARGEST_ROOT:
        raise Stop(f"--root: {one_line(given, 200)}: over {LARGEST_ROOT} bytes", ExitCode.USAGE)
    return sha256(data).hexdigest()


def _read(file: Path) -> Bundle:
    try:
        with wiring.open_log(file) as opened:
            return evidence_file.read(opened)
    except SourceError as error:
        raise Stop(error.detail, ExitCode.USAGE) from error
    except evidence_file.EvidenceError as error:
        raise Stop(f"{file}: {error}", ExitCode.FINDINGS) from error


def _code(checks: Sequence[Check]) -> ExitCode:
    """What fails decides, whatever else could not be told."""
    results = {check.result for check in checks}
    if Result.FAILS in results:
        return ExitCode.FINDINGS
    return ExitCode.UNCHECKED if Result.UNTOLD in results else ExitCode.QUIET


def _show(bundle: Bundle, checks: Sequence[Check], code: ExitCode) -> None:
    say(one_line(f"{bundle.server}: {bundle.purl}", LONGEST))
    rows = [(each.what, each.result.value, one_line(each.detail, LONGEST)) for each in checks]
    show_table(HEADER, rows, empty="")
    counts = {result: sum(each.result is result for each in checks) for result in Result}
    said = ", ".join(f"{count} {result.value}" for result, count in counts.items() if count)
    say(f"\n{len(checks)} checks, with nothing but the file: {said}. Exit code {int(code)}.")
    if counts[Result.TOLD]:
        say("told: no file can prove that of itself; it is for you to compare with what you know from elsewhere.")


def _json(bundle: Bundle, checks: Sequence[Check], found: Examined, code: ExitCode) -> dict[str, object]:
    return {
        "server": bundle.server,
        "purl": str(bundle.purl),
        "exit_code": int(code),
        "checks": [{"what": each.what, "result": each.result.value, "detail": each.detail} for each in checks],
        "claims": len(found.repeated),
        "reviews": [
            {"pin": each.candidate.fingerprint, "state": each.state.value, "ticket": each.ticket or None}
            for each in bundle.reviews
        ],
    }
