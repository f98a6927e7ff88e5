"""Nouns as JSON documents, and back: msgspec over the frozen dataclasses themselves.

A field that is added to a noun later needs a default, so that documents of older programs stay readable.
Actions, a union, are in `monitor.store.actions`.
"""

from collections.abc import Collection

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from monitor.domain.advisory import Advisory, Named
from monitor.domain.connection import Connection
from monitor.domain.dependency import Dependencies
from monitor.domain.deployment import Deployment, HostReport
from monitor.domain.finding import Finding
from monitor.domain.health import SourceHealth
from monitor.domain.provenance import Verification
from monitor.domain.recertification import Recertification
from monitor.domain.release import Listing, Release
from monitor.domain.review import Review
from monitor.domain.risk import RiskTable
from monitor.domain.server import Entry
from monitor.domain.submission import Submission
from monitor.domain.waiver import Waiver
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
WAIVER = Decoder(Waiver)
SUBMISSION = Decoder(Submission)
RECERTIFICATION = Decoder(Recertification)
CONNECTION = Decoder(Connection)


def write(noun: object) -> str:
    """Write a noun of one of the types above."""
    return msgspec.json.encode(noun, order="deterministic").decode()


def only_these(text: str, begins: Collection[str]) -> Dependencies:
    """Read dependencies, and of what is found only what holds one of these beginnings of a name: of thousands a few are made."""
    parts, names = PARTS.decode(text), [each.encode() for each in begins]
    found = tuple(each for each in LISTED.decode(parts["found"]) if any(name in bytes(each) for name in names))
    return DEPENDENCIES.decode(msgspec.json.encode(parts | {"found": found}))
