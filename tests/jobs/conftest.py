"""A company whose first look has been made, with people who decide and a tracker in memory."""

from pathlib import Path

import pytest

from monitor.domain.people import People, Person
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES, calm, company, settled_world
from tests.tracker import Tracker
from tests.world import World

__all__ = ["BUILDER", "FILES", "calm", "company", "settled_world"]

PERSONS = tuple(Person(name, f"acc-{name}", f"U-{name}", name, name) for name in ("ada", "grace", "bob"))
PEOPLE = People(PERSONS, frozenset({"ada", "grace"}))


@pytest.fixture
def tracker() -> Tracker:
    return Tracker()


@pytest.fixture
async def asked(settled_world: World, tmp_path: Path, tracker: Tracker) -> Company:
    """One ticket is open, about 1.4.3 of the server FILES; its hold is over."""
    acme = Company(tmp_path, settled_world)
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", tier=2)
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    acme.policy(people=PEOPLE)
    acme.replace(tickets=tracker)
    await acme.run()
    acme.later(hours=1)
    acme.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await acme.run()
    assert [each.title for each in tracker.tickets] == [f"Re-approve @acme/files-mcp 1.4.2 -> 1.4.3 ({FILES})"]
    acme.later(days=4)
    return acme
