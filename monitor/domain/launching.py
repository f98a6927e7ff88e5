"""The commands that start exactly what was approved, as clients are told and people are shown them."""

from typing import TypeAlias

from monitor.domain.purl import Purl
from monitor.domain.server import Pin, Server

Command: TypeAlias = tuple[str, ...]
IMAGES = frozenset(("docker", "oci"))
"""Types of packages that are images: a tag can be moved, and beside a digest it means nothing."""


def forms(purl: Purl) -> tuple[Command, ...]:
    """Return the usual ways to start one version of a package, also as Windows needs them; none for a type without a launcher."""
    name, version = purl.label, purl.version or ""
    match purl.type:
        case "npm":
            launches = (("npx", "-y", f"{name}@{version}"), ("npx", "--yes", f"{name}@{version}"))
            return (*launches, *(("cmd", "/c", *launch) for launch in launches))
        case "pypi":
            return (("uvx", f"{name}=={version}"), ("uvx", f"{name}@{version}"))
        case "nuget":
            return (("dnx", "--yes", f"{name}@{version}"), ("dnx", "-y", f"{name}@{version}"))
        case "golang":
            return (("go", "run", f"{name}@{version}"),)
        case _:
            return ()


def images(pin: Pin) -> tuple[str, ...]:
    """Return `image@sha256:hex` for each approved digest, in order: an image for several platforms has one for each."""
    digests = sorted(each.hex for each in pin.digests if each.algorithm == "sha256")
    return tuple(f"{pin.purl.label}@sha256:{digest}" for digest in digests)


def starts(server: Server, pin: Pin) -> tuple[Command, ...]:
    """Return every way to start what was approved with the server's arguments, the usual one first; empty: no command names it exactly."""
    found = forms(pin.purl)
    if pin.purl.type in IMAGES:
        flags = (("-i", "--rm"), ("--rm", "-i"))
        found = tuple(("docker", "run", *each, image) for image in images(pin) for each in flags)
    return tuple((*command, *server.arguments) for command in found)
