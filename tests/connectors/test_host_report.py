import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connectors._host_report import read_report, write_report
from connectors._reading_files.jsonc import Unreadable
from connectors.mcp_config import parse_config
from monitor.domain.deployment import Deployment, HostPolicy, HostReport, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from tests import corpus

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HEAD = {"schema": "mcp-inventory/1", "host": "laptop-7", "collected_at": "2026-11-24T12:00:00Z"}
LINE = {"host": "laptop-7", "name": "files", "purl": "pkg:npm/%40acme/files-mcp"}
SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parent.parent.parent / "docs/inventory.schema.json").read_text("utf-8"))
)


def written(deployments: tuple[Deployment, ...], *policies: HostPolicy, host: str = "laptop-7") -> bytes:
    about = HostReport(host, NOW, policies)
    return write_report(about, deployments, collector="test", problems=0, complete=True, users={"/home/rita": "rita"})


def lines(*each: object) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in each)


def of_the_corpus() -> Iterator[tuple[Deployment, ...]]:
    folder = corpus.path("registries")
    for file in sorted((*folder.glob("client-configs/*"), *folder.glob("client-configs-synthetic/*"))):
        try:
            yield parse_config(file.read_bytes(), file.name, "cursor", host="laptop-7")[0]
        except Unreadable:
            continue


def test_every_deployment_of_the_corpus_is_read_as_it_was_written_and_fits_the_schema() -> None:
    count = 0
    for deployments in of_the_corpus():
        data = written(deployments)

        report = read_report(data, "report")

        assert (report.deployments, report.problems, report.complete) == (deployments, (), True)
        assert all(SCHEMA.is_valid(json.loads(line)) for line in data.splitlines())
        count += len(deployments)
    assert count > 400


def test_what_lies_on_the_disk_and_by_what_the_host_rejects_is_read_as_it_was_written() -> None:
    deployment = Deployment(
        "laptop-7",
        "cursor",
        "/home/rita/.claude.json (/home/rita/work)",
        "x",
        PinKind.NONE,
        Purl.npm("acme"),
        installed=Purl.npm("acme", "1.0.0"),
        installed_digest=Digest("sha512", "a" * 128),
        note="installed from git",
    )
    policies = (HostPolicy("codex", "/etc/codex/requirements.toml", "b" * 64, NOW), HostPolicy("gemini", "/etc/x"))

    data = written((deployment,), *policies)

    report = read_report(data, "report")
    assert report.deployments == (deployment,)
    assert report.about == HostReport("laptop-7", NOW, policies)
    assert {key: json.loads(data.splitlines()[1])[key] for key in ("user", "scope")} == {
        "user": "rita",
        "scope": "/home/rita/work",
    }
    assert all(SCHEMA.is_valid(json.loads(line)) for line in data.splitlines())


def test_a_bad_line_costs_itself_and_the_report_is_no_longer_complete() -> None:
    report = read_report(
        lines({**HEAD, "deployments": 3}, LINE, {"host": "laptop-7", "name": "y"}, {**LINE, "host": "other"}), "report"
    )

    assert [each.name for each in report.deployments] == ["files"]
    assert [problem.partition(":")[0] for problem in report.problems] == ["line 3", "line 4"]
    assert not report.complete


@pytest.mark.parametrize("cut", [1, 20, 80])
def test_a_report_that_was_not_written_to_its_end_says_so(cut: int) -> None:
    data = written(tuple(Deployment("laptop-7", "c", "l", f"s{at}", PinKind.PATH, None) for at in range(5)))

    report = read_report(data[:-cut], "report")

    assert (report.complete, bool(report.problems)) == ((True, False) if cut == 1 else (False, True))


@pytest.mark.parametrize(
    "head",
    [
        {},
        {**HEAD, "schema": "mcp-inventory/2"},
        {**HEAD, "host": ""},
        {**HEAD, "host": "a\nb"},
        {**HEAD, "collected_at": "yesterday"},
        {**HEAD, "collected_at": "2026-11-24T12:00:00"},
        {**HEAD, "policies": [{"client": "codex", "location": "x", "sha256": "no"}]},
        {**HEAD, "problems": -1},
    ],
)
def test_a_report_of_nobody_knows_whom_or_when_is_refused(head: object) -> None:
    with pytest.raises(ValueError, match="line 1"):
        read_report(lines(head, LINE), "report")


def test_a_report_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="over 8388608 bytes"):
        read_report(b" " * (8 * 2**20 + 1), "report")
    with pytest.raises(ValueError, match="over 20000 lines"):
        read_report(lines(HEAD) + b"{}\n" * 20_000, "report")


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes) -> None:
    report = read_report(lines(HEAD) + data, "report")

    assert report.about.host == "laptop-7"
    try:
        read_report(data, "report")
    except ValueError:
        return


def test_a_head_that_does_not_count_its_lines_leaves_open_whether_all_are_here() -> None:
    report = read_report(lines(HEAD, LINE), "report")

    assert (len(report.deployments), report.complete) == (1, False)
    assert "deployments is missing" in report.problems[0]


@pytest.mark.parametrize(
    "line",
    [
        {**HEAD, "host": "a\nb"},
        {**HEAD, "host": "  "},
        {**HEAD, "collected_at": "2026-11-24T12:00:00"},
        {**LINE, "purl": "pkg:npm/x", "package": "x"},
        {"host": "laptop-7", "name": "x"},
        {**LINE, "kind": "remote"},
        {"host": "laptop-7", "name": "x", "package": "x"},
        {"host": "laptop-7", "name": "x", "package": "x", "ecosystem": "cargo"},
        {**LINE, "remote": "https://x.example"},
        {**LINE, "installed": "pkg:npm/x"},
    ],
)
def test_what_the_receiver_refuses_the_schema_refuses_as_well(line: dict[str, object]) -> None:
    data = lines(line) if "schema" in line else lines(HEAD, line)

    assert not SCHEMA.is_valid(line)
    try:
        problems = read_report(data, "report").problems
    except ValueError:
        return
    assert any(problem.startswith("line 2") for problem in problems)
