"""`roots show`, `roots refresh`: the files by which signatures are judged."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json


def show(*, config: ConfigFile, json: Json = False) -> int:
    """List the trust roots in use: their day, and whether they are configured, refreshed or came with the program.

    ```
    mcp-monitor roots show
    ```

    Exit codes: 0 all are young enough, 1 one is older than verification.warn_after.
    """
    from monitor.commands.roots import show_roots

    return show_roots(config, as_json=json)


def refresh(
    *,
    config: ConfigFile,
    to: Annotated[Path | None, Parameter(help="A folder in place of verification.folder.")] = None,
    json: Json = False,
) -> int:
    """Fetch the trust roots that are current, by TUF, into verification.folder; the verifier uses them when they are younger.

    ```
    mcp-monitor roots refresh
    mcp-monitor roots refresh --to /srv/roots     # for a machine without a network: copy the files, name them in [verification]
    ```

    Exit codes: 0 all are current, 2 no folder is named or others can write into it, 3 one could not be had; what was there stays.
    """
    from monitor.commands.roots import refresh_roots

    return refresh_roots(config, to=to, as_json=json)


roots = App(name="roots", help_epilogue="", help="The files by which signatures are judged.")
for command in (show, refresh):
    roots.command(command)
