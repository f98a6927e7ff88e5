"""Slack's Socket Mode: buttons that are pressed come over a websocket that we open, so that nothing has to reach us.

It knows: who pressed what, by Slack's ids of the person and the workspace. Nothing else of a payload is believed: names, the message
and the address to answer at are whatever the sender says.
It does not know: whether a press was dealt with. Slack sends one again that was not acknowledged within three seconds, so that it is
acknowledged first; the same one may come twice.
https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import structlog
import truststore
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from connectors._edge.address import Address
from connectors._edge.transport import system_proxies
from connectors._markup.slack_blocks import ACKNOWLEDGE, APPROVE, MEMBER, SNOOZE
from connectors._slack_answers import AGAIN, CREDENTIALS, accepted, named
from connectors._slack_shape import Identity
from connectors._slack_wire import QUIET, Answer, Doubtful, Unsent, Wire
from monitor.ports.buttons import Button, ButtonSource, Press
from monitor.ports.errors import Denied, Malformed, Unavailable

API = "https://slack.com/api/"
BUTTONS: Mapping[str, Button] = {
    ACKNOWLEDGE: Button.ACKNOWLEDGE,
    SNOOZE: Button.SNOOZE,
    APPROVE: Button.APPROVE,
}
LONGEST_VALUE = 200
PING_SECONDS = 5.0

T = TypeVar("T")

log = structlog.get_logger()


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Action(msgspec.Struct, frozen=True):
    action_id: str
    action_ts: str
    value: str = ""


class _Payload(msgspec.Struct, frozen=True):
    """What we read of a `block_actions` payload."""

    type: str
    user: _Named
    team: _Named
    actions: list[_Action]


class _Opened(msgspec.Struct, frozen=True):
    url: str


@dataclass(frozen=True, slots=True)
class Socket:
    """Listens with an app-level token (xapp-…, scope connections:write); the bot's token tells which workspace is ours."""

    wire: Wire
    base_url: str
    app_token: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def name(self) -> str:
        """`slack`."""
        return "slack"

    async def probe(self) -> str:
        """Ask for a connection, and do not open it."""
        await self._team()
        _read(await self._ask("apps.connections.open", self.app_token), _Opened)
        return "slack: buttons can be heard; `mcp-monitor listen` has to run"

    async def listen(self, pressed: Callable[[Press], Awaitable[None]], stop: asyncio.Event) -> None:
        """Tell each press of our workspace until `stop` is set. Raises the four errors where the first connection cannot be had."""
        team = await self._team()
        opened = _read(await self._ask("apps.connections.open", self.app_token), _Opened)
        client = self._client()
        client.wss_uri = opened.url

        async def heard(socket: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            # Within three seconds, whatever it is: else it comes again.
            await socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            for press in presses(request.payload, team=team) if request.type == "interactive" else ():
                await pressed(press)

        client.socket_mode_request_listeners.append(heard)
        try:
            connecting = asyncio.ensure_future(client.connect())  # type: ignore[no-untyped-call]  # the SDK's
            await stop.wait()
            connecting.cancel()
        finally:
            await client.close()  # type: ignore[no-untyped-call]  # the SDK's

    def _client(self) -> SocketModeClient:
        """The SDK's client, which connects again by itself; its log would quote payloads."""
        proxy = self.wire.proxy(self.base_url)
        web = AsyncWebClient(
            base_url=self.base_url,
            ssl=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            proxy=proxy,
            logger=QUIET,
            retry_handlers=[],
            user_agent_prefix="mcp-monitor",
        )
        client = SocketModeClient(self.app_token, logger=QUIET, web_client=web, ping_interval=PING_SECONDS)
        # The SDK would take any proxy of the environment, `no_proxy` or not.
        client.proxy = proxy
        return client

    async def _team(self) -> str:
        found = _read(await self._ask("auth.test", self.token), Identity).team_id
        if not found:
            raise Malformed(self.name, "auth.test: names no workspace")
        return found

    async def _ask(self, method: str, token: str) -> Answer:
        try:
            answer = await self.wire.call(self.base_url, token, method, "POST", {})
        except (Unsent, Doubtful) as error:
            raise Unavailable(self.name, f"{method}: {error}") from error
        if accepted(answer):
            return answer
        detail = f"{method}: {named(answer)}"
        if not answer.error or answer.error in AGAIN:
            raise Unavailable(self.name, detail)
        kind = "app-level token (xapp-…, scope connections:write)" if token == self.app_token else "bot token"
        raise Denied(self.name, f"{detail}: make a new {kind}" if answer.error in CREDENTIALS else detail)


def presses(payload: object, *, team: str) -> list[Press]:
    """Read what was pressed in our workspace; anything else, of whatever shape, is nothing."""
    try:
        read = msgspec.convert(payload, _Payload)
    except (msgspec.ValidationError, RecursionError):
        log.info("slack.press-unreadable")
        return []
    if read.type != "block_actions":
        return []
    if read.team.id != team or not MEMBER.fullmatch(read.user.id):
        log.warning("slack.press-of-strangers")
        return []
    return [
        Press(BUTTONS[each.action_id], each.value, read.user.id, f"slack {read.user.id} {each.action_ts}"[:100])
        for each in read.actions[:5]
        if each.action_id in BUTTONS and 0 < len(each.value) <= LONGEST_VALUE
    ]


def _read(answer: Answer, shape: type[T]) -> T:
    try:
        return msgspec.convert(answer.data, shape)
    except msgspec.ValidationError as error:
        raise Malformed("slack", f"not an answer of Slack's: {error}"[:200]) from error


def build(
    *,
    app_token: str,
    token: str,
    base_url: str = API,
    proxies: Mapping[str, str] | None = None,
    timeout: float = 20.0,
) -> ButtonSource:
    """Build from the configuration. `proxies` default to the system's. Raises ValueError for an address that is none."""
    Address.parse(base_url)
    return Socket(Wire(system_proxies() if proxies is None else proxies, timeout), base_url, app_token, token)
