"""Which format a lock file or an SBOM in JSON is of: its own keys say so."""

from collections.abc import Callable

import msgspec

from connectors._dependency_files import cyclonedx, package_lock, pipfile_lock, spdx
from connectors._dependency_files.graph import Graph, refused

Parse = Callable[[bytes], Graph]
KNOWN = "expected a lock file of npm, yarn, pnpm, uv, poetry or pipenv, pylock.toml, requirements.txt, or CycloneDX or SPDX as JSON"
ABSENT = msgspec.Raw(b"")


class _Shape(msgspec.Struct):
    """The keys by which the formats in JSON are told apart."""

    bom_format: str | None = msgspec.field(name="bomFormat", default=None)
    spdx_version: str | None = msgspec.field(name="spdxVersion", default=None)
    sbom: msgspec.Raw = ABSENT
    graph: msgspec.Raw = msgspec.field(name="@graph", default=ABSENT)
    lockfile_version: int | None = msgspec.field(name="lockfileVersion", default=None)
    default: msgspec.Raw = ABSENT
    meta: msgspec.Raw = msgspec.field(name="_meta", default=ABSENT)


_SHAPE = msgspec.json.Decoder(_Shape)
"""Made at import: files are read by several threads, and msgspec crashes the process where two of them first use a type at once."""


def of_json(data: bytes, name: str) -> Parse:
    """Return the reader of the document. Raises `Malformed`."""
    try:
        shape = _SHAPE.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refused(f"{name}: {error}; {KNOWN}") from error
    if shape.bom_format == "CycloneDX":
        return cyclonedx.parse
    if shape.spdx_version is not None or shape.sbom != ABSENT:
        return spdx.parse
    if shape.graph != ABSENT:
        return spdx.parse_newer
    if shape.lockfile_version is not None:
        return package_lock.parse
    if ABSENT not in (shape.meta, shape.default):
        return pipfile_lock.parse
    raise refused(f"{name}: JSON of no form that is known; {KNOWN}")
