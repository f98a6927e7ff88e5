"""What Jira's answer to a ticket or comment means for its delivery.

Statuses: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post,
limits: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
"""

from datetime import datetime

import msgspec

from connectors._edge.http import Response
from monitor.domain.action import Ambiguous, Deferred, Delivered, Delivery, Rejected
from monitor.domain.text import one_line

OK, REDIRECT, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, CONFLICT, TOO_MANY, SERVER_FAULT = (
    200,
    300,
    400,
    401,
    403,
    409,
    429,
    500,
)

RATE_WAIT, LONGEST_WAIT, MEND_WAIT = 60.0, 3600.0, 900.0
"""Seconds: where a rate limit gives no time, the most that we let it ask for (a user without quota is told 292 billion years), and for
what a person has to mend."""

WAYS_OUT = {
    BAD_REQUEST: "give required fields a value under [jira.fields], or put them on the create screen of the issue type",
    FORBIDDEN: "the account may not do this in the project: let it browse, create, edit, link and transition issues, and add comments",
    404: "the project, the ticket or the address does not exist for this account",
    413: "the ticket has reached a limit of Jira's",
    422: "Jira's configuration of the project refuses it",
}


class Created(msgspec.Struct, frozen=True):
    """A new issue has a key, a new comment only an id."""

    id: str
    key: str = ""


class Errors(msgspec.Struct, frozen=True, rename="camel"):
    """Jira's ErrorCollection; Data Center writes `message` when credentials are refused."""

    error_messages: list[str] = []
    errors: dict[str, str] = {}
    message: str = ""


def delivered(answer: Response, *, now: datetime, ref: str = "") -> Delivery:
    """Tell apart: done, surely not done, perhaps done, and never to be done as it is. With a `ref` the answer need not name what it did."""
    status = answer.status
    detail = f"jira: HTTP {status}{_said(answer.body)}"
    if OK <= status < REDIRECT:
        return _done(answer, ref) if ref else _created(answer, detail)
    if status >= SERVER_FAULT:
        return Ambiguous(detail)
    if passing := _passing(answer, now):
        remark, wait = passing
        return Deferred(f"{detail}{remark}", wait)
    return Rejected(": ".join(filter(None, [detail, WAYS_OUT.get(status, "")])))


def _passing(answer: Response, now: datetime) -> tuple[str, float] | None:
    """What was surely not done and may be tried again: a remark for people, and how many seconds to wait. None: it will never be done."""
    status = answer.status
    if status == TOO_MANY or answer.wait is not None:
        reason = one_line(answer.headers.get("ratelimit-reason", ""), 80)
        return f" {reason}".rstrip(), _wait(answer, now)
    if status < BAD_REQUEST:
        return ": `url` leads elsewhere, correct it", MEND_WAIT
    if status == UNAUTHORIZED:
        return ": token expired?", MEND_WAIT
    if status == FORBIDDEN and "authentication_denied" in answer.headers.get("x-seraph-loginreason", "").lower():
        return ": Jira wants this account to solve a CAPTCHA: log in once in a browser", MEND_WAIT
    if status == CONFLICT:
        return "", RATE_WAIT
    return None


def quota_wait(answer: Response, now: datetime) -> float | None:
    """Return for how many seconds the account has no quota left, None where the answer does not say that it has none."""
    spent = answer.status == TOO_MANY and "quota" in answer.headers.get("ratelimit-reason", "").lower()
    return _wait(answer, now) if spent else None


def _wait(answer: Response, now: datetime) -> float:
    """Seconds: `Retry-After`, or else Cloud's `X-RateLimit-Reset`, a time in ISO 8601."""
    wait = answer.wait
    if wait is None:
        try:
            reset = datetime.fromisoformat(answer.headers.get("x-ratelimit-reset", ""))
            wait = (reset - now).total_seconds()
        except (ValueError, TypeError):  # no time, or one without a zone
            wait = RATE_WAIT
    return min(max(wait, 1.0), LONGEST_WAIT)


def _done(answer: Response, ref: str) -> Delivery:
    """What Jira did it answers with nothing, or with JSON; anything else may be a proxy's page."""
    try:
        if answer.body.strip():
            msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Ambiguous(f"jira: HTTP {answer.status}: not an answer of Jira's")
    return Delivered(ref)


def _created(answer: Response, detail: str) -> Delivery:
    """A success without a name may be a proxy's page: whether the ticket exists is for the search to tell."""
    try:
        created = msgspec.json.decode(answer.body, type=Created)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Ambiguous(f"{detail}: not an answer of Jira's")
    return Delivered(one_line(created.key or created.id, 100))


def _said(body: bytes) -> str:
    """Jira's reasons, field by field; nothing where the body is not Jira's (an HTML page, nothing at all)."""
    try:
        errors = msgspec.json.decode(body, type=Errors)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    reasons = [
        *errors.error_messages,
        *(f"{field}: {reason}" for field, reason in errors.errors.items()),
        errors.message,
    ]
    said = one_line("; ".join(filter(None, reasons)), 600)
    return f": {said}" if said else ""
