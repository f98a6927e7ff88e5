"""The schema's state, and the way to this program's state: Alembic, with the revisions that are installed beside the program."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, inspect, select

from monitor.domain.text import one_line
from monitor.store.transaction import WrongSchema

LOCK = 0x6D637002
"""PostgreSQL's advisory lock for migrations; on SQLite the transaction itself is the lock."""


NAMED = 3
"""Tables of another program, in the message."""


def configuration(connection: Connection) -> Config:
    """Return Alembic's configuration for that connection, which is inside the transaction that the migration shall run in."""
    config = _revisions()
    config.attributes["connection"] = connection
    return config


def _revisions() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str:
    """Return the revision that this program needs."""
    return ScriptDirectory.from_config(_revisions()).get_current_head() or ""


def revisions(connection: Connection) -> tuple[str, str]:
    """Return the revision that the database has (empty: none), and the one that this program needs."""
    return MigrationContext.configure(connection).get_current_revision() or "", newest()


def _tables(connection: Connection) -> list[str]:
    """Return the names of the tables, Alembic's own left out."""
    return sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})


def migrate(connection: Connection, target: str = "head") -> str:
    """Upgrade inside the connection's transaction; return what was done. Raises `WrongSchema` for anybody else's database."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    before, needed = revisions(connection)
    if before == needed:
        return f"the schema is at revision {needed} already"
    if not before and (strangers := _tables(connection)):
        named = ", ".join(one_line(each, 60) for each in strangers[:NAMED]) + (", …" if len(strangers) > NAMED else "")
        raise WrongSchema(
            f"the database holds tables of another program ({named}): mcp-monitor needs one of its own; correct store.url"
        )
    try:
        command.upgrade(configuration(connection), target)
    except CommandError as error:
        raise WrongSchema(
            f"the database is at revision {before}, which this program ({needed}) does not know: "
            "it belongs to a newer one, or to another program"
        ) from error
    after, _ = revisions(connection)
    return (
        f"upgraded the schema from revision {before} to {after}"
        if before
        else f"created the schema at revision {after}"
    )
