"""Documents whose entries are read one by one, so that a bad one costs itself."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from connectors._dependency_files.graph import refused

T = TypeVar("T")
Convert = Callable[[object], T]
"""Reads a value that was decoded already. Raises `msgspec.ValidationError` and `RecursionError`."""


def converter(shape: type[T]) -> Convert[T]:
    """Return what reads plain values as that shape; for use at import.

    Files are read by several threads, and msgspec crashes the process where two of them first use a type at once: a decoder prepares it.
    """
    msgspec.json.Decoder(shape)
    return partial(msgspec.convert, type=shape)


def converted(value: object, convert: Convert[T], place: str, problems: list[str]) -> T | None:
    """Read an entry; None: it is none, which is a problem with its place."""
    try:
        return convert(value)
    except (msgspec.ValidationError, RecursionError) as error:
        problems.append(f"{place}: {error}")
        return None


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
