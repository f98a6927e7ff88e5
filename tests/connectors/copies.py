"""A copy of the world's export of advisories, and how the tests ask it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from connectors import osv_mirror
from connectors._osv_mirror import index
from monitor.domain.advisory import AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.sources import MirrorState
from tests.connectors.servers import Edge, make_edge
from tests.world import World

ECOSYSTEMS = ("npm", "PyPI", "GIT")


@dataclass
class House:
    """A network in which a copy is kept in `folder`."""

    world: World
    edge: Edge
    folder: Path
    mirror: osv_mirror.OsvMirror

    async def refresh(self, *, whole: bool = False) -> MirrorState:
        """Bring the copy up to date."""
        return await self.mirror.refresh(whole=whole)

    async def named(self, purl: Purl, *, commit: str = "") -> list[str] | Reason:
        """Return which records name the version, or why nobody knows."""
        digest = Digest("gitCommit", commit) if commit else None
        found = (await self.mirror.match([Question(purl, commit=digest)]))[purl]
        return found.reason if isinstance(found, Unknown) else [ref.id for ref in found]

    async def unknown(self, purl: Purl, *, commit: str = "") -> str:
        """Return what is said of a version of which nothing is known."""
        digest = Digest("gitCommit", commit) if commit else None
        found = (await self.mirror.match([Question(purl, commit=digest)]))[purl]
        assert isinstance(found, Unknown)
        return str(found)

    def asked(self, containing: str = "") -> list[str]:
        """Return the paths below the export that were asked for."""
        return [each.path.removeprefix("/osv-export/") for each in self.world.asked("osv-export", containing)]

    def ids(self) -> set[str]:
        """Return which records the index holds, but those about nobody's packages."""
        with index.reading(self.folder) as connection:
            found = {row[0] for row in connection.execute("SELECT id FROM records")}
        return {each for each in found if not each.startswith("SIM-")}


@asynccontextmanager
async def house(
    world: World,
    folder: Path,
    *,
    place: str = "",
    ecosystems: tuple[str, ...] = ECOSYSTEMS,
    stale_after: timedelta = osv_mirror.STALE_AFTER,
) -> AsyncIterator[House]:
    """Open a house; `place` is the world's export where it is not given."""
    edge = make_edge(max_body=2**20)
    mirror = osv_mirror.build(
        edge.http,
        place=place or world.url("osv-export"),
        folder=folder,
        clock=world.clock,
        ecosystems=ecosystems,
        stale_after=stale_after,
    )
    async with edge.http.session():
        yield House(world, edge, folder, mirror)


def ref(advisory_id: str, at: datetime) -> AdvisoryRef:
    """Return a reference to a record."""
    return AdvisoryRef(advisory_id, at)


def about(advisory_id: str, ecosystem: str, name: str) -> dict[str, object]:
    """Return a record about every version of a package."""
    entry = {"package": {"ecosystem": ecosystem, "name": name}}
    return {
        "id": advisory_id,
        "affected": [entry | {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}],
    }


def in_git(
    advisory_id: str, repository: str, events: Sequence[object], versions: list[str] | None = None
) -> dict[str, object]:
    """Return a record about a repository's commits."""
    entry: dict[str, object] = {"ranges": [{"type": "GIT", "repo": repository, "events": events}]}
    return {"id": advisory_id, "affected": [entry | ({"versions": versions} if versions else {})]}
