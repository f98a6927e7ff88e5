"""What a version of a server brings along: the packages that it was resolved to, or declares."""

from dataclasses import dataclass
from datetime import datetime

from monitor.domain.purl import Purl


@dataclass(frozen=True, slots=True)
class Dependency:
    """A package at one version. `path` are the names from the server's own dependency down to it: its depth is the length."""

    purl: Purl  # with version
    path: tuple[str, ...]
    """The shortest way that the source tells; one name where it does not tell the way."""

    @property
    def depth(self) -> int:
        """1: the server's own dependency; more: a dependency of a dependency. 1 as well where the source does not tell the way."""
        return len(self.path)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """All that one source knows of the dependencies of one version. The same purl stands here once.

    `unresolved` are declared and at no known version: `name range`, as declared (untrusted text). They were not looked at.
    """

    of: Purl  # the server's version
    source: str
    """Who said so, for people: `package-lock.json`, `CycloneDX`, `npm registry`."""
    whole: bool
    """Whether it holds the dependencies of dependencies, too."""
    found: tuple[Dependency, ...]
    unresolved: tuple[str, ...] = ()
    stamp: str = ""
    """The state of the file that was read, as `DependencySource` compares it; empty: not from a file."""
    said: bool = True
    """False: the source has the version, and says nothing of dependencies. It is not asked again."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was known of a version's dependencies, and from when to when."""

    dependencies: Dependencies
    since: datetime
    gone_at: datetime | None  # None: it is what is known now
    corrects: bool = False
    """Whether it came in place of another that was whole. Otherwise it has been so since the version was there: we learned of it later."""
