"""Bodies that are handed on part by part: files of any length, and lists of which the beginning is enough."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.responses import StreamingResponse

from monitor.ports.errors import Malformed, NotFound, Unavailable
from tests.connectors.conftest import Loopback
from tests.connectors.servers import Server, asking, make_edge, raw_server


class Sink:
    """Keeps what it takes until it has `enough` bytes; each attempt begins anew."""

    def __init__(self, enough: int = 2**30) -> None:
        self.enough, self.attempts, self.body = enough, 0, b""

    def begin(self) -> Callable[[bytes], bool]:
        """Begin an attempt."""
        self.attempts += 1
        self.body = b""

        def take(part: bytes) -> bool:
            self.body += part
            return len(self.body) < self.enough

        return take


async def endless(_: Request) -> Answer:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(100_000):
            yield b"x" * 1000
            await asyncio.sleep(0)

    return StreamingResponse(body())


async def test_a_file_is_handed_on_as_it_came_with_its_headers(loopback: Loopback) -> None:
    sink = Sink()
    server = Server({"/a.zip": [Answer(b"\x1f\x8bPK", headers={"Content-Encoding": "gzip", "Last-Modified": "then"})]})

    async with asking(loopback(server.app), make_edge()) as client:
        headers = await client.stream("a.zip", sink.begin, limit=1000)

    assert sink.body == b"\x1f\x8bPK"
    assert headers["last-modified"] == "then"
    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_who_has_enough_is_not_sent_the_rest(loopback: Loopback) -> None:
    sink = Sink(enough=10)

    async with asking(loopback(Server({"/list": [endless]}).app), make_edge()) as client:
        await client.stream("list", sink.begin, limit=2**30)

    assert 10 <= len(sink.body) < 2**24


async def test_more_than_the_limit_is_refused_while_it_comes_and_where_it_is_announced(loopback: Loopback) -> None:
    sink = Sink()

    async with asking(loopback(Server({"/list": [endless], "/big": [Answer(b"x" * 1001)]}).app), make_edge()) as client:
        with pytest.raises(Malformed, match="more than the 100000 bytes"):
            await client.stream("list", sink.begin, limit=100_000)
        with pytest.raises(Malformed, match="announced 1001 bytes"):
            await client.stream("big", sink.begin, limit=1000)

    assert len(sink.body) <= 100_000


async def test_a_body_that_broke_off_is_begun_again_and_then_unavailable() -> None:
    sink = Sink()
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"

    async with raw_server(reply) as (base, _), asking(base, make_edge()) as client:
        with pytest.raises(Unavailable):
            await client.stream("file", sink.begin, limit=1000)

    assert sink.attempts == 3


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (206, Unavailable), (400, Malformed)])
async def test_an_answer_that_is_no_file_begins_nothing(
    loopback: Loopback, status: int, error: type[Exception]
) -> None:
    sink = Sink()

    async with asking(loopback(Server({"*": [Answer(b"x", status)]}).app), make_edge()) as client:
        with pytest.raises(error):
            await client.stream("file", sink.begin, limit=1000)

    assert sink.attempts == 0


async def test_what_the_taker_raises_comes_out(loopback: Loopback) -> None:
    def refuse(part: bytes) -> bool:
        raise Malformed("test", f"{len(part)} bytes of nonsense")

    async with asking(loopback(Server({"*": [Answer(b"abc")]}).app), make_edge()) as client:
        with pytest.raises(Malformed, match="3 bytes of nonsense"):
            await client.stream("file", lambda: refuse, limit=1000)
