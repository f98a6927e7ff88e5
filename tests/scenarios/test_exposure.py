"""Who had it, where, from when to when, by which path, and what was done: asked after the fact."""

import pytest

from tests.desk import Desk
from tests.scenarios.conftest import BUILDER, FILES
from tests.scenarios.exposed import (
    BEGAN,
    CLEANED,
    FILES_PACKAGE,
    LAPTOP,
    QS,
    VERSION,
    cleaned,
    desk,
    leave,
    lock,
    look,
    rows,
    spans,
)

__all__ = ["cleaned", "desk"]

# --- who had it


def test_a_host_that_was_cleaned_up_before_the_record_came_is_still_told(cleaned: Desk) -> None:
    answer = cleaned("exposure", "MAL-2026-1", "--json")

    assert answer.code == 1
    assert spans(answer) == [(LAPTOP, BEGAN, CLEANED)]


@pytest.mark.parametrize(
    ("begin", "end", "had_it"),
    [
        ("2026-12-09", "2026-12-09", True),
        ("20261208", "20261209", True),
        ("2026-12-10", "2026-12-10", True),
        ("2026-12-11T13:00", "2026-12-20", False),
        ("2026-12-01", "2026-12-08", False),
        ("2026-12-11T12:00Z", "2026-12-11T12:00Z", True),
        ("2026-12-09T12:00+14:00", "2026-12-09T13:00+14:00", False),
    ],
)
def test_a_window_shows_who_had_it_then(cleaned: Desk, begin: str, end: str, *, had_it: bool) -> None:
    answer = cleaned("exposure", VERSION, "--between", begin, end, "--json")

    assert (LAPTOP in str(rows(answer))) is had_it


def test_a_window_before_the_first_inventory_says_what_is_not_known(cleaned: Desk) -> None:
    answer = cleaned("exposure", VERSION, "--between", "2026-11-01", "2026-12-10")

    assert "What ran before 2026-12-09 12:00 UTC is not known" in answer.err


def test_the_approval_is_told_from_when_to_when_and_by_whom(desk: Desk) -> None:
    look(desk)
    desk.company.later(days=2)
    desk.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    desk.company.approve(FILES, "1.4.3")
    look(desk)

    answer = desk("exposure", VERSION, "--json")

    assert spans(answer, "approved") == [(FILES, BEGAN, CLEANED)]
    assert [each["place"] for each in rows(answer) if each["kind"] == "approved"] == ["rita@acme.example MCPSEC-1"]


def test_a_server_that_left_the_registry_was_approved_until_then(desk: Desk) -> None:
    look(desk)
    desk.company.later(days=2)
    del desk.company.registry[FILES]
    look(desk)

    answer = desk("exposure", VERSION, "--json")

    assert spans(answer, "approved") == [(FILES, BEGAN, CLEANED)]


def test_a_deployment_that_floats_had_it_perhaps(desk: Desk) -> None:
    desk.company.deploy("laptop-9", "pkg:npm/%40acme/files-mcp", version_kind="none")
    look(desk)

    answer = desk("exposure", VERSION)

    assert "perhaps deployed" in next(line for line in answer.out.splitlines() if "laptop-9" in line)
    assert "1 of these float, or are of a version that cannot be compared" in answer.err


def test_a_deployment_that_was_switched_off_is_told_as_such(desk: Desk) -> None:
    desk.company.deploy("laptop-9", VERSION, disabled=True)
    look(desk)

    answer = desk("exposure", VERSION)

    assert "deployed, disabled" in next(line for line in answer.out.splitlines() if "laptop-9" in line)


def test_a_deployment_that_came_back_has_two_stays(desk: Desk) -> None:
    look(desk)
    desk.company.later(days=1)
    leave(desk.company, "laptop-7")
    look(desk)
    desk.company.later(days=1)
    desk.company.deploy("laptop-7", VERSION)
    look(desk)

    answer = desk("exposure", VERSION, "--json")

    assert spans(answer) == [(LAPTOP, BEGAN, "2026-12-10T12:00"), (LAPTOP, CLEANED, "None")]


def test_a_host_with_a_server_that_nobody_listed_is_told_too(desk: Desk) -> None:
    desk.company.deploy("laptop-9", "pkg:npm/shadow-mcp@0.1.0")
    look(desk)

    answer = desk("exposure", "pkg:npm/shadow-mcp@<1.0.0", "--json")

    assert spans(answer) == [("laptop-9 claude-desktop", BEGAN, "None")]


def test_nobody_had_it(desk: Desk) -> None:
    look(desk)

    answer = desk("exposure", "pkg:npm/%40acme/files-mcp@>=2.0.0")

    assert answer.code == 0
    assert "Nobody is known to have had pkg:npm/%40acme/files-mcp@>=2.0.0" in answer.out


def test_without_any_inventory_nobody_can_say_that_nobody_had_it(desk: Desk) -> None:
    look(desk, "releases")

    answer = desk("exposure", "pkg:npm/%40acme/files-mcp@>=2.0.0")

    assert answer.code == 3
    assert "No inventory was ever read" in answer.err


# --- by which path


def test_a_dependency_is_told_by_the_path_of_the_lock_file(desk: Desk) -> None:
    lock(desk.company)
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@<6.10.3", "--json")

    (deployed,) = [each for each in rows(answer) if each["kind"] == "deployed"]
    assert deployed["path"] == ["@acme/files-mcp", "express", "qs"]
    assert (deployed["version"], deployed["culprit"]) == (VERSION, "pkg:npm/qs@6.10.0")
    assert deployed["where"] == LAPTOP


def test_a_dependency_is_told_by_what_the_registry_declares(desk: Desk) -> None:
    desk.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER, dependencies={"qs": "6.10.0"})
    desk.company.approve(FILES, "1.4.3")
    desk.company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0", "--json")

    assert {(each["kind"], tuple(each["path"]), each["path_source"]) for each in rows(answer)} == {  # type: ignore[arg-type]  # a list
        ("deployed", ("@acme/files-mcp", "qs"), "npm registry"),
        ("approved", ("@acme/files-mcp", "qs"), "npm registry"),
    }


def test_a_lock_file_that_was_corrected_is_still_known_as_it_was(desk: Desk) -> None:
    lock(desk.company)
    look(desk)
    desk.company.later(days=2)
    lock(desk.company, qs="6.10.3")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0", "--json")

    assert LAPTOP in [each["where"] for each in rows(answer)]


def test_the_path_stands_in_the_table(desk: Desk) -> None:
    lock(desk.company)
    desk.world.osv.advise("GHSA-qs", QS, fixed="6.10.3")
    look(desk)

    answer = desk("exposure", "GHSA-qs")

    assert "@acme/files-mcp > express > qs 6.10.0" in answer.out


def test_a_scope_may_be_written_as_npm_writes_it(desk: Desk) -> None:
    look(desk)

    answer = desk("exposure", "pkg:npm/@acme/files-mcp@>=1.4.0,<1.5.0", "--json")

    assert spans(answer) == [(LAPTOP, BEGAN, "None")]


def test_the_name_of_a_project_may_be_written_in_any_spelling(desk: Desk) -> None:
    look(desk)

    answer = desk("exposure", "pkg:pypi/Acme_Fetch.MCP@<3", "--json")

    assert spans(answer) == [("laptop-8 claude-desktop", BEGAN, "None")]


# --- by any of its names


@pytest.mark.parametrize(
    "name", ["CVE-2026-1", "GHSA-1111-2222-3333", "PYSEC-2026-7", "cve-2026-1", "ghsa-1111-2222-3333"]
)
def test_a_flaw_is_found_under_each_of_its_names(desk: Desk, name: str) -> None:
    desk.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0", aliases=["CVE-2026-1"])
    desk.world.osv.advise("PYSEC-2026-7", FILES_PACKAGE, fixed="1.4.9", aliases=["CVE-2026-1"])
    look(desk)

    answer = desk("exposure", name, "--json")

    assert answer.code == 1
    assert spans(answer) == [(LAPTOP, BEGAN, "None")]


def test_a_record_that_is_not_kept_is_told_with_the_way_out(desk: Desk) -> None:
    look(desk)

    answer = desk("exposure", "CVE-2026-404")

    assert answer.code == 3
    assert "no record named CVE-2026-404 is kept" in answer.err
    assert "mcp-monitor exposure 'pkg:npm/NAME@>=1.0,<1.2'" in answer.err


# --- what was done


def test_what_was_done_is_told_with_its_times(cleaned: Desk) -> None:
    answer = cleaned("exposure", "MAL-2026-1")

    done = answer.out.partition("What was done:")[2]
    assert "2026-12-12 12:00 malware found for io.github.acme/files-mcp" in done
    assert "told 2026-12-12 12:00 (page), open" in done
    assert "in MCPSEC-" in done


def test_a_finding_that_ended_tells_why(cleaned: Desk) -> None:
    cleaned.company.later(hours=3)
    cleaned.world.osv.withdraw("MAL-2026-1")
    look(cleaned)

    answer = cleaned("exposure", "MAL-2026-1")

    assert "over 2026-12-12 15:00: MAL-2026-1 was withdrawn on 2026-12-12" in answer.out
    assert spans(cleaned("exposure", "MAL-2026-1", "--json")) == [(LAPTOP, BEGAN, CLEANED)]
