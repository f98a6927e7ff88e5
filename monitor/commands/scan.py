"""`scan`: what the MCP clients of this machine start, as a report for those who watch the fleet."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from monitor import wiring
from monitor.commands.output import note
from monitor.domain.deployment import Deployment, HostReport
from monitor.ending import ExitCode, Stop
from monitor.ports.errors import Denied, Malformed, SourceError

ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def scan_host(
    homes: Sequence[Path],
    *,
    host: str,
    output: str,
    token_env: str,
    root: Path | None = None,
    projects: Sequence[Path] = (),
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Read the homes and projects, and write the report or send it. `root` is where the machine's own folders lie; None: its own place.

    Homes of another machine are not reported with this one's folders: those are read only where `root` is named.
    """
    places = _folders("--home", homes) or [Path.home()]
    beside = _folders("--project", projects)
    named = host or wiring.host_name()
    if why := wiring.refused_host(named):
        raise Stop(f"--host: {why}", ExitCode.USAGE)
    token = _token(token_env, environ)
    _check_output(output, token)
    others = bool(homes) and _bare(named) != _bare(wiring.host_name())
    at = root or (None if others else Path("/"))
    if at is None:
        note(
            f"the folders of this machine are not reported as {named}'s; --root says where {named}'s are mounted, / if it is this one"
        )
    report, problems = asyncio.run(_report(places, named, at, beside))
    if ADDRESS.match(output):
        problems += asyncio.run(_send(output, token, report))
        if sys.stderr.isatty():
            note(f"{output}: took the report of {named}")
    elif output == "-":
        sys.stdout.buffer.write(report)
        sys.stdout.buffer.flush()
    else:
        _write(Path(output), report)
    for problem in problems:
        note(problem)
    return ExitCode.UNCHECKED if problems else ExitCode.QUIET


def _bare(host: str) -> str:
    """Return a host's name without its domain, in one form."""
    return host.casefold().partition(".")[0]


def _folders(option: str, given: Sequence[Path]) -> list[Path]:
    folders = [each.expanduser().absolute() for each in given]
    for folder in folders:
        try:
            there = folder.is_dir()
        except OSError as error:
            raise Stop(f"{option}: {folder}: {error.strerror}", ExitCode.UNCHECKED) from error
        if not there:
            raise Stop(f"{option}: {folder} is no folder", ExitCode.USAGE)
    return folders


def _check_output(output: str, token: str | None) -> None:
    """Refuse what is neither a file, nor an http address, nor stdout; and a token that anybody on the way could read."""
    shown = output[:100]
    if output.startswith("-") and output != "-":
        raise Stop(f"--output: {shown} is another option; a file of that name is ./{shown}", ExitCode.USAGE)
    if ADDRESS.match(output):
        if token and output[:8].lower() != "https://" and not _is_loopback(output):
            raise Stop("--output: a token travels over https alone, or within this machine", ExitCode.USAGE)
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", output):
        raise Stop(f"--output: {shown}: expected a file, an http or https address, or - for stdout", ExitCode.USAGE)
    elif output != "-" and os.path.isdir(output):  # noqa: PTH112 a path that may not be looked at is told when it is written
        raise Stop(
            f"--output: {shown} is a folder; name a file in it, such as {shown.rstrip('/')}/HOST.jsonl", ExitCode.USAGE
        )


def _is_loopback(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _write(path: Path, report: bytes) -> None:
    """Write a report that others may read as the umask says: who watches the fleet is another user."""
    mask = os.umask(0)
    os.umask(mask)
    try:
        wiring.write_whole(path, report, mode=0o666 & ~mask)
    except OSError as error:
        raise Stop(f"--output: {path}: {error.strerror}", ExitCode.USAGE) from error


def _token(variable: str, environ: Mapping[str, str]) -> str | None:
    if not variable:
        return None
    token = environ.get(variable, "").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Stop(f"--token-env: expected the environment variable {variable[:100]} to hold the token", ExitCode.USAGE)
    return token


async def _report(
    homes: Sequence[Path], host: str, root: Path | None, projects: Sequence[Path]
) -> tuple[bytes, list[str]]:
    deployments: dict[str, Deployment] = {}
    problems: list[str] = []
    complete = True
    at = wiring.utc_now()
    for source in wiring.scanned(homes, host, root=root, projects=projects):
        try:
            seen = await source.inventory()
        except SourceError as error:
            problems.append(str(error))
            complete = False
            continue
        deployments |= {each.key: each for each in seen.deployments}
        problems += seen.problems
        complete = complete and seen.complete
    policies = dict.fromkeys(policy for home in homes for policy in (wiring.host_policies(home, root) if root else ()))
    about = HostReport(host, at, tuple(policies))
    report = wiring.write_report(
        about,
        tuple(deployments.values()),
        collector=wiring.collector(),
        problems=len(problems),
        complete=complete,
        users=_users(homes),
    )
    return report, problems


def _users(homes: Sequence[Path]) -> Mapping[str, str]:
    return {str(home): home.name for home in homes}


async def _send(url: str, token: str | None, report: bytes) -> list[str]:
    edge = wiring.plain_edge()
    try:
        receiver = wiring.reports_to(edge, url, token)
    except ValueError as error:
        raise Stop(f"--output: {error}", ExitCode.USAGE) from error
    try:
        async with edge.session():
            return [f"the receiver: {problem}" for problem in await receiver.send(report)]
    except (Denied, Malformed) as error:
        raise Stop(str(error), ExitCode.USAGE) from error
    except SourceError as error:
        raise Stop(str(error), ExitCode.UNCHECKED) from error
