"""`init`: a first registry file from what the MCP clients of a machine start."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from monitor import wiring
from monitor.commands.output import note
from monitor.domain.deployment import Deployment
from monitor.ending import ExitCode, Stop
from monitor.exports.proposal import propose
from monitor.ports.errors import SourceError


def propose_registry(homes: Sequence[Path], output: Path, *, root: Path = Path("/")) -> int:
    """Read the configurations of the homes, and of the machine below `root`; write the proposal. An existing file is never touched."""
    if output.exists() or output.is_symlink():
        raise Stop(f"{output} exists and is left alone; name another file with --output", ExitCode.USAGE)
    found: dict[str, Deployment] = {}
    problems: list[str] = []
    homes = homes or (Path.home(),)
    if strange := [home for home in homes if not home.is_dir()]:
        raise Stop(f"{strange[0]} is no folder", ExitCode.USAGE)
    for source in wiring.scanned(homes, wiring.host_name(), root=root):
        try:
            inventory = asyncio.run(source.inventory())
        except SourceError as error:
            problems.append(str(error))
            continue
        found |= {each.key: each for each in inventory.deployments}
        problems += inventory.problems
    refused = {value: why for each in found.values() if (value := _value(each)) and (why := wiring.unlistable(value))}
    data = propose(found.values(), refused)
    try:
        with output.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise Stop(f"{output}: {error.strerror}", ExitCode.USAGE) from error
    for problem in problems:
        note(problem)
    values = {value for each in found.values() if (value := _value(each))}
    note(
        f"{output}: {len(values - refused.keys())} servers proposed, none approved; review each, then name the file in [registry]"
    )
    return ExitCode.UNCHECKED if problems else ExitCode.QUIET


def _value(each: Deployment) -> str:
    return str(each.runs.package) if each.runs else each.remote or ""
