"""Where the answer to "did we have it?" is neither yes nor no, and where it would be a wrong yes."""

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
    desk,
    leave,
    lock,
    look,
    rows,
    spans,
)

__all__ = ["desk"]

OTHER_PACKAGE = "pkg:npm/%40acme/files-mcp@>=2.0.0"


def declare(desk: Desk, version: str, **dependencies: str) -> None:
    """Publish a version of the files server that declares these, and let it be approved and run."""
    desk.world.npm.publish("@acme/files-mcp", version, attested_by=BUILDER, dependencies=dependencies)
    desk.company.approve(FILES, version)
    desk.company.deploy("laptop-7", f"pkg:npm/%40acme/files-mcp@{version}")


def another_inventory(desk: Desk) -> None:
    """Name a second file in the configuration."""
    (desk.folder / "other.jsonl").write_text("", "utf-8")
    with desk.company.config.open("a", encoding="utf-8") as config:
        config.write('\n[[inventory]]\nkind = "inventory-file"\npath = "other.jsonl"\n')


# --- perhaps


def test_what_is_declared_without_a_version_was_perhaps_brought_along(desk: Desk) -> None:
    declare(desk, "1.4.3", qs="^6.0.0")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0")

    assert answer.code == 3
    assert "perhaps deployed" in answer.out
    assert "@acme/files-mcp > qs ^6.0.0" in answer.out


def test_what_is_declared_counts_no_more_once_a_lock_file_tells_the_version(desk: Desk) -> None:
    declare(desk, "1.4.3", qs="^6.0.0")
    look(desk)
    desk.company.later(days=1)
    lock(desk.company, "1.4.3", qs="6.10.3")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0", "--json")

    assert rows(answer) == []


def test_a_lock_file_that_came_later_tells_of_the_time_before_too(desk: Desk) -> None:
    declare(desk, "1.4.3", express="^4.0.0")
    look(desk)
    desk.company.later(days=2)
    leave(desk.company, "laptop-7")
    look(desk)
    desk.company.later(days=1)
    lock(desk.company, "1.4.3", qs="6.10.0")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0", "--json")

    assert spans(answer) == [(LAPTOP, BEGAN, CLEANED)]


def test_what_floats_perhaps_brought_along_what_any_version_brings(desk: Desk) -> None:
    lock(desk.company)
    desk.company.deploy("laptop-9", "pkg:npm/%40acme/files-mcp", version_kind="none")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0", "--json")

    floating = [each for each in rows(answer) if each["where"] == "laptop-9 claude-desktop"]
    assert [(each["certain"], each["culprit"]) for each in floating] == [(False, "pkg:npm/qs@6.10.0")]


# --- not known


def test_an_inventory_that_cannot_be_read_now_is_no_all_clear(desk: Desk) -> None:
    another_inventory(desk)
    look(desk)
    (desk.folder / "other.jsonl").unlink()
    look(desk)

    answer = desk("exposure", OTHER_PACKAGE)

    assert answer.code == 3
    assert "other.jsonl holds now is not known" in answer.err


def test_an_inventory_that_was_never_read_is_no_all_clear(desk: Desk) -> None:
    look(desk)
    another_inventory(desk)

    answer = desk("exposure", OTHER_PACKAGE)

    assert answer.code == 3
    assert "is not known: it was never read" in answer.err


def test_a_server_of_which_nobody_knows_what_it_brings_along_is_no_all_clear(desk: Desk) -> None:
    declare(desk, "1.4.3", express="4.18.0")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0")

    assert answer.code == 3
    assert "What all these bring along is not known: " in answer.err
    assert "@acme/files-mcp 1.4.3" in answer.err


def test_nobody_had_a_dependency_where_everything_is_known_to_the_last_level(desk: Desk) -> None:
    desk.company.registry = {FILES: desk.company.registry[FILES]}
    desk.company.inventory = [line for line in desk.company.inventory if line["host"] == "laptop-7"]
    lock(desk.company)
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@5.0.0")

    assert answer.code == 0
    assert "bring along" not in answer.err


def test_a_time_before_the_first_inventory_is_no_all_clear(desk: Desk) -> None:
    look(desk)

    answer = desk("exposure", OTHER_PACKAGE, "--between", "2026-11-01", "2026-11-02")

    assert answer.code == 3


# --- no wrong yes


def test_what_a_record_named_by_mistake_was_not_had(desk: Desk) -> None:
    desk.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    look(desk)
    desk.company.later(hours=1)
    desk.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.4.1")
    look(desk)

    answer = desk("exposure", "GHSA-1111-2222-3333")

    assert answer.code == 0


def test_what_a_lock_file_brought_along_is_over_when_it_moves_on(desk: Desk) -> None:
    lock(desk.company)
    look(desk)
    desk.company.later(days=2)
    lock(desk.company, qs="6.10.3")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0", "--json")
    afterwards = desk("exposure", "pkg:npm/qs@6.10.0", "--between", "2026-12-14", "2026-12-20", "--json")

    assert spans(answer) == [(LAPTOP, BEGAN, CLEANED)]
    assert rows(afterwards) == []


def test_what_a_lock_file_brings_along_now_was_not_there_before(desk: Desk) -> None:
    lock(desk.company, qs="6.10.3")
    look(desk)
    desk.company.later(days=2)
    lock(desk.company, qs="6.10.0")
    look(desk)

    answer = desk("exposure", "pkg:npm/qs@6.10.0", "--json")

    assert spans(answer) == [(LAPTOP, CLEANED, "None")]


def test_what_was_done_about_another_package_of_the_server_is_not_told(desk: Desk) -> None:
    lock(desk.company)
    desk.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    desk.world.osv.advise("GHSA-qs", QS, fixed="6.10.3")
    look(desk)

    about_qs = desk("exposure", "pkg:npm/qs@6.10.0").out.partition("What was done:")[2]
    about_server = desk("exposure", VERSION).out.partition("What was done:")[2]

    assert ("GHSA-qs" in about_qs, "GHSA-1111-2222-3333" in about_qs) == (True, False)
    assert ("GHSA-qs" in about_server, "GHSA-1111-2222-3333" in about_server) == (False, True)


@pytest.mark.parametrize("version", ["2.4.0%2Bcu1", "2.4.0+cu1"])
def test_a_version_may_be_written_as_the_program_prints_it(desk: Desk, version: str) -> None:
    desk.company.deploy("laptop-9", "pkg:pypi/acme-fetch-mcp@2.4.0%2Bcu1")
    look(desk)

    answer = desk("exposure", f"pkg:pypi/acme-fetch-mcp@{version}", "--json")

    assert spans(answer) == [("laptop-9 claude-desktop", BEGAN, "None")]
