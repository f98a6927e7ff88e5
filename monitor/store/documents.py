"""Nouns as JSON documents, and back: msgspec over the frozen dataclasses themselves.

A field that is added to a noun later needs a default, so that documents of older programs stay readable.
msgspec tells no two dataclasses of a union apart, therefore actions and blocks are written with their kind beside them.
"""

from collections.abc import Collection

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from monitor.domain.action import Action, CommentTicket, OpenTicket, SendAlert
from monitor.domain.advisory import Advisory, Named
from monitor.domain.dependency import Dependencies
from monitor.domain.deployment import Deployment, HostReport
from monitor.domain.document import Block, Bullets, Code, Document, Heading, Link, Paragraph, Table
from monitor.domain.finding import Finding
from monitor.domain.health import SourceHealth
from monitor.domain.provenance import Verification
from monitor.domain.release import Listing, Release
from monitor.domain.review import Review
from monitor.domain.risk import RiskTable
from monitor.domain.server import Entry
from monitor.ports.sources import Validator


class Heard(Struct, frozen=True):
    """A host's report, and the source that had it: what a table's key cannot give back."""

    source: str
    report: HostReport


class Host(Struct, frozen=True):
    """Of a deployment only where it is."""

    host: str


class Version(Struct, frozen=True):
    """Of a deployment only what it runs, as it stands there: nothing is made of it."""

    purl: Raw
    installed: Raw = Raw(b"null")


LISTING = Decoder(Listing)
RELEASE = Decoder(Release)
VALIDATOR = Decoder(Validator)
VERIFICATIONS = Decoder(tuple[Verification, ...])
TEXT = Decoder(str)
VALIDATORS = Decoder(tuple[Validator, ...])
ADVISORY = Decoder(Advisory)
NAMED = Decoder(Named)
DEPENDENCIES = Decoder(Dependencies)
PARTS = Decoder(dict[str, Raw])
LISTED = Decoder(tuple[Raw, ...])
RISK_TABLE = Decoder(RiskTable)
DEPLOYMENT = Decoder(Deployment)
VERSION = Decoder(Version)
HOST = Decoder(Host)
HEARD = Decoder(Heard)
ENTRY = Decoder(Entry)
FINDING = Decoder(Finding)
REVIEW = Decoder(Review)
HEALTH = Decoder(SourceHealth)

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


class _CommentTicket(Struct, tag="comment-ticket", tag_field="kind"):
    key: str
    server: str
    fingerprint: str
    body: tuple[_Block, ...]


class _SendAlert(Struct, tag="send-alert", tag_field="kind"):
    key: str
    channel: str
    title: str
    body: tuple[_Block, ...]
    severity: str


_ACTION: Decoder[_OpenTicket | _CommentTicket | _SendAlert] = Decoder(_OpenTicket | _CommentTicket | _SendAlert)


def write(noun: object) -> str:
    """Write a noun of one of the types above."""
    return msgspec.json.encode(noun, order="deterministic").decode()


def only_these(text: str, begins: Collection[str]) -> Dependencies:
    """Read dependencies, and of what is found only what holds one of these beginnings of a name: of thousands a few are made."""
    parts, names = PARTS.decode(text), [each.encode() for each in begins]
    found = tuple(each for each in LISTED.decode(parts["found"]) if any(name in bytes(each) for name in names))
    return DEPENDENCIES.decode(msgspec.json.encode(parts | {"found": found}))


def write_action(action: Action) -> str:
    """Write an action with its kind."""
    body = tuple(_Block(_KINDS[type(block)], Raw(msgspec.json.encode(block))) for block in action.body)
    match action:
        case OpenTicket(key, server, fingerprint, title, _, priority):
            return write(_OpenTicket(key, server, fingerprint, title, body, priority))
        case CommentTicket(key, server, fingerprint, _):
            return write(_CommentTicket(key, server, fingerprint, body))
        case SendAlert(key, channel, title, _, severity):
            return write(_SendAlert(key, channel, title, body, severity))


def read_action(text: str) -> Action:
    """Read an action that `write_action` wrote."""
    match _ACTION.decode(text):
        case _OpenTicket() as it:
            return OpenTicket(it.key, it.server, it.fingerprint, it.title, _body(it.body), it.priority)
        case _CommentTicket() as it:
            return CommentTicket(it.key, it.server, it.fingerprint, _body(it.body))
        case _SendAlert() as it:
            return SendAlert(it.key, it.channel, it.title, _body(it.body), it.severity)


def _body(blocks: tuple[_Block, ...]) -> Document:
    return tuple(_DECODERS[stored.kind].decode(stored.block) for stored in blocks)
