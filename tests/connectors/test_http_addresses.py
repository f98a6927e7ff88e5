from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._edge.address import Address, NoAddress, shown
from connectors._edge.http import NotSent, Response
from monitor.ports.errors import Malformed, Unavailable
from tests.connectors.conftest import Loopback
from tests.connectors.servers import Server, asking, make_edge, ok, raw_server, refusal


async def test_a_redirect_to_a_foreign_host_is_not_followed(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [refusal(302, location="https://evil.example/page?token=abc")]}).app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match=r"leads to https://evil\.example, which is not an allowed host"):
            await client.get("page")


async def test_credentials_stay_with_their_own_origin(loopback: Loopback) -> None:
    other = Server({"/file": [ok(b"bytes")]})
    other_base = loopback(other.app)
    server = Server({"/page": [refusal(302, location=f"{other_base}/file")]})
    base = loopback(server.app)

    async with asking(base, hosts=(other_base.removeprefix("http://"),)) as client:
        response = await client.get("page")

    assert isinstance(response, Response)
    assert response.body == b"bytes"
    assert response.url == f"{other_base}/file"
    assert response.validator.key == client.key("page")
    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert "authorization" not in other.requests[0].headers


async def test_redirects_in_a_circle_end(loopback: Loopback) -> None:
    server = Server({"/page": [refusal(301, location="page")]})
    base = loopback(server.app)

    async with asking(base) as client:
        with pytest.raises(Malformed, match="more than 5 times"):
            await client.get("page")

    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1@evil.example/x",
        "http://evil.example\\@127.0.0.1/",
        "ftp://127.0.0.1/x",
        "../../admin",
        "x/%2e%2e/%2e%2e/admin",
    ],
)
async def test_an_address_outside_of_what_is_allowed_is_not_asked(loopback: Loopback, url: str) -> None:
    server = Server({})
    base = loopback(server.app)

    async with asking(f"{base}/api") as client:
        with pytest.raises(Malformed):
            await client.get(url)

    assert server.requests == []


def test_nobody_is_led_from_https_to_http() -> None:
    client = make_edge().http.client("somewhere", base="https://registry.example", hosts=("files.example",))

    assert client.key("https://files.example/x").startswith("https://files.example/x")
    with pytest.raises(Malformed, match="not an allowed host"):
        client.key("http://files.example/x")


async def test_credentials_in_the_base_become_a_header_and_are_never_shown(loopback: Loopback) -> None:
    server = Server({"/page": [refusal(500)]})
    base, edge = loopback(server.app), make_edge()
    client = edge.http.client("somewhere", base=base.replace("://", "://me:pass%40word@"))

    async with edge.http.session():
        with pytest.raises(Unavailable) as caught:
            await client.get("page")

    assert server.requests[0].headers["authorization"] == "Basic bWU6cGFzc0B3b3Jk"
    assert "pass" not in str(caught.value)
    assert "pass" not in repr(client)


async def test_queries_and_secret_paths_are_not_shown(loopback: Loopback) -> None:
    base, edge = loopback(Server({"/hook/secret": [ok(b"ok")]}).app), make_edge()
    client = edge.http.client("somewhere", base=f"{base}/hook", secret_path=True)
    plain = edge.http.client("somewhere", base=base)

    async with edge.http.session():
        sent = await client.send("POST", "secret", b"{}")
        got = await plain.get("hook/secret?page=2&sig=abc")

    assert isinstance(got, Response)
    assert sent.url == base
    assert got.evidence.url == f"{base}/hook/secret?page=2&sig=..."


@given(st.text(max_size=60) | st.from_regex(r"https?://[^/]{0,20}/.{0,20}", fullmatch=True))
def test_an_address_reads_back_as_itself_or_is_none(text: str) -> None:
    try:
        address = Address.parse(text)
    except NoAddress:
        return

    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "token",
    [
        "wK3vR8pZq1TnX6bY0dLm",
        "pypi-AgEIcHlwaS5vcmcCJGM0ZTk4ZmE3LTk1",
        "npm_a8Bq2ZxW91LkTrVn5cYd0PsEgH7JmUoIf3",
        "123e4567-e89b-12d3-a456-426614174000",
        "4f9c1b7a0e2d8c6b5a3f9e1d7c0b2a4f6e8d1c3b5a7f9e0d",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "wK3vR8pZq1%54nX6bY0dLm",
        "12345678901234567890",
    ],
)
def test_a_segment_that_looks_like_a_token_is_not_shown(token: str) -> None:
    address = Address.parse(f"https://registry.example/{token}/simple/acme/?page=2")

    assert address.shown == "https://registry.example/.../simple/acme/?page=2"
    assert shown(f"https://me:word@registry.example/{token}/simple") == "https://registry.example/.../simple"
    assert token not in repr(address)


@pytest.mark.parametrize(
    "segment",
    [
        "modelcontextprotocol",
        "@modelcontextprotocol%2fserver-filesystem",
        "@modelcontextprotocol%2fserver-everything@2026.1.14-rc.1",
        "mcp-server-s3-files-and-k8s",
        "ModelContextProtocolServer",
        "acme_files-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "server-1.0.0-alpha.20260101T101010.a1b2c3d4.tgz",
        "acme_files-1.0a1b2c3d4e5f6.tar.gz",
        "sha256:4f9c1b7a0e2d8c6b5a3f9e1d7c0b2a4f6e8d1c3b5a7f9e0d1c3b5a7f9e0d1c3b",
        "GHSA-9qrh-qjmc-5w2p",
    ],
)
def test_names_files_and_digests_are_shown(segment: str) -> None:
    assert Address.parse(f"https://registry.example/a/{segment}").shown == f"https://registry.example/a/{segment}"


def test_random_tokens_are_hidden() -> None:
    tokens = [urlsafe_b64encode(sha256(str(number).encode()).digest()).decode() for number in range(500)]

    assert [token for token in tokens if token in Address.parse(f"https://registry.example/{token}/").shown] == []


@pytest.mark.parametrize("text", ["", "nowhere", "https://me:word@/x", "https://host/\\secret"])
def test_of_what_is_no_address_nothing_is_shown(text: str) -> None:
    assert shown(text).startswith("(an address")


async def test_a_proxy_of_the_environment_is_used_but_not_for_loopback_or_no_proxy(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [ok(b"direct")]}).app)

    async with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") as (proxy, received):
        edge = make_edge(proxies={"http": proxy, "no": "direct.invalid"})
        proxied = edge.http.client("somewhere", base="http://registry.invalid")
        bypassed = edge.http.client("somewhere", base="http://direct.invalid")
        async with asking(base, edge) as client:
            await client.get("page")
            await proxied.get("page")
            with pytest.raises(NotSent, match="name cannot be resolved"):
                await bypassed.send("POST", "page", b"")

    assert len(received) == 1
    assert received[0].startswith(b"GET http://registry.invalid/page HTTP/1.1\r\n")


async def test_what_a_proxy_refuses_to_tunnel_is_not_sent() -> None:
    async with raw_server(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n") as (proxy, received):
        edge = make_edge(proxies={"https": proxy})
        client = edge.http.client("somewhere", base="https://tracker.invalid", headers={"authorization": "Bearer x"})
        async with edge.http.session():
            with pytest.raises(NotSent, match="the proxy refused"):
                await client.send("POST", "issue", b"{}")

    assert received[0].startswith(b"CONNECT tracker.invalid:443 HTTP/1.1\r\n")
    assert b"Bearer" not in received[0]


async def test_a_proxy_that_cannot_be_used_is_named_as_the_cause() -> None:
    edge = make_edge(proxies={"all": "socks5://127.0.0.1:1"})
    client = edge.http.client("somewhere", base="http://registry.invalid")

    async with edge.http.session():
        with pytest.raises(Unavailable, match="proxy of the environment"):
            await client.get("page")
