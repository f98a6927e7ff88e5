"""When a host may be asked again: what its answers ask for, and the gates that keep us to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from monitor.ports.sources import Clock

MAX_WAIT = 86_400.0
"""Seconds. Servers have asked for 292 billion years (a user without quota in Jira Data Center)."""

UNSAID = 60.0
"""Seconds to wait where a rate limit comes without a time: GitHub's documentation on secondary limits."""

NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,6})?")
"""Plain decimal digits only: `float` would also take `nan`, `1e9` and digits of other scripts."""

FORBIDDEN = 403
TOO_MANY = 429


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds the answer asks us to wait (0 to `MAX_WAIT`), None where it asks for nothing that can be read.

    `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), else GitHub's `x-ratelimit-reset` (epoch seconds) once nothing remains.
    """
    if (asked := headers.get("retry-after", "").strip()[:64]) and (wait := _retry_after(asked, now)) is not None:
        return wait
    reset = _number(headers.get("x-ratelimit-reset", ""))
    if reset is None or headers.get("x-ratelimit-remaining", "").strip() != "0":
        return None
    return _clamp(reset - now.timestamp() + 1)


def rate_limited(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the answer refuses our rate: 429, or a 403 that says so by its headers or (GitHub's secondary limits) its text."""
    if status == TOO_MANY:
        return True
    remaining = headers.get("x-ratelimit-remaining", "").strip()
    return status == FORBIDDEN and ("retry-after" in headers or remaining == "0" or b"rate limit" in body.lower())


@dataclass(frozen=True, slots=True)
class Gates:
    """Hosts that asked us to stay away, and until when. A gate opens by itself when its time has come."""

    clock: Clock
    closed: dict[str, datetime] = field(default_factory=dict)

    def until(self, host: str) -> datetime | None:
        """Return until when the host is closed, None where it is open.

        A time further away than `MAX_WAIT` was written by a clock that was wrong, and counts as that much.
        """
        now = self.clock()
        at = self.closed.get(host)
        if at is None or at <= now:
            self.closed.pop(host, None)
            return None
        self.closed[host] = min(at, now + timedelta(seconds=MAX_WAIT))
        return self.closed[host]

    def close(self, host: str, seconds: float) -> datetime:
        """Close the host's gate; one that is closed for longer stays so. Return until when."""
        return self.close_until(host, self.clock() + timedelta(seconds=seconds))

    def close_until(self, host: str, until: datetime) -> datetime:
        """Close the host's gate until then; one that is closed for longer stays so. Return until when."""
        self.closed[host] = max(until, self.closed.get(host, until))
        return self.closed[host]

    def still_closed(self) -> Mapping[str, datetime]:
        """Return the gates to hand to the next process."""
        return {host: at for host in list(self.closed) if (at := self.until(host)) is not None}


def _retry_after(text: str, now: datetime) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return _clamp(seconds)
    try:
        at = parsedate_to_datetime(text)
        return _clamp((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    except (ValueError, OverflowError, LookupError, TypeError):  # the library trips over some texts that are no dates
        return None


def _number(text: str) -> float | None:
    digits = text.strip()
    return float(digits) if NUMBER.fullmatch(digits) else None


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_WAIT)
