"""A re-approval whose process is killed at every commit and at every request, over and over, until nothing is left to be killed at.

Whatever the moment: no ticket twice, no comment and no message twice, no decision lost, no approval that nobody gave, the pin written
once, and an audit log that is whole.
"""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

import pytest

from connectors import registry_file
from monitor.domain.audit import verify
from monitor.domain.review import State
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES
from tests.world import World

SETTINGS = """
[people.ada]
jira = "acc-ada"

[people.grace]
jira = "acc-grace"

[reviews]
approvers = ["ada", "grace"]
hold = "1h"
write = "file"

[reviews.approvers_needed]
1 = 1

[jira.statuses]
approved = ["Approved"]
rejected = ["Rejected"]
withdrawn = ["Cancelled"]
reopened = ["To Do"]

[[siem]]
kind = "json-lines"
path = "events.jsonl"
"""
JOBS = ["reviews", "fleet", "releases", "health", "siem", "deliver"]
MOST = 400
"""Points in one run: more would be a run that never comes to an end."""


@dataclass
class Killer:
    """Runs the program of a company in a process that is killed at the n-th point, for n = 1, 2, 3 … until it lives."""

    company: Company
    harness: "subprocess.Popen[str]"
    what: str
    """commits or requests."""
    moment: str
    """before or after."""
    kills: int = 0
    seen: int = 0
    target: int = 0
    pid: int = 0
    waits: list[str] = field(default_factory=list)

    def witness(self, line: str, *, done: bool) -> None:
        """Count a request, and kill who made it at the n-th."""
        del line
        if done == (self.moment == "after"):
            self.seen += 1
            if self.what == "requests" and self.seen == self.target:
                while not self.pid:  # who asks is alive before the harness can say its name
                    sleep(0.001)
                os.kill(self.pid, signal.SIGKILL)

    def until_it_lives(self) -> str:
        """Return what the run that came to its end said."""
        for at in range(1, MOST):
            answer = self.once(at)
            self.company.later(minutes=11)
            if not answer["killed"]:
                assert answer["code"] in (0, 1), answer["output"]
                return str(answer["output"])
            self.kills += 1
        raise AssertionError("a run never came to its end")

    def once(self, at: int) -> dict[str, object]:
        """Run once, and be killed at that point."""
        self.seen, self.target, self.pid = 0, at, 0
        by_itself = self.moment if self.what == "commits" else ""
        order = {"jobs": JOBS, "now": self.company.world.clock().isoformat(), "moment": by_itself, "at": at}
        assert self.harness.stdin is not None
        assert self.harness.stdout is not None
        print(json.dumps(order), file=self.harness.stdin, flush=True)
        self.pid = int(json.loads(self.harness.stdout.readline())["pid"])
        return dict(json.loads(self.harness.stdout.readline()))


@pytest.fixture(
    params=[("commits", "before"), ("commits", "after"), ("requests", "before"), ("requests", "after")], ids=" ".join
)
def killer(request: pytest.FixtureRequest, settled_world: World, tmp_path: Path) -> Iterator[Killer]:
    what, moment = request.param
    acme = Company(tmp_path, settled_world, settings=SETTINGS)
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", tier=1)
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    acme.write()
    acme.app.store.migrate()
    command = [sys.executable, "-m", "tests.killing", str(acme.config)]
    environ = {**os.environ, **acme.environ}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as harness:  # noqa: S603 our own
        killing = Killer(acme, harness, what, moment)
        settled_world.watch(killing.witness)
        yield killing
        settled_world.watch(None)
        assert harness.stdin is not None
        harness.stdin.close()


async def test_a_re_approval_survives_being_killed_everywhere(killer: Killer) -> None:
    company, world = killer.company, killer.company.world
    killer.until_it_lives()

    # A new version; then a newer one, while nobody has taken the ticket up; then a decision.
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    killer.until_it_lives()
    world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)
    killer.until_it_lives()
    company.later(hours=2)
    key = world.jira.issues[0].key
    world.jira.transition(key, "Approved", by="acc-grace")
    killer.until_it_lives()
    killer.until_it_lives()
    # And one that pages, and that somebody rejects.
    world.npm.publish("@acme/files-mcp", "1.4.5", attested_by=BUILDER, forged=True)
    killer.until_it_lives()
    company.later(hours=2)
    world.jira.transition(world.jira.issues[-1].key, "Rejected", by="acc-ada")
    killer.until_it_lives()
    killer.until_it_lives()

    print(f"\nkilled {killer.kills} times, {killer.moment} {killer.what}")  # noqa: T201 the figure that is asked for
    assert killer.kills >= LEAST[killer.what]
    reviews = {each.candidate.purl.version: each for each in await company.reviews()}
    assert {version: each.state for version, each in reviews.items()} == {
        "1.4.3": State.SUPERSEDED,
        "1.4.4": State.APPROVED,
        "1.4.5": State.REJECTED,
    }
    assert [(vote.by, vote.word.value) for vote in reviews["1.4.4"].votes] == [("grace", "approve")]
    assert [(vote.by, vote.word.value) for vote in reviews["1.4.5"].votes] == [("ada", "reject")]
    assert len(world.jira.issues) == 2
    for issue in world.jira.issues:
        assert [text for text, times in Counter(issue.remarks).items() if times > 1] == []
    assert len([message for message in world.slack.messages if "Act now" in message.text]) == 1
    pinned = registry_file.build(company.folder / "registry.yaml").read().entries[0].approval
    assert pinned is not None
    assert (pinned.pin.purl.version, pinned.approved_by, pinned.ticket) == ("1.4.4", "grace", key)
    chain = await company.app.store.run(lambda unit: unit.chain())
    assert verify(chain) == len(chain)
    events = [
        json.loads(line)
        for line in (company.folder / "events.jsonl").read_text("utf-8").splitlines()
        if line.endswith("}")
    ]
    hashes = {link.hash for link in chain}
    assert {each["metadata"]["uid"] for each in events} <= hashes


LEAST = {"commits": 50, "requests": 50}
"""Kills in one story; together they are more than two hundred."""
