"""One entry of the registry file: the shape is told at the top of `registry.example.yaml`."""

import re
from base64 import b64decode
from datetime import UTC, datetime

from packaging.version import InvalidVersion, Version

from connectors._launch.npm import SEMVER
from connectors._reading_files.form import Form, open_form
from connectors._reading_files.yaml_tree import Node, Pairs, Scalar
from monitor.domain.address import endpoint
from monitor.domain.provenance import Publisher
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Approval, Entry, EntryProblem, Pin, ProvenanceDemand, Server
from monitor.domain.stage import Stage

ENTRY = (
    "name",
    "package",
    "remote",
    "repository",
    "owner",
    "tier",
    "provenance",
    "dependencies",
    "arguments",
    "stage",
    "approved",
    "retired",
)
APPROVED = ("version", "digests", "publisher", "by", "on", "expires", "ticket")
RETIRED = ("by", "on", "reason")
PUBLISHER = (
    *("issuer", "repository", "workflow", "ref", "trigger", "runner_environment", "repository_id", "owner_id"),
)

TYPES = {
    "npm": r"(@[\w.~-]+/)?[\w.~-]+",
    "pypi": r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?",
    "github": r"[\w.-]+/[\w.-]+",
    "docker": r"[\w./:-]+",
    "nuget": r"[\w.-]+",
    "golang": r"[\w.~/-]+",
}
"""Package types that a server may have, and what their names look like."""

NUGET = re.compile(r"\d+\.\d+\.\d+(\.\d+)?(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?")
LATEST = re.compile(r"(?i)latest|\*|x|next|stable|main|master|head")
REPOSITORY = re.compile(r"(?:https://github\.com/)?([A-Za-z0-9-]+/[\w.-]+?)(?:\.git)?/?")
DEFAULT_TIER = 2
MAX_ARGUMENTS = 50


def read_entry(node: Node, position: int) -> tuple[Entry | None, list[EntryProblem]]:
    """Return the entry, or None and all its problems: an entry that is half understood is not used at all."""
    problems: list[EntryProblem] = []
    form = open_form(node, ENTRY, name=_name_of(node, position), prefix="", problems=problems)
    if form is None:
        return None, problems
    server = _server(form)
    approval = _approval(form, server)
    _retirement(form, server)
    return (Entry(server, approval, form.line) if server and not problems else None), problems


def unique(entries: list[Entry]) -> tuple[tuple[Entry, ...], list[EntryProblem]]:
    """Of entries with the same name, package or address the first counts; names that differ only in case are the same."""
    seen: dict[tuple[str, str], int] = {}
    unique: list[Entry] = []
    problems: list[EntryProblem] = []
    for entry in entries:
        server = entry.server
        keys = [("name", server.name.casefold())]
        keys += [("package", str(server.package))] if server.package else []
        keys += [("remote", server.remote.rstrip("/"))] if server.remote else []
        again = [(kind, seen[kind, value]) for kind, value in keys if (kind, value) in seen]
        for kind, line in again:
            message = f"{kind}: already listed in line {line}; this entry is not used"
            problems.append(EntryProblem(entry.line, server.name, message))
        if not again:
            unique.append(entry)
            seen.update((key, entry.line) for key in keys)
    return tuple(unique), problems


def _name_of(node: Node, position: int) -> str:
    """Name an entry in its problems, as well as it can be."""
    names = (
        [
            value.text
            for key, value in node.pairs
            if isinstance(key, Scalar) and key.text == "name" and isinstance(value, Scalar)
        ]
        if isinstance(node, Pairs)
        else []
    )
    return names[0][:200] if names and names[0] else f"entry {position}"


def _server(form: Form) -> Server | None:
    name = form.need("name", _server_name, "a name as in the MCP registry, such as io.github.owner/name")
    package = form.read("package", _package, "a package URL without a version, such as pkg:npm/%40scope/name")
    remote = form.read("remote", _https, "an https address without credentials, query and fragment")
    if form.has("package") == form.has("remote"):
        form.wrong("package", "expected either package or remote, and not both")
    repository = form.read("repository", _repository, "https://github.com/owner/name or owner/name")
    owner = form.need("owner", _text, "the team or person who answers for the server")
    tier = form.read("tier", _tier, "1 (most critical), 2 or 3")
    provenance = form.read("provenance", ProvenanceDemand, "no-downgrade or required")
    dependencies = form.read("dependencies", _place, "the path of a lock file or an SBOM, relative to this file")
    if dependencies and not form.has("package"):
        form.wrong("dependencies", "expected only beside a package")
    arguments = form.read_all("arguments", _argument, "words of a command line, without variables")
    if len(arguments) > MAX_ARGUMENTS or (arguments and not form.has("package")):
        form.wrong("arguments", f"expected at most {MAX_ARGUMENTS}, beside a package")
    stage = form.read("stage", _stage, "staging, approved or retired; approved when left out")
    if not name or not owner:
        return None
    return Server(
        name,
        package,
        remote,
        Purl.github(repository) if repository else None,
        owner,
        tier or DEFAULT_TIER,
        provenance or ProvenanceDemand.NO_DOWNGRADE,
        dependencies or "",
        tuple(arguments),
        stage or Stage.APPROVED,
    )


def _retirement(form: Form, server: Server | None) -> None:
    """Check what is said of the end of a server: nothing of it is used, so that it has to stand there rightly."""
    if server and server.stage is Stage.RETIRED and form.has("approved"):
        form.wrong("approved", "expected nothing: the server is retired; remove the block, or change its stage")
    if server and server.stage is not Stage.RETIRED and form.has("retired"):
        form.wrong("retired", "expected only beside `stage: retired`")
    if retired := form.inner("retired", RETIRED):
        retired.need("by", _text, "who retired it")
        retired.read("on", _moment, "a date such as 2026-11-30")
        retired.read("reason", _text, "why")


def _approval(form: Form, server: Server | None) -> Approval | None:
    approved = form.inner("approved", APPROVED)
    if approved is None:
        return None
    package = server.package if server else None
    version = None
    if package or approved.has("version") or form.has("package"):
        version = approved.need(
            "version", lambda text: _version(text, package.type if package else ""), "one exact version, as published"
        )
    digests = approved.read_all("digests", _digest, "sha256:<hex>, sha512:<hex> or gitCommit:<hex>")
    publisher = _publisher(approved)
    by = approved.need("by", _text, "who approved it")
    on = approved.read("on", _moment, "a date such as 2026-11-30")
    expires = approved.read("expires", _moment, "a date such as 2026-11-30")
    if on and expires and expires <= on:
        approved.wrong("expires", "expected a date after the approval's own")
    ticket = approved.read("ticket", _text, "the key of a ticket") or ""
    if server is None or by is None:
        return None
    # A remote server has no package: its pin stands under its own name.
    pinned = (package or remote_purl(server.name)).at(version)
    return Approval(Pin(pinned, frozenset(digests), publisher), by, on, expires, ticket)


def remote_purl(name: str) -> Purl:
    """Return the purl under which a remote server is approved: `pkg:generic/io.github.owner/name`."""
    namespace, _, last = name.partition("/")
    return Purl("generic", namespace, last)


def _publisher(approved: Form) -> Publisher | None:
    form = approved.inner("publisher", PUBLISHER)
    if form is None:
        return None
    issuer = form.need(
        "issuer", _https, "the address of the token issuer, such as https://token.actions.githubusercontent.com"
    )
    repository = form.need("repository", _repository_url, "https://github.com/owner/name")
    workflow = form.read("workflow", _workflow, "a path such as .github/workflows/release.yml")
    texts = {key: form.read(key, _text, "a text") or "" for key in ("ref", "trigger", "runner_environment")}
    ids = {key: form.read(key, _number, "a number") or "" for key in ("repository_id", "owner_id")}
    return Publisher(issuer, repository, workflow or "", **texts, **ids) if issuer and repository else None


def _server_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", text) or len(text) > 200:  # noqa: PLR2004  the MCP registry's limit
        raise ValueError
    return text


def _package(text: str) -> Purl:
    package = Purl.parse(text)
    if package.version:
        raise ValueError("the version belongs under approved")
    if package.type not in TYPES:
        raise ValueError(f"known types are {', '.join(TYPES)}")
    if not re.fullmatch(TYPES[package.type], package.label):
        raise ValueError(f"no name of a {package.type} package")
    return package


def _https(text: str) -> str:
    if not re.fullmatch(r"https://[^/?#@\s$]+(/[^?#\s]*)?", text) or endpoint(text) is None:
        raise ValueError
    return text


def _repository(text: str) -> str:
    found = REPOSITORY.fullmatch(text)
    if not found:
        raise ValueError
    return found[1]


def _repository_url(text: str) -> str:
    """Publishers may build elsewhere than on GitHub; the short form means GitHub."""
    short = REPOSITORY.fullmatch(text)
    return f"https://github.com/{short[1]}" if short else _https(text)


def _workflow(text: str) -> str:
    if "@" in text or not re.fullmatch(r"\.?[\w./ -]+\.ya?ml", text) or "/" not in text:
        raise ValueError("without its @ref")
    return text


def _text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters")
    return text


def _place(text: str) -> str:
    """A path, perhaps with `{version}` in it; one that leads out of the registry's folder may be meant so, and is left alone."""
    if not text.isprintable() or re.search(r"[{}]", text.replace("{version}", "")):
        raise ValueError("{version} is the only placeholder")
    return text


def _argument(text: str) -> str:
    """A word of a command, as it is: what a client or a shell fills in later would be anything."""
    if not text.isprintable() or not text or re.search(r"[$`]|%\w+%|\{\{", text):
        raise ValueError
    return text


def _stage(text: str) -> Stage:
    if text not in {Stage.STAGING, Stage.APPROVED, Stage.RETIRED}:
        raise ValueError
    return Stage(text)


def _tier(text: str) -> int:
    if text not in {"1", "2", "3"}:
        raise ValueError
    return int(text)


def _number(text: str) -> str:
    if not re.fullmatch(r"\d{1,20}", text, re.ASCII):
        raise ValueError
    return text


def _version(text: str, package_type: str) -> str:
    if LATEST.fullmatch(text):
        raise ValueError("a name that moves is no version")
    exact = SEMVER.fullmatch(text)
    if package_type == "npm" and not (exact and exact["plain"] == text):
        raise ValueError("npm versions look like 1.2.3")
    # Of less than all three numbers `go run` and `dnx` take the newest that begins so.
    if package_type == "golang" and not (exact and text.partition("+")[0] == f"v{exact['plain']}"):
        raise ValueError("versions of Go modules look like v1.2.3")
    if package_type == "nuget" and not NUGET.fullmatch(text):
        raise ValueError("versions of NuGet packages look like 1.2.3")
    if package_type == "pypi":
        try:
            Version(text)
        except InvalidVersion as error:
            raise ValueError("not a version of PEP 440") from error
    if not re.fullmatch(r"[\w][\w.+!/~@-]{0,200}", text):
        raise ValueError("a range is no version")
    return text


def _digest(text: str) -> Digest:
    """Read also npm's own form, `sha512-<base64>`."""
    if npm := re.fullmatch(r"(sha256|sha384|sha512)-([A-Za-z0-9+/]+={0,2})", text):
        return Digest(npm[1], b64decode(npm[2], validate=True).hex())
    return Digest.parse(text)


def _moment(text: str) -> datetime:
    """Read a date, which is midnight UTC at its beginning, or a time with its zone."""
    moment = datetime.fromisoformat(text)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return moment.replace(tzinfo=UTC)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment.astimezone(UTC)
