"""`init`: a first registry file, from what runs."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def init(
    *,
    home: Annotated[
        tuple[Path, ...],
        Parameter(help="A home whose MCP clients are read; may be repeated. Without it your own.", show_default=False),
    ] = (),
    output: Annotated[Path, Parameter(help="The file to write; an existing one is never touched.")] = Path(
        "registry.yaml"
    ),
) -> int:
    """Propose a registry file from what the MCP clients of this machine start: one entry for each package and remote, none approved.

    ```
    mcp-monitor init
    mcp-monitor init --home /home/rita --home /home/otto --output proposal.yaml
    ```

    Needs no configuration; asks nobody. Exit codes: 0 the file is written, 2 it is not, 3 a client's configuration could not be read.
    """
    from monitor.commands.init import propose_registry

    return propose_registry(home, output)
