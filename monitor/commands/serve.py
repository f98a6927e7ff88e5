"""`serve`: the scheduler and the web pages in one process, until SIGTERM or Ctrl-C."""

import asyncio
import signal
import socket
import sys
from pathlib import Path

from monitor import web
from monitor.app import App
from monitor.commands.opening import build_app, open_settings, require_schema
from monitor.commands.output import note
from monitor.config import Config
from monitor.ending import ExitCode, Stop
from monitor.scheduler import keep_running


def serve_until_stopped(config: Path) -> int:
    """Serve; a clean stop is exit code 0."""
    settings = open_settings(config)
    app = build_app(settings, out=sys.stdout)
    require_schema(app.store)
    opened = _listen(settings.config.web.listen)
    asyncio.run(_serve(app, settings.config, opened))
    return ExitCode.QUIET


def _listen(address: str) -> socket.socket | None:
    try:
        return web.listen(address) if address else None
    except OSError as error:
        raise Stop(f"web.listen: {address} cannot be opened: {error.strerror or error}", ExitCode.USAGE) from error


async def _serve(app: App, config: Config, opened: socket.socket | None) -> None:
    stop, closed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = web.Metrics()
    async with asyncio.TaskGroup() as group:
        if opened:
            pages = web.site(app, metrics=metrics, stale_after=config.web.stale_after, stop=stop)
            group.create_task(web.answer(pages, opened, stop=closed))
            host, port = opened.getsockname()[:2]
            note(f"answering on http://{host}:{port} (/healthz, /readyz, /metrics)")
        try:
            await keep_running(app, config.schedule, stop=stop, ended=metrics.ended)
        finally:
            # The pages stay until the work is drained: /readyz says so meanwhile.
            closed.set()
