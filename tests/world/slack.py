"""Slack as a bot and a webhook see it: it keeps messages, and refuses what the real one refuses."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tests.world.clock import Clock

LIMITS = {"header": 150, "section": 3000, "context": 3000}
MAX_BLOCKS = 50
MAX_BLOCK_TEXT = 13_200
MAX_TEXT = 40_000
MAX_ELEMENTS = 25
MAX_LABEL = 75

IDENTITY = {
    "ok": True,
    "user": "mcp-monitor",
    "user_id": "U0MONITOR",
    "team": "World",
    "team_id": "T0WORLD",
    "url": "https://world.example/",
}

Json = dict[str, object]


@dataclass(frozen=True)
class Message:
    """A message as it stands in a channel. `channel` is an id, or a webhook's name."""

    channel: str
    ts: str
    text: str
    blocks: tuple[Json, ...]
    metadata: Json | None = None
    thread: str = ""
    """The message that it replies to; empty: none."""
    broadcast: bool = False
    """Whether a reply is shown in the channel, too."""

    @property
    def words(self) -> str:
        """Everything that a person reads, joined."""
        return "\n".join([self.text, *(text for block in self.blocks for _, text in texts(block))])

    @property
    def at(self) -> datetime:
        """When it arrived, to the second."""
        return datetime.fromtimestamp(int(self.ts.partition(".")[0]), UTC)

    @property
    def key(self) -> object:
        """The key in the metadata's payload, None where there is none."""
        payload = (self.metadata or {}).get("event_payload")
        return payload.get("key") if isinstance(payload, dict) else None


@dataclass
class Slack:
    """One workspace. Tests change the fields; `messages` is what arrived, in order."""

    clock: Clock = field(default_factory=Clock)
    token: str = "xoxb-world"
    channels: dict[str, str] = field(default_factory=lambda: {"C0ALERTS": "alerts", "C0SECURITY": "security"})
    archived: set[str] = field(default_factory=set)
    scopes: set[str] = field(default_factory=lambda: {"chat:write", "channels:history", "channels:read"})
    webhooks: dict[str, str] = field(default_factory=lambda: {"T0/B0/secret": "alerts"})
    """Path below `/services/` -> the webhook's name."""
    refuses_blocks: bool = False
    """Answer `invalid_blocks` to any message with blocks."""
    error: str = ""
    """Answer every call with this code."""
    per_second: bool = False
    """One message a channel until `a_second_passes()`."""
    messages: list[Message] = field(default_factory=list)
    foreign: set[str] = field(default_factory=set)
    """The `ts` of messages that the bot may not change."""
    _busy: set[str] = field(default_factory=set)

    def a_second_passes(self) -> None:
        """Let each channel take its next message."""
        self._busy.clear()

    def in_channel(self, channel: str) -> list[Message]:
        """Return a channel's messages, oldest first."""
        return [message for message in self.messages if message.channel == channel]

    def replies(self, head: Message) -> list[Message]:
        """Return what was said in the thread of a message, oldest first."""
        return [message for message in self.in_channel(head.channel) if message.thread == head.ts]

    def routes(self) -> list[BaseRoute]:
        """Return the Web API below `/api` and the webhooks below `/services`."""
        return [
            Route("/api/{method}", self._method, methods=["GET", "POST"]),
            Route("/services/{path:path}", self._webhook, methods=["POST"]),
        ]

    async def _method(self, request: Request) -> Response:
        arguments: Json = dict(request.query_params)
        if request.method == "POST" and (body := await request.body()):
            arguments |= json.loads(body)
        method = request.path_params["method"]
        if error := self.error or self._denied(request):
            return JSONResponse({"ok": False, "error": error})
        known: dict[str, Callable[[Json], Response]] = {
            "auth.test": lambda _: JSONResponse(IDENTITY),
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": lambda given: self._history(given, str(given.get("ts"))),
            "conversations.info": self._info,
        }
        if method not in known:
            return JSONResponse({"ok": False, "error": "unknown_method"})
        return known[method](arguments)

    def _denied(self, request: Request) -> str:
        given = request.headers.get("authorization", "")
        if not given:
            return "not_authed"
        return "" if given == f"Bearer {self.token}" else "invalid_auth"

    def _post(self, arguments: Json) -> Response:
        channel = str(arguments.get("channel"))
        if "chat:write" not in self.scopes:
            return JSONResponse({"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "identify"})
        if error := self._closed(channel) or self._faulty(arguments):
            return JSONResponse({"ok": False, "error": error})
        if self._too_fast(channel):
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "30"})
        if (thread := arguments.get("thread_ts")) and not any(
            (each.channel, each.ts) == (channel, thread) for each in self.messages
        ):
            return JSONResponse({"ok": False, "error": "thread_not_found"})
        message = self._keep(channel, arguments)
        shown = {"type": "message", "text": message.text, "ts": message.ts}
        return JSONResponse({"ok": True, "channel": channel, "ts": message.ts, "message": shown})

    def _update(self, arguments: Json) -> Response:
        for number, message in enumerate(self.messages):
            if (message.channel, message.ts) == (arguments.get("channel"), arguments.get("ts")):
                if error := self._closed(message.channel) or self._faulty(
                    {"blocks": list(message.blocks), **arguments}
                ):
                    return JSONResponse({"ok": False, "error": error})
                if message.ts in self.foreign:
                    return JSONResponse({"ok": False, "error": "cant_update_message"})
                # What an update does not name stays as it was.
                said = _message(message.channel, message.ts, arguments)
                kept = said.blocks if "blocks" in arguments else message.blocks
                self.messages[number] = replace(message, text=said.text, blocks=kept)
                return JSONResponse({"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text})
        return JSONResponse({"ok": False, "error": "message_not_found"})

    def _info(self, arguments: Json) -> Response:
        channel = str(arguments.get("channel"))
        if "channels:read" not in self.scopes:
            return JSONResponse({"ok": False, "error": "missing_scope", "needed": "channels:read"})
        if channel not in self.channels:
            return JSONResponse({"ok": False, "error": "channel_not_found"})
        described = {"id": channel, "name": self.channels[channel], "is_archived": channel in self.archived}
        return JSONResponse({"ok": True, "channel": described})

    def _history(self, arguments: Json, thread: str = "") -> Response:
        channel = str(arguments.get("channel"))
        if "channels:history" not in self.scopes:
            return JSONResponse({"ok": False, "error": "missing_scope", "needed": "channels:history"})
        if (error := self._closed(channel)) and error != "is_archived":
            return JSONResponse({"ok": False, "error": error})
        found = self.in_channel(channel)
        if thread and not any(each.ts == thread for each in found):
            return JSONResponse({"ok": False, "error": "thread_not_found"})
        shown = [each for each in found if each.broadcast or not each.thread]
        newest = [each for each in found if thread in (each.ts, each.thread)] if thread else shown[::-1]
        start, limit = int(str(arguments.get("cursor") or 0)), int(str(arguments.get("limit") or 100))
        page = [_listed(message, arguments) for message in newest[start : start + limit]]
        more = start + limit < len(newest)
        paging = {"response_metadata": {"next_cursor": str(start + limit)}} if more else {}
        return JSONResponse({"ok": True, "messages": page, "has_more": more} | paging)

    async def _webhook(self, request: Request) -> Response:
        name = self.webhooks.get(request.path_params["path"])
        if name is None:
            return PlainTextResponse("no_service", 404)
        if name in self.archived:
            return PlainTextResponse("channel_is_archived", 410)
        if self._too_fast(name):
            return PlainTextResponse("rate_limited", 429, {"Retry-After": "30"})
        try:
            arguments = json.loads(await request.body())
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        if error := self.error or self._faulty(arguments):
            return PlainTextResponse(error, 400)
        self._keep(name, arguments)
        return PlainTextResponse("ok")

    def _closed(self, channel: str) -> str:
        if channel not in self.channels:
            return "channel_not_found"
        return "is_archived" if channel in self.archived else ""

    def _faulty(self, arguments: Json) -> str:
        blocks = arguments.get("blocks") or []
        if not blocks and not arguments.get("text"):
            return "no_text"
        if len(str(arguments.get("text", ""))) > MAX_TEXT:
            return "msg_too_long"
        if not isinstance(blocks, list) or len(blocks) > MAX_BLOCKS or (blocks and self.refuses_blocks):
            return "invalid_blocks"
        if not all(isinstance(block, dict) and _well_formed(block) for block in blocks):
            return "invalid_blocks"
        if sum(len(text) for block in blocks for _, text in texts(block)) > MAX_BLOCK_TEXT:
            return "msg_blocks_too_long"
        return ""

    def _too_fast(self, channel: str) -> bool:
        if self.per_second and channel in self._busy:
            return True
        self._busy.add(channel)
        return False

    def _keep(self, channel: str, arguments: Json) -> Message:
        said = _message(channel, f"{int(self.clock().timestamp())}.{len(self.messages) + 1:06}", arguments)
        thread, broadcast = str(arguments.get("thread_ts") or ""), arguments.get("reply_broadcast") is True
        message = replace(said, thread=thread, broadcast=broadcast)
        self.messages.append(message)
        return message


def texts(block: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return (type, text) of every text object in a block."""
    elements = block.get("elements")
    objects = [block.get("text"), *(elements if isinstance(elements, list) else [])]
    # A button holds its text object.
    plain = [
        each["text"] if isinstance(each, dict) and isinstance(each.get("text"), dict) else each for each in objects
    ]
    return [(str(each.get("type")), str(each.get("text"))) for each in plain if isinstance(each, dict)]


def _well_formed(block: Json) -> bool:
    kind = str(block.get("type"))
    if kind == "actions":
        return _pressable(block)
    found = texts(block)
    if kind not in LIMITS or not found:
        return False
    allowed = {"plain_text"} if kind == "header" else {"plain_text", "mrkdwn"}
    return all(kind_of_text in allowed and 0 < len(text) <= LIMITS[kind] for kind_of_text, text in found)


def _pressable(block: Json) -> bool:
    """Buttons with a name each, a plain text of at most 75 characters, and a short value or address."""
    elements = block.get("elements")
    if not isinstance(elements, list) or not 0 < len(elements) <= MAX_ELEMENTS:
        return False
    names = [each.get("action_id") for each in elements if isinstance(each, dict)]
    limits = {"action_id": 255, "value": 2000, "url": 3000}
    return len(set(names)) == len(elements) and all(
        isinstance(each, dict)
        and each.get("type") == "button"
        and isinstance(each.get("text"), dict)
        and each["text"].get("type") == "plain_text"
        and 0 < len(each["text"].get("text", "")) <= MAX_LABEL
        and all(0 < len(each[key]) <= limit for key, limit in limits.items() if key in each)
        for each in elements
    )


def _message(channel: str, ts: str, arguments: Json) -> Message:
    blocks, metadata = arguments.get("blocks"), arguments.get("metadata")
    kept = tuple(blocks) if isinstance(blocks, list) else ()
    return Message(channel, ts, str(arguments.get("text", "")), kept, metadata if isinstance(metadata, dict) else None)


def _listed(message: Message, arguments: Json) -> Json:
    shown: Json = {"type": "message", "ts": message.ts, "text": message.text, "blocks": list(message.blocks)}
    if message.metadata and arguments.get("include_all_metadata") in ("1", "true", True):
        shown["metadata"] = message.metadata
    return shown
