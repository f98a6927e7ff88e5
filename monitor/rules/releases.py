"""What happens to a package at its source: new versions, bytes that change, versions and projects that leave."""

from collections.abc import Iterator

from monitor.domain.candidate import candidate, unreviewed
from monitor.domain.changes import Changes, Republished
from monitor.domain.finding import Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.purl import Purl
from monitor.domain.release import Listing, Release, Standing
from monitor.domain.snapshot import Looked, Snapshot
from monitor.domain.stage import Stage
from monitor.domain.unknown import Unknown


def new_release(snapshot: Snapshot) -> Verdicts:
    """A version newer than the approved one has appeared upstream.

    Harm: none by itself; until somebody decides, the fleet either stays behind or runs what nobody reviewed.
    Evidence: the registry's listing, compared as a set with every version ever seen. The first look at a package is a baseline.
    False positives: none; versions of an older line (backports) and pre-releases are left out unless a pre-release is approved, and
    those of a retired server.
    Remedy: decide in the ticket; the decision becomes the new pin.
    """
    server = snapshot.server
    if server.stage is Stage.RETIRED:
        return  # Nobody is to decide about what is not to run any more.
    if snapshot.submission:
        return  # What was submitted is under review; what comes after it is asked about once the server is listed.
    if isinstance(snapshot.package, Unknown):
        yield Unseen("new-release", server.name)
        return
    found = candidate(snapshot.approval, snapshot.package)
    if found is None:
        return
    purl, at = found.release.purl, found.release.published_at
    approved = snapshot.approval.pin.purl.version if snapshot.approval else None
    others = [known.release.version for known in unreviewed(snapshot.approval, snapshot.package) if known is not found]
    facts = [
        Fact("published", f"{at:%Y-%m-%d %H:%M} UTC" if at else "no time given", purl.type),
        Fact("first seen", f"{found.first_seen_at:%Y-%m-%d %H:%M} UTC", "mcp-monitor"),
        Fact("approved", approved or "no version", "registry"),
    ]
    if others:
        facts.append(Fact("also new", ", ".join(others[:20]), purl.type))
    yield Finding(
        rule="new-release",
        server=server.name,
        subject=str(purl),
        severity=Severity.MEDIUM,
        summary=f"{purl.label} {purl.version} was released; approved is {approved or 'no version'}",
        facts=tuple(facts),
        about=purl,
    )


def republished(snapshot: Snapshot) -> Verdicts:
    """A version has other bytes than when it was first seen, another file, no digest any more, or its tag points at another commit.

    Harm: what was reviewed is not what is served. Registries forbid it, so it means a compromised registry, mirror or account.
    Evidence: the digest in the registry's listing, or the commit of the tag, against the one that was stored at first sight.
    False positives: tags that are meant to move (`v1`, `latest`) are left out unless they are approved; wheels that a
    project builds late for a new Python (PyPI refuses them for releases older than 14 days).
    Remedy: do not deploy the version; compare the stored digests; ask the publisher in public.
    """
    for looked, where in ((snapshot.package, "package"), (snapshot.repository, "repository")):
        if isinstance(looked, Unknown):
            yield Unseen("republished", snapshot.server.name)
        elif looked is not None:
            yield from _republished(snapshot, looked, where)


def _republished(snapshot: Snapshot, looked: Looked, where: str) -> Iterator[Finding]:
    approved = snapshot.approval.pin.purl if snapshot.approval else None
    for change in looked.changes.republished:
        purl = looked.listing.package.at(change.version)
        if change.what == "tag" and _floats(change.version) and purl != approved:
            continue
        replaced = change.before is not None and change.after is not None
        yield Finding(
            rule="republished",
            server=snapshot.server.name,
            subject=f"{purl} {change.what}",
            severity=Severity.CRITICAL if replaced else Severity.HIGH,
            summary=_what_changed(purl, change, where),
            facts=(
                Fact("before", str(change.before or "no such file, or no digest"), "mcp-monitor, at first sight"),
                Fact("now", str(change.after or "no digest"), purl.type),
            ),
            about=purl if where == "package" else approved,
            trust_signal=True,
        )


def _what_changed(purl: Purl, change: Republished, where: str) -> str:
    if change.what == "tag":
        return f"tag {change.version} of {purl.label} was moved to another commit"
    if change.before is None:
        return f"a file was added to {purl.label} {change.version} after it was first seen: {change.what}"
    if change.after is None:
        return f"the digest of {change.what} of {purl.label} {change.version} is no longer announced ({where})"
    return f"{change.what} of {purl.label} {change.version} has other bytes than when it was first seen ({where})"


def _floats(tag: str) -> bool:
    """`v1`, `1`, `latest`, `main`: tags that name no single version move by custom."""
    return not any(character == "." for character in tag.lstrip("v"))


def registry_status(snapshot: Snapshot) -> Verdicts:
    """The approved version, or the whole project, is yanked, deprecated, quarantined, archived, moved or gone.

    Harm: the publisher or the registry has withdrawn its word; quarantine and removal usually mean malware, an abandoned or
    moved repository changes who can publish the next version.
    Evidence: PyPI's status markers and yanks, npm's deprecation, security holder and unpublished document, GitHub's archive
    flag and redirect; a version that was listed before and is not now.
    False positives: routine yanks and deprecations; a quarantined release can vanish without a marker, so that "gone" may mean more.
    Remedy: read the stated reason, decide whether the pin may stay, approve a successor.
    """
    server = snapshot.server
    for looked in (snapshot.package, snapshot.repository):
        if isinstance(looked, Unknown):
            yield Unseen("registry-status", server.name)
        elif looked is not None:
            yield from _standing(snapshot, looked.listing)
    if not isinstance(snapshot.package, Unknown) and snapshot.approval:
        yield from _approved_version(snapshot, snapshot.package, snapshot.approval.pin.purl)


STANDINGS = {
    Standing.ARCHIVED: (Severity.MEDIUM, "is archived: nobody will fix it"),
    Standing.DEPRECATED: (Severity.MEDIUM, "is deprecated"),
    Standing.QUARANTINED: (Severity.CRITICAL, "is quarantined or blocked by its registry"),
    Standing.SECURITY_HOLDER: (Severity.CRITICAL, "was replaced by a security placeholder: it was removed as malware"),
    Standing.UNPUBLISHED: (Severity.HIGH, "was unpublished"),
    Standing.MISSING: (Severity.HIGH, "is not there (any more)"),
}


def _standing(snapshot: Snapshot, listing: Listing) -> Iterator[Finding]:
    approved = snapshot.approval.pin.purl if snapshot.approval else None
    name = f"{listing.package.type} {listing.package.label}"
    if listing.standing is not Standing.ACTIVE:
        severity, words = STANDINGS[listing.standing]
        yield Finding(
            rule="registry-status",
            server=snapshot.server.name,
            subject=f"{listing.package} {listing.standing.value}",
            severity=severity,
            summary=f"{name} {words}",
            facts=(Fact("stated reason", listing.standing_reason or "none", listing.package.type),),
            about=approved,
        )
    if listing.moved_to:
        yield Finding(
            rule="registry-status",
            server=snapshot.server.name,
            subject=f"{listing.package} moved",
            severity=Severity.MEDIUM,
            summary=f"{name} has moved to {listing.moved_to}: somebody else may decide about its next release",
            facts=(Fact("repository id", listing.identity or "not told", listing.package.type),),
            about=approved,
        )


def _approved_version(snapshot: Snapshot, looked: Looked, approved: Purl) -> Iterator[Finding]:
    release = looked.listing.release(approved.version or "")
    if release is None:
        known = looked.known.get(approved.version or "")
        if (
            not looked.listing.complete
            or looked.changes.reset
            or (known is None and looked.listing.standing is not Standing.ACTIVE)
        ):
            return  # not said at all, or said by `source-reset` or by the project's own standing
        what = "has vanished from its registry" if known else "is not known to its registry"
        facts = (Fact("first seen", f"{known.first_seen_at:%Y-%m-%d}", "mcp-monitor"),) if known else ()
        text = f"the approved version {what}"
        yield _about_version(snapshot, approved, word="gone", severity=Severity.HIGH, text=text, facts=facts)
        return
    yield from _withdrawn_word(snapshot, release)


def _withdrawn_word(snapshot: Snapshot, release: Release) -> Iterator[Finding]:
    for word, text, severity in (
        ("yanked", release.yanked, Severity.HIGH),
        ("deprecated", release.deprecated, Severity.MEDIUM),
    ):
        if text is not None:
            facts = (Fact("stated reason", text or "none", release.purl.type),)
            said = f"the approved version is {word}"
            yield _about_version(snapshot, release.purl, word=word, severity=severity, text=said, facts=facts)


def _about_version(
    snapshot: Snapshot, purl: Purl, *, word: str, severity: Severity, text: str, facts: tuple[Fact, ...]
) -> Finding:
    return Finding(
        rule="registry-status",
        server=snapshot.server.name,
        subject=f"{purl} {word}",
        severity=severity,
        summary=f"{purl.label} {purl.version}: {text}",
        facts=facts,
        about=purl,
    )


def source_reset(snapshot: Snapshot) -> Verdicts:
    """Most of the known releases are gone at once: the source was reset, or it lies.

    Harm: acting on it would withdraw every review and report every version as gone; ignoring it would hide a takedown.
    Evidence: at least three, and more than half, of the releases ever seen are missing from one answer.
    False positives: a mirror that was emptied or rebuilt.
    Remedy: look at the project and at the mirror by hand. Nothing is withdrawn until the releases are back.
    """
    for looked in (snapshot.package, snapshot.repository):
        if isinstance(looked, Unknown):
            yield Unseen("source-reset", snapshot.server.name)
        elif looked is not None and looked.changes.reset and looked.listing.standing is Standing.ACTIVE:
            yield _reset(snapshot, looked.listing.package, looked.changes)


def _reset(snapshot: Snapshot, package: Purl, changes: Changes) -> Finding:
    gone = [known.release.version for known in changes.gone]
    return Finding(
        rule="source-reset",
        server=snapshot.server.name,
        subject=str(package),
        severity=Severity.HIGH,
        summary=f"{len(gone)} known releases of {package.label} vanished from {package.type} at once",
        facts=(Fact("gone", ", ".join(gone[:30]), package.type),),
        about=snapshot.approval.pin.purl if snapshot.approval else None,
    )
