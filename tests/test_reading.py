"""Commands that only read, for a user who may read the database and not write it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.desk import Desk
from tests.nobody import as_nobody, open_folder
from tests.verifying import FILES, sat_down
from tests.world import World

__all__ = ["open_folder"]

COMMANDS = [
    ("findings",),
    ("servers",),
    ("deployments",),
    ("audit", "verify"),
    ("audit", "export"),
    ("audit", "checkpoint"),
    ("verify", "--recorded", FILES, "1.4.2"),
    ("roots", "show"),
]


@pytest.fixture
def watched(world: World, open_folder: Path, capsys: pytest.CaptureFixture[str], logged: list[str]) -> Desk:
    """The person, after the program's first look."""
    del logged  # the program sets up its own log
    desk = sat_down(world, open_folder, capsys)
    desk.company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    asyncio.run(desk.company.run(("fleet", "releases")))
    return desk


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_works_without_the_right_to_write(command: Sequence[str], watched: Desk) -> None:
    as_its_owner = watched(*command)

    with as_nobody(watched.folder):
        printed = watched(*command)

    assert (printed.code, printed.err) == (as_its_owner.code, as_its_owner.err) == (0, "")


@pytest.mark.parametrize("command", COMMANDS[:-1], ids=" ".join)
def test_of_an_older_database_it_says_the_way_out(command: Sequence[str], watched: Desk) -> None:
    watched.tamper("UPDATE alembic_version SET version_num = '0002'")

    with as_nobody(watched.folder):
        printed = watched(*command)

    assert printed.code == 2
    assert "run: mcp-monitor migrate" in printed.err


def test_of_a_newer_programs_database_it_says_the_way_out(watched: Desk) -> None:
    watched.tamper("UPDATE alembic_version SET version_num = '9999'")

    printed = watched("findings")

    assert (printed.code, "upgrade the program" in printed.err) == (2, True)


@pytest.mark.parametrize("command", COMMANDS[:-1], ids=" ".join)
def test_where_no_database_is_it_makes_none(command: Sequence[str], watched: Desk) -> None:
    database = watched.folder / "monitor.db"
    database.unlink()

    printed = watched(*command)

    assert (printed.code, database.exists()) == (2, False)
    assert "mcp-monitor migrate" in printed.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_needs_no_secret_but_the_databases(command: Sequence[str], watched: Desk) -> None:
    config = watched.company.config
    config.write_text(
        config.read_text() + '[jira]\nurl = "https://jira.example"\nproject = "X"\ntoken_env = "NOT_SET"\n'
    )

    printed = watched(*command)

    assert printed.code == 0, printed.err
