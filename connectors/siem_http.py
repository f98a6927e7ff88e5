"""An HTTP collector: one event a request, as it is, or in the envelope that Splunk's collector (HEC) wants.

It knows whether the collector took the event. No collector knows a repetition: each event carries its own id (`metadata.uid`).
https://docs.splunk.com/Documentation/Splunk/latest/Data/HECExamples
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from connectors._edge.http import Client, Http, NotSent
from monitor.domain.action import Ambiguous, Deferred, Delivered, Delivery, Rejected, SendEvent
from monitor.domain.text import one_line
from monitor.ports.channels import EventSink
from monitor.ports.errors import SourceError

Form = Literal["json", "splunk-hec"]
AGAIN = 60.0
"""Seconds."""
ANSWER = 2**16
SUCCESS, BUSY = range(200, 300), frozenset({429, 502, 503, 504})
PERMANENT = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})


class When(msgspec.Struct, frozen=True):
    """Of an event its time, in milliseconds since 1970."""

    time: int


WHEN = msgspec.json.Decoder(When)


@dataclass(frozen=True, slots=True)
class Collector:
    """One address."""

    name: str
    client: Client
    form: Form

    async def send(self, event: SendEvent) -> Delivery:
        """Make one attempt."""
        try:
            answer = await self.client.send("POST", "", self._body(event.event), limit=ANSWER)
        except NotSent as error:
            return Deferred(str(error), AGAIN)
        except SourceError as error:
            return Ambiguous(str(error))
        if answer.status in SUCCESS:
            return Delivered("")
        said = f"HTTP {answer.status}: {one_line(answer.body.decode('utf-8', 'replace'), 200)}"
        if answer.status in BUSY:
            return Deferred(said, answer.wait or AGAIN)
        return Rejected(said) if answer.status in PERMANENT else Ambiguous(said)

    async def probe(self) -> str:
        """A collector can only be tried by an event, so that the line says what was not checked."""
        return f"siem: {self.name} is not tried: only an event would show whether it works"

    def _body(self, event: str) -> bytes:
        if self.form == "json":
            return event.encode()
        seconds = WHEN.decode(event).time / 1000
        envelope = {
            "time": seconds,
            "source": "mcp-monitor",
            "sourcetype": "_json",
            "event": msgspec.Raw(event.encode()),
        }
        return msgspec.json.encode(envelope)


def build(edge: Http, *, name: str, url: str, form: Form, token: str | None) -> EventSink:
    """Build from the configuration. Raises ValueError for an address that is none."""
    scheme = "Splunk" if form == "splunk-hec" else "Bearer"
    headers = {"authorization": f"{scheme} {token}"} if token else {}
    return Collector(name, edge.client(name, base=url, headers=headers), form)
