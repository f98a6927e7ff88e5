"""GitHub's nouns as its REST API writes them. Form: GitHub's OpenAPI document, `full-repository`, `release`, `tag`, `git-ref`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1

from tests.world.answers import seconds

Json = Mapping[str, object]

LINKS = (
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
)
USER_LINKS = (
    "followers",
    "following",
    "gists",
    "starred",
    "subscriptions",
    "organizations",
    "repos",
    "events",
    "received_events",
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a release; `path` lies under `/files`."""

    id: int
    name: str
    path: str
    size: int
    digest: str | None  # None: an old asset, for which GitHub has no digest
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class GitHubRelease:
    """A release of a tag."""

    id: int
    tag: str
    assets: tuple[Asset, ...]
    published_at: datetime
    prerelease: bool = False
    draft: bool = False
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag points at; `annotation` is the tag object's hash."""

    name: str
    commit: str
    annotation: str | None = None  # None: a lightweight tag


@dataclass(slots=True)
class Repository:
    """A repository; `id` stays when it moves."""

    id: int
    full_name: str
    owner_id: int
    created_at: datetime
    archived: bool = False
    taken_down: bool = False
    tags: dict[str, Tag] = field(default_factory=dict)
    releases: dict[str, GitHubRelease] = field(default_factory=dict)
    attestations: dict[str, list[object]] = field(default_factory=dict)
    """Digest as `sha256:<hex>` -> bundles."""


def commit_of(repository: Repository, tag: str, count: int) -> str:
    """Make up the hash of a commit, another one for each count."""
    return sha1(f"{repository.id} {tag} {count}".encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes documents; `api` is the API's base, where downloads are served, too."""

    api: str

    def user(self, login: str, user_id: int) -> Json:
        """Write a `simple-user`."""
        url = f"{self.api}/users/{login}"
        return {
            "login": login,
            "id": user_id,
            "node_id": f"U_{user_id}",
            "avatar_url": f"{self.api}/avatars/{user_id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.api}/{login}",
            **{f"{link}_url": f"{url}/{link}" for link in USER_LINKS},
            "type": "Organization",
            "site_admin": False,
        }

    def repository(self, repository: Repository) -> Json:
        """Write a `full-repository`."""
        owner, _, name = repository.full_name.partition("/")
        url, html = f"{self.api}/repos/{repository.full_name}", f"{self.api}/{repository.full_name}"
        counts = ["forks_count", "stargazers_count", "watchers_count", "open_issues_count", "subscribers_count"]
        counts += ["network_count", "forks", "open_issues", "watchers", "size"]
        has = ("has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions")
        return {
            "id": repository.id,
            "node_id": f"R_{repository.id}",
            "name": name,
            "full_name": repository.full_name,
            "owner": self.user(owner, repository.owner_id),
            "private": False,
            "html_url": html,
            "description": None,
            "fork": False,
            "url": url,
            **{f"{link}_url": f"{url}/{link}" for link in LINKS},
            "git_url": f"git:{html}.git",
            "ssh_url": f"git@github.example:{repository.full_name}.git",
            "clone_url": f"{html}.git",
            "svn_url": html,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "default_branch": "main",
            "archived": repository.archived,
            "disabled": False,
            "visibility": "public",
            "created_at": seconds(repository.created_at),
            "updated_at": seconds(repository.created_at),
            "pushed_at": seconds(repository.created_at),
            **dict.fromkeys(counts, 0),
            **dict.fromkeys(has, False),
        }

    def release(self, repository: Repository, release: GitHubRelease) -> Json:
        """Write a `release` with its assets."""
        url = f"{self.api}/repos/{repository.full_name}"
        return {
            "url": f"{url}/releases/{release.id}",
            "html_url": f"{self.api}/{repository.full_name}/releases/tag/{release.tag}",
            "assets_url": f"{url}/releases/{release.id}/assets",
            "upload_url": f"{url}/releases/{release.id}/assets{{?name,label}}",
            "tarball_url": f"{url}/tarball/{release.tag}",
            "zipball_url": f"{url}/zipball/{release.tag}",
            "id": release.id,
            "node_id": f"RE_{release.id}",
            "tag_name": release.tag,
            "target_commitish": "main",
            "name": release.tag,
            "body": "",
            "draft": release.draft,
            "prerelease": release.prerelease,
            "immutable": release.immutable,
            "created_at": seconds(release.published_at),
            "published_at": None if release.draft else seconds(release.published_at),
            "author": self.user("acme-bot", 7),
            "assets": [self.asset(repository, release, asset) for asset in release.assets],
        }

    def asset(self, repository: Repository, release: GitHubRelease, asset: Asset) -> Json:
        """Write a `release-asset`."""
        return {
            "url": f"{self.api}/repos/{repository.full_name}/releases/assets/{asset.id}",
            "browser_download_url": f"{self.api}/{repository.full_name}/releases/download/{release.tag}/{asset.name}",
            "id": asset.id,
            "node_id": f"RA_{asset.id}",
            "name": asset.name,
            "label": None,
            "state": "uploaded",
            "content_type": "application/octet-stream",
            "size": asset.size,
            "digest": asset.digest,
            "download_count": 0,
            "created_at": seconds(asset.uploaded_at),
            "updated_at": seconds(asset.uploaded_at),
            "uploader": self.user("acme-bot", 7),
        }

    def tag(self, repository: Repository, tag: Tag) -> Json:
        """Write a `tag`, which names the commit also where the tag is annotated."""
        url = f"{self.api}/repos/{repository.full_name}"
        return {
            "name": tag.name,
            "commit": {"sha": tag.commit, "url": f"{url}/commits/{tag.commit}"},
            "zipball_url": f"{url}/zipball/refs/tags/{tag.name}",
            "tarball_url": f"{url}/tarball/refs/tags/{tag.name}",
            "node_id": f"REF_{tag.name}",
        }

    def ref(self, repository: Repository, tag: Tag) -> Json:
        """Write a `git-ref`, which for an annotated tag names the tag object."""
        url = f"{self.api}/repos/{repository.full_name}/git"
        kind, sha = ("tag", tag.annotation) if tag.annotation else ("commit", tag.commit)
        return {
            "ref": f"refs/tags/{tag.name}",
            "node_id": f"REF_{tag.name}",
            "url": f"{url}/refs/tags/{tag.name}",
            "object": {"type": kind, "sha": sha, "url": f"{url}/{kind}s/{sha}"},
        }

    def annotation(self, repository: Repository, tag: Tag) -> Json:
        """Write a `git-tag`: the object of an annotated tag."""
        url = f"{self.api}/repos/{repository.full_name}/git"
        return {
            "node_id": f"TA_{tag.name}",
            "tag": tag.name,
            "sha": tag.annotation,
            "url": f"{url}/tags/{tag.annotation}",
            "message": tag.name,
            "tagger": {"date": seconds(repository.created_at), "name": "acme-bot", "email": "bot@acme.example"},
            "object": {"type": "commit", "sha": tag.commit, "url": f"{url}/commits/{tag.commit}"},
            "verification": {"verified": False, "reason": "unsigned"}
            | dict.fromkeys(("signature", "payload", "verified_at")),
        }
