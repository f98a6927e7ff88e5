"""Real second processes, for what only those can show."""

import subprocess
import sys
from pathlib import Path


def worker(verb: str, url: str, name: str) -> subprocess.Popen[str]:
    """Start `tests.store.worker`, and return it when it is ready for its first line."""
    process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
        [sys.executable, "-m", "tests.store.worker", verb, url, name],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert heard(process) == "ready"
    return process


def heard(process: subprocess.Popen[str]) -> str:
    """Return the process's next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def start(*processes: subprocess.Popen[str]) -> None:
    """Let them go."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def said(process: subprocess.Popen[str]) -> list[str]:
    """Wait for the end of a process that went well; return its lines."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.split()


def kill(process: subprocess.Popen[str]) -> None:
    """End it with SIGKILL, in the middle of whatever it does."""
    process.kill()
    process.communicate(timeout=60)
