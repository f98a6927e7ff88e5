"""Lock files in TOML: the tables of their packages, each of which may be a bad one."""

from collections.abc import Iterator
from typing import TypeVar

from connectors._dependency_files.graph import MAX_ENTRIES, refused
from connectors._dependency_files.records import Convert, converted
from connectors._reading_files.document import read_toml
from connectors._reading_files.jsonc import Unreadable

T = TypeVar("T")
MAX_BYTES = 16 * 2**20
"""tomllib reads two megabytes a second."""


def read_tables(data: bytes, source: str) -> dict[str, object]:
    """Return the document. Raises `Malformed`."""
    if len(data) > MAX_BYTES:
        raise refused(f"{source}: larger than {MAX_BYTES} bytes")
    try:
        return read_toml(data.decode().removeprefix("\ufeff"))
    except (Unreadable, UnicodeDecodeError) as error:
        raise refused(f"{source}: {error}") from error


def entries(value: object, convert: Convert[T], *, place: str, problems: list[str]) -> Iterator[T]:
    """Yield the good ones of a list of tables; each bad one is a problem with its place. Raises `Malformed`."""
    if not isinstance(value, list):
        raise refused(f"{place}: no list of tables")
    if len(value) > MAX_ENTRIES:
        raise refused(f"{place}: more than {MAX_ENTRIES} entries")
    for number, entry in enumerate(value):
        read = converted(entry, convert, f"{place}[{number}]", problems)
        if read is not None:
            yield read
