"""Presses over a real websocket: acknowledged at once, believed in two ids and nothing else, heard again after a new connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import slack_socket
from monitor.ports.buttons import Button, Press
from monitor.ports.errors import Denied, SourceError, Unavailable
from tests.world.slack_socket import SocketMode, pressed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@asynccontextmanager
async def listening(slack: SocketMode) -> AsyncIterator[list[Press]]:
    """Listen, and collect what is heard, until the block ends."""
    heard: list[Press] = []
    stop = asyncio.Event()

    async def hear(press: Press) -> None:
        heard.append(press)

    source = slack_socket.build(app_token=slack.app_token, token=slack.token, base_url=slack.base_url, proxies={})
    task = asyncio.create_task(source.listen(hear, stop))
    await slack.connected()
    yield heard
    stop.set()
    await task


async def test_a_press_is_acknowledged_and_heard_with_who_and_what() -> None:
    async with SocketMode().served() as slack, listening(slack) as heard:
        envelope = await slack.send(pressed("mcp-acknowledge", "incident-1"))
        await slack.send({}, kind="events_api")

    assert envelope in slack.acknowledged
    assert heard == [Press(Button.ACKNOWLEDGE, "incident-1", "U0ADA", "slack U0ADA 1.0")]


async def test_what_slow_work_there_is_the_acknowledgement_does_not_wait_for_it() -> None:
    begun, stop = asyncio.Event(), asyncio.Event()

    async def never_done(_: Press) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with SocketMode().served() as slack:
        source = slack_socket.build(app_token=slack.app_token, token=slack.token, base_url=slack.base_url, proxies={})
        task = asyncio.create_task(source.listen(never_done, stop))
        await slack.connected()
        first = await slack.send(pressed("mcp-snooze", "incident-1"))
        await begun.wait()
        second = await slack.send(pressed("mcp-snooze", "incident-2"))
        stop.set()
        await task

    assert slack.acknowledged == [first, second]


@pytest.mark.parametrize(
    "payload",
    [
        pressed("mcp-acknowledge", "incident-1", team="T0OTHER"),
        pressed("mcp-acknowledge", "incident-1", by="<!channel>"),
        pressed("mcp-open", "incident-1"),
        pressed("mcp-acknowledge", "x" * 5000),
        pressed("mcp-acknowledge", ""),
        {"type": "block_actions"},
        [],
        "text",
    ],
    ids=["another workspace", "no id", "a link", "too long", "no value", "half", "a list", "a text"],
)
async def test_what_is_not_a_press_of_ours_is_nothing(payload: object, logged: list[str]) -> None:
    del logged  # some of it is logged
    async with SocketMode().served() as slack, listening(slack) as heard:
        await slack.say({"type": "interactive", "envelope_id": "e", "payload": payload})
        await slack.send({}, kind="events_api")

    assert heard == []


async def test_frames_that_are_no_json_cost_nothing_but_themselves(logged: list[str]) -> None:
    del logged
    async with SocketMode().served() as slack, listening(slack) as heard:
        for frame in ("", "{", "[" * 10_000, "null", "{}", '{"type": 7}'):
            await slack.say(frame)
        await slack.send(pressed("mcp-snooze", "incident-1"))
        await slack.send({}, kind="events_api")

    assert [press.button for press in heard] == [Button.SNOOZE]


async def test_when_slack_asks_for_a_new_connection_presses_are_heard_there() -> None:
    async with SocketMode().served() as slack, listening(slack) as heard:
        await slack.drop()
        await slack.connected(times=2)
        await slack.send(pressed("mcp-approve", "mark pin"))
        await slack.send({}, kind="events_api")

    assert [press.value for press in heard] == ["mark pin"]


@pytest.mark.parametrize(("app_token", "token"), [("xapp-bad", "xoxb-world"), ("xapp-world", "xoxb-bad")])
async def test_a_token_that_is_no_good_is_denied_at_once(app_token: str, token: str) -> None:
    async with SocketMode().served() as slack:
        source = slack_socket.build(app_token=app_token, token=token, base_url=slack.base_url, proxies={})

        with pytest.raises(Denied, match="make a new"):
            await source.listen(_nobody, asyncio.Event())


async def test_the_probe_asks_for_a_connection_and_opens_none() -> None:
    async with SocketMode().served() as slack:
        source = slack_socket.build(app_token=slack.app_token, token=slack.token, base_url=slack.base_url, proxies={})

        assert "buttons can be heard" in await source.probe()

    assert slack.connections == 0


async def test_a_slack_that_is_away_is_an_outage() -> None:
    source = slack_socket.build(app_token="xapp", token="xoxb", base_url="http://127.0.0.1:9/api/", proxies={})

    with pytest.raises(SourceError) as error:
        await source.listen(_nobody, asyncio.Event())

    assert isinstance(error.value, Unavailable)


@given(st.dictionaries(st.sampled_from(["type", "user", "team", "actions"]), JSON | st.just("block_actions")))
def test_no_payload_makes_the_reader_fail(payload: dict[str, object]) -> None:
    assert slack_socket.presses(payload, team="T0WORLD") == []


async def _nobody(_: Press) -> None:
    raise AssertionError("nothing was pressed")
