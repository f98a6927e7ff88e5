"""requirements.txt as pip reads it (https://pip.pypa.io/en/stable/reference/requirements-file-format/): pins, side by side.

Includes are not followed. Where every line is a pin with hashes, pip itself demands that the file holds the dependencies of dependencies.
"""

import re
from collections.abc import Iterator

from connectors._dependency_files import packages
from connectors._dependency_files.graph import MAX_ENTRIES, Graph, Node, refused

SOURCE = "requirements.txt"
MAX_LINE = 100_000
COMMENT = re.compile(r"(?:^|\s)#.*")
ELSEWHERE = re.compile(r"(?:-r|-c|-e|--requirement|--constraint|--editable)\b")
OPTION = re.compile(r"\s--?[a-zA-Z]")


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad line costs itself."""
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise refused(f"{SOURCE}: {error}") from error
    nodes: dict[str, Node] = {}
    hashed = True
    for number, line in _lines(text):
        if ELSEWHERE.match(line):
            nodes[str(number)] = Node(packages.label(line), None, line)
        elif not line.startswith("-"):
            hashed = hashed and "--hash" in line
            nodes[str(number)] = _node(line, f"line {number}")
        if len(nodes) > MAX_ENTRIES:
            raise refused(f"{SOURCE}: more than {MAX_ENTRIES} lines")
    whole = hashed and bool(nodes) and all(node.purl for node in nodes.values())
    return Graph(SOURCE, nodes, whole=whole)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines without comments, each with the number of its last line."""
    joined: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        joined.append(line.removesuffix("\\"))
        if line.endswith("\\"):
            continue
        whole = COMMENT.sub("", "".join(joined)[:MAX_LINE]).strip()
        joined = []
        if whole:
            yield number, whole
    if joined:
        yield len(text.splitlines()), "".join(joined)[:MAX_LINE].strip()


def _node(line: str, place: str) -> Node:
    declared = OPTION.split(line, maxsplit=1)[0].strip()
    read = packages.requirement(declared)
    if read is None:
        return Node(packages.label(declared), None, f"{place}: {declared}")
    return Node(packages.label(read.name), packages.pinned(read), declared)
