"""GitHub's advisories, read: free text as ranges, and records as advisories."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._github_advisory_range import MAX_TEXT, Range, read_range
from connectors._github_advisory_record import MAX_RANGES, next_page, parse_advisory, parse_page, repository_of
from monitor.domain.advisory import Advisory, Affected, Event
from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from monitor.domain.version_range import compare, is_affected
from monitor.ports.errors import Malformed
from tests.make import NOW

REPOSITORY = Purl.github("acme/files-mcp")
PACKAGES = {"npm": Purl.npm("acme"), "pypi": Purl.pypi("acme")}
V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"  # 7.5
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"  # 9.3


def advisory(type_: str, ranges: tuple[Range, ...]) -> Advisory:
    affected = (Affected(PACKAGES[type_], frozenset(), ranges),)
    return Advisory("GHSA-1", (), "", affected, None, None, NOW)


def decided(type_: str, text: str, versions: str, patched: str = "") -> str:
    """Of each version a letter: yes, no, or `?`."""
    record = advisory(type_, read_range(type_, text, patched))
    letters = {True: "y", False: "n", None: "?"}
    return "".join(letters[is_affected(record, PACKAGES[type_].at(version))] for version in versions.split())


# --- ranges


@pytest.mark.parametrize(
    ("type_", "text", "versions", "expected"),
    [
        ("npm", ">= 1.0.0, < 2.0.1", "0.9.9 1.0.0 2.0.0 2.0.1-beta 2.0.1 3.0.0", "nyyynn"),
        ("npm", ">=1.0.0,<2.0.1", "0.9.9 1.0.0 2.0.1", "nyn"),
        ("npm", ">= 1.0.0 < 2.0.1", "0.9.9 1.0.0 2.0.1", "nyn"),
        ("npm", "< 2.0.1, >= 1.0.0", "0.9.9 1.0.0 2.0.1", "nyn"),
        ("npm", "<= 1.0.8", "0.0.0-alpha 1.0.8 1.0.9", "yyn"),
        ("npm", "= 1.0.0", "0.9.9 1.0.0 1.0.1 1.0.0-rc.1", "nynn"),
        ("npm", "== 1.0.0", "1.0.0 1.0.1", "yn"),
        ("npm", ">= 0", "0.0.0-alpha 9.9.9", "yy"),
        ("npm", "> 0", "0.0.0-alpha 9.9.9", "yy"),
        ("npm", "> 1.2.3", "1.2.3 1.2.4-alpha 1.2.4", "nyy"),
        ("npm", "> 1.2.3-rc.1, < 2.0.0", "1.2.3-rc.1 1.2.3-rc.2 1.2.3 2.0.0", "nyyn"),
        ("npm", "< 1.0.0 || >= 2.0.0, < 2.3.1", "0.1.0 1.0.0 1.9.9 2.0.0 2.3.1", "ynnyn"),
        ("npm", ">= v1.0.0, < v2.0.1", "0.9.9 1.0.0 2.0.1", "nyn"),
        # With fewer numbers than SemVer has, a bound is what npm takes it for.
        ("npm", "< 1.2", "1.1.9 1.2.0 1.3.0", "ynn"),
        ("npm", ">= 1.2", "1.1.9 1.2.0", "ny"),
        ("npm", "<= 2", "1.0.0 2.0.0 2.9.9 3.0.0-alpha 3.0.0", "yyynn"),
        ("npm", "= 1.0", "0.9.9 1.0.0 1.0.7 1.1.0", "nyyn"),
        ("pypi", ">= 1.0, < 2.0.1", "0.9 1.0 2.0.1rc1 2.0.1", "nyyn"),
        ("pypi", "< 1.2", "1.1 1.2 1.2.post1", "ynn"),
        ("pypi", "<= 2", "1.9 2.0.0 2.0.1", "yyn"),
        ("pypi", "= 1.0.0", "1.0 1.0.1", "yn"),
        ("pypi", "> 1.0", "1.0 1.0.post1 1.0.1.dev1 2", "nyyy"),
        ("pypi", "> 1.0rc1", "1.0rc1 1.0rc2 1.0", "nyy"),
        ("pypi", ">= 0", "0.dev0 3", "yy"),
    ],
)
def test_a_range_with_one_meaning_is_decided(type_: str, text: str, versions: str, expected: str) -> None:
    assert decided(type_, text, versions) == expected


@pytest.mark.parametrize("type_", PACKAGES)
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "all versions",
        "All versions before 1.2.3",
        "*",
        "1.x",
        "1.0.0",
        "1.0.0 - 2.0.0",
        "1.0.0, 1.0.1",
        "= 1.0.0, = 1.0.1",
        "~> 1.0.0",
        "^1.0.0",
        "!= 1.0.0",
        ">= 1.0.0, >= 1.1.0",
        "< 1.0.0, < 2.0.0",
        ">= 3.0.0, < 2.0.0",
        "> 1.0.0, < 1.0.0",
        "= 1.0.0, < 2.0.0",
        ">= 1.0.0; < 2.0.0",
        ">= 1.0.0 and < 2.0.0",
        "≤ 1.0.0",
        "< main",
        "< 1.2.3.4.x",
        "<",
        ", < 2.0.0",
        ">= 1.0.0,, < 2.0.0",
        "||",
        "< 1.0.0" + " " * MAX_TEXT,
        "||".join(["< 1.0.0"] * 51),
    ],
)
def test_what_has_no_or_several_meanings_is_undecided_and_not_clean(type_: str, text: str) -> None:
    assert decided(type_, text, "0.1.0 9.9.9") == "??"


@pytest.mark.parametrize("text", ["> 1", "> 1.2", "<= 1.2.3.4", "< 0.1.2.3"])
def test_what_npm_reads_otherwise_than_others_is_undecided(text: str) -> None:
    assert decided("npm", text, "0.1.0 9.9.9") == "??"


def test_one_alternative_that_cannot_be_read_leaves_the_others_standing() -> None:
    assert decided("npm", "< 1.0.0 || everything on Windows", "0.1.0 1.0.0") == "y?"


@pytest.mark.parametrize(
    ("text", "patched", "fixed", "versions", "expected"),
    [
        (">= 1.0.0, < 2.0.1", "2.0.1", ("2.0.1",), "2.0.0 2.0.1", "yn"),
        ("< 2.0.1", "2.0.2", ("2.0.2",), "2.0.0 2.0.1", "yn"),
        ("<= 1.0.8", "1.0.9", ("1.0.9",), "1.0.8 1.0.9", "yn"),
        ("< 1.2.3 || >= 2.0.0, < 2.0.4", "1.2.3, 2.0.4", ("1.2.3", "2.0.4"), "1.2.3 2.0.3 2.0.4", "nyn"),
        ("<= 2", "2.0.1", ("2.0.1",), "2.0.0 2.0.1 2.1.0", "ynn"),
        ("< 2", "2.0", ("2.0.0",), "1.9.9 2.0.0", "yn"),
        ("< 2.0.1", ">= 2.0.1", ("2.0.1",), "2.0.0 2.0.1", "yn"),
        ("< 2.0.1", "1.9.9 and later", (), "1.9.9 2.0.1", "yn"),
        (">= 1.0.0, < 3.0.0", "2.5.0", (), "2.5.0 2.9.9", "yy"),
        (">= 1.0.0", "2.0.0", (), "2.0.0", "y"),
        ("< 2.0.1", "None", (), "2.0.0 2.0.1", "yn"),
        ("< 2.0.1", "see the notes", (), "2.0.0 2.0.1", "yn"),
    ],
)
def test_a_patched_version_is_a_fix_unless_the_range_contradicts_it(
    text: str, patched: str, fixed: tuple[str, ...], versions: str, expected: str
) -> None:
    record = advisory("npm", read_range("npm", text, patched))

    assert record.fixed_in(PACKAGES["npm"]) == fixed
    assert decided("npm", text, versions, patched) == expected


VERSIONS = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(
    lambda parts: ".".join(map(str, parts))
)
HOLDS = {"<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}, "=": {0}}


@given(
    type_=st.sampled_from(sorted(PACKAGES)), operator=st.sampled_from(sorted(HOLDS)), bound=VERSIONS, version=VERSIONS
)
def test_a_comparator_says_what_the_order_of_versions_says(type_: str, operator: str, bound: str, version: str) -> None:
    expected = "y" if compare(type_, version, bound) in HOLDS[operator] else "n"

    assert decided(type_, f"{operator} {bound}", version) == expected


@given(type_=st.sampled_from(sorted(PACKAGES)), text=st.text(max_size=60), patched=st.text(max_size=40))
def test_any_text_is_a_range_and_none_raises(type_: str, text: str, patched: str) -> None:
    assert read_range(type_, text, patched)


PIECES = st.sampled_from(
    [">=", "<=", "<", ">", "=", " ", ",", "||", "1", "1.2", "1.2.3", "0", "v2", "-rc.1", "+b", "x", "*"]
)


@given(
    type_=st.sampled_from(sorted(PACKAGES)), pieces=st.lists(PIECES, max_size=8), patched=st.lists(PIECES, max_size=4)
)
def test_what_looks_like_a_range_raises_nothing_either(type_: str, pieces: list[str], patched: list[str]) -> None:
    assert decided(type_, "".join(pieces), "1.0.0 1.2.3", "".join(patched))


# --- records


def vulnerability(
    ecosystem: str | None = "npm", name: str | None = "acme", text: object = "< 2.0.0", **more: object
) -> dict[str, object]:
    package = None if ecosystem is None else {"ecosystem": ecosystem, "name": name}
    return {"package": package, "vulnerable_version_range": text} | more


def document(*vulnerabilities: object, **fields: object) -> bytes:
    made = {
        "ghsa_id": "GHSA-1111-2222-3333",
        "updated_at": "2026-11-02T00:00:00Z",
        "published_at": "2026-11-01T02:00:00+02:00",
        "vulnerabilities": vulnerabilities,
    }
    return json.dumps(made | fields).encode()


def read(body: bytes, repository: Purl | None = REPOSITORY) -> Advisory:
    return parse_advisory(body, source="here", database="github-repository", repository=repository)


KNOWN = [
    "ghsa_id",
    "cve_id",
    "summary",
    "description",
    "severity",
    "type",
    "state",
    "identifiers",
    "vulnerabilities",
    "cvss",
]
KNOWN += ["cvss_severities", "created_at", "published_at", "updated_at", "closed_at", "withdrawn_at"]
FIELDS = [*KNOWN, "package", "vulnerable_version_range", "first_patched_version", "patched_versions"]


def test_a_record_is_read_whole() -> None:
    record = read(
        document(
            vulnerability(patched_versions="2.0.0"),
            vulnerability("pip", "Acme_Files", first_patched_version="2.0.0"),
            cve_id="CVE-2026-1001",
            identifiers=[{"type": "GHSA", "value": "GHSA-1111-2222-3333"}, {"type": "CVE", "value": "CVE-2026-1001"}],
            summary="Bad\x1b[31m\nthing",
            severity="moderate",
            cvss={"vector_string": V3, "score": 7.5},
            cvss_severities={"cvss_v3": {"vector_string": V3}, "cvss_v4": {"vector_string": V4}},
            type="malware",
        )
    )

    assert (record.id, record.aliases, record.database) == (
        "GHSA-1111-2222-3333",
        ("CVE-2026-1001",),
        "github-repository",
    )
    assert [entry.package for entry in record.affected] == [Purl.npm("acme"), Purl.pypi("acme-files")]
    assert record.affected[0].ranges == ((Event("introduced", "0"), Event("fixed", "2.0.0")),)
    assert record.summary == r"Bad\u{1b}[31m thing"
    assert (record.severity, record.score, record.malware) == (Severity.CRITICAL, 9.3, True)
    assert record.modified_at.isoformat() == "2026-11-02T00:00:00+00:00"
    assert record.published_at is not None
    assert record.published_at.isoformat() == "2026-11-01T00:00:00+00:00"
    assert record.withdrawn_at is None


@pytest.mark.parametrize(
    ("fields", "severity", "score"),
    [
        ({"severity": "moderate"}, Severity.MEDIUM, None),
        ({"severity": "unknown"}, None, None),
        ({"severity": None, "cvss": {"vector_string": None, "score": None}, "cvss_severities": None}, None, None),
        ({"severity": "low", "cvss": {"vector_string": V3}}, Severity.HIGH, 7.5),
        ({"cvss": {"vector_string": V4}}, Severity.CRITICAL, 9.3),
        ({"cvss": {"vector_string": "AV:N/AC:L/Au:N/C:P/I:N/A:N"}}, Severity.MEDIUM, 5.0),
        ({"severity": "low", "cvss": {"vector_string": "no vector"}}, Severity.LOW, None),
    ],
)
def test_the_highest_vector_decides_and_without_one_the_word(
    fields: dict[str, object], severity: Severity | None, score: float | None
) -> None:
    record = read(document(**fields))

    assert (record.severity, record.score) == (severity, score)


@pytest.mark.parametrize(
    ("fields", "withdrawn"),
    [
        ({"withdrawn_at": "2026-11-03T00:00:00Z"}, "2026-11-03"),
        ({"state": "withdrawn"}, "2026-11-02"),
        ({"state": "closed", "closed_at": "2026-11-04T00:00:00Z"}, "2026-11-04"),
        ({"state": "draft"}, "2026-11-02"),
    ],
)
def test_what_is_no_longer_published_is_withdrawn(fields: dict[str, object], withdrawn: str) -> None:
    at = read(document(**fields)).withdrawn_at

    assert at is not None
    assert f"{at:%Y-%m-%d}" == withdrawn


@pytest.mark.parametrize(
    ("entry", "package"),
    [
        (vulnerability("go", "example.com/acme"), Purl("go", None, "example.com/acme")),
        (vulnerability("other", "acme"), REPOSITORY),
        (vulnerability("newer-than-we", "acme"), REPOSITORY),
        (vulnerability(None), REPOSITORY),
        (vulnerability("npm", None), REPOSITORY),
        (vulnerability("npm", "n" * 1000), REPOSITORY),
        (vulnerability("go", ""), REPOSITORY),
    ],
)
def test_what_a_repository_names_and_nobody_can_compare_is_undecidable(entry: object, package: Purl) -> None:
    (affected,) = read(document(entry)).affected

    assert affected.package == package
    assert [event.kind for events in affected.ranges for event in events] == ["unsupported"]
    assert read(document(entry), None).affected == ()


@pytest.mark.parametrize("vulnerabilities", [None, []])
def test_a_record_without_packages_is_about_its_repository(vulnerabilities: object) -> None:
    record = read(document(vulnerabilities=vulnerabilities))

    assert [entry.package for entry in record.affected] == [REPOSITORY]


@pytest.mark.parametrize("text", [None, "", "see below"])
def test_a_range_that_is_no_range_leaves_the_version_undecided(text: object) -> None:
    record = read(document(vulnerability(text=text)))

    assert is_affected(record, Purl.npm("acme", "1.0.0")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        document(ghsa_id="CVE-2026-1001"),
        document(ghsa_id="GHSA-1111-2222-3333\n"),
        document(updated_at="yesterday"),
        document(updated_at="2026-11-02T00:00:00"),
        document(updated_at="0001-01-01T00:00:00+14:00"),
        document(updated_at=None, published_at=None),
        document(vulnerabilities={}),
        document(vulnerability(text=["< 1"])),
        document(*[vulnerability()] * 2001),
        document(identifiers=[{}]),
    ],
    ids=range(16),
)
def test_a_record_that_is_none_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read(body)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just("9999-12-31T23:59:59-23:59"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(field=st.sampled_from(FIELDS), value=ANYTHING)
def test_any_value_in_any_place_makes_a_record_or_a_refusal(field: str, value: object) -> None:
    body = document(**{field: value}) if field in KNOWN else document(vulnerability() | {field: value})

    try:
        record = read(body)
    except Malformed:
        return
    assert record.affected


def test_a_record_with_too_many_ranges_is_undecidable_behind_them() -> None:
    entries = [vulnerability("npm", f"package-{number}", "< 1.0.0 || = 2.0.0") for number in range(300)]

    record = read(document(*entries))

    decided = [is_affected(record, Purl.npm(f"package-{number}", "0.1.0")) for number in range(300)]
    assert decided == [True] * (MAX_RANGES // 2) + [None] * (300 - MAX_RANGES // 2)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"\xff", b"[" * 100_000, json.dumps([0] * 1001).encode()])
def test_a_page_that_is_none_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_page(body, source="here")


def test_aliases_that_are_no_ids_are_left_out() -> None:
    names = ["CVE-2026-1001", "two words", "", "x" * 101, "\x1b[31m"]

    record = read(document(cve_id=None, identifiers=[{"type": "CVE", "value": name} for name in names]))

    assert record.aliases == ("CVE-2026-1001",)


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ('<https://api.example/a?after=1>; rel="next"', "https://api.example/a?after=1"),
        ('<https://api.example/b>; rel="prev", <https://api.example/a,b?c>; rel="next"', "https://api.example/a,b?c"),
        ('<https://api.example/b>; rel="prev"', None),
        ("", None),
        ("<" * 100_000, None),
    ],
)
def test_the_next_page_is_where_the_header_says(link: str, address: str | None) -> None:
    assert next_page({"link": link}) == address


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"repository_advisory_url": 7}', b'{"repository_advisory_url": null}', b"\xff"]
)
def test_a_record_that_does_not_say_whose_it_is_is_nobodys(body: bytes) -> None:
    assert repository_of(body) is None
