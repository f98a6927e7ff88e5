"""The registry of approved servers: who may run, in exactly which form, on whose word."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.domain.fingerprint import fingerprint
from monitor.domain.provenance import Publisher
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.stage import Stage


class ProvenanceDemand(StrEnum):
    """How much provenance a server's new versions must have."""

    NO_DOWNGRADE = "no-downgrade"
    """As much as the approved version had. About half of the official servers have none, so that this is the default."""
    REQUIRED = "required"
    """Somebody has to vouch for every file."""


@dataclass(frozen=True, slots=True)
class Server:
    """An MCP server as the organisation lists it; `name` as in the MCP registry: `io.github.owner/name`."""

    name: str
    package: Purl | None  # without version; None: a remote server
    remote: str | None  # URL; None: a packaged server
    repository: Purl | None  # pkg:github/owner/name; None: the entry names none
    owner: str
    tier: int
    """1 (most critical) to 3."""
    provenance: ProvenanceDemand = ProvenanceDemand.NO_DOWNGRADE
    dependencies: str = ""
    """The file that resolves its dependencies, relative to the registry file; `{version}` stands for a version. Empty: none is named."""
    arguments: tuple[str, ...] = ()
    """With which a client starts it, behind the package, in order."""
    stage: Stage = Stage.APPROVED
    """Staging: approved to be tried; retired: not approved any more. No export allows either."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Exactly what was reviewed. Without digests the version alone is approved, and the first look's digests become the reference."""

    purl: Purl
    digests: frozenset[Digest] = frozenset()
    publisher: Publisher | None = None  # None: the approval demands no publisher

    @property
    def algorithms(self) -> frozenset[str]:
        """The digest algorithms that the pin speaks of."""
        return frozenset(digest.algorithm for digest in self.digests)

    @property
    def fingerprint(self) -> str:
        """The pin's short name in tickets and branch names: the version is never approved under another one."""
        parts = [str(self.purl), *sorted(map(str, self.digests))]
        if self.publisher:
            parts += [self.publisher.issuer, self.publisher.repository, self.publisher.workflow]
        return fingerprint(*parts)


@dataclass(frozen=True, slots=True)
class Approval:
    """A human's decision that a pin may run."""

    pin: Pin
    approved_by: str
    approved_at: datetime | None  # None: the entry does not say
    expires_at: datetime | None  # None: does not expire
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the registry file; `line` is where it starts there."""

    server: Server
    approval: Approval | None  # None: listed and not (yet) approved
    line: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A state of an entry, and from when to when the registry had it."""

    entry: Entry
    since: datetime
    gone_at: datetime | None  # None: now


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """An entry, or a part of the file, that could not be read: where, which, and what was expected."""

    line: int
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry file as read: the good entries, what is wrong with the others, and the digest of the bytes."""

    path: str
    sha256: str
    entries: tuple[Entry, ...]
    problems: tuple[EntryProblem, ...]
