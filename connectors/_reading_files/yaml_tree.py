"""YAML as a tree of texts with line numbers, built from the parser's events: nothing is constructed, whatever a tag says.

Limits: depth, number of aliases, and the size that the tree has once its aliases are written out.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from connectors._reading_files.jsonc import Unreadable, Value

MAX_DEPTH = 32
MAX_ALIASES = 1000
MAX_NODES = 400_000

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text. `plain`: written without quotes, so that it may mean null, true or false."""

    text: str
    plain: bool
    line: int

    @property
    def null(self) -> bool:
        """Whether nothing was written."""
        return self.plain and self.text in NULLS


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping in the order of the file, repeated keys included."""

    pairs: tuple[tuple["Node", "Node"], ...]
    line: int


Node: TypeAlias = Scalar | Items | Pairs


@dataclass(slots=True)
class _Open:
    """A collection whose end was not seen yet. `size` and `depth` count its aliases written out."""

    mapping: bool
    line: int
    anchor: str | None  # None: it has no anchor
    children: list[Node] = field(default_factory=list)
    size: int = 1
    depth: int = 1


def read_yaml(text: str) -> Node:
    """Read one document; an empty text is a null. Raises Unreadable."""
    try:
        return _build(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable(line, str(error.problem or "not YAML").partition("\n")[0]) from error
    except (YAMLError, ValueError, OverflowError, IndexError, AttributeError, AssertionError) as error:
        # The scanner lets errors of its own arithmetic escape on hostile escapes and directives.
        raise Unreadable(1, f"not YAML: {str(error).partition(chr(10))[0]}") from error


def _build(text: str) -> Node:
    reader = YAML(typ="safe", pure=True)
    anchors: dict[str, tuple[Node, int, int]] = {}
    stack = [_Open(mapping=False, line=1, anchor=None)]
    aliases = documents = 0
    for event in reader.parse(text):
        line = event.start_mark.line + 1
        documents += isinstance(event, DocumentStartEvent)
        aliases += isinstance(event, AliasEvent)
        if documents > 1 or aliases > MAX_ALIASES:
            raise Unreadable(line, "a second document" if documents > 1 else f"more than {MAX_ALIASES} aliases")
        read = _node(event, line, stack, anchors)
        if read is None:
            continue
        node, size, depth = read
        parent = stack[-1]
        parent.children.append(node)
        parent.size += size
        parent.depth = max(parent.depth, depth + 1)
        if parent.size > MAX_NODES or len(stack) + depth > MAX_DEPTH + 1:
            raise Unreadable(line, f"deeper than {MAX_DEPTH} levels, or more than {MAX_NODES} values")
    return stack[0].children[0] if stack[0].children else Scalar("", plain=True, line=1)


def _node(
    event: Event, line: int, stack: list[_Open], anchors: dict[str, tuple[Node, int, int]]
) -> tuple[Node, int, int] | None:
    """Return a node that is complete with this event, its size and depth; None where none is."""
    if isinstance(event, SequenceStartEvent | MappingStartEvent):
        stack.append(_Open(isinstance(event, MappingStartEvent), line, event.anchor))
        if len(stack) > MAX_DEPTH + 1:
            raise Unreadable(line, f"deeper than {MAX_DEPTH} levels")
        return None
    if isinstance(event, AliasEvent):
        if event.anchor not in anchors:
            raise Unreadable(line, f"the alias *{event.anchor} refers to nothing above it")
        return anchors[event.anchor]
    if isinstance(event, ScalarEvent):
        plain = event.style in {None, ""} and event.tag is None
        read: tuple[Node, int, int] = (Scalar(event.value, plain, line), 1, 1)
        anchor: str | None = event.anchor
    elif isinstance(event, SequenceEndEvent | MappingEndEvent):
        done = stack.pop()
        children = done.children
        whole = Pairs(tuple(zip(children[::2], children[1::2], strict=True)), done.line) if done.mapping else None
        read = (whole or Items(tuple(children), done.line), done.size, done.depth)
        anchor = done.anchor
    else:
        return None
    if anchor:
        anchors[anchor] = read
    return read


def plain_value(node: Node) -> Value:
    """Return the tree without line numbers; of repeated keys the last one counts."""
    match node:
        case Scalar(text, plain, _):
            return None if node.null else BOOLEANS.get(text, text) if plain else text
        case Items(items, _):
            return [plain_value(item) for item in items]
        case Pairs(pairs, _):
            return {key.text: plain_value(value) for key, value in pairs if isinstance(key, Scalar)}
