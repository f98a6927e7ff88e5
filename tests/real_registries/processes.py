"""Servers that are programs of their own, each in a process group of its own, which ends with the test."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

PATIENCE_SECONDS = 60
GRACE_SECONDS = 10


def free_port() -> int:
    """Return a port of loopback on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> Mapping[str, str]:
    """Return the environment of the servers and of their clients: nothing in it names a registry or a proxy."""
    foreign = ("npm_config_", "pip_", "verdaccio_", "devpi")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().startswith(foreign) and not name.lower().endswith("_proxy")
    }
    return kept | more


@contextmanager
def running(command: Sequence[str], *, folder: Path, ready: str) -> Iterator[Callable[[], None]]:
    """Run a server until the block ends, which begins when `ready` (a URL) is answered and holds the way to end it earlier.

    It writes to `folder`/log.txt.
    """
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - verdaccio and devpi-server, as the tests installed them
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(process, ready, log)
        yield partial(_end, process)
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _answers(ready):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{ready} does not answer: {log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.05)  # a foreign program tells nobody when it is ready


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started: its group bears its number until it is waited for."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
