"""`migrate`: the schema."""

from pathlib import Path

from monitor import wiring
from monitor.commands.opening import open_settings, store_errors
from monitor.commands.output import say
from monitor.ending import ExitCode


def migrate_store(config: Path) -> int:
    """Create or upgrade the schema, and say what was done."""
    with store_errors():
        say(wiring.open_store(open_settings(config, only_store=True)).migrate())
    return ExitCode.QUIET
