"""What a server may write into its answers to harm who reads them."""

import asyncio
import gc
import gzip
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.responses import StreamingResponse

from connectors._edge.http import Response
from connectors._edge.reading import Unreadable, document
from connectors._edge.transport import Head
from monitor.ports.errors import Denied, Malformed, SourceError
from tests.connectors.conftest import Loopback
from tests.connectors.servers import Handler, Server, asking, make_edge, ok, raw_server

NAMES = (
    "retry-after",
    "x-ratelimit-reset",
    "x-ratelimit-remaining",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "location",
    "etag",
    "last-modified",
    "set-cookie",
    "connection",
)
STATUSES = (
    b"200 OK",
    b"200 \xff",
    b"204 No",
    b"206 Part",
    b"302 Found",
    b"304 Same",
    b"403 No",
    b"429 Slow",
    b"503 No",
)
VALUES = st.one_of(
    st.from_regex(rb"\A[0-9.,:+ -]{0,30}\Z"),
    st.from_regex(rb"\A(Sun, )?[0-9]{1,2}[ -](jan|Mar|x)[ -][0-9,:]{1,5} [0-9:,.]{0,9} ?(GMT|[+-][0-9]{0,9})?\Z"),
    st.from_regex(rb"\A(https?:)?//[^\r\n\0]{0,30}\Z"),
    st.sampled_from([b"gzip", b"chunked", b"identity", b"close", b"0"]),
    st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0")),
)


async def ask(reply: bytes) -> None:
    """Ask in each of the ways in which one can; the edge's own errors are answers, too."""
    async with raw_server(reply) as (base, _), asking(base, make_edge(timeout=0.5, total=2)) as client:
        for asked in (client.get("x"), client.send("POST", "x", b"{}"), client.download("x", limit=1000)):
            try:
                await asked
            except SourceError:
                continue


@given(st.sampled_from(STATUSES), st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_header_makes_the_edge_raise_anything_but_its_errors(
    status: bytes, headers: list[tuple[str, bytes]]
) -> None:
    lines = [name.encode() + b": " + value for name, value in headers]
    head = b"\r\n".join([b"HTTP/1.1 " + status, *lines])

    asyncio.run(ask(head + b"\r\n\r\n{}"))


@pytest.mark.parametrize(
    "head", [b"200 OK\r\nretry-after: 1.0.0", b"200 \xff", b"503 No\r\nretry-after: 1 jan , 10:00"]
)
async def test_a_head_that_no_standard_allows_costs_nothing_but_its_answer(head: bytes) -> None:
    await ask(b"HTTP/1.1 " + head + b"\r\ncontent-length: 2\r\n\r\n{}")


async def test_a_head_that_no_standard_allows_leaves_no_connection_open() -> None:
    # The body breaks off, so that nothing but the edge itself closes the connection.
    await ask(b"HTTP/1.1 200 \xff\r\ncontent-length: 200000\r\n\r\n{}")

    gc.collect()  # a connection that was forgotten is a warning now, and with it an error


# --- gzip that costs more than it brings

EMPTY = gzip.compress(b"", mtime=0)


def endless(part: bytes, status: int = 200, **headers: str) -> tuple[Handler, list[int]]:
    """An answer without end, and how many bytes of it were taken."""
    taken = [0]

    async def handler(_: Request) -> Answer:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield part
                taken[0] += len(part)
                await asyncio.sleep(0)

        return StreamingResponse(parts(), status, headers={"content-encoding": "gzip", **headers})

    return handler, taken


async def test_gzip_of_endless_empty_members_is_malformed_at_once(loopback: Loopback) -> None:
    handler, taken = endless(EMPTY * 500)
    base = loopback(Server({"/page": [handler]}).app)

    async with asking(base, make_edge(max_body=2**30)) as client:
        with pytest.raises(Malformed, match="more than 100 gzip members"):
            await client.get("page")

    assert taken[0] < 50_000_000


async def test_gzip_of_a_hundred_members_is_read(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [ok(gzip.compress(b"x") + EMPTY * 99, content_encoding="gzip")]}).app)

    async with asking(base) as client:
        response = await client.get("page")

    assert isinstance(response, Response)
    assert response.body == b"x"


async def test_gzip_that_comes_to_nothing_is_counted_as_it_comes() -> None:
    # One member of stored blocks without content (RFC 1951, 3.2.4), which has no end.
    head, nothing = EMPTY[:10], b"\0\0\0\xff\xff" * 200
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        yield head
        while True:
            taken += len(nothing)
            yield nothing

    with pytest.raises(Unreadable, match="more than the 10000 bytes"):
        await document(10_000, also=())(Head(200, {"content-encoding": "gzip"}), chunks())

    assert taken <= 11_000


@pytest.mark.parametrize("status", [403, 429])
async def test_a_refusal_in_endless_gzip_is_a_refusal_and_is_not_read_to_its_end(
    loopback: Loopback, status: int
) -> None:
    handler, taken = endless(EMPTY * 500, status)
    base = loopback(Server({"/page": [handler]}).app)

    async with asking(base, make_edge(total=5)) as client:
        with pytest.raises(Denied, match=str(status)):
            await client.get("page")

    assert taken[0] < 150_000_000


async def test_the_words_of_a_refusal_count_whatever_follows_them(loopback: Loopback) -> None:
    words = gzip.compress(b"You have exceeded a secondary rate limit")
    handler, _ = endless(words + EMPTY * 500, 403)
    base, edge = loopback(Server({"/page": [handler, ok()]}).app), make_edge()

    async with asking(base, edge) as client:
        await client.get("page")

    assert edge.slept == [60.0]
