"""What every test may ask for, and what none may do: reach beyond this machine, or log a warning that it does not expect."""

import logging
import socket
import sys
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
import structlog

from tests.world import World
from tests.world.contracts import Contracts

PRETENDED = (".invalid", ".example", ".test")
"""Names that exist nowhere (RFC 2606): looking one up fails, as it should."""


# --- the network is closed ---------------------------------------------------------------------------------------------

_reached_out: list[str] = []


def _closed(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse what is not loopback. An audit hook sees every library, and patches none."""
    if event == "socket.getaddrinfo":
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        if isinstance(host, str) and host.endswith(PRETENDED):
            raise socket.gaierror(socket.EAI_NONAME, "there is no such name, and no network in tests")
        if isinstance(host, str) and host not in ("", "localhost", socket.gethostname()) and not _is_loopback(host):
            _refuse(f"look up {host}")
    elif event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            _refuse(f"connect to {address[0]}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(deed: str) -> None:
    _reached_out.append(deed)
    raise PermissionError(f"a test tried to {deed}: the network is closed in tests, but for loopback")


sys.addaudithook(_closed)


@pytest.fixture(autouse=True)
def _nobody_reaches_out() -> Iterator[None]:
    _reached_out.clear()
    yield
    assert _reached_out == []


# --- no warning goes unnoticed -----------------------------------------------------------------------------------------


class _Heard(logging.Handler):
    """Keeps warnings and worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture
def _log() -> Iterator[_Heard]:
    """Lead structlog's loggers to the standard library's, as the program does, and listen there; leave no trace of a test's own setup."""
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.processors.KeyValueRenderer(key_order=["event"])],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    heard = _Heard()
    root.addHandler(heard)
    yield heard
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def logged(_log: _Heard) -> list[str]:
    """The warnings that were logged so far; a test that asks for them expects some."""
    return _log.messages


@pytest.fixture(autouse=True)
def _no_unexpected_warning(request: pytest.FixtureRequest, _log: _Heard) -> Iterator[None]:
    yield
    if "logged" not in request.fixturenames:
        assert _log.messages == [], "a warning was logged that the test does not expect (ask for the fixture `logged`)"


# --- the world ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> Iterator[World]:
    """A world of one's own; it fails the test whose requests, or whose world, broke a contract."""
    with World(check=Contracts) as running:
        yield running
    assert running.violations == []
