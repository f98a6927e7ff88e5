"""Whether something was approved at the moment at which it ran or was used: answered from what the registry held then."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.domain.address import same_endpoint
from monitor.domain.connection import Connection
from monitor.domain.deployment import Deployment
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Approval, Listed
from monitor.domain.stage import Stage

UNNAMED = "generic"
"""The type of a version that a log names without its package."""


class Then(StrEnum):
    """Whether it was approved."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it was approved, why, and as which listed server."""

    then: Then
    why: str
    listed: Listed | None = None  # None: on no list then

    @property
    def server(self) -> str:
        """The listed server's name; empty: on no list."""
        return self.listed.entry.server.name if self.listed else ""


@dataclass(frozen=True, slots=True)
class Used:
    """What ran or was used, as far as is known: the names by which a server can be told, the version, the digest of an image."""

    names: tuple[str, ...]
    version: Purl | None  # None, or without a version: not known
    digest: Digest | None = None  # None: not known
    endpoint: str = ""
    """The address, where it is known."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a longer time, in which the answer is the same."""

    begin: datetime
    end: datetime
    answer: Answer


class Approvals:
    """The registry's states by every name that tells a server: its own, its package, its address."""

    def __init__(self, history: Iterable[Listed]) -> None:
        """Take the states of all entries."""
        states: dict[str, list[Listed]] = {}
        for listed in history:
            states.setdefault(listed.entry.server.name, []).append(listed)
        self._states = {name: sorted(found, key=lambda each: each.since) for name, found in states.items()}
        self._begins = {name: [each.since for each in found] for name, found in self._states.items()}
        self._servers: dict[str, dict[str, None]] = {}
        for name, found in self._states.items():
            for key in {name, *(key for each in found for key in _keys(each))}:
                self._servers.setdefault(key, {})[name] = None
        self.since = min((each[0].since for each in self._states.values()), default=None)
        """Since when the registry is known; None: it never was read."""

    def at(self, used: Used, moment: datetime) -> Answer:
        """Answer for one moment."""
        if self.since is None or moment < self.since:
            since = f"before {self.since:%Y-%m-%d %H:%M} UTC" if self.since else "at any time"
            return Answer(Then.UNKNOWN, f"what was approved {since} is not known")
        listed = self._listed(used, moment)
        if listed is None:
            return Answer(Then.NO, "on no list then")
        then, why = _judge(listed, used, moment)
        return Answer(then, why, listed)

    def during(self, used: Used, begin: datetime, end: datetime) -> list[Segment]:
        """Answer for a time, cut where the answer changes; nothing for an empty time."""
        found: list[Segment] = []
        moments = sorted({begin, *(at for at in self._changes(used) if begin < at < end)})
        for at, until in zip(moments, [*moments[1:], end], strict=True):
            answer = self.at(used, at)
            if found and (found[-1].answer.then, found[-1].answer.why) == (answer.then, answer.why):
                found[-1] = Segment(found[-1].begin, until, found[-1].answer)
            elif at < until:
                found.append(Segment(at, until, answer))
        return found

    def _listed(self, used: Used, moment: datetime) -> Listed | None:
        there = [each for name in self._named(used) if (each := self._state(name, moment))]
        # A package that two servers list is approved where one of them has it so.
        return next((each for each in there if _judge(each, used, moment)[0] is Then.YES), next(iter(there), None))

    def _named(self, used: Used) -> dict[str, None]:
        return {server: None for name in used.names for server in self._servers.get(name, ())}

    def _state(self, server: str, moment: datetime) -> Listed | None:
        index = bisect_right(self._begins[server], moment) - 1
        if index < 0:
            return None
        found = self._states[server][index]
        return found if found.gone_at is None or moment < found.gone_at else None

    def _changes(self, used: Used) -> Iterator[datetime]:
        if self.since:
            yield self.since
        for server in self._named(used):
            for each in self._states[server]:
                expires = each.entry.approval.expires_at if each.entry.approval else None
                yield from (at for at in (each.since, each.gone_at, expires) if at)


def of_deployment(deployment: Deployment) -> Used:
    """Say what a deployment is known to run. The name that its client gives it decides nothing."""
    runs = deployment.runs
    endpoint = _endpoint(deployment.remote or "")
    names = [str(runs.package)] if runs else []
    return Used((*names, endpoint) if endpoint else tuple(names), runs, deployment.digest, endpoint)


def of_connection(connection: Connection) -> Used:
    """Say what a connection was to: a package, an address, or the name that the gateway gives the server, in this order."""
    version = connection.version
    names = [connection.server]
    if version and version.type != UNNAMED:
        names.insert(0, str(version.package))
    endpoint = _endpoint(connection.remote) or _endpoint(connection.server)
    return Used((*names, endpoint) if endpoint else tuple(names), version, endpoint=endpoint)


def _endpoint(text: str) -> str:
    return (same_endpoint(text) or "") if "://" in text else ""


def _keys(listed: Listed) -> Iterator[str]:
    server = listed.entry.server
    if server.package:
        yield str(server.package)
    if server.remote and (endpoint := same_endpoint(server.remote)):
        yield endpoint


def _judge(listed: Listed, used: Used, moment: datetime) -> tuple[Then, str]:
    server, approval = listed.entry.server, listed.entry.approval
    if approval is None:
        return Then.NO, "listed and not approved then"
    if server.stage is not Stage.APPROVED:
        return Then.NO, "approved to be tried only" if server.stage is Stage.STAGING else f"{server.stage.value} then"
    if approval.expires_at and approval.expires_at <= moment:
        return Then.NO, f"the approval had ended on {approval.expires_at:%Y-%m-%d}"
    if server.package is None:
        if used.endpoint and used.endpoint != same_endpoint(server.remote or ""):
            return Then.NO, "another address than the one that was approved"
        return Then.YES, f"the address was approved by {approval.approved_by}"
    return _version(approval, used)


def _version(approval: Approval, used: Used) -> tuple[Then, str]:
    approved, version = approval.pin.purl, used.version
    by = f"approved by {approval.approved_by}"
    if version and version.type != UNNAMED and version.package != approved.package:
        return Then.NO, f"another package: approved was {approved}"
    if used.digest and used.digest.algorithm in approval.pin.algorithms and approved.type == "docker":
        same = used.digest in approval.pin.digests
        return (Then.YES, f"{used.digest} was {by}") if same else (Then.NO, f"another image: approved was {approved}")
    if version is None or version.version is None:
        return Then.UNKNOWN, f"which version is not known; approved was {approved.version}"
    if version.version != approved.version:
        return Then.NO, f"{version.version} was not approved, but {approved.version}"
    return Then.YES, f"{approved.version} was {by}"
