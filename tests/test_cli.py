import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

import pytest
from cyclopts import App

from monitor import cli, runner
from monitor.cli.options import JobName
from monitor.cli.program import app
from tests.company import Company
from tests.desk import Desk
from tests.world import Fault, Kind, World

ROOT = Path(__file__).parent.parent
COMMANDS = [
    ("init",),
    ("run",),
    ("serve",),
    ("listen",),
    ("servers",),
    ("findings",),
    ("waive",),
    ("acknowledge",),
    ("waivers",),
    ("waivers", "undo"),
    ("connections", "ingest"),
    ("connections", "list"),
    ("evidence",),
    ("evidence", "verify"),
    ("deployments",),
    ("deployments", "forget"),
    ("drift",),
    ("scan",),
    ("advisories",),
    ("exposure",),
    ("export", "allowlist"),
    ("audit", "verify"),
    ("audit", "export"),
    ("audit", "report"),
    ("audit", "checkpoint"),
    ("audit", "keygen"),
    ("review", "list"),
    ("review", "show"),
    ("review", "approve"),
    ("review", "reject"),
    ("review", "reopen"),
    ("submit",),
    ("submissions",),
    ("retire",),
    ("recertify", "list"),
    ("recertify", "keep"),
    ("recertify", "retire"),
    ("roots", "show"),
    ("roots", "refresh"),
    ("verify",),
    ("doctor",),
    ("migrate",),
]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, logged: list[str]) -> Desk:
    """A registry of one server, and what runs on one laptop; nobody to tell but the console."""
    del logged  # the program sets up its own log
    company = Company(tmp_path, world, tells=False)
    world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=None)
    company.approve("io.github.acme/files-mcp", "1.4.2", package="pkg:npm/%40acme/files-mcp")
    company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    company.write()
    return Desk(company, capsys)


def program(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the program in a process of its own."""
    return subprocess.Popen(  # noqa: S603 the program itself
        [sys.executable, "-m", "monitor", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})},
    )


# --- start-up and help --------------------------------------------------------------------------------------------------


def test_the_command_line_starts_without_the_libraries_that_do_the_work() -> None:
    code = "import sys, monitor.cli; print(*(name for name in sys.modules if '.' not in name))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603

    heavy = {
        "sigstore",
        "sqlalchemy",
        "httpx",
        "aiohttp",
        "apscheduler",
        "pydantic",
        "slack_sdk",
        "starlette",
        "alembic",
    }
    assert heavy & set(loaded.split()) == set()


def test_help_takes_less_than_half_a_second_of_work() -> None:
    spent = [_seconds("--help") for _ in range(3)]

    assert min(spent) < 0.5


def _seconds(*arguments: str) -> float:
    """CPU time, which a busy machine does not stretch."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program(*arguments).communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_teaches_by_example(
    command: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main([*command, "--help"])

    assert code == 0
    assert f"mcp-monitor {' '.join(command)}" in capsys.readouterr().out.partition("Usage:")[2].partition("\n")[2]


def test_the_commands_that_are_tested_are_all_commands() -> None:
    commands = set(_commands(app))

    assert commands == set(COMMANDS)


def _commands(group: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in group:
        if name.startswith("-"):
            continue
        below = list(_commands(group[name], (*path, name)))
        yield from below
        if not below or group[name].default_command:
            yield (*path, name)


def test_the_jobs_of_the_command_line_are_those_of_the_runner() -> None:
    assert get_args(JobName) == tuple(runner.JOBS)


# --- wrong usage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["rn"], "run"),
        (["run", "release"], "releases"),
        (["run", "--sever", "x"], "--server"),
        (["audit", "verfy"], "verify"),
    ],
)
def test_wrong_usage_is_2_and_names_what_is_near(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(arguments)

    assert code == 2
    assert hint in capsys.readouterr().err


def test_a_missing_configuration_is_2_and_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["run", "--config", str(tmp_path / "nowhere.toml")])

    assert code == 2
    assert "copy config.example.toml" in capsys.readouterr().err


def test_the_configuration_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    _, err = program("run", environ={"MCP_MONITOR_CONFIG": str(tmp_path / "named.toml")}).communicate()

    assert "named.toml: no such file" in err


def test_a_database_without_a_schema_is_2_and_says_what_to_do(shell: Desk) -> None:
    printed = shell("run")

    assert printed.code == 2
    assert "mcp-monitor migrate" in printed.err


def test_a_database_that_cannot_be_reached_is_3_and_one_line(shell: Desk) -> None:
    (shell.folder / "monitor.db").mkdir()

    printed = shell("run")

    assert printed.code == 3
    assert len(printed.err.splitlines()) == 1


def test_a_server_that_is_not_listed_is_2_and_names_what_is_near(shell: Desk) -> None:
    shell("migrate")

    printed = shell("run", "--server", "io.github.acme/file-mcp")

    assert printed.code == 2
    assert "did you mean io.github.acme/files-mcp?" in printed.err


# --- run -----------------------------------------------------------------------------------------------------------------


def test_a_calm_world_is_0(shell: Desk) -> None:
    shell("migrate")

    printed = shell("run")

    assert printed.code == 0, printed.out
    assert "Exit code 0: quiet" in printed.out


def test_findings_are_1_and_the_messages_that_would_have_been_sent_are_printed(shell: Desk, world: World) -> None:
    shell("migrate")
    shell("run")
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=None)

    printed = shell("run")

    assert printed.code == 1
    assert "would have opened a ticket" in printed.out


def test_what_could_not_be_checked_is_3_even_beside_findings(shell: Desk, world: World) -> None:
    shell("migrate")
    shell("run")
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=None)
    world.break_("osv", Fault(Kind.OUTAGE))

    printed = shell("run")

    assert printed.code == 3
    assert "COULD NOT CHECK\nsource" in printed.out
    assert "new-release" in printed.out


def test_json_is_alone_on_stdout(shell: Desk, world: World) -> None:
    shell("migrate")
    shell("run")
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=None)

    printed = shell("run", "--json")

    report = json.loads(printed.out)
    assert report["exit_code"] == printed.code == 1
    assert [each["name"] for each in report["servers"]] == ["io.github.acme/files-mcp"]
    assert "would have opened a ticket" in printed.err


def test_one_job_may_be_run_alone(shell: Desk, world: World) -> None:
    shell("migrate")

    printed = shell("run", "fleet", "--json")

    assert json.loads(printed.out)["jobs"] == ["fleet"]
    assert world.requests == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_gives_its_servers_back_without_a_traceback(
    shell: Desk, world: World, number: signal.Signals, code: int
) -> None:
    shell("migrate")
    world.break_("npm", Fault(Kind.HANG, seconds=60))
    started = program("run", "--config", str(shell.folder / "config.toml"))
    assert started.stderr
    while "releases" not in started.stderr.readline():
        pass
    _wait_until_asked(world)

    started.send_signal(number)
    _, err = started.communicate()

    assert started.returncode == code
    assert "Traceback" not in err
    assert "Done: reviews, fleet, " in err
    assert "releases (stopped after 0 of 1 servers). What was recorded is kept" in err
    assert "Repeating the run is safe" in err
    with sqlite3.connect(shell.folder / "monitor.db") as database:
        assert database.execute(
            "SELECT count(*) FROM due WHERE claimed_by IS NOT NULL AND claimed_by != ''"
        ).fetchone() == (0,)
    database.close()


def _wait_until_asked(world: World) -> None:
    while not world.requests:
        time.sleep(0.01)


# --- what is kept ---------------------------------------------------------------------------------------------------------


def test_servers_show_what_is_known_of_each(shell: Desk) -> None:
    shell("migrate")
    shell("run")

    [server] = json.loads(shell("servers", "--json").out)

    assert (server["approved"], server["newest_seen"], server["deployed"]) == ("1.4.2", "1.4.2", "1.4.2 (1)")
    assert "io.github.acme/files-mcp" in shell("servers").out


def test_a_bad_entry_costs_itself_and_is_named_with_its_line(shell: Desk) -> None:
    shell("migrate")
    registry = shell.folder / "registry.yaml"
    content = json.loads(registry.read_text())
    content["servers"].append({"name": "io.github.acme/bad", "package": "not a purl"})
    registry.write_text(json.dumps(content, indent=1))

    printed = shell("servers")

    assert "io.github.acme/files-mcp" in printed.out
    assert "registry.yaml, line " in printed.err
    assert "io.github.acme/bad" in printed.err


def test_findings_can_be_asked_for_one_server_and_with_those_that_are_over(shell: Desk, world: World) -> None:
    shell("migrate")
    shell("run")
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=None)
    shell("run")

    found = json.loads(shell("findings", "--server", "io.github.acme/files-mcp", "--all", "--json").out)

    assert "new-release" in {each["rule"] for each in found}
    mistyped = shell("findings", "--server", "io.github.acme/files-mpc", "--json")
    assert (mistyped.code, "did you mean io.github.acme/files-mcp?" in mistyped.err) == (2, True)


def test_a_finding_for_a_machine_says_what_to_do(shell: Desk, world: World) -> None:
    shell("migrate")
    shell("run")
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=None)
    shell("run")

    found = json.loads(shell("findings", "--json").out)

    [new] = [each for each in found if each["rule"] == "new-release"]
    assert new["remedy"] == "Decide in the ticket; the decision becomes the new pin."


def test_what_strangers_named_their_server_does_not_reach_the_terminal_raw(shell: Desk) -> None:
    shell("migrate")
    line = {"host": "h", "client": "c", "location": "l", "name": "\x1b]0;owned\x07\u202e", "purl": "pkg:npm/x@1.0.0"}
    (shell.folder / "inventory.jsonl").write_text(json.dumps(line))
    shell("run", "fleet")

    printed = shell("deployments")

    assert "owned" in printed.out
    assert not {"\x1b", "\x07", "\u202e"} & set(printed.out)


# --- audit ----------------------------------------------------------------------------------------------------------------


def test_a_whole_log_is_verified_against_its_checkpoint(shell: Desk) -> None:
    shell("migrate")
    shell("run")
    shell("audit", "checkpoint", "--output", str(shell.folder / "head.json"))
    shell("run")

    printed = shell("audit", "verify", "--checkpoint", str(shell.folder / "head.json"))

    assert printed.code == 0
    assert "agrees with the checkpoint" in printed.out


def test_an_edited_log_is_1_and_names_the_place(shell: Desk) -> None:
    shell("migrate")
    shell("run")
    shell.tamper("UPDATE audit SET line = replace(line, 'run.started', 'run.stopped') WHERE seq = 1")

    printed = shell("audit", "verify")

    assert printed.code == 1
    assert "broken at event 1" in printed.err


def test_a_log_that_was_cut_off_is_found_by_the_checkpoint(shell: Desk) -> None:
    shell("migrate")
    shell("run")
    shell("audit", "checkpoint", "--output", str(shell.folder / "head.json"))
    shell.tamper("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")

    assert shell("audit", "verify").code == 0
    assert shell("audit", "verify", "--checkpoint", str(shell.folder / "head.json")).code == 1


def test_the_exported_log_has_every_event_with_the_text_that_its_hash_covers(shell: Desk) -> None:
    shell("migrate")
    shell("run")

    events = [json.loads(line) for line in shell("audit", "export").out.splitlines()]

    assert [each["seq"] for each in events] == list(range(1, len(events) + 1))
    assert all(json.loads(each["line"]) == each["event"] for each in events)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"seq": "x"}', "\x00", '{"seq":1,"hash":"","at":"now"}'])
def test_a_file_that_is_no_checkpoint_is_2(shell: Desk, content: str) -> None:
    shell("migrate")
    (shell.folder / "head.json").write_text(content)

    printed = shell("audit", "verify", "--checkpoint", str(shell.folder / "head.json"))

    assert printed.code == 2
    assert "expected a checkpoint" in printed.err


def test_an_output_that_cannot_be_written_is_one_clear_line(shell: Desk) -> None:
    shell("migrate")

    printed = shell("audit", "export", "--output", str(shell.folder / "missing" / "log.jsonl"))

    assert printed.code == 2
    assert len(printed.err.splitlines()) == 1


def test_a_reader_who_leaves_ends_the_program_quietly(shell: Desk) -> None:
    shell("migrate")
    for _ in range(3):
        shell("run", "fleet")
    started = program("audit", "export", "--config", str(shell.folder / "config.toml"))
    assert started.stdout
    assert started.stderr
    started.stdout.close()

    code = started.wait()

    assert code == 141
    assert started.stderr.read() == ""
    started.stderr.close()


# --- doctor ---------------------------------------------------------------------------------------------------------------


def test_doctor_finds_a_healthy_installation_healthy(shell: Desk) -> None:
    shell("migrate")

    printed = shell("doctor")

    assert printed.code == 0, printed.out
    assert "fail" not in printed.out
    assert (
        "ok   npm                            @acme/files-mcp: 1 releases (address from sources.npm.url)" in printed.out
    )


def test_doctor_says_what_to_do_about_a_source_that_is_away(shell: Desk, world: World) -> None:
    shell("migrate")
    world.break_("npm", Fault(Kind.OUTAGE))

    printed = shell("doctor")

    assert printed.code == 1
    assert "fail npm" in printed.out
    assert "-> Check the network, HTTPS_PROXY and NO_PROXY, and sources.npm.url." in printed.out


def test_doctor_says_that_the_database_is_not_there_yet(shell: Desk) -> None:
    printed = shell("doctor")

    assert printed.code == 1
    assert "-> Run: mcp-monitor migrate" in printed.out


ENDED = """
[[policy.waivers]]
rule = "floating-version"
reason = "until the launcher pins"
by = "rita@acme.example"
expires = 2020-01-31
"""


def test_a_waiver_that_has_ended_is_named_by_doctor_and_run(shell: Desk) -> None:
    config = shell.company.config
    config.write_text(config.read_text("utf-8") + ENDED, "utf-8")
    shell("migrate")

    examined, ran = shell("doctor"), shell("run", "health")

    assert (
        "warn waivers                        policy.waivers[0] (floating-version, server *) ended on 2020-01-31"
        in examined.out
    )
    assert "policy.waivers[0] (floating-version, server *) ended on 2020-01-31" in ran.err
    assert (examined.code, ran.code) == (0, 0)


def test_doctor_fails_for_a_registry_that_is_missing(shell: Desk) -> None:
    shell("migrate")
    (shell.folder / "registry.yaml").unlink()

    printed = shell("doctor")

    assert printed.code == 1
    assert "fail registry" in printed.out
