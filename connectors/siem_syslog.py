"""A syslog receiver: RFC 5424 messages over TCP (RFC 6587, octets counted) or TLS (RFC 5425).

It knows whether the connection was there, and nothing of what the receiver did: syslog has no answers. So each event carries its own id,
and one whose connection broke is sent again.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from monitor.domain.action import Ambiguous, Deferred, Delivered, Delivery, SendEvent
from monitor.domain.text import one_line
from monitor.ports.channels import EventSink
from monitor.ports.errors import Unavailable

LOCAL0, BOM = 16, b"\xef\xbb\xbf"
SYSLOG = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}
"""OCSF's severity -> syslog's; anything else is a notice."""
SECONDS, AGAIN = 10.0, 60.0


class Head(msgspec.Struct, frozen=True):
    """What syslog wants to know of an event."""

    time: int
    severity_id: int = 0
    class_uid: int = 0


HEAD = msgspec.json.Decoder(Head)


@dataclass(frozen=True, slots=True)
class Syslog:
    """One receiver; a connection for each event."""

    name: str
    host: str
    port: int
    context: ssl.SSLContext | None
    own_host: str

    async def send(self, event: SendEvent) -> Delivery:
        """Send one message. What was written to a connection that then broke may have arrived."""
        try:
            _, writer = await asyncio.wait_for(self._connect(), SECONDS)
        except (OSError, TimeoutError) as error:
            return Deferred(f"{self.host}:{self.port}: {_why(error)}", AGAIN)
        try:
            message = _message(event.event, self.own_host)
            writer.write(str(len(message)).encode() + b" " + message)
            await asyncio.wait_for(writer.drain(), SECONDS)
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), SECONDS)
        except (OSError, TimeoutError) as error:
            return Ambiguous(f"{self.host}:{self.port}: {_why(error)}")
        finally:
            writer.close()
        return Delivered("")

    async def probe(self) -> str:
        """Connect, and send nothing."""
        try:
            _, writer = await asyncio.wait_for(self._connect(), SECONDS)
        except (OSError, TimeoutError) as error:
            raise Unavailable(self.name, f"{self.host}:{self.port}: {_why(error)}") from error
        writer.close()
        how = "TLS" if self.context else "TCP, which anybody on the way can read and change"
        return f"siem: events go to {self.host}:{self.port} by syslog over {how}"

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = self.host if self.context else None
        return await asyncio.open_connection(self.host, self.port, ssl=self.context, server_hostname=name)


def build(*, name: str, host: str, port: int, tls: bool, ca: Path | None = None) -> EventSink:
    """Build from the configuration; `ca` holds the certificates that are trusted in place of the system's. Raises OSError."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None) if tls else None
    return Syslog(name, host, port, context, _word(socket.gethostname()))


def _message(event: str, own_host: str) -> bytes:
    """Write `<PRI>1 TIME HOST APP PROCID MSGID SD MSG`; the event is the message."""
    head = HEAD.decode(event)
    priority = LOCAL0 * 8 + SYSLOG.get(head.severity_id, 5)
    seconds, milliseconds = divmod(head.time, 1000)
    time = f"{_utc(seconds)}.{milliseconds:03d}Z"
    return f"<{priority}>1 {time} {own_host} mcp-monitor - ocsf-{head.class_uid} - ".encode() + BOM + event.encode()


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _word(text: str) -> str:
    return "".join(letter for letter in text if "!" <= letter <= "~")[:255] or "-"


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {one_line(error.verify_message, 200)}"
    return one_line(str(error), 200) or f"no answer within {SECONDS:.0f} s"
