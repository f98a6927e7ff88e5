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
from connectors._markup.slack_blocks import MEMBER, Extras, blocks, fallback, summary
from connectors._slack_answers import (
    AGAIN,
    CONTENT,
    CREDENTIALS,
    DOUBTFUL,
    GONE,
    NO_THREAD,
    OK,
    SOON,
    UNREADABLE,
    WAYS_OUT,
    accepted,
    named,
    refused,
)
from connectors._slack_shape import Described, History, Identity, Message, Posted
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


@dataclass(frozen=True, slots=True)
class Bot:
    """Posts with a bot token. `channels`: our channel's name -> Slack's channel id."""

    wire: Wire
    base_url: str
    token: str = field(repr=False)
    channels: Mapping[str, str]
    mentions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Owner -> Slack's ids of who is asked."""
    buttons: bool = False

    @property
    def name(self) -> str:
        """`slack`."""
        return "slack"

    async def send(self, alert: SendAlert, *, repeat: bool, thread: str = "", link: str = "") -> Delivery:
        """Post once; once more as plain text when Slack refuses the blocks, or by itself when the thread is not there."""
        channel = self.channels.get(alert.channel)
        if channel is None:
            return _unmapped(alert)
        members = self.mentions.get(alert.owner, ())
        extras = Extras(repeat, link, members, self.buttons and (alert.begins or alert.loud))
        message = _quiet(channel) | {
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": alert.key}},
            **({"thread_ts": thread, "reply_broadcast": alert.loud} if thread else {}),
        }
        try:
            answer = await self._say("chat.postMessage", message, alert, extras)
            if answer.error in NO_THREAD and thread:
                alone = {key: value for key, value in message.items() if key not in ("thread_ts", "reply_broadcast")}
                answer = await self._say("chat.postMessage", alone, alert, extras)
        except Unsent as error:
            return Deferred(f"slack: {error}", SOON)
        except Doubtful as error:
            return Ambiguous(f"slack: {error}")
        if accepted(answer):
            return _posted(answer)
        return refused(answer, alert.channel)

    async def update(self, alert: UpdateAlert, head: str, *, link: str = "") -> Delivery:
        """Write the message anew. One that is not there any more, or that nobody may change, is left: there is nothing to mend."""
        channel = self.channels.get(alert.channel)
        if channel is None or not head:
            return Delivered("") if channel else _unmapped(alert)
        extras = Extras(link=link, buttons=self.buttons and alert.open)
        try:
            answer = await self._say("chat.update", _quiet(channel) | {"ts": head}, alert, extras)
        except Unsent as error:
            return Deferred(f"slack: {error}", SOON)
        except Doubtful as error:
            return Ambiguous(f"slack: {error}")
        if accepted(answer) or answer.error in GONE:
            return Delivered("")
        return refused(answer, alert.channel)

    async def _say(
        self, method: str, message: Mapping[str, object], alert: SendAlert | UpdateAlert, extras: Extras
    ) -> Answer:
        """Without its layout a message has an explicitly empty one: an update without any would keep the old."""
        laid_out = {**message, "text": summary(alert, extras), "blocks": blocks(alert, extras)}
        answer = await self._call(method, "POST", laid_out)
        if answer.error not in CONTENT:
            return answer
        bare = {**message, "text": fallback(alert, extras)} | ({"blocks": []} if "ts" in message else {})
        return await self._call(method, "POST", bare)

    async def find(self, alert: SendAlert, *, thread: str = "") -> str | None:
        """Look through the thread, or the channel's newest messages, for our key. Raises `Unavailable`, `Denied` and `Malformed`."""
        channel = self.channels.get(alert.channel)
        cursor = ""
        method = "conversations.replies" if thread else "conversations.history"
        for _ in range(HISTORY_PAGES if channel else 0):
            arguments = {"channel": channel, "limit": HISTORY_PAGE, "include_all_metadata": True, "cursor": cursor}
            arguments |= {"ts": thread} if thread else {}
            answer = await self._ask(method, "GET", arguments, unless=UNREADABLE | NO_THREAD)
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
            notes += await self._standing(name, channel)
        who = f"slack: posts as {one_line(identity.user, 80)} in {one_line(identity.team, 80)} to {len(self.channels)} channel(s)"
        return "; ".join([who, *notes])

    async def _standing(self, name: str, channel: str) -> list[str]:
        """Return a note where it cannot be told whether the channel is archived. One that is, is `Denied`: nothing can be posted."""
        answer = await self._ask("conversations.info", "GET", {"channel": channel}, unless=UNREADABLE)
        if answer.error:
            return [f"{name}: whether it is archived cannot be told ({answer.error}; needs channels:read)"]
        if _read(answer, Described).channel.is_archived:
            raise Denied(self.name, f"channel {name} ({channel}): is_archived: {WAYS_OUT['is_archived']}")
        return []

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
    mentions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`slack`."""
        return "slack"

    async def send(self, alert: SendAlert, *, repeat: bool, thread: str = "", link: str = "") -> Delivery:  # noqa: ARG002 (no threads)
        """Post once; once more as plain text when Slack refuses the blocks."""
        url = self.channels.get(alert.channel)
        if url is None:
            return _unmapped(alert)
        quiet: Mapping[str, object] = {"unfurl_links": False, "unfurl_media": False}
        extras = Extras(repeat, link, self.mentions.get(alert.owner, ()))
        message = {"text": summary(alert, extras), "blocks": blocks(alert, extras), **quiet}
        try:
            answer = await self.wire.hook(url, message)
            if answer.error in CONTENT:
                answer = await self.wire.hook(url, {"text": fallback(alert, extras), **quiet})
        except Unsent as error:
            return Deferred(f"slack: webhook of {alert.channel}: {error}", SOON)
        except Doubtful as error:
            return Ambiguous(f"slack: webhook of {alert.channel}: {error}")
        if answer.status == OK:
            return Ambiguous(f"slack: webhook: {named(answer)}") if answer.error else Delivered("")
        return refused(answer, alert.channel)

    async def update(self, alert: UpdateAlert, head: str, *, link: str = "") -> Delivery:  # noqa: ARG002  (the port's)
        """A webhook knows no updates."""
        return Delivered("")

    async def find(self, alert: SendAlert, *, thread: str = "") -> str | None:  # noqa: ARG002  (the port's question; a webhook has no answer to it)
        """It cannot be told."""
        return None

    async def probe(self) -> str:
        """A webhook can only be tried by posting, so that the line says what was not checked."""
        return f"slack: {len(self.channels)} webhook(s), not tried: only a message would show whether they work"


def build(
    *,
    channels: Mapping[str, str],
    token: str | None = None,
    mentions: Mapping[str, tuple[str, ...]] | None = None,
    buttons: bool = False,
    base_url: str = API,
    proxies: Mapping[str, str] | None = None,
    timeout: float = 20.0,
) -> AlertChannel:
    """Build from the configuration: with a token, `channels` holds channel ids; without one, the addresses of incoming webhooks.

    `mentions`: owner -> Slack's ids of the people who are asked. `buttons`: whether somebody listens for them (`slack_socket`).
    `proxies` default to the system's. Raises ValueError for an address that is none, without showing it, and for an id that is none.
    """
    asked = dict(mentions or {})
    if strange := [each for group in asked.values() for each in group if not MEMBER.fullmatch(each)]:
        raise ValueError(
            f"slack: {one_line(strange[0], 40)!r} is no member id: it looks like U0123456789 (profile, Copy member ID)"
        )
    wire = Wire(system_proxies() if proxies is None else proxies, timeout)
    if token is not None:
        Address.parse(base_url)
        return Bot(wire, base_url, token, dict(channels), asked, buttons)
    for address in channels.values():
        Address.parse(address)
    return Webhooks(wire, dict(channels), asked)


def _quiet(channel: str) -> dict[str, object]:
    """No preview of a link, and nothing in the text that becomes a name or a channel by itself."""
    return {
        "channel": channel,
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "mrkdwn": False,
        "parse": "none",
    }


def _unmapped(alert: SendAlert | UpdateAlert) -> Rejected:
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
