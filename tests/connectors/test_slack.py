"""Slack as the outbox needs it: what surely arrived, surely did not, or is in doubt; and nothing of a stranger's is obeyed."""

import logging
from dataclasses import replace

import pytest

from connectors import slack
from monitor.domain.action import Ambiguous, Deferred, Delivered, Rejected, SendAlert
from monitor.domain.document import Code, Link, Paragraph, Table
from monitor.ports.channels import AlertChannel
from monitor.ports.errors import Denied, Malformed, Unavailable
from tests.world import Fault, Kind, World

HOSTILE = "<!channel> <https://evil.example|click> & *bold* ```x```"
BODY = (
    Paragraph(HOSTILE),
    Table(("label", "value"), (("summary", HOSTILE),)),
    Code(HOSTILE),
    Link("ticket", "https://jira.example/browse/MCPSEC-1"),
)
ALERT = SendAlert("alert:a", "default", f"Malware in files {HOSTILE}", BODY, "critical")
TOKEN = "xoxb-world"
SECRET = "T0/B0/secret"


def bot(world: World, *, token: str = TOKEN, channel: str = "C0ALERTS", base: str = "") -> AlertChannel:
    channels = {"default": channel}
    base = base or world.url("slack") + "/api"
    return slack.build(token=token, channels=channels, base_url=base, proxies={}, timeout=0.5)


def webhook(world: World, *, path: str = SECRET) -> AlertChannel:
    return slack.build(channels={"default": f"{world.url('slack')}/services/{path}"}, proxies={}, timeout=0.5)


def either(world: World, way: str) -> AlertChannel:
    return bot(world) if way == "bot" else webhook(world)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What our side logged; the world's server logs, too."""
    return "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn"))


ways = pytest.mark.parametrize("way", ["bot", "webhook"])


async def test_a_message_arrives_with_its_key_and_is_known_by_its_time(world: World) -> None:
    delivery = await bot(world).send(ALERT, repeat=False)

    (message,) = world.slack.messages
    assert delivery == Delivered(message.ts)
    assert message.channel == "C0ALERTS"
    assert message.key == "alert:a"
    assert message.text.startswith("critical: Malware in files")


async def test_a_webhook_takes_the_message_and_gives_no_name_for_it(world: World) -> None:
    delivery = await webhook(world).send(ALERT, repeat=False)

    assert delivery == Delivered("")
    assert len(world.slack.in_channel("alerts")) == 1


@ways
async def test_nothing_of_a_strangers_becomes_a_mention_or_a_link(world: World, way: str) -> None:
    await either(world, way).send(ALERT, repeat=False)

    (message,) = world.slack.messages
    assert "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; *bold*" in message.words
    assert not any(mark in message.words for mark in ("<!channel>", "<https://evil"))
    assert "<https://jira.example/browse/MCPSEC-1|ticket>" in message.words


@ways
async def test_a_message_in_doubt_is_sent_again_marked_as_such(world: World, way: str) -> None:
    await either(world, way).send(ALERT, repeat=True)

    assert "(repeat) Malware" in world.slack.messages[0].words


@ways
async def test_blocks_that_are_refused_go_out_once_more_as_plain_text(world: World, way: str) -> None:
    world.slack.refuses_blocks = True

    delivery = await either(world, way).send(ALERT, repeat=False)

    (message,) = world.slack.messages
    assert isinstance(delivery, Delivered)
    assert message.blocks == ()
    assert "evil.example|click" in message.text
    assert "<!channel>" not in message.text
    assert len(world.asked("slack")) == 2


@ways
async def test_content_that_is_refused_twice_is_rejected(world: World, way: str) -> None:
    world.slack.error = "msg_too_long"

    delivery = await either(world, way).send(ALERT, repeat=False)

    assert isinstance(delivery, Rejected)
    assert len(world.asked("slack")) == 2


@ways
async def test_a_channel_without_a_place_is_rejected_with_the_option(world: World, way: str) -> None:
    delivery = await either(world, way).send(replace(ALERT, channel="ops"), repeat=False)

    assert delivery == Rejected("slack: no channel for 'ops': set it under [slack.channels]")


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("channel_not_found", "correct the channel's id"),
        ("not_in_channel", "invite the bot"),
        ("is_archived", "another channel"),
        ("missing_scope", "chat:write"),
        ("restricted_action", "restricted_action"),
    ],
)
async def test_what_a_person_has_to_mend_is_rejected_with_the_way_out(world: World, code: str, way_out: str) -> None:
    world.slack.error = code

    delivery = await bot(world).send(ALERT, repeat=False)

    assert isinstance(delivery, Rejected)
    assert code in delivery.detail
    assert way_out in delivery.detail


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "account_inactive", "token_expired"])
async def test_a_token_that_is_no_good_waits_for_a_new_one(world: World, code: str) -> None:
    world.slack.error = code

    delivery = await bot(world).send(ALERT, repeat=False)

    assert isinstance(delivery, Deferred)
    assert "make a new one" in delivery.detail
    assert delivery.after_seconds >= 600


@pytest.mark.parametrize("code", ["service_unavailable", "request_timeout", "ratelimited"])
async def test_what_slack_says_it_did_not_do_is_tried_again(world: World, code: str) -> None:
    world.slack.error = code

    delivery = await bot(world).send(ALERT, repeat=False)

    assert isinstance(delivery, Deferred)


@pytest.mark.parametrize("code", ["fatal_error", "internal_error"])
async def test_what_slack_may_have_done_is_in_doubt(world: World, code: str) -> None:
    world.slack.error = code

    delivery = await bot(world).send(ALERT, repeat=False)

    assert isinstance(delivery, Ambiguous)


@ways
@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("0", 1.0), ("9223372036854775807", 3600.0), ("soon", 60.0)])
async def test_a_rate_limit_is_honoured_within_reason(world: World, way: str, asked: str, waited: float) -> None:
    world.break_("slack", Fault(Kind.TOO_MANY, retry_after=asked))

    delivery = await either(world, way).send(ALERT, repeat=False)

    assert isinstance(delivery, Deferred)
    assert delivery.after_seconds == waited
    assert len(world.asked("slack")) == 1


async def test_a_second_message_within_a_second_waits(world: World) -> None:
    world.slack.per_second = True
    subject = bot(world)
    await subject.send(ALERT, repeat=False)

    hasty = await subject.send(ALERT, repeat=False)
    world.slack.a_second_passes()
    patient = await subject.send(ALERT, repeat=False)

    assert hasty == Deferred("slack: channel default: ratelimited", 30.0)
    assert isinstance(patient, Delivered)


@ways
@pytest.mark.parametrize(
    "kind",
    [
        Kind.ACCEPTED_THEN_ERROR,
        Kind.ACCEPTED_THEN_RESET,
        Kind.RESET,
        Kind.HANG,
        Kind.OUTAGE,
        Kind.GARBAGE,
        Kind.HTML,
        Kind.HUGE,
        Kind.BOMB,
    ],
)
async def test_what_may_have_arrived_is_in_doubt_and_sent_once(world: World, kind: Kind, way: str) -> None:
    world.break_("slack", Fault(kind, size=64 * 2**20))

    delivery = await either(world, way).send(ALERT, repeat=False)

    assert isinstance(delivery, Ambiguous)
    assert len(world.asked("slack")) == 1


@ways
async def test_a_redirect_is_not_followed_with_the_message(world: World, way: str) -> None:
    world.break_("slack", Fault(Kind.REDIRECT, location=world.url("slack") + "/elsewhere"))

    delivery = await either(world, way).send(ALERT, repeat=False)

    assert isinstance(delivery, Deferred)
    assert len(world.asked("slack")) == 1


async def test_where_nobody_listens_nothing_was_sent(world: World) -> None:
    delivery = await bot(world, base="http://127.0.0.1:9/api").send(ALERT, repeat=False)

    assert isinstance(delivery, Deferred)


@pytest.mark.parametrize(
    ("path", "archived", "code"),
    [("T0/B0/removed", False, "no_service"), (SECRET, True, "channel_is_archived")],
)
async def test_a_webhook_that_is_gone_is_rejected(world: World, path: str, archived: bool, code: str) -> None:  # noqa: FBT001
    world.slack.archived = {"alerts"} if archived else set()

    delivery = await webhook(world, path=path).send(ALERT, repeat=False)

    assert isinstance(delivery, Rejected)
    assert code in delivery.detail


@pytest.mark.parametrize("kind", list(Kind))
async def test_the_address_of_a_webhook_is_in_no_error_and_no_log(
    world: World, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.break_("slack", Fault(kind, size=2**20, seconds=0))

    delivery = await webhook(world).send(ALERT, repeat=False)

    assert "secret" not in str(delivery) + logged(caplog)
    assert "secret" not in repr(webhook(world))


async def test_the_token_is_in_no_log_and_no_repr(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    await bot(world).send(ALERT, repeat=False)

    assert TOKEN not in logged(caplog) + repr(bot(world))


async def test_a_message_in_doubt_is_found_by_its_key_however_many_came_after(world: World) -> None:
    subject = bot(world)
    world.break_("slack", Fault(Kind.ACCEPTED_THEN_ERROR, times=1))
    await subject.send(ALERT, repeat=False)
    first = world.slack.messages[0]
    world.slack.messages += [replace(first, ts=f"18{n}.0", metadata={"event_type": "other"}) for n in range(450)]

    found = await subject.find(ALERT)

    assert found == first.ts


async def test_a_message_that_was_never_posted_is_not_found(world: World) -> None:
    assert await bot(world).find(ALERT) is None
    assert await webhook(world).find(ALERT) is None


async def test_a_history_that_is_closed_to_us_tells_nothing(world: World) -> None:
    world.slack.scopes = {"chat:write"}

    assert await bot(world).find(ALERT) is None


@pytest.mark.parametrize("kind", [Kind.OUTAGE, Kind.RESET, Kind.TOO_MANY, Kind.HTML, Kind.GARBAGE])
async def test_a_history_that_fails_is_not_an_empty_one(world: World, kind: Kind) -> None:
    world.break_("slack", Fault(kind))

    with pytest.raises((Unavailable, Malformed)):
        await bot(world).find(ALERT)


async def test_the_probe_says_who_posts_where(world: World) -> None:
    assert await bot(world).probe() == "slack: posts as mcp-monitor in World to 1 channel(s)"
    assert "not tried" in await webhook(world).probe()
    assert world.slack.messages == []


async def test_the_probe_says_what_cannot_be_looked_up(world: World) -> None:
    world.slack.scopes = {"chat:write"}

    assert "default: doubtful deliveries cannot be looked up" in await bot(world).probe()


async def test_the_probe_refuses_a_bad_token_and_an_unknown_channel(world: World) -> None:
    with pytest.raises(Denied, match="invalid_auth: make a new token"):
        await bot(world, token="xoxb-bad").probe()
    with pytest.raises(Denied, match=r"channel default .*channel_not_found: correct the channel's id"):
        await bot(world, channel="C0NOWHERE").probe()


async def test_the_probe_of_an_outage_is_an_outage(world: World) -> None:
    world.break_("slack", Fault(Kind.OUTAGE))

    with pytest.raises(Unavailable):
        await bot(world).probe()


def test_an_address_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="scheme") as refused:
        slack.build(channels={"default": "ftp://hooks.example/secret"}, proxies={})

    assert "secret" not in str(refused.value)


async def test_a_proxy_carries_what_is_not_on_this_machine() -> None:
    proxies = {"http": "http://127.0.0.1:9"}
    subject = slack.build(token=TOKEN, channels={"default": "C0"}, base_url="http://slack.example/api", proxies=proxies)

    delivery = await subject.send(ALERT, repeat=False)

    assert delivery == Deferred("slack: no connection (ClientProxyConnectionError)", 60.0)
