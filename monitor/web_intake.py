"""What pages that take something have in common: they say no with a reason, and read no more than they announced."""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

BODY_SECONDS = 60
"""A sender that needs longer for its body is not waited for."""


class Refused(Exception):
    """What was sent is not taken; the text says why."""

    def __init__(self, status: HTTPStatus, reason: str, **headers: str) -> None:
        """Name the status of HTTP, the reason, and headers that belong to it."""
        super().__init__(reason)
        self.status = status
        self.headers = headers


def announced_size(request: Request, limit: int, *, what: str) -> None:
    """Refuse a length above `limit` bytes before anything is read. `what` is sent: `a report`."""
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > 20 or int(length) > limit:  # noqa: PLR2004 digits
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{what} has at most {limit} bytes")


async def whole_body(request: Request, limit: int, *, what: str) -> bytes:
    """Read the body as it came. Raises `Refused` for one that is too large, too slow or breaks off."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{what} has at most {limit} bytes")
                parts.append(part)
    except TimeoutError as error:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"{what} did not come within {BODY_SECONDS} s") from error
    except ClientDisconnect as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"{what} broke off") from error
    return b"".join(parts)
