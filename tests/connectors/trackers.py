"""The Jira connector on the simulated Jira, as the tests configure it."""

from collections.abc import Mapping, Sequence
from typing import Literal

from connectors import jira
from connectors._edge.http import Http
from monitor.ports.channels import TicketTracker
from tests.world import World

TOKEN = "jira-world"
STATUSES = {"approved": ["Approved"], "rejected": ["6"], "withdrawn": ["cancelled"], "reopened": ["To Do"]}

Flavour = Literal["cloud", "datacenter"]


def tracker(
    edge: Http,
    world: World,
    flavour: Flavour,
    *,
    token: str = TOKEN,
    base: str = "",
    project: str = "MCPSEC",
    issue_type: str = "Task",
    priorities: dict[str, str] | None = None,
    fields: dict[str, object] | None = None,
    statuses: Mapping[str, Sequence[str]] = STATUSES,
    approvals: bool = False,
) -> TicketTracker:
    """Open the project of the world's Jira."""
    return jira.build(
        edge,
        base=base or world.url("jira"),
        flavour=flavour,
        project=project,
        issue_type=issue_type,
        token=token,
        email="bot@world.example" if flavour == "cloud" else "",
        labels=["mcp-monitor"],
        priorities={"high": "2", "critical": "Highest"} if priorities is None else priorities,
        fields=fields,
        statuses=statuses,
        approvals=approvals,
    )
