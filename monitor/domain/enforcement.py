"""Whether the file by which a host rejects what is not allowed is the one that was exported for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.deployment import HostPolicy, PolicyState

VERB = "allowlist.exported"
"""The audit event of an export: its subject is the client, its detail has `sha256`."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that was made: for which client, when, and the sha256 of the bytes."""

    client: str
    exported_at: datetime
    sha256: str


def policy_state(policy: HostPolicy, exports: Iterable[Exported]) -> PolicyState:
    """Compare a host's file with the exports for its client, in any order.

    A file that no export wrote is altered, also where nothing was ever exported: somebody else decides then what may run.
    """
    if not policy.sha256:
        return PolicyState.ABSENT
    own = sorted((each.exported_at, each.sha256) for each in exports if each.client == policy.client)
    digests = [digest for _, digest in own]
    if policy.sha256 not in digests:
        return PolicyState.ALTERED
    return PolicyState.PRESENT if policy.sha256 == digests[-1] else PolicyState.OLDER
