"""`drift`, `deployments`: what runs where, and how it differs from what is approved."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json, Servers

By = Annotated[
    Literal["server", "host", "owner"] | None,
    Parameter(help="Count by this, instead of listing each.", show_default=False),
]

Hosts = Annotated[
    tuple[str, ...],
    Parameter(name="--host", help="Only on this host; may be repeated.", show_default=False),
]


def drift(
    *,
    config: ConfigFile,
    by: By = None,
    server: Servers = (),
    host: Hosts = (),
    all: Annotated[  # noqa: A002 the option's name
        bool, Parameter(help="What is as approved, switched off or waived, too.", show_default=False)
    ] = False,
    json: Json = False,
) -> int:
    """Compare what is deployed with what is approved, and say what mends each difference.

    ```
    mcp-monitor drift
    mcp-monitor drift --by owner
    mcp-monitor drift --json | jq -r '.lines[] | select(.drift) | [.host, .server, .mend] | @tsv'
    ```

    It compares what the last look at the inventories saw; `run fleet` looks now. A server on no list is shown with the listed one that it
    is nearest to, and as LOOKALIKE where it may be taken for that one. Below stand the files by which hosts reject what is not approved,
    where they are not those of the last export: older, altered or absent.

    Exit codes: 0 nothing differs, 1 something differs that is not waived, 2 wrong usage, 3 an inventory could
    not be read, or a part of one.
    """
    from monitor.commands.drift import show_drift

    return show_drift(config, servers=server, hosts=host, by=by, everything=all, as_json=json)


def _deployed(
    *,
    config: ConfigFile,
    at: Annotated[
        str | None, Parameter(help="As it was at this time (UTC), or at the beginning of this day.", show_default=False)
    ] = None,
    by: By = None,
    server: Servers = (),
    host: Hosts = (),
    json: Json = False,
) -> int:
    """List what is deployed where, as last seen, or as it was at a time.

    ```
    mcp-monitor deployments
    mcp-monitor deployments --by server
    mcp-monitor deployments --host laptop-7 --at 2026-11-24T12:00Z
    mcp-monitor deployments --json | jq -r '.[] | select(.version == null) | .location'     # what floats
    ```

    Exit codes: 0 told, 2 wrong usage, 3 not known: no inventory was read yet, or none at that time.
    """
    from monitor.commands.deployments import show_deployments

    return show_deployments(config, servers=server, hosts=host, at=at, by=by, as_json=json)


def forget(host: str, /, *, config: ConfigFile) -> int:
    """Forget a host that is no more, and let what ran there be gone: without it a host is forgotten 30 days after its last report.

    ```
    mcp-monitor deployments forget laptop-7
    ```

    A report of it that still lies in an inventory's folder makes it known again: take that away first. The audit log tells who forgot it.

    Exit codes: 0 forgotten, 2 no such host reports.
    """
    from monitor.commands.forget import forget_host

    return forget_host(config, host)


deployments = App(name="deployments")
deployments.default(_deployed)
deployments.command(forget)
