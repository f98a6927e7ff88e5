"""Slack as the outbox needs it: what surely arrived, surely did not, or is in doubt; and nothing of a stranger's is obeyed."""

import logging
from dataclasses import replace

import pytest

from connectors import slack
from monitor.domain.action import Ambiguous, Deferred, Delivered, Rejected, SendAlert, UpdateAlert
from monitor.domain.document import Code, Link, Paragraph, Table
from monitor.ports.channels import AlertChannel
from monitor.ports.errors import Denied, Malformed, Unavailable
from tests.world import Fault, Kind, World
from tests.world.slack import Message

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


# --- threads, mentions, buttons -----------------------------------------------------------------------------------------

HEAD = replace(ALERT, key="page:a", incident="1a2b", begins=True, owner="platform", ticket="mark1", shows="f" * 16)
REPLY = replace(HEAD, key="page:b", begins=False, owner="", title="Worse")
UPDATE = UpdateAlert("head:b", "default", f"Open: files {HOSTILE}", BODY, "high", "1a2b")
LINK = "https://jira.example/browse/MCPSEC-1"


def talking(world: World, *, buttons: bool = False) -> AlertChannel:
    return slack.build(
        token=TOKEN,
        channels={"default": "C0ALERTS"},
        mentions={"platform": ("U0ADA", "U0BOB")},
        buttons=buttons,
        base_url=world.url("slack") + "/api",
        proxies={},
        timeout=0.5,
    )


async def begun(world: World) -> str:
    delivery = await talking(world).send(HEAD, repeat=False)
    assert isinstance(delivery, Delivered)
    return delivery.ref


def pressable(message: Message) -> dict[str, str]:
    """Return the buttons of a message: name -> value or address."""
    elements = [each for block in message.blocks if block["type"] == "actions" for each in block["elements"]]  # type: ignore[attr-defined]  # a list
    return {str(each["action_id"]): str(each.get("value") or each.get("url")) for each in elements}


async def test_a_reply_goes_into_its_thread_and_is_seen_in_the_channel_only_when_it_is_loud(world: World) -> None:
    head = await begun(world)

    await talking(world).send(REPLY, repeat=False, thread=head)
    await talking(world).send(replace(REPLY, key="page:c", loud=True), repeat=False, thread=head)

    _, quiet, loud = world.slack.messages
    assert (quiet.thread, quiet.broadcast) == (head, False)
    assert (loud.thread, loud.broadcast) == (head, True)


async def test_a_reply_to_a_message_that_is_gone_stands_alone(world: World) -> None:
    delivery = await talking(world).send(REPLY, repeat=False, thread="1700000000.000001")

    (message,) = world.slack.messages
    assert delivery == Delivered(message.ts)
    assert message.thread == ""


async def test_a_reply_in_doubt_is_found_in_its_thread_and_nowhere_else(world: World) -> None:
    head = await begun(world)
    sent = await talking(world).send(REPLY, repeat=False, thread=head)

    in_thread = await talking(world).find(REPLY, thread=head)
    in_channel = await talking(world).find(REPLY)
    elsewhere = await talking(world).find(REPLY, thread="1700000000.000001")

    assert isinstance(sent, Delivered)
    assert (in_thread, in_channel, elsewhere) == (sent.ref, None, None)


async def test_the_first_message_is_written_anew_with_text_and_layout(world: World) -> None:
    head = await begun(world)

    delivery = await talking(world).update(UPDATE, head, link=LINK)

    (message,) = world.slack.messages
    assert delivery == Delivered("")
    assert message.text.startswith("high: Open: files")
    assert "Open: files &lt;!channel&gt;" in message.words
    assert message.key == "page:a"


async def test_an_update_whose_layout_is_refused_leaves_nothing_of_the_old_one(world: World) -> None:
    head = await begun(world)
    world.slack.refuses_blocks = True

    await talking(world).update(UPDATE, head)

    (message,) = world.slack.messages
    assert message.blocks == ()
    assert "Open: files" in message.text


async def test_a_message_that_is_gone_or_not_ours_is_left(world: World) -> None:
    head = await begun(world)
    world.slack.foreign.add(head)

    not_ours = await talking(world).update(UPDATE, head)
    gone = await talking(world).update(UPDATE, "1700000000.000001")
    nameless = await talking(world).update(UPDATE, "")

    assert (not_ours, gone, nameless) == (Delivered(""), Delivered(""), Delivered(""))


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Kind.TOO_MANY, Deferred), (Kind.HTML, Ambiguous), (Kind.OUTAGE, Ambiguous), (Kind.RESET, Ambiguous)],
)
async def test_an_update_that_fails_is_tried_again(world: World, kind: Kind, outcome: type) -> None:
    head = await begun(world)
    world.break_("slack", Fault(kind, retry_after="7"))

    assert isinstance(await talking(world).update(UPDATE, head), outcome)


async def test_an_update_in_an_archived_channel_is_rejected_with_the_way_out(world: World) -> None:
    head = await begun(world)
    world.slack.archived.add("C0ALERTS")

    delivery = await talking(world).update(UPDATE, head)

    assert isinstance(delivery, Rejected)
    assert "name another channel" in delivery.detail


async def test_the_owners_people_are_mentioned_by_us_and_nobody_by_a_stranger(world: World) -> None:
    await begun(world)
    await talking(world).send(REPLY, repeat=False)

    first, second = (message.words for message in world.slack.messages)
    assert "<@U0ADA> <@U0BOB>" in first
    assert "<@" not in second


async def test_a_message_without_layout_still_mentions_and_links(world: World) -> None:
    world.slack.refuses_blocks = True

    await talking(world).send(HEAD, repeat=False, link=LINK)

    (message,) = world.slack.messages
    assert message.text.startswith("<@U0ADA> <@U0BOB>")
    assert f"<{LINK}|Open the ticket>" in message.text


@pytest.mark.parametrize(
    ("buttons", "names"),
    [(False, ["mcp-open"]), (True, ["mcp-open", "mcp-acknowledge", "mcp-snooze", "mcp-approve"])],
)
async def test_the_ticket_is_a_button_and_the_others_are_there_when_somebody_listens(
    world: World,
    buttons: bool,  # noqa: FBT001 a case of the table
    names: list[str],
) -> None:
    await talking(world, buttons=buttons).send(HEAD, repeat=False, link=LINK)

    found = pressable(world.slack.messages[0])
    assert list(found) == names
    assert found["mcp-open"] == LINK
    assert found.get("mcp-approve", f"mark1 {'f' * 16}") == f"mark1 {'f' * 16}"


async def test_what_is_over_asks_for_nothing(world: World) -> None:
    head = await begun(world)

    await talking(world, buttons=True).update(replace(UPDATE, open=False, ticket="mark1", shows="f" * 16), head)

    assert pressable(world.slack.messages[0]) == {}


async def test_a_ticket_whose_address_is_none_is_no_button(world: World) -> None:
    await talking(world).send(HEAD, repeat=False, link="javascript:alert(1)")

    assert pressable(world.slack.messages[0]) == {}


def test_an_id_that_can_be_nothing_but_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no member id"):
        slack.build(token=TOKEN, channels={"default": "C0"}, mentions={"platform": ("!channel",)}, proxies={})


async def test_the_probe_refuses_an_archived_channel(world: World) -> None:
    world.slack.archived.add("C0ALERTS")

    with pytest.raises(Denied, match="is_archived: name another channel"):
        await bot(world).probe()


async def test_the_probe_says_when_it_cannot_tell_whether_a_channel_is_archived(world: World) -> None:
    world.slack.scopes.discard("channels:read")

    assert "whether it is archived cannot be told" in await bot(world).probe()
