"""Asking one source: which addresses, with which headers, how often, and what a refusal means.

Client (`_http`) says what is wanted; this says how it is asked for, and turns everything but the wanted answer into one of the four errors.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import urljoin

from connectors._edge.address import Address, NoAddress, allows, under
from connectors._edge.gate import UNSAID, Gates, asked_wait, rate_limited
from connectors._edge.reading import Read, Received, Unreadable
from connectors._edge.transport import Ask, Broken, Wire
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import Clock

T = TypeVar("T")

MAX_REDIRECTS = 5
BACKOFF_SECONDS = 0.5
"""Before the second attempt, twice that before the third, and so on, times 0.7 to 1.3."""

ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
NOT_MODIFIED = 304
REDIRECTS = frozenset({301, 302, 303, 307, 308})
GONE = frozenset({404, 410})
REFUSED = frozenset({401, 403, 407, 429, 451})
AGAIN = frozenset({408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})


class Closed(Exception):
    """The host's gate is closed: nothing was sent."""

    def __init__(self, address: Address, until: datetime) -> None:
        """Name the host and the time."""
        super().__init__(f"{address.authority} asked to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC")


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that failed, and how many seconds to wait before the next."""

    error: SourceError
    wait: float | None  # None: another attempt is not worth it


@dataclass(frozen=True, slots=True)
class Manners:
    """How the process behaves towards all hosts; shared by all sources. Waits in seconds; `jitter` returns 0 to 1."""

    user_agent: str
    clock: Clock
    gates: Gates
    wire: Wire
    per_host: int
    attempts: int
    max_wait: float
    sleep: Callable[[float], Awaitable[object]]
    jitter: Callable[[], float]
    slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    async def exchange(self, ask: Ask, read: Read[T], *, total: float) -> Received[T]:
        """Make one exchange when the host has a free slot. Raises `Closed`, `Broken` and `Unreadable`."""
        slot = self.slots.setdefault(ask.address.authority, asyncio.Semaphore(self.per_host))
        async with slot:
            # After the queue, not before it: those who waited have to hear that the gate was closed meanwhile.
            if (until := self.gates.until(ask.address.authority)) is not None:
                raise Closed(ask.address, until)
            return await self.wire.exchange(ask, read, total=total)

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after that attempt, counted from 1, where the server asks for nothing."""
        return float(BACKOFF_SECONDS * 2 ** (attempt - 1) * (0.7 + 0.6 * self.jitter()))


@dataclass(frozen=True, slots=True)
class Asking:
    """One source's way of asking. `headers` hold credentials: they go to the base's origin only."""

    manners: Manners
    source: str
    base: Address
    hosts: frozenset[str]
    headers: Mapping[str, str] = field(repr=False)
    secret_path: bool

    async def follow(self, ask: Ask, read: Read[T], total: float) -> tuple[Address, Received[T]]:
        """Follow redirects by hand: each hop is checked, counted, and gets only the headers that are its own."""
        for _ in range(MAX_REDIRECTS + 1):
            received = await self.persist(ask, read, total)
            location = received.head.headers.get("location")
            if received.content is not None or received.head.status not in REDIRECTS or location is None:
                return ask.address, received
            ask = replace(ask, address=self._checked(ask.address, location))
        raise Malformed(self.source, f"{self.shown(ask.address)} redirects more than {MAX_REDIRECTS} times")

    async def persist(self, ask: Ask, read: Read[T], total: float) -> Received[T]:
        """Ask until there is an answer to return; the last attempt's failure is raised.

        A loop of our own, because the retrying transports sleep by themselves: tests own time here, and a wait that is too long has to
        close the host's gate instead.
        """
        ask = replace(ask, headers=self.with_own(ask.address, ask.headers))
        attempt = 1
        while isinstance(outcome := await self._attempt(ask, read, total, attempt), Failed):
            if outcome.wait is None or attempt >= self.manners.attempts:
                raise outcome.error from outcome.error.__cause__
            await self.manners.sleep(outcome.wait)
            attempt += 1
        return outcome

    async def _attempt(self, ask: Ask, read: Read[T], total: float, attempt: int) -> Received[T] | Failed:
        shown = self.shown(ask.address)
        try:
            received = await self.manners.exchange(ask, read, total=total)
        except Closed as error:
            raise Denied(self.source, str(error)) from error
        except Unreadable as error:
            raise Malformed(self.source, f"{shown} {error}") from error
        except Broken as error:
            failure = Unavailable(self.source, f"{shown}: {error}")
            failure.__cause__ = error
            return Failed(failure, self.manners.backoff(attempt) if error.transient else None)
        if (refused := self.refused_rate(ask.address, received)) is not None:
            return refused
        status = received.head.status
        if received.content is not None or (status < 500 and status not in AGAIN):  # noqa: PLR2004  (the class of server errors)
            return received
        asked = asked_wait(received.head.headers, self.manners.clock())
        wait = self.manners.backoff(attempt) if asked is None else asked
        patient = status in AGAIN and wait <= self.manners.max_wait
        return Failed(Unavailable(self.source, f"{shown} answered {status}"), wait if patient else None)

    def refused_rate(self, address: Address, received: Received[T]) -> Failed | None:
        """Return the refusal of our rate, after closing the host's gate if the wait is too long; None where the answer is none."""
        head = received.head
        text = received.content if isinstance(received.content, bytes) else received.refusal
        if not rate_limited(head.status, head.headers, text):
            return None
        asked = asked_wait(head.headers, self.manners.clock())
        wait = UNSAID if asked is None else asked
        if wait <= self.manners.max_wait:
            return Failed(Denied(self.source, f"{self.shown(address)} refuses our rate ({head.status})"), wait)
        until = self.manners.gates.close(address.authority, wait)
        return Failed(Denied(self.source, f"{head.status}: {Closed(address, until)}"), None)

    def content(self, address: Address, received: Received[T]) -> T:
        """Return what was wanted, or raise what the status means."""
        if received.content is not None:
            return received.content
        shown, status = self.shown(address), received.head.status
        if status in GONE:
            raise NotFound(self.source, f"{shown} is not there ({status})")
        if status in REFUSED:
            raise Denied(self.source, f"{shown} refuses us ({status})")
        if status == NOT_MODIFIED:
            raise Malformed(self.source, f"{shown} answered 304 to an unconditional request")
        raise Malformed(self.source, f"{shown} answered {status}")

    def with_own(self, address: Address, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Add what every request carries, and the credentials where they belong."""
        own = self.headers if address.origin == self.base.origin else {}
        return {"user-agent": self.manners.user_agent, **own, **headers}

    def resolve(self, path_or_url: str) -> Address:
        """Return the address of a path under the base, or of an absolute address that is allowed. Raises `Malformed`."""
        if ABSOLUTE.match(path_or_url):
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
            raise Malformed(self.source, f"{self.shown(near)} leads to {reason}") from error
        if not allows(self.base, self.hosts, address):
            raise Malformed(self.source, f"{self.shown(near)} leads to {address.origin}, which is not an allowed host")
        return address

    def shown(self, address: Address) -> str:
        """Return the address as people and the store may see it."""
        return address.origin if self.secret_path else address.shown
