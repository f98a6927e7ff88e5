"""A file of JSON lines, one event each, for the forwarder that the organisation has anyway.

It knows nothing of what became of a line once it is in the file. Whoever rotates the file moves it away: the next event begins a new one.
"""

import asyncio
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from monitor.domain.action import Deferred, Delivered, Delivery, SendEvent
from monitor.ports.channels import EventSink
from monitor.ports.errors import Denied

AGAIN = 60.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Appends."""

    name: str
    path: Path

    async def send(self, event: SendEvent) -> Delivery:
        """Append the event, and see it on the disk. A line that an interrupted write left behind is ended first."""
        try:
            await asyncio.to_thread(_append, self.path, event.event.encode() + b"\n")
        except OSError as error:
            return Deferred(f"{self.path}: {error.strerror}", AGAIN)
        return Delivered("")

    async def probe(self) -> str:
        """Open the file for writing."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640))
        except OSError as error:
            raise Denied(self.name, f"{self.path}: {error.strerror}") from error
        return f"siem: events are appended to {self.path}"


def build(*, name: str, path: Path) -> EventSink:
    """Build from the configuration."""
    return JsonLines(name, path)


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        while line:
            line = line[os.write(descriptor, line) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
