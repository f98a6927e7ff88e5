"""`servers`, `findings`: what is kept, shown."""

from typing import Annotated

from cyclopts import Parameter

from monitor.cli.options import ConfigFile, Json, Servers


def servers(*, config: ConfigFile, json: Json = False) -> int:
    """List the approved servers as the registry file has them, with their open findings.

    ```
    mcp-monitor servers
    mcp-monitor servers --json | jq -r '.[] | select(.approved == null) | .name'
    ```
    """
    from monitor.commands.show import show_servers

    return show_servers(config, as_json=json)


def findings(
    *,
    config: ConfigFile,
    server: Servers = (),
    all: Annotated[bool, Parameter(help="Resolved ones, too.", show_default=False)] = False,  # noqa: A002 the option's name
    json: Json = False,
) -> int:
    """List the open findings, worst first.

    ```
    mcp-monitor findings
    mcp-monitor findings --server io.github.acme/files --all
    mcp-monitor findings --json | jq -r '.[] | [.severity, .server, .summary] | @tsv'
    ```
    """
    from monitor.commands.show import show_findings

    return show_findings(config, servers=server, resolved=all, as_json=json)
