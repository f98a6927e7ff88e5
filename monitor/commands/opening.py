"""What every command does first: read the configuration, set up the log, open the store.

Here each fault gets its exit code, the same for every command: 2 for what the person who runs the program has to mend (options, the
configuration and the files that it names, the schema), 3 for what is away and may come back (the database, a source).
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

from monitor import log, wiring
from monitor.app import App
from monitor.domain.server import Registry
from monitor.ending import ExitCode, Stop
from monitor.ports.errors import SourceError
from monitor.ports.sources import Verifier
from monitor.ports.store import Store, UnitOfWork
from monitor.settings import ConfigError, Settings, load

T = TypeVar("T")


def open_settings(config: Path, *, reports: bool = False, only_store: bool = False) -> Settings:
    """Read the configuration and log as it says. Raises `Stop` with every problem.

    A command that asks the store and nobody else needs `only_store`: an auditor has no token of Jira's.

    A command that `reports` says itself, at its end, whatever it would have logged on the way: only faults and debugging are logged.
    """
    try:
        settings = load(config, os.environ, needed=lambda key: not only_store or key == "store.url")
    except ConfigError as error:
        raise Stop(str(error), ExitCode.USAGE) from error
    secrets = [secret.get_secret_value() for secret in settings.secrets.values()]
    given = settings.config.log
    level = "error" if reports and given.level != "debug" else given.level
    log.configure(format=given.format, level=level, secrets=secrets)
    return settings


def build_app(settings: Settings, *, out: TextIO) -> App:
    """Connect everything. Raises `Stop` where the machine's own configuration cannot be used."""
    try:
        return wiring.build(settings, out=out, environ=os.environ, home=Path.home())
    except (SourceError, ValueError) as error:
        raise Stop(str(error), ExitCode.USAGE) from error


def open_verifier(settings: Settings) -> Verifier:
    """Open the verifier alone. Raises `Stop` where a trust root that the configuration names cannot be used."""
    try:
        return wiring.verifier(settings)
    except (SourceError, ValueError, OSError) as error:
        raise Stop(f"{error}; correct [verification], or leave its options empty", ExitCode.USAGE) from error


def read_registry(settings: Settings) -> Registry:
    """Read the list of approved servers. Raises `Stop`."""
    try:
        return wiring.registry_source(settings).read()
    except SourceError as error:
        raise Stop(str(error), ExitCode.USAGE) from error


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn the store's refusals into one line for a person: without the database nothing can be checked."""
    try:
        yield
    except wiring.StoreError as error:
        raise Stop(str(error), ExitCode.USAGE if error.usage else ExitCode.UNCHECKED) from error


def recall(settings: Settings, work: Callable[[UnitOfWork], T]) -> T:
    """Read from the store, whose schema has to fit; nothing is locked, and the user need not be allowed to write. Raises `Stop`."""
    store = wiring.open_store(settings.reading())
    require_schema(store)
    with store_errors():
        return asyncio.run(store.run(work))


def record(settings: Settings, work: Callable[[UnitOfWork], T]) -> T:
    """Do work that is kept, in one transaction of the store, whose schema has to fit. Raises `Stop`."""
    store = wiring.open_store(settings)
    require_schema(store)
    with store_errors():
        return asyncio.run(store.run(work))


def require_schema(store: Store) -> None:
    """Raise `Stop` unless the database has the schema of this program."""
    with store_errors():
        found, needed = store.schema()
    if not found:
        raise Stop("the database is empty; create it with: mcp-monitor migrate", ExitCode.USAGE)
    if found > needed:  # revisions are numbered
        raise Stop(
            f"the database has schema {found}, of a newer program than this ({needed}): upgrade the program",
            ExitCode.USAGE,
        )
    if found != needed:
        raise Stop(
            f"the database has schema {found}, this program needs {needed}; run: mcp-monitor migrate", ExitCode.USAGE
        )
