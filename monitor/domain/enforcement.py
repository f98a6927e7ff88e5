"""Whether the file by which a host rejects what is not allowed is the one that was exported for it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.deployment import HostPolicy, HostReport, PolicyState

VERB = "allowlist.exported"
"""The audit event of an export: its subject is the client, its detail has `sha256`."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that was made: for which client, when, and the sha256 of the bytes."""

    client: str
    exported_at: datetime
    sha256: str


def policy_state(policy: HostPolicy, exports: Iterable[Exported]) -> PolicyState:
    """Compare a host's file with the exports for its client, in any order; of two of one second the one given later is the newer.

    A file that no export wrote is altered, also where nothing was ever exported: somebody else decides then what may run.
    """
    if not policy.sha256:
        return PolicyState.ABSENT
    own = sorted((each for each in exports if each.client == policy.client), key=lambda each: each.exported_at)
    digests = [each.sha256 for each in own]
    if policy.sha256 not in digests:
        return PolicyState.ALTERED
    return PolicyState.PRESENT if policy.sha256 == digests[-1] else PolicyState.OLDER


@dataclass(frozen=True, slots=True)
class Enforcement:
    """A host's file for one client, and how it stands."""

    host: str
    policy: HostPolicy
    state: PolicyState

    @property
    def subject(self) -> str:
        """Names the file among all of the fleet."""
        return f"{self.host} {self.policy.client} {self.policy.location}"


def enforcements(reports: Iterable[HostReport], exports: Collection[Exported]) -> Iterator[Enforcement]:
    """Return how every host's files stand, for the clients for which something was exported: of others nobody wants any."""
    clients = {export.client for export in exports}
    for report in reports:
        for policy in report.policies:
            if policy.client in clients:
                yield Enforcement(report.host, policy, policy_state(policy, exports))
