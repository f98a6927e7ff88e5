"""Branches, files, pull requests and reviews as GitHub's REST API writes them. Form: GitHub's OpenAPI document."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1

from tests.world.answers import seconds
from tests.world.repositories import Json, Repository, Writer
from tests.world.scene import Scene

BOT = "acme-bot"


@dataclass(slots=True)
class Reviewed:
    """What somebody said of a commit of a pull request."""

    id: int
    by: str
    state: str
    commit: str
    at: datetime


@dataclass(slots=True)
class Proposal:
    """A pull request."""

    number: int
    head: str
    base: str
    title: str
    body: str
    created_at: datetime
    by: str = BOT
    reviews: list[Reviewed] = field(default_factory=list)
    sha: str = ""
    closed_at: datetime | None = None  # None: open
    closed_by: str = ""
    merged: bool = False


@dataclass(slots=True)
class Repo:
    """What is kept of one repository: branches as commits, commits as files."""

    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ProposalWriter:
    """Writes them for the API's present address."""

    scene: Scene

    def _writer(self) -> Writer:
        return Writer(f"{self.scene.origin()}/github")

    def url(self, repository: Repository) -> str:
        """The address below which a repository is."""
        return f"{self.scene.origin()}/github/repos/{repository.full_name}"

    def _user(self, login: str) -> Json:
        person = self._writer().user(login, 100 + sum(login.encode()))
        return {**person, "type": "Bot" if login.endswith("[bot]") else "User"}

    def ref(self, repository: Repository, repo: Repo, branch: str) -> Json:
        """Write a `git-ref`."""
        url, sha = self.url(repository), repo.branches[branch]
        pointed = {"type": "commit", "sha": sha, "url": f"{url}/git/commits/{sha}"}
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": "REF_1",
            "url": f"{url}/git/refs/heads/{branch}",
            "object": pointed,
        }

    def content(self, repository: Repository, path: str, body: bytes, ref: str) -> Json:
        """Write a `content-file`."""
        url, sha = f"{self.url(repository)}/contents/{path}", blob(body)
        encoded = b64encode(body).decode()
        lines = "".join(f"{encoded[at : at + 60]}\n" for at in range(0, len(encoded), 60))
        names = ("url", "git_url", "html_url", "download_url")
        return {
            **dict.fromkeys(names, f"{url}?ref={ref}"),
            "type": "file",
            "encoding": "base64",
            "size": len(body),
            "name": path.rpartition("/")[2],
            "path": path,
            "content": lines,
            "sha": sha,
            "_links": {"self": url, "git": url, "html": url},
        }

    def pull(self, repository: Repository, repo: Repo, made: Proposal, *, whole: bool = False) -> Json:
        """Write a `pull-request-simple`, or a `pull-request` as a `whole`."""
        url = f"{self.url(repository)}/pulls/{made.number}"
        links = ("url", "html_url", "diff_url", "patch_url", "issue_url", "commits_url", "comments_url", "statuses_url")
        related = ("comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self")
        closed = seconds(made.closed_at) if made.closed_at else None
        counts = ("comments", "review_comments", "commits", "additions", "deletions", "changed_files")
        merged: Mapping[str, object] = {
            "merged": made.merged,
            "mergeable": True,
            "mergeable_state": "clean",
            "merged_by": None,
            "maintainer_can_modify": False,
            **dict.fromkeys(counts, 1),
        }
        return {
            **dict.fromkeys(links, url),
            "review_comments_url": f"{url}/comments",
            "review_comment_url": f"{url}/comments{{/number}}",
            "id": made.number,
            "node_id": f"PR_{made.number}",
            "number": made.number,
            "state": "closed" if made.closed_at else "open",
            "locked": False,
            "title": made.title,
            "user": self._user(made.by),
            "body": made.body,
            "labels": [],
            "milestone": None,
            "created_at": seconds(made.created_at),
            "updated_at": seconds(made.created_at),
            "closed_at": closed,
            "merged_at": closed if made.merged else None,
            "merge_commit_sha": None,
            "assignee": None,
            "head": self._side(repository, made.head, made.sha or repo.branches[made.head]),
            "base": self._side(repository, made.base, repo.branches[made.base]),
            "_links": {name: {"href": url} for name in related},
            "author_association": "MEMBER",
            "auto_merge": None,
            **(merged if whole else {}),
        }

    def _side(self, repository: Repository, branch: str, sha: str) -> Json:
        owner = repository.full_name.partition("/")[0]
        writer = self._writer()
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "repo": {**writer.repository(repository), "has_downloads": False},
            "user": self._user(owner),
        }

    def review(self, repository: Repository, made: Proposal, said: Reviewed) -> Json:
        """Write a `pull-request-review`."""
        url = f"{self.url(repository)}/pulls/{made.number}"
        return {
            "id": said.id,
            "node_id": f"PRR_{said.id}",
            "user": self._user(said.by),
            "body": "",
            "state": said.state,
            "html_url": url,
            "pull_request_url": url,
            "_links": {"html": {"href": url}, "pull_request": {"href": url}},
            "submitted_at": seconds(said.at),
            "commit_id": said.commit,
            "author_association": "MEMBER",
        }

    def issue(self, repository: Repository, made: Proposal) -> Json:
        """Write the pull request as an `issue`."""
        url = f"{self.url(repository)}/issues/{made.number}"
        names = ("repository_url", "labels_url", "comments_url", "events_url", "html_url", "url")
        return {
            **dict.fromkeys(names, url),
            "id": made.number,
            "node_id": f"I_{made.number}",
            "number": made.number,
            "state": "closed" if made.closed_at else "open",
            "title": made.title,
            "user": self._user(made.by),
            "labels": [],
            "assignee": None,
            "milestone": None,
            "locked": False,
            "comments": 0,
            "closed_at": seconds(made.closed_at) if made.closed_at else None,
            "closed_by": self._user(made.closed_by) if made.closed_by else None,
            "created_at": seconds(made.created_at),
            "updated_at": seconds(made.created_at),
        }


def blob(body: bytes) -> str:
    """Return git's name of a file's bytes."""
    return sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
