import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.responses import StreamingResponse

from connectors._edge.http import NotSent, Response
from monitor.ports.errors import Unavailable
from tests.connectors.conftest import Loopback
from tests.connectors.servers import Server, asking, make_edge, ok, raw_server, refusal


async def test_a_refused_connection_is_unavailable_and_what_was_sent_to_it_is_not_sent() -> None:
    async with asking("http://127.0.0.1:1") as client:
        with pytest.raises(Unavailable, match="no connection"):
            await client.get("page")
        with pytest.raises(NotSent, match="no connection"):
            await client.send("POST", "page", b"{}")


async def test_a_name_that_cannot_be_resolved_is_said_to_be_that() -> None:
    async with asking("http://nowhere.invalid") as client:
        with pytest.raises(NotSent, match="name cannot be resolved"):
            await client.send("POST", "page", b"{}")


async def test_a_connection_that_breaks_after_the_request_leaves_in_doubt_whether_it_arrived() -> None:
    async with raw_server(b"") as (base, received), asking(base) as client:
        with pytest.raises(Unavailable) as caught:
            await client.send("POST", "page", b"{}")

    assert not isinstance(caught.value, NotSent)
    assert len(received) == 1


async def test_a_body_that_breaks_off_is_unavailable() -> None:
    async with (
        raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf") as (base, received),
        asking(base) as client,
    ):
        with pytest.raises(Unavailable, match="broke off"):
            await client.get("page")

    assert len(received) == 3


async def test_a_server_that_hangs_or_drips_is_not_waited_for(loopback: Loopback) -> None:
    async def drip(_: Request) -> Answer:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x"
                await asyncio.sleep(0.02)

        return StreamingResponse(parts())

    async def hang(_: Request) -> Answer:
        await asyncio.sleep(0.5)
        return ok()

    base = loopback(Server({"/drip": [drip], "/hang": [hang]}).app)

    async with asking(base, make_edge(timeout=0.05)) as client:
        with pytest.raises(Unavailable, match="no answer in time"):
            await client.get("hang")
    async with asking(base, make_edge(total=0.05)) as client:
        with pytest.raises(Unavailable, match="no answer in time"):
            await client.get("drip")


async def test_what_is_not_http_is_unavailable() -> None:
    async with raw_server(b"220 mail.example ESMTP\r\n\r\n") as (base, _), asking(base) as client:
        with pytest.raises(Unavailable, match="connection broke"):
            await client.get("page")


async def test_what_must_not_happen_twice_is_attempted_once_and_any_status_returned(loopback: Loopback) -> None:
    server = Server({"/issue": [refusal(503, b"busy", retry_after="30")]})
    base, edge = loopback(server.app), make_edge()

    async with asking(base, edge) as client:
        response = await client.send("POST", "issue", b"{}")

    assert (response.status, response.body, response.wait) == (503, b"busy", 30.0)
    assert len(server.requests) == 1
    assert edge.slept == []


async def test_the_edge_is_not_used_outside_of_its_session() -> None:
    client = make_edge().http.client("somewhere", base="http://127.0.0.1:1")

    with pytest.raises(RuntimeError, match="session"):
        await client.get("page")


async def test_sessions_may_overlap(loopback: Loopback) -> None:
    base, edge = loopback(Server({"/page": [ok()]}).app), make_edge()
    client = edge.http.client("somewhere", base=base)

    async with edge.http.session():
        async with edge.http.session():
            await client.get("page")
        again = await client.get("page")

    assert isinstance(again, Response)


async def test_a_host_is_asked_no_more_than_so_many_things_at_once(loopback: Loopback) -> None:
    now, most = 0, 0

    async def slow(_: Request) -> Answer:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return ok()

    base = loopback(Server({"/page": [slow]}).app)

    async with asking(base) as client:
        await asyncio.gather(*(client.get("page") for _ in range(40)))

    assert most == 8


async def test_a_certificate_that_nobody_vouches_for_is_not_asked_again(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    days = timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, datetime.now(UTC) - days, datetime.now(UTC) + days)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    edge = make_edge()

    async with raw_server(b"", context) as (base, received), asking(base, edge) as client:
        with pytest.raises(NotSent, match="certificate is not trusted"):
            await client.send("POST", "page", b"{}")
        with pytest.raises(Unavailable, match="certificate is not trusted"):
            await client.get("page")

    assert received == []
    assert edge.slept == []
