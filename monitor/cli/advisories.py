"""`advisories` and `exposure`: known flaws, and who had them."""

from typing import Annotated

from cyclopts import Parameter

from monitor.cli.options import ConfigFile, Json, Servers


def advisories(*, config: ConfigFile, server: Servers = (), json: Json = False) -> int:
    """List the known flaws and malware in what is approved, deployed or under review, and in what that brings along; worst first.

    ```
    mcp-monitor advisories
    mcp-monitor advisories --server io.github.acme/files
    mcp-monitor advisories --json | jq -r '.advisories[] | [.severity, .server, .subject] | @tsv'
    ```

    It shows what the last look found, and when each source answered; `run advisories` asks now.

    Exit codes: 0 every source answered when it was asked last, 2 wrong usage, 3 one did not: what it knows is missing.
    """
    from monitor.commands.advisories import show_advisories

    return show_advisories(config, servers=server, as_json=json)


def exposure(
    what: Annotated[str, Parameter(help="An advisory's id, or a package with versions: pkg:npm/name@>=1.2,<1.4.")],
    /,
    *,
    config: ConfigFile,
    between: Annotated[
        tuple[str, str] | None,
        Parameter(help="Two days or times (UTC): only who had it in between.", show_default=False),
    ] = None,
    json: Json = False,
) -> int:
    """Tell who had it, where, from when to when, by which path, and what was done: from what was seen at the time.

    ```
    mcp-monitor exposure GHSA-3q8p-7wr3-m4vx
    mcp-monitor exposure 'pkg:npm/%40acme/files-mcp@>=1.4.0,<1.4.3' --between 2026-11-01 2026-11-24
    mcp-monitor exposure pkg:pypi/requests@2.31.0 --json | jq -r '.exposures[].where'
    ```

    What ran is known from the inventories, what was brought along from lock files, SBOMs and the registries. What floated, versions
    that cannot be compared, and what is declared without a version are shown as "perhaps".

    Exit codes: 0 nobody had it, 1 somebody had it, 2 wrong usage, 3 not known: only "perhaps", an inventory that was not read, a
    server of which nobody knows all that it brings along, a time before the first inventory, or no such record is kept.
    """
    from monitor.commands.exposure import show_exposure

    return show_exposure(config, what, between=between, as_json=json)
