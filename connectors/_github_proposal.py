"""GitHub's documents about branches, files, pull requests, reviews and rules: structs that name what is needed, and what they mean.

Shapes: the OpenAPI description of the REST interface, https://github.com/github/rest-api-description.
"""

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec

from connectors._edge.http import Response
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

T = TypeVar("T")

NAME = "github-pull-request"
MAX_REVIEWS = 100
"""A page: a proposal with more reviews than that is decided by hand."""

Sha = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?\Z")]
Login = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class User(msgspec.Struct, frozen=True):
    """Somebody, or a program."""

    login: Login
    type: str = "User"


class _Object(msgspec.Struct, frozen=True):
    sha: Sha


class Ref(msgspec.Struct, frozen=True):
    """Where a branch stands."""

    object: _Object


class Content(msgspec.Struct, frozen=True):
    """A file at some commit; `sha` is the file's own."""

    type: Literal["file"]
    sha: Sha
    encoding: str
    content: Annotated[str, msgspec.Meta(max_length=2**21)]

    def text(self) -> str:
        """Return the file's text. Raises Malformed; GitHub gives no content of files over a megabyte."""
        if self.encoding != "base64":
            raise Malformed(NAME, "the registry is over a megabyte, of which GitHub gives no content: split it")
        try:
            return b64decode(self.content).decode()
        except ValueError as error:
            raise Malformed(NAME, "the registry there is not UTF-8") from error


class _Side(msgspec.Struct, frozen=True):
    ref: str
    sha: Sha


class Pull(msgspec.Struct, frozen=True):
    """A pull request; `user` is who opened it."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    state: Literal["open", "closed"]
    head: _Side
    base: _Side
    user: User | None  # None: the account was deleted
    merged_at: datetime | None = None  # None: not merged


class Made(msgspec.Struct, frozen=True):
    """A pull request that was just opened."""

    number: Annotated[int, msgspec.Meta(ge=1)]


class Review(msgspec.Struct, frozen=True):
    """What somebody said of a pull request, and of which of its commits."""

    id: int
    state: str
    user: User | None = None  # None: the account was deleted
    commit_id: str | None = None  # None: the commit is gone
    submitted_at: datetime | None = None  # None: not submitted yet


class Issue(msgspec.Struct, frozen=True):
    """The pull request as an issue: that alone names who closed it."""

    closed_at: datetime | None = None
    closed_by: User | None = None


class _Parameters(msgspec.Struct, frozen=True):
    require_code_owner_review: bool = False


class Rule(msgspec.Struct, frozen=True):
    """A rule that holds for a branch."""

    type: str
    parameters: _Parameters = _Parameters()


class _Demanded(msgspec.Struct, frozen=True):
    require_code_owner_reviews: bool = False


class Protection(msgspec.Struct, frozen=True):
    """A branch's protection, in the older form."""

    required_pull_request_reviews: _Demanded | None = None  # None: no review is demanded


class Broken(msgspec.Struct, frozen=True):
    """The errors of the file of code owners: a line that cannot be read owns nothing, silently."""

    errors: list[msgspec.Raw]


class Standing(msgspec.Struct, frozen=True):
    """What our account may do in a repository."""

    full_name: str
    permissions: dict[str, bool] = {}


class _Why(msgspec.Struct, frozen=True):
    message: str = ""


def read(body: bytes, shape: type[T], what: str) -> T:
    """Read a document. Raises Malformed."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(NAME, f"{what}: {one_line(str(error), 200)}") from error


def said(answer: Response) -> str:
    """Return GitHub's own words for a refusal."""
    try:
        message = msgspec.json.decode(answer.body, type=_Why).message
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        message = ""
    return f"GitHub answered {answer.status}" + (f": {one_line(message, 200)}" if message else "")


def approving(pull: Pull, reviews: Sequence[Review]) -> list[Review]:
    """Return the reviews that stand for what was merged: each person's last word, on the last commit, by nobody who opened it."""
    last: dict[str, Review] = {}
    for each in reviews:
        if each.user and each.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            last[each.user.login.casefold()] = each
    author = pull.user.login.casefold() if pull.user else ""
    return [
        each
        for login, each in last.items()
        if each.state == "APPROVED"
        and each.commit_id == pull.head.sha
        and each.submitted_at
        and login != author
        and each.user
        and each.user.type == "User"
    ]
