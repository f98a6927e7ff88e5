"""What these tests need from npm's and PyPI's world, fetched by name with the npm and pip of this machine, once.

It stays in the user's cache folder (`$XDG_CACHE_HOME/mcp-monitor`, else `~/.cache/mcp-monitor`): a second run needs no network.
What cannot be had skips the test that asked, and says why.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
PATIENCE_SECONDS = 300
OLDEST_NODE = 18
"""What `package.json`'s verdaccio needs."""


def verdaccio() -> Path:
    """Return the script that starts verdaccio; `package.json` names its version, and stands in for a tag that mirrors leave out."""
    _node()
    wanted = HERE / "package.json"

    def install(folder: Path) -> None:
        shutil.copy(wanted, folder)
        _run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", within=folder)

    return _once(f"verdaccio-{_mark(wanted.read_text('utf-8'))}", install) / "node_modules/verdaccio/bin/verdaccio"


def devpi() -> Path:
    """Return the interpreter of an environment in which devpi-server is installed, apart from the project's own."""
    wanted = HERE / "requirements.txt"

    def install(folder: Path) -> None:
        _run(sys.executable, "-m", "venv", "venv", within=folder)
        _run("venv/bin/python", "-m", "pip", "install", "--quiet", "--requirement", str(wanted), within=folder)

    # An environment is of no use without the very Python that it was made with.
    mark = _mark(wanted.read_text("utf-8"), platform.python_version(), sys.base_prefix)
    return _once(f"devpi-{mark}", install) / "venv/bin/python"


def tarball(package: str, version: str) -> Path:
    """Return an npm package as its registry serves it."""
    _node()

    def pack(folder: Path) -> None:
        _run("npm", "pack", "--ignore-scripts", f"{package}@{version}", within=folder)

    return _only(_once(f"npm/{package.replace('/', '__')}-{version}", pack), "*.tgz")


def wheel(package: str, version: str) -> Path:
    """Return a wheel as its index serves it; never a source archive, which pip would run code of to look inside."""

    def download(folder: Path) -> None:
        options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--dest", ".")
        _run(sys.executable, "-m", "pip", "download", *options, f"{package}=={version}", within=folder)

    return _only(_once(f"pypi/{package}-{version}", download), "*.whl")


def _once(place: str, fetch: Callable[[Path], None]) -> Path:
    """Let `fetch` fill an empty folder, unless that was done before; another process that wants the same waits."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcp-monitor" / "real-registries"
    cache.mkdir(parents=True, exist_ok=True)
    filled = cache / place
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not filled.exists():
            filled.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix="half-") as half:
                folder = Path(half) / "folder"
                folder.mkdir()
                fetch(folder)
                folder.rename(filled)
    return filled


def _only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def _mark(*what: str) -> str:
    """Name what a folder is made from: something else gets another folder."""
    return hashlib.sha256("\n".join(what).encode()).hexdigest()[:8]


@cache
def _node() -> None:
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            _skip(f"there is no {tool} on this machine")
    version = _run("node", "--version", within=HERE).strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        _skip(f"node {version} is older than {OLDEST_NODE}")


def _run(*command: str, within: Path) -> str:
    """Return what the command writes; skip the test where it does not go well."""
    try:
        done = subprocess.run(  # noqa: S603 - npm, pip and node, with names and versions that stand in this folder
            command,
            cwd=within,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        said = [line for line in lines if "error" in line.lower()][:4] or lines[-3:]
        _skip(f"`{_words(command)}` failed: {' | '.join(said)[:400]}")
    except (OSError, subprocess.TimeoutExpired) as error:
        _skip(f"`{_words(command)}`: {error}")
    return done.stdout


def _words(command: Sequence[str]) -> str:
    return " ".join((Path(command[0]).name, *command[1:]))


def _skip(why: str) -> NoReturn:
    pytest.skip(f"REAL REGISTRIES ARE NOT TESTED: {why}")
