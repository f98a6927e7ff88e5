"""A registry of another kind as it lies on the disk: one file of JSON or JSON lines, or a folder of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from connectors._reading_files.document import LIMITS, read_document
from connectors._reading_files.jsonc import Unreadable, Value
from connectors._reading_files.opening import opened
from monitor.domain.server import EntryProblem
from monitor.ports.errors import Malformed, SourceError, Unavailable

MAX_FILES = 20_000
MAX_BYTES = 64 * 2**20
"""Of a folder as a whole."""


@dataclass(frozen=True, slots=True)
class Document:
    """One JSON value, where it stands, and the text that it was read from."""

    value: Value
    place: str
    """The file, where the registry is a folder; else empty."""
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that was read. `sha256` covers every byte and every file's name."""

    path: Path
    sha256: str
    documents: tuple[Document, ...]
    problems: tuple[EntryProblem, ...]


def read_listing(path: Path, *, source: str) -> Listing:
    """Read the file, or every `.json` and `.jsonl` file below the folder. Raises `Unavailable` and `Malformed` for the whole."""
    if not path.is_dir():
        data = _bytes(path, source)
        documents, problems = _documents(data, path, "")
        if not documents:
            raise Malformed(source, f"{path}: {problems[0].message if problems else 'it is empty'}")
        return Listing(path, sha256(data).hexdigest(), documents, problems)
    names = sorted(islice(_names(path), MAX_FILES + 1))
    if len(names) > MAX_FILES:
        raise Malformed(source, f"{path}: more than {MAX_FILES} files")
    if not names:
        raise Malformed(source, f"{path}: no .json or .jsonl file in it")
    whole, size = sha256(), 0
    found: list[Document] = []
    wrong: list[EntryProblem] = []
    for name in names:
        place = name.relative_to(path).as_posix()
        try:
            data = _bytes(name, source)
        except SourceError as error:
            wrong.append(EntryProblem(1, place, error.detail))
            continue
        size += len(data)
        if size > MAX_BYTES:
            raise Malformed(source, f"{path}: over {MAX_BYTES} bytes in all")
        whole.update(place.encode("utf-8", "surrogateescape") + b"\0" + sha256(data).digest())
        documents, problems = _documents(data, name, place)
        found += documents
        wrong += problems
    return Listing(path, whole.hexdigest(), tuple(found), tuple(wrong))


def _names(folder: Path) -> Iterator[Path]:
    return (name for name in folder.rglob("*") if name.suffix in {".json", ".jsonl"} and not name.name.startswith("."))


def _bytes(path: Path, source: str) -> bytes:
    try:
        with opened(path, source=source) as file:
            data = file.read(LIMITS["json"] + 1)
    except SourceError as error:
        raise Unavailable(source, f"{error.detail}; set registry.path to a file or folder that can be read") from error
    except OSError as error:
        raise Unavailable(source, f"{path} cannot be read: {error.strerror}") from error
    if len(data) > LIMITS["json"]:
        raise Malformed(source, f"{path}: over {LIMITS['json']} bytes")
    return data


def _documents(data: bytes, path: Path, place: str) -> tuple[tuple[Document, ...], tuple[EntryProblem, ...]]:
    """Return the values of one file; a line of JSON lines that cannot be read costs itself."""
    parts = list(enumerate(data.split(b"\n"), start=1)) if path.suffix == ".jsonl" else [(1, data)]
    found: list[Document] = []
    problems: list[EntryProblem] = []
    for line, part in parts:
        try:
            value = read_document(part, "json")
        except Unreadable as error:
            at = line + error.line - 1
            problems.append(EntryProblem(at, place or path.name, f"no JSON: {error.detail}"))
            continue
        if value is not None:
            found.append(Document(value, place, line, part.decode("utf-8", "replace")))
    return tuple(found), tuple(problems)


class Lines:
    """Finds on which line of a document each entry stands: by its name, from where the last one was found on."""

    def __init__(self, document: Document) -> None:
        """Begin at the document's beginning."""
        self._text, self._line, self._at = document.text, document.line, 0

    def of(self, name: str) -> int:
        """Return the line of the next place where the name is written as a text; the last one found where there is none."""
        found = self._text.find(f'"{name}"', self._at)
        if found >= 0:
            self._line += self._text.count("\n", self._at, found)
            self._at = found
        return self._line
