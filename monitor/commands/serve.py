"""`serve`: the scheduler and the web pages in one process, until SIGTERM or Ctrl-C."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from monitor import web, web_inventory, web_jira, wiring
from monitor.app import App
from monitor.commands.opening import build_app, open_settings, require_schema
from monitor.commands.output import note
from monitor.ending import ExitCode, Stop
from monitor.scheduler import keep_running
from monitor.settings import Settings
from monitor.web_intake import Refused
from monitor.web_inventory import Fleet, Understood


def serve_until_stopped(config: Path) -> int:
    """Serve; a clean stop is exit code 0."""
    settings = open_settings(config)
    app = build_app(settings, out=sys.stdout)
    require_schema(app.store)
    senders = fleets(settings)
    opened = _listen(settings.config.web.listen)
    asyncio.run(_serve(app, settings, senders, opened))
    return ExitCode.QUIET


def _listen(address: str) -> socket.socket | None:
    try:
        return web.listen(address) if address else None
    except OSError as error:
        raise Stop(f"web.listen: {address} cannot be opened: {error.strerror or error}", ExitCode.USAGE) from error


def fleets(settings: Settings) -> tuple[Fleet, ...]:
    """Return who may send reports; their folders exist then. Raises `Stop`."""
    web_options = settings.config.web
    found: list[Fleet] = []
    for name in web_options.fleets:
        folder, token = settings.config.folder_of(name), settings.secret(f"web.fleets.{name}")
        if folder is None or token is None:
            continue  # the configuration was refused
        if any(fleet.token == token for fleet in found):
            raise Stop(f"web.fleets.{name}: has the token of another fleet; give it one of its own", ExitCode.USAGE)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Stop(f"{folder}: cannot be made: {error.strerror}", ExitCode.USAGE) from error
        found.append(Fleet(name, token, folder, web_options.reports_per_minute))
    return tuple(found)


def keep(fleet: Fleet, data: bytes, now: datetime) -> Understood:
    """Check a report that was sent, and put it into the fleet's folder. Raises `Refused`."""
    try:
        taken = wiring.keep_report(fleet.folder, fleet.name, data, now)
    except wiring.OlderReport as error:
        raise Refused(HTTPStatus.CONFLICT, str(error)) from error
    except ValueError as error:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    except OSError as error:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"cannot be kept: {error.strerror}") from error
    return Understood(taken.host, taken.deployments, taken.problems, taken.complete)


def taken(
    settings: Settings, senders: tuple[Fleet, ...], *, clock: Callable[[], datetime], hint: Callable[[], None]
) -> list[web.Page]:
    """Return the pages that take something: reports where there are senders, Jira's webhook where its secret is configured."""
    pages: list[web.Page] = []
    if senders:
        pages.append(web_inventory.inventory_route(senders, keep, clock=clock, limit=wiring.LONGEST_REPORT))
    if secret := settings.secret("web.jira_webhook_secret"):
        pages.append(web_jira.jira_route(secret, hint))
    return pages


async def _serve(app: App, settings: Settings, senders: tuple[Fleet, ...], opened: socket.socket | None) -> None:
    config = settings.config
    stop, closed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = web.Metrics()
    hinted = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        if opened:
            further = taken(settings, senders, clock=app.clock, hint=hinted.set)
            pages = web.site(app, metrics=metrics, stale_after=config.web.stale_after, stop=stop, further=further)
            group.create_task(web.answer(pages, opened, stop=closed))
            host, port = opened.getsockname()[:2]
            paths = ", ".join(["/healthz", "/readyz", "/metrics", *(route.path for route in further)])
            note(f"answering on http://{host}:{port} ({paths})")
        try:
            await keep_running(app, config.schedule, stop=stop, ended=metrics.ended, hinted=hinted)
        finally:
            # The pages stay until the work is drained: /readyz says so meanwhile.
            closed.set()
