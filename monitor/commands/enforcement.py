"""How the files stand by which hosts reject what is not approved, as a part of what a command shows."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from monitor.commands.output import note, say, show_table
from monitor.commands.table import Column
from monitor.domain.deployment import PolicyState
from monitor.domain.enforcement import Enforcement, enforcements
from monitor.domain.finding import Finding
from monitor.domain.snapshot import Fleet
from monitor.rules.hosts import policy_not_enforced

HEADER = (Column("enforcement"), Column("host"), Column("client"), Column("file"), Column("exported", gives_way=1))


@dataclass(frozen=True, slots=True)
class Enforced:
    """A host's file, and whether somebody answers for how it stands."""

    it: Enforcement
    waived: bool

    @property
    def differs(self) -> bool:
        """Whether it is not the file of the last export, and nobody answers for that."""
        return self.it.state is not PolicyState.PRESENT and not self.waived


def enforced(fleet: Fleet, answered_for: Callable[[Finding], bool]) -> tuple[Enforced, ...]:
    """Return every file of the clients for which something was exported, in the order of hosts, clients and places."""
    waived = {found.subject for found in policy_not_enforced(fleet) if answered_for(found)}
    found = enforcements(fleet.reports, fleet.exports)
    return tuple(Enforced(each, each.subject in waived) for each in sorted(found, key=lambda each: each.subject))


def show_enforced(rows: Sequence[Enforced], *, everything: bool) -> None:
    """Show them below what was shown before; nothing where no host has such a file to have."""
    shown = [each for each in rows if everything or each.differs]
    if shown:
        say("")
        show_table(HEADER, [_row(each) for each in shown], empty="")
    if left := Counter(_stands(each) for each in rows if each not in shown):
        counts = ", ".join(f"{count} {state}" for state, count in sorted(left.items()))
        note(f"enforcement, not shown: {counts}; --all shows everything")


def enforced_json(rows: Iterable[Enforced]) -> list[dict[str, object]]:
    """Return them by host, client and place."""
    return [
        {
            "host": each.it.host,
            "client": each.it.policy.client,
            "location": each.it.policy.location,
            "state": each.it.state.value,
            "waived": each.waived,
            "sha256": each.it.policy.sha256 or None,
            "exported_at": each.it.policy.exported_at.isoformat() if each.it.policy.exported_at else None,
        }
        for each in rows
    ]


def _stands(each: Enforced) -> str:
    return each.it.state.value + (", waived" if each.waived else "")


def _row(each: Enforced) -> tuple[str, ...]:
    it = each.it
    exported = f"{it.policy.exported_at:%Y-%m-%d %H:%M}" if it.policy.exported_at else ""
    return (_stands(each), it.host, it.policy.client, it.policy.location, exported)
