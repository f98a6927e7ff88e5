"""A real server on loopback for the connectors' tests."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp

from connectors._edge.http import Http
from tests.connectors.trackers import Flavour
from tests.world import World

Loopback = Callable[[ASGIApp], str]
"""Serves the application on 127.0.0.1 until the test ends, and returns its base address, without a slash at the end."""

START_SECONDS = 10.0


@contextmanager
def serve(app: ASGIApp, stopping: list[threading.Thread]) -> Iterator[str]:
    """Serve the application from a thread of its own; the socket listens before anybody is told of it."""
    # The protocol is named since asyncio sets TCP_NODELAY only then; without it an answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.002)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        stopping.append(thread)


@pytest.fixture(scope="session")
def stopping_servers() -> Iterator[list[threading.Thread]]:
    """Servers that were told to stop: the tests do not wait for them (a tenth of a second each), the session does."""
    stopping: list[threading.Thread] = []
    yield stopping
    for thread in stopping:
        thread.join(START_SECONDS)


@pytest.fixture
def loopback(stopping_servers: list[threading.Thread]) -> Iterator[Loopback]:
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serve(app, stopping_servers))


@pytest.fixture(params=["cloud", "datacenter"])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Each of Jira's two flavours."""
    return "cloud" if request.param == "cloud" else "datacenter"


@pytest.fixture
async def edge(world: World) -> AsyncIterator[Http]:
    """An impatient client on the world's clock."""
    edge = Http(user_agent="mcp-monitor/test", clock=world.clock, timeout=0.5, attempts=1)
    async with edge.session():
        yield edge
