"""The one HTTP server of the simulated world: uvicorn in a thread, on a free port of loopback."""

import asyncio
import socket
import threading

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE_SECONDS = 10


class Loopback(uvicorn.Server):
    """uvicorn without its ticks and without patience: it starts and stops at once, and can drop a connection as a broken network does."""

    def __init__(self, app: ASGIApp) -> None:
        self.ready = threading.Event()
        self.ended = asyncio.Event()
        self.own_loop: asyncio.AbstractEventLoop | None = None  # None: not started
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                date_header=False,
                proxy_headers=False,
            )
        )

    async def main_loop(self) -> None:
        """Wait to be told, rather than ask ten times a second."""
        self.own_loop = asyncio.get_running_loop()
        self.ready.set()
        await self.ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop the connections, since a fault may keep one busy for ever, and wait for what they were doing."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in self.connections():
            connection.transport.abort()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.001)

    def drop(self, client: tuple[str, int] | None, *, rudely: bool) -> None:
        """Close that client's connection, after what was written (or `rudely` without it). Call in the server's own thread."""
        for connection in self.connections():
            if connection.client == client:
                end = connection.transport.abort if rudely else connection.transport.close
                end()

    def connections(self) -> list[H11Protocol]:
        """Return the open connections."""
        return [connection for connection in self.server_state.connections if isinstance(connection, H11Protocol)]

    def tell_to_end(self) -> None:
        """Make the server stop; from any thread."""
        if self.own_loop is not None:
            self.own_loop.call_soon_threadsafe(self.ended.set)


class Serving:
    """A running server; `port` is the kernel's choice."""

    def __init__(self, app: ASGIApp) -> None:
        self.server = Loopback(app)
        # The protocol is named since asyncio sets TCP_NODELAY only then; without it each answer waits 40 ms for an ACK.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        self.thread = threading.Thread(target=self.server.run, args=([listener],), name="world", daemon=True)
        self.thread.start()
        if not self.server.ready.wait(PATIENCE_SECONDS):
            raise RuntimeError("the simulated world did not start")

    def stop(self) -> None:
        """Stop, and wait until the thread has ended."""
        self.server.tell_to_end()
        self.thread.join(PATIENCE_SECONDS)
        if self.thread.is_alive():
            raise RuntimeError("the simulated world did not stop")
