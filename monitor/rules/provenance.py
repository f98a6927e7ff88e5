"""Who built the files of a version, against who built the one that it is measured by."""

from collections.abc import Callable, Iterator, Sequence

from monitor.domain.baseline import VOUCHING, Baseline, baseline, unattested_kinds
from monitor.domain.finding import Confidence, Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.provenance import Publisher, Verdict, Verification
from monitor.domain.release import Release
from monitor.domain.server import ProvenanceDemand
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown


def provenance_lost(snapshot: Snapshot) -> Verdicts:
    """This line was attested, and this version is not: its registry's document and attestation endpoint agree.

    Harm: somebody published past the project's own build, by hand or with a stolen token.
    Evidence: the attestations of the version that it is measured by (the approved one of its line), and both answers about this one.
    False positives: a maintainer who published by hand once; so one such sign alone holds the version and wakes nobody. A backport is
    measured by its own line, a pre-release by pre-releases.
    Remedy: ask the maintainer, in public, where the version was built.
    """
    yield from _each_claim(snapshot, "provenance-lost", _all_lost)


def provenance_partial(snapshot: Snapshot) -> Verdicts:
    """Some files of a version are vouched for, others are not.

    Harm: installers choose the file, and the one that nobody vouches for may be the one that differs.
    Evidence: the attestations of each file.
    False positives: projects that build one kind of file (mostly the sdist) elsewhere; a kind that was bare in the version that this one
    is measured by is no finding.
    Remedy: approve the attested files by digest, and ask the project about the others.
    """
    yield from _each_claim(snapshot, "provenance-partial", _partly_bare)


def provenance_missing(snapshot: Snapshot) -> Verdicts:
    """The registry demands provenance of this server, and a file of the version has none.

    Harm: nobody can say where the file was built.
    Evidence: `provenance: required` in the entry, and the attestations of each file.
    False positives: none; the demand is the organisation's own.
    Remedy: ask the project for attestations, or lower the demand.
    """
    if snapshot.server.provenance is ProvenanceDemand.REQUIRED:
        yield from _each_claim(snapshot, "provenance-missing", _bare)


def ref_unusual(snapshot: Snapshot) -> Verdicts:
    """A version was built from another kind of ref, by another trigger, or on another kind of machine than the one it is measured by.

    Harm: a workflow that is run from an attacker's branch, or on his machine, still signs as the project.
    Evidence: source ref, trigger and runner from the verified certificates of both versions.
    False positives: release branches: another branch is unusual only within one line; a project that changes how it releases.
    Remedy: look at the commit and at who started the run; approve the new way only with that answer.
    """
    yield from _each_claim(snapshot, "ref-unusual", _unusual)


def publisher_changed(snapshot: Snapshot) -> Verdicts:
    """A file was built by somebody else than the approval demands, or than built the version it is measured by.

    Harm: a valid signature of the wrong builder; the usual sign of a stolen publishing right.
    Evidence: issuer, repository (by its numeric id where both sides have one), and workflow from the verified certificate, against
    what the approval demands, else the approved version's own certificate, else the repository that the entry names.
    False positives: a repository that was renamed or transferred keeps its numeric id and is no finding; a workflow that was renamed in
    the same repository is one, less severe.
    Remedy: find out who changed the build, and why; approve the new publisher only with that answer.
    """
    yield from _each_claim(snapshot, "publisher-changed", _other_publisher)


Judge = Callable[[Snapshot, Release, Sequence[Verification], Baseline | None], Iterator[Finding]]


def _each_claim(snapshot: Snapshot, rule: str, judge: Judge) -> Iterator[Finding | Unseen]:
    """Judge each version under review by its claims. The approved one was judged by a human, unless its publisher is demanded."""
    if isinstance(snapshot.verifications, Unknown) or isinstance(snapshot.package, Unknown):
        yield Unseen(rule, snapshot.server.name)
        return
    approved = snapshot.approval.pin.purl if snapshot.approval else None
    for purl, claims in snapshot.verifications.items():
        known = snapshot.package.known.get(purl.version or "")
        release = snapshot.package.listing.release(purl.version or "") or (known.release if known else None)
        if release is None or (purl == approved and judge is not _other_publisher):
            continue
        if any(claim.verdict is Verdict.UNAVAILABLE for claim in claims):
            yield Unseen(rule, snapshot.server.name)  # what was said before, of whatever file, stands
        yield from judge(snapshot, release, claims, baseline(snapshot, release))


def _all_lost(
    snapshot: Snapshot, release: Release, claims: Sequence[Verification], base: Baseline | None
) -> Iterator[Finding]:
    lost = [claim for claim in claims if claim.verdict is Verdict.LOST]
    if not lost:
        return
    own_line = base is None or base.own_line
    yield _about(
        snapshot,
        release,
        rule="provenance-lost",
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM if own_line else Confidence.LOW,
        summary=f"{_named(release)} carries no attestation, unlike {base.version if base else 'the version before it'}",
        facts=(Fact("both say", lost[0].detail, release.purl.type), *_builders(base)),
    )


def _partly_bare(
    snapshot: Snapshot, release: Release, claims: Sequence[Verification], base: Baseline | None
) -> Iterator[Finding]:
    bare = unattested_kinds(claims) - (base.partly if base else frozenset())
    if bare:
        yield _about(
            snapshot,
            release,
            rule="provenance-partial",
            severity=Severity.MEDIUM,
            confidence=Confidence.MEDIUM,
            summary=f"{_named(release)}: {', '.join(sorted(bare))} without attestation, beside files that have one",
            facts=(Fact("measured by", base.version if base else "nothing", "mcp-monitor"),),
        )


def _bare(
    snapshot: Snapshot, release: Release, claims: Sequence[Verification], _: Baseline | None
) -> Iterator[Finding]:
    vouching = [claim for claim in claims if claim.form in VOUCHING]
    held = {claim.filename for claim in vouching if claim.verdict is Verdict.VERIFIED and claim.publisher}
    bare = sorted({claim.filename for claim in vouching if claim.verdict in ABSENT} - held)
    if bare:
        yield _about(
            snapshot,
            release,
            rule="provenance-missing",
            severity=Severity.HIGH,
            confidence=Confidence.HIGH,
            summary=f"{_named(release)}: provenance is required, and nobody vouches for {', '.join(bare[:3])}",
            facts=(Fact("files", ", ".join(bare[:20]), "verification"),),
        )


ABSENT = (Verdict.UNATTESTED, Verdict.LOST)


def _unusual(
    snapshot: Snapshot, release: Release, claims: Sequence[Verification], base: Baseline | None
) -> Iterator[Finding]:
    built = list(dict.fromkeys(claim.publisher for claim in claims if claim.publisher))
    if base is None or not base.publishers or not built:
        return
    unlike = [min((_unlike(was, now, base) for was in base.publishers), key=len) for now in built]
    if differences := [each for found in unlike for each in found]:
        yield _about(
            snapshot,
            release,
            rule="ref-unusual",
            severity=Severity.CRITICAL,
            confidence=Confidence.MEDIUM,
            summary=f"{_named(release)} was built another way than {base.version}",
            facts=tuple(
                Fact(what, f"{before} -> {now}", "certificate") for what, before, now in dict.fromkeys(differences)
            ),
        )


def _unlike(was: Publisher, now: Publisher, base: Baseline) -> list[tuple[str, str, str]]:
    compared = [
        ("kind of ref", _kind_of_ref(was.ref), _kind_of_ref(now.ref)),
        ("trigger", was.trigger, now.trigger),
        ("runner", was.runner_environment, now.runner_environment),
    ]
    if base.own_line and _kind_of_ref(was.ref) == _kind_of_ref(now.ref) == "branch":
        compared.append(("branch", was.ref, now.ref))
    return [(what, before, after) for what, before, after in compared if before and after and before != after]


def _kind_of_ref(ref: str) -> str:
    if ref.startswith("refs/tags/"):
        return "tag"
    if ref.startswith("refs/heads/"):
        return "branch"
    return "pull request" if ref.startswith("refs/pull/") else ref[:60]


def _other_publisher(
    snapshot: Snapshot, release: Release, claims: Sequence[Verification], base: Baseline | None
) -> Iterator[Finding]:
    demanded = snapshot.approval.pin.publisher if snapshot.approval else None
    if demanded:
        allowed, measure = [demanded], "the approval names"
    else:
        allowed, measure = list(base.publishers if base else ()), f"built {base.version if base else ''}"
        if not allowed and (house := _listed_house(snapshot)):
            allowed, measure = [house], "the entry's repository tells"
    if not allowed:
        return
    for claim in claims:
        differences = min((_differences(each, claim.publisher) for each in allowed), key=len) if claim.publisher else []
        if differences:
            renamed = [what for what, _, _ in differences] == ["workflow"]
            yield _about(
                snapshot,
                release,
                rule="publisher-changed",
                subject=claim.filename,
                severity=Severity.HIGH if renamed else Severity.CRITICAL,
                confidence=Confidence.MEDIUM,
                summary=f"{claim.filename} of {_named(release)} was built by another publisher than {measure}",
                facts=tuple(
                    Fact(f"{what}, before and now", f"{before} -> {now}", "certificate")
                    for what, before, now in differences
                ),
            )


def _listed_house(snapshot: Snapshot) -> Publisher | None:
    """Whoever builds in the repository that the registry's entry names; None: it names none."""
    repository = snapshot.server.repository
    return Publisher("", f"https://github.com/{repository.label}") if repository else None


def _differences(demanded: Publisher, actual: Publisher) -> list[tuple[str, str, str]]:
    """Compare what is demanded; what it leaves empty is not. The numeric id outranks the name."""
    compared = [("issuer", demanded.issuer, actual.issuer), ("workflow", demanded.workflow, actual.workflow)]
    if demanded.repository_id and actual.repository_id:
        compared.append(("repository id", demanded.repository_id, actual.repository_id))
    else:
        compared.append(("repository", demanded.repository.lower(), actual.repository.lower()))
    return [(what, before, now) for what, before, now in compared if before and before != now]


def _builders(base: Baseline | None) -> tuple[Fact, ...]:
    return (
        tuple(Fact(f"{base.version} was built by", each.repository, "certificate") for each in base.publishers)
        if base
        else ()
    )


def _named(release: Release) -> str:
    return f"{release.purl.label} {release.version}"


def _about(
    snapshot: Snapshot,
    release: Release,
    *,
    rule: str,
    severity: Severity,
    confidence: Confidence,
    summary: str,
    facts: tuple[Fact, ...],
    subject: str = "",
) -> Finding:
    return Finding(
        rule=rule,
        server=snapshot.server.name,
        subject=f"{release.purl} {subject}".strip(),
        severity=severity,
        summary=summary,
        facts=facts,
        confidence=confidence,
        about=release.purl,
        trust_signal=True,
    )
