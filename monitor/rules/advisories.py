"""Known flaws and malware in what is approved, deployed or under review, and in what that brings along."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.domain.advisory import Flaw, one_flaw_each
from monitor.domain.candidate import candidate, unreviewed
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.finding import Confidence, Fact, Finding, Settled, Severity, Tracked, Unseen, Verdicts
from monitor.domain.fingerprint import fingerprint
from monitor.domain.purl import Purl
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown

MAX_NAMES = 20


def affected(snapshot: Snapshot) -> Verdicts:
    """An advisory names the approved, a deployed, or a candidate version.

    Harm: as the advisory says.
    Evidence: the advisory databases' answers for exactly this version, and our own reading of the records' ranges.
    False positives: ranges that are wrong upstream; a record that we read otherwise than the database is shown as disputed.
    Remedy: the fixed versions are named; approve one of them, or waive the finding with a reason and an end.
    """
    yield from _verdicts(snapshot, "affected", [each for each in _places(snapshot) if each.dependency is None])


def dependency_affected(snapshot: Snapshot) -> Verdicts:
    """An advisory names something that the approved, a deployed, or a candidate version brings along.

    Harm: as the advisory says, where the server reaches the flawed code.
    Evidence: the lock file, the SBOM or the registry's metadata that resolves the dependency, and the advisory databases' answers for it.
    False positives: flaws in code that the server never calls; a lock file that is not the one that is installed from.
    Remedy: the path and the fixed version are named; approve a version that brings the fix, or waive the finding with a reason and an end.
    """
    yield from _verdicts(snapshot, "dependency-affected", [each for each in _places(snapshot) if each.dependency])


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
        elif isinstance(verdict, Finding) and (tracked := snapshot.opened.get(verdict.fingerprint)):
            yield from _changes(verdict, tracked)


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
    for purl in sorted(snapshot.asked, key=lambda each: each.version or ""):
        yield _Place(purl, purl)
    for version, known in _known(snapshot).items():
        for each in known.found:
            yield _Place(version, each.purl, each, known.source)


def _known(snapshot: Snapshot) -> Mapping[Purl, Dependencies]:
    return {version: each for version, each in snapshot.dependencies.items() if not isinstance(each, Unknown)}


def _verdicts(snapshot: Snapshot, rule: str, places: Iterable[_Place]) -> Iterator[Finding | Unseen | Settled]:
    """Yield what the databases say of the places, and what they no longer say."""
    server = snapshot.server.name
    if isinstance(snapshot.advisories, Unknown):
        yield Unseen(rule, server)
        return
    unread = (each for each in snapshot.dependencies.values() if isinstance(each, Unknown))
    if rule != "affected" and any(each.reason is not Reason.NOT_COVERED for each in unread):
        yield Unseen(rule, server)
    passed_over = frozenset[Purl]() if rule == "malware" else _passed_over(snapshot)
    for place in places:
        advised = snapshot.advisories.get(place.purl)
        if advised is None or place.version in passed_over:
            continue
        if advised.failed:
            # Subjects of this version cannot be listed here, so nothing of the rule is resolved in this look.
            yield Unseen(rule, server)
        for flaw in one_flaw_each(advised.matches):
            yield from _of_flaw(snapshot, rule, place, flaw)


def _of_flaw(snapshot: Snapshot, rule: str, place: _Place, flaw: Flaw) -> Iterator[Finding | Settled]:
    """Yield the finding of a flaw that stands, and an end for each name under which it has none."""
    server = snapshot.server.name
    subjects = {id_: f"{place.subject} {id_}" for id_ in dict.fromkeys(match.advisory.id for match in flaw.matches)}
    stands = bool(flaw.live) and flaw.malware is (rule == "malware")
    # Two flaws may turn out to be one: it goes on under a name under which somebody has heard of it.
    heard = (id_ for id_, subject in subjects.items() if fingerprint(rule, server, subject) in snapshot.opened)
    chosen = next(heard, flaw.id) if stands else ""
    if stands:
        yield _finding(snapshot, rule, place, flaw, subjects[chosen])
    over = "; ".join(dict.fromkeys(match.over for match in flaw.matches if match.over))
    if flaw.live:
        over = (
            f"it is the same flaw as {chosen}"
            if stands
            else f"it is {'' if flaw.malware else 'not '}listed as malware now"
        )
    for id_, subject in subjects.items():
        if id_ != chosen:
            yield Settled(rule, server, subject, over, quiet=bool(flaw.live))


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


def _finding(snapshot: Snapshot, rule: str, place: _Place, flaw: Flaw, subject: str) -> Finding:
    first, risk = flaw.live[0].advisory, snapshot.risks.of(flaw.names)
    tracked = snapshot.opened.get(fingerprint(rule, snapshot.server.name, subject))
    likely = risk.likely(_threshold(snapshot, tracked))
    severity = Severity.CRITICAL if flaw.malware else risk.raised(flaw.severity, likely=likely)
    what = "malware" if flaw.malware else "affected"
    culprit = f"{place.purl.label} {place.purl.version}"
    summary = f"{culprit} is {what}: {flaw.id}"
    if place.dependency:
        summary = f"{place.version.label} {place.version.version} brings along {culprit}, which is {what}: {flaw.id}"
    return Finding(
        rule=rule,
        server=snapshot.server.name,
        subject=subject,
        severity=severity,
        summary=summary + (f" ({first.summary[:120]})" if first.summary else ""),
        facts=tuple(_facts(snapshot, place, flaw, tracked, likely=likely)),
        # Nobody knows whether the server reaches a dependency's flawed code; that attackers use the flaw is another matter.
        confidence=Confidence.MEDIUM if place.dependency and not (flaw.malware or risk.exploited) else Confidence.HIGH,
        about=place.version,
        provisional=all(match.advisory.bare for match in flaw.live),
    )


def _threshold(snapshot: Snapshot, tracked: Tracked | None) -> float:
    """A forecast that stands about at the threshold goes over it once, not every other day."""
    was_likely = tracked is not None and _said(tracked.finding, LIKELY) is not None
    return snapshot.risks.epss_at * (STICKS if was_likely else 1)


def _facts(snapshot: Snapshot, place: _Place, flaw: Flaw, tracked: Tracked | None, *, likely: bool) -> Iterator[Fact]:
    databases = ", ".join(sorted({match.advisory.database for match in flaw.live}))
    risk, risks = snapshot.risks.of(flaw.names), snapshot.risks
    if place.dependency:
        path = " > ".join((place.version.label, *place.dependency.path))
        yield Fact("path", f"{path} (depth {place.dependency.depth})", place.source)
    yield Fact("identifiers", ", ".join(flaw.names[:MAX_NAMES]), databases)
    yield Fact(
        "deployed on", ", ".join(_hosts(snapshot, place.version)[:MAX_NAMES]) or "not seen deployed", "inventory"
    )
    fixed = ", ".join(flaw.fixed_in(place.purl)[:MAX_NAMES])
    yield Fact("fixed in", fixed or "no fixed version is named", databases)
    yield Fact(RELIEF, _relief(snapshot, place, flaw, tracked), "mcp-monitor")
    if risk.exploited:
        campaign = ", by ransomware, too" if risk.exploited.ransomware else ""
        yield Fact(EXPLOITED, f"since {risk.exploited.added_on:%Y-%m-%d} in the catalogue{campaign}", "kev")
    if likely:
        yield Fact(LIKELY, f"{risks.epss_at:.0%} or more within 30 days", "epss")
    yield Fact(RATED, "malware" if flaw.malware else flaw.severity.value, databases)
    yield Fact("CVSS", "no score" if flaw.score is None else f"{flaw.score:.1f}", databases)
    yield Fact("summary", flaw.live[0].advisory.summary[:300] or "none", databases)
    for match in flaw.live:
        if match.disputed:
            yield Fact("disputed", f"{match.advisory.id}: {match.disputed}", "mcp-monitor")


RELIEF = "approved fix"
EXPLOITED = "exploited"
LIKELY = "exploitation forecast"
RATED = "rated"
STICKS = 0.8
"""A forecast that was over the threshold counts until it is below this share of it."""


def _said(finding: Finding, label: str) -> Fact | None:
    return next((fact for fact in finding.facts if fact.label == label), None)


def _day(exploited: Fact) -> str:
    """When the flaw got into the catalogue, as `_facts` writes it: what stood there long before is no news."""
    return exploited.value.split()[1]


def _relief(snapshot: Snapshot, place: _Place, flaw: Flaw, tracked: Tracked | None) -> str:
    """Say whether a version that is approved, or could be, is without the flaw; while that cannot be told, what was said last."""
    approved = snapshot.approval.pin.purl if snapshot.approval else None
    chosen = None if isinstance(snapshot.package, Unknown) else candidate(snapshot.approval, snapshot.package)
    unsure = []
    for version, words in (
        (approved, "the approved {} is without it"),
        (chosen.release.purl if chosen else None, "none; {}, which is up for review, is without it"),
    ):
        if version is None or version == place.version:
            continue
        answer = _without(snapshot, version, place, flaw)
        if answer:
            return words.format(version.version)
        unsure += [str(version.version)] if answer is None else []
    if unsure and tracked and _silent(snapshot) and (said := _said(tracked.finding, RELIEF)):
        return said.value
    if unsure:
        return f"not known: not everything is known of {' and '.join(unsure)} and what comes with it"
    return "none, and nothing without it is up for review"


def _silent(snapshot: Snapshot) -> bool:
    """Whether a database that was asked did not answer."""
    return not isinstance(snapshot.advisories, Unknown) and any(each.failed for each in snapshot.advisories.values())


def _without(snapshot: Snapshot, version: Purl, place: _Place, flaw: Flaw) -> bool | None:
    """Whether the version, and all that it brings along, is without the flaw; None: not all of it is known, or was asked about."""
    if isinstance(snapshot.advisories, Unknown):
        return None
    brought = snapshot.dependencies.get(version)
    found = brought.found if isinstance(brought, Dependencies) else ()
    known = place.dependency is None or (isinstance(brought, Dependencies) and brought.whole and not brought.unresolved)
    for purl in (version, *(each.purl for each in found)):
        advised = snapshot.advisories.get(purl)
        known = known and advised is not None and not advised.failed
        if advised and any(match.live and match.advisory.names & set(flaw.names) for match in advised.matches):
            return False
    return True if known else None


def _hosts(snapshot: Snapshot, purl: Purl) -> list[str]:
    if isinstance(snapshot.deployments, Unknown):
        return []
    return sorted({each.host for each in snapshot.deployments if each.runs == purl})


def _changes(now: Finding, tracked: Tracked) -> Iterator[Finding]:
    """Compare a flaw's finding with what it was when it was opened."""
    before = tracked.begun_as
    if before.provisional:
        return
    exploited, likely = _said(now, EXPLOITED), _said(now, LIKELY)
    if exploited and not _said(before, EXPLOITED) and _day(exploited) >= f"{tracked.opened_at:%Y-%m-%d}":
        yield _changed(now, "known-exploited", "attackers are known to use it", exploited)
    if likely and not _said(before, LIKELY):
        yield _changed(now, "likely-exploited", "it will probably be used", likely)
    rated, was = _said(now, RATED), _said(before, RATED)
    if rated and was and rated.value != was.value:
        fact = Fact(RATED, f"{rated.value}, and was {was.value}", rated.source)
        yield _changed(now, "severity", f"it is rated {fact.value}", fact)


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
