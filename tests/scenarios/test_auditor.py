"""An auditor comes: what was approved by whom is borne out by one file, and the quarter's report says the same."""

import asyncio
import csv
import io
from pathlib import Path

import pytest
import time_machine

from monitor import evidence_file
from tests.scenarios.conftest import FILES, settled_world
from tests.test_review_command import Keyboard, keyboard
from tests.world import World

__all__ = ["settled_world"]


@pytest.fixture
def decided(settled_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], logged: list[str]) -> Keyboard:
    """1.4.3 was approved at the keyboard, by ada; what became of it was delivered."""
    del logged  # the program sets up its own log
    desk = keyboard(settled_world, tmp_path, capsys)
    assert desk("approve", FILES, "--pin", desk.pin(), "--reason", "read the diff").code == 0
    asyncio.run(desk.company.run())
    return desk


def call(keyboard: Keyboard, *arguments: str) -> tuple[int, str]:
    with time_machine.travel(keyboard.company.world.clock(), tick=False):
        printed = keyboard.desk(*arguments)
    return printed.code, printed.out + printed.err


def trusted(path: Path) -> list[str]:
    """The simulated world's trust roots, of which no program but the tests' knows."""
    with path.open("rb") as file:
        grounds = evidence_file.read(file).grounds
    return [part for root in (grounds.roots if grounds else ()) for part in ("--root", root.sha256)]


def test_a_decision_is_borne_out_by_its_file_alone(decided: Keyboard) -> None:
    path = decided.company.folder / "evidence.zip"

    written, _ = call(decided, "evidence", FILES, "1.4.3", "--output", str(path))
    code, said = call(decided, "evidence", "verify", str(path), *trusted(path))

    assert (written, code) == (0, 0), said
    assert "approve by ada" in said
    with path.open("rb") as file:
        bundle = evidence_file.read(file)
    assert [(vote.by, vote.reason) for review in bundle.reviews for vote in review.votes] == [("ada", "read the diff")]


def test_the_version_that_was_approved_before_is_borne_out_too(decided: Keyboard) -> None:
    path = decided.company.folder / "evidence.zip"

    call(decided, "evidence", FILES, "1.4.2", "--output", str(path))

    code, said = call(decided, "evidence", "verify", str(path), *trusted(path))
    assert code == 0, said


def test_the_report_names_who_approved_what_runs(decided: Keyboard) -> None:
    now, folder = decided.company.world.clock(), decided.company.folder / "report"
    quarter = f"{now.year}Q{(now.month - 1) // 3 + 1}"

    code, said = call(decided, "audit", "report", "--quarter", quarter, "--format", "csv", "--output", str(folder))

    assert code == 0, said
    (decision,) = sheet(folder / "decisions.csv")
    approved = sheet(folder / "approvals.csv")
    assert (approved[0]["version"], approved[0]["approved by"]) == ("1.4.2", "rita@acme.example")
    assert (decision["version"], decision["said"], decision["by"]) == ("1.4.3", "approve", "ada")
    assert (decision["the review is"], decision["reason"]) == ("approved", "read the diff")


def write_in(desk: Keyboard) -> None:
    """What ada approved is written into the registry, and seen there."""
    desk.company.later(hours=1)
    desk.company.approve(FILES, "1.4.3", approved={"by": "ada"})
    asyncio.run(desk.company.run())
    desk.company.later(hours=1)


def pin(desk: Keyboard) -> str:
    return str(desk("show", FILES, "1.4.3", "--json").json()["pin"])


def reported(desk: Keyboard, quarter: str = "") -> Path:
    now, folder = desk.company.world.clock(), desk.company.folder / "report"
    quarter = quarter or f"{now.year}Q{(now.month - 1) // 3 + 1}"
    code, said = call(desk, "audit", "report", "--quarter", quarter, "--format", "csv", "--output", str(folder))
    assert code == 0, said
    return folder


def test_who_approved_stays_told_when_the_version_is_asked_about_anew(decided: Keyboard) -> None:
    write_in(decided)
    assert decided("reopen", FILES, "1.4.3", "--reason", "a second look").code == 0

    folder = reported(decided)

    votes = {each["version"]: each["votes"] for each in sheet(folder / "approvals.csv")}
    assert "ada approve" in votes["1.4.3"]
    assert [(each["said"], each["by"], each["reason"]) for each in sheet(folder / "decisions.csv")] == [
        ("approve", "ada", "read the diff"),
        ("reopen", "ada", "a second look"),
    ]


def test_a_rejection_stays_in_the_report_when_the_version_is_asked_about_anew(decided: Keyboard) -> None:
    assert decided("reopen", FILES, "1.4.3", "--reason", "something new").code == 0
    decided.company.later(hours=1)
    assert decided("reject", FILES, "1.4.3", "--pin", pin(decided), "--reason", "no").code == 0
    assert decided("reopen", FILES, "1.4.3", "--reason", "a second look").code == 0

    (row,) = sheet(reported(decided) / "rejected.csv")

    assert (row["version"], row["by"], row["reason"]) == ("1.4.3", "ada", "no")
    assert row["asked anew by"].startswith("ada ")


def test_a_quarter_that_is_over_stays_as_it_was_whatever_happens_later(decided: Keyboard) -> None:
    write_in(decided)
    then = decided.company.world.clock()
    quarter = f"{then.year}Q{(then.month - 1) // 3 + 1}"
    decided.company.later(days=100)
    asyncio.run(decided.company.run())
    tables = ("servers", "approvals", "decisions", "rejected", "waivers")
    before = {name: sheet(reported(decided, quarter) / f"{name}.csv") for name in tables}

    assert decided("reopen", FILES, "1.4.3", "--reason", "a second look").code == 0
    assert decided("reject", FILES, "1.4.3", "--pin", pin(decided), "--reason", "no").code == 0

    assert {name: sheet(reported(decided, quarter) / f"{name}.csv") for name in tables} == before


def test_an_approval_stays_borne_out_when_the_version_is_asked_about_anew(decided: Keyboard) -> None:
    write_in(decided)
    assert decided("reopen", FILES, "1.4.3", "--reason", "a second look").code == 0
    path = decided.company.folder / "evidence.zip"

    call(decided, "evidence", FILES, "1.4.3", "--output", str(path))
    code, said = call(decided, "evidence", "verify", str(path), *trusted(path))

    assert code == 0, said
    assert "approve by ada" in said
    assert "reopen by ada" in said
    assert "approved by ada" in said


def sheet(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
