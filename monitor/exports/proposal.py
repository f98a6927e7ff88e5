"""A first registry file from what runs: every entry unreviewed, none approved, and beside each what runs where."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.lookalike import Names
from monitor.domain.purl import Purl
from monitor.domain.server import Server
from monitor.domain.text import one_line

MAX_SHOWN = 20
"""Places named beside one entry."""
UNNAMEABLE = re.compile(r"[^A-Za-z0-9._-]+")

HEAD = """\
# Proposed by `mcp-monitor init` from what runs: nothing in it is approved, and every owner is to be written in.
#
# For each entry: is it wanted, and who answers for it? Take out what is not. Write down the owner, use the server's own name in the MCP
# registry where it has one, and approve a version by an `approved` block as registry.example.yaml shows.

version: 1

"""


@dataclass(frozen=True, slots=True)
class _Proposed:
    key: str
    """`package` or `remote`."""
    value: str
    seen: tuple[str, ...]


def propose(deployments: Iterable[Deployment], refused: Mapping[str, str]) -> bytes:
    """Write the file. `refused`: packages and remotes that a registry file does not take, with the reason; they stand in comments."""
    found: dict[tuple[str, str], list[str]] = {}
    others: list[str] = []
    for each in deployments:
        what = _what(each)
        if what is None:
            others.append(f"{_place(each)}: {each.note or each.kind.value}")
        else:
            found.setdefault(what, []).append(f"{_place(each)}: {_version(each)}")
    proposed = [_Proposed(*what, tuple(sorted(set(places)))) for what, places in sorted(found.items())]
    others += [f"{each.value}: {refused[each.value]}" for each in proposed if each.value in refused]
    good = [each for each in proposed if each.value not in refused]
    names = _names([each.value for each in good])
    near = _near(good, names)
    entries = [_entry(each, names[each.value], near.get(each.value, "")) for each in good]
    body = "servers:\n\n" + "\n".join(entries) if entries else "servers: []\n"
    return (HEAD + body + _remarks(others)).encode()


def _what(each: Deployment) -> tuple[str, str] | None:
    """Return what an entry would be about; None where that is no package and no remote."""
    if each.runs:
        return "package", str(each.runs.package)
    return ("remote", each.remote) if each.remote else None


def _near(good: Sequence[_Proposed], names: Mapping[str, str]) -> dict[str, str]:
    """Say of each what may be taken for another one that runs as well: one of two such names may be a squatter's."""
    servers = {
        each.value: Server(
            names[each.value],
            Purl.parse(each.value) if each.key == "package" else None,
            each.value if each.key == "remote" else None,
            None,
            "",
            3,
        )
        for each in good
    }
    listed, found = Names.of(servers.values()), dict[str, str]()
    for value, server in servers.items():
        there = Deployment("", "", "", "", PinKind.UNKNOWN, server.package, server.remote)
        near = listed.nearest(there, but=server)
        if near and near.lookalike:
            found[value] = f"LOOKALIKE: may be taken for {near.server.name}: {near.how}. Are both what they seem?"
    return found


def _entry(each: _Proposed, name: str, near: str) -> str:
    seen = [f"  # {one_line(place, 300)}" for place in each.seen[:MAX_SHOWN]]
    if len(each.seen) > MAX_SHOWN:
        seen.append(f"  # and {len(each.seen) - MAX_SHOWN} more")
    lines = [
        *([f"  # {one_line(near, 300)}"] if near else []),
        "  # unreviewed. What runs:",
        *seen,
        f"  - name: {_quoted(name)}",
        f"    {each.key}: {_quoted(each.value)}",
        "    owner: unreviewed",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A double-quoted scalar of YAML. Characters beyond 16 bits stand as they are: YAML has no pairs of escapes.
    return json.dumps(text, ensure_ascii=False)


def _remarks(others: Sequence[str]) -> str:
    if not others:
        return ""
    lines = [f"# {one_line(each, 300)}" for each in sorted(set(others))]
    return "\n# Runs, too, and cannot be listed as it is:\n" + "\n".join(lines) + "\n"


def _place(each: Deployment) -> str:
    return f"{each.host}, {each.client}, {each.name} in {each.location}"


def _version(each: Deployment) -> str:
    if each.remote and not each.runs:
        return "a remote server"
    if each.kind is PinKind.PATH and each.installed:
        return f"{each.installed.version} by a file of it"
    if each.purl and each.purl.version:
        return each.purl.version
    floats = f"floats ({each.requested})" if each.requested else "floats"
    return f"{floats}, {each.installed.version} lies on the disk" if each.installed else floats


def _names(values: Collection[str]) -> dict[str, str]:
    """Return a name for each package URL or address, each its own: names that differ only in capitals are the same."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for value in sorted(values):
        plain = _name(value)[:190]
        name, at = plain, 2
        while name.casefold() in taken:
            name, at = f"{plain}-{at}", at + 1
        taken.add(name.casefold())
        names[value] = name
    return names


def _name(value: str) -> str:
    if not value.startswith("pkg:"):
        host, _, path = value.partition("://")[2].partition("/")
        return f"remote/{_plain(host + ('.' + path.strip('/') if path.strip('/') else ''))}"
    purl = Purl.parse(value)
    if purl.type == "github":
        return f"io.github.{_plain(purl.namespace or 'unknown')}/{_plain(purl.name)}"
    return f"{purl.type}/{_plain(purl.label)}"


def _plain(text: str) -> str:
    return UNNAMEABLE.sub(".", text).strip(".") or "unnamed"
