"""The HTTP edge: the one client of the process, and what a connector holds of it.

It limits size and time, waits and retries as servers ask, keeps away from hosts that asked to be left alone, goes to allowed hosts
only, and keeps credentials to their own origin. 304 comes out as `NotModified`, never as a body.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from connectors._edge.address import Address, split_credentials
from connectors._edge.asking import NOT_MODIFIED, Asking, Closed, Manners
from connectors._edge.gate import Gates, asked_wait
from connectors._edge.reading import Read, Received, Take, Unreadable, document, file, parts
from connectors._edge.transport import Ask, Broken, Wire, system_proxies
from monitor.domain.evidence import Evidence
from monitor.ports.errors import Unavailable
from monitor.ports.sources import Clock, Downloaded, Validator, Validators

DOWNLOAD_SECONDS = 900.0
"""For one file: a server that sends a byte now and then gets no more than that."""
MAX_TAG = 1024
"""Characters of an ETag that is kept."""
ANY_STATUS = range(1000)


class NotSent(Unavailable):
    """The request surely did not reach the server."""


class NotModified:
    """The server says that what was validated still stands."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Header names are lower-case; `url` is where it came from in the end, fit to be shown.

    `address` is that as a whole, to resolve what is relative to it: it may hold secrets.
    `validator.key` is the address that was asked, before any redirect, and the form; both its values are empty where the server gave none.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    evidence: Evidence
    validator: Validator
    address: str = field(repr=False)
    wait: float | None = None  # seconds that the server asks us to stay away, at most a day; None: it does not


class Http:
    """The client that all connectors of a process share; implements `monitor.ports.Edge`.

    `timeout` (seconds) is for connecting and each read, `total` for an exchange with its body. `max_wait` (seconds) is the longest wait
    between two of `attempts`: a host that asks for more has its gate closed, and everything after it fails at once. `gates` come from
    the process before.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        clock: Clock,
        gates: Mapping[str, datetime] | None = None,
        per_host: int = 8,
        timeout: float = 20.0,
        total: float = 120.0,
        max_body: int = 64 * 2**20,
        max_download: int = 512 * 2**20,
        attempts: int = 3,
        max_wait: float = 60.0,
        proxies: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._manners = Manners(
            user_agent=user_agent,
            clock=clock,
            gates=Gates(clock, dict(gates or {})),
            wire=Wire(timeout, system_proxies() if proxies is None else proxies),
            per_host=per_host,
            attempts=attempts,
            max_wait=max_wait,
            sleep=sleep,
            jitter=jitter,
        )
        self._max_body = max_body
        self._max_download = max_download
        self._total = total
        self._sessions = 0

    @property
    def clock(self) -> Clock:
        """The time of the process, for what a connector reads from elsewhere."""
        return self._manners.clock

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Open the connections; sessions of one event loop may overlap, and share them."""
        if self._sessions == 0:
            await self._manners.wire.open()
        self._sessions += 1
        try:
            yield
        finally:
            self._sessions -= 1
            if self._sessions == 0:
                self._manners.slots.clear()
                await self._manners.wire.close()

    def gates(self) -> Mapping[str, datetime]:
        """Return the hosts (`host` or `host:port`) that are closed now, and until when."""
        return self._manners.gates.still_closed()

    def close(self, gates: Mapping[str, datetime]) -> None:
        """Ask nothing of these hosts before their time."""
        for host, until in gates.items():
            self._manners.gates.close_until(host, until)

    def client(
        self,
        source: str,
        *,
        base: str,
        hosts: Collection[str] = (),
        headers: Mapping[str, str] | None = None,
        secret_path: bool = False,
    ) -> "Client":
        """Return what a connector holds. `source` is its name in errors; `headers` go to the base's origin and nowhere else.

        `hosts`: further hosts (`host`, or `host:port`) to which redirects and absolute addresses may go. Credentials in `base` become
        a header. `secret_path`: the base's path is a secret (a webhook), and is never shown. Raises ValueError for a base that is none.
        """
        url, authorization = split_credentials(base)
        own = {name.lower(): value for name, value in (headers or {}).items()}
        if authorization is not None:
            own.setdefault("authorization", authorization)
        allowed = frozenset(host.lower() for host in hosts)
        asking = Asking(self._manners, source, Address.parse(url), allowed, own, secret_path=secret_path)
        return Client(asking, self._max_body, self._max_download, self._total)


@dataclass(frozen=True, slots=True)
class Client:
    """What a connector holds: the edge, bound to one source. Addresses are paths under the base, or absolute ones of allowed hosts."""

    _asking: Asking
    _max_body: int
    _max_download: int
    _total: float

    def key(self, path_or_url: str, *, accept: str = "application/json") -> str:
        """Return the key under which the validator of that address and form is kept. Raises `Malformed`."""
        return _key(self._asking.resolve(path_or_url), accept)

    async def get(
        self,
        path_or_url: str,
        *,
        accept: str = "application/json",
        validator: Validator | None = None,
        known: Validators | None = None,
        limit: int | None = None,
        also: Collection[int] = (),
    ) -> Response | NotModified:
        """Fetch a document of up to `limit` bytes; conditional on `validator`, or on the one in `known` for this address and form.

        A status of 400 or above is returned only if it is in `also`. Raises `Unavailable` (after the retries), `Denied`, `NotFound`
        (404, 410) and `Malformed` (too large, a foreign redirect, a 304 to an unconditional request, any other status).
        """
        address = self._asking.resolve(path_or_url)
        key = _key(address, accept)
        conditions = _conditions(key, validator or (known or {}).get(key))
        headers = {"accept": accept, "accept-encoding": "gzip"} | conditions
        where, received = await self._asking.follow(
            Ask("GET", address, headers), self._reader(limit, also), self._total
        )
        if received.head.status == NOT_MODIFIED and conditions:
            return NotModified()
        return self._response(where, key, received)

    async def post_query(
        self, path: str, body: bytes, *, limit: int | None = None, also: Collection[int] = ()
    ) -> Response:
        """Ask by an idempotent POST of JSON: retried, and failing, like `get`. Redirects are `Malformed`."""
        headers = {"accept": "application/json", "accept-encoding": "gzip", "content-type": "application/json"}
        address = self._asking.resolve(path)
        received = await self._asking.persist(
            Ask("POST", address, headers, body), self._reader(limit, also), self._total
        )
        return self._response(address, _key(address, headers["accept"]), received)

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        limit: int | None = None,
    ) -> Response:
        """Make ONE attempt at something that must not happen twice; any status is returned, redirects are not followed.

        Raises `NotSent` when the request surely did not reach the server (no connection, closed gate), `Unavailable` when it may have.
        A rate limit is returned like any status, with its `wait`; a long one also closes the gate for what comes after.
        """
        asking, address = self._asking, self._asking.resolve(path)
        headers = {"accept": accept, "accept-encoding": "gzip"} | (
            {} if body is None else {"content-type": content_type}
        )
        ask = Ask(method, address, asking.with_own(address, headers), body, fresh=True)
        try:
            received = await asking.manners.exchange(ask, self._reader(limit, ANY_STATUS), total=self._total)
        except Closed as error:
            raise NotSent(asking.source, str(error)) from error
        except Broken as error:
            kind = Unavailable if error.sent else NotSent
            raise kind(asking.source, f"{asking.shown(address)}: {error}") from error
        except Unreadable as error:
            detail = f"{asking.shown(address)} {error}, to what it may have carried out"
            raise Unavailable(asking.source, detail) from error
        asking.refused_rate(address, received)
        return self._response(address, _key(address, accept), received)

    async def download(self, url: str, *, limit: int, size: int | None = None) -> Downloaded:
        """Stream a file of up to `limit` bytes through sha256, sha512 and sha1, as the server keeps it. Raises as `get`.

        `Unavailable` also for a success other than 200, and for a body that broke off: shorter than its answer announces, or, where
        that announces nothing, than `size` (bytes, as the source says; None: unknown).
        """
        # No encoding is asked for, and none undone: servers that label a .tar.gz as gzip would have another file hashed.
        ask = Ask("GET", self._asking.resolve(url), {"accept": "*/*", "accept-encoding": "identity"})
        where, received = await self._asking.follow(ask, file(min(limit, self._max_download), size), DOWNLOAD_SECONDS)
        return self._asking.content(where, received)

    async def stream(self, path_or_url: str, begin: Callable[[], Take], *, limit: int) -> Mapping[str, str]:
        """Hand a file of up to `limit` bytes on, part by part and as the server keeps it, and return the headers (lower-case names).

        `begin` is called for each attempt and makes what takes the parts; that ends the exchange with False when it has enough of them.
        Raises as `download`, and what the taker raises.
        """
        ask = Ask("GET", self._asking.resolve(path_or_url), {"accept": "*/*", "accept-encoding": "identity"})
        where, received = await self._asking.follow(ask, parts(limit, begin), DOWNLOAD_SECONDS)
        self._asking.content(where, received)
        return received.head.headers

    def _response(self, address: Address, key: str, received: Received[bytes]) -> Response:
        body, shown = self._asking.content(address, received), self._asking.shown(address)
        headers, now = received.head.headers, self._asking.manners.clock()
        return Response(
            received.head.status,
            headers,
            body,
            shown,
            Evidence(shown, sha256(body).hexdigest(), now, body),
            Validator(key, _tag(headers.get("etag", "")), _tag(headers.get("last-modified", ""))),
            str(address),
            asked_wait(headers, now),
        )

    def _reader(self, limit: int | None, also: Collection[int]) -> Read[bytes]:
        return document(self._max_body if limit is None else limit, also=also)


def _key(address: Address, accept: str) -> str:
    return f"{address}\x1f{accept}"


def _conditions(key: str, validator: Validator | None) -> dict[str, str]:
    """A validator of another address or form would make the server confirm what we do not hold."""
    if validator is None or validator.key != key:
        return {}
    headers = {"if-none-match": validator.etag, "if-modified-since": validator.last_modified}
    return {name: value for name, value in headers.items() if value}


def _tag(text: str) -> str:
    """What cannot be sent back as a header is no validator."""
    return text if len(text) <= MAX_TAG and text.isascii() and text.isprintable() else ""
