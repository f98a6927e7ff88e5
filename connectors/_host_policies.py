"""Where MCP clients keep the file by which they reject what is not allowed, and which file that is.

Knows: the machine-wide places, which an ordinary user cannot write. Does not know: what a device management keeps elsewhere (the Windows
registry, a profile of macOS, the vendor's own cloud), nor what a client heeds beside it. Kiro reads its list from the network and has no
file. The places are the vendors' documented ones; docs/enforcement.md names them by client.
"""

import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from connectors._reading_files.opening import opened
from monitor.domain.deployment import HostPolicy
from monitor.ports.errors import SourceError

MAX_BYTES = 16 * 2**20
"""A larger file is none that was exported: its digest is that of its beginning."""

UNREADABLE = "0" * 64
"""Stands for the digest of a file that is there and cannot be read: no export has it."""

LINUX, MACOS, WINDOWS = "linux", "darwin", "win32"
PLACES: Mapping[str, Mapping[str, str]] = {
    "claude-code": {
        LINUX: "etc/claude-code/managed-settings.json",
        MACOS: "Library/Application Support/ClaudeCode/managed-settings.json",
        WINDOWS: "Program Files/ClaudeCode/managed-settings.json",
    },
    "copilot": {
        LINUX: "etc/github-copilot/managed-settings.json",
        MACOS: "Library/Application Support/GitHubCopilot/managed-settings.json",
        WINDOWS: "Program Files/GitHubCopilot/managed-settings.json",
    },
    "vscode": {LINUX: "etc/vscode/policy.json"},
    "codex": {LINUX: "etc/codex/requirements.toml", WINDOWS: "ProgramData/OpenAI/Codex/requirements.toml"},
    "gemini": {
        LINUX: "etc/gemini-cli/settings.json",
        MACOS: "Library/Application Support/GeminiCli/settings.json",
        WINDOWS: "ProgramData/gemini-cli/settings.json",
    },
}
"""Client as `export allowlist --for` names it -> system -> the file, below the root of the file system. Codex on macOS reads Linux's."""

FURTHER = {"claude-code": "managed-settings.d"}
"""Client -> the folder beside its file of which all files are merged with that."""

MAX_FURTHER = 20
SETTINGS = {
    "claude-code": ".claude",
    "copilot": ".copilot",
    "vscode": ".vscode",
    "codex": ".codex",
    "gemini": ".gemini",
}
"""Client -> the folder in a home by which it is known that somebody uses it there."""

EXPORTED_AT = re.compile(rb'"?exported_at"?\s*[:=]\s*"(\d{4}-\d{2}-\d{2}T[0-9:.]{8,15}(?:Z|[+-]\d{2}:\d{2}))"')


def host_policies(home: Path, root: Path = Path("/"), *, system: str = sys.platform) -> tuple[HostPolicy, ...]:
    """Return each client's file, and for a client that is used in `home` and has none, the place where it is missing. Never raises."""
    found: list[HostPolicy] = []
    for client, places in PLACES.items():
        read = [policy for place in dict.fromkeys(places.values()) if (policy := _read(client, root / place))]
        if not read and _is_used(home / SETTINGS[client]):
            missing = root / places.get(system, places[LINUX])
            read = [HostPolicy(client, str(missing))]
        if folder := FURTHER.get(client):
            read += [
                each
                for place in dict.fromkeys(places.values())
                for each in _further(client, (root / place).parent / folder)
            ]
        found += read
    return tuple(found)


def _further(client: str, folder: Path) -> list[HostPolicy]:
    """Return the files that are merged with a client's own. One that no export wrote may allow more."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        return [HostPolicy(client, str(folder), sha256=UNREADABLE)]
    found = [folder / name for name in names if name.endswith(".json") and not name.startswith(".")]
    read = [policy for path in found[:MAX_FURTHER] if (policy := _read(client, path))]
    return [*read, HostPolicy(client, str(folder), sha256=UNREADABLE)] if len(found) > MAX_FURTHER else read


def _is_used(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False


def _read(client: str, path: Path) -> HostPolicy | None:
    """Return the file's digest. One that is there and cannot be read has one that no export has. None: there is none."""
    try:
        if not path.exists():
            return None
        with opened(path, source="host-policies") as file:
            data = file.read(MAX_BYTES)
    except (OSError, SourceError):
        return HostPolicy(client, str(path), sha256=UNREADABLE)
    return HostPolicy(client, str(path), sha256(data).hexdigest(), _exported_at(data))


def _exported_at(data: bytes) -> datetime | None:
    said = EXPORTED_AT.search(data)
    if not said:
        return None
    try:
        return datetime.fromisoformat(said[1].decode()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
