"""The program as processes: killed half-way, two at once, stopped politely. Each runs from the command line, on the real clock."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from time import monotonic, sleep

import pytest

from tests.company import Company
from tests.scenarios.conftest import BUILDER
from tests.world import Fault, Kind

PATIENCE = 30.0
"""Seconds for a process to get somewhere; a test that waits longer has failed."""


def start(company: Company, *arguments: str) -> "subprocess.Popen[str]":
    company.write()
    command = [sys.executable, "-m", "monitor", *arguments, "--config", str(company.config)]
    environ = {**os.environ, **company.environ, "HOME": str(company.folder)}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own program


def finish(company: Company, *arguments: str) -> tuple[int, str]:
    process = start(company, *arguments)
    out, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, out + errors


def wait_until(reached: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    deadline = monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None, process.communicate()
        assert monotonic() < deadline, "the process did not get there"
        sleep(0.02)


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("moment", [".tgz", "/attestations/", "/querybatch", "files-mcp"])
async def test_a_run_that_is_killed_while_it_looks_is_done_again_and_tells_once(calm: Company, moment: str) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    part = "osv" if moment == "/querybatch" else "npm"
    before = len(calm.world.asked(part, moment))
    calm.world.break_(part, Fault(Kind.HANG, only=moment))
    process = start(calm, "run")
    wait_until(lambda: len(calm.world.asked(part, moment)) > before, process)
    kill(process)
    calm.world.mend(part)

    code, output = finish(calm, "run")

    assert code == 1, output
    assert len(calm.world.jira.issues) == 1
    assert finish(calm, "audit", "verify")[0] == 0


async def test_a_run_that_is_killed_after_jira_accepted_finds_its_ticket_again(calm: Company) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    calm.world.break_("jira", Fault(Kind.ACCEPTED_THEN_HANG, only="POST"))
    process = start(calm, "run")
    wait_until(lambda: calm.world.jira.issues, process)
    kill(process)
    calm.world.mend("jira")

    code, output = finish(calm, "run")

    assert code == 1, output
    assert len(calm.world.jira.issues) == 1
    assert [review.ticket for review in await calm.reviews()] == [calm.world.jira.issues[0].key]


async def test_two_runs_at_once_share_the_work_and_tell_once(calm: Company) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    calm.world.pypi.publish("acme-fetch-mcp", "2.5.0", attested_by=BUILDER, forged=True)

    both = [start(calm, "run") for _ in range(2)]
    for process in both:
        process.communicate(timeout=PATIENCE)
    finish(calm, "run")

    assert len(calm.world.jira.issues) == 2
    assert len(calm.world.slack.messages) == 1
    assert finish(calm, "audit", "verify")[0] == 0


async def test_a_run_that_is_terminated_gives_its_servers_back(calm: Company) -> None:
    before = len(calm.world.asked("npm"))
    calm.world.break_("npm", Fault(Kind.HANG))
    process = start(calm, "run")
    wait_until(lambda: len(calm.world.asked("npm")) > before, process)

    process.send_signal(signal.SIGTERM)

    process.communicate(timeout=PATIENCE)
    calm.world.mend("npm")
    assert process.returncode == 143
    assert finish(calm, "run")[0] == 0


async def test_json_on_stdout_is_json_and_nothing_else(calm: Company) -> None:
    process = start(calm, "run", "--json")
    out, _ = process.communicate(timeout=PATIENCE)

    assert json.loads(out)["exit_code"] == 0
