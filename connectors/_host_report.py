"""A host's report, `mcp-inventory/1`: JSON lines, of which the first tells about the host and each other one is a deployment.

docs/inventory.schema.json is its published schema, docs/inventory.md says what each key means. A line of a deployment is the one of every
inventory of the organisation's own (`connectors/_inventory_line.py`), and of the host that the first line names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from connectors._inventory_line import MAX_LINE, read_line
from monitor.domain.deployment import Deployment, HostPolicy, HostReport
from monitor.domain.text import one_line

SCHEMA = "mcp-inventory/1"
MAX_BYTES = 8 * 2**20
MAX_LINES = 20_000
MAX_HOST = 255
MAX_PROBLEMS = 100
"""More are counted, not listed."""

_Text = Annotated[str, msgspec.Meta(max_length=1000)]
_Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
_Number = Annotated[int, msgspec.Meta(ge=0)]


class _Policy(msgspec.Struct):
    client: _Text
    location: _Text
    sha256: _Hex = ""
    exported_at: datetime | None = None  # None: the file does not say


class _Head(msgspec.Struct, rename={"format": "schema"}):
    format: Literal["mcp-inventory/1"]
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_HOST)]
    collected_at: datetime
    collector: _Text = ""
    complete: bool = True
    problems: _Number = 0
    deployments: _Number | None = None  # None: it was not counted
    policies: Annotated[list[_Policy], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)


_HEAD = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Report:
    """One host's report. `problems` are lines that could not be read, and what the host itself could not; they cost only themselves."""

    about: HostReport
    deployments: tuple[Deployment, ...]
    problems: tuple[str, ...]
    complete: bool
    """Whether the host could read everything, and all of it is here."""


def read_report(data: bytes, path: str) -> Report:
    """Read a report. Raises ValueError where it cannot be told whose it is, or of when."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"over {MAX_BYTES} bytes")
    lines = [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n", MAX_LINES + 1) if line.strip()]
    if len(lines) > MAX_LINES:
        raise ValueError(f"over {MAX_LINES} lines")
    head = _head(lines[0] if lines else b"")
    places: dict[str, int] = {}
    deployments: list[Deployment] = []
    problems: list[str] = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            deployment, _ = read_line(line, path, places)
            if deployment.host != head.host:
                raise ValueError("of another host than the report")  # noqa: TRY301 a reason like the others
        except ValueError as error:
            problems.append(f"line {number}: {one_line(str(error), 300)}")
            continue
        places[deployment.key] = number
        deployments.append(deployment)
    if head.deployments is None:
        problems.append("line 1: deployments is missing: whether the report was written to its end cannot be told")
    elif head.deployments != len(lines) - 1:
        problems.append(
            f"{head.deployments} deployments are announced, {len(lines) - 1} are there: it was not written to its end"
        )
    return Report(_about(head), tuple(deployments), _few(problems), head.complete and not problems)


def _head(line: bytes) -> _Head:
    if len(line) > MAX_LINE:
        raise ValueError(f"line 1: over {MAX_LINE} bytes")
    try:
        head = _HEAD.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"line 1: no first line of {SCHEMA}: {one_line(str(error), 300)}") from error
    if head.collected_at.tzinfo is None or any(
        each.exported_at and each.exported_at.tzinfo is None for each in head.policies
    ):
        raise ValueError("line 1: times need their zone, such as Z")
    if why := refused_host(head.host):
        raise ValueError(f"line 1: {why}")
    return head


def refused_host(name: str) -> str:
    """Return why a host may not have that name; empty: it may."""
    if not name.strip() or len(name) > MAX_HOST:
        return f"host: expected a name of 1 to {MAX_HOST} characters"
    return "" if name.isprintable() else "host holds characters that cannot be seen"


def _about(head: _Head) -> HostReport:
    policies = tuple(
        HostPolicy(
            one_line(each.client, 1000),
            one_line(each.location, 1000),
            each.sha256,
            each.exported_at.astimezone(UTC) if each.exported_at else None,
        )
        for each in head.policies
    )
    return HostReport(head.host, head.collected_at.astimezone(UTC), policies)


def _few(problems: Sequence[str]) -> tuple[str, ...]:
    more = len(problems) - MAX_PROBLEMS
    return (*problems[:MAX_PROBLEMS], f"and {more} more") if more > 0 else tuple(problems)


def write_report(
    about: HostReport,
    deployments: Sequence[Deployment],
    *,
    collector: str,
    problems: int,
    complete: bool,
    users: Mapping[str, str],
) -> bytes:
    """Write a report. `users`: folder of a home -> the user's name, as files below it are theirs."""
    head = {
        "schema": SCHEMA,
        "host": about.host,
        "collected_at": about.reported_at,
        "collector": collector,
        "complete": complete,
        "problems": problems,
        "deployments": len(deployments),
        "policies": [
            {"client": each.client, "location": each.location, "sha256": each.sha256, "exported_at": each.exported_at}
            for each in about.policies
        ],
    }
    lines = [head, *(_line(each, users) for each in deployments)]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _line(deployment: Deployment, users: Mapping[str, str]) -> dict[str, object]:
    file, _, scope = deployment.location.partition(" (")
    line: dict[str, object] = {
        "host": deployment.host,
        "user": next((user for home, user in users.items() if Path(file).is_relative_to(home)), None),
        "client": deployment.client,
        "location": deployment.location,
        "scope": scope.partition(")")[0],
        "name": deployment.name,
        "kind": deployment.kind.value,
        "purl": str(deployment.purl) if deployment.purl else None,
        "remote": deployment.remote,
        "digest": str(deployment.digest) if deployment.digest else None,
        "requested": deployment.requested,
        "disabled": deployment.disabled,
        "redirects": deployment.redirects,
        "installed": str(deployment.installed) if deployment.installed else None,
        "installed_digest": str(deployment.installed_digest) if deployment.installed_digest else None,
        "note": deployment.note,
    }
    return {key: value for key, value in line.items() if value not in (None, "", (), False)}
