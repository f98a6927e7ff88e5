"""`drift` and `deployments`, as somebody at a terminal asks them."""

import asyncio
import json
from datetime import datetime

import pytest

from monitor.runner import run
from tests.company import Company
from tests.desk import Desk, Printed
from tests.scenarios.conftest import FETCH, FILES, FORGE

PACKAGE = "pkg:npm/%40acme/files-mcp"


@pytest.fixture
def desk(company: Company, capsys: pytest.CaptureFixture[str], logged: list[str]) -> Desk:
    """Somebody at the keyboard of the company, after its first look."""
    del logged  # the program sets up its own log
    asyncio.run(company.run())
    company.later(hours=1)
    return Desk(company, capsys)


def look(desk: Desk) -> datetime:
    """Let the program read the inventories; return when it did."""
    asyncio.run(desk.company.run(["fleet"]))
    return desk.world.clock()


def lines(printed: Printed) -> dict[tuple[str, str], dict[str, object]]:
    """The lines of a JSON answer that are drift, by host and how they stand."""
    found = printed.json()["lines"]
    assert isinstance(found, list)
    return {(each["host"], each["stands"]): each for each in found if each["drift"]}


def test_a_fleet_that_runs_what_is_approved_has_no_drift(desk: Desk) -> None:
    printed = desk("drift")

    assert (printed.code, printed.out) == (0, "Nothing differs from what is approved.\n")
    assert "3 approved" in printed.err


def test_each_difference_is_told_with_the_command_that_mends_it(desk: Desk) -> None:
    company = desk.company
    company.deploy("ahead", f"{PACKAGE}@1.5.0")
    company.deploy("behind", f"{PACKAGE}@1.4.1")
    company.deploy("floats", PACKAGE, requested="latest")
    company.deploy("redirected", f"{PACKAGE}@1.4.2", redirects=["NPM_CONFIG_REGISTRY"])
    company.deploy("shadow", "pkg:npm/files-mcp@1.0.0")
    company.deploy("off", f"{PACKAGE}@9.9.9", disabled=True)
    look(desk)

    printed = desk("drift", "--json")

    found = lines(printed)
    assert printed.code == 1
    assert {key: each["mend"] for key, each in found.items()} == {
        ("ahead", "ahead"): "npx -y @acme/files-mcp@1.4.2",
        ("behind", "behind"): "npx -y @acme/files-mcp@1.4.2",
        ("floats", "floating"): "npx -y @acme/files-mcp@1.4.2",
        ("redirected", "redirected"): "remove NPM_CONFIG_REGISTRY from the entry mcp in /home/redirected/mcp.json",
        ("shadow", "shadow"): "remove the entry mcp from /home/shadow/mcp.json",
    }
    assert found["ahead", "ahead"]["owner"] == "platform"


def test_the_table_names_the_listed_server_that_a_lookalike_may_be_taken_for(desk: Desk) -> None:
    desk.company.deploy("shadow", "pkg:npm/files-mcp@1.0.0")
    look(desk)

    printed = desk("drift")

    assert "LOOKALIKE" in printed.out
    assert f"nearest: {FILES} (@acme/files-mcp without its scope)" in printed.out


def test_a_server_that_is_listed_and_not_approved_is_mended_in_the_line_of_its_entry(desk: Desk) -> None:
    del desk.company.registry[FORGE]["approved"]
    look(desk)

    [line] = lines(desk("drift", "--json")).values()

    lines_of_file = (desk.folder / "registry.yaml").read_text("utf-8").splitlines()
    where = next(at for at, text in enumerate(lines_of_file, start=1) if FORGE in text)
    assert str(line["mend"]).startswith("approve it in registry.yaml line ")
    assert abs(int(str(line["mend"]).split()[5]) - where) <= 1


def test_a_listed_server_that_is_deployed_nowhere_is_shown_and_no_drift(desk: Desk) -> None:
    desk.company.inventory = [line for line in desk.company.inventory if line["host"] != "laptop-8"]
    look(desk)

    printed = desk("drift")

    assert printed.code == 0
    assert [FETCH in line for line in printed.out.splitlines()[1:]] == [True]


def test_what_somebody_answers_for_is_no_drift(desk: Desk) -> None:
    desk.company.deploy("laptop-7", f"{PACKAGE}@1.4.1")
    look(desk)
    waiver = f'[[policy.waivers]]\nrule = "deployed-behind"\nserver = "{FILES}"\nreason = "roll-out"\nby = "rita"\n'
    with desk.company.config.open("a", encoding="utf-8") as file:
        file.write(waiver + "expires = 2099-01-01T00:00:00Z\n")

    printed = desk("drift")

    assert printed.code == 0
    assert "1 waived" in printed.err


def test_an_inventory_that_cannot_be_read_is_not_an_all_clear(desk: Desk) -> None:
    company = desk.company
    app = company.app
    (desk.folder / "inventory.jsonl").unlink()
    asyncio.run(run(app, ["fleet"]))

    printed = desk("drift")

    assert printed.code == 3
    assert "could not be read: inventory-file" in printed.err


def test_differences_are_counted_by_who_answers_for_them(desk: Desk) -> None:
    desk.company.registry[FETCH]["owner"] = "search team"
    desk.company.deploy("laptop-8", "pkg:pypi/acme-fetch-mcp@2.4.1")
    look(desk)

    by_owner = desk("drift", "--by", "owner", "--json").json()["by_owner"]
    table = desk("drift", "--by", "host").out.splitlines()

    assert by_owner == {"platform": {"approved": 2}, "search team": {"behind": 1}}
    assert table[0].split() == ["host", "approved", "behind"]
    assert table[2].split() == ["laptop-8", "0", "1"]


def test_only_the_named_server_is_compared(desk: Desk) -> None:
    desk.company.deploy("laptop-8", "pkg:pypi/acme-fetch-mcp@2.4.1")
    look(desk)

    assert desk("drift", "--server", FILES).code == 0
    assert desk("drift", "--server", FETCH).code == 1


def test_names_that_steer_a_terminal_are_shown_and_not_obeyed(desk: Desk) -> None:
    desk.company.deploy("shadow", "pkg:npm/x@1.0.0", name="\x1b]0;owned\x07\u202e")
    look(desk)

    for printed in (desk("drift"), desk("drift", "--by", "host"), desk("drift", "--json")):
        assert not {"\x1b", "\x07", "\u202e"} & set(printed.out)


# --- deployments


def test_what_ran_at_a_time_is_told_as_it_was_then(desk: Desk) -> None:
    before = desk.world.clock()
    desk.company.later(hours=1)
    desk.company.deploy("laptop-7", f"{PACKAGE}@1.4.1")
    look(desk)

    then = json.loads(desk("deployments", "--host", "laptop-7", "--at", before.isoformat(), "--json").out)
    now = json.loads(desk("deployments", "--host", "laptop-7", "--json").out)

    assert [(each["version"], each["server"]) for each in then] == [("1.4.2", FILES)]
    assert [each["version"] for each in now] == ["1.4.1"]


def test_before_the_first_inventory_nothing_is_known(desk: Desk) -> None:
    printed = desk("deployments", "--at", "2000-01-01")

    assert printed.code == 3
    assert "no inventory was read before" in printed.err


def test_a_time_that_is_none_is_refused_with_what_is_expected(desk: Desk) -> None:
    printed = desk("deployments", "--at", "yesterday")

    assert printed.code == 2
    assert "--at: expected 2026-11-24" in printed.err


def test_deployments_are_counted_by_server_host_and_owner(desk: Desk) -> None:
    desk.company.deploy("laptop-9", f"{PACKAGE}@1.4.1")
    desk.company.deploy("laptop-9", "pkg:npm/stranger@1.0.0", client="cursor")
    look(desk)

    by_server = {each["server"]: each for each in json.loads(desk("deployments", "--by", "server", "--json").out)}
    by_host = {each["host"]: each for each in json.loads(desk("deployments", "--by", "host", "--json").out)}
    table = desk("deployments", "--by", "owner").out

    assert (by_server[FILES]["hosts"], by_server[FILES]["versions"]) == (2, {"1.4.1": 1, "1.4.2": 1})
    assert (by_host["laptop-9"]["deployments"], by_host["laptop-9"]["unlisted"]) == (2, 1)
    assert "platform" in table


def test_only_what_is_asked_for_is_listed(desk: Desk) -> None:
    by_server = json.loads(desk("deployments", "--server", FILES, "--json").out)
    by_host = json.loads(desk("deployments", "--host", "laptop-8", "--json").out)

    assert [each["host"] for each in by_server] == ["laptop-7"]
    assert [each["server"] for each in by_host] == [FETCH]


# --- exposure


def test_who_ran_a_version_that_lay_on_the_disk_of_a_floating_command_is_known(desk: Desk) -> None:
    desk.company.deploy("laptop-9", PACKAGE, installed=f"{PACKAGE}@1.4.1")
    look(desk)

    printed = desk("exposure", f"{PACKAGE}@1.4.1", "--json")

    exposures = printed.json()["exposures"]
    assert isinstance(exposures, list)
    assert [each["where"] for each in exposures] == ["laptop-9 claude-desktop"]


def test_a_ticket_names_hosts_owner_and_the_command_that_mends_it(desk: Desk) -> None:
    desk.company.deploy("laptop-7", f"{PACKAGE}@9.9.9")
    desk.company.deploy("laptop-9", f"{PACKAGE}@9.9.9")
    asyncio.run(desk.company.run())

    [issue] = desk.world.jira.issues

    assert "laptop-7, laptop-9 (owner platform): npx -y @acme/files-mcp@1.4.2" in json.dumps(issue.fields)
