"""What we read of the answers of Slack's Web API."""

import msgspec


class Posted(msgspec.Struct, frozen=True):
    """The answer of chat.postMessage: `ts` is the message's id in its channel."""

    ts: str


class Message(msgspec.Struct, frozen=True):
    """A message in the history; other apps write metadata of their own."""

    ts: str
    metadata: dict[str, object] | None = None


class Paging(msgspec.Struct, frozen=True):
    """Where the next page is."""

    next_cursor: str = ""


class History(msgspec.Struct, frozen=True):
    """One page of conversations.history, newest first."""

    messages: list[Message]
    response_metadata: Paging | None = None


class Identity(msgspec.Struct, frozen=True):
    """The answer of auth.test."""

    user: str = ""
    team: str = ""
    team_id: str = ""


class Channel(msgspec.Struct, frozen=True):
    """A channel, as far as posting into it goes."""

    is_archived: bool = False


class Described(msgspec.Struct, frozen=True):
    """The answer of conversations.info."""

    channel: Channel
