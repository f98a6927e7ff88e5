"""How the outside fails: faults that a test lays on a part of the world, over whatever the part would have answered."""

import asyncio
import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.world.answers import answer


class Drop(Protocol):
    """Closes the connection that a request came by, after what was written, or `rudely` without it."""

    def __call__(self, scope: Scope, *, rudely: bool) -> None:
        """Close it."""


class Witness(Protocol):
    """Is told of each request (`METHOD /path?query`) before it is carried out, and once it is `done`, before it is answered."""

    def __call__(self, line: str, *, done: bool) -> None:
        """Hear of it."""


class Kind(StrEnum):
    """What happens instead of an answer, or to it."""

    OUTAGE = "outage"
    """503 from a proxy in front, in HTML."""
    STATUS = "status"
    """`status` with a short JSON body: 401, 403, 404, 451, 500, or a 304 that nobody asked for."""
    RESET = "reset"
    """The connection breaks before an answer."""
    HANG = "hang"
    """Nothing, for ever."""
    DELAY = "delay"
    """The true answer, after `seconds`."""
    TOO_MANY = "too-many"
    """429 with `Retry-After: <seconds>`."""
    RATE_LIMIT = "rate-limit"
    """GitHub's 403 with nothing remaining, reset in `seconds`."""
    GARBAGE = "garbage"
    """200, said to be JSON, and is noise."""
    HTML = "html"
    """200 with a login page."""
    TRUNCATED = "truncated"
    """The true answer's first half, then the connection ends."""
    HUGE = "huge"
    """200 and a body of `size` bytes, without saying so before."""
    BOMB = "bomb"
    """200 and a small gzip body that unpacks to `size` bytes."""
    ACCEPTED_THEN_ERROR = "accepted-then-error"
    """The request is carried out, the answer is a 500."""
    ACCEPTED_THEN_RESET = "accepted-then-reset"
    """The request is carried out, the connection breaks before the answer."""
    ACCEPTED_THEN_HANG = "accepted-then-hang"
    """The request is carried out, and nothing is answered, for ever."""
    REDIRECT = "redirect"
    """302 to `location`, a host that is nobody's."""


def part_of(path: str) -> str:
    """Return the part of the world that a path belongs to; the integrity API at the origin is the index's."""
    first = path.split("/")[1]
    return "pypi" if first == "integrity" else first


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one kind, for the requests whose `METHOD /path?query` contains `only`."""

    kind: Kind
    only: str = ""
    after: int = 0
    """So many matching requests are served well first."""
    times: int | None = None  # None: until mended
    status: int = 500
    seconds: float = 1
    size: int = 256 * 2**20
    location: str = "http://elsewhere.example/"
    retry_after: str = ""
    """In place of `seconds`, as it stands: a date, or nonsense."""
    reason: str = ""
    """Which of Jira's limits was reached."""


@dataclass(slots=True)
class Faults:
    """The ASGI layer that makes them happen. Each part has its faults; the first that matches is it."""

    app: ASGIApp
    drop: Drop
    now: Callable[[], float] = time.time
    """For the reset times of rate limits; seconds since the epoch."""
    laid: dict[str, list[Fault]] = field(default_factory=dict)
    witness: Witness | None = None

    def lay(self, part: str, fault: Fault) -> None:
        """Let a part fail so from now on, beside the faults that it has."""
        self.laid.setdefault(part, []).append(fault)

    def mend(self, part: str) -> None:
        """Take all faults off a part."""
        self.laid.pop(part, None)

    def due(self, part: str, line: str) -> Fault | None:
        """Return the fault that this request meets, counting it; None where it is served well."""
        faults = self.laid.get(part, [])
        for place, fault in enumerate(faults):
            if fault.only not in line:
                continue
            if fault.after:
                faults[place] = replace(fault, after=fault.after - 1)
            elif fault.times is None:
                return fault
            elif fault.times > 0:
                faults[place] = replace(fault, times=fault.times - 1)
                return fault
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, well or badly."""
        line = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}"
        if self.witness is not None:
            await self.witnessed(self.witness, line, scope, receive, send)
            return
        fault = self.due(part_of(scope["path"]), line)
        if fault is None:
            await self.app(scope, receive, send)
        elif (instead := self.instead(fault)) is not None:
            await instead(scope, receive, send)
        else:
            await self.disturb(fault, scope, receive, send)

    async def witnessed(self, witness: Witness, line: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry a request out between two words of the witness."""
        witness(line, done=False)
        status, headers, body = await carried_out(self.app, scope, receive)
        witness(line, done=True)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def instead(self, fault: Fault) -> Response | None:
        """Return the answer that stands in place of the true one, None for faults of another nature."""
        wait = fault.retry_after or f"{fault.seconds:.0f}"
        made: Response | None = None
        match fault.kind:
            case Kind.OUTAGE:
                made = Response("<html><h1>503 Service Unavailable</h1></html>", 503, media_type="text/html")
            case Kind.STATUS:
                made = answer(b"" if fault.status in (204, 304) else {"message": "so it is"}, status=fault.status)
            case Kind.TOO_MANY:
                why = {"RateLimit-Reason": fault.reason} if fault.reason else {}
                made = answer({"message": "slow down"}, status=429, headers={"Retry-After": wait} | why)
            case Kind.RATE_LIMIT:
                reset = str(int(self.now() + fault.seconds))
                headers = {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
                made = answer({"message": "API rate limit exceeded"}, status=403, headers=headers)
            case Kind.GARBAGE:
                made = answer(b'{"\x00\xff\xfe]' + bytes(range(256)))
            case Kind.HTML:
                made = Response("<!doctype html><title>Sign in</title>", 200, media_type="text/html")
            case Kind.BOMB:
                made = answer(gzip.compress(b" " * fault.size, 9, mtime=0), headers={"Content-Encoding": "gzip"})
            case Kind.REDIRECT:
                made = Response(None, 302, {"Location": fault.location})
            case (
                Kind.RESET
                | Kind.HANG
                | Kind.DELAY
                | Kind.TRUNCATED
                | Kind.HUGE
                | Kind.ACCEPTED_THEN_ERROR
                | Kind.ACCEPTED_THEN_RESET
                | Kind.ACCEPTED_THEN_HANG
            ):
                pass
        return made

    async def disturb(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the true answer, or the connection, suffer."""
        if fault.kind in (Kind.HANG, Kind.RESET):
            if fault.kind is Kind.RESET:
                self.drop(scope, rudely=True)
            await gone(receive)
        elif fault.kind is Kind.HUGE:
            await endless(fault.size, send)
        elif fault.kind is Kind.DELAY:
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        else:
            status, headers, body = await carried_out(self.app, scope, receive)
            if fault.kind is Kind.ACCEPTED_THEN_ERROR:
                await answer({"message": "internal error"}, status=500)(scope, receive, send)
            elif fault.kind in (Kind.ACCEPTED_THEN_RESET, Kind.ACCEPTED_THEN_HANG):
                if fault.kind is Kind.ACCEPTED_THEN_RESET:
                    self.drop(scope, rudely=True)
                await gone(receive)
            else:
                await send({"type": "http.response.start", "status": status, "headers": headers})
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                self.drop(scope, rudely=False)
                await gone(receive)


async def gone(receive: Receive) -> None:
    """Wait until the client, or the server, has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def endless(size: int, send: Send) -> None:
    """Send so many bytes in pieces, of no length told before."""
    piece = b" " * 2**16
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    for _ in range(size // len(piece)):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def carried_out(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Let the world do what was asked, and keep its answer back: status, headers, body."""
    status, headers, body = 0, list[tuple[bytes, bytes]](), bytearray()

    async def keep(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return status, headers, bytes(body)
