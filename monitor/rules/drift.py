"""What is deployed, compared with what is approved."""

from collections.abc import Iterable

from monitor.domain.comparison import Kind, Line, built_in, lines_of, nameless, strangers, what
from monitor.domain.finding import Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.snapshot import Fleet, Snapshot
from monitor.domain.unknown import Unknown

RULE_OF = {
    Kind.AHEAD: "unapproved-version",
    Kind.UNAPPROVED: "unapproved-version",
    Kind.BEHIND: "deployed-behind",
    Kind.DIGEST_DIFFERS: "deployed-digest-differs",
    Kind.FLOATING: "floating-version",
    Kind.OPAQUE: "opaque-launch",
    Kind.REDIRECTED: "redirected-source",
    Kind.SHADOW: "shadow-server",
    Kind.NOT_DEPLOYED: "not-deployed",
}
"""Which rule says it."""
UP_FOR_DECISION = frozenset({Kind.AHEAD, Kind.UNAPPROVED})
"""The version itself is."""


def unapproved_version(snapshot: Snapshot) -> Verdicts:
    """A host runs a version of a listed server that nobody approved.

    Harm: the review was about something else than what runs.
    Evidence: a launch command or an inventory that names the version exactly, or what lies on the host's disk for a command that floats.
    False positives: roll-out lag; an older version that was known at the first look, or approved once, is `deployed-behind`.
    Remedy: move the host to the approved version, or approve this one.
    """
    yield from _each(snapshot, "unapproved-version", Severity.HIGH, Kind.AHEAD, Kind.UNAPPROVED)


def deployed_behind(snapshot: Snapshot) -> Verdicts:
    """A host runs a version that is older than the approved one.

    Harm: fixes that were approved are missing there.
    Evidence: a launch command or an inventory that names the version exactly, or what lies on the host's disk for a command that floats.
    False positives: roll-out lag; a copy on the disk that nothing starts any more.
    Remedy: update the host.
    """
    yield from _each(snapshot, "deployed-behind", Severity.LOW, Kind.BEHIND)


def deployed_digest_differs(snapshot: Snapshot) -> Verdicts:
    """A host runs the approved version with other bytes.

    Harm: a tampered package or image under an approved name.
    Evidence: a digest in the launch command, the inventory or the host's lock file, against the digests of the approval (same algorithm).
    An image is what its digest says, whatever tag stands beside it.
    False positives: an approval that does not list all files of the version, or an image's digest for each platform.
    Remedy: take the host's copy for forensics, reinstall from the approved digest.
    """
    yield from _each(snapshot, "deployed-digest-differs", Severity.CRITICAL, Kind.DIGEST_DIFFERS)


def floating_version(snapshot: Snapshot) -> Verdicts:
    """A host starts whatever version is newest at that moment.

    Harm: an unreviewed release runs minutes after it is published; an unpinned `npx` even prefers a project-local binary.
    Evidence: a launch command without an exact version; what it starts now, or started last, where that lies on the host's disk.
    False positives: none.
    Remedy: write the approved version into the launch command.
    """
    yield from _each(snapshot, "floating-version", Severity.MEDIUM, Kind.FLOATING)


def opaque_launch(snapshot: Snapshot) -> Verdicts:
    """A host starts a listed server by a command that cannot be read with certainty.

    Harm: something else may run than the package that is named: another package, a script, another registry's copy.
    Evidence: the note names it: an unknown option, a shell line that does more, a further package, a command that is not the package's own.
    False positives: launch scripts, options younger than this program, packages whose command bears another name.
    Remedy: start the package plainly, by its exact version and nothing beside it; or waive it by place with a reason.
    """
    yield from _each(snapshot, "opaque-launch", Severity.MEDIUM, Kind.OPAQUE)


def redirected_source(snapshot: Snapshot) -> Verdicts:
    """The environment of a deployed server redirects its registry or preloads code.

    Harm: an approved name and version, served from somewhere else, or with foreign code in the process.
    Evidence: the names (never the values) of environment variables in the client's configuration.
    False positives: corporate mirrors; waive them.
    Remedy: remove the variable, or waive it with a reason.
    """
    yield from _each(snapshot, "redirected-source", Severity.HIGH, Kind.REDIRECTED)


def not_deployed(snapshot: Snapshot) -> Verdicts:
    """A listed server is deployed nowhere that we can see.

    Harm: none; an approval that nobody uses is one more thing that can go wrong.
    Evidence: no inventory names its package or address.
    False positives: hosts that no inventory covers.
    Remedy: retire the entry, or add the inventory.
    """
    if isinstance(snapshot.deployments, Unknown) or snapshot.inventory_gaps:
        yield Unseen("not-deployed", snapshot.server.name)
        return
    for line in lines_of(snapshot, only=frozenset({Kind.NOT_DEPLOYED})):
        yield Finding(
            rule="not-deployed",
            server=line.server,
            subject=line.server,
            severity=Severity.INFO,
            summary=f"{line.server} {line.words}",
        )


def shadow_server(fleet: Fleet) -> Iterable[Finding]:
    """A server is deployed that is on no list.

    Harm: nobody reviewed it, nobody watches it.
    Evidence: a client configuration or an inventory that names it; the nearest name on the list, and whether it looks like that one.
    False positives: development; waive it by place, or list it without approval.
    Remedy: submit it for approval, or remove it from the host.
    """
    for line in strangers(fleet):
        if (deployment := line.deployment) is None:
            continue
        summary = f"{what(deployment)} is deployed on {deployment.host} and on no list"
        if nameless(deployment):
            summary = f"{deployment.host} ({deployment.client}) {line.words}"
        if line.near and line.near.lookalike:
            summary += f"; it may be taken for {line.near.server.name}: {line.near.how}"
        yield Finding(
            rule="shadow-server",
            server=line.server,
            subject=deployment.key,
            severity=Severity.INFO if deployment.disabled or built_in(deployment) else Severity.HIGH,
            summary=summary,
            facts=_facts(line),
        )


def _each(snapshot: Snapshot, rule: str, severity: Severity, *kinds: Kind) -> Verdicts:
    """Say what the comparison found of these kinds."""
    if isinstance(snapshot.deployments, Unknown):
        yield Unseen(rule, snapshot.server.name)
        return
    for line in lines_of(snapshot, only=frozenset(kinds)):
        if (deployment := line.deployment) is None:
            continue
        yield Finding(
            rule=rule,
            server=line.server,
            subject=deployment.key,
            severity=severity,
            summary=f"{deployment.host} ({deployment.client}) {line.words}",
            facts=_facts(line),
            about=deployment.runs if line.kind in UP_FOR_DECISION else None,
        )


def _facts(line: Line) -> tuple[Fact, ...]:
    if (deployment := line.deployment) is None:
        return ()
    found = str(deployment.installed or "")
    near = f"{line.near.server.name} ({line.near.how})" if line.near else ""
    facts = (
        Fact("host", deployment.host, "inventory"),
        Fact("client", deployment.client, "inventory"),
        Fact("place", deployment.location, "inventory"),
        Fact("named there", deployment.name, "inventory"),
        Fact("to mend", line.mend),
        Fact("pinned", deployment.kind.value, "inventory"),
        Fact("stands", _STANDS.get(line.kind, ""), "registry"),
        Fact("approved", line.approved, "registry"),
        Fact("on the disk", found, "inventory"),
        Fact("owner", line.owner, "registry"),
        Fact("nearest on the list", near, "registry"),
        Fact("note", deployment.note, "inventory"),
    )
    return tuple(fact for fact in facts if fact.value)


_STANDS = {Kind.AHEAD: "ahead of approval", Kind.UNAPPROVED: "unapproved", Kind.BEHIND: "behind"}
