"""What is deployed, compared with what is approved: the one place that says how they differ. The rules, the tickets and `drift` read it.

A deployment may differ in several ways at once: a command that floats, whose version on the disk is ahead of the approved one, with a
redirected registry, has three lines.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.images import approved_image, comparable, other_image, seen_under
from monitor.domain.lookalike import Names, Near
from monitor.domain.mending import removing, starting, unsetting
from monitor.domain.purl import Purl
from monitor.domain.snapshot import Fleet, Snapshot
from monitor.domain.stage import Stage
from monitor.domain.unknown import Unknown
from monitor.domain.version_range import compare as order_of


class Kind(StrEnum):
    """How a deployment, or a listed server, stands to the registry."""

    APPROVED = "approved"
    BEHIND = "behind"
    """Below the approved version, and no news: it was there at the first look, or was approved once."""
    AHEAD = "ahead"
    UNAPPROVED = "unapproved"
    """Another version that is not ahead: below and published late, of equal rank, not comparable; or no version is approved."""
    DIGEST_DIFFERS = "digest differs"
    FLOATING = "floating"
    OPAQUE = "opaque"
    REDIRECTED = "redirected"
    LISTED = "listed"
    """A listed remote server: it publishes no versions."""
    UNKNOWN = "unknown"
    """Of a listed server, and which version runs is not known."""
    DISABLED = "disabled"
    SHADOW = "shadow"
    NOT_DEPLOYED = "not deployed"


CALM = frozenset({Kind.APPROVED, Kind.LISTED, Kind.UNKNOWN, Kind.DISABLED, Kind.NOT_DEPLOYED})
"""No drift."""
EVERY = frozenset(Kind)
FLOATS = frozenset({PinKind.NONE, PinKind.TAG, PinKind.RANGE})


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to be said of one deployment (None: of a listed server that is deployed nowhere)."""

    kind: Kind
    server: str
    """The name in the registry; of what is on no list its package, address, or name there."""
    deployment: Deployment | None
    words: str
    """What is so, for a person, without the place. May quote untrusted text."""
    owner: str = ""
    """Who answers for the server; empty: nobody, or it is on no list."""
    approved: str = ""
    """The approved version; empty: none is."""
    mend: str = ""
    """The one command or edit that mends it; empty: there is nothing to mend. May quote untrusted text."""
    near: Near | None = None  # None: it is listed, or nothing on the list is near

    @property
    def drift(self) -> bool:
        """Whether something should be done about it."""
        it = self.deployment
        return self.kind not in CALM and not (it and (it.disabled or built_in(it)))


@dataclass(frozen=True, slots=True)
class RegistryPlace:
    """Where the list stands, for who has to edit it: its name, and the line of each server's entry."""

    name: str = "the registry"
    lines: Mapping[str, int] = field(default_factory=dict)

    def place(self, server: str) -> str:
        """Name the entry."""
        line = f" line {self.lines[server]}" if server in self.lines else ""
        return f"{self.name}{line} ({server})"


SOMEWHERE = RegistryPlace()


def compare(snapshots: Iterable[Snapshot], fleet: Fleet, listing: RegistryPlace) -> tuple[Line, ...]:
    """Compare everything: the servers' deployments, the servers that have none, and the deployments of no server.

    Nothing is said of a server whose deployments are not known, nor that it is deployed nowhere while an inventory is missing.
    """
    listed = [line for snapshot in snapshots for line in lines_of(snapshot, listing)]
    return (*listed, *strangers(fleet))


def lines_of(
    snapshot: Snapshot,
    listing: RegistryPlace = SOMEWHERE,
    *,
    only: frozenset[Kind] = EVERY,
) -> Iterator[Line]:
    """Compare one server's deployments with its approval; yield at least one line for each, of those kinds only."""
    place = listing.place(snapshot.server.name)
    for line in _said(snapshot, listing, only):
        if line.kind in only:
            yield line if line.mend or line.kind in CALM else _mended(line, snapshot, place)


def _mended(line: Line, snapshot: Snapshot, place: str) -> Line:
    """Say how the approved version gets there, or where one is approved; a source that is redirected gets no approval before it is not."""
    if (deployment := line.deployment) is None:
        return line
    if start := starting(deployment, snapshot.server, snapshot.approval, place):
        first = "keep the copy for forensics, then reinstall: " if line.kind is Kind.DIGEST_DIFFERS else ""
        return replace(line, mend=first + start)
    first = f"{unset}, then " if (unset := unsetting(deployment)) else ""
    return replace(line, mend=f"{first}approve it in {place}")


def _said(snapshot: Snapshot, listing: RegistryPlace, only: frozenset[Kind]) -> Iterator[Line]:
    judges = [judge for kinds, judge in JUDGES if not kinds.isdisjoint(only)]
    if isinstance(snapshot.deployments, Unknown):
        return
    if not snapshot.deployments and not snapshot.inventory_gaps:
        name = snapshot.server.name
        yield _line(
            snapshot,
            Kind.NOT_DEPLOYED,
            None,
            "is listed and seen nowhere",
            f"retire the entry in {listing.place(name)}",
        )
    for deployment in snapshot.deployments:
        if deployment.disabled:
            yield _line(snapshot, Kind.DISABLED, deployment, f"has {what(deployment)} switched off")
            continue
        said = [line for judge in judges for line in judge(deployment, snapshot)]
        yield from said or _calm(deployment, snapshot)


def strangers(fleet: Fleet) -> Iterator[Line]:
    """Say of each deployment of no listed server which one is nearest."""
    names = Names.of(fleet.servers) if fleet.unlisted else Names()
    known: dict[tuple[Purl | None, str | None], Near | None] = {}
    for deployment in fleet.unlisted:
        package = deployment.runs and deployment.runs.package
        asked = (package, deployment.remote)
        if asked not in known:
            known[asked] = names.nearest(deployment)
        yield Line(
            kind=Kind.SHADOW,
            server=str(package) if package else deployment.remote or deployment.name,
            deployment=deployment,
            words=_strange(deployment),
            mend=removing(deployment),
            near=known[asked],
        )


def what(deployment: Deployment) -> str:
    """Name what runs, with its version as far as it is known."""
    if runs := deployment.runs:
        return f"{runs.label} {runs.version or ''}".strip()
    return deployment.remote or deployment.name


def nameless(deployment: Deployment) -> bool:
    """Whether nothing is known of it but the name of its entry: no entry of the registry could name it."""
    return deployment.runs is None and deployment.remote is None


def built_in(deployment: Deployment) -> bool:
    """Whether it is a part of the client itself: who reviewed the client has it, and no list could have it."""
    return nameless(deployment) and deployment.note.startswith("built into the client")


def _strange(deployment: Deployment) -> str:
    if nameless(deployment) and deployment.kind is PinKind.UNKNOWN:
        return f"has an entry {deployment.name} that cannot be read: {deployment.note or 'no reason is known'}"
    note = f" ({deployment.note})" if nameless(deployment) and deployment.note else ""
    return f"runs {what(deployment)}{note}, which is on no list"


def _line(snapshot: Snapshot, kind: Kind, deployment: Deployment | None, words: str, mend: str = "") -> Line:
    approved = snapshot.approval.pin.purl.version or "" if snapshot.approval else ""
    return Line(kind, snapshot.server.name, deployment, words, snapshot.server.owner, approved, mend)


def _version(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if deployment.runs is None or approved_image(deployment, snapshot):
        return
    if other_image(deployment, snapshot):
        yield from _by_digest(deployment, snapshot)
        return
    if deployment.runs.version is None:
        return
    kind, words = place_of(deployment.runs, snapshot)
    if kind is not Kind.APPROVED:
        found = "has on its disk" if _floats(deployment) else "runs"
        yield _line(snapshot, kind, deployment, f"{found} {what(deployment)}{words}")


def _by_digest(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    """Of an image that is started by another digest: a tag beside it may make it worse, and never better."""
    runs, digest = deployment.runs, deployment.digest
    if runs is None or digest is None:
        return
    kind, words = place_of(runs, snapshot) if runs.version else (Kind.APPROVED, "")
    if kind is Kind.APPROVED and comparable(digest, snapshot):
        return
    if kind is Kind.APPROVED or (kind is Kind.BEHIND and not seen_under(runs.version or "", digest, snapshot)):
        kind = Kind.UNAPPROVED
        words = f" by {digest}, which no approval names" if snapshot.approval else "; no version is approved"
    yield _line(snapshot, kind, deployment, f"runs {what(deployment)}{words}")


def place_of(purl: Purl, snapshot: Snapshot) -> tuple[Kind, str]:
    """Say where a version stands to the approved one, and in which words: approved is equality.

    PyPI knows several spellings of one version; elsewhere another text is another version.
    """
    if snapshot.approval is None:
        retired = snapshot.server.stage is Stage.RETIRED
        return Kind.UNAPPROVED, "; the server is retired" if retired else "; no version is approved"
    approved = snapshot.approval.pin.purl
    order = order_of(purl.type, purl.version or "", approved.version or "")
    if purl == approved or (order == 0 and purl.type == "pypi"):
        return Kind.APPROVED, ""
    if order == -1 and _no_news(purl, snapshot):
        return Kind.BEHIND, f"; approved is {approved.version}"
    return Kind.AHEAD if order == 1 else Kind.UNAPPROVED, f", {_ORDER[order]} {approved.version}"


_ORDER = {
    1: "ahead of the approved",
    0: "another build than the approved",
    -1: "below and not reviewed; approved is",
    None: "which cannot be compared with the approved",
}


def _no_news(purl: Purl, snapshot: Snapshot) -> bool:
    """A version below the approved one that appeared since the first look was published late: nobody ever reviewed it."""
    if purl in snapshot.approved_before or isinstance(snapshot.package, Unknown):
        return True
    known = snapshot.package.known.get(purl.version or "")
    return known is not None and known.baseline


def _other_digest(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    digest = deployment.digest or deployment.installed_digest
    approval, runs = snapshot.approval, deployment.runs
    if digest is None or approval is None or runs is None or digest in approval.pin.digests:
        return
    if runs.version is not None and place_of(runs, snapshot)[0] is not Kind.APPROVED:
        return
    if comparable(digest, snapshot):
        words = f"runs {what(deployment)} with a digest that is not the approved one: {digest}"
        yield _line(snapshot, Kind.DIGEST_DIFFERS, deployment, words)


def _floats(deployment: Deployment) -> bool:
    return deployment.kind in FLOATS


def _floating(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if _floats(deployment):
        package = deployment.purl.label if deployment.purl else deployment.name
        asked = f" (asks for {deployment.requested})" if deployment.requested else ""
        disk = f"; on its disk lies {deployment.installed.version}" if deployment.installed else ""
        words = f"starts whatever {package} is newest{asked}{disk}"
        yield _line(snapshot, Kind.FLOATING, deployment, words)


def _opaque(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if deployment.kind is PinKind.UNKNOWN:
        asked = f"asks for {deployment.requested}" if deployment.requested else "no reason is known"
        words = f"starts {what(deployment)} by a command that cannot be read with certainty: {deployment.note or asked}"
        yield _line(snapshot, Kind.OPAQUE, deployment, words)


def _redirected(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if deployment.redirects:
        names = ", ".join(deployment.redirects)
        words = f"starts {what(deployment)} with {names} set"
        yield _line(snapshot, Kind.REDIRECTED, deployment, words, unsetting(deployment))


def _calm(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if deployment.runs is None:
        yield _line(snapshot, Kind.LISTED, deployment, f"runs {what(deployment)}")
    elif deployment.runs.version is None and not approved_image(deployment, snapshot):
        yield _line(snapshot, Kind.UNKNOWN, deployment, f"runs {what(deployment)}, of a version that is not known")
    else:
        yield _line(snapshot, Kind.APPROVED, deployment, f"runs {what(deployment)}")


JUDGES: tuple[tuple[frozenset[Kind], Callable[[Deployment, Snapshot], Iterator[Line]]], ...] = (
    (frozenset({Kind.BEHIND, Kind.AHEAD, Kind.UNAPPROVED, *CALM}), _version),
    (frozenset({Kind.DIGEST_DIFFERS, *CALM}), _other_digest),
    (frozenset({Kind.FLOATING, *CALM}), _floating),
    (frozenset({Kind.OPAQUE, *CALM}), _opaque),
    (frozenset({Kind.REDIRECTED, *CALM}), _redirected),
)
"""Each with what it may say; whoever asks for what is calm has to ask them all."""
