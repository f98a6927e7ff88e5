"""GitHub's REST API over repositories that tests fill, move, delete and harm."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha1, sha256
from itertools import count

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tests.world.answers import answer, conditional
from tests.world.github_advisories import NOT_FOUND, Advisories
from tests.world.github_proposals import Forge
from tests.world.repositories import Asset, GitHubRelease, Repository, Tag, Writer, commit_of
from tests.world.scene import Scene
from tests.world.signing import Identity, Sigstore, github_attestations

Tell = Callable[[Repository, Request], Response]

ANONYMOUS_LIMIT = 60
LIMIT = 5000


class GitHub:
    """The API and the downloads. `limited`: enforce 60 requests an hour for those without a token, 5,000 for others.

    `inline_bundles` False: attestations come as addresses alone.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.advisories = Advisories(scene)
        self.forge = Forge(scene)
        self.repositories: dict[int, Repository] = {}
        self.names: dict[str, int] = {}
        """Lower-case `owner/name`, former ones too, -> id."""
        self.limited = False
        self.inline_bundles = True
        self._used: dict[tuple[str, datetime], int] = {}
        self._ids = count(1001)
        self._commits = count(1)

    # what tests do to it

    def create(self, full_name: str, *, owner_id: int = 2002) -> Repository:
        """Create a repository; under a name that a deleted one had, too, with a new id."""
        made = Repository(next(self._ids), full_name, owner_id, self.scene.clock())
        self.repositories[made.id] = made
        self.names[full_name.lower()] = made.id
        return made

    def repository(self, full_name: str) -> Repository:
        """Return the repository of that name, present or former. Raises KeyError."""
        return self.repositories[self.names[full_name.lower()]]

    def tag(self, full_name: str, name: str, *, annotated: bool = False) -> Tag:
        """Tag a new commit, creating the repository where it is missing; a tag that exists moves."""
        known = self.names.get(full_name.lower()) in self.repositories
        repository = self.repository(full_name) if known else self.create(full_name)
        commit = commit_of(repository, name, next(self._commits))
        annotation = sha1(commit.encode(), usedforsecurity=False).hexdigest() if annotated else None
        repository.tags[name] = Tag(name, commit, annotation)
        return repository.tags[name]

    def move_tag(self, full_name: str, name: str) -> Tag:
        """Let a tag point at another commit."""
        return self.tag(full_name, name, annotated=self.repository(full_name).tags[name].annotation is not None)

    def release(
        self,
        full_name: str,
        tag: str,
        *,
        assets: Mapping[str, bytes] | None = None,
        attested_by: Identity | None = None,
        tampered: bool = False,
        forged: bool = False,
        sigstore: Sigstore | None = None,
        prerelease: bool = False,
        draft: bool = False,
        annotated: bool = False,
        bundled_by: Identity | None = None,
        checksums: str | None = None,
    ) -> GitHubRelease:
        """Tag a new commit (unless the tag exists) and release it with assets, now.

        `attested_by`: each asset with a build provenance. `tampered`: the bytes served are not those announced. `forged`: attestations,
        bundles and checksums are about other bytes. `sigstore`: who signs, for strangers. `bundled_by`: each asset, and the checksum
        file, with a bundle beside it. `checksums`: with a checksum file of that name.
        """
        if self.names.get(full_name.lower()) not in self.repositories or tag not in self.repository(full_name).tags:
            self.tag(full_name, tag, annotated=annotated)
        repository, now = self.repository(full_name), self.scene.clock()
        signer = sigstore or self.scene.trust.sigstore
        files = dict(assets or {})
        about = {name: b"other bytes" if forged else body for name, body in files.items()}
        if checksums:
            files[checksums] = "".join(f"{sha256(body).hexdigest()}  {name}\n" for name, body in about.items()).encode()
            about[checksums] = files[checksums]
        if bundled_by:
            bundles = {name: signer.file_bundle(body, bundled_by, at=now) for name, body in about.items()}
            files |= {f"{name}.sigstore.json": bundle for name, bundle in bundles.items()}
        uploaded = tuple(self.upload(name, body) for name, body in files.items())
        for asset in [each for each in uploaded if each.name in (assets or {})]:
            if attested_by and asset.digest:
                claimed = sha256(b"other bytes").hexdigest() if forged else asset.digest.removeprefix("sha256:")
                attestations = json.loads(github_attestations(signer, asset.name, claimed, attested_by, at=now))
                made_now = [attestation["bundle"] for attestation in attestations["attestations"]]
                repository.attestations.setdefault(asset.digest, []).extend(made_now)
            if tampered:
                self.scene.files.bodies[asset.path] += b"steal()\n"
        made = GitHubRelease(next(self._ids), tag, uploaded, now, prerelease=prerelease, draft=draft)
        repository.releases[tag] = made
        return made

    def upload(self, name: str, body: bytes) -> Asset:
        """Keep an asset's bytes."""
        made = next(self._ids)
        path = f"github/{made}/{name}"
        self.scene.files.bodies[path] = body
        return Asset(made, name, path, len(body), f"sha256:{sha256(body).hexdigest()}", self.scene.clock())

    def replace_asset(self, full_name: str, tag: str, name: str, body: bytes) -> None:
        """Delete an asset and upload another under its name."""
        releases = self.repository(full_name).releases
        kept = tuple(asset for asset in releases[tag].assets if asset.name != name)
        releases[tag] = replace(releases[tag], assets=(*kept, self.upload(name, body)))

    def remove(self, full_name: str, tag: str) -> None:
        """Delete a release and its tag."""
        repository = self.repository(full_name)
        repository.releases.pop(tag, None)
        repository.tags.pop(tag, None)

    def archive(self, full_name: str) -> None:
        """Archive a repository."""
        self.repository(full_name).archived = True

    def move(self, full_name: str, to: str, *, owner_id: int = 3003) -> None:
        """Transfer a repository; the former name redirects until somebody takes it."""
        repository = self.repository(full_name)
        repository.full_name, repository.owner_id = to, owner_id
        self.names[to.lower()] = repository.id

    def take_down(self, full_name: str) -> None:
        """Answer 451 for a repository."""
        self.repository(full_name).taken_down = True

    def delete(self, full_name: str) -> None:
        """Delete a repository: 404."""
        del self.repositories[self.names[full_name.lower()]]

    # what it answers

    def routes(self) -> list[BaseRoute]:
        """The API's addresses, below its base, by name and by id; and the downloads, which GitHub has on another host."""
        tells: list[tuple[str, Tell]] = [
            ("", self.tell_repository),
            ("/releases", self.tell_releases),
            ("/releases/tags/{tag:path}", self.tell_release),
            ("/tags", self.tell_tags),
            ("/git/ref/{ref:path}", self.tell_ref),
            ("/git/matching-refs/{ref:path}", self.tell_matching_refs),
            ("/git/tags/{sha}", self.tell_annotation),
            ("/attestations/{digest}", self.tell_attestations),
            ("/security-advisories", self.tell_advisories),
            ("/security-advisories/{ghsa_id}", self.tell_advisory),
        ]
        prefixes = ("/repos/{owner}/{repo}", "/repositories/{id:int}")
        return [
            Route("/rate_limit", self.rate_limit),
            Route("/advisories", self.polite(self.advisories.tell_global)),
            Route("/advisories/{ghsa_id}", self.polite(self.advisories.tell_one)),
            *self.forge.routes(self.find, self.polite),
            *(Route(prefix + path, self.serving(tell)) for prefix in prefixes for path, tell in tells),
            Route("/{owner}/{repo}/releases/download/{tag:path}/{name}", self.download),
        ]

    def serving(self, tell: Tell) -> Callable[[Request], Response]:
        """Serve what one address tells of a repository."""

        def of_repository(request: Request) -> Response:
            repository = self.find(request)
            return repository if isinstance(repository, Response) else tell(repository, request)

        return self.polite(of_repository)

    def polite(self, tell: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """Wrap what one address tells with what all of GitHub's addresses do."""

        def serve(request: Request) -> Response:
            if not request.headers.get("user-agent"):
                return answer({"message": "Request forbidden by administrative rules."}, status=403)
            if refused := self.refused(request):
                return refused
            told = tell(request)
            if told.status_code == 200:
                told = conditional(request, told, salt=request.headers.get("authorization", ""))
            told.headers.update(self.limits(request))
            return told

        return serve

    def find(self, request: Request) -> Repository | Response:
        """Return the repository that the address names, or the answer that there is none, or where it went."""
        parameters = request.path_params
        asked = f"{parameters.get('owner')}/{parameters.get('repo')}"
        number = parameters.get("id", self.names.get(asked.lower()))
        repository = self.repositories.get(number or 0)
        if repository is None:
            return answer(NOT_FOUND, status=404)
        if repository.taken_down:
            return answer({"message": "Repository access blocked", "block": {"reason": "dmca"}}, status=451)
        if "id" not in parameters and asked.lower() != repository.full_name.lower():
            rest = request.url.path.partition(f"/repos/{asked}")[2]
            query = f"?{request.url.query}" if request.url.query else ""
            to = f"{self.scene.origin()}/github/repositories/{repository.id}{rest}{query}"
            return answer({"message": "Moved Permanently", "url": to}, status=301, headers={"Location": to})
        return repository

    # limits

    def refused(self, request: Request) -> Response | None:
        """Count the request; return the refusal of one too many."""
        window = self.window(request)
        self._used[window] = self._used.get(window, 0) + 1
        if not self.limited or self._used[window] <= self.limit(request):
            return None
        self._used[window] = self.limit(request)
        return answer({"message": "API rate limit exceeded"}, status=403, headers=self.limits(request))

    def limits(self, request: Request) -> Mapping[str, str]:
        """Write the headers that tell the limit."""
        limit, (_, hour) = self.limit(request), self.window(request)
        used = self._used.get(self.window(request), 0)
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(max(limit - used, 0)),
            "x-ratelimit-used": str(used),
            "x-ratelimit-reset": str(int((hour + timedelta(hours=1)).timestamp())),
            "x-ratelimit-resource": "core",
        }

    def limit(self, request: Request) -> int:
        """Return how many requests an hour the asker may make."""
        return LIMIT if request.headers.get("authorization") else ANONYMOUS_LIMIT

    def window(self, request: Request) -> tuple[str, datetime]:
        """Return who asks, and the hour in which."""
        hour = self.scene.clock().replace(minute=0, second=0, microsecond=0)
        return request.headers.get("authorization", ""), hour

    def rate_limit(self, request: Request) -> Response:
        """The limits, for free."""
        headers = self.limits(request)
        names = ("limit", "used", "remaining", "reset")
        rate = {name: int(headers[f"x-ratelimit-{name}"]) for name in names}
        return answer({"resources": {"core": rate, "search": rate}, "rate": rate}, headers=headers)

    # documents

    def writer(self) -> Writer:
        """Return the writer for the API's present address."""
        return Writer(f"{self.scene.origin()}/github")

    def tell_repository(self, repository: Repository, _: Request) -> Response:
        """The repository itself."""
        document = self.writer().repository(repository)
        if repository.full_name.lower() in self.forge.repos:
            # What the asker may do is told to who may do something.
            may = {"admin": False, "maintain": False, "push": not self.forge.read_only, "triage": True, "pull": True}
            document = {**document, "permissions": may}
        return answer(document)

    def tell_releases(self, repository: Repository, request: Request) -> Response:
        """The releases, the youngest first; drafts only for those who may write, which is nobody here."""
        releases = sorted(repository.releases.values(), key=lambda release: release.published_at, reverse=True)
        documents = [self.writer().release(repository, release) for release in releases if not release.draft]
        return paged(documents, request)

    def tell_release(self, repository: Repository, request: Request) -> Response:
        """The release of one tag."""
        release = repository.releases.get(request.path_params["tag"])
        if release is None or release.draft:
            return answer(NOT_FOUND, status=404)
        return answer(self.writer().release(repository, release))

    def tell_tags(self, repository: Repository, request: Request) -> Response:
        """The tags with their commits."""
        tags = sorted(repository.tags.values(), key=lambda tag: tag.name, reverse=True)
        return paged([self.writer().tag(repository, tag) for tag in tags], request)

    def tell_ref(self, repository: Repository, request: Request) -> Response:
        """One ref, exactly."""
        tag = repository.tags.get(request.path_params["ref"].removeprefix("tags/"))
        return answer(self.writer().ref(repository, tag)) if tag else answer(NOT_FOUND, status=404)

    def tell_matching_refs(self, repository: Repository, request: Request) -> Response:
        """The refs that begin so."""
        prefix = request.path_params["ref"]
        tags = [tag for name, tag in sorted(repository.tags.items()) if f"tags/{name}".startswith(prefix)]
        return answer([self.writer().ref(repository, tag) for tag in tags])

    def tell_annotation(self, repository: Repository, request: Request) -> Response:
        """The object of an annotated tag."""
        sha = request.path_params["sha"]
        tag = next((tag for tag in repository.tags.values() if tag.annotation == sha), None)
        return answer(self.writer().annotation(repository, tag)) if tag else answer(NOT_FOUND, status=404)

    def tell_attestations(self, repository: Repository, request: Request) -> Response:
        """The attestations of one digest; 404 where there are none."""
        digest = request.path_params["digest"]
        bundles = repository.attestations.get(digest)
        if not bundles:
            return answer(NOT_FOUND, status=404)
        where = f"{self.scene.origin()}/files/attestations/{digest}.json.sn"
        common = {"repository_id": repository.id, "bundle_url": where, "initiator": "acme-bot"}
        inline = [{"bundle": bundle} if self.inline_bundles else {} for bundle in bundles]
        return answer({"attestations": [common | bundle for bundle in inline]})

    def tell_advisories(self, repository: Repository, request: Request) -> Response:
        """What the repository has published."""
        return self.advisories.tell_list(repository.full_name, request)

    def tell_advisory(self, repository: Repository, request: Request) -> Response:
        """One advisory of the repository."""
        return self.advisories.tell_own(repository.full_name, request)

    def download(self, request: Request) -> Response:
        """Send the asker to where an asset's bytes are."""
        parameters = request.path_params
        name = f"{parameters['owner']}/{parameters['repo']}"
        repository = self.repositories.get(self.names.get(name.lower(), 0))
        release = repository.releases.get(parameters["tag"]) if repository else None
        for asset in release.assets if release else ():
            if asset.name == parameters["name"]:
                return RedirectResponse(f"{self.scene.origin()}/files/{asset.path}", 302)
        return Response("Not Found", 404, media_type="text/plain")


def paged(documents: Sequence[object], request: Request) -> Response:
    """Answer with the page that `per_page` and `page` ask for, and a Link header where there are others."""
    asked = {name: int(text) for name, text in request.query_params.items() if text.isdecimal()}
    size, number = min(asked.get("per_page", 30), 100) or 30, asked.get("page", 1) or 1
    last = max(1, -(-len(documents) // size))
    links = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    relevant = {"prev", "first"} if number > 1 else set()
    relevant |= {"next", "last"} if number < last else set()
    link = ", ".join(
        f'<{request.url.include_query_params(page=page)}>; rel="{rel}"'
        for rel, page in links.items()
        if rel in relevant
    )
    shown = list(documents[(number - 1) * size : number * size])
    return answer(shown, headers={"Link": link} if link else {})
