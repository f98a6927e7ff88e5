"""The advisories that a repository publishes itself (https://docs.github.com/en/rest/security-advisories/repository-advisories).

It knows: what the keepers of a server's own repository have published, before any database has taken it over, or without one ever doing so.
It does not know: anything of repositories that no entry names, and what the authors meant: they write ranges as they like, and name any
package as theirs. Therefore only versions of the server that names the repository are compared, and what cannot be read is undecided.
"""

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from connectors._edge.http import Client, Http, NotModified
from connectors._github_advisory_record import ECOSYSTEMS, next_page, parse_advisory, parse_page, repository_of
from connectors._github_documents import ACCEPT, PER_PAGE, headers
from monitor.domain.advisory import GITHUB_REPOSITORY, Advisory, AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import is_affected
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import AdvisorySource, Fresh, Validator

NAME = "github_repository_advisories"
MAX_PAGES = 10
"""Of one repository's list: a thousand advisories."""
MAX_KEPT = 5_000
"""Pages that are kept to be asked about conditionally."""
MAX_SEARCHED = 1_000
"""Repositories that are asked for a record of which nobody says whose it is."""
MAX_ANSWER = 32 * 2**20
MAX_RECORD = 4 * 2**20
"""Bytes."""

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_PUBLISHED_AT = re.compile(rf"/repos/({_REPOSITORY.pattern})/security-advisories/[^/]+\Z")

Answer = tuple[AdvisoryRef, ...] | Unknown


@dataclass(frozen=True, slots=True)
class _Page:
    validator: Validator
    records: tuple[Advisory, ...]
    following: str | None  # None: it is the last


@dataclass(frozen=True, slots=True)
class GitHubRepositoryAdvisories:
    """The lists of all repositories, and what came of them so far: while nothing changes, asking again is free."""

    _client: Client
    _pages: dict[str, _Page] = field(default_factory=dict, repr=False)
    _publishers: dict[str, Purl] = field(default_factory=dict, repr=False)
    """By id of a record, the repository that published it."""
    _answered: dict[Purl, None] = field(default_factory=dict, repr=False)
    """The repositories that have a list, in the order in which they were asked first."""

    @property
    def name(self) -> str:
        """`github_repository_advisories`."""
        return NAME

    @property
    def database(self) -> str:
        """The repositories' own."""
        return GITHUB_REPOSITORY

    @property
    def batched(self) -> bool:
        """A request for each repository."""
        return False

    async def match(self, questions: Collection[Question]) -> Mapping[Purl, Answer]:
        """Ask each repository once. A repository that has no list, or is gone, is not covered."""
        places = dict.fromkeys((question.purl, _repository(question)) for question in questions)
        repositories = sorted({repository for _, repository in places if repository}, key=str)
        lists = await asyncio.gather(*(self._published(repository) for repository in repositories))
        published = dict(zip(repositories, lists, strict=True))
        answers: dict[Purl, Answer] = {}
        for purl, repository in places:
            said = _said(purl, repository, published[repository]) if repository else _not_covered(purl)
            answers[purl] = _joined(answers[purl], said) if purl in answers else said
        return answers

    async def advisory(self, ref: AdvisoryRef) -> Fresh[Advisory]:
        """Return the record from the repository that published it.

        Where this process has not seen whose it is, the global database is asked, and then the repositories that were asked about their
        lists: `NotFound` means that none of them has it.
        """
        publisher = self._publishers.get(ref.id) or await self._publisher(ref.id)
        if publisher:
            return await self._record(publisher, ref.id)
        if not self._answered or len(self._answered) > MAX_SEARCHED:
            raise Unavailable(NAME, f"nobody says which repository published {one_line(ref.id, 100)}")
        failure: SourceError = NotFound(NAME, f"no repository has published {one_line(ref.id, 100)}")
        for found in await asyncio.gather(*(self._looked_up(each, ref.id) for each in self._answered)):
            if isinstance(found, Fresh):
                return found
            if not isinstance(found, NotFound):
                failure = found  # the one that did not answer may have it
        raise failure

    async def _published(self, repository: Purl) -> tuple[Advisory, ...] | Unknown:
        try:
            records = await self._list(repository)
        except NotFound:
            words = f"{one_line(repository.label, 200)} has no list of advisories, or is gone"
            return Unknown(Reason.NOT_COVERED, NAME, words)
        except SourceError as error:
            return error.unknown()
        self._answered[repository] = None
        self._publishers.update((record.id, repository) for record in records)
        return records

    async def _list(self, repository: Purl) -> tuple[Advisory, ...]:
        records: list[Advisory] = []
        place: str | None = f"{_path(repository)}?state=published&per_page={PER_PAGE}"
        for _ in range(MAX_PAGES):
            if place is None:
                return tuple(records)
            page = await self._page(place, repository)
            records += page.records
            place = page.following
        if place is None:
            return tuple(records)
        raise Malformed(NAME, f"{repository.label} lists more than {MAX_PAGES * PER_PAGE} advisories")

    async def _page(self, place: str, repository: Purl) -> _Page:
        """Ask for a page, conditionally where it is kept. With another token GitHub's validators are others: then it comes again."""
        kept = self._pages.pop(place, None)
        answer = await self._client.get(
            place, accept=ACCEPT, validator=kept.validator if kept else None, limit=MAX_ANSWER
        )
        if isinstance(answer, NotModified):
            assert kept is not None  # noqa: S101  (the edge takes no 304 to a question without condition)
            page = kept
        else:
            records = await asyncio.to_thread(_records, answer.body, repository)
            page = _Page(answer.validator, records, next_page(answer.headers))
        if len(self._pages) >= MAX_KEPT:
            del self._pages[next(iter(self._pages))]
        self._pages[place] = page
        return page

    async def _publisher(self, advisory_id: str) -> Purl | None:
        """Ask the global database which repository published a record; None: it does not know."""
        try:
            answer = await self._client.get(
                f"advisories/{quote(advisory_id, safe='')}", accept=ACCEPT, limit=MAX_RECORD
            )
        except NotFound:
            return None
        url = None if isinstance(answer, NotModified) else repository_of(answer.body)
        place = _PUBLISHED_AT.search(url) if url else None
        return Purl.github(place[1]) if place else None

    async def _looked_up(self, repository: Purl, advisory_id: str) -> Fresh[Advisory] | SourceError:
        try:
            return await self._record(repository, advisory_id)
        except SourceError as error:
            return error

    async def _record(self, repository: Purl, advisory_id: str) -> Fresh[Advisory]:
        place = f"{_path(repository)}/{quote(advisory_id, safe='')}"
        answer = await self._client.get(place, accept=ACCEPT, limit=MAX_RECORD)
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        record = parse_advisory(answer.body, source=NAME, database=GITHUB_REPOSITORY, repository=repository)
        if record.id != advisory_id:
            raise Malformed(NAME, f"asked for {one_line(advisory_id, 100)}, answered with {record.id}")
        return Fresh(record, (), (answer.evidence,))


def build(edge: Http, *, api: str, token: str | None) -> AdvisorySource:
    """Build the source for the REST interface at `api`. `token` None: 60 requests an hour, one or more for each repository."""
    return GitHubRepositoryAdvisories(edge.client(NAME, base=api, headers=headers(token)))


def _records(body: bytes, repository: Purl) -> tuple[Advisory, ...]:
    """A record that cannot be read leaves the list unknown: it could name any version."""
    return tuple(
        parse_advisory(raw, source=NAME, database=GITHUB_REPOSITORY, repository=repository)
        for raw in parse_page(body, source=NAME)
    )


def _path(repository: Purl) -> str:
    return f"repos/{quote(repository.label, safe='/')}/security-advisories"


def _repository(question: Question) -> Purl | None:
    """None: no repository of GitHub's, or a question that is not about a version."""
    purl = question.purl
    named = question.repository or (purl if purl.type == "github" else None)
    if named is None or named.type != "github" or purl.version is None or not _REPOSITORY.fullmatch(named.label):
        return None
    return named.package


def _said(purl: Purl, repository: Purl, published: tuple[Advisory, ...] | Unknown) -> Answer:
    if isinstance(published, Unknown):
        return published
    named = [record for record in published if record.withdrawn_at is None and _names(record, purl, repository)]
    return tuple(sorted({AdvisoryRef(record.id, record.modified_at, GITHUB_REPOSITORY) for record in named}))


def _names(record: Advisory, purl: Purl, repository: Purl) -> bool:
    """Whether the record names the version, or may: what cannot be decided is for a human.

    A record without any package is about everything that comes from its repository. A server that is deployed from the repository itself
    is named by the packages that are made of it, at the version that its tag says, and by everything that cannot be compared with a tag.
    """
    if purl.type in ECOSYSTEMS:
        without_package = all(entry.package == repository for entry in record.affected)
        return without_package or is_affected(record, purl) is not False
    return any(
        entry.package.type not in ECOSYSTEMS or is_affected(record, entry.package.at(purl.version)) is not False
        for entry in record.affected
    )


def _not_covered(purl: Purl) -> Answer:
    if purl.version is None:
        return Unknown(Reason.NOT_COVERED, NAME, "is asked about versions, and this is none")
    return Unknown(Reason.NOT_COVERED, NAME, "has nothing where no repository on GitHub is named")


def _joined(one: Answer, other: Answer) -> Answer:
    """Join what two repositories said of one version: not to be covered by one of them is no answer."""
    if isinstance(one, Unknown):
        return other if one.reason is Reason.NOT_COVERED else one
    if isinstance(other, Unknown):
        return one if other.reason is Reason.NOT_COVERED else other
    return tuple(sorted({*one, *other}))
