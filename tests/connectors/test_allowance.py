"""What bounds the work that a registry's document makes; `make bench` measures what is left of it."""

import json
from collections.abc import Callable
from urllib.parse import urldefrag, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_version
from packaging.version import InvalidVersion, Version

from connectors._edge.allowance import DESCRIBED, FREE, NAMED, Allowance
from connectors._edge.references import References
from connectors._pypi_files import Versions
from connectors.npm import parse_package
from connectors.pypi import parse_project
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed
from tests import hostile_packages

NPM, PYPI = Purl.npm("a"), Purl.pypi("a")
URL = "https://registry.example/simple/a/"
REFUSAL = "lists more files and versions than any registry describes in"
SHA256, INTEGRITY = "a" * 64, "sha512-" + "A" * 86 + "=="


def page(files: list[str], versions: list[str], size: int = 0) -> bytes:
    listed = [{"filename": name, "url": name} for name in files]
    body = {"meta": {"api-version": "1.0"}, "name": "a", "files": listed, "versions": versions}
    return json.dumps(body, separators=(",", ":")).encode().ljust(size)


def package(versions: list[str], tarball: Callable[[int], str] = str) -> bytes:
    entries = {text: {"version": text, "dist": {"tarball": tarball(at)}} for at, text in enumerate(versions)}
    return json.dumps({"name": "a", "versions": entries}, separators=(",", ":")).encode()


def plenty() -> Allowance:
    return Allowance("pypi", URL, 0, 10**9)


def left_by(body: bytes, files: int, versions: int) -> int:
    allowance = Allowance.of("pypi", URL, body)
    allowance.take(DESCRIBED * files + NAMED * versions)
    return allowance.left


def names(count: int) -> list[str]:
    return [f"{number}" for number in range(count)]


def test_a_small_page_may_list_what_it_likes() -> None:
    files = [f"a-{number}.zip" for number in range(FREE // DESCRIBED)]

    assert len(parse_project(page(files, []), PYPI, URL).listing.releases) == len(files)


@pytest.mark.parametrize(
    "body",
    [
        page([f"a-{number}.zip" for number in range(20_000)], []),
        page(["a-1.zip"], names(60_000)),
        page(["a-1.zip"], [""] * 60_000),
        page(["a-1.zip"], [f"{number}.A1" for number in range(8_000)]),
    ],
)
def test_a_page_that_lists_more_than_it_can_describe_is_refused_and_not_cut(body: bytes) -> None:
    with pytest.raises(Malformed, match=f"{REFUSAL} {len(body)} bytes"):
        parse_project(body, PYPI, URL)


def test_a_package_that_lists_more_than_it_can_describe_is_refused_and_not_cut() -> None:
    with pytest.raises(Malformed, match=REFUSAL):
        parse_package(package(names(20_000)), NPM, URL)


def test_addresses_that_have_to_be_taken_apart_count_as_entries() -> None:
    plain, odd = package(names(1_500)), package(names(1_500), lambda number: f";{number}")

    assert len(parse_package(plain, NPM, URL).releases) == 1_500
    with pytest.raises(Malformed, match=REFUSAL):
        parse_package(odd, NPM, URL)


def test_the_refusal_is_the_documents_and_not_an_entrys() -> None:
    allowance = Allowance("npm", "https://registry.example/a?token=hidden", 100, 3)

    allowance.take(3)

    with pytest.raises(Malformed, match=r"npm: https://registry\.example/a\?token=\.\.\. lists .* 100 bytes"):
        allowance.take(1)


def test_a_version_in_an_odd_spelling_counts_once_however_often_it_is_written() -> None:
    allowance = plenty()
    before = allowance.left
    versions = Versions(allowance)

    assert [versions.read("1.0-A1") for _ in range(100)] == [("1a1", "1.0a1")] * 100
    assert versions.read("1.0a1") == ("1a1", "1.0a1")
    assert before - allowance.left == NAMED


def test_a_long_version_in_an_odd_spelling_counts_as_the_work_that_it_is() -> None:
    allowance = plenty()
    before = allowance.left

    Versions(allowance).read("1!1" + ".1" * 120 + "+a")

    assert before - allowance.left == NAMED + 245 // 16


@pytest.mark.parametrize(
    ("file", "wheels"),
    [
        pytest.param({"hashes": {"sha256": SHA256}}, 1, id="the least that PEP 691 asks for, one file each"),
        pytest.param({"hashes": {"sha256": SHA256}, "requires-python": ">=3.9", "yanked": False}, 2, id="devpi"),
    ],
)
def test_the_smallest_pages_that_indexes_write_are_far_from_the_bound(file: dict[str, object], wheels: int) -> None:
    versions = [f"1.{number // 10}.{number % 10}" for number in range(3_000)]
    files = [
        {"filename": f"acme_files-{each}-cp3{kind}-none-any.whl", "url": f"acme_files-{each}-cp3{kind}-none-any.whl"}
        | file
        for each in versions
        for kind in range(wheels)
    ]
    shape = {"meta": {"api-version": "1.1"}, "name": "acme-files", "files": files, "versions": versions}
    body = json.dumps(shape, separators=(",", ":")).encode()

    listing = parse_project(body, Purl.pypi("acme-files"), URL).listing

    assert len(listing.releases) == 3_000
    assert left_by(body, len(files), len(versions)) > FREE


def test_the_smallest_package_that_a_registry_writes_is_far_from_the_bound() -> None:
    entries = {
        text: {
            "name": "acme",
            "version": text,
            "dist": {"tarball": f"https://r.example/acme/-/acme-{text}.tgz", "integrity": INTEGRITY},
        }
        for text in (f"1.{number // 10}.{number % 10}" for number in range(3_000))
    }
    body = json.dumps({"name": "acme", "versions": entries}, separators=(",", ":")).encode()

    listing = parse_package(body, Purl.npm("acme"), URL)

    assert len(listing.releases) == 3_000
    assert left_by(body, len(entries), 0) > 2 * FREE


def test_versions_whose_numbers_collide_are_told_apart_by_their_text() -> None:
    versions = [f"{1 + number * hostile_packages.SAME_HASH}" for number in range(50)]

    listing = parse_project(page([], versions), PYPI, URL).listing

    assert len({hash(Version(text)) for text in versions}) == 1
    assert len({Versions(plenty()).read(text) for text in versions}) == 50
    assert len(listing.releases) == 50


SPELLINGS = st.text(st.sampled_from("0123.!abcrvpostdev-_+lLA "), max_size=12) | st.from_regex(
    r"\A(0|1|10|01)(\.(0|00|1|10)){0,4}((a|RC|-|\.post|\.dev)[0-9]{0,2}){0,3}(\+(0|1)?l?)?\Z"
)


@given(SPELLINGS)
def test_a_version_is_read_as_pep_440_reads_it(text: str) -> None:
    try:
        version = Version(text) if text == text.strip() else None
    except InvalidVersion:
        version = None

    expected = None if version is None else (canonicalize_version(version), str(version))

    assert Versions(plenty()).read(text) == expected


BASES = st.sampled_from(["https://h.example/simple/a/", "https://h.example/", "http://h.example:8080/a/b?x=1"])
PIECES = [
    "https://",
    "http://",
    "//",
    "/",
    "../",
    "./",
    "..",
    "a",
    "b.c",
    "?q=1",
    "?",
    "#f",
    "#",
    "%20",
    ";",
    ":",
    "@",
    "[",
    "]",
    "h.example",
    "x:",
    "~",
    "+",
    "\\",
    "é",
    "f.zip",
]


@given(BASES, st.lists(st.sampled_from([*PIECES, " ", "\n"]), max_size=6).map("".join))
def test_a_reference_leads_where_the_standard_library_says(base: str, reference: str) -> None:
    references = References(base, plenty())

    try:
        expected = urljoin(base, reference)
        bare = urldefrag(expected).url if "#" in reference else expected
    except ValueError:
        with pytest.raises(ValueError, match=r"\S"):
            references.resolve(reference)
        return

    assert references.resolve(reference) == expected
    assert references.without_fragment(reference) == bare


@pytest.mark.parametrize(
    "reference",
    [
        "https://files.example/packages/ab/cd/a-1.0-py3-none-any.whl",
        "https://files.example/a-1.0.zip?token=x&y=a/b#sha256=abc",
        "../../+f/abc/0123456789abc/a-1.0%2Blocal.zip#sha256=abc",
        "/integrity/a/1.0/a-1.0.zip/provenance",
        "@scope/a/-/a-1.0.0.tgz",
        "a-1.0.zip",
    ],
)
def test_what_registries_write_costs_no_allowance(reference: str) -> None:
    allowance = Allowance("pypi", URL, 0, 0)

    address = References(URL, allowance).without_fragment(reference)

    assert address == urldefrag(urljoin(URL, reference)).url
    assert allowance.left == 0
