"""The HTTP edge: the one client of the process, and what a connector holds of it.

It limits size and time, waits and retries as servers ask, keeps away from hosts that asked to be left alone, goes to allowed hosts
only, and keeps credentials to their own origin. 304 comes out as `NotModified`, never as a body.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urljoin

from connectors._address import Address, NoAddress, allows, split_credentials, under
from connectors._gate import UNSAID, Gates, asked_wait, rate_limited
from connectors._reading import Read, Received, Unreadable, document, file
from connectors._transport import Ask, Broken, Wire, system_proxies
from monitor.domain.evidence import Evidence
from monitor.ports import (
    Clock,
    Denied,
    Downloaded,
    Malformed,
    NotFound,
    SourceError,
    Unavailable,
    Validator,
    Validators,
)

T = TypeVar("T")

MAX_REDIRECTS = 5
TOTAL_SECONDS = 120.0
"""For one exchange with its body: a server that sends a byte now and then gets no more than that."""
DOWNLOAD_SECONDS = 900.0
BACKOFF_SECONDS = 0.5
"""Before the second attempt, twice that before the third, and so on, times 0.7 to 1.3."""
MAX_TAG = 1024
"""Characters of an ETag that is kept."""

NOT_MODIFIED = 304
REDIRECTS = frozenset({301, 302, 303, 307, 308})
GONE = frozenset({404, 410})
REFUSED = frozenset({401, 403, 407, 429, 451})
AGAIN = frozenset({408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
ANY_STATUS = range(1000)


class NotSent(Unavailable):
    """The request surely did not reach the server."""


class NotModified:
    """The server says that what was validated still stands."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Header names are lower-case; `url` is where it came from in the end, fit to be shown.

    `validator.key` is the address that was asked, before any redirect, and the form; both its values are empty where the server gave none.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    evidence: Evidence
    validator: Validator
    wait: float | None = None  # seconds that the server asks us to stay away, at most a day; None: it does not


class Http:
    """The client that all connectors of a process share; implements `monitor.ports.Edge`.

    `timeout` (seconds) is for connecting and each read; `max_wait` (seconds) the longest wait between two of `attempts`: a host that
    asks for more has its gate closed, and everything after it fails at once. `gates` come from the process before.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        clock: Clock,
        gates: Mapping[str, datetime] | None = None,
        per_host: int = 8,
        timeout: float = 20.0,
        max_body: int = 64 * 2**20,
        attempts: int = 3,
        max_wait: float = 60.0,
        proxies: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.user_agent = user_agent
        self.clock = clock
        self.per_host = per_host
        self.max_body = max_body
        self.attempts = attempts
        self.max_wait = max_wait
        self.closed = Gates(clock, dict(gates or {}))
        self.sleep = sleep
        self.jitter = jitter
        self._wire = Wire(timeout, system_proxies() if proxies is None else proxies)
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._sessions = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        """Open the connections; sessions of one event loop may overlap, and share them."""
        if self._sessions == 0:
            await self._wire.open()
        self._sessions += 1
        try:
            yield
        finally:
            self._sessions -= 1
            if self._sessions == 0:
                self._slots.clear()
                await self._wire.close()

    def gates(self) -> Mapping[str, datetime]:
        """Return the hosts (`host` or `host:port`) that are closed now, and until when."""
        return self.closed.still_closed()

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
        return Client(self, source, Address.parse(url), allowed, own, secret_path=secret_path)

    async def exchange(self, ask: Ask, read: Read[T], *, total: float) -> Received[T]:
        """Make one exchange when the host has a free slot. Raises `Broken` and `Unreadable`."""
        if self._sessions == 0:
            raise RuntimeError("the HTTP edge is used outside of its session")
        slot = self._slots.setdefault(ask.address.authority, asyncio.Semaphore(self.per_host))
        async with slot:
            return await self._wire.exchange(ask, read, total=total)

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after that attempt, counted from 1, where the server asks for nothing."""
        return float(BACKOFF_SECONDS * 2 ** (attempt - 1) * (0.7 + 0.6 * self.jitter()))


@dataclass(frozen=True, slots=True)
class Client:
    """What a connector holds: the edge, bound to one source. Addresses are paths under the base, or absolute ones of allowed hosts."""

    edge: Http
    source: str
    base: Address
    hosts: frozenset[str]
    headers: Mapping[str, str] = field(repr=False)
    secret_path: bool = False

    def key(self, path_or_url: str, *, accept: str = "application/json") -> str:
        """Return the key under which the validator of that address and form is kept. Raises `Malformed`."""
        return _key(self._resolve(path_or_url), accept)

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
        address = self._resolve(path_or_url)
        key = _key(address, accept)
        conditions = _conditions(key, validator or (known or {}).get(key))
        headers = {"accept": accept, "accept-encoding": "gzip"} | conditions
        where, received = await self._follow(Ask("GET", address, headers), self._reader(limit, also), TOTAL_SECONDS)
        if received.head.status == NOT_MODIFIED and conditions:
            return NotModified()
        return self._response(where, key, received)

    async def post_query(
        self, path: str, body: bytes, *, limit: int | None = None, also: Collection[int] = ()
    ) -> Response:
        """Ask by an idempotent POST of JSON: retried, and failing, like `get`. Redirects are `Malformed`."""
        headers = {"accept": "application/json", "accept-encoding": "gzip", "content-type": "application/json"}
        address = self._resolve(path)
        received = await self._attempts(Ask("POST", address, headers, body), self._reader(limit, also), TOTAL_SECONDS)
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
        address = self._resolve(path)
        if (until := self.edge.closed.until(address.authority)) is not None:
            raise NotSent(self.source, _closed(address, until))
        headers = {"accept": accept, "accept-encoding": "gzip"} | (
            {} if body is None else {"content-type": content_type}
        )
        ask = Ask(method, address, self._with_own(address, headers), body, fresh=True)
        try:
            received = await self.edge.exchange(ask, self._reader(limit, ANY_STATUS), total=TOTAL_SECONDS)
        except Broken as error:
            kind = Unavailable if error.sent else NotSent
            raise kind(self.source, f"{self._shown(address)}: {error}") from error
        except Unreadable as error:
            raise Unavailable(
                self.source, f"{self._shown(address)} {error}, to what it may have carried out"
            ) from error
        self._refused_rate(address, received)
        return self._response(address, _key(address, accept), received)

    async def download(self, url: str, *, limit: int) -> Downloaded:
        """Stream a file of up to `limit` bytes through sha256, sha512 and sha1, as the server keeps it. Raises as `get`."""
        # No encoding is asked for, and none undone: servers that label a .tar.gz as gzip would have another file hashed.
        ask = Ask("GET", self._resolve(url), {"accept": "*/*", "accept-encoding": "identity"})
        where, received = await self._follow(ask, file(limit), DOWNLOAD_SECONDS)
        return self._content(where, received)

    async def _follow(self, ask: Ask, read: Read[T], total: float) -> tuple[Address, Received[T]]:
        """Follow redirects by hand: each hop is checked, counted, and gets only the headers that are its own."""
        for _ in range(MAX_REDIRECTS + 1):
            received = await self._attempts(ask, read, total)
            location = received.head.headers.get("location")
            if received.content is not None or received.head.status not in REDIRECTS or location is None:
                return ask.address, received
            ask = replace(ask, address=self._checked(ask.address, location))
        raise Malformed(self.source, f"{self._shown(ask.address)} redirects more than {MAX_REDIRECTS} times")

    async def _attempts(self, ask: Ask, read: Read[T], total: float) -> Received[T]:
        """Ask until there is an answer to return; the last attempt's failure is raised.

        A loop of our own, because the retrying transports sleep by themselves: tests own time here, and a wait that is too long has to
        close the host's gate instead.
        """
        ask = replace(ask, headers=self._with_own(ask.address, ask.headers))
        for attempt in range(1, self.edge.attempts + 1):
            if (until := self.edge.closed.until(ask.address.authority)) is not None:
                raise Denied(self.source, _closed(ask.address, until))
            try:
                received = await self.edge.exchange(ask, read, total=total)
            except Broken as error:
                failure: SourceError = Unavailable(self.source, f"{self._shown(ask.address)}: {error}")
                failure.__cause__ = error
                wait = self.edge.backoff(attempt) if error.transient else None
            except Unreadable as error:
                raise Malformed(self.source, f"{self._shown(ask.address)} {error}") from error
            else:
                if received.content is not None:
                    return received
                problem = self._refused_rate(ask.address, received) or self._fault(ask.address, received, attempt)
                if problem is None:
                    return received
                failure, wait = problem
            if wait is None or attempt == self.edge.attempts:
                raise failure
            await self.edge.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _refused_rate(self, address: Address, received: Received[T]) -> tuple[SourceError, float | None] | None:
        """Return the refusal of our rate and how long to wait (None: too long, and the gate is closed); None where it is none."""
        head = received.head
        text = received.content if isinstance(received.content, bytes) else received.refusal
        if not rate_limited(head.status, head.headers, text):
            return None
        asked = asked_wait(head.headers, self.edge.clock())
        wait = UNSAID if asked is None else asked
        if wait <= self.edge.max_wait:
            return Denied(self.source, f"{self._shown(address)} refuses our rate ({head.status})"), wait
        until = self.edge.closed.close(address.authority, wait)
        return Denied(self.source, f"{head.status}: {_closed(address, until)}"), None

    def _fault(self, address: Address, received: Received[T], attempt: int) -> tuple[SourceError, float | None] | None:
        """Return a fault of the server's own and how long to wait (None: not worth it); None where the answer is no fault."""
        status = received.head.status
        if status < 500 and status not in AGAIN:  # noqa: PLR2004  (the class of server errors)
            return None
        failure = Unavailable(self.source, f"{self._shown(address)} answered {status}")
        asked = asked_wait(received.head.headers, self.edge.clock())
        wait = self.edge.backoff(attempt) if asked is None else asked
        return failure, wait if status in AGAIN and wait <= self.edge.max_wait else None

    def _content(self, address: Address, received: Received[T]) -> T:
        """Return what was wanted, or raise what the status means."""
        if received.content is not None:
            return received.content
        shown, status = self._shown(address), received.head.status
        if status in GONE:
            raise NotFound(self.source, f"{shown} is not there ({status})")
        if status in REFUSED:
            raise Denied(self.source, f"{shown} refuses us ({status})")
        if status == NOT_MODIFIED:
            raise Malformed(self.source, f"{shown} answered 304 to an unconditional request")
        raise Malformed(self.source, f"{shown} answered {status}")

    def _response(self, address: Address, key: str, received: Received[bytes]) -> Response:
        body, headers, now = self._content(address, received), received.head.headers, self.edge.clock()
        shown = self._shown(address)
        return Response(
            received.head.status,
            headers,
            body,
            shown,
            Evidence(shown, sha256(body).hexdigest(), now, body),
            Validator(key, _tag(headers.get("etag", "")), _tag(headers.get("last-modified", ""))),
            asked_wait(headers, now),
        )

    def _reader(self, limit: int | None, also: Collection[int]) -> Read[bytes]:
        return document(self.edge.max_body if limit is None else limit, also=also)

    def _with_own(self, address: Address, headers: Mapping[str, str]) -> Mapping[str, str]:
        own = self.headers if address.origin == self.base.origin else {}
        return {"user-agent": self.edge.user_agent, **own, **headers}

    def _resolve(self, path_or_url: str) -> Address:
        if path_or_url.startswith(("https://", "http://")):
            return self._checked(self.base, path_or_url)
        try:
            return under(self.base, path_or_url)
        except NoAddress as error:
            raise Malformed(self.source, f"{error} was to be asked") from error

    def _checked(self, near: Address, location: str) -> Address:
        try:
            address = Address.parse(urljoin(str(near), location))
        except ValueError as error:  # NoAddress, or urljoin's own
            reason = error if isinstance(error, NoAddress) else "an address that cannot be read"
            raise Malformed(self.source, f"{self._shown(near)} leads to {reason}") from error
        if not allows(self.base, self.hosts, address):
            raise Malformed(self.source, f"{self._shown(near)} leads to {address.origin}, which is not an allowed host")
        return address

    def _shown(self, address: Address) -> str:
        return address.origin if self.secret_path else address.shown


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


def _closed(address: Address, until: datetime) -> str:
    return f"{address.authority} asked to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC"
