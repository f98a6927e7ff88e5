"""A YAML mapping read key by key, so that every problem says where it is, what was expected, and which known key is nearest."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from connectors._reading_files.yaml_tree import Items, Node, Pairs, Scalar
from monitor.domain.server import EntryProblem

T = TypeVar("T")
MAX_TEXT = 2000
"""Characters of one value."""
SHOWN = 80


@dataclass(frozen=True, slots=True)
class Form:
    """One mapping. `prefix` leads to it from its entry (`approved.publisher.`); `problems` is shared by all forms of the entry."""

    name: str
    line: int
    prefix: str
    fields: dict[str, Node]
    lines: dict[str, int]
    """Where each key stands."""
    problems: list[EntryProblem]

    def wrong(self, key: str, message: str) -> None:
        """Add a problem at the line of the key, or of the mapping where the key is missing."""
        self.problems.append(EntryProblem(self.lines.get(key, self.line), self.name, f"{self.prefix}{key}: {message}"))

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        node = self.fields.get(key)
        return node is not None and not (isinstance(node, Scalar) and node.null)

    def read(self, key: str, reader: Callable[[str], T], expected: str) -> T | None:
        """Return the value as `reader` understands its text; None where it is absent or wrong, the latter with a problem."""
        return self._read(key, self.fields[key], reader, expected) if self.has(key) else None

    def need(self, key: str, reader: Callable[[str], T], expected: str) -> T | None:
        """As `read`, and an absent key is a problem."""
        if not self.has(key):
            self.wrong(key, f"missing; expected {expected}")
        return self.read(key, reader, expected)

    def read_all(self, key: str, reader: Callable[[str], T], expected: str) -> list[T]:
        """Return the items of a list, the good ones; each bad one is a problem."""
        node = self.fields.get(key)
        if not isinstance(node, Items):
            if self.has(key):
                self.wrong(key, f"expected a list of {expected}, got {shown(node)}")
            return []
        read = [self._read(key, item, reader, expected) for item in node.items]
        return [value for value in read if value is not None]

    def inner(self, key: str, known: Collection[str]) -> "Form | None":
        """Return the mapping under the key; None where it is absent or none."""
        if not self.has(key):
            return None
        return open_form(self.fields[key], known, name=self.name, prefix=f"{self.prefix}{key}.", problems=self.problems)

    def _read(self, key: str, node: Node, reader: Callable[[str], T], expected: str) -> T | None:
        try:
            if isinstance(node, Scalar) and not node.null and len(node.text) <= MAX_TEXT:
                return reader(node.text.strip())
            detail = ""
        except ValueError as error:
            detail = f" ({error})" if str(error) else ""
        message = f"{self.prefix}{key}: expected {expected}, got {shown(node)}{detail}"
        self.problems.append(EntryProblem(node.line, self.name, message))
        return None


def open_form(
    node: Node, known: Collection[str], *, name: str, prefix: str, problems: list[EntryProblem]
) -> Form | None:
    """Check the keys of a mapping: unknown and repeated ones are problems. None where it is no mapping."""
    if not isinstance(node, Pairs):
        where = prefix.rstrip(".") or "entry"
        message = f"{where}: expected a mapping with the keys {', '.join(known)}, got {shown(node)}"
        problems.append(EntryProblem(node.line, name, message))
        return None
    form = Form(name, node.line, prefix, {}, {}, problems)
    for key, value in node.pairs:
        text = key.text if isinstance(key, Scalar) else ""
        if text not in known:
            nearest = get_close_matches(text[:SHOWN].lower(), known, n=1, cutoff=0.5)
            hint = f"the nearest known key is {nearest[0]}" if nearest else f"known are {', '.join(known)}"
            problems.append(EntryProblem(key.line, name, f"{prefix}{text[:SHOWN] or shown(key)}: unknown key; {hint}"))
        elif text in form.fields:
            problems.append(
                EntryProblem(key.line, name, f"{prefix}{text}: given twice, first in line {form.lines[text]}")
            )
        else:
            form.fields[text] = value
            form.lines[text] = key.line
    return form


def shown(node: Node | None) -> str:
    """Say what stands there, briefly."""
    match node:
        case Scalar(text, _, _):
            return "nothing" if node.null else repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
        case Items():
            return "a list"
        case Pairs():
            return "a mapping"
        case None:
            return "nothing"
