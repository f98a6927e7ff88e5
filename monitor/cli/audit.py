"""`audit verify`, `audit export`, `audit report`, `audit checkpoint`: the log of everything that was done."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile


def verify(
    *,
    config: ConfigFile,
    checkpoint: Annotated[
        Path | None, Parameter(help="A file that `audit checkpoint` wrote; finds truncation, too.")
    ] = None,
    checkpoints: Annotated[
        Path | None, Parameter(help="A folder of signed ones: audit.checkpoints, or a copy.")
    ] = None,
    public_key: Annotated[Path | None, Parameter(help="The key that signed them, as `audit keygen` wrote it.")] = None,
) -> int:
    """Walk the hash chain: an edit or a deletion shows; that the newest events were cut off, only against a checkpoint.

    ```
    mcp-monitor audit verify
    mcp-monitor audit verify --checkpoint /mnt/worm/2026-11-24.json
    mcp-monitor audit verify --checkpoints /mnt/worm/checkpoints --public-key audit.key.pub
    ```

    Exit codes: 0 the chain is whole, 1 it is not, 2 wrong usage, such as a key that is none.
    """
    from monitor.commands.audit import verify as walk

    return walk(config, checkpoint, checkpoints, public_key)


def export(
    *, config: ConfigFile, output: Annotated[Path | None, Parameter(help="A file; without it stdout.")] = None
) -> int:
    """Write the log as JSON lines, each with its number and hash.

    ```
    mcp-monitor audit export --output audit.jsonl
    mcp-monitor audit export | jq 'select(.event.verb == "finding.opened")'
    ```
    """
    from monitor.commands.audit import export as write

    return write(config, output)


def checkpoint(
    *, config: ConfigFile, output: Annotated[Path | None, Parameter(help="A file; without it stdout.")] = None
) -> int:
    """Write the head of the chain, to be kept where nobody who can write the database can write.

    ```
    mcp-monitor audit checkpoint --output /mnt/worm/$(date +%F).json
    ```
    """
    from monitor.commands.audit import checkpoint as write

    return write(config, output)


def keygen(
    *, out: Annotated[Path, Parameter(help="The file that gets the key; the public half goes to FILE.pub.")]
) -> int:
    """Make the key that signs checkpoints of the log (`[audit]` in the configuration).

    ```
    mcp-monitor audit keygen --out /etc/mcp-monitor/audit.key
    ```
    """
    from monitor.commands.audit import keygen as make

    return make(out)


def report(
    *,
    config: ConfigFile,
    quarter: Annotated[str, Parameter(help="The quarter, such as 2026Q4.")],
    output: Annotated[Path, Parameter(help="For html the file, for csv the folder; replaced whole.")],
    format: Annotated[  # noqa: A002 the option's name
        Literal["html", "csv"], Parameter(help="One page to read and print, or sheets with every row.")
    ] = "html",
    timezone: Annotated[str, Parameter(help="In which the quarter begins: Europe/Berlin.")] = "UTC",
) -> int:
    """Write a quarter for an auditor: what was listed, approved, deployed and used, on whose word and evidence, and what was not known.

    ```
    mcp-monitor audit report --quarter 2026Q4 --output 2026Q4.html
    mcp-monitor audit report --quarter 2026Q4 --format csv --output 2026Q4/
    ```

    Which servers accessed production, and was each approved at that moment: accessed.csv and connections.csv, or the page's part of that
    name. What the tables hold: docs/audit.md.

    Exit codes: 0 it is written, 1 it is written and the audit log does not hold, 2 nothing is written: wrong usage, a quarter that has not
    begun, a folder that holds something else.
    """
    from monitor.commands.audit_report import audit_report

    return audit_report(config, quarter, output, form=format, timezone=timezone)


audit = App(name="audit", help_epilogue="", help="Prove that the audit log is whole, and hand it out.")
for command in (verify, export, report, checkpoint, keygen):
    audit.command(command)
