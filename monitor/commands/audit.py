"""`audit verify`, `audit export`, `audit checkpoint`: the hash-chained log of everything that was done."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from monitor import wiring
from monitor.commands.opening import open_settings, recall
from monitor.commands.output import say
from monitor.domain.audit import Broken, Checkpoint, Sealed
from monitor.domain.audit import verify as walk
from monitor.domain.checkpoint import linked
from monitor.ending import ExitCode, Stop
from monitor.ports.errors import Denied, NotFound, SourceError

LARGEST_CHECKPOINT = 4096


def verify(config: Path, checkpoint: Path | None, checkpoints: Path | None = None, key: Path | None = None) -> int:
    """Walk the chain, and against checkpoints its truncation and its rewriting as a whole."""
    expected = [read_checkpoint(checkpoint)] if checkpoint else []
    if (checkpoints is None) != (key is None):
        raise Stop("expected --checkpoints and --public-key together", ExitCode.USAGE)
    if checkpoints and key:
        expected += proven(checkpoints, key)
    match walk(_chain(config), expected):
        case Broken(seq, detail):
            raise Stop(f"the audit log is broken at event {seq}: {detail}", ExitCode.FINDINGS)
        case length:
            if expected:
                newest = max(each.at for each in expected)
                which = f"the checkpoint of {_day(newest)}"
                which = which if len(expected) == 1 else f"{len(expected)} checkpoints, the newest of {_day(newest)}"
                say(f"The audit log is whole: {length} events, and agrees with {which}.")
            else:
                say(
                    f"The audit log is whole: {length} events. That none was cut off at its end, only a checkpoint can tell."
                )
            return ExitCode.QUIET


def proven(folder: Path, key: Path) -> list[Checkpoint]:
    """Return what the folder's signed checkpoints prove. Raises `Stop`."""
    require_public(key)
    try:
        found = linked(wiring.signed_checkpoints(folder, key))
    except (Denied, NotFound) as error:
        raise Stop(error.detail, ExitCode.USAGE) from error
    except SourceError as error:
        raise Stop(error.detail, ExitCode.FINDINGS) from error
    if isinstance(found, Broken):
        raise Stop(found.detail, ExitCode.FINDINGS)
    if not found:
        raise Stop(f"{folder}: no checkpoints: nothing is proven", ExitCode.USAGE)
    return list(found)


def require_public(key: Path) -> None:
    """Refuse what is no public key: that says nothing about what it should prove. Raises `Stop`."""
    try:
        wiring.require_public_key(key)
    except SourceError as error:
        raise Stop(f"--public-key: {error.detail}", ExitCode.USAGE) from error


def keygen(out: Path) -> int:
    """Make a signing key and its public half beside it."""
    try:
        name = wiring.make_key(out)
    except FileExistsError as error:
        raise Stop(f"{out}: there already; a key is never written over", ExitCode.USAGE) from error
    except OSError as error:
        raise Stop(f"{out}: {error.strerror}", ExitCode.USAGE) from error
    say(f"Key {name}: {out} signs, and only this user may read it; {out}.pub verifies: give it to the auditor.")
    return ExitCode.QUIET


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def export(config: Path, output: Path | None) -> int:
    """Write every event as a JSON line: `seq`, `hash`, `event`, and `line`, the exact text that the hash covers."""
    _write(output, map(_as_line, _chain(config)))
    return ExitCode.QUIET


def checkpoint(config: Path, output: Path | None) -> int:
    """Write the head of the chain as a JSON line: `seq`, `hash`, `at`."""
    now = wiring.utc_now()
    head = recall(open_settings(config, only_store=True), lambda unit: unit.head(now))
    _write(output, [json.dumps({"seq": head.seq, "hash": head.hash, "at": head.at.isoformat()})])
    return ExitCode.QUIET


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    seq: int = msgspec.field()
    hash: str = msgspec.field()
    at: datetime = msgspec.field()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read what `checkpoint` wrote. Raises `Stop`."""
    try:
        with path.open("rb") as file:
            read = msgspec.json.decode(file.read(LARGEST_CHECKPOINT), type=_Written)
    except OSError as error:
        raise Stop(f"{path}: {error.strerror}", ExitCode.USAGE) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Stop(f"{path}: expected a checkpoint as `audit checkpoint` writes it: {error}", ExitCode.USAGE) from error
    return Checkpoint(read.seq, read.hash, read.at.astimezone(UTC))


def _chain(config: Path) -> Iterable[Sealed]:
    return recall(open_settings(config, only_store=True), lambda unit: unit.chain())


def _as_line(sealed: Sealed) -> str:
    try:
        event: object = json.loads(sealed.line)
    except ValueError:  # somebody changed the stored line: it is exported as it is, for `line` is what the hash covers
        event = None
    fields = {"seq": sealed.seq, "hash": sealed.hash, "event": event, "line": sealed.line}
    return json.dumps(fields, ensure_ascii=True)


def _write(output: Path | None, lines: Iterable[str]) -> None:
    if output is None:
        for line in lines:
            say(line)
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise Stop(f"{output}: {error.strerror}", ExitCode.USAGE) from error
