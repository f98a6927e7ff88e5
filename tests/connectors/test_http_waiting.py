from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._edge.gate import MAX_WAIT, asked_wait
from connectors._edge.http import NotSent, Response
from monitor.ports.errors import Denied, Unavailable
from tests.connectors.conftest import Loopback
from tests.connectors.servers import NOW, Server, asking, make_edge, ok, refusal


async def test_an_outage_is_asked_again_and_then_unavailable(loopback: Loopback) -> None:
    server = Server({"/page": [refusal(503)]})
    base, edge = loopback(server.app), make_edge()

    async with asking(base, edge) as client:
        with pytest.raises(Unavailable, match="answered 503"):
            await client.get("page")

    assert len(server.requests) == 3
    assert edge.slept == [0.5, 1.0]


async def test_a_server_that_recovers_is_heard(loopback: Loopback) -> None:
    base = loopback(Server({"/page": [refusal(500), refusal(429, retry_after="7"), ok()]}).app)
    edge = make_edge()

    async with asking(base, edge) as client:
        response = await client.get("page")

    assert isinstance(response, Response)
    assert edge.slept == [0.5, 7.0]


async def test_a_date_in_retry_after_is_waited_for(loopback: Loopback) -> None:
    date = format_datetime(NOW + timedelta(seconds=30), usegmt=True)
    base, edge = loopback(Server({"/page": [refusal(503, retry_after=date), ok()]}).app), make_edge()

    async with asking(base, edge) as client:
        await client.get("page")

    assert edge.slept == [30.0]


async def test_a_long_wait_closes_the_hosts_gate_for_everybody(loopback: Loopback) -> None:
    server = Server({"/page": [refusal(429, retry_after="3600")], "/other": [ok()]})
    base, edge = loopback(server.app), make_edge()

    async with asking(base, edge) as client:
        with pytest.raises(Denied, match="until 2026-03-01 13:00:00 UTC"):
            await client.get("page")
        with pytest.raises(Denied, match="until 2026-03-01 13:00:00 UTC"):
            await client.get("other")
        with pytest.raises(NotSent, match="until 2026-03-01 13:00:00 UTC"):
            await client.send("POST", "other", b"{}")

    assert len(server.requests) == 1
    assert edge.slept == []
    assert edge.http.gates() == {base.removeprefix("http://"): NOW + timedelta(hours=1)}


async def test_a_gate_survives_a_restart_and_opens_in_time(loopback: Loopback) -> None:
    server = Server({"/page": [ok()]})
    base = loopback(server.app)
    host = base.removeprefix("http://")

    async with asking(base, make_edge(gates={host: NOW + timedelta(seconds=1)})) as client:
        with pytest.raises(Denied, match="left alone"):
            await client.get("page")
    opened = make_edge(gates={host: NOW})
    async with asking(base, opened) as client:
        await client.get("page")

    assert len(server.requests) == 1
    assert opened.http.gates() == {}


async def test_a_gate_written_by_a_wrong_clock_closes_for_a_day_at_most(loopback: Loopback) -> None:
    base = loopback(Server({}).app)
    host = base.removeprefix("http://")
    edge = make_edge(gates={host: datetime.max.replace(tzinfo=UTC)})

    assert edge.http.gates() == {host: NOW + timedelta(days=1)}


async def test_githubs_primary_limit_is_a_rate_limit_and_not_a_refusal(loopback: Loopback) -> None:
    reset = str(int(NOW.timestamp()) + 600)
    answer = refusal(403, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    base, edge = loopback(Server({"/page": [answer]}).app), make_edge()

    async with asking(base, edge) as client:
        with pytest.raises(Denied, match="left alone until 2026-03-01 12:10:01"):
            await client.get("page")

    assert list(edge.http.gates().values()) == [NOW + timedelta(seconds=601)]


async def test_githubs_secondary_limit_is_known_by_its_words(loopback: Loopback) -> None:
    answer = refusal(403, b'{"message": "You have exceeded a secondary rate limit"}')
    base, edge = loopback(Server({"/page": [answer, ok()]}).app), make_edge()

    async with asking(base, edge) as client:
        await client.get("page")

    assert edge.slept == [60.0]


async def test_a_plain_403_is_not_asked_again(loopback: Loopback) -> None:
    server = Server({"/page": [refusal(403, b"no")]})
    base = loopback(server.app)

    async with asking(base) as client:
        with pytest.raises(Denied, match="refuses us"):
            await client.get("page")

    assert len(server.requests) == 1


@given(st.text(max_size=80), st.text(max_size=30), st.sampled_from(["0", "1", ""]))
def test_whatever_a_server_asks_for_the_wait_is_within_a_day(after: str, reset: str, remaining: str) -> None:
    headers = {"retry-after": after, "x-ratelimit-reset": reset, "x-ratelimit-remaining": remaining}

    wait = asked_wait(headers, NOW)

    assert wait is None or 0 <= wait <= MAX_WAIT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("9223372036854775807", MAX_WAIT),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("nan", None),
        ("-1", None),
        ("soon", None),
        ("1.0.0", None),
        (".5", None),
        ("1.", None),
        ("1" * 21, None),
        ("1 jan , 10:00", None),
        ("١٢", None),
    ],
)
def test_absurd_waits_are_clamped_or_ignored(text: str, seconds: float | None) -> None:
    assert asked_wait({"retry-after": text}, NOW) == seconds
