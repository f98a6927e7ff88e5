"""JSON documents whose entries are read one by one, so that a bad one costs itself."""

from typing import TypeVar

import msgspec

from connectors._dependency_files.graph import refused

T = TypeVar("T")


def document(data: bytes, decoder: msgspec.json.Decoder[T], source: str) -> T:
    """Read the whole, its entries raw. Raises `Malformed`."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refused(f"{source}: {error}") from error


def record(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T], place: str, problems: list[str]) -> T | None:
    """Read an entry; None: it is none, which is a problem with its place."""
    try:
        return decoder.decode(raw)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        problems.append(f"{place}: {error}")
        return None
