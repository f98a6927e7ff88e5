import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import web
from monitor.config import Schedule
from monitor.cron import trigger, zone
from monitor.domain.audit import AuditEvent
from monitor.domain.health import SourceHealth
from monitor.ports.store import UnitOfWork
from monitor.runner import JOBS
from monitor.scheduler import Ended, jobs_of, keep_running, slots
from tests.company import Company
from tests.world import Fault, Kind, World

ROOT = Path(__file__).parent.parent
FILES = "io.github.acme/files-mcp"
SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def company(world: World, tmp_path: Path) -> Company:
    acme = Company(tmp_path, world)
    world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=None)
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp")
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    return acme


def schedule(**options: str) -> Schedule:
    """A schedule on which nothing runs but what is run at the start, unless it is said."""
    never = "0 0 1 1 *"
    return Schedule.model_validate(dict.fromkeys(JOBS, "") | {"fleet": never, "releases": never} | options)


def test_decisions_are_read_before_new_versions_where_they_are_read_at_all() -> None:
    assert jobs_of(schedule(reviews="*/5 * * * *"), "releases") == ("reviews", "releases", "deliver")
    assert jobs_of(schedule(), "releases") == ("releases", "deliver")
    assert jobs_of(schedule(), "deliver") == ("deliver",)


class Service:
    """A scheduler that runs in the test's own loop."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.ended: list[Ended] = []
        self._news = asyncio.Event()

    def note(self, ended: Ended) -> None:
        """Take what a run says at its end."""
        self.ended.append(ended)
        self._news.set()

    async def until_ended(self, *jobs: str) -> None:
        """Wait until each of the jobs has ended once."""
        while not {each.job for each in self.ended} >= set(jobs):
            self._news.clear()
            await self._news.wait()


@asynccontextmanager
async def serving(company: Company, planned: Schedule) -> AsyncIterator[Service]:
    service = Service()
    company.write()
    running = asyncio.create_task(keep_running(company.app, planned, stop=service.stop, ended=service.note))
    yield service
    service.stop.set()
    await running


# --- cron expressions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("30 8 * * *", datetime(2026, 11, 22, 8, 30, tzinfo=UTC)),
        ("0 8 * * 1-5", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("0 8 * * 0", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("0 8 * * 7", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("0 8 * * 6,3", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("0 8 * * mon", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("0 8 * * 1-5/2", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("0 0 1 * *", datetime(2026, 12, 1, tzinfo=UTC)),
        ("0 0 1 JAN *", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_expressions_mean_what_crontab_says(expression: str, first: datetime) -> None:
    assert trigger(expression, UTC).get_next_fire_time(None, SUNDAY) == first


@given(st.integers(0, 7), st.integers(0, 1500))
def test_weekdays_count_from_sunday(day: int, after: int) -> None:
    fires = trigger(f"0 0 * * {day}", UTC).get_next_fire_time(None, SUNDAY + timedelta(days=after))

    assert fires.isoweekday() % 7 == day % 7


def test_an_expression_is_of_its_time_zone() -> None:
    fires = trigger("0 8 * * *", zone("Europe/Berlin")).get_next_fire_time(None, SUNDAY)

    assert fires.astimezone(UTC) == datetime(2026, 11, 22, 7, tzinfo=UTC)


def test_jitter_shifts_a_start_by_no_more_than_it_says() -> None:
    jittered = trigger("0 8 * * *", UTC, jitter=30)

    fires = [jittered.get_next_fire_time(None, SUNDAY) for _ in range(50)]

    assert len(set(fires)) > 1
    assert all(abs(each - datetime(2026, 11, 22, 8, tzinfo=UTC)) <= timedelta(seconds=30) for each in fires)


def test_an_empty_expression_is_never() -> None:
    assert set(slots(schedule())) == {"fleet", "releases"}


# --- the scheduler --------------------------------------------------------------------------------------------------------


async def test_a_service_reads_at_once_what_is_read_once_a_day(company: Company) -> None:
    never = "0 0 1 1 *"

    async with serving(company, schedule(mirror=never, risks=never)) as service:
        await service.until_ended("mirror", "risks")

    assert {each.job for each in service.ended} >= {"fleet", "mirror", "risks", "releases"}


async def test_a_service_looks_at_once_and_sends_what_it_found(company: Company) -> None:
    async with serving(company, schedule()) as service:
        await service.until_ended("fleet", "releases")

    assert [each.report.exit_code for each in service.ended if each.report] == [0, 0]
    state = await company.app.store.run(lambda unit: unit.health())
    assert state["npm"].answered_at is not None


async def test_a_stop_in_the_middle_waits_for_the_work_in_hand(company: Company) -> None:
    company.world.break_("npm", Fault(Kind.DELAY, seconds=0.3, times=1))
    async with serving(company, schedule(fleet="")) as service:
        await asked(company.world)

    [ended] = service.ended
    assert ended.report
    assert await company.app.store.run(lambda unit: unit.claimants()) == []


async def test_work_that_outlasts_the_drain_is_given_back(company: Company, logged: list[str]) -> None:
    company.world.break_("npm", Fault(Kind.HANG, seconds=60))
    async with serving(company, schedule(fleet="", drain="0s")) as service:
        await asked(company.world)

    [ended] = service.ended
    assert ended.report is None
    assert await company.app.store.run(lambda unit: unit.claimants()) == []
    assert any("run.given-back" in line for line in logged)


async def test_a_hint_brings_the_reading_of_decisions_forward(company: Company) -> None:
    hinted, service = asyncio.Event(), Service()
    company.write()
    planned = schedule(reviews="0 0 1 1 *")
    running = keep_running(
        company.app, planned, stop=service.stop, ended=service.note, hinted=hinted, hint_wait=timedelta(0)
    )
    task = asyncio.create_task(running)
    await service.until_ended("fleet")

    hinted.set()

    await service.until_ended("reviews")
    service.stop.set()
    await task


async def test_a_database_that_fails_does_not_end_the_service(company: Company, logged: list[str]) -> None:
    company.app.store.migrate()
    with closing(sqlite3.connect(company.folder / "monitor.db")) as database:
        database.execute("DROP TABLE due")

    async with serving(company, schedule(fleet="")) as service:
        await service.until_ended("releases")

    assert [each.report for each in service.ended] == [None]
    assert any("run.failed" in line for line in logged)


async def asked(world: World) -> None:
    await asyncio.to_thread(wait_until_asked, world)


def wait_until_asked(world: World) -> None:
    while not world.requests:
        time.sleep(0.005)


# --- readiness and metrics ------------------------------------------------------------------------------------------------


async def test_a_service_that_has_asked_nobody_is_not_ready(company: Company) -> None:
    kept = await web.recall(company.app)

    assert web.unready(company.app, kept, timedelta(hours=3)) == ["no source has been asked yet"]


async def test_a_service_whose_sources_answered_is_ready_until_their_answers_are_stale(company: Company) -> None:
    await company.run()
    fresh = web.unready(company.app, await web.recall(company.app), timedelta(hours=3))
    company.later(hours=4)

    stale = web.unready(company.app, await web.recall(company.app), timedelta(hours=3))

    assert fresh == []
    assert any(reason.startswith("npm last answered: ") for reason in stale)


async def test_a_source_that_is_configured_no_more_makes_nothing_unready(company: Company) -> None:
    await company.run()
    now = company.world.clock()

    def remember(unit: UnitOfWork) -> None:
        unit.keep_health([SourceHealth("elsewhere", None, now)])
        unit.commit(AuditEvent(now, "test", "source.remembered", "elsewhere", {}))

    await company.app.store.run(remember)

    assert "elsewhere" not in (await web.recall(company.app)).health


async def test_metrics_tell_runs_findings_sources_and_outbox(company: Company) -> None:
    metrics = web.Metrics()
    company.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=None)
    report = await company.run()

    metrics.ended(Ended("releases", company.world.clock(), timedelta(seconds=2), report))
    metrics.ended(Ended("releases", company.world.clock(), timedelta(seconds=2), None))
    text = metrics.text(await web.recall(company.app)).decode()

    assert f'mcp_monitor_runs_total{{exit="{report.exit_code}",job="releases"}} 1.0' in text
    assert 'mcp_monitor_runs_total{exit="failed",job="releases"} 1.0' in text
    assert 'mcp_monitor_source_failing{source="npm"} 0.0' in text
    assert 'mcp_monitor_open_findings{severity="critical"} 0.0' in text
    assert 'mcp_monitor_outbox{state="pending"}' in text


# --- the process ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def process(company: Company) -> subprocess.Popen[str]:
    """`serve` in a process of its own, on a port that the system chooses."""
    company.app.store.migrate()
    company.write()
    with company.config.open("a") as file:
        file.write('\n[web]\nlisten = "127.0.0.1:0"\n')
    return subprocess.Popen(  # noqa: S603 the program itself
        [sys.executable, "-m", "monitor", "serve", "--config", str(company.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **company.environ},
    )


def status(url: str) -> int:
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310 loopback
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_until_a_signal_and_ends_with_0(process: subprocess.Popen[str], number: signal.Signals) -> None:
    assert process.stderr
    base = process.stderr.readline().split()[2]
    healthy = status(f"{base}/healthz")
    while status(f"{base}/readyz") != 200:
        time.sleep(0.02)
    metrics = status(f"{base}/metrics")

    process.send_signal(number)
    _, err = process.communicate()

    assert (healthy, metrics, process.returncode) == (200, 200, 0)
    assert "Traceback" not in err
    assert '"event": "serve.stopped"' in err


def test_a_stop_in_the_middle_of_a_cycle_is_clean_and_not_ready_meanwhile(
    process: subprocess.Popen[str], world: World
) -> None:
    world.break_("npm", Fault(Kind.DELAY, seconds=1, times=1))
    assert process.stderr
    base = process.stderr.readline().split()[2]
    wait_until_asked(world)

    process.send_signal(signal.SIGTERM)
    ready = status(f"{base}/readyz")
    _, err = process.communicate()

    assert (ready, process.returncode) == (503, 0)
    assert '"event": "serve.draining"' in err
    assert "given-back" not in err
