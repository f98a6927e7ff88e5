"""`listen`: what people press beside alerts, in a process of its own."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from monitor import wiring
from monitor.app import App
from monitor.commands.opening import build_app, open_settings, require_schema
from monitor.commands.output import note
from monitor.ending import ExitCode, Stop
from monitor.jobs.deliver import deliver
from monitor.jobs.press import press
from monitor.ports.buttons import ButtonSource, Press
from monitor.ports.errors import SourceError

log = structlog.get_logger()


def listen_until_stopped(config: Path) -> int:
    """Listen; a clean stop is exit code 0."""
    settings = open_settings(config)
    buttons = wiring.button_source(settings)
    if buttons is None:
        raise Stop(
            "nothing to listen to: set slack.buttons = true, and slack.app_token_env to a variable that is set",
            ExitCode.USAGE,
        )
    app = build_app(settings, out=sys.stdout)
    require_schema(app.store)
    try:
        asyncio.run(_listen(app, buttons))
    except SourceError as error:
        raise Stop(str(error), ExitCode.UNCHECKED) from error
    return ExitCode.QUIET


async def _listen(app: App, buttons: ButtonSource) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    note(f"listening to {buttons.name}")
    await hear(app, buttons, stop)


async def hear(
    app: App, buttons: ButtonSource, stop: asyncio.Event, *, after: Callable[[], None] = lambda: None
) -> None:
    """Deal with one press after the other, and send at once what is to be said of it. A database that is away costs that press only.

    `after` is called after each press, whatever came of it.
    """
    one = asyncio.Lock()

    async def pressed(what: Press) -> None:
        async with one:
            try:
                result = await app.store.run(lambda unit: press(unit, app, what))
                log.info("press.heard", button=what.button.value, by=what.by, outcome=result.outcome)
                async with app.edge.session():
                    await deliver(app)
            except Exception:  # the driver's bulkhead: whoever pressed sees that nothing happened, and presses again
                log.exception("press.failed", button=what.button.value, by=what.by)
            finally:
                after()

    await buttons.listen(pressed, stop)
