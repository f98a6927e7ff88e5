"""GitHub's releases, tags and attestations of a repository, from its REST interface (https://docs.github.com/en/rest).

It knows: which tags exist and at which commit, which of them carry a release, the files of a release with their digests (files uploaded
before mid-2025 have none), whether the repository was renamed, archived or blocked, signed attestations by digest, and the bundles and
checksum files that lie beside a file in its release.
It does not know: when a tag without a release was made (commit dates are the author's claim and are not read), what a tag pointed at
before, or who moved it. A release's draft mark, title and text are not looked at.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlsplit

from connectors._edge.http import Client, Http, NotModified, Response
from connectors._github_documents import (
    ACCEPT,
    NAME,
    PER_PAGE,
    Repository,
    headers,
    parse_attestations,
    parse_block,
    parse_releases,
    parse_repository,
    parse_tags,
)
from connectors._github_siblings import Siblings, siblings
from monitor.domain.dependency import Dependencies
from monitor.domain.provenance import Attestation, Form
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Listing, Release, Standing
from monitor.ports.errors import Denied, Malformed, NotFound, Unavailable
from monitor.ports.sources import Downloaded, Fresh, ReleaseSource, Unchanged, Validators

T = TypeVar("T")

PUBLIC_API = "api.github.com"
PUBLIC_HOSTS = ("github.com", "objects.githubusercontent.com", "release-assets.githubusercontent.com")
MAX_PAGES = 5
"""Of releases, and of tags. Behind them the listing is not complete, and says so."""
MAX_FILE = 512 * 2**20
"""Bytes of a file that is downloaded to be hashed."""
BLOCKED = frozenset({403, 451})


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at a repository, and the documents that came so far, by path.

    What changes most is asked first (the repository counts its stars, the releases count their downloads). From the first document that
    changed on, the others are asked unconditionally, since all of them are needed; a calm look is three requests.
    """

    client: Client
    known: Validators
    answers: dict[str, Response] = field(default_factory=dict)

    async def ask(self, path: str, *, also: Collection[int] = ()) -> Response | NotModified:
        """Ask for a document, unless it came already; conditionally while nothing has changed yet."""
        if path in self.answers:
            return self.answers[path]
        known = {} if self.answers else self.known
        answer = await self.client.get(path, accept=ACCEPT, known=known, also=also)
        if isinstance(answer, Response):
            self.answers[path] = answer
        return answer

    async def pages(self, path: str, parse: Callable[[bytes], tuple[T, bool]]) -> tuple[list[T], bool]:
        """Return the pages of a list that came, and whether the list ends with them; `parse` also says whether a page is full."""
        pages = []
        for number in range(1, MAX_PAGES + 1):
            answer = await self.ask(_page(path, number))
            if isinstance(answer, Response):
                page, more = parse(answer.body)
                pages.append(page)
            else:  # it was full if the last look went on behind it
                more = self.client.key(_page(path, number + 1), accept=ACCEPT) in self.known
            if not more:
                return pages, True
        return pages, False

    async def listing(self, package: Purl) -> Listing | None:
        """Return the listing, None where a document that it needs did not come because it is unchanged."""
        path = _path(package.label)
        answer = await self.ask(path, also=BLOCKED)
        repository = None
        if isinstance(answer, Response):
            if answer.status in BLOCKED:
                return _blocked(answer, package)
            repository = parse_repository(answer.body)
            path = _path(repository.full_name if _moved(repository, package) else package.label)
        try:
            releases, all_releases = await self.pages(f"{path}/releases", partial(parse_releases, package=package))
            tags, all_tags = await self.pages(f"{path}/tags", parse_tags)
        except NotFound as error:
            raise Unavailable(NAME, f"{package.label} is there, and a part of it is not: {error.detail}") from error
        if repository is None:
            return None
        return _joined(package, repository, releases, tags, complete=all_releases and all_tags)


@dataclass(frozen=True, slots=True)
class GitHub:
    """GitHub as a source of releases, by its REST interface."""

    _client: Client
    _siblings: Siblings

    @property
    def name(self) -> str:
        """`github`."""
        return NAME

    async def listing(self, package: Purl, known: Validators) -> Fresh[Listing] | Unchanged:
        """Return the releases and the bare tags of the repository; a tag is a version.

        A repository that GitHub blocks (451, or 403 with a reason) is a listing without releases, standing quarantined.
        """
        look = _Look(self._client, known)
        listing = await look.listing(package)
        if listing is None and look.answers:
            listing = await look.listing(package)  # what was unchanged is needed after all
        if listing is None:
            return Unchanged()
        answers = look.answers.values()
        validators = tuple(answer.validator for answer in answers if answer.status not in BLOCKED)
        return Fresh(listing, validators, tuple(answer.evidence for answer in answers))

    async def download(self, artifact: Artifact) -> Downloaded:
        """Stream a release's file through the hashes; of the public instance also from where its files are kept."""
        return await self._client.download(artifact.url, limit=MAX_FILE)

    async def dependencies(self, release: Release) -> Fresh[Dependencies]:
        """Raise `NotFound`: a repository's graph is that of its default branch, and not of a release."""
        raise NotFound(NAME, f"says nothing of the dependencies of {release.purl.label} {release.version}")

    async def confirms_absence(self, release: Release, artifact: Artifact) -> bool:  # noqa: ARG002 - the port's question
        """Say yes: `attestations` has asked the only endpoint that there is."""
        return True

    async def attestations(self, release: Release, artifact: Artifact) -> Fresh[tuple[Attestation, ...]]:
        """Return what the repository's attestation store has for the file's digest, and what lies beside the file in its release.

        `Unavailable` where the file has no sha256 to look it up by, a bundle is kept elsewhere, or what lies beside it cannot be had: not
        to be seen is not to be unattested.
        """
        if artifact.digest is None or artifact.digest.algorithm != "sha256":
            raise Unavailable(NAME, f"{artifact.filename[:100]} has no sha256 digest to look its attestations up by")
        stored = await self._stored(release, artifact)
        found = [Attestation(Form.GITHUB_ATTESTATION, answer.body, answer.url) for answer in stored]
        answers = list(stored)
        for form, file in siblings(artifact, release.artifacts):
            answer = await self._siblings.document(form, file)
            # The address that the release lists: a redirect's has another name in it.
            found.append(Attestation(form, answer.body, file.url))
            answers.append(answer)
        return Fresh(tuple(found), (), tuple(answer.evidence for answer in answers))

    async def _stored(self, release: Release, artifact: Artifact) -> tuple[Response, ...]:
        """Ask the attestation store; nothing where it knows no such digest."""
        subject = quote(str(artifact.digest), safe="")
        path = f"{_path(release.purl.label)}/attestations/{subject}?per_page={PER_PAGE}"
        try:
            answer = await self._client.get(path, accept=ACCEPT)
        except NotFound:
            return ()
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        here, elsewhere = parse_attestations(answer.body)
        if elsewhere:
            raise Unavailable(
                NAME, f"{elsewhere} attestations of {artifact.filename[:100]} are kept outside of its API"
            )
        return (answer,) if here else ()


def build(edge: Http, *, api: str, token: str | None, hosts: Collection[str] = ()) -> ReleaseSource:
    """Build the source for the REST interface at `api`; `hosts` are further hosts from which files may come.

    `token` None: public data, at 60 requests an hour.
    """
    own = PUBLIC_HOSTS if urlsplit(api).hostname == PUBLIC_API else ()
    client = edge.client(NAME, base=api, hosts=(*own, *hosts), headers=headers(token))
    return GitHub(client, Siblings(client))


def _joined(
    package: Purl,
    repository: Repository,
    releases: list[list[Release]],
    tags: list[dict[str, Digest]],
    *,
    complete: bool,
) -> Listing:
    commits = {name: commit for page in tags for name, commit in page.items()}
    bare = {name: Release(package.at(name), None, (), commit=commit) for name, commit in commits.items()}
    released = {
        release.version: replace(release, commit=commits.get(release.version)) for page in releases for release in page
    }
    return Listing(
        package,
        tuple((bare | released).values()),
        repository.standing,
        repository.standing_reason,
        moved_to=repository.full_name if _moved(repository, package) else None,
        identity=repository.identity,
        complete=complete,
    )


def _blocked(answer: Response, package: Purl) -> Listing:
    reason = parse_block(answer.body)
    if reason is None:
        raise Denied(NAME, f"{answer.url} refuses us ({answer.status})")
    return Listing(package, (), Standing.QUARANTINED, reason)


def _moved(repository: Repository, package: Purl) -> bool:
    return repository.full_name.lower() != package.label


def _path(repository: str) -> str:
    return "repos/" + quote(repository, safe="/")


def _page(path: str, number: int) -> str:
    return f"{path}?per_page={PER_PAGE}" + (f"&page={number}" if number > 1 else "")
