"""Decisions proposed as pull requests to the GitHub repository that holds the registry, and approvals read from merged ones.

Knows: whether a proposal was merged, and who approved exactly what was merged. Does not know: who is a code owner; GitHub does, so that
a review counts only where the branch demands one of theirs, and the file that names them has no errors. Our account must not merge.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import msgspec

from connectors._edge.gate import rate_limited
from connectors._edge.http import Client, Http, NotModified, NotSent, Response
from connectors._github_documents import headers
from connectors._github_proposal import (
    MAX_REVIEWS,
    NAME,
    Broken,
    Content,
    Issue,
    Made,
    Protection,
    Pull,
    Ref,
    Review,
    Rule,
    Standing,
    T,
    approving,
    read,
    said,
)
from connectors._github_proposal_text import body_of, branch_of, title_of
from connectors._registry_edit import edit
from connectors._registry_text import parse_registry
from connectors._yaml_edit import NotEditable
from monitor.domain.action import Ambiguous, Deferred, Delivered, Delivery, Rejected, WritePin
from monitor.domain.review import Word
from monitor.ports.channels import Change, Phase, Said, TicketState
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError, Unavailable

ACCEPT = "application/vnd.github+json"
SOON, RATE_WAIT, MEND_WAIT = 30.0, 60.0, 900.0
"""Seconds until another try: after a conflict, after a limit that names no time, and for what a person has to mend."""
OK, CREATED, UNAUTHORIZED, FORBIDDEN, CONFLICT, INVALID, SERVER_FAULT = 200, 201, 401, 403, 409, 422, 500
UNCHANGED = "unchanged"


class _Stopped(Exception):
    """It goes no further; `delivery` says how it ended."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        self.delivery = delivery


@dataclass(frozen=True, slots=True)
class GitHubPullRequest:
    """One repository (`owner/name`), one file in it, one branch to which changes are proposed."""

    client: Client
    repository: str
    path: str
    branch: str

    @property
    def name(self) -> str:
        """`github-pull-request`."""
        return NAME

    async def write(self, change: Change) -> Delivery:
        """Propose it, once: the branch's name is the decision's, and what exists of it already is gone on from."""
        try:
            return await self._propose(change, branch_of(change))
        except _Stopped as stopped:
            return stopped.delivery
        except NotEditable as error:
            return Rejected(f"{NAME}: {self.repository}/{self.path}: {error}")
        except NotFound as error:
            return Rejected(
                f"{error}: check [reviews.repository], and that its token may read contents and pull requests"
            )
        except Malformed as error:
            return Rejected(str(error))
        except SourceError as error:
            return Deferred(str(error), MEND_WAIT if isinstance(error, Denied) else RATE_WAIT)

    async def read(self, keys: Mapping[str, WritePin]) -> Mapping[str, TicketState]:
        """Return how each proposal stands that exists. Raises the four errors."""
        found: dict[str, TicketState] = {}
        weak: str | None = None  # None: not asked yet
        for key, change in keys.items():
            pull = await self._newest(branch_of(change))
            if pull is None:
                continue
            if pull.merged_at and weak is None:
                weak = await self._weakness()
            found[key] = await self._state(pull, change, weak or "")
        return found

    async def probe(self) -> str:
        """Ask whether we may propose, and whether reviews there count. Raises the four errors with the way out."""
        standing = await self._get("", Standing)
        if not standing.permissions.get("push", False):
            way_out = "give the token write access to contents and pull requests"
            raise Denied(NAME, f"{self.repository}: our account may not push: {way_out}")
        content = await self._get(self._contents(self.branch), Content)
        parse_registry(content.text().encode(), self.path)
        weak = await self._weakness()
        counts = f"; what is merged there counts for no approval: {weak}" if weak else "; code owners decide"
        return f"{NAME}: decisions are proposed to {self.repository} ({self.path} on {self.branch}){counts}"

    # proposing

    async def _propose(self, change: Change, branch: str) -> Delivery:
        # 1. What exists is not opened again.
        if (pull := await self._newest(branch, ours=True)) is not None:
            return self._known(pull)
        # 2. What stands there already needs no proposal.
        text = (await self._get(self._contents(self.branch), Content)).text()
        if edit(text, change) == text:
            return Delivered(UNCHANGED)
        # 3. The branch; one that is there is ours, from an attempt that ended here.
        base = await self._get(f"/git/ref/{quote(f'heads/{self.branch}', safe='')}", Ref)
        await self._send("POST", "/git/refs", {"ref": f"refs/heads/{branch}", "sha": base.object.sha}, also=INVALID)
        # 4. The change, on the branch.
        there = await self._get(self._contents(branch), Content)
        edited = edit(there.text(), change)
        if edited != there.text():
            await self._commit(branch, there, edited, title_of(change))
        # 5. The question.
        asked = {
            "title": title_of(change),
            "head": branch,
            "base": self.branch,
            "body": body_of(change),
            "maintainer_can_modify": False,
        }
        answer = await self._send("POST", "/pulls", asked, also=INVALID)
        if answer.status == CREATED:
            return Delivered(str(read(answer.body, Made, "pull request").number))
        if (pull := await self._newest(branch, ours=True)) is not None:
            return self._known(pull)
        return Rejected(f"{NAME}: {said(answer)}")

    async def _commit(self, branch: str, there: Content, edited: str, message: str) -> None:
        document = {
            "message": message,
            "content": b64encode(edited.encode()).decode(),
            "branch": branch,
            "sha": there.sha,
        }
        answer = await self._send("PUT", self._contents(), document, also=CONFLICT)
        if answer.status == CONFLICT:
            raise _Stopped(Deferred(f"{NAME}: {branch} changed meanwhile", SOON))

    def _known(self, pull: Pull) -> Delivery:
        if pull.state == "closed" and not pull.merged_at:
            way_out = "open it again, or reject the version"
            return Rejected(f"{NAME}: pull request {pull.number} of {self.repository} was closed unmerged: {way_out}")
        return Delivered(str(pull.number))

    async def _send(self, method: str, path: str, document: Mapping[str, object], *, also: int) -> Response:
        """Make one attempt at a change; a status in `also` is returned. Raises `_Stopped`, which says what became of it."""
        try:
            answer = await self.client.send(
                method, self._address(path), msgspec.json.encode(document), accept=ACCEPT, limit=2**22
            )
        except NotSent as error:
            raise _Stopped(Deferred(str(error), SOON)) from error
        except Unavailable as error:
            raise _Stopped(Ambiguous(str(error))) from error
        if answer.status in (OK, CREATED, also):
            return answer
        detail = f"{NAME}: {said(answer)}"
        if answer.wait is not None or rate_limited(answer.status, answer.headers, answer.body):
            raise _Stopped(Deferred(detail, RATE_WAIT if answer.wait is None else answer.wait))
        if answer.status >= SERVER_FAULT:
            raise _Stopped(Ambiguous(detail))
        hint = ": may the token write contents and pull requests there?"
        refused = answer.status in (UNAUTHORIZED, FORBIDDEN)
        raise _Stopped(Rejected(detail + (hint if refused else "")))

    # reading

    async def _state(self, pull: Pull, change: WritePin, weak: str) -> TicketState:
        key, author = str(pull.number), pull.user.login if pull.user else ""
        if pull.state == "open":
            return TicketState(key, Phase.NEW, "open", reporter=author)
        if not pull.merged_at:
            return await self._closed(pull, change)
        if pull.base.ref != self.branch:
            return TicketState(key, Phase.CLOSED, f"merged into {pull.base.ref}, not {self.branch}", reporter=author)
        if weak:
            status = f"merged, and counts for nothing: {weak}"
            return TicketState(key, Phase.CLOSED, status, reporter=author, merged=True)
        reviews = await self._get(f"/pulls/{pull.number}/reviews?per_page={MAX_REVIEWS}", list[Review])
        shows = await self._shows(pull, change)
        words = tuple(
            Said(str(each.id), Word.APPROVE, each.user.login, each.submitted_at, shows, self._where(pull))
            for each in approving(pull, reviews)
            if each.user and each.submitted_at
        )
        if not words or len(reviews) >= MAX_REVIEWS:
            status = "merged without an approving review of its last commit"
            return TicketState(key, Phase.CLOSED, status, reporter=author, merged=True)
        return TicketState(key, Phase.APPROVED, "merged", words, author, shows, merged=True)

    async def _closed(self, pull: Pull, change: WritePin) -> TicketState:
        """A proposal that somebody closed is a rejection; where it cannot be told who, or we did it ourselves, it is none."""
        key, author = str(pull.number), pull.user.login if pull.user else ""
        issue = await self._get(f"/issues/{pull.number}", Issue)
        by, at = issue.closed_by, issue.closed_at
        if by is None or at is None or by.login == author or by.type != "User":
            return TicketState(key, Phase.CLOSED, "closed unmerged, not by a person", reporter=author)
        shows = (change.approval.pin.fingerprint,)
        word = Said(f"{key}:closed:{at:%Y%m%dT%H%M%SZ}", Word.REJECT, by.login, at, shows, self._where(pull))
        return TicketState(key, Phase.REJECTED, "closed unmerged", (word,), author, shows)

    async def _shows(self, pull: Pull, change: WritePin) -> tuple[str, ...]:
        """Return the fingerprint of the pin that the merged commit holds: somebody may have pushed another one onto the branch."""
        content = await self._get(self._contents(pull.head.sha), Content)
        try:
            entries = parse_registry(content.text().encode(), self.path).entries
        except Malformed:  # of this proposal alone
            return ()
        for entry in entries:
            if entry.server.name == change.server and entry.approval:
                return (entry.approval.pin.fingerprint,)
        return ()

    async def _weakness(self) -> str:
        """Return why reviews do not count: the branch has to demand those of code owners, whose file has to be whole. Empty: they do."""
        branch = quote(self.branch, safe="")
        rules = await self._get(f"/rules/branches/{branch}?per_page=100", list[Rule])
        demanded = any(each.type == "pull_request" and each.parameters.require_code_owner_review for each in rules)
        if not demanded:
            try:
                reviews = (await self._get(f"/branches/{branch}/protection", Protection)).required_pull_request_reviews
            except (NotFound, Denied):
                reviews = None
            demanded = reviews is not None and reviews.require_code_owner_reviews
        if not demanded:
            return f"{self.branch} demands no review of code owners"
        try:
            broken = await self._get(f"/codeowners/errors?ref={branch}", Broken)
        except NotFound:
            return "there is no CODEOWNERS file"
        return f"the CODEOWNERS file has {len(broken.errors)} error(s)" if broken.errors else ""

    async def _newest(self, branch: str, *, ours: bool = False) -> Pull | None:
        """Return the proposal of a branch. `ours`: none but to our base; else that is preferred to what somebody asks for elsewhere."""
        owner = self.repository.partition("/")[0]
        asked = urlencode({"head": f"{owner}:{branch}", "state": "all", "per_page": 100})
        pulls = [each for each in await self._get(f"/pulls?{asked}", list[Pull]) if each.head.ref == branch]
        here = [each for each in pulls if each.base.ref == self.branch]
        return max(here if ours or here else pulls, key=lambda pull: pull.number, default=None)

    async def _get(self, path: str, shape: type[T]) -> T:
        answer = await self.client.get(self._address(path), accept=ACCEPT, limit=2**23)
        if isinstance(answer, NotModified):  # nothing was conditional
            raise Malformed(NAME, f"{path} answered 304")
        return read(answer.body, shape, path.partition("?")[0] or self.repository)

    def _contents(self, ref: str = "") -> str:
        return f"/contents/{quote(self.path)}" + (f"?{urlencode({'ref': ref})}" if ref else "")

    def _address(self, path: str) -> str:
        return f"repos/{quote(self.repository)}{path}"

    def _where(self, pull: Pull) -> str:
        return f"pull request {pull.number} of {self.repository}"


def build(edge: Http, *, api: str, token: str | None, repository: str, path: str, branch: str) -> GitHubPullRequest:
    """Build for the REST interface at `api`; `path` is the registry's in `repository` (`owner/name`). Raises ValueError for no address."""
    return GitHubPullRequest(edge.client(NAME, base=api, headers=headers(token)), repository, path.strip("/"), branch)
