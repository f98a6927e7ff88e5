"""Files of many lines, each of which is a record: no more is held of them than one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from monitor.ports.errors import Malformed


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a line, lines, and bytes of the whole."""

    line: int
    lines: int
    size: int


def numbered_lines(file: BinaryIO, limits: Limits, source: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers. Of a line that is too long, the beginning; the rest is passed over.

    Raises Malformed in the name of `source` where the whole is too large.
    """
    number = size = 0
    while line := file.readline(limits.line + 2):
        rest = line
        size += len(line)
        while not rest.endswith(b"\n") and (rest := file.readline(limits.line)):
            size += len(rest)
            _bounded(size, number, limits, source)
        number += 1
        _bounded(size, number, limits, source)
        line = line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n") if number == 1 else line.removesuffix(b"\n")
        if line.strip():
            yield number, line


def _bounded(size: int, number: int, limits: Limits, source: str) -> None:
    if size > limits.size:
        raise Malformed(source, f"over {limits.size} bytes")
    if number > limits.lines:
        raise Malformed(source, f"over {limits.lines} lines")
