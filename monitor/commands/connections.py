"""`connections ingest` and `connections list`: what gateways logged of connections to MCP servers."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from monitor import wiring
from monitor.commands.moments import moment
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, recall, require_schema, store_errors
from monitor.commands.output import note, say, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.approved_then import Answer, Approvals, of_connection
from monitor.domain.audit import AuditEvent
from monitor.domain.connection import Connection
from monitor.ending import ExitCode, Stop
from monitor.jobs.outcome import ACTOR
from monitor.ports.errors import SourceError
from monitor.ports.store import Store, UnitOfWork

T = TypeVar("T")

BATCH = 5000
SHOWN_PROBLEMS = 5
LAST = timedelta(days=30)
MOST = 10_000
"""Rows that are listed."""
STDIN = "-"
HEADER = (
    Column("at"),
    Column("server"),
    Column("version"),
    Column("target"),
    Column("person", gives_way=1),
    Column("client", gives_way=2),
    Column("approved then"),
    Column("why", gives_way=3),
)


def ingest(config: Path, files: Sequence[str]) -> int:
    """Keep the connections of each log; exit code 3 where a line could not be read."""
    settings = open_settings(config, only_store=True)
    store = wiring.open_store(settings)
    require_schema(store)
    bad = 0
    for name in files:
        try:
            if name == STDIN:
                bad += _ingest(store, sys.stdin.buffer, "stdin")
            else:
                with wiring.open_log(Path(name)) as file:
                    bad += _ingest(store, file, name)
        except SourceError as error:
            raise Stop(error.detail, ExitCode.USAGE) from error
    return ExitCode.UNCHECKED if bad else ExitCode.QUIET


def _ingest(store: Store, file: BinaryIO, source: str) -> int:
    problems: list[wiring.BadLine] = []
    read = kept = bad = 0
    found = wiring.read_connections(file, source=source)
    while lines := list(islice(found, BATCH)):
        good = [each for each in lines if isinstance(each, Connection)]
        wrong = [each for each in lines if not isinstance(each, Connection)]
        kept += _write(store, _keeping(good, source, len(wrong)))
        read, bad = read + len(lines), bad + len(wrong)
        problems += wrong[: max(0, SHOWN_PROBLEMS - len(problems))]
    say(f"{source}: {read} lines, {kept} connections kept, {read - kept - bad} known already, {bad} that are none")
    for problem in problems:
        note(f"{source}:{problem.line}: {problem.why}")
    return bad


def _keeping(good: Sequence[Connection], source: str, wrong: int) -> Callable[[UnitOfWork], int]:
    def keep(unit: UnitOfWork) -> int:
        kept = unit.keep_connections(good)
        detail = {"kept": str(kept), "known": str(len(good) - kept), "unreadable": str(wrong)}
        unit.commit(AuditEvent(wiring.utc_now(), ACTOR, "connections.ingested", source[:500], detail))
        return kept

    return keep


def listed(
    config: Path, *, begin: str | None, end: str | None, targets: Sequence[str], servers: Sequence[str], as_json: bool
) -> int:
    """List the connections of a time with whether each was approved then; without a beginning those of the last 30 days."""
    last, last_is_day = moment(end, "--to") if end else (wiring.utc_now(), False)
    last += timedelta(days=1) if last_is_day else timedelta()
    first = moment(begin, "--from")[0] if begin else last - LAST
    if first >= last:
        raise Stop(f"--from: {first:%Y-%m-%d %H:%M} is not before --to, {last:%Y-%m-%d %H:%M} UTC", ExitCode.USAGE)
    wanted = (frozenset(targets), frozenset(servers))

    def find(unit: UnitOfWork) -> list[tuple[Connection, Answer]]:
        there, history = unit.connections(first, last), unit.entry_history()
        refuse_unknown(servers, {each.server for each in there} | {each.entry.server.name for each in history})
        return list(_matching(there, Approvals(history), *wanted))

    found = recall(open_settings(config, only_store=True), find)
    if as_json:
        show_json([_json(*each) for each in found])
        return ExitCode.QUIET
    show_table(HEADER, [_row(*each) for each in found[:MOST]], empty="No connection of that time is known.")
    note(f"{len(found)} connections from {first:%Y-%m-%d %H:%M} on, before {last:%Y-%m-%d %H:%M} UTC")
    if len(found) > MOST:
        note(f"{len(found) - MOST} more; --json has them all")
    return ExitCode.QUIET


def _matching(
    connections: Iterable[Connection], approvals: Approvals, targets: frozenset[str], servers: frozenset[str]
) -> Iterator[tuple[Connection, Answer]]:
    for each in connections:
        answer = approvals.at(of_connection(each), each.at)
        if (not targets or each.target in targets) and (not servers or {each.server, answer.server} & servers):
            yield each, answer


def _row(connection: Connection, answer: Answer) -> tuple[str, ...]:
    return (
        f"{connection.at:%Y-%m-%d %H:%M:%S}",
        answer.server or connection.server,
        (connection.version.version if connection.version else None) or "",
        connection.target,
        connection.person,
        connection.client,
        answer.then.value,
        answer.why,
    )


def _json(connection: Connection, answer: Answer) -> dict[str, object]:
    return {
        "at": connection.at.isoformat(),
        "server": connection.server,
        "listed_as": answer.server or None,
        "version": connection.version.version if connection.version else None,
        "target": connection.target or None,
        "person": connection.person or None,
        "client": connection.client or None,
        "remote": connection.remote or None,
        "approved": answer.then.value,
        "why": answer.why,
        "id": connection.id,
    }


def _write(store: Store, work: Callable[[UnitOfWork], T]) -> T:
    with store_errors():
        return asyncio.run(store.run(work))
