"""Lock files in YAML: as plain values, and no larger than the reader bears."""

from connectors._dependency_files.graph import refused
from connectors._reading_files.jsonc import Unreadable, Value
from connectors._reading_files.yaml_tree import plain_value, read_yaml

MAX_BYTES = 4 * 2**20
"""The reader takes a second and more for a megabyte."""


def read_tree(data: bytes, source: str) -> dict[str, Value]:
    """Return the document, which is a mapping. Raises `Malformed`."""
    if len(data) > MAX_BYTES:
        raise refused(f"{source}: larger than {MAX_BYTES} bytes")
    try:
        read = plain_value(read_yaml(data.decode().removeprefix("\ufeff")))
    except (Unreadable, UnicodeDecodeError) as error:
        raise refused(f"{source}: {error}") from error
    if not isinstance(read, dict):
        raise refused(f"{source}: no mapping")
    return read
