"""App: the ports that one process runs with. Built by `wiring`, used by jobs and drivers."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.policy.settings import Policy
from monitor.ports.channels import AlertChannel, CheckpointKeeper, EventSink, Proposals, RegistryWriter, TicketTracker
from monitor.ports.sources import (
    AdvisoryMirror,
    AdvisorySource,
    Clock,
    DependencySource,
    DeploymentSource,
    Edge,
    RegistrySource,
    ReleaseSource,
    RiskSource,
    TrustRootSource,
    Verifier,
)
from monitor.ports.store import Store

MIRROR = "mirror:"
"""Begins the name of a mirror's origin in the health table; the mirror itself answers, or does not, by its own name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one job does at a time."""

    batch: int = 200
    """Servers a batch."""
    new_versions: int = 10
    """New versions of one package that are downloaded and verified in one look; the newest first, the others in the next looks."""
    claim_seconds: int = 600
    """How long a claim holds before another process may take the server over."""

    def servers(self, job: str) -> int:
        """Return how many servers that job takes at a time: advisories cost a request for a thousand versions, so that it takes many."""
        return self.batch * 5 if job == "advisories" else self.batch


@dataclass(frozen=True, slots=True)
class App:
    """Everything a job needs, by role."""

    clock: Clock
    store: Store
    edge: Edge
    registry: RegistrySource
    releases: Mapping[str, ReleaseSource]
    """By purl type: npm, pypi, github."""
    advisories: tuple[AdvisorySource, ...]
    """Each of a database of its own."""
    mirror: AdvisoryMirror | None  # None: no database is copied
    risks: tuple[RiskSource, ...]
    dependencies: DependencySource
    deployments: tuple[DeploymentSource, ...]
    verifier: Verifier
    trust_roots: TrustRootSource
    tickets: TicketTracker
    alerts: AlertChannel
    writers: Mapping[str, RegistryWriter]
    """By name: where a decision is written."""
    proposals: Proposals | None  # None: nothing is proposed, decisions are written or made by hand
    sinks: Mapping[str, EventSink]
    """By name: the SIEMs."""
    checkpoints: CheckpointKeeper | None  # None: nothing is signed
    policy: Policy
    limits: Limits
    claimant: str
    """This process's name in claims: `host:pid:start`."""

    @property
    def lists(self) -> frozenset[str]:
        """The names, in the health table, of the configured sources that are not about one package: advisories, their mirror, risks."""
        mirror = {MIRROR + self.mirror.name} if self.mirror else set()
        advisories, risks = (source.name for source in self.advisories), (source.name for source in self.risks)
        return frozenset({*advisories, *risks, *mirror})

    @property
    def inventories(self) -> frozenset[str]:
        """The names of the configured inventories."""
        return frozenset(source.name for source in self.deployments)
