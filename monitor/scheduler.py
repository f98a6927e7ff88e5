"""Driver: APScheduler runs the jobs by their cron expressions in this process until it is told to stop.

The scheduler is a clock and nothing more: which server is due is a row in the database, so a tick that comes twice, late or never does
no harm. APScheduler cancels what runs when it is shut down; the work in hand is waited for here, before that.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent, JobSubmissionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.app import App
from monitor.config import Schedule
from monitor.cron import trigger, zone
from monitor.report import Report
from monitor.runner import JOBS, run

log = structlog.get_logger(__name__)

AT_ONCE = ("fleet", "mirror", "risks", "releases")
"""Run when the process starts, too: what is not due costs one statement, and lists that did not change one request. Those that are read
once a day, or after a long stop, would not be known until then."""


HINT_WAIT = timedelta(seconds=10)
"""Hints come in swarms, one for each field that somebody touches: the first brings the job forward by so much and no more."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A job's run that ended. `report` None: it failed as a whole."""

    job: str
    at: datetime
    took: timedelta
    report: Report | None


def slots(schedule: Schedule) -> Mapping[str, str]:
    """Return the cron expression of each job that has one."""
    return {job: expression for job in JOBS if (expression := str(getattr(schedule, job)))}


async def keep_running(
    app: App,
    schedule: Schedule,
    *,
    stop: asyncio.Event,
    ended: Callable[[Ended], None],
    hinted: asyncio.Event | None = None,
    hint_wait: timedelta = HINT_WAIT,
) -> None:
    """Run the jobs until `stop` is set; return when the work in hand is done, or was given back after `schedule.drain`.

    `hinted` is set where somebody may have decided: the job that reads decisions then runs after `hint_wait`, if it runs at all.
    """
    in_hand: set[asyncio.Task[None]] = set()

    async def tick(job: str) -> None:
        # A task of our own: APScheduler would cancel one of its own.
        task = asyncio.create_task(_run(app, schedule, job, stop=stop, ended=ended), name=job)
        in_hand.add(task)
        task.add_done_callback(in_hand.discard)
        await asyncio.wait({task})

    timezone = zone(schedule.timezone)
    scheduler = AsyncIOScheduler(
        timezone=timezone,
        job_defaults={
            "coalesce": True,
            "max_instances": 1,
            "misfire_grace_time": max(1, int(schedule.grace.total_seconds())),
        },
    )
    scheduler.add_listener(_skipped, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
    for job, expression in slots(schedule).items():
        when = trigger(expression, timezone, schedule.jitter.total_seconds())
        at_once = (
            {"next_run_time": datetime.now(timezone)} if job in AT_ONCE else {}
        )  # APScheduler has a clock of its own
        scheduler.add_job(tick, when, args=[job], id=job, **at_once)
    scheduler.start()
    log.info("serve.started", jobs=dict(slots(schedule)))
    hurrying = asyncio.create_task(_hurry(scheduler, hinted, hint_wait)) if hinted else None
    try:
        await stop.wait()
        scheduler.pause()
        await _drain(in_hand, schedule.drain)
    finally:
        if hurrying:
            hurrying.cancel()
        scheduler.shutdown(wait=False)
    log.info("serve.stopped")


async def _hurry(scheduler: AsyncIOScheduler, hinted: asyncio.Event, wait: timedelta) -> None:
    """Bring the next reading of decisions forward at each hint."""
    while await hinted.wait():
        hinted.clear()
        soon = datetime.now(scheduler.timezone) + wait
        planned = scheduler.get_job("reviews")
        if planned and planned.next_run_time and planned.next_run_time > soon:
            planned.modify(next_run_time=soon)


async def _run(app: App, schedule: Schedule, job: str, *, stop: asyncio.Event, ended: Callable[[Ended], None]) -> None:
    """Run one job, and send at once what it has to say. Whatever it dies of costs this tick only."""
    began = app.clock()
    report: Report | None = None
    try:
        jobs = jobs_of(schedule, job)
        report = await run(app, jobs, forced=False, stopping=stop.is_set, lines=False)
        for problem in report.problems:
            log.warning("run.problem", job=job, detail=problem)
        for unknown in report.unknowns:
            log.warning(
                "run.unknown", job=job, source=unknown.source, reason=unknown.reason.value, detail=unknown.detail
            )
        log.info("run.finished", job=job, exit=report.exit_code, findings=len(report.findings))
    except asyncio.CancelledError:
        log.warning("run.given-back", job=job)
        raise
    except Exception:  # the driver's bulkhead: a database that is away for a minute must not end the service
        log.exception("run.failed", job=job)
    finally:
        ended(Ended(job, app.clock(), app.clock() - began, report))


def jobs_of(schedule: Schedule, job: str) -> tuple[str, ...]:
    """Return what a tick runs. What was decided is read before a look can find something newer, which takes the place of what was asked."""
    match job:
        case "deliver":
            return ("deliver",)
        case "releases" if schedule.reviews:
            return ("reviews", "releases", "deliver")
        case _:
            return (job, "deliver")


async def _drain(in_hand: set[asyncio.Task[None]], patience: timedelta) -> None:
    """Wait for what runs; after `patience` cancel it, which gives its claims back."""
    if not in_hand:
        return
    log.info("serve.draining", jobs=sorted(task.get_name() for task in in_hand))
    _, late = await asyncio.wait(set(in_hand), timeout=patience.total_seconds())
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late)


def _skipped(event: JobExecutionEvent | JobSubmissionEvent) -> None:
    """Say that a tick was left out: the run before it was still going, or the process slept through it."""
    missed = event.code == EVENT_JOB_MISSED
    log.warning(
        "run.skipped", job=event.job_id, reason="missed its time" if missed else "the run before it still goes on"
    )
