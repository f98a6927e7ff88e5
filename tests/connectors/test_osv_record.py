import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.osv import parse_batch, parse_record
from monitor.domain.advisory import Advisory
from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from monitor.domain.version_range import is_affected
from monitor.ports.errors import Malformed
from tests import corpus

MODIFIED = "2026-08-01T00:00:00.123456Z"
V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"  # 7.5
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"  # 9.3
V2 = "AV:N/AC:L/Au:N/C:P/I:N/A:N"  # 5.0
LOW = "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"  # 1.6


def record(**fields: object) -> bytes:
    return json.dumps({"id": "GHSA-1", "modified": MODIFIED, **fields}).encode()


def affected(ecosystem: str = "npm", name: str = "acme", **fields: object) -> dict[str, object]:
    return {"package": {"ecosystem": ecosystem, "name": name}, **fields}


def vector(kind: str, score: str) -> dict[str, str]:
    return {"type": kind, "score": score}


def test_a_record_is_read_whole() -> None:
    read = parse_record(
        record(
            aliases=["CVE-2026-1", "MAL-2026-1"],
            published="2026-07-01T02:00:00+02:00",
            withdrawn="2026-08-02T00:00:00Z",
            summary="Bad\x1b[31m\nthing",
            severity=[vector("CVSS_V3", V3)],
            affected=[affected(versions=["1.0.0"], ranges=[{"type": "SEMVER", "events": [{"introduced": "0"}]}])],
        )
    )

    assert read.aliases == ("CVE-2026-1", "MAL-2026-1")
    assert read.malware
    assert read.published_at is not None
    assert read.published_at.isoformat() == "2026-07-01T00:00:00+00:00"
    assert read.withdrawn_at is not None
    assert read.summary == r"Bad\u{1b}[31m thing"
    assert (read.severity, read.score) == (Severity.HIGH, 7.5)
    assert read.affected[0].package == Purl.npm("acme")
    assert read.affected[0].versions == {"1.0.0"}


def test_only_packages_that_are_covered_are_kept_and_names_are_normalised() -> None:
    entries = [affected("Debian:12"), affected("pypi"), affected("PyPI", "Jinja2_X"), affected("npm", "@A/b"), {}]

    read = parse_record(record(affected=entries))

    assert [entry.package for entry in read.affected] == [Purl.pypi("jinja2-x"), Purl.npm("@A/b")]


@pytest.mark.parametrize(
    ("fields", "severity", "score"),
    [
        ({"severity": [vector("CVSS_V3", V3), vector("CVSS_V4", V4)]}, Severity.CRITICAL, 9.3),
        ({"severity": [vector("CVSS_V2", V2)]}, Severity.MEDIUM, 5.0),
        ({"severity": [vector("CVSS_V3", LOW)]}, Severity.LOW, 1.6),
        ({"severity": [vector("CVSS_V3", V3)], "affected": [affected(severity=[vector("CVSS_V3", LOW)])]}, Severity.LOW, 1.6),
        ({"severity": [vector("CVSS_V3", V3)], "affected": [affected("Go", severity=[vector("CVSS_V4", V4)])]}, Severity.HIGH, 7.5),
        ({"database_specific": {"severity": "MODERATE"}}, Severity.MEDIUM, None),
        ({"severity": [vector("CVSS_V3", "CVSS:3.1/AV:N")], "database_specific": {"severity": "LOW"}}, Severity.LOW, None),
        ({"severity": [vector("Ubuntu", "high"), vector("FUTURE", "x"), vector("CVSS_V3", "9.8")]}, None, None),
        ({"database_specific": {"severity": {"oddly": "shaped"}}}, None, None),
        ({"database_specific": {"severity": "9"}}, None, None),
        ({}, None, None),
    ],
)  # fmt: skip
def test_the_highest_score_that_applies_counts_and_else_the_word(
    fields: dict[str, object], severity: Severity | None, score: float | None
) -> None:
    read = parse_record(record(**fields))

    assert (read.severity, read.score) == (severity, score)


def test_a_kind_of_range_that_is_not_known_leaves_other_versions_undecided() -> None:
    ranges = [{"type": "CALVER", "events": [{"introduced": "0"}]}, {"type": "GIT", "events": [{"introduced": "0"}]}]

    read = parse_record(record(affected=[affected(versions=["1.0.0"], ranges=ranges)]))

    assert is_affected(read, Purl.npm("acme", "1.0.0")) is True
    assert is_affected(read, Purl.npm("acme", "2.0.0")) is None


def test_an_event_of_a_kind_that_is_not_known_leaves_its_range_undecided() -> None:
    events = [{"introduced": "0"}, {"paused": "1.0.0"}]

    read = parse_record(record(affected=[affected(ranges=[{"type": "SEMVER", "events": events}])]))

    assert is_affected(read, Purl.npm("acme", "1.0.0")) is None


def test_two_bounds_in_one_event_both_count() -> None:
    events = [{"introduced": "0", "fixed": "2.0.0"}]

    read = parse_record(record(affected=[affected(ranges=[{"type": "SEMVER", "events": events}])]))

    assert is_affected(read, Purl.npm("acme", "1.0.0")) is True
    assert is_affected(read, Purl.npm("acme", "2.0.0")) is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html>",
        b"[" * 100_000,
        record(id=""),
        record(id="x" * 101),
        record(id="GHSA-1\n"),
        record(modified="2026-08-01"),
        record(modified="2026-08-01T00:00:00"),
        record(modified="0001-01-01T00:00:00+12:00"),
        record(withdrawn="yesterday"),
        record(affected=[affected(name="")]),
        record(affected=[affected(name="x" * 600)]),
        record(affected=[affected(versions=[1])]),
        record(affected={"package": "acme"}),
        record(aliases=["x"] * 1001),
        record(severity=[V3]),
    ],
)
def test_a_record_of_another_shape_or_size_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="osv: a record is none"):
        parse_record(body)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"versions": [f"1.0.{patch}" for patch in range(20_001)]}, "more than 20000 versions"),
        ({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}] * 2001}]}, "more than 2000 events"),
        ({"ranges": [{"type": "SEMVER"}] * 2001}, "more than 2000 events"),
    ],
)
def test_a_record_that_names_too_much_is_kept_undecided_and_says_so(fields: dict[str, object], said: str) -> None:
    entries = [affected() | fields, affected(name="other", versions=["1.0.0"])]

    read = parse_record(record(summary="Bad thing", affected=entries))

    assert read.summary == f"(it names {said}, and is not compared) Bad thing"
    assert is_affected(read, Purl.npm("acme", "1.0.0")) is None
    assert is_affected(read, Purl.npm("other", "2.0.0")) is None
    assert is_affected(read, Purl.npm("third", "1.0.0")) is False


def test_a_record_at_the_limits_is_decided() -> None:
    events = [{("introduced", "fixed")[minor % 2]: f"2.{minor}.0"} for minor in range(2000)]
    versions = [f"1.0.{patch}" for patch in range(20_000)]

    read = parse_record(record(affected=[affected(versions=versions, ranges=[{"type": "SEMVER", "events": events}])]))

    decided = {version: is_affected(read, Purl.npm("acme", version)) for version in ("v1.0.7", "2.8.5", "2.9.5")}
    assert decided == {"v1.0.7": True, "2.8.5": True, "2.9.5": False}


def test_many_packages_with_the_same_vectors_are_scored_once() -> None:
    severities = [vector("CVSS_V4", V4), vector("CVSS_V3", V3)] * 25

    read = parse_record(record(affected=[affected(severity=severities) for _ in range(5000)]))

    assert read.score == 9.3


def test_aliases_that_are_no_ids_are_left_out() -> None:
    read = parse_record(record(aliases=["CVE-2026-1", "", "x" * 101, "two words", "CVE\u20132026"]))

    assert read.aliases == ("CVE-2026-1",)


def test_every_record_of_the_corpus_is_read_and_the_invalid_ones_cost_only_themselves() -> None:
    folder = corpus.path("osv")
    expected = [json.loads(line) for line in (folder / "synthetic.expected.jsonl").read_text("utf-8").splitlines()]

    real = [parse_record(path.read_bytes()) for path in sorted((folder / "records").glob("*.json"))]
    synthetic = {row["file"]: readable((folder / row["file"]).read_bytes()) for row in expected}
    invalid = {path.name: readable(path.read_bytes()) for path in sorted((folder / "invalid").glob("*.json"))}

    refused = sorted(name for name, read in (synthetic | invalid).items() if read is None)
    print(f"\n{len(real)} real records, {len(synthetic)} made, {len(invalid)} invalid; refused: {refused}")  # noqa: T201
    assert len(real) == 592
    assert [row["file"] for row in expected if row["valid"] and synthetic[row["file"]] is None] == []
    assert refused == ["empty-id-postmark-mcp.json", "synthetic/SYN-2026-0023.json", "synthetic/empty-id.json"]
    assert Counter(read.malware for read in real)[True] > 70


def readable(body: bytes) -> Advisory | None:
    try:
        return parse_record(body)
    except Malformed:
        return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=15,
)
KEYS = st.sampled_from(
    ["id", "modified", "affected", "severity", "aliases", "database_specific", "summary", "withdrawn"]
)


@given(st.dictionaries(KEYS, JSON), st.binary(max_size=50))
def test_no_input_raises_anything_but_malformed(fields: dict[str, object], noise: bytes) -> None:
    for body in (record(**fields), noise):
        readable(body)
        try:
            parse_batch(body, 1)
        except Malformed:
            continue
