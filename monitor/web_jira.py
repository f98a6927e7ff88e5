"""`POST /v1/jira`: Jira's webhook says that something happened in a ticket. It is a hint to look, and is not read.

What was decided is read from Jira itself: a webhook may come late, twice, or never, and what it says could be somebody's own words.
Signed as https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks says: HMAC-SHA256 of the body.
"""

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from monitor.domain.text import one_line
from monitor.web_intake import Refused, announced_size, whole_body

LIMIT = 2**20
"""Bytes. Jira sends the whole issue with it."""
AT_ONCE = 8
REMEMBERED = 1024
"""Names of webhooks that came: Jira repeats one up to five times, under the same name."""
WHAT = "a webhook"


def jira_route(secret: str, hint: Callable[[], None]) -> Route:
    """Return the page. `hint` is called for each webhook that was signed with the secret, once for each that has a name."""
    places = asyncio.Semaphore(AT_ONCE)
    names: deque[str] = deque(maxlen=REMEMBERED)

    async def post(request: Request) -> Response:
        try:
            announced_size(request, LIMIT, what=WHAT)
            async with places:
                body = await whole_body(request, LIMIT, what=WHAT)
            _signed(request, body, secret)
        except Refused as refused:
            text = one_line(str(refused), 500)
            return JSONResponse(
                {"problems": [text]}, refused.status, headers={**refused.headers, "connection": "close"}
            )
        name = request.headers.get("x-atlassian-webhook-identifier", "")[:200]
        if not name or name not in names:
            names.append(name)
            hint()
        return JSONResponse({}, HTTPStatus.ACCEPTED)

    return Route("/v1/jira", post, methods=["POST"])


def _signed(request: Request, body: bytes, secret: str) -> None:
    """Raises `Refused`. The comparison takes as long whatever was sent."""
    sent = request.headers.get("x-hub-signature", "").encode("latin-1", "replace")
    expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}".encode()
    if not hmac.compare_digest(expected, sent):
        raise Refused(HTTPStatus.UNAUTHORIZED, "expected X-Hub-Signature: sha256=..., made with the configured secret")
