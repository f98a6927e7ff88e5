"""`POST /v1/inventory`: hosts send what they run. Each fleet has a token, a folder into which its reports go, and a rate."""

import asyncio
import hmac
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from monitor.domain.text import one_line
from monitor.web_intake import Refused, announced_size, whole_body

JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
AT_ONCE = 16
"""Reports that are read at a time: each may be as large as a report may be."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Who may send, and where it goes. `rate`: reports a minute."""

    name: str
    token: str
    folder: Path
    rate: int


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of a report that is kept now."""

    host: str
    deployments: int
    problems: tuple[str, ...]
    complete: bool


Keep = Callable[[Fleet, bytes, datetime], Understood]
"""Checks a report and keeps it. Raises `Refused`."""


class _Allowance:
    """A bucket of one minute's reports, refilled steadily."""

    def __init__(self, rate: int, now: datetime) -> None:
        """Begin full."""
        self._rate = rate
        self._left = float(rate)
        self._at = now

    def take(self, now: datetime) -> None:
        """Take one. Raises `Refused` with the seconds until the next one is there."""
        passed = max(0.0, (now - self._at).total_seconds())
        self._left = min(float(self._rate), self._left + passed * self._rate / 60)
        self._at = now
        if self._left < 1:
            wait = str(max(1, math.ceil((1 - self._left) * 60 / self._rate)))
            reason = f"more than {self._rate} reports a minute of this fleet"
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, reason, **{"retry-after": wait})
        self._left -= 1


def inventory_route(fleets: Sequence[Fleet], keep: Keep, *, clock: Callable[[], datetime], limit: int) -> Route:
    """Return the page that takes reports of up to `limit` bytes."""
    allowances = {fleet.name: _Allowance(fleet.rate, clock()) for fleet in fleets}
    places = asyncio.Semaphore(AT_ONCE)

    async def post(request: Request) -> Response:
        try:
            fleet = _fleet_of(request, fleets)
            allowances[fleet.name].take(clock())
            _announced(request, limit)
            async with places:
                data = await whole_body(request, limit, what="a report")
                understood = await asyncio.to_thread(keep, fleet, data, clock())
        except Refused as refused:
            text = one_line(str(refused), 500)
            return JSONResponse(
                {"problems": [text]}, refused.status, headers={**refused.headers, "connection": "close"}
            )
        answer = {
            "host": understood.host,
            "deployments": understood.deployments,
            "complete": understood.complete,
            "problems": list(understood.problems),
        }
        return JSONResponse(answer)

    return Route("/v1/inventory", post, methods=["POST"])


def _fleet_of(request: Request, fleets: Sequence[Fleet]) -> Fleet:
    """Return whose token it is. All are compared, each in the same time whatever was sent."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    sent = given.strip().encode("latin-1", "replace")
    same = [fleet for fleet in fleets if hmac.compare_digest(fleet.token.encode(), sent)]
    if scheme.lower() != "bearer" or not same:
        raise Refused(HTTPStatus.UNAUTHORIZED, "expected the bearer token of a fleet", **{"www-authenticate": "Bearer"})
    return same[0]


def _announced(request: Request, limit: int) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in JSON_LINES or request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected JSON lines, not compressed, as {JSON_LINES[0]}")
    announced_size(request, limit, what="a report")
