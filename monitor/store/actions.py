"""Actions as JSON documents, and back.

msgspec tells no two dataclasses of a union apart, therefore actions and blocks are written with their kind beside them.
A field that is added to an action later needs a default, so that what an older program queued stays readable.
"""

from dataclasses import fields

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from monitor.domain.action import (
    Action,
    CommentTicket,
    ListServer,
    MoveTicket,
    OpenTicket,
    Place,
    RetireServer,
    SendAlert,
    SendEvent,
    UpdateAlert,
    UpdateTicket,
    WritePin,
)
from monitor.domain.document import Block, Bullets, Code, Document, Heading, Link, Paragraph, Table
from monitor.domain.server import Approval, Entry
from monitor.store.documents import write

BLOCKS: dict[str, type[Block]] = {
    "heading": Heading,
    "paragraph": Paragraph,
    "bullets": Bullets,
    "table": Table,
    "code": Code,
    "link": Link,
}
"""What each kind of block is called in the store; a name once used stays."""

_KINDS = {block: kind for kind, block in BLOCKS.items()}
_DECODERS: dict[str, Decoder[Block]] = {kind: Decoder(block) for kind, block in BLOCKS.items()}
"""Made at import: transactions run in several threads, and msgspec crashes the process where two of them first use a type at once."""


class _Block(Struct):
    kind: str
    block: Raw


class _OpenTicket(Struct, tag="open-ticket", tag_field="kind"):
    key: str
    server: str
    fingerprint: str
    title: str
    body: tuple[_Block, ...]
    priority: str
    shows: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


class _UpdateTicket(Struct, tag="update-ticket", tag_field="kind"):
    key: str
    server: str
    fingerprint: str
    title: str
    body: tuple[_Block, ...]
    priority: str
    shows: tuple[str, ...] = ()


class _CommentTicket(Struct, tag="comment-ticket", tag_field="kind"):
    key: str
    server: str
    fingerprint: str
    body: tuple[_Block, ...]


class _MoveTicket(Struct, tag="move-ticket", tag_field="kind"):
    key: str
    server: str
    fingerprint: str
    to: Place


class _SendAlert(Struct, tag="send-alert", tag_field="kind"):
    key: str
    channel: str
    title: str
    body: tuple[_Block, ...]
    severity: str
    incident: str = ""
    begins: bool = False
    loud: bool = False
    owner: str = ""
    ticket: str = ""
    shows: str = ""


class _UpdateAlert(Struct, tag="update-alert", tag_field="kind"):
    key: str
    channel: str
    title: str
    body: tuple[_Block, ...]
    severity: str
    incident: str
    ticket: str = ""
    shows: str = ""
    open: bool = True


class _WritePin(Struct, tag="write-pin", tag_field="kind"):
    key: str
    server: str
    approval: Approval
    before: str
    to: str
    fingerprint: str = ""


class _ListServer(Struct, tag="list-server", tag_field="kind"):
    key: str
    server: str
    entry: Entry
    to: str


class _RetireServer(Struct, tag="retire-server", tag_field="kind"):
    key: str
    server: str
    by: str
    reason: str
    to: str


class _SendEvent(Struct, tag="send-event", tag_field="kind"):
    key: str
    sink: str
    event: str


_STORED: dict[type[Action], type[Struct]] = {
    OpenTicket: _OpenTicket,
    UpdateTicket: _UpdateTicket,
    CommentTicket: _CommentTicket,
    MoveTicket: _MoveTicket,
    SendAlert: _SendAlert,
    UpdateAlert: _UpdateAlert,
    WritePin: _WritePin,
    ListServer: _ListServer,
    RetireServer: _RetireServer,
    SendEvent: _SendEvent,
}
"""Field by field the same; only a body is stored as its blocks."""
_ACTIONS = {stored: action for action, stored in _STORED.items()}
_ANY = (
    _OpenTicket
    | _UpdateTicket
    | _CommentTicket
    | _MoveTicket
    | _SendAlert
    | _UpdateAlert
    | _WritePin
    | _ListServer
    | _RetireServer
    | _SendEvent
)
_ACTION: Decoder[_ANY] = Decoder(_ANY)


def write_action(action: Action) -> str:
    """Write an action with its kind."""
    values = {each.name: getattr(action, each.name) for each in fields(action)}
    if "body" in values:
        values["body"] = tuple(_Block(_KINDS[type(block)], Raw(msgspec.json.encode(block))) for block in values["body"])
    return write(_STORED[type(action)](**values))


def read_action(text: str) -> Action:
    """Read an action that `write_action` wrote."""
    stored = _ACTION.decode(text)
    values = {name: getattr(stored, name) for name in stored.__struct_fields__}
    if "body" in values:
        values["body"] = _body(values["body"])
    return _ACTIONS[type(stored)](**values)


def _body(blocks: tuple[_Block, ...]) -> Document:
    return tuple(_DECODERS[stored.kind].decode(stored.block) for stored in blocks)
