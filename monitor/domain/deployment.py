"""What is really deployed, as configurations and inventories tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.domain.fingerprint import fingerprint
from monitor.domain.purl import Purl
from monitor.domain.release import Digest


class PinKind(StrEnum):
    """How firmly a deployment names what it runs."""

    EXACT = "exact"
    DIGEST = "digest"
    RANGE = "range"
    TAG = "tag"
    """A moving name: `latest`, a container tag."""
    NONE = "none"
    """`npx -y package`: whatever is newest at each start."""
    PATH = "path"
    """A local folder or executable."""
    REMOTE = "remote"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One server in one place. No version means that it floats, never that it is up to date."""

    host: str
    client: str
    """Which MCP client, `claude-desktop`, `vscode`, …, or the inventory's own word."""
    location: str
    """The file that says so, or the inventory's own key."""
    name: str
    """The name under which the client keeps it: free text of whoever wrote it."""
    kind: PinKind
    purl: Purl | None  # None: not a package of a known kind; `note` says what
    remote: str | None = None  # URL without its query and credentials; None: not a remote
    digest: Digest | None = None  # None: the deployment names no digest
    requested: str = ""
    """What a floating deployment asks for: `^1`, `latest`."""
    disabled: bool = False
    note: str = ""
    redirects: tuple[str, ...] = ()
    """Names (never values) of environment variables that redirect the source or preload code."""
    installed: Purl | None = None  # with version; None: nothing of it was found on the disk, or nobody looked
    """What lies on the host's disk for it: for a floating command the version that a start would take now, or took last."""
    installed_digest: Digest | None = None  # None: not recorded there

    @property
    def runs(self) -> Purl | None:
        """What runs as far as is known: the version that is named, else the one on the disk, also where only a file of it is named.

        None: not a package of a known kind.
        """
        return self.purl if self.purl and self.purl.version else self.installed or self.purl

    @property
    def key(self) -> str:
        """Names the place: the same place seen again is the same deployment."""
        return fingerprint("place", self.host, self.client, self.location, self.name)


FORGOTTEN_AFTER = timedelta(days=30)
"""A host that was not heard of for this long is no more."""


class PolicyState(StrEnum):
    """How the file stands by which a host rejects what is not allowed."""

    PRESENT = "present"
    OLDER = "older"
    """An export of an earlier time."""
    ALTERED = "altered"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """A host's file of what may run, for one client. `sha256` of its bytes; empty: there is none."""

    client: str
    location: str
    sha256: str = ""
    exported_at: datetime | None = None  # None: the file does not say


@dataclass(frozen=True, slots=True)
class HostReport:
    """When a host was heard of, and by which files it rejects what is not allowed."""

    host: str
    reported_at: datetime
    policies: tuple[HostPolicy, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one deployment source saw. `problems` are entries that could not be read; they cost only themselves."""

    source: str
    deployments: tuple[Deployment, ...]
    problems: tuple[str, ...]
    complete: bool
    """Whether what is missing from it is gone. A source that could not be read as a whole is `Unknown`, not incomplete.

    Of hosts with a report this is told by `partial` instead: it says nothing of theirs.
    """
    collected_at: datetime | None = None  # None: now
    reports: tuple[HostReport, ...] = ()
    """The hosts that report by themselves, each with the time of its last report; empty: the source is not told by hosts."""
    partial: frozenset[str] = frozenset()
    """Hosts of which only a part could be read: what is missing of theirs may be there; of each other host with a report it is gone."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A deployment, and from when to when it was there in this form."""

    deployment: Deployment
    since: datetime
    seen_at: datetime
    """When it was seen last."""
    gone_at: datetime | None  # None: it is there now
