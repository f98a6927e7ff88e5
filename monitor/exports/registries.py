"""Kiro's list, and the MCP registry's read API as static files: the approved servers as server.json documents.

Specification: https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json and the registry's API, version 0.1.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from monitor.domain.launching import images
from monitor.domain.purl import Purl
from monitor.domain.server import Entry
from monitor.exports.allowed import Allowed, Export, LeftOut, Origin, allowed, as_json, require

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
OFFICIAL = "io.modelcontextprotocol.registry/official"
APPROVAL = "mcp-monitor/approval"
NAME = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+")
KIRO_NAME = re.compile(r"[a-zA-Z0-9._-]+")
KINDS = {"npm": ("npm", "npx"), "pypi": ("pypi", "uvx"), "nuget": ("nuget", "dnx"), "golang": ("go", "go")}
NO_VERSION = "1.0.0"
"""Of a remote server, which has none here: the format demands one."""
MAX_DESCRIPTION = 100


def kiro(entries: Sequence[Entry], denied: Collection[Purl], origin: Origin) -> Export:
    """Write the list that Kiro and Amazon Q Developer fetch: names without a slash, versions at the server, one package or remote each."""
    good, left = allowed(entries, denied, origin)
    kept: list[Allowed] = []
    for each in good:
        if each.remote or each.pin.purl.type in ("npm", "pypi"):
            kept.append(each)
        elif each.pin.purl.type == "docker":
            left.append(
                LeftOut(each.entry.server.name, "Kiro takes an image's version for its tag, and a tag can be moved")
            )
        else:
            left.append(LeftOut(each.entry.server.name, f"Kiro knows no {each.pin.purl.type} packages"))
    servers = [{"server": _server(each, each.label, pinned_package=False)} for each in kept]
    data = as_json({"servers": servers, "metadata": {"count": len(servers), **origin.mark}})
    check_kiro(data)
    return Export({"registry.json": data}, tuple(kept), tuple(sorted(left, key=lambda each: each.server)))


def registry_api(entries: Sequence[Entry], denied: Collection[Purl], origin: Origin) -> Export:
    """Write a folder that a web server answers the read API from: each answer is the index.json of the folder with its path."""
    good, left = allowed(entries, denied, origin, commanded=False)
    kept: list[Allowed] = []
    for each in good:
        reason = _unlisted(each)
        if reason:
            left.append(LeftOut(each.entry.server.name, reason))
        else:
            kept.append(each)
    answers = [_answer(each) for each in kept]
    files: dict[str, bytes] = {}
    for each, answer in zip(kept, answers, strict=True):
        folder = f"v0.1/servers/{each.entry.server.name}/versions"
        version = _version(each)
        files[f"{folder}/index.json"] = as_json({"servers": [answer], "metadata": {"count": 1, **origin.mark}})
        files |= {f"{folder}/{at}/index.json": as_json(answer) for at in (version, "latest")}
    # Last, so that what it lists is there.
    listing = {"servers": answers, "metadata": {"count": len(answers), **origin.mark}}
    files["v0.1/servers/index.json"] = as_json(listing)
    check_registry_api(files)
    return Export(files, tuple(kept), tuple(sorted(left, key=lambda each: each.server)))


def _unlisted(each: Allowed) -> str:
    """Return why the registry's format cannot list it exactly pinned; empty where it can."""
    purl = each.pin.purl
    if each.remote:
        return ""
    if purl.type == "docker":
        return "" if images(each.pin) else "its approval names no sha256 digest of the image, and a tag can be moved"
    if purl.type not in KINDS:
        return f"the registry's format has no {purl.type} packages"
    return "" if re.fullmatch(r"\w[\w.+!~-]*", purl.version or "") else "its version cannot stand in an address"


def _version(each: Allowed) -> str:
    return each.pin.purl.version or NO_VERSION


def _answer(each: Allowed) -> dict[str, object]:
    approval = each.entry.approval
    times = {
        "approved_at": approval.approved_at if approval else None,
        "expires_at": approval.expires_at if approval else None,
    }
    said: dict[str, object] = {key: at.isoformat() for key, at in times.items() if at}
    # Anybody may read it: no names of people, no tickets.
    said["digests"] = sorted(map(str, each.pin.digests))
    official = {"status": "active", "isLatest": True}
    server = {"$schema": SCHEMA, **_server(each, each.entry.server.name, pinned_package=True)}
    return {"server": server, "_meta": {OFFICIAL: official, APPROVAL: said}}


def _server(each: Allowed, name: str, *, pinned_package: bool) -> dict[str, object]:
    server = each.entry.server
    document: dict[str, object] = {
        "name": name,
        "description": f"Approved: {server.name}"[:MAX_DESCRIPTION],
        "version": _version(each),
    }
    if server.repository and pinned_package:
        document["repository"] = {"url": f"https://github.com/{server.repository.label}", "source": "github"}
    if each.remote:
        return document | {"remotes": [{"type": "streamable-http", "url": each.remote}]}
    return document | {"packages": _packages(each, pinned=pinned_package)}


def _packages(each: Allowed, *, pinned: bool) -> list[dict[str, object]]:
    """Return the package; of an image one for each approved digest, as each platform has its own."""
    if each.pin.purl.type == "docker":
        found = [{"registryType": "oci", "identifier": image, "runtimeHint": "docker"} for image in images(each.pin)]
        return [_started(each, package) for package in found]
    return [_started(each, _file(each, pinned=pinned))]


def _file(each: Allowed, *, pinned: bool) -> dict[str, object]:
    purl = each.pin.purl
    kind, hint = KINDS[purl.type]
    package: dict[str, object] = {"registryType": kind, "identifier": purl.label}
    files = [digest.hex for digest in each.pin.digests if digest.algorithm == "sha256"]
    if pinned:
        package |= {"version": purl.version, "runtimeHint": hint}
        package |= {"fileSha256": files[0]} if len(files) == 1 else {}
    return package


def _started(each: Allowed, package: Mapping[str, object]) -> dict[str, object]:
    arguments = [{"type": "positional", "value": word} for word in each.entry.server.arguments]
    return {**package, **({"packageArguments": arguments} if arguments else {}), "transport": {"type": "stdio"}}


def check_kiro(data: bytes) -> None:
    """Raise `Invalid` for what Kiro would not take: the last good list would stay in force, or everything would be refused."""
    names: set[str] = set()
    for each in json.loads(data)["servers"]:
        server = each["server"]
        _check_server(server, KIRO_NAME)
        require(server["name"] not in names, f"{server['name']}: twice")
        names.add(server["name"])
        require(all("version" not in package for package in server.get("packages", ())), "the server has the version")


def check_registry_api(files: Mapping[str, bytes]) -> None:
    """Raise `Invalid` for an answer that is none of the API, or a file that would lie elsewhere."""
    for path, data in files.items():
        parts = PurePosixPath(path).parts
        require(parts[:2] == ("v0.1", "servers") and not {"..", ".", ""} & set(parts), f"{path}: no place of the API")
        require("//" not in path and len(parts) in (3, 6, 7), f"{path}: no place of the API")
        document = json.loads(data)
        for each in document.get("servers", [document]):
            _check_server(each["server"], NAME)


def _check_server(server: Mapping[str, object], name: re.Pattern[str]) -> None:
    named, version, description = server.get("name"), server.get("version"), server.get("description")
    require(isinstance(named, str) and name.fullmatch(named), f"no name: {named!r}")
    require(
        isinstance(version, str) and re.fullmatch(r"v?\d[\w.+!~-]*|[\w.+-]+", version),
        f"{named}: no version: {version!r}",
    )
    require(version not in ("latest", "") and len(str(version)) <= 255, f"{named}: no version: {version!r}")  # noqa: PLR2004  the format's limit
    require(isinstance(description, str) and 0 < len(description) <= MAX_DESCRIPTION, f"{named}: no description")
    require(("packages" in server) != ("remotes" in server), f"{named}: not exactly one of packages and remotes")
