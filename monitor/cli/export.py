"""`export allowlist`: the files by which MCP clients reject what is not approved."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json

Client = Literal["claude-code", "copilot", "vscode", "codex", "gemini", "kiro", "registry-api"]
"""The clients of `monitor.exports.clients`, here as well so that help needs none of it (a test holds the two together)."""


def allowlist(
    *,
    config: ConfigFile,
    client: Annotated[Client, Parameter(name="--for", help="The client that is to reject everything else.")],
    output: Annotated[
        Path | None,
        Parameter(
            help="The file to write, for registry-api the folder; replaced whole. Without it stdout.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Write the file with which a client rejects every server that is not approved: exactly pinned commands and addresses, no names.

    ```
    mcp-monitor export allowlist --for claude-code --output managed-settings.json
    mcp-monitor export allowlist --for registry-api --output /srv/mcp-registry
    mcp-monitor export allowlist --for codex --output requirements.toml --json | jq -r '.left_out[].server'
    ```

    Versions that are quarantined or were rejected are denied, where the client has a list for that. Each approved server that the file
    cannot allow is named on stderr. With --json stdout tells what was written, what it allows, and what it leaves out and why. What each
    client heeds, and how to roll the file out: docs/enforcement.md.

    Exit codes: 0 every approved server is in it, 1 the file is written and some are not, 2 nothing is written.
    """
    from monitor.commands.export import export_allowlist

    return export_allowlist(config, client, output, as_json=json)


export = App(name="export", help="Write what is approved in the form of the clients that enforce it.")
export.command(allowlist)
