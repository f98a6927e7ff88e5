import json
import operator
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._osv_record import parse_record
from monitor.domain.advisory import Advisory, Affected, Event
from monitor.domain.purl import Purl
from monitor.domain.version_range import compare, is_affected, is_prerelease, parse_constraint, same_line
from tests import corpus

OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
PURLS = {"npm": Purl.npm, "PyPI": Purl.pypi}
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
PACKAGE = Purl.npm("acme")


def advisory(*ranges: tuple[Event, ...], versions: tuple[str, ...] = (), package: Purl = PACKAGE) -> Advisory:
    affected = Affected(package, frozenset(versions), ranges)
    return Advisory("GHSA-xxxx", (), "", (affected,), None, None, modified_at=SOME_DAY)


def events(**bounds: str) -> tuple[Event, ...]:
    return tuple(Event(kind, version) for kind, version in bounds.items())


def records(*names: str) -> dict[str, Advisory]:
    osv = corpus.path("osv")
    bodies = [path.read_bytes() for name in names for path in sorted((osv / name).glob("*.json"))]
    bodies += (osv / "transcribed.jsonl").read_bytes().splitlines()
    # Two made records are malformed on purpose; those are tested with the parser.
    kept = [body for body in bodies if b'"id": ""' not in body and b"SYN-2026-0023" not in body]
    return {read.id: read for read in map(parse_record, kept)}


@pytest.mark.parametrize("name", ["vectors.jsonl", "synthetic.vectors.jsonl", "transcribed.vectors.jsonl"])
def test_every_vector_of_real_advisories_is_decided_as_expected(name: str) -> None:
    vectors = [json.loads(line) for line in (corpus.path("osv") / name).read_text("utf-8").splitlines()]
    known = records("records", "synthetic")

    wrong = []
    counts: Counter[tuple[str, bool]] = Counter()
    for vector in vectors:
        purl = PURLS[vector["ecosystem"]](vector["package"], vector["version"])
        decided = is_affected(known[vector["osv_id"]], purl)
        counts[(vector["ecosystem"], vector["affected"])] += 1
        if decided is not vector["affected"]:
            wrong.append((vector, decided))

    print(f"\n{name}: {sum(counts.values())} vectors, {len(wrong)} wrong; {dict(counts)}")  # noqa: T201  (the counts are the report)
    assert wrong == []
    assert len(vectors) > 40


def ordered_lines(path: Path) -> Iterator[tuple[str, str, str]]:
    for line in path.read_text("utf-8").splitlines():
        read = re.fullmatch(r"(\S+) (<|<=|>|>=|=) (\S+)", line.strip())
        if read:
            yield read[1], read[2], read[3]


@pytest.mark.parametrize(
    ("type_", "name", "least"),
    [
        ("pypi", "pypi-versions-generated.txt", 12_000),
        ("pypi", "pypi-versions.txt", 20),
        ("npm", "semver-versions.txt", 70),
    ],
)
def test_the_order_agrees_with_the_tools_of_osv_wherever_both_versions_parse(type_: str, name: str, least: int) -> None:
    lines = list(ordered_lines(corpus.path("versions/osv-semantic") / name))

    decided = [(a, sign, b, order) for a, sign, b in lines if (order := compare(type_, a, b)) is not None]

    print(f"\n{name}: {len(decided)} of {len(lines)} lines comparable")  # noqa: T201  (the counts are the report)
    assert [line for line in decided if not OPERATORS[line[1]](line[3], 0)] == []
    assert len(decided) > least


def test_pep_440_sorts_as_its_reference_does() -> None:
    ordering = json.loads(corpus.path("versions/pep440/ordering.json").read_text("utf-8"))
    ascending = ordering["ascending"]

    neighbours = [(a, b) for a, b in pairwise(ascending) if compare("pypi", a, b) != -1]

    assert neighbours == []
    assert [text for text in ordering["invalid"] if compare("pypi", text, text) is not None] == []
    assert [pair for pair in [*ordering["normal_form"], *ordering["equal"]] if compare("pypi", *pair) != 0] == []


def test_semver_sorts_as_npm_does() -> None:
    pairs = json.loads(corpus.path("versions/node-semver/comparisons.json").read_text("utf-8"))

    compared = [(pair, compare("npm", pair[0], pair[1])) for pair in pairs]

    assert [pair for pair, order in compared if order not in {1, None}] == []
    assert sum(order == 1 for _, order in compared) > 30


def test_ranges_are_decided_by_order_where_range_libraries_hide_pre_releases() -> None:
    traps = json.loads(corpus.path("versions/range-traps.json").read_text("utf-8"))

    wrong = [trap for trap in traps if in_range(trap) is not trap["by_ordering"]]

    assert wrong == []
    assert len(traps) == 35


def in_range(trap: dict[str, str]) -> bool:
    type_ = PURLS[trap["ecosystem"]]("acme").type
    bounds = re.findall(r"(<=|>=|<|>)([^\s,<>=]+)", trap["range"])
    orders = [(sign, compare(type_, trap["version"], bound)) for sign, bound in bounds]
    return all(order is not None and OPERATORS[sign](order, 0) for sign, order in orders)


def test_a_pre_release_of_the_fixed_version_is_affected() -> None:
    record = advisory(events(introduced="0", fixed="2.0.0"))

    decided = {version: is_affected(record, PACKAGE.at(version)) for version in ("2.0.0-rc.1", "2.0.0", "2.0.1-rc.1")}

    assert decided == {"2.0.0-rc.1": True, "2.0.0": False, "2.0.1-rc.1": False}


def test_zero_as_a_bound_is_below_every_version() -> None:
    record = advisory(events(introduced="0"), package=Purl.pypi("acme"))

    assert is_affected(record, Purl.pypi("acme", "0.dev1")) is True


def test_another_package_is_not_named() -> None:
    assert is_affected(advisory(events(introduced="0")), Purl.npm("@acme/acme", "1.0.0")) is False


@pytest.mark.parametrize("version", ["latest", "1.2", "1.0.0 || 2.0.0", "", "1.٣.0", "1." + "0" * 300])
def test_a_version_that_does_not_parse_is_undecided_and_not_clean(version: str) -> None:
    assert is_affected(advisory(events(introduced="0")), PACKAGE.at(version)) is None


def test_a_version_that_does_not_parse_is_affected_when_it_is_listed_word_for_word() -> None:
    record = advisory(versions=("2.10.0-NA", "nightly"))

    assert is_affected(record, PACKAGE.at("nightly")) is True


@pytest.mark.parametrize(
    "bounds",
    [
        events(introduced="<2.5.0"),
        events(introduced="0", fixed="19.0"),
        (Event("introduced", "0"), Event("unsupported", "CALVER")),
        events(introduced="0", limit="soon"),
    ],
)
def test_a_bound_that_cannot_be_read_leaves_its_range_undecided(bounds: tuple[Event, ...]) -> None:
    assert is_affected(advisory(bounds), PACKAGE.at("1.0.0")) is None


def test_a_range_that_can_be_read_decides_beside_one_that_cannot() -> None:
    record = advisory(events(introduced="nonsense"), events(introduced="1.0.0", fixed="2.0.0"))

    assert is_affected(record, PACKAGE.at("1.5.0")) is True
    assert is_affected(record, PACKAGE.at("2.5.0")) is None


def test_a_package_of_a_type_without_an_order_and_a_package_without_a_version_are_undecided() -> None:
    record = advisory(events(introduced="0"))

    assert is_affected(record, PACKAGE) is None
    assert is_affected(record, Purl.github("acme/files", "v1.0.0")) is None
    assert compare("oci", "1.0.0", "1.0.0") is None


@pytest.mark.parametrize(
    ("type_", "a", "b", "expected"),
    [
        ("npm", "1.0.0", "1.9.3", True),
        ("npm", "1.0.0", "2.0.0", False),
        ("npm", "1.0.0", "1.1.0-rc.1", False),
        ("npm", "1.1.0-beta.1", "1.2.0-rc.1", True),
        ("npm", "1.0", "1.0", False),
        ("pypi", "1.0", "1.5.post1", True),
        ("pypi", "1.0", "1!1.0", False),
        ("pypi", "1.0", "1.1.dev3", False),
        ("github", "v1.0.0", "v1.2.0", True),
        ("github", "nightly", "nightly", False),
    ],
)
def test_a_line_is_a_major_version_and_its_pre_releases_are_apart(type_: str, a: str, b: str, expected: bool) -> None:  # noqa: FBT001  (a table)
    assert same_line(type_, a, b) is expected


def test_a_pre_release_is_known_by_its_version() -> None:
    marked = [is_prerelease("npm", "1.0.0-0"), is_prerelease("pypi", "1.0.dev1"), is_prerelease("pypi", "1.0rc1")]
    unmarked = [is_prerelease("npm", "1.0.0+rc.1"), is_prerelease("pypi", "1.0.post1"), is_prerelease("npm", "beta")]

    assert all(marked)
    assert not any(unmarked)


NPM_VERSIONS = st.from_regex(r"\A(0|[1-9][0-9]?)\.(0|[1-9])\.(0|[1-9])(-(a|b|0|1|10)(\.(a|0|2))?)?\Z")
PYPI_VERSIONS = st.from_regex(r"\A(1!)?[0-9]\.[0-9]{1,2}((a|rc)[0-9])?(\.post[0-9])?(\.dev[0-9])?\Z")


@given(st.one_of(st.tuples(st.just("npm"), *[NPM_VERSIONS] * 3), st.tuples(st.just("pypi"), *[PYPI_VERSIONS] * 3)))
def test_the_order_is_total_and_consistent(drawn: tuple[str, str, str, str]) -> None:
    type_, a, b, c = drawn
    forth, back, onward, across = (compare(type_, *pair) for pair in ((a, b), (b, a), (b, c), (a, c)))

    assert forth is not None
    assert back == -forth
    if forth == onward:
        assert across == forth


@given(st.sampled_from(["npm", "pypi", "github"]), st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_an_answer(type_: str, a: str, b: str) -> None:
    record = advisory((Event("introduced", a), Event("fixed", b)), versions=(b,), package=Purl(type_, None, "acme"))

    assert compare(type_, a, b) in {-1, 0, 1, None}
    assert is_affected(record, Purl(type_, None, "acme", a)) in {True, False, None}
    assert same_line(type_, a, b) in {True, False}


@given(
    st.one_of(
        st.tuples(st.just("npm"), NPM_VERSIONS, st.lists(NPM_VERSIONS | st.just("nightly"), max_size=8)),
        st.tuples(st.just("pypi"), PYPI_VERSIONS, st.lists(PYPI_VERSIONS | st.just("nightly"), max_size=8)),
    )
)
def test_a_listed_version_is_any_that_is_equal_in_order(drawn: tuple[str, str, list[str]]) -> None:
    type_, version, listed = drawn
    package = Purl(type_, None, "acme")
    record = advisory(versions=tuple(listed), package=package)

    assert is_affected(record, package.at(version)) is any(compare(type_, each, version) == 0 for each in listed)


def test_a_long_list_is_parsed_once_for_all_the_versions_that_are_compared_with_it() -> None:
    listed = tuple(f"1.{minor}.{patch}" for minor in range(20) for patch in range(1000))
    record = advisory(versions=listed)
    is_affected(record, PACKAGE.at("0.0.1"))

    before = time.process_time()
    decided = [is_affected(record, PACKAGE.at(f"2.0.{patch}")) for patch in range(200)]
    spent = time.process_time() - before

    assert not any(decided)
    assert spent < 2  # parsing them each time takes over ten seconds


@given(st.permutations(events(introduced="1.0.0", fixed="1.5.0") + events(introduced="2.0.0", last_affected="2.1.0")))
def test_the_order_in_which_events_are_listed_does_not_matter(shuffled: list[Event]) -> None:
    record = advisory(tuple(shuffled))

    decided = [
        is_affected(record, PACKAGE.at(version)) for version in ("0.9.0", "1.4.9", "1.5.0", "2.0.0", "2.1.0", "2.1.1")
    ]

    assert decided == [False, True, False, True, True, False]


def test_versions_whose_numbers_share_one_hash_are_told_apart() -> None:
    # Python hashes whole numbers modulo 2**61 - 1: as keys of a set, these would be compared each with each.
    prime = 2**61 - 1
    package = Purl.pypi("pkg")
    colliding = advisory(versions=tuple(f"1.{place * prime}.0" for place in range(3_000)), package=package)

    assert is_affected(colliding, package.at(f"1.{prime}")) is True
    assert is_affected(colliding, package.at("1.5")) is False


# --- constraints that people write


@pytest.mark.parametrize(
    ("type_", "constraint", "within", "without"),
    [
        ("npm", ">=1.2.0,<1.4.0", ["1.2.0", "1.3.9", "1.4.0-rc.1"], ["1.1.9", "1.4.0"]),
        ("npm", "1.2.3", ["1.2.3"], ["1.2.4"]),
        ("npm", "<1.0.0 || >= 2.0.0", ["0.9.0", "2.0.0"], ["1.5.0"]),
        ("npm", "!=1.0.0,<=2.0.0", ["1.5.0", "2.0.0"], ["1.0.0", "2.0.1"]),
        ("pypi", "==2.0", ["2.0", "2.0.0"], ["2.0.post1"]),
        ("pypi", ">2.0a1", ["2.0a2", "2.0"], ["2.0a1"]),
        ("github", "v1.0", ["v1.0"], []),
    ],
)
def test_a_constraint_holds_by_order(type_: str, constraint: str, within: list[str], without: list[str]) -> None:
    decide = parse_constraint(type_, constraint)

    assert [version for version in within if decide(version) is not True] == []
    assert [version for version in without if decide(version) is not False] == []


def test_a_version_that_cannot_be_compared_is_neither_within_a_constraint_nor_without() -> None:
    assert parse_constraint("npm", ">=1.0.0")("nightly") is None


@pytest.mark.parametrize("wrong", ["^1.2.0", "~1.2", ">=1.x", "latest || ", ">= ", "1.0.0 2.0.0", "<>1", ">nonsense"])
def test_a_constraint_that_is_none_says_what_was_expected(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"expected versions such as >=1\.2\.0,<1\.4\.0"):
        parse_constraint("npm", wrong)
