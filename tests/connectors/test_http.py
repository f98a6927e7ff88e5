import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.responses import StreamingResponse

from connectors._edge.http import NotModified, Response
from monitor.ports.errors import Denied, Malformed, NotFound, Unavailable
from monitor.ports.sources import Validator
from tests.connectors.conftest import Loopback
from tests.connectors.servers import AGENT, NOW, Handler, Server, asking, ok, raw_server, refusal


async def test_a_document_comes_with_its_validator_and_its_evidence(loopback: Loopback) -> None:
    base = loopback(Server({"/x/page": [ok(b'{"a": 1}', etag='"one"', last_modified="yesterday")]}).app)

    async with asking(f"{base}/x/") as client:
        response = await client.get("page")

    assert isinstance(response, Response)
    assert response.body == b'{"a": 1}'
    assert response.validator == Validator(f"{base}/x/page\x1fapplication/json", '"one"', "yesterday")
    assert response.evidence.url == f"{base}/x/page"
    assert response.evidence.sha256 == hashlib.sha256(b'{"a": 1}').hexdigest()
    assert response.evidence.fetched_at == NOW


async def test_what_is_known_makes_the_request_conditional_and_304_is_not_a_body(loopback: Loopback) -> None:
    server = Server({"/page": [refusal(304)]})
    base = loopback(server.app)

    async with asking(base) as client:
        known = {client.key("page"): Validator(client.key("page"), '"one"', "yesterday")}
        answer = await client.get("page", known=known)

    assert isinstance(answer, NotModified)
    assert server.requests[0].headers["if-none-match"] == '"one"'
    assert server.requests[0].headers["if-modified-since"] == "yesterday"


async def test_a_validator_of_another_form_is_not_sent_and_a_304_to_it_is_malformed(loopback: Loopback) -> None:
    server = Server({"/page": [refusal(304)]})
    base = loopback(server.app)

    async with asking(base) as client:
        other = Validator(client.key("page", accept="text/html"), '"one"', "")
        with pytest.raises(Malformed, match="304"):
            await client.get("page", validator=other)

    assert "if-none-match" not in server.requests[0].headers


async def test_a_validator_that_no_header_can_carry_is_not_kept(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [ok(etag='"' + "a" * 2000 + '"')]}).app)

    async with asking(base) as client:
        response = await client.get("page")

    assert isinstance(response, Response)
    assert response.validator.etag == ""


async def test_every_request_names_whom_to_contact(loopback: Loopback) -> None:
    server = Server({"/page": [ok()]})
    base = loopback(server.app)

    async with asking(base) as client:
        await client.get("page")

    assert server.requests[0].headers["user-agent"] == AGENT


async def test_a_body_beyond_the_limit_is_refused_while_it_comes(loopback: Loopback) -> None:
    async def endless(_: Request) -> Answer:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 4096
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    base = loopback(Server({"/page": [endless]}).app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match="more than the 100000 bytes"):
            await client.get("page")


async def test_a_body_that_announces_too_much_is_not_read(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [ok(b"x" * 1001)]}).app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match="announced 1001 bytes"):
            await client.get("page", limit=1000)


async def test_a_gzip_bomb_does_not_go_off(loopback: Loopback) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    base = loopback(Server({"/page": [ok(bomb, content_encoding="gzip")]}).app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match="more than the 100000 bytes"):
            await client.get("page")


async def test_gzip_of_several_members_is_one_body(loopback: Loopback) -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    base = loopback(Server({"/page": [ok(packed, content_encoding="gzip")]}).app)

    async with asking(base) as client:
        response = await client.get("page")

    assert isinstance(response, Response)
    assert response.body == b"one two"


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_an_encoding_that_was_not_asked_for_is_malformed(loopback: Loopback, encoding: str) -> None:
    base = loopback(Server({"/page": [ok(zlib.compress(b"{}"), content_encoding=encoding)]}).app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match="encoding"):
            await client.get("page")


async def test_bytes_that_are_not_the_gzip_they_say_are_malformed(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [ok(b"{}", content_encoding="gzip")]}).app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match="not the gzip"):
            await client.get("page")


async def test_gzip_that_breaks_off_is_asked_for_again(loopback: Loopback) -> None:
    whole = gzip.compress(b"a whole body")
    answers: list[Answer | Handler] = [ok(whole[:-9], content_encoding="gzip"), ok(whole, content_encoding="gzip")]
    base = loopback(Server({"/page": answers}).app)

    async with asking(base) as client:
        response = await client.get("page")

    assert isinstance(response, Response)
    assert response.body == b"a whole body"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFound),
        (410, NotFound),
        (401, Denied),
        (451, Denied),
        (400, Malformed),
        (418, Malformed),
        (501, Unavailable),
    ],
)
async def test_each_status_becomes_its_error(loopback: Loopback, status: int, error: type[Exception]) -> None:
    base = loopback(Server({"/page": [refusal(status)]}).app)

    async with asking(base) as client:
        with pytest.raises(error, match=str(status)):
            await client.get("page")


async def test_a_status_that_is_asked_for_comes_with_its_body(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [refusal(400, b"why")]}).app)

    async with asking(base) as client:
        response = await client.post_query("page", b"{}", also={400})

    assert (response.status, response.body) == (400, b"why")


async def test_a_query_by_post_is_asked_again(loopback: Loopback) -> None:
    server = Server({"/query": [refusal(502), ok()]})
    base = loopback(server.app)

    async with asking(base) as client:
        await client.post_query("query", b'{"q": 1}')

    assert [await request.body() for request in server.requests] == [b'{"q": 1}'] * 2


async def test_a_file_is_hashed_as_the_server_keeps_it(loopback: Loopback) -> None:
    packed = gzip.compress(b"a file")
    base = loopback(Server({"/a.tar.gz": [ok(packed, content_encoding="gzip")]}).app)

    async with asking(base) as client:
        got = await client.download(f"{base}/a.tar.gz", limit=1000)

    assert got.size == len(packed)
    assert {name: digest.hex for name, digest in got.digests.items()} == {
        "sha256": hashlib.sha256(packed).hexdigest(),
        "sha512": hashlib.sha512(packed).hexdigest(),
        "sha1": hashlib.sha1(packed, usedforsecurity=False).hexdigest(),
    }


async def test_a_file_beyond_the_limit_is_malformed_and_a_missing_one_not_found(loopback: Loopback) -> None:
    base = loopback(Server({"/big": [ok(b"x" * 2000)]}).app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match="announced 2000"):
            await client.download(f"{base}/big", limit=1000)
        with pytest.raises(NotFound):
            await client.download(f"{base}/missing", limit=1000)


FILE_ANSWERS: dict[str, tuple[bytes, int | None]] = {
    "nothing": (b"204 No Content", None),
    "a part": (b"206 Partial Content\r\ncontent-length: 4\r\n\r\nfile", None),
    "another success": (b"203 Changed\r\ncontent-length: 4\r\n\r\nfile", 4),
    "less than announced": (b"200 OK\r\ncontent-length: 10\r\n\r\nfile", None),
    "less than the source says": (b"200 OK\r\n\r\nfile", 10),
}


@pytest.mark.parametrize("case", FILE_ANSWERS)
async def test_what_is_not_the_whole_file_is_unavailable_and_never_other_bytes(case: str) -> None:
    answer, size = FILE_ANSWERS[case]

    async with (
        raw_server(b"HTTP/1.1 " + answer + b"\r\n\r\n" * (b"\r\n\r\n" not in answer)) as (base, _),
        asking(base) as client,
    ):
        with pytest.raises(Unavailable):
            await client.download("file", limit=1000, size=size)


async def test_a_download_that_broke_off_is_made_again() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\n\r\nfi") as (cut, asked), asking(cut) as client:
        with pytest.raises(Unavailable, match="broke off at 2 of 4 bytes"):
            await client.download("file", limit=1000, size=4)

    assert len(asked) == 3


@pytest.mark.parametrize("size", [4, 3, 5, None])
async def test_a_whole_answer_is_hashed_whatever_length_its_source_said(loopback: Loopback, size: int | None) -> None:
    """Another length is other bytes, and the digest says so; called an outage it would be found a day later."""
    base = loopback(Server({"/file": [ok(b"file")]}).app)

    async with asking(base) as client:
        got = await client.download("file", limit=1000, size=size)

    assert got.digests["sha256"].hex == hashlib.sha256(b"file").hexdigest()
