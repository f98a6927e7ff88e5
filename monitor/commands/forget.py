"""`deployments forget`: a host that is no more."""

import asyncio
from pathlib import Path

from monitor import wiring
from monitor.commands.identity import account_name
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, recall, store_errors
from monitor.commands.output import say
from monitor.domain.audit import AuditEvent
from monitor.domain.text import one_line
from monitor.ending import ExitCode
from monitor.ports.store import UnitOfWork


def forget_host(config: Path, host: str) -> int:
    """Forget it in every inventory that it reported to, and say by whom in the audit log. Raises `Stop` where it reports to none."""
    settings, now, actor = open_settings(config, only_store=True), wiring.utc_now(), account_name()
    refuse_unknown([host], recall(settings, lambda unit: {report.host for _, report in unit.hosts()}), what="host")

    def forget(unit: UnitOfWork) -> int:
        forgotten = unit.forget_host(host, now)
        unit.commit(
            *(
                AuditEvent(
                    now,
                    actor,
                    "host.forgotten",
                    report.host,
                    {"inventory": source, "reported_at": report.reported_at.isoformat()},
                )
                for source, report in forgotten
            )
        )
        return len(forgotten)

    store = wiring.open_store(settings)
    with store_errors():
        inventories = asyncio.run(store.run(forget))
    say(f"{one_line(host, 200)} is forgotten in {inventories} inventories; `run fleet` ends what was found there")
    return ExitCode.QUIET
