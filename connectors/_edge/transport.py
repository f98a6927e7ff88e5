"""The wire: one exchange over HTTP, and what can go wrong with it. Alone in importing httpx and its aiohttp transport.

httpx's `AsyncClient` is left out on purpose: it logs whole addresses, keeps cookies, and follows redirects with its own idea of trust.
"""

import asyncio
import ssl
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
import httpx
import truststore
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport

from connectors._edge.address import Address

T = TypeVar("T")

CONNECTIONS = 64
"""Open at once, to all hosts."""

NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,  # refused, DNS, TLS, certificate, proxy not reached
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # the proxy refused the tunnel
)
HOPELESS = (aiohttp.ClientConnectorCertificateError, aiohttp.ClientHttpProxyError, aiohttp.InvalidURL)

WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    (aiohttp.ClientConnectorDNSError, "its name cannot be resolved"),
    (aiohttp.ClientHttpProxyError, "the proxy refused to connect to it"),
    (aiohttp.ClientProxyConnectionError, "the proxy cannot be reached"),
    (aiohttp.ClientPayloadError, "the answer broke off"),
    (TimeoutError, "no answer in time"),
    (aiohttp.InvalidURL, "not an address that can be asked"),
    (UnicodeError, "what came is no text that HTTP allows"),
)


class Broken(Exception):
    """The exchange did not come to an answer. `sent`: the request may have reached the server. `transient`: worth another try."""

    def __init__(self, detail: str, *, sent: bool, transient: bool) -> None:
        """Say what happened in words without secrets."""
        super().__init__(detail)
        self.sent = sent
        self.transient = transient


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `fresh`: over a connection of its own, so that no stale one leaves in doubt whether it arrived."""

    method: str
    address: Address
    headers: Mapping[str, str]
    body: bytes | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers (lower-case names; repeated ones joined by a comma)."""

    status: int
    headers: Mapping[str, str]


class _WithoutReason(aiohttp.ClientResponse):
    """Nobody reads the phrase after the status; one that is no UTF-8 makes the transport fail and forget the open connection."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the head, and drop its phrase."""
        await super().start(connection)
        self.reason = ""
        return self


@dataclass(slots=True)
class Wire:
    """The connections of one run. `timeout` is for connecting and for each read, `total` for an exchange, in seconds."""

    timeout: float
    proxies: Mapping[str, str]
    """As `urllib.request.getproxies` gives them: by scheme, and `no` for the hosts without."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _unused: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    """The sessions bring their own; without one given the transport would load certificates for nothing."""
    _sessions: dict[bool, aiohttp.ClientSession] = field(default_factory=dict)

    async def open(self) -> None:
        """Make the two pools: one that keeps connections, one that never does."""
        trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for fresh in (False, True):
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=60, ssl=trust, force_close=fresh)
            # Not `trust_env`: it also sends what ~/.netrc holds, and refuses requests that carry their own credentials.
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                response_class=_WithoutReason,
            )
            self._sessions[fresh] = await self._stack.enter_async_context(session)

    async def close(self) -> None:
        """Close all connections."""
        self._sessions.clear()
        await self._stack.aclose()

    async def exchange(
        self, ask: Ask, read: Callable[[Head, AsyncIterator[bytes]], Awaitable[T]], *, total: float
    ) -> T:
        """Send the request and let `read` take the body, as it came over the wire. Raises `Broken`, and what `read` raises."""
        if not self._sessions:
            raise RuntimeError("the HTTP edge is used outside of its session")
        transport = AiohttpTransport(
            verify=self._unused,
            proxy=self._proxy(ask.address),
            client=self._sessions[ask.fresh],
        )
        try:
            async with asyncio.timeout(total):
                request = httpx.Request(
                    ask.method,
                    str(ask.address),
                    headers=dict(ask.headers),
                    content=ask.body,
                    extensions={"timeout": {"connect": self.timeout, "read": self.timeout, "pool": None}},
                )
                response = await transport.handle_async_request(request)
                try:
                    return await read(_head(response), response.aiter_raw())
                finally:
                    with suppress(httpx.HTTPError, aiohttp.ClientError):
                        await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, UnicodeError) as error:
            raise _broken(error) from error

    def _proxy(self, address: Address) -> httpx.Proxy | None:
        if address.loopback or _bypassed(address, self.proxies):
            return None
        url = self.proxies.get(address.scheme) or self.proxies.get("all")
        if not url:
            return None
        if "://" not in url:
            url = f"http://{url}"
        with suppress(ValueError, httpx.InvalidURL):
            if urlsplit(url).scheme in {"http", "https"}:
                return httpx.Proxy(url)
        raise Broken("the proxy of the environment is not one over http", sent=False, transient=False)


def system_proxies() -> Mapping[str, str]:
    """Return the proxies of the environment, or of the system's settings."""
    return urllib.request.getproxies()


def _bypassed(address: Address, proxies: Mapping[str, str]) -> bool:
    """`no_proxy`, as everything that is built on the standard library reads it."""
    host = f"{address.host.strip('[]')}:{address.port}"
    return bool(urllib.request.proxy_bypass_environment(host, dict(proxies)))  # type: ignore[attr-defined]  # not in typeshed


def _head(response: httpx.Response) -> Head:
    return Head(response.status_code, dict(response.headers))


def _broken(error: Exception) -> Broken:
    """Tell the failures apart by their cause: httpx-aiohttp calls a refused connection and a reset one alike ConnectTimeout."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    detail = _said(cause)
    unsent = isinstance(cause, (*NEVER_CONNECTED, aiohttp.InvalidURL))
    return Broken(detail, sent=not unsent, transient=not isinstance(cause, HOPELESS))


def _said(cause: Exception) -> str:
    """Name the failure in our words: the library's may hold the whole address."""
    for kind, words in WORDS:
        if isinstance(cause, kind):
            return words
    if isinstance(cause, aiohttp.ClientConnectorError):
        return f"no connection ({cause.os_error.strerror or type(cause.os_error).__name__})"
    return f"the connection broke ({type(cause).__name__})"
