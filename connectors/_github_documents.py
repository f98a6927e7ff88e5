"""GitHub's documents: how they are asked for, structs that name what is needed, and the functions that read them.

Shapes: the OpenAPI description of the REST interface, https://github.com/github/rest-api-description.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

from monitor.domain.purl import MAX_LENGTH, Purl
from monitor.domain.release import Artifact, Digest, Release, Standing
from monitor.ports.errors import Malformed

T = TypeVar("T")

NAME = "github"
ACCEPT = "application/vnd.github+json, application/json;q=0.9"
API_VERSION = "2022-11-28"
PER_PAGE = 100
UPLOADED = "uploaded"
"""The state of an asset that is whole."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


def headers(token: str | None) -> Mapping[str, str]:
    """Return what every request carries; `token` None: public data, at 60 requests an hour."""
    return {"x-github-api-version": API_VERSION} | ({"authorization": f"Bearer {token}"} if token else {})


class _Repository(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=1)]
    full_name: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,100}/[\w.-]{1,100}\Z")]
    archived: bool
    disabled: bool = False


class _Asset(msgspec.Struct):
    name: Text
    browser_download_url: Text
    state: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    digest: str | None = None  # None: uploaded before GitHub computed digests


class _Release(msgspec.Struct):
    tag_name: Text
    draft: bool
    prerelease: bool
    published_at: Annotated[datetime, msgspec.Meta(tz=True)] | None
    assets: Annotated[list[_Asset], msgspec.Meta(max_length=1000)]


class _Commit(msgspec.Struct):
    sha: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}\Z")]


class _Tag(msgspec.Struct):
    name: Text
    commit: _Commit


class _Block(msgspec.Struct):
    reason: str = ""


class _Refusal(msgspec.Struct):
    message: str = ""
    block: _Block | None = None  # None: the repository is not blocked


class _Signed(msgspec.Struct):
    bundle: dict[str, msgspec.Raw] | None = None  # None: kept elsewhere, at `bundle_url`


class _SignedList(msgspec.Struct):
    attestations: Annotated[list[_Signed], msgspec.Meta(max_length=PER_PAGE)]


@dataclass(frozen=True, slots=True)
class Repository:
    """What GitHub says of a repository as a whole. `full_name` is its name now, in its own spelling."""

    identity: str
    full_name: str
    standing: Standing
    standing_reason: str = ""


def parse_repository(body: bytes) -> Repository:
    """Read `GET /repos/{owner}/{repo}`. Raises `Malformed`."""
    read = _decode(body, _Repository, "the repository")
    if read.disabled:
        return Repository(str(read.id), read.full_name, Standing.QUARANTINED, "disabled by GitHub")
    return Repository(str(read.id), read.full_name, Standing.ARCHIVED if read.archived else Standing.ACTIVE)


def parse_block(body: bytes) -> str | None:
    """Read why a repository is blocked from a 403 or 451; None where the refusal is about us. Raises `Malformed`."""
    refusal = _decode(body, _Refusal, "the refusal")
    return None if refusal.block is None else f"{refusal.message[:200]} ({refusal.block.reason[:50]})"


def parse_releases(body: bytes, package: Purl) -> tuple[list[Release], bool]:
    """Read a page of `GET /repos/{owner}/{repo}/releases`, and whether it is full. Drafts are left out. Raises `Malformed`."""
    read = _decode(body, list[_Release], "the releases")
    releases = [_release(release, package) for release in read if not release.draft and _version(release.tag_name)]
    return releases, len(read) >= PER_PAGE


def parse_tags(body: bytes) -> tuple[dict[str, Digest], bool]:
    """Read a page of `GET /repos/{owner}/{repo}/tags`: tag -> commit, and whether it is full. Raises `Malformed`."""
    read = _decode(body, list[_Tag], "the tags")
    tags = {tag.name: Digest("gitCommit", tag.commit.sha) for tag in read if _version(tag.name)}
    return tags, len(read) >= PER_PAGE


def parse_attestations(body: bytes) -> tuple[int, int]:
    """Read `GET /repos/{owner}/{repo}/attestations/{digest}`: how many bundles are in it, and how many elsewhere. Raises `Malformed`."""
    read = _decode(body, _SignedList, "the attestations").attestations
    here = sum(signed.bundle is not None for signed in read)
    return here, len(read) - here


def _release(read: _Release, package: Purl) -> Release:
    artifacts = tuple(
        Artifact(asset.name, asset.browser_download_url, _digest(asset.digest), asset.size)
        for asset in read.assets
        if asset.state == UPLOADED
    )
    return Release(package.at(read.tag_name), _utc(read.published_at), artifacts, prerelease=read.prerelease)


def _digest(text: str | None) -> Digest | None:
    """A digest of a kind that is not known here is no reason to lose the listing."""
    try:
        return Digest.parse(text) if text else None
    except ValueError:
        return None


def _utc(at: datetime | None) -> datetime | None:
    try:
        return at.astimezone(UTC) if at else None
    except OverflowError as error:
        raise Malformed(NAME, "the releases: a time at the end of all time") from error


def _version(tag: str) -> bool:
    """Whether the tag can be a version at all; a longer one costs only itself."""
    return len(tag) <= MAX_LENGTH


def _decode(body: bytes, shape: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed(NAME, f"{what}: {str(error)[:200]}") from error
