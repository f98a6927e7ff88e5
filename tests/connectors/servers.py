"""Servers on loopback that answer as told, and an edge that writes down its waits instead of sleeping."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.routing import Route

from connectors._edge.http import Client, Http

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENT = "monitor/1 (ops@example.org)"

Handler = Callable[[Request], Awaitable[Answer]]


@dataclass
class Server:
    """Answers each path (`*`: any other) from its queue of answers (the last one stays), and keeps what was asked."""

    answers: dict[str, list[Answer | Handler]]
    requests: list[Request] = field(default_factory=list)

    async def answer(self, request: Request) -> Answer:
        """Answer from the path's queue."""
        await request.body()
        self.requests.append(request)
        queue = self.answers.get(request.url.path) or self.answers.get("*", [Answer(status_code=404)])
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        return answer if isinstance(answer, Answer) else await answer(request)

    @property
    def app(self) -> Starlette:
        """The server as an application."""
        methods = ["GET", "POST", "PUT"]
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=methods)])


@dataclass
class Edge:
    """An edge under test, with the waits it would have slept."""

    http: Http
    slept: list[float]


def make_edge(
    *,
    gates: Mapping[str, datetime] | None = None,
    proxies: Mapping[str, str] | None = None,
    max_body: int = 100_000,
    timeout: float = 5,
    total: float = 30,
) -> Edge:
    """Build an edge whose clock stands at `NOW`."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    http = Http(
        user_agent=AGENT,
        clock=lambda: NOW,
        gates=gates,
        timeout=timeout,
        total=total,
        max_body=max_body,
        proxies=proxies or {},
        sleep=sleep,
        jitter=lambda: 0.5,
    )
    return Edge(http, slept)


@asynccontextmanager
async def asking(base: str, edge: Edge | None = None, *, hosts: tuple[str, ...] = ()) -> AsyncIterator[Client]:
    """Open a session, and a client of the base with credentials."""
    used = edge or make_edge()
    async with used.http.session():
        yield used.http.client("somewhere", base=base, hosts=hosts, headers={"authorization": "Bearer secret"})


def ok(body: bytes = b"{}", **headers: str) -> Answer:
    """A good answer; underscores in header names become dashes."""
    return Answer(body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def refusal(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer of that status."""
    return Answer(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@asynccontextmanager
async def raw_server(reply: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Take a request, write the reply, and hang up; yield the base address and the heads of the requests."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}", received
