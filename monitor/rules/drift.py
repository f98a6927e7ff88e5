"""What is deployed, compared with what is approved."""

from collections.abc import Callable, Iterable
from enum import Enum, auto

from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.finding import Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.purl import Purl
from monitor.domain.snapshot import Fleet, Snapshot
from monitor.domain.unknown import Unknown
from monitor.domain.version_range import compare

Judge = Callable[[Deployment, Snapshot], tuple[Severity, str, bool] | None]
"""Says of one deployment how bad, in which words, and whether the version itself is up for a decision; None: nothing to say."""


def unapproved_version(snapshot: Snapshot) -> Verdicts:
    """A host runs a version of a listed server that nobody approved.

    Harm: the review was about something else than what runs.
    Evidence: a launch command or an inventory that names the version exactly.
    False positives: roll-out lag; an older version that was known at the first look, or approved once, is `deployed-behind`.
    Remedy: move the host to the approved version, or approve this one.
    """
    yield from _each(snapshot, "unapproved-version", _unapproved)


def deployed_behind(snapshot: Snapshot) -> Verdicts:
    """A host runs a version that is older than the approved one.

    Harm: fixes that were approved are missing there.
    Evidence: a launch command or an inventory that names the version exactly.
    False positives: roll-out lag.
    Remedy: update the host.
    """
    yield from _each(snapshot, "deployed-behind", _behind)


def deployed_digest_differs(snapshot: Snapshot) -> Verdicts:
    """A host runs the approved version with other bytes.

    Harm: a tampered package or image under an approved name.
    Evidence: a digest in the launch command or the inventory, against the digests of the approval (same algorithm).
    False positives: an approval that does not list all files of the version.
    Remedy: take the host's copy for forensics, reinstall from the approved digest.
    """
    yield from _each(snapshot, "deployed-digest-differs", _other_digest)


def floating_version(snapshot: Snapshot) -> Verdicts:
    """A host starts whatever version is newest at that moment.

    Harm: an unreviewed release runs minutes after it is published; an unpinned `npx` even prefers a project-local binary.
    Evidence: a launch command without an exact version.
    False positives: none.
    Remedy: write the approved version into the launch command.
    """
    yield from _each(snapshot, "floating-version", _floating)


def opaque_launch(snapshot: Snapshot) -> Verdicts:
    """A host starts a listed server by a command that cannot be read with certainty.

    Harm: something else may run than the package that is named: another package, a script, another registry's copy.
    Evidence: the note names it: an unknown option, a shell line that does more, a further package, a command that is not the package's own.
    False positives: launch scripts, options younger than this program, packages whose command bears another name.
    Remedy: start the package plainly, by its exact version and nothing beside it; or waive it by place with a reason.
    """
    yield from _each(snapshot, "opaque-launch", _opaque)


def redirected_source(snapshot: Snapshot) -> Verdicts:
    """The environment of a deployed server redirects its registry or preloads code.

    Harm: an approved name and version, served from somewhere else, or with foreign code in the process.
    Evidence: the names (never the values) of environment variables in the client's configuration.
    False positives: corporate mirrors; waive them.
    Remedy: remove the variable, or waive it with a reason.
    """
    yield from _each(snapshot, "redirected-source", _redirected)


def not_deployed(snapshot: Snapshot) -> Verdicts:
    """A listed server is deployed nowhere that we can see.

    Harm: none; an approval that nobody uses is one more thing that can go wrong.
    Evidence: no inventory names its package or address.
    False positives: hosts that no inventory covers.
    Remedy: retire the entry, or add the inventory.
    """
    if isinstance(snapshot.deployments, Unknown) or snapshot.inventory_gaps:
        yield Unseen("not-deployed", snapshot.server.name)
    elif not snapshot.deployments:
        yield Finding(
            rule="not-deployed",
            server=snapshot.server.name,
            subject=snapshot.server.name,
            severity=Severity.INFO,
            summary=f"{snapshot.server.name} is listed and seen nowhere",
        )


def shadow_server(fleet: Fleet) -> Iterable[Finding]:
    """A server is deployed that is on no list.

    Harm: nobody reviewed it, nobody watches it.
    Evidence: a client configuration or an inventory that names it.
    False positives: development; waive it by place, or list it without approval.
    Remedy: submit it for approval, or remove it from the host.
    """
    for deployment in fleet.unlisted:
        name = str(deployment.purl.package) if deployment.purl else deployment.remote or deployment.name
        yield Finding(
            rule="shadow-server",
            server=name,
            subject=deployment.key,
            severity=Severity.INFO if deployment.disabled else Severity.HIGH,
            summary=f"{_what(deployment)} is deployed on {deployment.host} and on no list",
            facts=_place(deployment),
        )


def _each(snapshot: Snapshot, rule: str, judge: Judge) -> Verdicts:
    """Apply one comparison to each deployment that is switched on."""
    if isinstance(snapshot.deployments, Unknown):
        yield Unseen(rule, snapshot.server.name)
        return
    for deployment in snapshot.deployments:
        said = None if deployment.disabled else judge(deployment, snapshot)
        if said is None:
            continue
        severity, words, names_version = said
        yield Finding(
            rule=rule,
            server=snapshot.server.name,
            subject=deployment.key,
            severity=severity,
            summary=f"{deployment.host} ({deployment.client}) {words}",
            facts=_place(deployment),
            about=deployment.purl if names_version else None,
        )


class _Place(Enum):
    """Where a deployed version stands to the approved one."""

    SAME = auto()
    BEHIND = auto()
    """Below it, and no news: it was there at the first look, or was approved once."""
    ELSEWHERE = auto()


def _place_of(purl: Purl, snapshot: Snapshot) -> _Place:
    """Approved is equality. PyPI knows several spellings of one version; elsewhere another text is another version."""
    if snapshot.approval is None:
        return _Place.ELSEWHERE
    approved = snapshot.approval.pin.purl
    order = compare(purl.type, purl.version or "", approved.version or "")
    if purl == approved or (order == 0 and purl.type == "pypi"):
        return _Place.SAME
    return _Place.BEHIND if order == -1 and _no_news(purl, snapshot) else _Place.ELSEWHERE


def _no_news(purl: Purl, snapshot: Snapshot) -> bool:
    """A version below the approved one that appeared since the first look was published late: nobody ever reviewed it."""
    if purl in snapshot.approved_before or isinstance(snapshot.package, Unknown):
        return True
    known = snapshot.package.known.get(purl.version or "")
    return known is not None and known.baseline


def _unapproved(deployment: Deployment, snapshot: Snapshot) -> tuple[Severity, str, bool] | None:
    purl, approval = deployment.purl, snapshot.approval
    if purl is None or purl.version is None or _place_of(purl, snapshot) is not _Place.ELSEWHERE:
        return None
    approved = f"approved is {approval.pin.purl.version}" if approval else "no version is approved"
    return Severity.HIGH, f"runs {_what(deployment)}; {approved}", True


def _behind(deployment: Deployment, snapshot: Snapshot) -> tuple[Severity, str, bool] | None:
    purl, approval = deployment.purl, snapshot.approval
    if purl is None or purl.version is None or approval is None or _place_of(purl, snapshot) is not _Place.BEHIND:
        return None
    return Severity.LOW, f"runs {_what(deployment)}; approved is {approval.pin.purl.version}", False


def _other_digest(deployment: Deployment, snapshot: Snapshot) -> tuple[Severity, str, bool] | None:
    approval = snapshot.approval
    if deployment.digest is None or approval is None or deployment.purl is None:
        return None
    if deployment.purl.version is not None and deployment.purl != approval.pin.purl:
        return None
    same = [digest for digest in approval.pin.digests if digest.algorithm == deployment.digest.algorithm]
    if not same or deployment.digest in same:
        return None
    return Severity.CRITICAL, f"runs {_what(deployment)} with a digest that is not the approved one", False


def _floating(deployment: Deployment, _snapshot: Snapshot) -> tuple[Severity, str, bool] | None:
    if deployment.kind not in (PinKind.NONE, PinKind.TAG, PinKind.RANGE):
        return None
    asked = f" (asks for {deployment.requested})" if deployment.requested else ""
    return Severity.MEDIUM, f"starts whatever {_what(deployment)} is newest{asked}", False


def _opaque(deployment: Deployment, _snapshot: Snapshot) -> tuple[Severity, str, bool] | None:
    if deployment.kind is not PinKind.UNKNOWN:
        return None
    why = deployment.note or (f"asks for {deployment.requested}" if deployment.requested else "no reason is known")
    return Severity.MEDIUM, f"starts {_what(deployment)} by a command that cannot be read with certainty: {why}", False


def _redirected(deployment: Deployment, _snapshot: Snapshot) -> tuple[Severity, str, bool] | None:
    if not deployment.redirects:
        return None
    names = ", ".join(deployment.redirects)
    return Severity.HIGH, f"starts {_what(deployment)} with {names} set", False


def _what(deployment: Deployment) -> str:
    if deployment.purl:
        return f"{deployment.purl.label} {deployment.purl.version or ''}".strip()
    return deployment.remote or deployment.name


def _place(deployment: Deployment) -> tuple[Fact, ...]:
    facts = [
        Fact("host", deployment.host, "inventory"),
        Fact("client", deployment.client, "inventory"),
        Fact("place", deployment.location, "inventory"),
        Fact("named there", deployment.name, "inventory"),
        Fact("pinned", deployment.kind.value, "inventory"),
    ]
    if deployment.note:
        facts.append(Fact("note", deployment.note, "inventory"))
    return tuple(facts)
