"""`connections`: which servers were used, and whether each was approved at that moment."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk
from tests.verifying import FILES, desk

__all__ = ["desk"]


@pytest.fixture
def log(desk: Desk) -> Path:
    """A log of three connections after the first look: approved, of another version, to a server that nobody listed."""
    desk.check()
    at = desk.world.clock().isoformat()
    lines = [
        {"at": at, "server": FILES, "version": "1.4.2", "target": "production", "person": "rita"},
        {"at": at, "server": FILES, "version": "1.4.1", "target": "production", "person": "joe"},
        {"at": at, "server": "shadow", "target": "test"},
    ]
    desk.company.later(hours=1)
    path = desk.folder / "gateway.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    return path


def listed(desk: Desk, *more: str) -> Any:  # noqa: ANN401  JSON
    return json.loads(desk("connections", "list", "--from", "2020-01-01", "--to", "2037-01-01", "--json", *more).out)


def test_each_connection_is_told_with_whether_it_was_approved_then(desk: Desk, log: Path) -> None:
    kept = desk("connections", "ingest", str(log))

    found = {(each["server"], each["version"]): each["approved"] for each in listed(desk)}

    assert kept.code == 0
    assert found == {(FILES, "1.4.2"): "yes", (FILES, "1.4.1"): "no", ("shadow", None): "no"}


def test_a_log_that_is_read_again_adds_nothing(desk: Desk, log: Path) -> None:
    desk("connections", "ingest", str(log))

    again = desk("connections", "ingest", str(log))

    assert "0 connections kept, 3 known already" in again.out
    assert len(listed(desk)) == 3


def test_only_what_accessed_production_is_listed_where_that_is_asked(desk: Desk, log: Path) -> None:
    desk("connections", "ingest", str(log))

    assert {each["person"] for each in listed(desk, "--target", "production")} == {"rita", "joe"}
    assert {each["person"] for each in listed(desk, "--server", FILES, "--target", "test")} == set()


def test_which_time_was_looked_at_is_said(desk: Desk, log: Path) -> None:
    desk("connections", "ingest", str(log))

    said = desk("connections", "list", "--from", "2020-01-01", "--to", "2020-01-31")

    assert (said.code, "0 connections from 2020-01-01 00:00 on, before 2020-02-01 00:00 UTC" in said.err) == (0, True)


def test_an_end_before_the_beginning_is_wrong_usage(desk: Desk) -> None:
    refused = desk("connections", "list", "--from", "2026-02-01", "--to", "2026-01-01")

    assert refused.code == 2
    assert "is not before --to" in refused.err


def test_a_server_that_nobody_knows_is_wrong_usage_and_the_nearest_is_named(desk: Desk, log: Path) -> None:
    desk("connections", "ingest", str(log))

    listed_one = desk("connections", "list", "--server", "io.github.acme/files-mpc")
    logged_one = desk("connections", "list", "--from", "2020-01-01", "--to", "2037-01-01", "--server", "shadwo")

    assert (listed_one.code, f"did you mean {FILES}?" in listed_one.err) == (2, True)
    assert (logged_one.code, "did you mean shadow?" in logged_one.err) == (2, True)


def test_a_bad_line_is_told_and_the_others_are_kept(desk: Desk, log: Path) -> None:
    log.write_text("nonsense\n" + log.read_text("utf-8"), "utf-8")

    kept = desk("connections", "ingest", str(log))

    assert kept.code == 3
    assert "gateway.jsonl:1: " in kept.err
    assert len(listed(desk)) == 3


def test_what_was_read_is_audited(desk: Desk, log: Path) -> None:
    desk("connections", "ingest", str(log))

    (line,) = [each for each in desk("audit", "export").out.splitlines() if "connections.ingested" in each]

    assert json.loads(line)["event"]["detail"] == {"kept": "3", "known": "0", "unreadable": "0"}


def test_a_log_that_is_not_there_is_wrong_usage(desk: Desk, log: Path) -> None:
    refused = desk("connections", "ingest", str(log) + ".not")

    assert refused.code == 2
