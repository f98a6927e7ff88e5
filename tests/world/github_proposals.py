"""Branches, files, pull requests, reviews and rules of GitHub's repositories: where changes are proposed and decided.

Refusals in GitHub's own words where they are known. Forms: GitHub's OpenAPI document.
"""

import json
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha1
from itertools import count

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.world.answers import answer
from tests.world.github_advisories import NOT_FOUND
from tests.world.proposal_shapes import Proposal, ProposalWriter, Repo, Reviewed, blob
from tests.world.repositories import Json, Repository
from tests.world.scene import Scene

Find = Callable[[Request], Repository | Response]


class Forge:
    """Everybody's repositories, by full name. Our account is `acme-bot`, and may write unless `read_only`."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.write = ProposalWriter(scene)
        self.repos: dict[str, Repo] = {}
        self.read_only = False
        self.busy = False
        """Everybody who changes something is told that it is too much, and not until when."""
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
                if self.busy:
                    return answer({"message": "You have exceeded a secondary rate limit."}, status=403)
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
        return answer(self.write.ref(repository, repo, branch))

    def make_branch(self, repository: Repository, repo: Repo, _: Request, asked: dict[str, object]) -> Response:
        """Make one; 422 where it is there."""
        branch = str(asked["ref"]).removeprefix("refs/heads/")
        if branch in repo.branches:
            return answer(
                {"message": "Reference already exists", "documentation_url": "https://docs.example"}, status=422
            )
        repo.branches[branch] = str(asked["sha"])
        return answer(self.write.ref(repository, repo, branch), status=201)

    def tell_file(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """A file, in Base64 with line breaks."""
        ref = request.query_params.get("ref", "main")
        path = request.path_params["path"]
        body = repo.commits.get(repo.branches.get(ref, ref), {}).get(path)
        if body is None:
            return answer(NOT_FOUND, status=404)
        return answer(self.write.content(repository, path, body, ref))

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
            name: each for name, each in self.write.content(repository, path, body, branch).items() if name != "content"
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
        return answer(self.write.pull(repository, repo, made, whole=True), status=201)

    def tell_pulls(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """The pull requests of a head, the youngest first."""
        owner = repository.full_name.partition("/")[0]
        head, state = request.query_params.get("head"), request.query_params.get("state", "open")
        found = [
            each
            for each in reversed(repo.proposals)
            if head in (None, f"{owner}:{each.head}") and (state == "all" or each.closed_at is None)
        ]
        return answer([self.write.pull(repository, repo, each) for each in found])

    def tell_reviews(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """The reviews, oldest first."""
        made = repo.proposals[request.path_params["number"] - 1]
        return answer([self.write.review(repository, made, each) for each in made.reviews])

    def tell_issue(self, repository: Repository, repo: Repo, request: Request) -> Response:
        """The pull request as an issue."""
        made = repo.proposals[request.path_params["number"] - 1]
        return answer(self.write.issue(repository, made))

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
        url = f"{self.write.url(repository)}/branches/main/protection"
        demanded = {"url": url, "dismiss_stale_reviews": True, "require_code_owner_reviews": True}
        return answer({"url": url, "required_pull_request_reviews": demanded})

    def tell_owner_errors(self, _: Repository, __: Repo, ___: Request) -> Response:
        """What is wrong with the file of code owners; 404 where there is none."""
        return answer(NOT_FOUND, status=404) if self.owner_errors is None else answer({"errors": self.owner_errors})
