import os
from pathlib import Path

import pytest

from connectors import dependency_file
from connectors._dependency_files.graph import MAX_PATH, MAX_UNRESOLVED
from monitor.domain.dependency import Dependencies
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed, NotFound, Unavailable
from monitor.ports.sources import Unchanged

OF = Purl.npm("@acme/files-mcp", "1.2.3")
LOCK = """{"name": "@acme/files-mcp", "version": "1.2.3", "lockfileVersion": 3, "packages": {
    "": {"name": "@acme/files-mcp", "version": "1.2.3", "dependencies": {"express": "^4.0.0"}},
    "node_modules/express": {"version": "4.18.2"}}}"""


def written(folder: Path, text: str = LOCK) -> Path:
    place = folder / "package-lock.json"
    place.write_text(text)
    return place


def read(place: Path, known: str = "") -> Dependencies:
    answer = dependency_file.build().read(place, OF, known=known)
    assert isinstance(answer, Dependencies)
    return answer


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    place = written(tmp_path)
    first = read(place)

    again = dependency_file.build().read(place, OF, known=first.stamp)
    place.write_text(LOCK.replace("4.18.2", "4.18.20"))
    changed = read(place, first.stamp)

    assert again == Unchanged()
    assert [str(each.purl) for each in changed.found] == ["pkg:npm/express@4.18.20"]
    assert changed.stamp != first.stamp


def test_a_file_that_takes_the_place_of_another_of_its_size_and_time_is_read(tmp_path: Path) -> None:
    place = written(tmp_path)
    first, state = read(place), place.stat()

    other = tmp_path / "other.json"
    other.write_text(LOCK.replace("4.18.2", "4.18.3"))
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(place)

    assert [str(each.purl) for each in read(place, first.stamp).found] == ["pkg:npm/express@4.18.3"]


def test_no_file_is_a_fact_and_no_regular_file_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(NotFound, match="no such file"):
        read(tmp_path / "uv.lock")
    with pytest.raises(NotFound):
        read(Path("uv\0.lock"))
    with pytest.raises(Unavailable, match="not a regular file"):
        read(tmp_path)
    with pytest.raises(Unavailable, match="not a regular file"):
        read(tmp_path / "pipe")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "package-lock.json"
    with place.open("wb") as file:
        file.truncate(dependency_file.MAX_BYTES + 1)

    with pytest.raises(Malformed, match="larger than"):
        read(place)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("bom.xml", '<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5"/>', "XML.*as JSON"),
        ("package.json", '{"name": "x", "dependencies": {"express": "^4"}}', "no form that is known"),
        ("notes.md", "# Notes", "no form that is known"),
        ("package-lock.json", "{", "package-lock.json"),
        ("package-lock.json", '{"lockfileVersion": "three"}', "lockfileVersion"),
        ("bom.json", '{"bomFormat": "CycloneDX", "specVersion": "2.0"}', "1.2 to 1.7 are read"),
        ("bom.json", '{"spdxVersion": "SPDX-1.2"}', "SPDX-2.2, SPDX-2.3"),
        ("uv.lock", 'version = 1\nrequires-python = ">=3.11"\npackage = "none"', "no list of tables"),
        ("uv.lock", 'requires-python = ">=3.11"\n[[package', "uv.lock: line"),
        ("pylock.toml", 'lock-version = "2.0"\n[[packages]]\nname = "x"', "1.x is read"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages: 3", "packages"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n a: b: c", "pnpm-lock.yaml: line 2"),
        ("yarn.lock", "__metadata:\n  version: 8\n\0", "yarn.lock"),
        ("requirements.txt", "", "x"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name: str, text: str, why: str) -> None:
    if not text:
        assert dependency_file.parse(b"", name, OF).found == ()
        return

    with pytest.raises(Malformed, match=why):
        dependency_file.parse(text.encode(), name, OF)


def test_the_middle_of_a_very_long_way_is_left_out() -> None:
    packages = [f'"node_modules/p{n}": {{"version": "1.0.0", "dependencies": {{"p{n + 1}": "1"}}}}' for n in range(99)]
    text = f"""{{"lockfileVersion": 3, "packages": {{
        "": {{"name": "@acme/files-mcp", "version": "1.2.3", "dependencies": {{"p0": "1"}}}},
        {", ".join(packages)}, "node_modules/p99": {{"version": "1.0.0"}}}}}}"""

    found = dependency_file.parse(text.encode(), "package-lock.json", OF).found

    assert len(found) == 100
    assert found[-1].path == (*(f"p{n}" for n in range(MAX_PATH - 2)), "…", "p99")


def test_of_very_many_that_are_not_looked_at_the_rest_is_counted() -> None:
    text = "\n".join(f"package-{number}>=1" for number in range(MAX_UNRESOLVED + 5))

    read = dependency_file.parse(text.encode(), "requirements.txt", OF)

    assert len(read.unresolved) == MAX_UNRESOLVED + 1
    assert read.unresolved[-1] == "and 5 more"
