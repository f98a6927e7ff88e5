"""`scan`: the collector."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def scan(
    *,
    home: Annotated[
        tuple[Path, ...],
        Parameter(help="A user's home; may be repeated. Without it your own.", show_default=False),
    ] = (),
    project: Annotated[
        tuple[Path, ...],
        Parameter(
            help="A project's folder, for the files that clients keep there; may be repeated.", show_default=False
        ),
    ] = (),
    root: Annotated[
        Path | None,
        Parameter(
            help="Where the machine's own folders lie; with --host, where that machine is mounted.", show_default=False
        ),
    ] = None,
    host: Annotated[str, Parameter(help="The host's name in the report; its own when left out.")] = "",
    output: Annotated[
        str, Parameter(help="A file, an http address, or - for stdout.", allow_leading_hyphen=True)
    ] = "-",
    token_env: Annotated[str, Parameter(help="The variable that holds the bearer token of the address.")] = "",
) -> int:
    """Report which MCP servers the clients of this machine start, and what lies on its disk for them; as JSON lines.

    It needs no configuration file and no database, reads only the places where MCP clients, npm, uv and pipx keep their files, and starts
    nothing. Of homes under the name of another machine, that machine's own folders are read only below --root. The report names servers,
    packages and versions; never the value of a variable, a header, or an argument that is a secret.

    ```
    mcp-monitor scan
    mcp-monitor scan --home /home/rita --home /home/omar --output /var/spool/mcp-inventory/laptop-7.jsonl
    FLEET_TOKEN=… mcp-monitor scan --output https://monitor.corp.example/v1/inventory --token-env FLEET_TOKEN
    ```

    Exit codes: 0 everything was read, 2 wrong usage or the report was refused (409: a newer one is there), 3 something could not be read,
    or the report not delivered.
    """
    from monitor.commands.scan import scan_host

    return scan_host(home, host=host, output=output, token_env=token_env, root=root, projects=project)
