"""`scan`: what the MCP clients of this machine start, as a report for those who watch the fleet."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Read the homes, and write the report or send it. `root` is where the machine's own folders lie."""
    places = [each.expanduser().absolute() for each in homes or (Path.home(),)]
    for home in places:
        if not home.is_dir():
            raise Stop(f"--home: {home} is no folder", ExitCode.USAGE)
    if output.startswith("-") and output != "-":
        raise Stop(
            f"--output: {output[:100]} is another option; a file of that name is ./{output[:100]}", ExitCode.USAGE
        )
    token = _token(token_env, environ)
    report, problems = asyncio.run(_report(places, host or wiring.host_name(), root))
    if ADDRESS.match(output):
        problems += asyncio.run(_send(output, token, report))
    elif output == "-":
        sys.stdout.buffer.write(report)
        sys.stdout.buffer.flush()
    else:
        wiring.write_whole(Path(output), report)
    for problem in problems:
        note(problem)
    return ExitCode.UNCHECKED if problems else ExitCode.QUIET


def _token(variable: str, environ: Mapping[str, str]) -> str | None:
    if not variable:
        return None
    token = environ.get(variable, "").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Stop(f"--token-env: expected the environment variable {variable[:100]} to hold the token", ExitCode.USAGE)
    return token


async def _report(homes: Sequence[Path], host: str, root: Path) -> tuple[bytes, list[str]]:
    deployments: dict[str, Deployment] = {}
    problems: list[str] = []
    complete = True
    at = wiring.utc_now()
    for source in wiring.scanned(homes, host, root=root):
        try:
            seen = await source.inventory()
        except SourceError as error:
            problems.append(str(error))
            complete = False
            continue
        deployments |= {each.key: each for each in seen.deployments}
        problems += seen.problems
        complete = complete and seen.complete
    policies = dict.fromkeys(policy for home in homes for policy in wiring.host_policies(home, root))
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
