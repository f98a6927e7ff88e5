"""`connections`: what gateways logged, and whether each connection was to something approved then."""

from typing import Annotated

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json, Servers


def ingest(
    file: Annotated[str, Parameter(help="A log of JSON lines; - reads stdin.")],
    /,
    *more: Annotated[str, Parameter(help="Further logs.", show_default=False)],
    config: ConfigFile,
) -> int:
    """Keep the connections that gateways logged: JSON lines with at, server, and as far as known version, person, target.

    ```
    mcp-monitor connections ingest /var/log/mcp-gateway/2026-11-24.jsonl
    zcat gateway.jsonl.gz | mcp-monitor connections ingest -
    ```

    The same line is kept once, however often it is read. A line that cannot be read costs itself. The fields: docs/connections.schema.json.

    Exit codes: 0 every line was read, 2 a log cannot be read, 3 some lines could not be.
    """
    from monitor.commands.connections import ingest as keep

    return keep(config, (file, *more))


def listed(
    *,
    config: ConfigFile,
    from_: Annotated[
        str | None, Parameter(name="--from", help="A day or a time; without it 30 days before the end.")
    ] = None,
    to: Annotated[str | None, Parameter(help="A day (with it) or a time; without it now.")] = None,
    target: Annotated[
        tuple[str, ...], Parameter(help="Only what accessed this; may be repeated.", show_default=False)
    ] = (),
    server: Servers = (),
    json: Json = False,
) -> int:
    """List connections, each with whether the server and its version were approved at that moment.

    ```
    mcp-monitor connections list --from 2026-10-01 --to 2026-12-31 --target production
    ```

    Which time was looked at goes to stderr. Exit codes: 0 listed, 2 wrong usage, or a server that neither that time's logs nor the registry
    ever named.
    """
    from monitor.commands.connections import listed as show

    return show(config, begin=from_, end=to, targets=target, servers=server, as_json=json)


connections = App(name="connections", help_epilogue="", help="Keep and list the connections that gateways logged.")
connections.command(ingest)
connections.command(listed, name="list")
