"""A GitHub of one repository, with pages, ETags and 304, which tests mutate."""

import hashlib
import json
import re
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.responses import Response as Answer
from starlette.routing import Route

from monitor.domain.purl import Purl

PACKAGE = Purl.github("acme/tool")
DIGEST = "sha256:" + "ab" * 32
OLD, NEW = "a" * 40, "b" * 40


def asset(name: str, *, digest: str | None = DIGEST, state: str = "uploaded") -> dict[str, object]:
    """A file of a release."""
    url = f"https://github.com/acme/tool/releases/download/v1/{name}"
    return {"name": name, "browser_download_url": url, "state": state, "size": 7, "digest": digest, "id": 1}


def release(tag: str, *assets: dict[str, object], draft: bool = False, prerelease: bool = False) -> dict[str, object]:
    """A release of a tag."""
    return {
        "tag_name": tag,
        "draft": draft,
        "prerelease": prerelease,
        "published_at": None if draft else "2026-01-02T03:04:05Z",
        "assets": list(assets),
    }


def tag(name: str, commit: str = OLD) -> dict[str, object]:
    """A tag as the list of tags has it."""
    return {"name": name, "commit": {"sha": commit, "url": "https://example.org"}}


@dataclass
class Forge:
    """Answers like GitHub's REST interface: pages, ETags, 304. Tests mutate the documents."""

    repository: dict[str, object] = field(
        default_factory=lambda: {"id": 42, "full_name": "Acme/Tool", "archived": False, "disabled": False}
    )
    releases: list[dict[str, object]] = field(default_factory=list)
    tags: list[dict[str, object]] = field(default_factory=list)
    attestations: dict[str, object] = field(default_factory=dict)
    refusal: Answer | None = None
    moved: bool = False
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: Request) -> Answer:
        """Answer any request."""
        self.asked.append(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        self.headers.append(dict(request.headers))
        if self.refusal is not None:
            return self.refusal
        if self.moved and request.url.path == "/api/repos/acme/tool":
            return RedirectResponse("/api/repositories/42", status_code=301)
        number = int(request.query_params.get("page", "1"))
        page = slice((number - 1) * 100, number * 100)
        part = re.fullmatch(r"/api/(?:repos/[^/]+/[^/]+|repositories/42)/?(.*)", request.url.path)
        match part[1] if part else "nothing":
            case "releases":
                return self._document(request, self.releases[page])
            case "tags":
                return self._document(request, self.tags[page])
            case "":
                return self._document(request, self.repository)
            case other:
                found = self.attestations.get(other.removeprefix("attestations/"))
                return Answer(b"{}", 404) if found is None else self._document(request, found)

    def _document(self, request: Request, document: object) -> Answer:
        body = json.dumps(document).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            return Answer(status_code=304, headers={"etag": etag})
        return Answer(body, headers={"etag": etag, "content-type": "application/json"})

    @property
    def app(self) -> Starlette:
        """The forge as an application."""
        return Starlette(routes=[Route("/{path:path}", self.answer)])
