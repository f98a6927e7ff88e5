"""`verify`: tells whether a version, or a file, is what its publisher built."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from monitor.cli.options import ConfigFile, Json


def verify(
    what: Annotated[str, Parameter(help="A package URL with its version, a file, or with --recorded a server.")],
    version: Annotated[str, Parameter(help="With --recorded only.", show_default=False)] = "",
    /,
    *,
    config: ConfigFile,
    recorded: Annotated[
        bool, Parameter(help="Decide again what is kept, without a network.", show_default=False)
    ] = False,
    bundle: Annotated[Path | None, Parameter(help="What lies beside the file and vouches for it.")] = None,
    purl: Annotated[
        str, Parameter(help="Demand that the file be of this version: pkg:npm/name@1.2.3.", show_default=False)
    ] = "",
    repository: Annotated[
        str, Parameter(help="Demand this builder: owner/name at GitHub, or an address.", show_default=False)
    ] = "",
    workflow: Annotated[str, Parameter(help="Demand this workflow: release.yml.", show_default=False)] = "",
    json: Json = False,
) -> int:
    """Tell whether a version, or a file, is what its publisher built, in words for a reviewer. Nothing is kept.

    ```
    # ask the sources now, and compare with what was approved
    mcp-monitor verify pkg:npm/%40acme/files-mcp@1.4.3
    mcp-monitor verify pkg:pypi/acme-fetch-mcp@2.0.1 --json | jq .sentence
    # a file with what lies beside it; the builder is demanded
    mcp-monitor verify forge.tgz --bundle forge.sigstore.json --repository acme/forge
    # decide again what was recorded, offline, under the roots of then
    mcp-monitor verify --recorded io.github.acme/files-mcp 1.4.3
    ```

    A file is hashed and never opened otherwise. What vouches for it is a sigstore bundle, JSON lines of bundles, a PyPI provenance
    object, or a list of attestations as npm or GitHub serve it: the form is told by its shape.

    Exit codes: 0 it holds, 1 it does not (forged, lost, by another publisher, or demanded and absent; a recorded verdict that differs when
    it is decided again), 2 wrong usage, 3 it could not be told or had. Here 1 wins over 3: one claim that fails decides. Somebody has to
    vouch for every file, unless the registry's entry for the package demands less.
    """
    from monitor.commands.verify import Asked
    from monitor.commands.verify import verify as answer

    asked = Asked(what, version, recorded, bundle, purl, repository, workflow, as_json=json)
    return answer(config, asked)
