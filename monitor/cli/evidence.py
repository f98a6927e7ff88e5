"""`evidence`: all that is kept of a version, for an auditor, and its verification."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json


def export(
    server: Annotated[str, Parameter(help="The server's name in the registry.")],
    version: Annotated[str, Parameter(help="The version, as published.")],
    /,
    *,
    config: ConfigFile,
    output: Annotated[Path, Parameter(help="The zip file to write; replaced whole.")],
) -> int:
    """Write everything that is kept of one version of one server into one zip file, which `evidence verify` decides again anywhere.

    ```
    mcp-monitor evidence io.github.acme/files-mcp 1.4.3 --output files-1.4.3.zip
    ```

    In it: raw documents and bundles, trust roots, verdicts, advisories, dependencies, the review with its votes and ticket, the states of
    the registry's entry, waivers, and the audit log's events with their place in it. The log holds events about other servers, too.

    Exit codes: 0 it is written, 2 wrong usage, 3 nothing is kept of that version.
    """
    from monitor.commands.evidence import export as write

    return write(config, server, version, output)


def verify(
    file: Annotated[Path, Parameter(help="A file that `evidence` wrote.")],
    /,
    *,
    checkpoint: Annotated[Path | None, Parameter(help="A file that `audit checkpoint` wrote, kept by you.")] = None,
    checkpoints: Annotated[Path | None, Parameter(help="A folder of signed ones.")] = None,
    public_key: Annotated[
        Path | None,
        Parameter(help="The key that signed them, and the one that is enclosed; as `audit keygen` wrote it."),
    ] = None,
    root: Annotated[
        tuple[str, ...],
        Parameter(help="The sha256, or the file, of a trust root that you trust; may be repeated.", show_default=False),
    ] = (),
    json: Json = False,
) -> int:
    """Decide an evidence file again with nothing but itself: no configuration, no database, no network.

    ```
    mcp-monitor evidence verify files-1.4.3.zip
    mcp-monitor evidence verify files-1.4.3.zip --public-key audit.key.pub
    ```

    Every member's digest, every verdict under the enclosed trust roots, the log's hashes and places, that each vote stands in the log, that
    who the registry names has voted, and that the approved digests are those of the verified files. A trust root has to be one that this
    program has, or that you name. "told" is what no file can prove of itself: compare the log's head with a checkpoint.

    Exit codes: 0 everything holds, 1 something does not, 2 wrong usage, 3 something could not be told. Here 1 wins over 3.
    """
    from monitor.commands.evidence import Anchors
    from monitor.commands.evidence import verify as decide

    return decide(file, Anchors(checkpoint, checkpoints, public_key, root), as_json=json)


evidence = App(name="evidence", help_epilogue="", help=export.__doc__)
evidence.default(export)
evidence.command(verify)
