"""A YAML text changed in few places: everything else stays as it is, byte for byte, comments and order included.

Changes are splices: characters of the text and what stands there afterwards. They are made from the parser's nodes, which know where they
begin and end; whoever edits reads the result again, and keeps it only where that says what it should.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Value: TypeAlias = "str | Sequence[str] | Mapping[str, Value]"

PLAIN = re.compile(r"[A-Za-z0-9/.][\w./@:+%-]*(?<!:)")
"""Needs no quotes where a key's value stands, unless another reader would take it for something else than a text."""
NO_TEXT = re.compile(
    r"(?i)null|true|false|yes|no|on|off|y|n|\d*\.\d*(e[-+]?\d+)?|\d+e\d+|0[xo]?[\d_a-f]+|\d+(:\d+)+|\.(inf|nan)"
)
STEP = "  "


class NotEditable(Exception):
    """The text cannot be changed so; says why, in which line, and what to do."""


@dataclass(frozen=True, slots=True)
class Splice:
    """What stands in place of the characters from `begin` to before `end`."""

    begin: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and its value. `end`: behind the value's last character, without what follows it."""

    key: ScalarNode
    value: Node
    end: int

    @property
    def begin(self) -> int:
        """Where the key begins."""
        return int(self.key.start_mark.index)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping as it stands in the text."""

    text: str
    node: MappingNode
    pairs: Mapping[str, Pair]

    @property
    def flow(self) -> bool:
        """Whether it is written in braces."""
        return bool(self.node.flow_style)

    @property
    def line(self) -> int:
        """Counted from 1."""
        return int(self.node.start_mark.line) + 1

    def text_of(self, key: str) -> str:
        """Return the text under the key; empty where there is none."""
        pair = self.pairs.get(key)
        return str(pair.value.value) if pair and isinstance(pair.value, ScalarNode) else ""


def compose(text: str) -> Node:
    """Return the text's nodes: one that `read_yaml` has read, within its limits."""
    node: Node = YAML(typ="safe", pure=True).compose(text)
    return node


def mapped(text: str, node: Node) -> Mapped:
    """Raises `NotEditable` where the node is no mapping, or its values stand elsewhere."""
    if not isinstance(node, MappingNode):
        raise NotEditable(f"line {node.start_mark.line + 1}: not a mapping")
    pairs: dict[str, Pair] = {}
    for key, value in node.value:
        colon = text.find(":", key.end_mark.index) + 1
        if value.start_mark.index < colon or not colon:
            line = key.start_mark.line + 1
            raise NotEditable(f"line {line}: {key.value} is an alias (*): write it out, or edit it by hand")
        pairs[str(key.value)] = Pair(key, value, max(colon, _end(text, value)))
    return Mapped(text, node, pairs)


def _end(text: str, node: Node) -> int:
    """Return where a node ends: the parser takes comments that follow a collection for a part of it. 0: it is empty."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(last, Node):
            return max(int(node.start_mark.index) + 1, _end(text, last))
        key, value = last
        return max(text.find(":", key.end_mark.index) + 1, _end(text, value))
    begin = node.start_mark.index
    length = len(text[begin : node.end_mark.index].rstrip())
    return begin + length if length else 0


def changed(text: str, splices: Iterable[Splice]) -> str:
    """Apply them all."""
    parts, at = [], 0
    for each in sorted(splices, key=lambda splice: (splice.begin, splice.end)):
        if each.begin < at:
            raise NotEditable("two changes meet in one place: edit it by hand")
        parts += [text[at : each.begin], each.text]
        at = each.end
    return "".join([*parts, text[at:]])


def rewrite(
    within: Mapped, wanted: Mapping[str, Value], order: Sequence[str], remove: Collection[str]
) -> Iterator[Splice]:
    """Give the keys their values, and take others away; `order` is where new ones go. A mapping that is there is changed key by key."""
    gone = [key for key in remove if key in within.pairs]
    kept = [key for key in within.pairs if key not in gone]
    if not kept:
        raise NotEditable(f"line {within.line}: nothing of the mapping would be left: edit it by hand")
    for key in gone:
        yield _without(within, key, kept)
    for key in sorted(wanted, key=list(order).index):
        if key in within.pairs:
            yield from _set(within, key, wanted[key])
        else:
            yield _add(within, key, wanted[key], order, kept)


def appended(text: str, node: Node, value: Mapping[str, Value]) -> Splice:
    """Put another item at the end of a list."""
    if not isinstance(node, SequenceNode):
        raise NotEditable(f"line {node.start_mark.line + 1}: not a list")
    begin, end = node.start_mark.index, node.end_mark.index
    if node.flow_style and node.value:
        at = node.value[-1].end_mark.index
        return Splice(at, at, f",{_break_before(text, node.value[-1])}{_flow(value)}")
    new_line = _new_line(text)
    if node.flow_style:
        # An empty list: there is no other way to write one.
        return Splice(begin, end, "".join(new_line + line for line in _item(value, STEP)))
    at = _line_end(text, _end(text, node))
    indent = " " * node.start_mark.column
    return Splice(at, at, new_line + "".join(new_line + line for line in _item(value, indent)))


def _set(within: Mapped, key: str, value: Value) -> Iterator[Splice]:
    pair, text = within.pairs[key], within.text
    begin = pair.value.start_mark.index
    if isinstance(value, Mapping) and isinstance(pair.value, MappingNode) and pair.value.value:
        inner = mapped(text, pair.value)
        surplus = [each for each in inner.pairs if each not in value]
        yield from rewrite(inner, value, tuple(value), surplus)
    elif within.flow or (isinstance(value, str) and isinstance(pair.value, ScalarNode) and begin < pair.end):
        begin = min(pair.end, begin)
        lead = "" if begin < pair.end else " "
        yield Splice(begin, pair.end, lead + (_flow(value) if within.flow else _scalar(value)))
    elif begin > _line_end(text, pair.begin) and begin < pair.end:
        # What stands behind the key in its own line is a comment.
        at = _line_end(text, pair.begin)
        lines = _lines(key, value, " " * pair.key.start_mark.column)[1:]
        yield Splice(at, pair.end, "".join(_new_line(text) + line for line in lines))
    else:
        indent = " " * pair.key.start_mark.column
        lines = _lines(key, value, indent)
        yield Splice(pair.begin, pair.end, _new_line(text).join(lines).removeprefix(indent))


def _add(within: Mapped, key: str, value: Value, order: Sequence[str], kept: Sequence[str]) -> Splice:
    before = order[: list(order).index(key)]
    behind = next((each for each in reversed(before) if each in kept), kept[-1])
    pair, text = within.pairs[behind], within.text
    if within.flow:
        quote = '"' if text[pair.begin] == '"' else ""
        return Splice(pair.end, pair.end, f",{_break_before(text, pair.key)}{quote}{key}{quote}: {_flow(value)}")
    at = _line_end(text, pair.end)
    lines = _lines(key, value, " " * pair.key.start_mark.column)
    return Splice(at, at, "".join(_new_line(text) + line for line in lines))


def _without(within: Mapped, key: str, kept: Sequence[str]) -> Splice:
    names, text = list(within.pairs), within.text
    at, pair = names.index(key), within.pairs[key]
    line_begin = text.rfind("\n", 0, pair.begin) + 1
    if not within.flow and not text[line_begin : pair.begin].strip():
        end = _line_end(text, pair.end)
        ends = re.compile(r"\r\n|\n|\r").match(text, end)
        return Splice(line_begin, ends.end() if ends else end, "")
    if any(each in kept for each in names[:at]):
        return Splice(within.pairs[names[at - 1]].end, pair.end, "")
    return Splice(pair.begin, within.pairs[names[at + 1]].begin, "")


def _lines(key: str, value: Value, indent: str) -> list[str]:
    """Write a key and its value as lines."""
    if isinstance(value, str):
        return [f"{indent}{key}: {_scalar(value)}"]
    if isinstance(value, Mapping):
        return [
            f"{indent}{key}:",
            *(line for name, each in value.items() for line in _lines(name, each, indent + STEP)),
        ]
    return [f"{indent}{key}:", *(f"{indent}{STEP}- {_scalar(each)}" for each in value)]


def _item(value: Mapping[str, Value], indent: str) -> list[str]:
    first, *rest = [line for name, each in value.items() for line in _lines(name, each, indent + STEP)]
    return [f"{indent}- {first.lstrip()}", *rest]


def _scalar(value: Value) -> str:
    text = str(value)
    plain = PLAIN.fullmatch(text) and text.isascii() and not NO_TEXT.fullmatch(text)
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())


def _flow(value: Value) -> str:
    """Write it as JSON, which is YAML."""
    plain = value if isinstance(value, str) else dict(value) if isinstance(value, Mapping) else list(value)
    return json.dumps(plain, ensure_ascii=False, default=dict)


def _line_end(text: str, at: int) -> int:
    """Where the line ends in which that character stands, before its line break."""
    found = re.compile(r"[\r\n]").search(text, at)
    return found.start() if found else len(text)


def _new_line(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _break_before(text: str, node: Node) -> str:
    """What stands between a comma and the next item: a line break where this one, too, begins its line."""
    begin = node.start_mark.index
    line_begin = max(text.rfind("\n", 0, begin), text.rfind("\r", 0, begin)) + 1
    indent = text[line_begin:begin]
    return _new_line(text) + indent if not indent.strip() else " "
