"""Decisions at the keyboard. Who calls is the account that runs the tests; the time is the simulated world's."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import time_machine

from monitor.commands.identity import account_name
from tests.company import Company
from tests.desk import Desk, Printed
from tests.scenarios.conftest import BUILDER, FILES, settled_world
from tests.world import World

__all__ = ["settled_world"]

PEOPLE = """
[people.ada]
account = "{account}"

[people.bob]

[people.grace]
account = "somebody-else"

[reviews]
approvers = [{approvers}]
approvers_needed = {{ 1 = 2 }}
"""


@dataclass
class Keyboard:
    """Somebody at the keyboard of a company in which a version waits for a decision."""

    desk: Desk

    @property
    def company(self) -> Company:
        """Whose it is."""
        return self.desk.company

    def __call__(self, *arguments: str) -> Printed:
        """Call `review` at the world's time."""
        with time_machine.travel(self.company.world.clock(), tick=False):
            return self.desk("review", *arguments)

    def read(self, *arguments: str) -> list[dict[str, object]]:
        """Return what `list` lists."""
        listed = json.loads(self("list", "--json", *arguments).out)
        assert isinstance(listed, list)
        return listed

    def pin(self) -> str:
        """Return the pin that `show` names."""
        return str(self("show", FILES, "--json").json()["pin"])

    def state(self) -> str:
        """Return the state of the only review."""
        (review,) = self.read("--all")
        return str(review["state"])


def keyboard(
    world: World,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    approvers: str = '"ada", "grace"',
    account: str = "",
    tier: int = 2,
) -> Keyboard:
    settings = PEOPLE.format(account=account or account_name(), approvers=approvers)
    acme = Company(folder, world, tells=False, settings=settings)
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", tier=tier)
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    asyncio.run(acme.run())
    acme.later(hours=1)
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    asyncio.run(acme.run())
    acme.later(days=4)
    return Keyboard(Desk(acme, capsys))


@pytest.fixture
def desk(settled_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Keyboard:
    return keyboard(settled_world, tmp_path, capsys)


def test_what_waits_is_listed_with_its_pin_and_what_is_missing(desk: Keyboard) -> None:
    printed = desk("list")
    (listed,) = desk.read()

    assert "1.4.3" in printed.out
    assert "1 more, of ada, grace" in printed.out
    assert (listed["version"], listed["missing_approvals"], listed["pin"]) == ("1.4.3", 1, desk.pin())


def test_the_evidence_of_the_ticket_is_shown(desk: Keyboard) -> None:
    printed = desk("show", FILES)

    assert printed.code == 0
    assert "Re-approve @acme/files-mcp 1.4.2 -> 1.4.3" in printed.out
    assert "npm attestation" in printed.out
    assert "can be approved" in printed.out


def test_an_approver_approves_exactly_what_was_read(desk: Keyboard) -> None:
    printed = desk("approve", FILES, "--pin", desk.pin()[:8], "--reason", "read the diff")

    (review,) = desk.read("--all")
    assert printed.code == 0
    assert "approved: " in printed.out
    assert (review["state"], review["approved_by"]) == ("approved", ["ada"])
    assert "read the diff" in desk("show", FILES, "1.4.3").out


def test_the_first_tier_needs_somebody_else_too(
    settled_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = keyboard(settled_world, tmp_path, capsys, tier=1)

    once = desk("approve", FILES, "--pin", desk.pin(), "--reason", "read it")
    twice = desk("approve", FILES, "--pin", desk.pin(), "--reason", "read it again")

    assert (once.code, twice.code, desk.state()) == (0, 1, "in-review")
    assert "Missing: 1 more, of grace" in once.out
    assert "has approved this already" in twice.err


def test_another_pin_than_the_one_under_review_decides_nothing(desk: Keyboard) -> None:
    printed = desk("approve", FILES, "--pin", "0" * 16, "--reason", "read the diff")

    assert (printed.code, desk.state()) == (1, "ticketed")
    assert desk.pin() in printed.err


def test_a_short_pin_is_refused(desk: Keyboard) -> None:
    printed = desk("approve", FILES, "--pin", desk.pin()[:7], "--reason", "read the diff")

    assert (printed.code, desk.state()) == (2, "ticketed")


def test_who_is_no_approver_may_reject_and_not_approve(
    settled_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = keyboard(settled_world, tmp_path, capsys, approvers='"grace", "bob"')

    approved = desk("approve", FILES, "--pin", desk.pin(), "--reason", "it is fine")
    between = desk.state()
    rejected = desk("reject", FILES, "--pin", desk.pin(), "--reason", "new install script")

    assert (approved.code, between) == (1, "ticketed")
    assert "may not approve" in approved.err
    assert (rejected.code, desk.state()) == (0, "rejected")


def test_a_stranger_decides_nothing(settled_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = keyboard(settled_world, tmp_path, capsys, account="nobody-here")

    printed = desk("reject", FILES, "--pin", desk.pin(), "--reason", "no")

    assert (printed.code, desk.state()) == (2, "ticketed")
    assert "[people]" in printed.err


def test_a_young_version_cannot_be_approved_and_the_date_is_named(desk: Keyboard) -> None:
    desk.company.world.clock.advance(days=-3)

    printed = desk("approve", FILES, "--pin", desk.pin(), "--reason", "read the diff")

    assert (printed.code, desk.state()) == (1, "ticketed")
    assert "too early: it can be approved from 20" in printed.err


def test_what_was_rejected_is_asked_anew_by_an_approver(desk: Keyboard) -> None:
    desk("reject", FILES, "--pin", desk.pin(), "--reason", "new install script")

    printed = desk("reopen", FILES, "1.4.3", "--reason", "author answered")
    asyncio.run(desk.company.run())

    assert (printed.code, desk.state()) == (0, "ticketed")
    assert "ada asks anew: author answered" in desk("show", FILES).out


def test_what_waits_cannot_be_reopened(desk: Keyboard) -> None:
    printed = desk("reopen", FILES, "1.4.3", "--reason", "why not")

    assert (printed.code, desk.state()) == (2, "ticketed")


def test_a_server_without_a_review_is_named(desk: Keyboard) -> None:
    printed = desk("show", "io.github.acme/other")

    assert printed.code == 2
    assert "nothing of io.github.acme/other waits" in printed.err


def test_a_decision_at_the_keyboard_is_told_in_the_ticket(desk: Keyboard) -> None:
    desk("approve", FILES, "--pin", desk.pin(), "--reason", "read the diff")

    asyncio.run(desk.company.run(["deliver"]))

    assert "Approved by ada" in desk.company.out.getvalue()
