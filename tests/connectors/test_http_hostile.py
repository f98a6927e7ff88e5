"""What a server may write into its answers to harm who reads them."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.ports.errors import SourceError
from tests.connectors.servers import asking, make_edge, raw_server

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
