"""`audit report`: which servers accessed production in a quarter, and was each approved at that moment."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from connectors.gateway_log import read_line
from monitor.commands.audit_report import read_period
from monitor.domain.connection import Connection
from monitor.ending import Stop
from monitor.ports.store import UnitOfWork
from tests.company import Company
from tests.desk import Desk
from tests.store.keeping import DONE
from tests.verifying import BUILDER, FILES, NPM
from tests.world import World

Rows = list[dict[str, str]]


def lived(world: World, folder: Path) -> Company:
    """A quarter: 1.4.1 was approved for two days, then 1.4.2; five connections, the first before anything is known."""
    world.npm.publish("@acme/files-mcp", "1.4.1", attested_by=BUILDER)
    world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=BUILDER)
    company = Company(folder, world, tells=False)
    company.approve(FILES, "1.4.1", package=NPM)
    company.deploy("laptop-7", f"{NPM}@1.4.2")
    company.deploy("laptop-8", f"{NPM}@1.4.1")
    company.deploy("laptop-9", "pkg:npm/shadow-mcp@1.0.0")
    first = world.clock()
    look(company)
    company.later(days=2)
    company.approve(FILES, "1.4.2")
    look(company)
    second = world.clock()
    company.later(days=3)
    look(company)
    log = [
        line(first - timedelta(days=3), "1.4.1"),
        line(first + timedelta(hours=1), "1.4.1"),
        line(second + timedelta(hours=1), "1.4.1", person="=cmd|' /C calc'!A0"),
        line(second + timedelta(hours=2), "1.4.2"),
        line(second + timedelta(hours=3), "1.4.2", target="test"),
    ]
    asyncio.run(company.app.store.run(lambda unit: keep(unit, [read_line(each, source="gw") for each in log])))
    return company


def keep(unit: UnitOfWork, connections: list[Connection]) -> None:
    unit.keep_connections(connections)
    unit.commit(DONE)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The quarter, for tests that only read of it."""
    with World() as world:
        yield lived(world, tmp_path_factory.mktemp("company"))


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], company: Company, logged: list[str]) -> Iterator[Desk]:
    del logged  # the program sets up its own log
    with time_machine.travel(company.world.clock()):
        yield Desk(company, capsys)


@pytest.fixture
def own(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, logged: list[str]) -> Iterator[Desk]:
    """The quarter, for tests that change it."""
    del logged  # as above
    lived_in = lived(world, tmp_path)
    with time_machine.travel(world.clock()):
        yield Desk(lived_in, capsys)


def look(company: Company) -> None:
    asyncio.run(company.run(("fleet", "releases")))


def line(at: datetime, version: str, *, target: str = "production", person: str = "rita") -> bytes:
    fields = {"at": at.isoformat(), "server": FILES, "version": version, "target": target, "person": person}
    return json.dumps(fields).encode()


def quarter(desk: Desk) -> str:
    now = desk.world.clock()
    return f"{now.year}Q{(now.month - 1) // 3 + 1}"


def sheets(desk: Desk) -> dict[str, Rows]:
    folder = desk.folder / "report"
    written = desk("audit", "report", "--quarter", quarter(desk), "--format", "csv", "--output", str(folder))
    assert written.code == 0, written.err
    texts = {path.stem: path.read_bytes().decode() for path in folder.iterdir()}
    return {name: list(csv.DictReader(io.StringIO(text, newline=""))) for name, text in texts.items()}


def test_each_connection_is_told_with_whether_it_was_approved_at_that_moment(desk: Desk) -> None:
    found = [
        (each["version"], each["approved"]) for each in sheets(desk)["connections"] if each["target"] == "production"
    ]

    assert found == [("1.4.1", "unknown"), ("1.4.1", "yes"), ("1.4.1", "no"), ("1.4.2", "yes")]


def test_what_accessed_production_is_summed_up_worst_first(desk: Desk) -> None:
    rows = [each for each in sheets(desk)["accessed"] if each["target"] == "production"]

    assert [(each["version"], each["approved"], each["connections"]) for each in rows] == [
        ("1.4.1", "no", "1"),
        ("1.4.1", "unknown", "1"),
        ("1.4.1", "yes", "1"),
        ("1.4.2", "yes", "1"),
    ]


def test_deployments_are_outside_approval_only_for_the_time_in_which_they_were(desk: Desk) -> None:
    rows = {each["host"]: each for each in sheets(desk)["deployments"] if each["approved"] == "no"}

    early, late = rows["laptop-7"], rows["laptop-8"]
    assert early["until"] == late["from"]
    assert early["why"] == "1.4.2 was not approved, but 1.4.1"
    assert late["why"] == "1.4.1 was not approved, but 1.4.2"
    assert rows["laptop-9"]["server"] == "(on no list)"


def test_each_approval_names_who_when_and_on_what_evidence(desk: Desk) -> None:
    first, second = sheets(desk)["approvals"]

    assert (first["version"], second["version"]) == ("1.4.1", "1.4.2")
    assert (second["approved by"], second["ticket"], second["approved on"]) == (
        "rita@acme.example",
        "MCPSEC-1",
        "2026-11-01",
    )
    assert "verified" in second["verdicts"]
    assert all(len(digest) == 64 for digest in second["evidence (sha256)"].split(", "))
    assert first["until"] == second["in the registry from"]


def test_what_nobody_looked_at_is_not_passed_over(desk: Desk) -> None:
    rows = sheets(desk)["unknown"]

    assert {each["of"] for each in rows if each["what"] == "not known yet"} == {"registry", "inventories", "everything"}
    assert [each["of"] for each in rows if each["what"] == "nobody looked"] == ["all jobs"] * 3


def test_a_source_that_was_silent_is_told_with_its_times(own: Desk) -> None:
    own.company.inventory = []
    look(own.company)

    (row,) = [each for each in sheets(own)["unknown"] if each["what"] == "inventory that could not be read"]

    assert row["times"] == "1"
    assert "inventory" in row["of"]


def test_no_cell_that_somebody_logged_is_a_formula(desk: Desk) -> None:
    people = {each["person"] for each in sheets(desk)["connections"]}

    assert people == {"rita", "'=cmd|' /C calc'!A0"}


def test_the_page_answers_the_same_and_is_complete_in_itself(desk: Desk) -> None:
    path = desk.folder / "report.html"

    written = desk("audit", "report", "--quarter", quarter(desk), "--output", str(path))

    text = path.read_text("utf-8")
    assert written.code == 0
    assert "connections to what was not</td><td>1<" in text
    assert "What was not known" in text
    assert "<script" not in text
    assert "yes, " in text


def test_the_report_is_the_same_whenever_the_same_is_recorded(desk: Desk) -> None:
    path = desk.folder / "report.html"
    desk("audit", "report", "--quarter", quarter(desk), "--output", str(path))
    first = path.read_bytes()

    desk("audit", "report", "--quarter", quarter(desk), "--output", str(path))

    assert path.read_bytes() == first


def test_a_log_that_does_not_hold_is_said_in_the_first_lines(own: Desk) -> None:
    own.tamper("DELETE FROM audit WHERE seq = 3")
    path = own.folder / "report.html"

    written = own("audit", "report", "--quarter", quarter(own), "--output", str(path))

    assert written.code == 1
    assert "THE AUDIT LOG DOES NOT HOLD: event 3" in path.read_text("utf-8")


def test_a_quarter_of_which_nothing_is_recorded_is_not_quiet(desk: Desk) -> None:
    path = desk.folder / "report.html"

    desk("audit", "report", "--quarter", "2019Q1", "--output", str(path))

    text = path.read_text("utf-8")
    assert "what was used is not known" in text
    assert "it was read first after that" in text


def test_a_quarter_that_has_not_begun_is_wrong_usage(desk: Desk) -> None:
    path = desk.folder / "future.html"

    refused = desk("audit", "report", "--quarter", "2999Q1", "--output", str(path))

    assert refused.code == 2
    assert "2999Q1 has not begun" in refused.err
    assert not path.exists()


def test_a_quarter_that_is_not_over_says_so(desk: Desk) -> None:
    rows = {each["what"]: each["how many"] for each in sheets(desk)["summary"]}
    path = desk.folder / "running.html"

    said = desk("audit", "report", "--quarter", quarter(desk), "--output", str(path))

    assert rows["the quarter"] == "NOT OVER YET"
    assert "THE QUARTER IS NOT OVER YET" in path.read_text("utf-8")
    assert "is not over yet" in said.err


def test_a_folder_that_holds_something_else_gets_no_report(desk: Desk) -> None:
    folder = desk.folder / "shared"
    folder.mkdir()
    (folder / "payroll.xlsx").write_bytes(b"x")

    refused = desk("audit", "report", "--quarter", quarter(desk), "--format", "csv", "--output", str(folder))

    assert refused.code == 2
    assert "payroll.xlsx" in refused.err
    assert [each.name for each in folder.iterdir()] == ["payroll.xlsx"]


def test_a_place_that_cannot_be_written_is_named_as_it_was_given(desk: Desk) -> None:
    folder = desk.folder / "is-a-folder"
    folder.mkdir()

    refused = desk("audit", "report", "--quarter", quarter(desk), "--output", str(folder))

    assert refused.code == 2
    assert f"{folder}: Is a directory" in refused.err
    assert "/." not in refused.err


def test_a_quarter_begins_at_midnight_where_it_is_asked_about() -> None:
    assert read_period("2026Q4", "UTC").end == datetime(2027, 1, 1, tzinfo=UTC)
    assert read_period("2026Q4", "Europe/Berlin").begin == datetime(2026, 9, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone"), [("2026Q5", "UTC"), ("Q4", "UTC"), ("2026Q4", "Mars/Phobos"), ("2026Q4", "../x")]
)
def test_what_is_no_quarter_is_wrong_usage(text: str, zone: str) -> None:
    with pytest.raises(Stop, match=r"--(quarter|timezone): "):
        read_period(text, zone)
