"""Slack: alerts through a bot token (chat.postMessage) or through incoming webhooks.

It knows: whether a message arrived, and (bot only) which messages of a channel carry our key in their metadata.
It does not know: idempotency keys. A webhook answers `ok` and nothing else, so that a doubtful delivery through it stays in doubt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import msgspec

from connectors._edge.address import Address
from connectors._edge.transport import system_proxies
from connectors._markup.slack_blocks import blocks, fallback, summary
from connectors._slack_answers import (
    AGAIN,
    CONTENT,
    CREDENTIALS,
    DOUBTFUL,
    OK,
    SOON,
    UNREADABLE,
    WAYS_OUT,
    accepted,
    named,
    refused,
)
from connectors._slack_wire import Answer, Doubtful, Unsent, Wire
from monitor.domain.action import Ambiguous, Deferred, Delivered, Delivery, Rejected, SendAlert, UpdateAlert
from monitor.domain.text import one_line
from monitor.ports.channels import AlertChannel
from monitor.ports.errors import Denied, Malformed, Unavailable

T = TypeVar("T")

API = "https://slack.com/api/"
EVENT_TYPE = "mcp_monitor_alert"

HISTORY_PAGES, HISTORY_PAGE = 5, 200
"""How far back a doubtful message is looked for: it was sent minutes ago."""


class Posted(msgspec.Struct, frozen=True):
    """The answer of chat.postMessage: `ts` is the message's id in its channel."""

    ts: str


class Message(msgspec.Struct, frozen=True):
    """A message in the history; other apps write metadata of their own."""

    ts: str
    metadata: dict[str, object] | None = None


class Paging(msgspec.Struct, frozen=True):
    """Where the next page is."""

    next_cursor: str = ""


class History(msgspec.Struct, frozen=True):
    """One page of conversations.history, newest first."""

    messages: list[Message]
    response_metadata: Paging | None = None


class Identity(msgspec.Struct, frozen=True):
    """The answer of auth.test."""

    user: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Bot:
    """Posts with a bot token. `channels`: our channel's name -> Slack's channel id."""

    wire: Wire
    base_url: str
    token: str = field(repr=False)
    channels: Mapping[str, str]

    @property
    def name(self) -> str:
        """`slack`."""
        return "slack"

    async def send(self, alert: SendAlert, *, repeat: bool, thread: str = "", link: str = "") -> Delivery:  # noqa: ARG002
        """Post once; once more as plain text when Slack refuses the blocks."""
        channel = self.channels.get(alert.channel)
        if channel is None:
            return _unmapped(alert)
        message = {
            "channel": channel,
            "text": summary(alert, repeat=repeat),
            "blocks": blocks(alert, repeat=repeat),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": alert.key}},
            "unfurl_links": False,
            "unfurl_media": False,
            "link_names": False,
            "mrkdwn": False,
            "parse": "none",
            **({"thread_ts": thread, "reply_broadcast": alert.loud} if thread else {}),
        }
        try:
            answer = await self._call("chat.postMessage", "POST", message)
            if answer.error in CONTENT:
                del message["blocks"]
                message["text"] = fallback(alert, repeat=repeat)
                answer = await self._call("chat.postMessage", "POST", message)
        except Unsent as error:
            return Deferred(f"slack: {error}", SOON)
        except Doubtful as error:
            return Ambiguous(f"slack: {error}")
        if accepted(answer):
            return _posted(answer)
        return refused(answer, alert.channel)

    async def update(self, alert: UpdateAlert, head: str, *, link: str = "") -> Delivery:  # noqa: ARG002
        """Leave it as it is."""
        return Delivered("")

    async def find(self, alert: SendAlert) -> str | None:
        """Look through the channel's newest messages for our key. Raises `Unavailable`, `Denied` and `Malformed`."""
        channel = self.channels.get(alert.channel)
        cursor = ""
        for _ in range(HISTORY_PAGES if channel else 0):
            arguments = {"channel": channel, "limit": HISTORY_PAGE, "include_all_metadata": True, "cursor": cursor}
            answer = await self._ask("conversations.history", "GET", arguments, unless=UNREADABLE)
            if answer.error:
                return None
            page = _read(answer, History)
            for message in page.messages:
                if _carries(message, alert.key):
                    return message.ts
            cursor = page.response_metadata.next_cursor if page.response_metadata else ""
            if not cursor:
                break
        return None

    async def probe(self) -> str:
        """Ask who we are, then read each channel. A channel that Slack does not know is `Denied`."""
        identity = _read(await self._ask("auth.test", "POST", {}), Identity)
        notes = []
        for name, channel in self.channels.items():
            answer = await self._ask(
                "conversations.history", "GET", {"channel": channel, "limit": 1}, unless=UNREADABLE
            )
            if answer.error == "channel_not_found":
                raise Denied(self.name, f"channel {name} ({channel}): channel_not_found: {WAYS_OUT[answer.error]}")
            if answer.error:
                notes.append(
                    f"{name}: doubtful deliveries cannot be looked up ({answer.error}; needs channels:history)"
                )
        who = f"slack: posts as {one_line(identity.user, 80)} in {one_line(identity.team, 80)} to {len(self.channels)} channel(s)"
        return "; ".join([who, *notes])

    async def _call(self, method: str, verb: Literal["GET", "POST"], arguments: Mapping[str, object]) -> Answer:
        return await self.wire.call(self.base_url, self.token, method, verb, arguments)

    async def _ask(
        self,
        method: str,
        verb: Literal["GET", "POST"],
        arguments: Mapping[str, object],
        *,
        unless: frozenset[str] = frozenset(),
    ) -> Answer:
        """Call something that may be repeated. Raises the errors of ports; an error code in `unless` is returned."""
        try:
            answer = await self._call(method, verb, arguments)
        except (Unsent, Doubtful) as error:
            raise Unavailable(self.name, f"{method}: {error}") from error
        if accepted(answer) or answer.error in unless:
            return answer
        detail = f"{method}: {named(answer)}"
        if answer.status != OK or answer.error in AGAIN | DOUBTFUL:
            raise Unavailable(self.name, detail)
        if not answer.error:
            raise Malformed(self.name, f"{detail}: not an answer of Slack's (a proxy?)")
        raise Denied(self.name, detail + ("" if answer.error not in CREDENTIALS else ": make a new token"))


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Posts to incoming webhooks. `channels`: our channel's name -> the webhook's address, which is a secret."""

    wire: Wire
    channels: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """`slack`."""
        return "slack"

    async def send(self, alert: SendAlert, *, repeat: bool, thread: str = "", link: str = "") -> Delivery:  # noqa: ARG002
        """Post once; once more as plain text when Slack refuses the blocks."""
        url = self.channels.get(alert.channel)
        if url is None:
            return _unmapped(alert)
        quiet: Mapping[str, object] = {"unfurl_links": False, "unfurl_media": False}
        message = {"text": summary(alert, repeat=repeat), "blocks": blocks(alert, repeat=repeat), **quiet}
        try:
            answer = await self.wire.hook(url, message)
            if answer.error in CONTENT:
                answer = await self.wire.hook(url, {"text": fallback(alert, repeat=repeat), **quiet})
        except Unsent as error:
            return Deferred(f"slack: webhook of {alert.channel}: {error}", SOON)
        except Doubtful as error:
            return Ambiguous(f"slack: webhook of {alert.channel}: {error}")
        if answer.status == OK:
            return Ambiguous(f"slack: webhook: {named(answer)}") if answer.error else Delivered("")
        return refused(answer, alert.channel)

    async def update(self, alert: UpdateAlert, head: str, *, link: str = "") -> Delivery:  # noqa: ARG002
        """A webhook knows no updates."""
        return Delivered("")

    async def find(self, alert: SendAlert) -> str | None:  # noqa: ARG002  (the port's question; a webhook has no answer to it)
        """It cannot be told."""
        return None

    async def probe(self) -> str:
        """A webhook can only be tried by posting, so that the line says what was not checked."""
        return f"slack: {len(self.channels)} webhook(s), not tried: only a message would show whether they work"


def build(
    *,
    channels: Mapping[str, str],
    token: str | None = None,
    base_url: str = API,
    proxies: Mapping[str, str] | None = None,
    timeout: float = 20.0,
) -> AlertChannel:
    """Build from the configuration: with a token, `channels` holds channel ids; without one, the addresses of incoming webhooks.

    `proxies` default to the system's. Raises ValueError for an address that is none, without showing it.
    """
    wire = Wire(system_proxies() if proxies is None else proxies, timeout)
    if token is not None:
        Address.parse(base_url)
        return Bot(wire, base_url, token, dict(channels))
    for address in channels.values():
        Address.parse(address)
    return Webhooks(wire, dict(channels))


def _unmapped(alert: SendAlert) -> Rejected:
    return Rejected(f"slack: no channel for {alert.channel!r}: set it under [slack.channels]")


def _posted(answer: Answer) -> Delivery:
    """Accepted is accepted, whatever the rest of the answer looks like."""
    try:
        return Delivered(msgspec.convert(answer.data, Posted).ts)
    except msgspec.ValidationError:
        return Delivered("")


def _carries(message: Message, key: str) -> bool:
    metadata = message.metadata or {}
    payload = metadata.get("event_payload")
    return metadata.get("event_type") == EVENT_TYPE and isinstance(payload, dict) and payload.get("key") == key


def _read(answer: Answer, shape: type[T]) -> T:
    try:
        return msgspec.convert(answer.data, shape)
    except msgspec.ValidationError as error:
        raise Malformed("slack", one_line(str(error), 200)) from error
