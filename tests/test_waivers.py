"""Somebody answers for a finding: by command, for a while, in their own name, and everybody sees it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import wiring
from monitor.commands.identity import account_name
from tests.company import Company
from tests.desk import Desk
from tests.world import World

FILES = "io.github.acme/files-mcp"
TOMORROW = f"{wiring.utc_now() + timedelta(days=1):%Y-%m-%d}"


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, logged: list[str]) -> Desk:
    """A company in which a version nobody approved is there, and whose caller is ada."""
    del logged  # the program sets up its own log
    company = Company(tmp_path, world, tells=False)
    company.settings = f'\n[people.ada]\naccount = "{account_name()}"\n'
    world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=None)
    company.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp")
    company.write()
    found = Desk(company, capsys)
    found.check()
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=None)
    company.later(hours=2)
    found.check()
    return found


@pytest.fixture
def finding(desk: Desk) -> str:
    """The id of the new release's finding."""
    found = json.loads(desk("findings", "--json").out)
    return next(str(each["fingerprint"]) for each in found if each["rule"] == "new-release")


def open_findings(desk: Desk, rule: str = "new-release") -> list[dict[str, object]]:
    return [each for each in json.loads(desk("findings", "--json").out) if each["rule"] == rule]


def audited(line: str) -> dict[str, object]:
    read = json.loads(line)
    return json.loads(read["line"]) if "line" in read else read  # type: ignore[no-any-return]  # JSON of our own


def test_a_waiver_stands_beside_its_finding_with_who_why_and_until_when(desk: Desk, finding: str) -> None:
    given = desk("waive", finding[:8], "--reason", "pinned by the proxy", "--until", TOMORROW)

    (shown,) = open_findings(desk)
    answered = shown["answered"]
    assert given.code == 0
    assert isinstance(answered, dict)
    assert (answered["kind"], answered["by"], answered["reason"]) == ("waiver", "ada", "pinned by the proxy")
    assert "waived by ada until" in desk("findings").out


def test_an_acknowledgement_leaves_the_finding_open_and_counted(desk: Desk, finding: str) -> None:
    desk("acknowledge", finding, "--reason", "on it", "--for", "2h")

    assert "acknowledged by ada until" in desk("findings").out
    assert "acknowledged by ada until" in " ".join(desk("run", "releases").out.split())
    assert desk("run", "deliver").code == 1


def test_a_waived_finding_counts_no_more(desk: Desk) -> None:
    for each in json.loads(desk("findings", "--json").out):
        desk("waive", str(each["fingerprint"]), "--reason", "known", "--until", TOMORROW)

    assert desk("run", "deliver").code == 0


def test_a_waiver_is_undone_by_its_id_and_audited_with_who_did_it(desk: Desk, finding: str) -> None:
    desk("waive", finding, "--reason", "known", "--until", TOMORROW)
    (given,) = json.loads(desk("waivers", "--json").out)

    undone = desk("waivers", "undo", given["id"][:8])

    assert undone.code == 0
    assert json.loads(desk("waivers", "--json").out) == []
    assert [each["state"] for each in json.loads(desk("waivers", "--all", "--json").out)] == ["undone"]
    assert open_findings(desk)[0]["answered"] is None
    said = [line for line in desk("audit", "export").out.splitlines() if "waiver." in line]
    assert [each["verb"] for each in map(audited, said) if each["actor"] == "ada"] == ["waiver.given", "waiver.undone"]


def test_who_is_not_known_answers_for_nothing(desk: Desk, finding: str) -> None:
    config = desk.company.config.read_text("utf-8")
    desk.company.config.write_text(config.replace("[people.ada]\naccount =", "[people.ada]\nslack ="), "utf-8")

    refused = desk("waive", finding, "--reason", "known", "--until", TOMORROW)

    assert refused.code == 2
    assert "nobody in [people] has the account" in refused.err
    assert json.loads(desk("waivers", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("waive", "ID", "--reason", "x", "--until", "2020-01-01"), "within the next 365 days"),
        (("waive", "ID", "--reason", "x", "--until", "2120-01-01"), "within the next 365 days"),
        (("waive", "ID", "--reason", " ", "--until", TOMORROW), "--reason: expected a reason"),
        (("waive", "ffffffffffff", "--reason", "x", "--until", TOMORROW), "no open finding has the id"),
        (("waive", "", "--reason", "x", "--until", TOMORROW), "no open finding has the id"),
        (("acknowledge", "ID", "--reason", "x", "--for", "90d"), "at most 30d"),
        (("acknowledge", "ID", "--reason", "x", "--for", "soon"), "expected 30m, 4h or 2d"),
        (("waivers", "undo", "abc"), "no waiver that holds has the id abc"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_way_out(
    desk: Desk, finding: str, arguments: tuple[str, ...], complaint: str
) -> None:
    refused = desk(*(finding if each == "ID" else each for each in arguments))

    assert refused.code == 2
    assert complaint in refused.err


def test_a_waiver_is_said_in_the_ticket_that_asks(desk: Desk, finding: str) -> None:
    desk("waive", finding, "--reason", "pinned by the proxy", "--until", TOMORROW)

    told = desk("run", "deliver").out

    assert "would have commented on" in told
    assert "Waived by ada until" in told
