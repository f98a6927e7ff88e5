"""Known flaws and malware in what is approved, deployed or under review, and in what that brings along."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.domain.advisory import Flaw, one_flaw_each
from monitor.domain.candidate import candidate, unreviewed
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.finding import Confidence, Fact, Finding, Settled, Severity, Unseen, Verdicts
from monitor.domain.purl import Purl
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown

MAX_NAMES = 20


def affected(snapshot: Snapshot) -> Verdicts:
    """An advisory names the approved, a deployed, or a candidate version.

    Harm: as the advisory says.
    Evidence: the advisory databases' answers for exactly this version, and our own reading of the records' ranges.
    False positives: ranges that are wrong upstream; a record that we read otherwise than the database is shown as disputed.
    Remedy: the fixed versions are named; approve one of them, or waive the finding with a reason and an end.
    """
    yield from _verdicts(snapshot, "affected", (each for each in _places(snapshot) if each.dependency is None))


def dependency_affected(snapshot: Snapshot) -> Verdicts:
    """An advisory names something that the approved, a deployed, or a candidate version brings along.

    Harm: as the advisory says, where the server reaches the flawed code.
    Evidence: the lock file, the SBOM or the registry's metadata that resolves the dependency, and the advisory databases' answers for it.
    False positives: flaws in code that the server never calls; a lock file that is not the one that is installed from.
    Remedy: the path and the fixed version are named; approve a version that brings the fix, or waive the finding with a reason and an end.
    """
    yield from _verdicts(snapshot, "dependency-affected", (each for each in _places(snapshot) if each.dependency))


def malware(snapshot: Snapshot) -> Verdicts:
    """The approved, a deployed, or a candidate version, or something that it brings along, is recorded as malicious.

    The version is quarantined for as long as the finding is open.

    Harm: the package itself is the attack: whoever ran it has to be treated as compromised.
    Evidence: a `MAL-` record of the Open Source Security Foundation, one that names it as an alias, or a malware advisory of GitHub.
    False positives: rare wrong records; a withdrawal resolves the finding by itself, and tells those who were told.
    Remedy: stop it everywhere at once; the finding lists where it is deployed; rotate what the hosts could reach.
    """
    yield from _verdicts(snapshot, "malware", _places(snapshot))


def risk_changed(snapshot: Snapshot) -> Verdicts:
    """An open flaw is more, or less, dangerous than when its finding was opened.

    Harm: what could wait for the next review may not be able to any more.
    Evidence: KEV (attackers have used it), EPSS (they probably will), the record's own severity; each beside what it was.
    False positives: EPSS moves with its model: only the crossing of `policy.epss_at` counts.
    Remedy: decide again about the flaw's finding, in its ticket.
    """
    if isinstance(snapshot.advisories, Unknown):
        yield Unseen("risk-changed", snapshot.server.name)
        return
    for verdict in (*affected(snapshot), *dependency_affected(snapshot)):
        if isinstance(verdict, Unseen):
            yield Unseen("risk-changed", snapshot.server.name)
        elif isinstance(verdict, Finding) and (before := snapshot.opened.get(verdict.fingerprint)):
            yield from _changes(verdict, before)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a flaw may be: in a version of the server itself, or in a dependency of it."""

    version: Purl
    purl: Purl
    dependency: Dependency | None = None
    source: str = ""

    @property
    def subject(self) -> str:
        return f"{self.version} > {self.purl}" if self.dependency else str(self.purl)


def _places(snapshot: Snapshot) -> Iterator[_Place]:
    """Each version that was asked about, and what it brings along."""
    if isinstance(snapshot.advisories, Unknown):
        return
    brought = {each.purl for known in _known(snapshot).values() for each in known.found}
    own = {snapshot.server.package, snapshot.server.repository}
    for purl in snapshot.advisories:
        if purl.package in own or purl not in brought:
            yield _Place(purl, purl)
    for version, known in _known(snapshot).items():
        for each in known.found:
            yield _Place(version, each.purl, each, known.source)


def _known(snapshot: Snapshot) -> Mapping[Purl, Dependencies]:
    return {version: each for version, each in snapshot.dependencies.items() if not isinstance(each, Unknown)}


def _verdicts(snapshot: Snapshot, rule: str, places: Iterator[_Place]) -> Iterator[Finding | Unseen | Settled]:
    """Yield what the databases say of the places, and what they no longer say."""
    server, about_malware = snapshot.server.name, rule == "malware"
    if isinstance(snapshot.advisories, Unknown):
        yield Unseen(rule, server)
        return
    if rule != "affected" and any(isinstance(each, Unknown) for each in snapshot.dependencies.values()):
        yield Unseen(rule, server)
    passed_over = frozenset[Purl]() if about_malware else _passed_over(snapshot)
    for place in places:
        advised = snapshot.advisories.get(place.purl)
        if advised is None or place.version in passed_over:
            continue
        if advised.failed:
            # Subjects of this version cannot be listed here, so nothing of the rule is resolved in this look.
            yield Unseen(rule, server)
        for flaw in one_flaw_each(advised.matches):
            subject = f"{place.subject} {flaw.id}"
            if not flaw.live:
                yield Settled(rule, server, subject, "; ".join(dict.fromkeys(match.over for match in flaw.matches)))
            elif flaw.malware is about_malware:
                yield _finding(snapshot, rule, place, flaw)
            else:
                other = "as malware" if flaw.malware else "as a flaw, and not as malware,"
                yield Settled(rule, server, subject, f"it is listed {other} now")


def _passed_over(snapshot: Snapshot) -> frozenset[Purl]:
    """New versions that run nowhere and are not the candidate: nobody is asked about them, so that their flaws are nobody's question.

    Malware is: whoever could publish one such version can publish the next.
    """
    if isinstance(snapshot.package, Unknown):
        return frozenset()
    chosen = candidate(snapshot.approval, snapshot.package)
    others = (known for known in unreviewed(snapshot.approval, snapshot.package) if known is not chosen)
    deployed = () if isinstance(snapshot.deployments, Unknown) else snapshot.deployments
    return frozenset(known.release.purl for known in others) - {each.runs for each in deployed}


def _finding(snapshot: Snapshot, rule: str, place: _Place, flaw: Flaw) -> Finding:
    first, risk = flaw.live[0].advisory, snapshot.risks.of(flaw.names)
    severity = Severity.CRITICAL if flaw.malware else risk.raised(flaw.severity, snapshot.risks.epss_at)
    what = "malware" if flaw.malware else "affected"
    culprit = f"{place.purl.label} {place.purl.version}"
    summary = f"{culprit} is {what}: {flaw.id}"
    if place.dependency:
        summary = f"{place.version.label} {place.version.version} brings along {culprit}, which is {what}: {flaw.id}"
    return Finding(
        rule=rule,
        server=snapshot.server.name,
        subject=f"{place.subject} {flaw.id}",
        severity=severity,
        summary=summary + (f" ({first.summary[:120]})" if first.summary else ""),
        facts=tuple(_facts(snapshot, place, flaw)),
        # Nobody knows whether the server reaches a dependency's flawed code; that attackers use the flaw is another matter.
        confidence=Confidence.MEDIUM if place.dependency and not (flaw.malware or risk.exploited) else Confidence.HIGH,
        about=place.version,
    )


def _facts(snapshot: Snapshot, place: _Place, flaw: Flaw) -> Iterator[Fact]:
    databases = ", ".join(sorted({match.advisory.database for match in flaw.live}))
    risk, risks = snapshot.risks.of(flaw.names), snapshot.risks
    if place.dependency:
        path = " > ".join((place.version.label, *place.dependency.path))
        yield Fact("path", path, place.source)
    yield Fact("identifiers", ", ".join(flaw.names[:MAX_NAMES]), databases)
    yield Fact(
        "deployed on", ", ".join(_hosts(snapshot, place.version)[:MAX_NAMES]) or "not seen deployed", "inventory"
    )
    fixed = ", ".join(flaw.fixed_in(place.purl)[:MAX_NAMES])
    yield Fact("fixed in", fixed or "no fixed version is named", databases)
    yield Fact("approved fix", _relief(snapshot, flaw), "mcp-monitor")
    if risk.exploited:
        campaign = ", by ransomware, too" if risk.exploited.ransomware else ""
        yield Fact(EXPLOITED, f"since {risk.exploited.added_on:%Y-%m-%d} in the catalogue{campaign}", "kev")
    if risk.likely(risks.epss_at):
        yield Fact(LIKELY, f"{risks.epss_at:.0%} or more within 30 days", "epss")
    yield Fact("CVSS", "no score" if flaw.score is None else f"{flaw.score:.1f}", databases)
    yield Fact("summary", flaw.live[0].advisory.summary[:300] or "none", databases)
    for match in flaw.live:
        if match.disputed:
            yield Fact("disputed", f"{match.advisory.id}: {match.disputed}", "mcp-monitor")


EXPLOITED = "exploited"
LIKELY = "exploitation forecast"


def _relief(snapshot: Snapshot, flaw: Flaw) -> str:
    """Say whether a version that is approved, or could be, is without the flaw."""
    if snapshot.approval and _without(snapshot, snapshot.approval.pin.purl, flaw):
        return f"the approved {snapshot.approval.pin.purl.version} is without it"
    if not isinstance(snapshot.package, Unknown):
        chosen = candidate(snapshot.approval, snapshot.package)
        if chosen and _without(snapshot, chosen.release.purl, flaw):
            return f"none; {chosen.release.version}, which is up for review, is without it"
    return "none, and nothing without it is up for review"


def _without(snapshot: Snapshot, version: Purl, flaw: Flaw) -> bool:
    """Whether the version and all that it is known to bring along were asked about, and are without the flaw."""
    if isinstance(snapshot.advisories, Unknown):
        return False
    brought = snapshot.dependencies.get(version)
    if isinstance(brought, Unknown):
        return False
    for purl in (version, *(each.purl for each in (brought.found if brought else ()))):
        advised = snapshot.advisories.get(purl)
        if advised is None or advised.failed:
            return False
        if any(match.live and match.advisory.names & set(flaw.names) for match in advised.matches):
            return False
    return True


def _hosts(snapshot: Snapshot, purl: Purl) -> list[str]:
    if isinstance(snapshot.deployments, Unknown):
        return []
    return sorted({each.host for each in snapshot.deployments if each.runs == purl})


def _changes(now: Finding, before: Finding) -> Iterator[Finding]:
    """Compare a flaw's finding with what it was when it was opened."""
    for label, what, sentence in (
        (EXPLOITED, "known-exploited", "attackers are known to use it"),
        (LIKELY, "likely-exploited", "it will probably be used"),
    ):
        fact = next((fact for fact in now.facts if fact.label == label), None)
        if fact and not any(fact.label == label for fact in before.facts):
            yield _changed(now, what, sentence, fact)
    if now.severity != before.severity:
        fact = Fact("severity", f"{now.severity.value}, and was {before.severity.value}", "mcp-monitor")
        yield _changed(now, "severity", f"its severity is {fact.value}", fact)


def _changed(now: Finding, what: str, sentence: str, fact: Fact) -> Finding:
    return Finding(
        rule="risk-changed",
        server=now.server,
        subject=f"{now.subject} {what}",
        severity=now.severity,
        summary=f"{now.summary}: {sentence}",
        facts=(fact, *(each for each in now.facts if each != fact)),
        confidence=now.confidence,
        about=now.about,
    )
