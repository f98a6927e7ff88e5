"""What Slack's answers mean for a delivery: its error codes, and the statuses that count where it gives none.

Codes: https://docs.slack.dev/reference/methods/chat.postMessage#errors, for webhooks
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
"""

import re

from connectors._slack_wire import Answer
from monitor.domain.action import Ambiguous, Deferred, Delivery, Rejected

SOON, LATER, LONGEST = 60.0, 900.0, 3600.0
"""Seconds: after a fault of the network, for what a person has to mend, and the most that we let Slack ask for."""

OK, TOO_MANY, BAD_REQUEST, SERVER_FAULT = 200, 429, 400, 500

SLACK_CODE = re.compile(r"[a-z][a-z0-9_]{2,60}")

CONTENT = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "invalid_payload",
        "metadata_too_large",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "too_many_attachments",
    }
)
"""The message itself is refused: once more, as plain text."""
CREDENTIALS = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
AGAIN = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "request_timeout"})
DOUBTFUL = frozenset({"fatal_error", "internal_error", "rollup_error"})
"""Slack: "it is possible that some aspect of the operation succeeded"."""
UNREADABLE = frozenset(
    {"missing_scope", "not_in_channel", "channel_not_found", "not_allowed_token_type", "access_denied"}
)
"""The history is closed to us: whether a message is in it cannot be told."""
NO_THREAD = frozenset({"thread_not_found", "cannot_reply_to_message", "message_not_found"})
"""What was replied to is not there: deleted, or in the channel that was configured before."""
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""The message is not ours to change, or any more."""
WAYS_OUT = {
    "missing_scope": "add the scope chat:write to the app and install it again",
    "channel_not_found": "correct the channel's id, or invite the bot into a private channel",
    "not_in_channel": "invite the bot into the channel, or add the scope chat:write.public",
    "is_archived": "name another channel",
    "channel_is_archived": "name another channel",
    "no_service": "the webhook was removed: make a new one",
    "invalid_token": "the webhook is not valid any more: make a new one",
    "action_prohibited": "an administrator restricts this webhook",
}


def accepted(answer: Answer) -> bool:
    """Whether a method of the Web API says that it did what it was asked for."""
    return answer.status == OK and isinstance(answer.data, dict) and answer.data.get("ok") is True


def refused(answer: Answer, channel: str) -> Delivery:
    """What an answer without success means; the status counts where Slack gives no code of its own."""
    detail = f"slack: channel {channel}: {named(answer)}"
    if answer.status == TOO_MANY or answer.error in AGAIN:
        return Deferred(detail, _wait(answer))
    if answer.status >= SERVER_FAULT or answer.error in DOUBTFUL or (answer.status < BAD_REQUEST and not answer.error):
        return Ambiguous(detail)
    if answer.error in CREDENTIALS:
        return Deferred(f"{detail}: the token is not valid any more: make a new one", LATER)
    if answer.error in CONTENT or answer.error in WAYS_OUT or SLACK_CODE.fullmatch(answer.error):
        return Rejected(": ".join(filter(None, [detail, WAYS_OUT.get(answer.error, "")])))
    return Deferred(f"{detail}: not an answer of Slack's (a proxy?)", LATER)


def _wait(answer: Answer) -> float:
    asked = answer.headers.get("retry-after", "").strip()
    seconds = float(asked) if asked.isascii() and asked.isdigit() and len(asked) <= len(str(2**64)) else SOON
    return min(max(seconds, 1.0), LONGEST)


def named(answer: Answer) -> str:
    """Slack's code, or the status; never a body, which may quote the message or a proxy's page."""
    return answer.error if SLACK_CODE.fullmatch(answer.error) else f"HTTP {answer.status}"
