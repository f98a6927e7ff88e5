"""What is deployed, compared with what is approved: the one place that says how they differ. The rules, the tickets and `drift` read it.

A deployment may differ in several ways at once: a command that floats, whose version on the disk is ahead of the approved one, with a
redirected registry, has three lines.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from shlex import quote

from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.lookalike import Names, Near
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Pin
from monitor.domain.snapshot import Fleet, Snapshot
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
        return self.kind not in CALM and not (self.deployment and self.deployment.disabled)


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
    approve = f"approve it in {listing.place(snapshot.server.name)}"
    for line in _said(snapshot, listing, only):
        if line.kind in only:
            yield line if line.mend or line.kind in CALM else replace(line, mend=approve)


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
            yield _line(snapshot, Kind.DISABLED, deployment, f"has {what(deployment)} switched off", "")
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
            words=f"runs {what(deployment)}, which is on no list",
            mend=f"remove the entry {deployment.name} from {deployment.location}",
            near=known[asked],
        )


def what(deployment: Deployment) -> str:
    """Name what runs, with its version as far as it is known."""
    if runs := deployment.runs:
        return f"{runs.label} {runs.version or ''}".strip()
    return deployment.remote or deployment.name


def launch(pin: Pin) -> str:
    """Return the command that starts exactly what was approved, for a client's configuration."""
    purl, version = pin.purl, pin.purl.version or ""
    match purl.type:
        case "npm":
            return f"npx -y {quote(f'{purl.label}@{version}')}"
        case "pypi":
            return f"uvx {quote(f'{purl.label}=={version}')}"
        case "docker" | "oci":
            image = next((f"@{digest}" for digest in _images(pin)), f":{version}")
            return f"docker run -i --rm {quote(purl.label + image)}"
        case other:
            return f"bring it to {other} {purl.label} {version}"


def _images(pin: Pin) -> list[Digest]:
    return sorted((digest for digest in pin.digests if digest.algorithm == "sha256"), key=str)


def _line(snapshot: Snapshot, kind: Kind, deployment: Deployment | None, words: str, mend: str) -> Line:
    approved = snapshot.approval.pin.purl.version or "" if snapshot.approval else ""
    return Line(kind, snapshot.server.name, deployment, words, snapshot.server.owner, approved, mend)


def _launch(snapshot: Snapshot) -> str:
    """Empty where nothing is approved."""
    return launch(snapshot.approval.pin) if snapshot.approval else ""


def _version(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    runs = deployment.runs
    if runs is None or runs.version is None:
        return
    kind, words = place_of(runs, snapshot)
    if kind is not Kind.APPROVED:
        found = "has on its disk" if _floats(deployment) else "runs"
        yield _line(snapshot, kind, deployment, f"{found} {what(deployment)}{words}", _launch(snapshot))


def place_of(purl: Purl, snapshot: Snapshot) -> tuple[Kind, str]:
    """Say where a version stands to the approved one, and in which words: approved is equality.

    PyPI knows several spellings of one version; elsewhere another text is another version.
    """
    if snapshot.approval is None:
        return Kind.UNAPPROVED, "; no version is approved"
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
    if digest is None or approval is None or runs is None:
        return
    if runs.version is not None and place_of(runs, snapshot)[0] is not Kind.APPROVED:
        return
    same = [each for each in approval.pin.digests if each.algorithm == digest.algorithm]
    if same and digest not in same:
        words = f"runs {what(deployment)} with a digest that is not the approved one"
        mend = f"keep the copy for forensics, then reinstall: {_launch(snapshot)}"
        yield _line(snapshot, Kind.DIGEST_DIFFERS, deployment, words, mend)


def _floats(deployment: Deployment) -> bool:
    return deployment.kind in FLOATS


def _floating(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if _floats(deployment):
        package = deployment.purl.label if deployment.purl else deployment.name
        asked = f" (asks for {deployment.requested})" if deployment.requested else ""
        disk = f"; on its disk lies {deployment.installed.version}" if deployment.installed else ""
        words = f"starts whatever {package} is newest{asked}{disk}"
        yield _line(snapshot, Kind.FLOATING, deployment, words, _launch(snapshot))


def _opaque(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if deployment.kind is PinKind.UNKNOWN:
        asked = f"asks for {deployment.requested}" if deployment.requested else "no reason is known"
        words = f"starts {what(deployment)} by a command that cannot be read with certainty: {deployment.note or asked}"
        yield _line(snapshot, Kind.OPAQUE, deployment, words, _launch(snapshot))


def _redirected(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if deployment.redirects:
        names = ", ".join(deployment.redirects)
        mend = f"remove {names} from the entry {deployment.name} in {deployment.location}"
        yield _line(snapshot, Kind.REDIRECTED, deployment, f"starts {what(deployment)} with {names} set", mend)


def _calm(deployment: Deployment, snapshot: Snapshot) -> Iterator[Line]:
    if deployment.runs is None:
        yield _line(snapshot, Kind.LISTED, deployment, f"runs {what(deployment)}", "")
    elif deployment.runs.version is None:
        yield _line(snapshot, Kind.UNKNOWN, deployment, f"runs {what(deployment)}, of a version that is not known", "")
    else:
        yield _line(snapshot, Kind.APPROVED, deployment, f"runs {what(deployment)}", "")


JUDGES: tuple[tuple[frozenset[Kind], Callable[[Deployment, Snapshot], Iterator[Line]]], ...] = (
    (frozenset({Kind.BEHIND, Kind.AHEAD, Kind.UNAPPROVED, *CALM}), _version),
    (frozenset({Kind.DIGEST_DIFFERS, *CALM}), _other_digest),
    (frozenset({Kind.FLOATING, *CALM}), _floating),
    (frozenset({Kind.OPAQUE, *CALM}), _opaque),
    (frozenset({Kind.REDIRECTED, *CALM}), _redirected),
)
"""Each with what it may say; whoever asks for what is calm has to ask them all."""
