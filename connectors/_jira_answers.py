"""What Jira's answer to a ticket or comment means for its delivery.

Statuses: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post,
limits: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
"""

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
    FORBIDDEN: "the account may not do this in the project: give it the permissions Browse, Create Issues and Add Comments",
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


def delivered(answer: Response) -> Delivery:
    """Tell apart: done, surely not done, perhaps done, and never to be done as it is."""
    status = answer.status
    detail = f"jira: HTTP {status}{_said(answer.body)}"
    if OK <= status < REDIRECT:
        return _created(answer, detail)
    if status >= SERVER_FAULT:
        return Ambiguous(detail)
    if passing := _passing(answer):
        remark, wait = passing
        return Deferred(f"{detail}{remark}", wait)
    return Rejected(": ".join(filter(None, [detail, WAYS_OUT.get(status, "")])))


def _passing(answer: Response) -> tuple[str, float] | None:
    """What was surely not done and may be tried again: a remark for people, and how many seconds to wait. None: it will never be done."""
    status = answer.status
    if status == TOO_MANY or answer.wait is not None:
        reason = one_line(answer.headers.get("ratelimit-reason", ""), 80)
        wait = RATE_WAIT if answer.wait is None else min(max(answer.wait, 1.0), LONGEST_WAIT)
        return f" {reason}".rstrip(), wait
    if status < BAD_REQUEST:
        return ": `url` leads elsewhere, correct it", MEND_WAIT
    if status == UNAUTHORIZED:
        return ": token expired?", MEND_WAIT
    if status == FORBIDDEN and "authentication_denied" in answer.headers.get("x-seraph-loginreason", "").lower():
        return ": Jira wants this account to solve a CAPTCHA: log in once in a browser", MEND_WAIT
    if status == CONFLICT:
        return "", RATE_WAIT
    return None


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
