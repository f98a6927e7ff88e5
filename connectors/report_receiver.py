"""Where hosts send their reports: `POST /v1/inventory` of a monitor that serves, or of anything that takes JSON lines with a bearer token.

Knows: whether the report was taken. Does not know: what becomes of it. One attempt: the next report replaces this one.
"""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from connectors._edge.http import Http, Response
from monitor.domain.text import one_line
from monitor.ports.errors import Denied, Malformed, Unavailable

NAME = "report receiver"
JSON_LINES = "application/x-ndjson"
MAX_ANSWER = 2**20
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class _Answer(msgspec.Struct):
    problems: list[str] = []


_ANSWER = msgspec.json.Decoder(_Answer)


def build(edge: Http, *, url: str, token: str | None) -> "ReportReceiver":
    """Send to that address, with the token if there is one. Raises ValueError where it is no address."""
    return ReportReceiver(edge, url, {"authorization": f"Bearer {token}"} if token else {})


class ReportReceiver:
    """One address."""

    def __init__(self, edge: Http, url: str, headers: Mapping[str, str]) -> None:
        """Hold the address; nothing is sent yet."""
        self._url = url
        self._client = edge.client(NAME, base=url, headers=headers)

    async def send(self, report: bytes) -> tuple[str, ...]:
        """Send a report, and return what the receiver could not read of it. Raises Unavailable, Denied and Malformed."""
        answer = await self._client.send("POST", self._url, report, content_type=JSON_LINES, limit=MAX_ANSWER)
        problems = _problems(answer)
        if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
            return problems
        hints = _hints(answer)
        detail = "; ".join((f"{answer.url} answered {answer.status}", *problems[:3], *hints))
        if answer.status in REFUSED:
            raise Denied(NAME, detail)
        if answer.status in LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(NAME, detail)
        raise Malformed(NAME, detail)


def _hints(answer: Response) -> tuple[str, ...]:
    """Say what helps, where the status tells."""
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return ("a monitor takes reports at /v1/inventory, where `serve` runs with [web.fleets]",)
    return (f"try again in {answer.wait:.0f} s",) if answer.wait is not None else ()


def _problems(answer: Response) -> tuple[str, ...]:
    try:
        return tuple(one_line(problem, 300) for problem in _ANSWER.decode(answer.body).problems)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
