"""Reads every client configuration of the corpus and prints, for each kind of launch, how many are read as the real tools read them.

`make inventory-corpus` runs it. A row that holds is one deployment, by its name, as expected in all that the row says.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePath

import pytest
from msgspec import Struct, field
from msgspec.json import decode
from packaging.utils import canonicalize_name

from connectors._reading_files.jsonc import Unreadable
from connectors.mcp_config import parse_config
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.purl import Purl
from tests import corpus

REACHED = {"client-configs": 254, "client-configs-synthetic": 203}
"""Expectations that hold. Lower no number: a reading that was right stays right."""


class Row(Struct):
    """One line of the expectations."""

    file: str
    server: str | None
    kind: str | None = None
    package: str | None = None
    version: str | None = None
    normalized_name: str | None = None
    requested: str | None = None
    digest: str | None = None
    git: str | None = None
    url: str | None = None
    module: str | None = None
    project: str | None = None
    registry: str | None = None
    extras: list[str] = field(default_factory=list)
    inner: dict[str, str | None] | None = None
    disabled: bool = False


def kind_of(deployment: Deployment) -> str:
    """Name the kind in the corpus's words; there an installation from git is an unknown package."""
    if deployment.purl is None:
        return {PinKind.PATH: "local", PinKind.REMOTE: "remote"}.get(deployment.kind, "unknown")
    return {"docker": "oci", "github": "unknown"}.get(deployment.purl.type, deployment.purl.type)


def package_of(deployment: Deployment) -> dict[str, str | None]:
    """Kind, package and version in the corpus's words."""
    kind = kind_of(deployment)
    purl = deployment.purl if kind != "unknown" else None
    return {"kind": kind, "package": purl.label if purl else None, "version": purl.version if purl else None}


def client_of(row: Row) -> str:
    """Name the client of a file. The one that collects entries in all states has none: each is read by a client that knows its key."""
    stem = PurePath(row.file).stem
    if stem.endswith("-states"):
        return "codex" if row.server == "enabled-false" else "cline"
    return stem.split("-")[1]


def canonical(row: Row) -> str | None:
    """Return the package in the one spelling of all that its registry takes."""
    match row.kind:
        case "pypi":
            return canonicalize_name(row.package or "")
        case "oci" if row.package:
            return Purl.docker(row.package).label
        case _:
            return row.package


def deviations(row: Row, found: Mapping[str, Deployment]) -> list[str]:
    """Compare one expectation with the deployments of its file, by name."""
    if row.server is None:
        return [] if not found else [f"servers where none is: {sorted(found)}"]
    deployment = found.get(row.server)
    if deployment is None:
        return ["not found"]
    got = package_of(deployment)
    wanted: dict[str, str | None] = {"kind": row.kind, "package": canonical(row), "version": row.version}
    compared = [(key, wanted[key], got[key]) for key in wanted]
    if row.kind in {"npm", "pypi", "oci"}:
        compared.append(("requested", row.requested or "", deployment.requested))
    compared.append(("disabled", str(row.disabled), str(deployment.disabled)))
    if row.git:
        compared.append(("git", row.git, deployment.requested))
    if row.digest:
        compared.append(("digest", row.digest, str(deployment.digest)))
    if row.project:
        compared.append(("project", f"({row.project})", deployment.location.rpartition(" ")[2]))
    if row.url:
        far = deployment if row.kind == "remote" else found.get(f"{row.server} (far end)")
        compared.append(("url", row.url.partition("?")[0], far.remote if far else None))
    if row.inner:
        inside = found.get(f"{row.server} (inside)")
        compared += [
            (f"inner {key}", value, package_of(inside)[key] if inside else None) for key, value in row.inner.items()
        ]
    compared += [("module", row.module, deployment.note.removeprefix("module "))] if row.module else []
    compared += [("extras", f"extras: {extra}", deployment.note) for extra in row.extras]
    compared += [("registry", "True", str(bool(deployment.redirects)))] if row.registry else []
    return [f"{key}: expected {want!r}, read {have!r}" for key, want, have in compared if want != have]


def decide(part: str) -> list[tuple[Row, list[str]]]:
    """Return each expectation of a part with what deviates from it. Skips where there is no corpus."""
    folder = corpus.path("registries")
    rows = [decode(line, type=Row) for line in (folder / f"{part}.expected.jsonl").read_bytes().splitlines()]
    read: dict[tuple[str, str], dict[str, Deployment]] = {}
    for row in rows:
        client = client_of(row)
        if (row.file, client) not in read:
            try:
                deployments, _ = parse_config((folder / row.file).read_bytes(), row.file, client)
            except Unreadable:
                deployments = ()
            read[row.file, client] = {deployment.name: deployment for deployment in deployments}
    return [(row, deviations(row, read[row.file, client_of(row)])) for row in rows]


def table(part: str, decided: list[tuple[Row, list[str]]]) -> Iterator[str]:
    """A line for each kind, one for all, and one for each deviation."""
    yield f"{part:<28}{'rows':>7}{'right':>7}{'deviations':>12}"
    kinds = sorted({row.kind or "no server" for row, _ in decided})
    for kind in [*kinds, "all"]:
        wrong = [bool(different) for row, different in decided if kind in {row.kind or "no server", "all"}]
        yield f"{kind:<28}{len(wrong):>7}{len(wrong) - sum(wrong):>7}{sum(wrong):>12}"
    yield from (f"DEVIATION {row.file} {row.server}: {one}" for row, different in decided for one in different)


def main() -> int:
    """Print both tables; 1 where fewer expectations hold than did, 0 with a line that says so where there is no corpus."""
    held = True
    for part, reached in REACHED.items():
        try:
            decided = decide(part)
        except pytest.skip.Exception as absent:
            print(absent.msg)  # noqa: T201 - a program's output
            return 0
        print("\n".join(table(part, decided)))  # noqa: T201 - as above
        held = held and sum(not different for _, different in decided) >= reached
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
