"""A host's report that was sent: checked, and put into the folder from which reports are read, in place of the host's last.

What hosts sent that are no more is deleted here, so that machines that live for an hour do not fill the folder.
"""

import errno
import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from connectors._host_report import MAX_BYTES, Report, read_report
from connectors._reading_files.opening import opened
from connectors._whole_file import write_whole
from monitor.domain.deployment import FORGOTTEN_AFTER
from monitor.ports.errors import SourceError

LONGEST_REPORT = MAX_BYTES
"""Of what is sent."""

EARLY = timedelta(minutes=5)
"""A clock may be ahead of ours by that much."""


MAX_HOSTS = 50_000
"""In one folder: whoever has the token of a fleet may make up hosts."""

OURS = re.compile(r"[0-9a-f]{32}\.jsonl")


class OlderReport(ValueError):
    """A report of an earlier time than the one that is kept."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was understood of a report."""

    host: str
    deployments: int
    problems: tuple[str, ...]
    complete: bool


def keep_report(folder: Path, fleet: str, data: bytes, now: datetime, *, most: int = MAX_HOSTS) -> Taken:
    """Check a report and keep it. Raises ValueError with the reason where it is refused, OSError where it cannot be written."""
    report = read_report(data, "report")
    about = report.about
    if about.reported_at > now + EARLY:
        raise ValueError(f"collected_at is {about.reported_at - now} in the future: set the host's clock")
    if about.reported_at < now - FORGOTTEN_AFTER:
        raise ValueError(f"collected_at is {(now - about.reported_at).days} days ago: set the host's clock")
    # A host's name has no capitals of its own.
    key = sha256(b"\0".join((fleet.encode(), about.host.casefold().encode()))).hexdigest()[:32]
    path = folder / f"{key}.jsonl"
    with _alone(folder, key[:2]):
        before = _kept(path)
        if before and before.about.reported_at > about.reported_at:
            raise OlderReport(f"a report of {before.about.reported_at:%Y-%m-%dT%H:%M:%SZ} is here already")
        if before is None:
            _make_room(folder, path, now, most=most)
        write_whole(path, data)
    return Taken(about.host, len(report.deployments), report.problems, report.complete)


@contextmanager
def _alone(folder: Path, part: str) -> Iterator[None]:
    """Wait for whoever keeps a report of the same host: an older one must not come after a newer one."""
    with (folder / f".{part}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_room(folder: Path, path: Path, now: datetime, *, most: int) -> None:
    """Delete what hosts sent that were not heard of for long. Raises OSError where too many are left."""
    gone = (now - FORGOTTEN_AFTER).timestamp()
    count = 0
    for each in folder.iterdir():
        if not OURS.fullmatch(each.name) or each == path:
            continue
        count += 1
        with suppress(FileNotFoundError):
            if each.stat().st_mtime < gone:
                each.unlink()
                count -= 1
    if count >= most:
        raise OSError(errno.ENOSPC, f"{most} other hosts have reports here, and no further one is taken")


def _kept(path: Path) -> Report | None:
    try:
        with opened(path, source="kept report") as file:
            return read_report(file.read(MAX_BYTES + 1), "kept report")
    except (SourceError, ValueError):
        return None
