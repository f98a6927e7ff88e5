"""Advisories from a local copy of OSV's export (https://google.github.io/osv.dev/data/#data-dumps), so that no question leaves the house.

It knows: every record of the copied ecosystems as it was when the copy was compared last, withdrawn ones too; which live ones name a
version of a package, and the commits that a record itself names.
It does not know: what the origin has not copied yet, packages of other ecosystems, and commits between those that a record names: that
takes the repository's history.

The copy is one SQLite file in a folder that nobody else may write. It says how old it is; one that is missing, or too old, answers
nothing: never "no advisories". The origin, an address or a folder, may be a copy itself, and says by the time of its files how old that is;
where it goes on with one ecosystem and stands still with another, the other's packages are not known.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

from connectors import _own_folder as own_folder
from connectors._edge.http import Http
from connectors._osv_mirror import age, archive, copying, index, matching, problems
from connectors._osv_mirror import origin as origins
from connectors._osv_mirror.entry import NAME, micros, moment
from connectors._osv_mirror.index import Cursor, NoCopy
from connectors._osv_mirror.origin import Origin
from connectors._osv_record import parse_record
from monitor.domain.advisory import OSV, Advisory, AdvisoryRef, Question
from monitor.domain.evidence import Evidence
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import Clock, Fresh, MirrorState

__all__ = ["NAME", "OsvMirror", "build"]

ECOSYSTEMS = ("npm", "PyPI")
STALE_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class OsvMirror:
    """The copy in `folder`, and its origin. Implements `AdvisorySource` and `AdvisoryMirror`."""

    _origin: Origin
    _folder: Path
    _clock: Clock
    _ecosystems: Sequence[str]
    _stale_after: timedelta

    @property
    def name(self) -> str:
        """`osv_mirror`."""
        return NAME

    @property
    def database(self) -> str:
        """OSV's own records."""
        return OSV

    @property
    def batched(self) -> bool:
        """Versions cost no request at all."""
        return True

    async def match(self, questions: Collection[Question]) -> Mapping[Purl, tuple[AdvisoryRef, ...] | Unknown]:
        """Answer from the index alone; without a copy, and with one that is too old, everything is `Unknown`."""
        return await asyncio.to_thread(self._match, questions)

    async def advisory(self, ref: AdvisoryRef) -> Fresh[Advisory]:
        """Return the record of that id from the copy, however old that is, with the document as it came."""
        if ref.database != OSV:
            raise NotFound(NAME, f"has no records of {one_line(ref.database, 50)}")
        return await asyncio.to_thread(self._advisory, ref.id)

    async def state(self) -> MirrorState | Unknown:
        """Return what there is, also of a copy that is too old."""
        try:
            return await asyncio.to_thread(self._state)
        except SourceError as error:
            return error.unknown()

    async def refresh(self, *, whole: bool) -> MirrorState:
        """Bring the copy up to date in one transaction: all ecosystems, or none.

        Where a list of modified records cannot tell all (it names too many, or a record that is not there), the archive is read instead.
        """
        with self._kept(), own_folder.alone(self._folder, NAME):
            await asyncio.to_thread(origins.sweep, self._folder)
            now = micros(self._clock())
            known = {} if whole else await asyncio.to_thread(self._cursors)
            async with AsyncExitStack() as stack:
                news = [
                    await copying.news(
                        self._origin, self._folder, ecosystem, known.get(ecosystem), now=now, stack=stack
                    )
                    for ecosystem in self._ecosystems
                ]
                changed = await _to_its_end(partial(copying.take_in, self._folder, self._origin.place, news, now))
        return await asyncio.to_thread(self._state, changed)

    def _match(self, questions: Collection[Question]) -> dict[Purl, tuple[AdvisoryRef, ...] | Unknown]:
        try:
            with self._reading() as connection:
                cursors = self._cursors_of(connection)
                stale = self._stale(cursors)
                if stale is None:
                    still = age.standing_still(self._origin.place, cursors, self._clock(), self._stale_after)
                    return matching.answers(connection, questions, self._ecosystems, still)
        except SourceError as error:
            stale = error.unknown()
        return {question.purl: stale for question in questions}

    def _advisory(self, advisory_id: str) -> Fresh[Advisory]:
        with self._reading() as connection:
            row = connection.execute(
                "SELECT records.ecosystem, records.size, records.taken, bodies.body FROM records JOIN bodies USING (key)"
                " WHERE records.id = ? ORDER BY records.modified DESC LIMIT 1",
                (advisory_id,),
            ).fetchone()
        if row is None:
            raise NotFound(NAME, f"{one_line(advisory_id, 100)}: no such record")
        ecosystem, size, taken, deflated = row
        try:
            body = archive.inflated(deflated, size)
        except archive.BadMember as error:
            raise Malformed(NAME, f"{one_line(advisory_id, 100)} in the copy {error}") from error
        url = f"{self._origin.place.rstrip('/')}/{ecosystem}/{advisory_id}.json"
        return Fresh(
            parse_record(body, source=NAME), (), (Evidence(url, sha256(body).hexdigest(), moment(taken), body),)
        )

    def _state(self, changed: int = 0) -> MirrorState:
        with self._reading() as connection:
            cursors = self._cursors_of(connection)
            records, youngest = connection.execute("SELECT count(*), max(modified) FROM records").fetchone()
            bad = problems.shown(connection)
        place, now = self._origin.place, self._clock()
        late = age.late(place, cursors, now, self._stale_after)
        old = (late,) if late else tuple(age.standing_still(place, cursors, now, self._stale_after).values())
        return MirrorState(
            records=records,
            youngest=None if youngest is None else moment(youngest),
            compared_at=age.compared_at(cursors),
            whole_at=moment(min(each.whole for each in cursors.values())),
            changed=changed,
            problems=(*old, *bad)[: problems.MAX_SHOWN],
        )

    def _stale(self, cursors: Mapping[str, Cursor]) -> Unknown | None:
        """None: the copy can be asked."""
        now, compared = self._clock(), age.compared_at(cursors)
        if now - compared > self._stale_after:
            return Unknown(Reason.UNAVAILABLE, NAME, f"the copy was last compared on {age.dated(compared, now)}")
        late = age.late(self._origin.place, cursors, now, self._stale_after)
        return Unknown(Reason.UNAVAILABLE, NAME, late) if late else None

    def _cursors_of(self, connection: sqlite3.Connection) -> dict[str, Cursor]:
        """Return how far the copies of the wanted ecosystems reach. Raises `Unavailable` unless each has one."""
        found = index.cursors(connection)
        missing = [ecosystem for ecosystem in self._ecosystems if ecosystem not in found]
        if missing:
            raise Unavailable(NAME, f"there is no copy yet of {', '.join(missing)}")
        return {ecosystem: found[ecosystem] for ecosystem in self._ecosystems}

    def _cursors(self) -> dict[str, Cursor]:
        """Return how far the copies reach that came from this origin."""
        try:
            with index.reading(self._folder) as connection:
                found = index.cursors(connection)
        except NoCopy:
            return {}
        return {ecosystem: cursor for ecosystem, cursor in found.items() if cursor.origin == self._origin.place}

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Open the index. Raises `Unavailable` where there is none that can be read, and `Malformed` where others may have written it."""
        if not self._folder.exists():
            raise Unavailable(NAME, "there is no copy yet")
        own_folder.require(self._folder, NAME)
        try:
            with index.reading(self._folder) as connection:
                yield connection
        except NoCopy as error:
            raise Unavailable(NAME, f"there is {error}") from error
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(NAME, f"cannot read the copy in {self._folder}: {one_line(str(error), 200)}") from error

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Have a folder of our own for the copy. A copy that is damaged is removed, so that the next refresh makes it anew."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            own_folder.require(self._folder, NAME)
            yield
        except (sqlite3.Error, OSError) as error:
            detail = f"cannot keep the copy in {self._folder}: {one_line(str(error), 200)}"
            if type(error) is sqlite3.DatabaseError:  # of the kinds of it: the file is no database, or a damaged one
                index.remove(self._folder)
                detail = f"{detail}; it is removed, and made anew by the next refresh"
            raise Unavailable(NAME, detail) from error


def build(
    edge: Http,
    *,
    place: str,
    folder: Path,
    clock: Clock,
    ecosystems: Sequence[str] = ECOSYSTEMS,
    stale_after: timedelta = STALE_AFTER,
) -> OsvMirror:
    """Build the copy of `place` (an http address, or a folder) in `folder`, which is made when it is needed.

    `ecosystems` in OSV's spelling: npm and PyPI for packages, GIT for records that name no package. Raises ValueError for an address that
    is none, and for an ecosystem that is not read.
    """
    unread = [each for each in ecosystems if each not in origins.ECOSYSTEMS]
    if unread or not ecosystems:
        raise ValueError(f"not an ecosystem that is read: {', '.join(map(repr, unread)) or 'none'}")
    return OsvMirror(origins.at(place, edge), folder, clock, tuple(dict.fromkeys(ecosystems)), stale_after)


async def _to_its_end(work: Callable[[], int]) -> int:
    """Run it in a thread, and when cancelled wait for that all the same: it uses the files and the lock that are given up after it."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
