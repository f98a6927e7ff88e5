"""What a server.json says of a package beside its name: from which registry it is, and which words stand behind it."""

import re
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec

from monitor.domain.address import endpoint

DOCKERS = ("docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com")
OWN = {
    "npm": ("0dc11026ac75c015",),
    "pypi": ("a4aa2ac280bb8d1a", "c899567ee9068517"),
    "nuget": ("7117c828d2afa4e2", "fcb9af86680af88f"),
    "go": ("00a7dc5a0cc38858",),
    "golang": ("00a7dc5a0cc38858",),
}
"""Kind -> sha256 (its beginning) of the host of its public registry, so that no registry is named where nobody configured one."""

FILLED_IN = re.compile(r"[${}`]|%\w+%")
"""Marks of what a client or a shell fills in."""


class Argument(msgspec.Struct, rename={"required": "isRequired", "old_required": "is_required"}):
    """A word, or a name with its value, that stands behind the package. Without a value whoever starts it fills it in."""

    type: str = ""
    name: str = ""
    value: str | None = None
    required: bool | None = None
    old_required: bool | None = None


def words(arguments: Sequence[Argument]) -> tuple[tuple[str, ...], str]:
    """Return the words that always stand behind the package, and why they are not all of them (empty: they are)."""
    always: list[str] = []
    for each in arguments:
        if each.type == "named" and each.name and (each.value is not None or each.required or each.old_required):
            always.append(each.name)
        if each.value is not None and not FILLED_IN.search(each.value):
            always.append(each.value)
        elif each.value is not None or (each.type != "named" and (each.required or each.old_required)):
            return (
                (),
                "whoever starts it fills in one of its packageArguments; list it in a registry file with its arguments",
            )
    return tuple(always), ""


def own(kind: str, base: str) -> bool:
    """Say whether an address is that of the registry from which packages of the kind come by themselves."""
    host = (urlsplit(base).hostname or "").lower() if endpoint(base) else ""
    return sha256(host.encode()).hexdigest()[:16] in OWN.get(kind, ())


def on_registry(base: str, identifier: str) -> str:
    """Return an image's name with the registry that stands beside it. Raises ValueError where it names another one itself."""
    host = (urlsplit(base).netloc or base).lower().rstrip("/")
    if not host or host in DOCKERS:
        return identifier
    first, slash, _ = identifier.partition("/")
    named = first.lower() if slash and ("." in first or ":" in first or first == "localhost") else ""
    if named and named != host:
        raise ValueError(f"registryBaseUrl: the image is of {named[:100]}, and not of {host[:100]}")
    return identifier if named else f"{host}/{identifier}"
