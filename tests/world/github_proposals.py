"""Branches, files, pull requests, reviews and rules of GitHub's repositories: where changes are proposed and decided.

Refusals in GitHub's own words where they are known. Forms: GitHub's OpenAPI document.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha1
from itertools import count

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.world.answers import answer, seconds
from tests.world.github_advisories import NOT_FOUND
from tests.world.repositories import Json, Repository, Writer
from tests.world.scene import Scene

Find = Callable[[Request], Repository | Response]
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


class Forge:
    """Everybody's repositories, by full name. Our account is `acme-bot`, and may write unless `read_only`."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.repos: dict[str, Repo] = {}
        self.read_only = False
        self.demands_owners = True
        self.by_protection = False
        """The demand is a branch protection of the older form, and no rule."""
        self.owner_errors: list[Json] | None = []  # None: there is no file of owners
        self._ids = count(501)

    # what tests do to it

    def put(self, full_name: str, path: str, body: bytes, *, branch: str = "main") -> None:
        """Commit a file."""
        repo = self.repos.setdefault(full_name.lower(), Repo())
        files = repo.commits.get(repo.branches.get(branch, ""), {}) | {path: body}
        repo.branches[branch] = sha1(f"{next(self._ids)}".encode(), usedforsecurity=False).hexdigest()
        repo.commits[repo.branches[branch]] = files

    def file(self, full_name: str, path: str, *, branch: str = "main") -> bytes:
        """Return a file as a branch has it."""
        repo = self.repos[full_name.lower()]
        return repo.commits[repo.branches[branch]][path]

    def proposals(self, full_name: str) -> list[Proposal]:
        """Return the pull requests, oldest first."""
        return self.repos[full_name.lower()].proposals

    def review(self, full_name: str, number: int, *, by: str, state: str = "APPROVED") -> None:
        """Let somebody review the last commit."""
        made = self.proposals(full_name)[number - 1]
        head = self.repos[full_name.lower()].branches[made.head]
        made.reviews.append(Reviewed(next(self._ids), by, state, head, self.scene.clock()))

    def merge(self, full_name: str, number: int, *, by: str = "grace") -> None:
        """Merge: the base has what the head has."""
        repo, made = self.repos[full_name.lower()], self.proposals(full_name)[number - 1]
        made.sha = repo.branches[made.head]
        repo.branches[made.base] = made.sha
        made.closed_at, made.closed_by, made.merged = self.scene.clock(), by, True

    def close(self, full_name: str, number: int, *, by: str) -> None:
        """Close without merging."""
        made = self.proposals(full_name)[number - 1]
        made.closed_at, made.closed_by = self.scene.clock(), by

    # what it answers

    def routes(
        self, find: Find, polite: Callable[[Callable[[Request], Response]], Callable[[Request], Response]]
    ) -> list[BaseRoute]:
        """The addresses; `find` and `polite` are GitHub's own."""

        def serving(tell: Callable[[Repository, Repo, Request], Response]) -> Callable[[Request], Response]:
            def serve(request: Request) -> Response:
                found = find(request)
                if isinstance(found, Response):
                    return found
                return tell(found, self.repos.setdefault(found.full_name.lower(), Repo()), request)

            return polite(serve)

        def changing(
            tell: Callable[[Repository, Repo, Request, dict[str, object]], Response],
        ) -> Callable[[Request], "object"]:
            async def serve(request: Request) -> Response:
                document = json.loads(await request.body())
                if self.read_only:
                    return answer({"message": "Resource not accessible by personal access token"}, status=403)
                return serving(lambda repository, repo, asked: tell(repository, repo, asked, document))(request)

            return serve

        at = "/repos/{owner}/{repo}"
        return [
            Route(at + "/git/ref/heads/{branch:path}", serving(self.tell_branch)),
            Route(at + "/git/refs", changing(self.make_branch), methods=["POST"]),
            Route(at + "/contents/{path:path}", changing(self.commit), methods=["PUT"]),
            Route(at + "/contents/{path:path}", serving(self.tell_file)),
            Route(at + "/pulls", changing(self.open), methods=["POST"]),
            Route(at + "/pulls", serving(self.tell_pulls)),
            Route(at + "/pulls/{number:int}/reviews", serving(self.tell_reviews)),
            Route(at + "/issues/{number:int}", serving(self.tell_issue)),
            Route(at + "/rules/branches/{branch:path}", serving(self.tell_rules)),
            Route(at + "/branches/{branch:path}/protection", serving(self.tell_protection)),
            Route(at + "/codeowners/errors", serving(self.tell_owner_errors)),
        ]

    def tell_branch(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """Where a branch stands."""
        branch = request.path_params["branch"]
        if branch not in repo.branches:
            return answer(NOT_FOUND, status=404)
        return answer(self._ref(repository, repo, branch))

    def make_branch(self, repository: Repository, repo: Repo, _: Request, asked: dict[str, object]) -> Response:
        """Make one; 422 where it is there."""
        branch = str(asked["ref"]).removeprefix("refs/heads/")
        if branch in repo.branches:
            return answer(
                {"message": "Reference already exists", "documentation_url": "https://docs.example"}, status=422
            )
        repo.branches[branch] = str(asked["sha"])
        return answer(self._ref(repository, repo, branch), status=201)

    def tell_file(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """A file, in Base64 with line breaks."""
        ref = request.query_params.get("ref", "main")
        path = request.path_params["path"]
        body = repo.commits.get(repo.branches.get(ref, ref), {}).get(path)
        if body is None:
            return answer(NOT_FOUND, status=404)
        return answer(self._content(repository, path, body, ref))

    def commit(self, repository: Repository, repo: Repo, request: Request, asked: dict[str, object]) -> Response:
        """Commit a file; 409 where another one is there than the asker knows."""
        branch, path = str(asked["branch"]), request.path_params["path"]
        present = repo.commits.get(repo.branches.get(branch, ""), {}).get(path)
        if present is None or blob(present) != asked.get("sha"):
            # By GitHub's document a plain error is two kinds of error at once, unless the other's field is no object.
            return answer({"message": f"{path} does not match {asked.get('sha')}", "metadata": None}, status=409)
        body = b64decode(str(asked["content"]))
        self.put(repository.full_name, path, body, branch=branch)
        where = repo.branches[branch]
        content = {
            name: each for name, each in self._content(repository, path, body, branch).items() if name != "content"
        }
        return answer({"content": content, "commit": {"sha": where, "message": asked["message"]}})

    def open(self, repository: Repository, repo: Repo, _: Request, asked: dict[str, object]) -> Response:
        """Open a pull request; 422 where one is open, or nothing is proposed."""
        head, base = str(asked["head"]), str(asked["base"])
        problem = ""
        if any(each.head == head and each.closed_at is None for each in repo.proposals):
            problem = f"A pull request already exists for {repository.full_name.partition('/')[0]}:{head}."
        elif repo.branches.get(head) == repo.branches.get(base):
            problem = f"No commits between {base} and {head}"
        if problem:
            document = {"message": "Validation Failed", "documentation_url": "https://docs.example"}
            return answer(
                document | {"errors": [{"resource": "PullRequest", "code": "custom", "message": problem}]}, status=422
            )
        made = Proposal(
            len(repo.proposals) + 1, head, base, str(asked["title"]), str(asked["body"]), self.scene.clock()
        )
        repo.proposals.append(made)
        return answer(self._pull(repository, repo, made, whole=True), status=201)

    def tell_pulls(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """The pull requests of a head, the youngest first."""
        owner = repository.full_name.partition("/")[0]
        head, state = request.query_params.get("head"), request.query_params.get("state", "open")
        found = [
            each
            for each in reversed(repo.proposals)
            if head in (None, f"{owner}:{each.head}") and (state == "all" or each.closed_at is None)
        ]
        return answer([self._pull(repository, repo, each) for each in found])

    def tell_reviews(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """The reviews, oldest first."""
        made = repo.proposals[request.path_params["number"] - 1]
        return answer([self._review(repository, made, each) for each in made.reviews])

    def tell_issue(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """The pull request as an issue."""
        made = repo.proposals[request.path_params["number"] - 1]
        url = f"{self._url(repository)}/issues/{made.number}"
        names = ("repository_url", "labels_url", "comments_url", "events_url", "html_url", "url")
        return answer(
            {
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
        )

    def tell_rules(self, _: Repository, __: Repo, ___: Request) -> Response:
        """The rules of a branch."""
        parameters = {
            "dismiss_stale_reviews_on_push": True,
            "require_code_owner_review": True,
            "require_last_push_approval": False,
            "required_approving_review_count": 1,
            "required_review_thread_resolution": False,
        }
        common = {"ruleset_source_type": "Repository", "ruleset_source": "acme/registry", "ruleset_id": 42}
        demanded = self.demands_owners and not self.by_protection
        return answer([{"type": "pull_request", "parameters": parameters, **common}] if demanded else [])

    def tell_protection(self, repository: Repository, _: Repo, __: Request) -> Response:
        """The older form of it."""
        if not (self.demands_owners and self.by_protection):
            return answer({"message": "Branch not protected", "documentation_url": "https://docs.example"}, status=404)
        url = f"{self._url(repository)}/branches/main/protection"
        demanded = {"url": url, "dismiss_stale_reviews": True, "require_code_owner_reviews": True}
        return answer({"url": url, "required_pull_request_reviews": demanded})

    def tell_owner_errors(self, _: Repository, __: Repo, ___: Request) -> Response:
        """What is wrong with the file of code owners; 404 where there is none."""
        return answer(NOT_FOUND, status=404) if self.owner_errors is None else answer({"errors": self.owner_errors})

    # documents

    def _writer(self) -> Writer:
        return Writer(f"{self.scene.origin()}/github")

    def _url(self, repository: Repository) -> str:
        return f"{self.scene.origin()}/github/repos/{repository.full_name}"

    def _user(self, login: str) -> Json:
        person = self._writer().user(login, 100 + sum(login.encode()))
        return {**person, "type": "Bot" if login.endswith("[bot]") else "User"}

    def _ref(self, repository: Repository, repo: Repo, branch: str) -> Json:
        url, sha = self._url(repository), repo.branches[branch]
        pointed = {"type": "commit", "sha": sha, "url": f"{url}/git/commits/{sha}"}
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": "REF_1",
            "url": f"{url}/git/refs/heads/{branch}",
            "object": pointed,
        }

    def _content(self, repository: Repository, path: str, body: bytes, ref: str) -> Json:
        url, sha = f"{self._url(repository)}/contents/{path}", blob(body)
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

    def _pull(self, repository: Repository, repo: Repo, made: Proposal, *, whole: bool = False) -> Json:
        url = f"{self._url(repository)}/pulls/{made.number}"
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

    def _review(self, repository: Repository, made: Proposal, said: Reviewed) -> Json:
        url = f"{self._url(repository)}/pulls/{made.number}"
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


def blob(body: bytes) -> str:
    """Return git's name of a file's bytes."""
    return sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
