"""What `serve` answers over HTTP: /healthz (the process lives), /readyz (its sources answer), /metrics (Prometheus).

Beside these it may be given further pages, such as that of `monitor.web_inventory`.
"""

import asyncio
import socket
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor.app import App
from monitor.domain.finding import Severity, Tracked
from monitor.domain.health import SourceHealth
from monitor.jobs.recall import INVENTORY, sources_of
from monitor.ports.store import UnitOfWork
from monitor.scheduler import Ended

Page = Route
"""One more page of the site."""
OK, NOT_READY = 200, 503


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store says for readiness and metrics."""

    schema_fits: bool
    health: Mapping[str, SourceHealth]
    findings: tuple[Tracked, ...]
    outbox: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The numbers of this process, in a registry of its own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    runs: Counter = field(init=False)
    seconds: Histogram = field(init=False)
    last_run: Gauge = field(init=False)
    answered: Gauge = field(init=False)
    failing: Gauge = field(init=False)
    findings: Gauge = field(init=False)
    outbox: Gauge = field(init=False)

    def __post_init__(self) -> None:
        """Register them all."""
        made = {
            "runs": Counter("mcp_monitor_runs", "Runs that ended", ("job", "exit"), registry=self.registry),
            "seconds": Histogram(
                "mcp_monitor_run_seconds",
                "How long runs took",
                ("job",),
                registry=self.registry,
                buckets=(1, 5, 15, 60, 300, 900),
            ),
            "last_run": Gauge(
                "mcp_monitor_last_run_timestamp_seconds", "When a run ended", ("job",), registry=self.registry
            ),
            "answered": Gauge(
                "mcp_monitor_source_answered_timestamp_seconds",
                "When a source last answered",
                ("source",),
                registry=self.registry,
            ),
            "failing": Gauge(
                "mcp_monitor_source_failing", "1: the last look was not answered", ("source",), registry=self.registry
            ),
            "findings": Gauge(
                "mcp_monitor_open_findings", "Findings that are open", ("severity",), registry=self.registry
            ),
            "outbox": Gauge("mcp_monitor_outbox", "Actions in each state", ("state",), registry=self.registry),
        }
        for name, metric in made.items():
            object.__setattr__(self, name, metric)

    def ended(self, run: Ended) -> None:
        """Count a run. `exit` is its exit code, or `failed`."""
        self.runs.labels(run.job, str(run.report.exit_code) if run.report else "failed").inc()
        self.seconds.labels(run.job).observe(run.took.total_seconds())
        self.last_run.labels(run.job).set(run.at.timestamp())

    def text(self, kept: Kept) -> bytes:
        """Return the exposition; what is kept is read anew for each."""
        for source, health in kept.health.items():
            self.failing.labels(source).set(health.failing_since is not None)
            if health.answered_at:
                self.answered.labels(source).set(health.answered_at.timestamp())
        count = Tally(each.finding.severity for each in kept.findings if each.open)
        for severity in Severity:
            self.findings.labels(severity.value).set(count[severity])
        for state, number in kept.outbox.items():
            self.outbox.labels(state).set(number)
        return generate_latest(self.registry)


def site(
    app: App, *, metrics: Metrics, stale_after: timedelta, stop: asyncio.Event, further: Sequence[Route] = ()
) -> Starlette:
    """Return the three pages, and the further ones."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reasons = ["stopping"] if stop.is_set() else unready(app, await recall(app), stale_after)
        return JSONResponse({"ready": not reasons, "reasons": reasons}, NOT_READY if reasons else OK)

    async def scrape(_: Request) -> Response:
        return Response(metrics.text(await recall(app)), media_type=CONTENT_TYPE_LATEST)

    own = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)]
    return Starlette(routes=[*own, *further])


async def recall(app: App) -> Kept:
    """Read what readiness and metrics are about."""
    found, needed = await asyncio.to_thread(app.store.schema)
    return await app.store.run(lambda unit: _kept(unit, app, fits=found == needed))


def _kept(unit: UnitOfWork, app: App, *, fits: bool) -> Kept:
    # What nobody is listed for any more is asked no more, and cannot go stale.
    listed = [entry.server for entry in unit.entries().values()]
    polled = {package.type for server in listed for package in sources_of(server)} & {*app.releases}
    names = {*polled, *app.lists, *(INVENTORY + name for name in app.inventories)}
    health = {name: each for name, each in unit.health().items() if name in names}
    return Kept(fits, health, tuple(unit.findings()), unit.outbox())


def unready(app: App, kept: Kept, stale_after: timedelta) -> list[str]:
    """Return why the process is not ready: nothing seen yet, a source that is stale, a schema that does not fit."""
    reasons = [] if kept.schema_fits else ["the database needs `mcp-monitor migrate`"]
    if not kept.health:
        reasons.append("no source has been asked yet")
    oldest = app.clock() - stale_after
    for source, health in sorted(kept.health.items()):
        if health.answered_at is None or health.answered_at < oldest:
            when = f"{health.answered_at:%Y-%m-%dT%H:%M:%SZ}" if health.answered_at else "never"
            reasons.append(f"{source} last answered: {when}")
    return reasons


def listen(address: str) -> socket.socket:
    """Open the socket of `host:port`. Raises OSError."""
    host, _, port = address.rpartition(":")
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    return socket.create_server((name, int(port)), family=family)


class _Server(uvicorn.Server):
    """uvicorn offers no other way to leave the process's signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def answer(pages: Starlette, opened: socket.socket, *, stop: asyncio.Event) -> None:
    """Answer until `stop` is set and the caller cancels, or sets `should_exit` by it."""
    server = _Server(uvicorn.Config(pages, log_config=None, access_log=False, lifespan="off", server_header=False))

    async def end() -> None:
        await stop.wait()
        server.should_exit = True

    async with asyncio.TaskGroup() as group:
        group.create_task(end())
        group.create_task(server.serve(sockets=[opened]))
