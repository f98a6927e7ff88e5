from pathlib import Path

import pytest

from tests.company import Company
from tests.desk import Desk
from tests.world import World

TRACKER = """
[jira]
url = "{url}"
project = "MCPSEC"
email = "bot@world.example"
token_file = "jira-token"
"""
NOBODY_CAN = """
[people.ada]

[reviews]
approvers = ["ada"]
"""
ALL_WELL = """
[people.ada]
jira = "acc-ada"

[reviews]
approvers = ["ada"]
write = "file"

[jira.statuses]
approved = ["Approved"]
"""
WARNINGS = ["no status of Jira approves", "nothing tells a word of ada", "is written nowhere"]


@pytest.fixture
def company(world: World, tmp_path: Path, logged: list[str]) -> Company:
    """A company with a tracker, of which the tests say who decides."""
    del logged  # the program sets up its own log
    (tmp_path / "jira-token").write_text(world.jira.token)
    acme = Company(tmp_path, world, tells=False, settings=TRACKER.format(url=world.url("jira")))
    acme.approve("io.github.acme/files-mcp", "1.4.2", package="pkg:npm/%40acme/files-mcp")
    return acme


@pytest.mark.parametrize(
    ("settings", "said"), [(NOBODY_CAN, WARNINGS), (ALL_WELL, [])], ids=["nobody can decide", "all is well"]
)
def test_doctor_says_what_keeps_people_from_deciding(
    settings: str, said: list[str], company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.settings += settings
    company.write()
    company.app.store.migrate()

    printed = Desk(company, capsys)("doctor")

    assert [words for words in WARNINGS if words in printed.out] == said
