"""`submit`, `submissions`, `retire`: a server's way into the registry, and out of it."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from monitor.cli.options import ConfigFile, Json


def submit(
    manifest: Annotated[
        Path | None, Parameter(help="A server.json, as in the MCP registry; or say it with options.")
    ] = None,
    /,
    *,
    config: ConfigFile,
    owner: Annotated[str, Parameter(help="Who will answer for it here.")],
    purpose: Annotated[str, Parameter(help="What it is needed for.")],
    scope: Annotated[
        tuple[str, ...], Parameter(help="What it is to be allowed: data, systems; may be repeated.", show_default=False)
    ] = (),
    tier: Annotated[Literal[1, 2, 3], Parameter(help="How critical it will be: 1 is most critical.")] = 2,
    name: Annotated[
        str, Parameter(help="Its name as in the MCP registry: io.github.owner/name.", show_default=False)
    ] = "",
    package: Annotated[str, Parameter(help="Its package URL, without a version.", show_default=False)] = "",
    remote: Annotated[str, Parameter(help="The address of a server that somebody else runs.", show_default=False)] = "",
    version: Annotated[str, Parameter(help="The version that is asked for.", show_default=False)] = "",
    repository: Annotated[str, Parameter(help="Where its source is: owner/name at GitHub.", show_default=False)] = "",
    staging: Annotated[bool, Parameter(help="Only to be tried: no export allows it.", show_default=False)] = False,
) -> int:
    r"""Ask that a server be listed: the next run collects the evidence and opens the ticket in which it is decided.

    ```
    mcp-monitor submit server.json --owner platform --purpose "search our wiki" --scope "read wiki"
    mcp-monitor submit --name io.github.acme/files --package pkg:npm/%40acme/files-mcp --version 1.4.2 \
        --repository acme/files-mcp --owner platform --purpose "read shared folders" --tier 1
    ```

    You are known by your account on this machine, which has to stand in [people]; who submits a server does not approve it.
    """
    from monitor.commands.submit import Asked
    from monitor.commands.submit import submit as keep

    given = {"name": name, "package": package, "remote": remote, "version": version, "repository": repository}
    return keep(config, Asked(manifest, given, owner, tier, purpose, scope, staging))


def submissions(*, config: ConfigFile, json: Json = False) -> int:
    """List what was submitted, and at which stage it is: submitted, in-review, staging, approved, rejected.

    ```
    mcp-monitor submissions
    ```
    """
    from monitor.commands.submit import show

    return show(config, as_json=json)


def retire(
    server: Annotated[str, Parameter(help="Its name in the registry.")],
    /,
    *,
    config: ConfigFile,
    reason: Annotated[str, Parameter(help="Why: it is written beside the entry.")],
) -> int:
    """Take a server's approval out of the registry; the entry stays, as retired. Only for approvers.

    ```
    mcp-monitor retire io.github.acme/old --reason "replaced by io.github.acme/new"
    ```
    """
    from monitor.commands.submit import retire as take_out

    return take_out(config, server, reason=reason)
