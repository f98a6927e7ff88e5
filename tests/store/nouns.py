"""Strategies for everything that is kept, with every field in play: each text may be hostile, each time of any zone."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from types import EllipsisType
from typing import TypeVar

from hypothesis import strategies as st

from monitor.domain.action import Action, CommentTicket, OpenTicket, SendAlert
from monitor.domain.advisory import Advisory, Affected, Named
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.deployment import Deployment, HostPolicy, HostReport
from monitor.domain.document import Block
from monitor.domain.finding import Finding, Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.provenance import Publisher, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import HEX_LENGTH, Artifact, Digest, KnownRelease, Listing, Release
from monitor.domain.review import Review, Vote
from monitor.domain.server import Approval, Entry, Pin, Server
from monitor.ports.sources import Validator
from monitor.store.actions import BLOCKS

T = TypeVar("T")

words = st.text(max_size=12)
zones = st.one_of(st.just(UTC), st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes))))
times = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=zones)  # noqa: DTZ001 - `timezones` adds them


def whole(noun: type[T], **given: st.SearchStrategy[object]) -> st.SearchStrategy[T]:
    """Build the dataclass with all its fields, those with defaults too."""
    inferred: dict[str, st.SearchStrategy[object] | EllipsisType] = {field.name: ... for field in fields(noun)}  # type: ignore[arg-type] # nouns are dataclasses
    return st.builds(noun, **(inferred | given))


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Or None."""
    return st.none() | strategy


def several(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[T, ...]]:
    """Up to three."""
    return st.lists(strategy, max_size=3).map(tuple)


# Letters that every database and every registry can spell, and some that hardly any can.
names = st.text("ab-1", min_size=1, max_size=5) | st.text(min_size=1, max_size=5)
versions = st.text("0123456789.", min_size=1, max_size=8) | st.text(min_size=1, max_size=512)
packages = st.one_of(
    st.builds(Purl.npm, st.text("abcd", min_size=1, max_size=3).map(lambda name: f"@scope/{name}")),
    st.builds(Purl.pypi, st.text("abcd", min_size=1, max_size=3)),
)
purls = st.builds(Purl.at, packages, versions)
digests = st.sampled_from(sorted(HEX_LENGTH)).flatmap(
    lambda algorithm: st.text("0123456789abcdef", min_size=HEX_LENGTH[algorithm], max_size=HEX_LENGTH[algorithm]).map(
        lambda text: Digest(algorithm, text)
    )
)
artifacts = whole(
    Artifact,
    filename=words,
    url=words,
    digest=maybe(digests),
    attestation_url=maybe(words),
    size=maybe(st.integers(0, 2**40)),
)
releases = whole(
    Release,
    purl=purls,
    published_at=maybe(times),
    artifacts=several(artifacts),
    yanked=maybe(words),
    deprecated=maybe(words),
    commit=maybe(digests),
)
known_releases = st.builds(KnownRelease, releases, times, st.booleans())
listings = whole(Listing, package=packages, releases=several(releases), standing_reason=words)
validators = whole(Validator, key=words, etag=words, last_modified=words)
publishers = whole(Publisher)
verifications = whole(
    Verification,
    purl=purls,
    publisher=maybe(publishers),
    digests=several(digests),
    document=st.just(""),  # the store demands that a document be there
)
affected = whole(Affected, package=packages, versions=st.frozensets(words, max_size=3))
advisories = whole(
    Advisory,
    id=st.text(min_size=1, max_size=600),
    affected=several(affected),
    score=maybe(st.floats(0, 10)),
    modified_at=times,
    published_at=maybe(times),
    withdrawn_at=maybe(times),
)
named = whole(Named, purl=purls, id=st.text(min_size=1, max_size=600), since=times, gone_at=maybe(times))
dependencies = whole(Dependencies, of=purls, found=several(whole(Dependency, purl=purls, path=several(words))))
deployments = whole(
    Deployment, purl=maybe(purls), digest=maybe(digests), installed=maybe(purls), installed_digest=maybe(digests)
)
reports = whole(HostReport, reported_at=times, policies=several(whole(HostPolicy, exported_at=maybe(times))))
pins = whole(Pin, purl=purls, digests=st.frozensets(digests, max_size=2), publisher=maybe(publishers))
approvals = whole(Approval, pin=pins, approved_at=maybe(times), expires_at=maybe(times))
servers = whole(Server, package=maybe(packages), repository=maybe(packages))
entries = whole(Entry, server=servers, approval=maybe(approvals), line=st.integers(0, 10_000))
findings = whole(Finding, about=maybe(purls))
tracked = whole(
    Tracked,
    finding=findings,
    opened_at=times,
    occurrences=st.integers(1, 9),
    resolved_at=maybe(times),
    alerted_at=maybe(times),
    told=st.sampled_from(["", "page", "ticket", "digest"]),
    opened_as=maybe(findings),
)
votes = whole(Vote, at=times)
reviews = whole(
    Review,
    candidate=pins,
    opened_at=times,
    before=st.none() | pins,
    votes=several(votes),
    approvable_from=st.none() | times,
)
health = whole(SourceHealth, answered_at=maybe(times), failing_since=maybe(times), closed_until=maybe(times))
blocks: st.SearchStrategy[Block] = st.one_of(*(whole(block) for block in BLOCKS.values()))
bodies = several(blocks)
actions: st.SearchStrategy[Action] = st.one_of(
    whole(OpenTicket, body=bodies), whole(CommentTicket, body=bodies), whole(SendAlert, body=bodies)
)
