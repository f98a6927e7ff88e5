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


def test_a_decision_is_borne_out_by_its_file_alone(decided: Keyboard) -> None:
    path = decided.company.folder / "evidence.zip"

    written, _ = call(decided, "evidence", FILES, "1.4.3", "--output", str(path))
    code, said = call(decided, "evidence", "verify", str(path))

    assert (written, code) == (0, 0), said
    assert "approve by ada" in said
    with path.open("rb") as file:
        bundle = evidence_file.read(file)
    assert [(vote.by, vote.reason) for review in bundle.reviews for vote in review.votes] == [("ada", "read the diff")]


def test_the_version_that_was_approved_before_is_borne_out_too(decided: Keyboard) -> None:
    path = decided.company.folder / "evidence.zip"

    call(decided, "evidence", FILES, "1.4.2", "--output", str(path))

    code, said = call(decided, "evidence", "verify", str(path))
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


def sheet(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
