"""The websocket over which Slack tells what was pressed: real frames on loopback, in the test's own loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.world.slack import IDENTITY

PATIENCE = 5.0
"""Seconds."""


@dataclass
class SocketMode:
    """Slack's side. `acknowledged` are the envelopes that came back; `connections` how many websockets were opened so far."""

    token: str = "xoxb-world"
    app_token: str = "xapp-world"
    acknowledged: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    dealt_with: asyncio.Event = field(default_factory=asyncio.Event)
    """For a test to set, when our side has dealt with a press."""
    _socket: web.WebSocketResponse | None = None  # None: nobody is connected
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _envelopes: int = 0

    @property
    def base_url(self) -> str:
        """Where its Web API is."""
        return f"http://127.0.0.1:{self.port}/api/"

    @asynccontextmanager
    async def served(self) -> AsyncIterator["SocketMode"]:
        """Serve on loopback."""
        app = web.Application()
        app.router.add_post("/api/auth.test", self._who)
        app.router.add_post("/api/apps.connections.open", self._open)
        app.router.add_get("/link", self._link)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def connected(self, times: int = 1) -> None:
        """Wait until so many websockets were opened."""
        await self._until(lambda: self.connections >= times)

    async def send(self, payload: object, *, kind: str = "interactive") -> str:
        """Send an envelope, and wait until it is acknowledged; return its name."""
        self._envelopes += 1
        name = f"envelope-{self._envelopes}"
        await self.say({"type": kind, "envelope_id": name, "payload": payload, "accepts_response_payload": False})
        await self._until(lambda: name in self.acknowledged)
        return name

    async def say(self, message: Mapping[str, object] | str) -> None:
        """Send a frame, whatever it holds."""
        assert self._socket is not None
        await self._socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def drop(self) -> None:
        """Ask the other side to connect anew, as Slack does every few hours."""
        await self.say({"type": "disconnect", "reason": "refresh_requested"})

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(holds), PATIENCE)

    async def _who(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == f"Bearer {self.token}"
        return web.json_response(IDENTITY if known else {"ok": False, "error": "invalid_auth"})

    async def _open(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.app_token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        return web.json_response({"ok": True, "url": f"ws://127.0.0.1:{self.port}/link"})

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        async with self._changed:
            self._socket = socket
            self.connections += 1
            self._changed.notify_all()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                async with self._changed:
                    self.acknowledged.append(json.loads(message.data)["envelope_id"])
                    self._changed.notify_all()
        return socket


def pressed(button: str, value: str, *, by: str = "U0ADA", team: str = "T0WORLD", at: str = "1.0") -> dict[str, object]:
    """Return the payload of a press, with what Slack sends along and nobody may believe."""
    return {
        "type": "block_actions",
        "user": {"id": by, "username": "ada", "name": "ada", "team_id": team},
        "team": {"id": team, "domain": "world"},
        "api_app_id": "A0",
        "response_url": "https://hooks.slack.example/actions/evil",
        "trigger_id": "1.2.3",
        "actions": [{"type": "button", "action_id": button, "block_id": "b", "value": value, "action_ts": at}],
    }
