"""What is really deployed, as configurations and inventories tell."""

from dataclasses import dataclass
from datetime import datetime
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

    @property
    def key(self) -> str:
        """Names the place: the same place seen again is the same deployment."""
        return fingerprint("place", self.host, self.client, self.location, self.name)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one deployment source saw. `problems` are entries that could not be read; they cost only themselves."""

    source: str
    deployments: tuple[Deployment, ...]
    problems: tuple[str, ...]
    complete: bool
    """Whether what is missing from it is gone. A source that could not be read as a whole is `Unknown`, not incomplete."""
    collected_at: datetime | None = None  # None: now


@dataclass(frozen=True, slots=True)
class Stay:
    """A deployment, and from when to when it was there in this form."""

    deployment: Deployment
    since: datetime
    seen_at: datetime
    """When it was seen last."""
    gone_at: datetime | None  # None: it is there now
