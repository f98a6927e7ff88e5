"""A person who is asked "did we have it?", in the company of the scenarios."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from monitor.domain.finding import Tracked
from monitor.domain.purl import Purl
from tests.company import Company
from tests.desk import Desk, Printed
from tests.scenarios.conftest import FILES

FILES_PACKAGE = Purl.npm("@acme/files-mcp")
QS = Purl.npm("qs")
VERSION = "pkg:npm/%40acme/files-mcp@1.4.2"
BEGAN, CLEANED, RECORDED = "2026-12-09T12:00", "2026-12-11T12:00", "2026-12-12T12:00"
LAPTOP = "laptop-7 claude-desktop"


def look(desk: Desk, *jobs: str) -> None:
    """Let the program run, as cron does: these jobs, or everything."""
    asyncio.run(desk.company.run(jobs) if jobs else desk.company.run())


def lock(company: Company, version: str = "1.4.2", *, qs: str = "6.10.0") -> None:
    """Name lock files in the entry of the files server, and write that of the version: files > express > qs."""
    company.approve(FILES, None, dependencies="locks/files-{version}.json")
    packages: dict[str, dict[str, object]] = {
        "": {"name": "@acme/files-mcp", "version": version, "dependencies": {"express": "^4.0.0"}},
        "node_modules/express": {"version": "4.18.0", "dependencies": {"qs": qs}},
        "node_modules/qs": {"version": qs},
    }
    document = {"name": "@acme/files-mcp", "version": version, "lockfileVersion": 3, "packages": packages}
    folder = company.folder / "locks"
    folder.mkdir(exist_ok=True)
    (folder / f"files-{version}.json").write_text(json.dumps(document), "utf-8")


def leave(company: Company, host: str) -> None:
    """Clean a host up: its inventory has nothing any more."""
    company.inventory = [line for line in company.inventory if line["host"] != host]


def facts(tracked: Tracked) -> Mapping[str, str]:
    """Return what a finding tells, by label."""
    return {fact.label: fact.value for fact in tracked.finding.facts}


def rows(printed: Printed) -> list[dict[str, object]]:
    """Return the exposures of a JSON answer."""
    found = printed.json()["exposures"]
    assert isinstance(found, list)
    return found


def spans(printed: Printed, kind: str = "deployed") -> list[tuple[object, object, object]]:
    """Return where, from when and until when of the exposures of one kind, to the minute."""
    return [
        (each["where"], str(each["since"])[:16], str(each["until"])[:16])
        for each in rows(printed)
        if each["kind"] == kind
    ]


@pytest.fixture
def desk(company: Company, capsys: pytest.CaptureFixture[str], logged: list[str]) -> Desk:
    """The person, before the program's first look."""
    del logged  # the program sets up its own log
    company.write()
    return Desk(company, capsys)


@pytest.fixture
def cleaned(desk: Desk) -> Desk:
    """A laptop ran a version for two days; a day after it was cleaned up, the version is recorded as malware."""
    look(desk)
    desk.company.later(days=2)
    leave(desk.company, "laptop-7")
    look(desk)
    desk.company.later(days=1)
    desk.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    look(desk)
    return desk
