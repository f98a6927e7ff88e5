"""Known flaws and malware in what is approved, deployed or under review."""

from collections.abc import Iterator

from monitor.domain.advisory import Match, one_flaw_each
from monitor.domain.candidate import candidate, unreviewed
from monitor.domain.finding import Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.purl import Purl
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown


def affected(snapshot: Snapshot) -> Verdicts:
    """An advisory names the approved, a deployed, or a candidate version.

    Harm: as the advisory says.
    Evidence: the advisory database's answer for exactly this version, and our own reading of the record's ranges.
    False positives: ranges that are wrong upstream; a record that we read otherwise than the database is shown as disputed.
    Remedy: the fixed versions are named; approve one of them, or waive the finding with a reason and an end.
    """
    yield from _named(snapshot, "affected", malware=False)


def malware(snapshot: Snapshot) -> Verdicts:
    """The approved, a deployed, or a candidate version is recorded as malicious.

    Harm: the package itself is the attack: whoever ran it has to be treated as compromised.
    Evidence: a `MAL-` record of the Open Source Security Foundation, or one that names it as an alias.
    False positives: rare wrong records; a withdrawal resolves the finding by itself.
    Remedy: stop it everywhere at once; the finding lists where it is deployed; rotate what the hosts could reach.
    """
    yield from _named(snapshot, "malware", malware=True)


def _named(snapshot: Snapshot, rule: str, *, malware: bool) -> Iterator[Finding | Unseen]:
    if isinstance(snapshot.advisories, Unknown):
        yield Unseen(rule, snapshot.server.name)
        return
    passed_over = frozenset() if malware else _passed_over(snapshot)
    for purl, matches in snapshot.advisories.items():
        if purl in passed_over:
            continue
        if isinstance(matches, Unknown):
            # Subjects of this version cannot be listed here, so nothing of the rule is resolved in this look.
            yield Unseen(rule, snapshot.server.name)
            continue
        live = [match for match in matches if match.advisory.withdrawn_at is None]
        for flaw in one_flaw_each(live):
            if any(match.advisory.malware for match in flaw) is malware:
                yield _finding(snapshot, rule, purl, flaw)


def _passed_over(snapshot: Snapshot) -> frozenset[Purl]:
    """New versions that run nowhere and are not the candidate: nobody is asked about them, so that their flaws are nobody's question.

    Malware is: whoever could publish one such version can publish the next.
    """
    if isinstance(snapshot.package, Unknown):
        return frozenset()
    chosen = candidate(snapshot.approval, snapshot.package)
    others = (known for known in unreviewed(snapshot.approval, snapshot.package) if known is not chosen)
    deployed = () if isinstance(snapshot.deployments, Unknown) else snapshot.deployments
    return frozenset(known.release.purl for known in others) - {each.purl for each in deployed}


def _finding(snapshot: Snapshot, rule: str, purl: Purl, flaw: tuple[Match, ...]) -> Finding:
    first = flaw[0].advisory
    names = sorted({name for match in flaw for name in (match.advisory.id, *match.advisory.aliases)})
    fixes = sorted({version for match in flaw for version in match.advisory.fixed_in(purl)})
    scores = [match.advisory.score for match in flaw if match.advisory.score is not None]
    severities = [match.advisory.severity for match in flaw if match.advisory.severity is not None]
    severity = max(severities, key=lambda each: each.rank, default=Severity.MEDIUM)
    facts = [
        Fact("identifiers", ", ".join(names[:20]), "osv"),
        Fact("summary", first.summary[:300] or "none", "osv"),
        Fact("CVSS", f"{max(scores):.1f}" if scores else "no score", "osv"),
        Fact("fixed in", ", ".join(fixes[:20]) or "no fixed version is named", "osv"),
        Fact("deployed on", ", ".join(_hosts(snapshot, purl)[:20]) or "not seen deployed", "inventory"),
    ]
    facts += [Fact("disputed", match.disputed, "mcp-monitor") for match in flaw if match.disputed]
    return Finding(
        rule=rule,
        server=snapshot.server.name,
        subject=f"{purl} {first.id}",
        severity=Severity.CRITICAL if rule == "malware" else severity,
        summary=f"{purl.label} {purl.version} is {'malware' if rule == 'malware' else 'affected'}: {first.id}"
        + (f" ({first.summary[:120]})" if first.summary else ""),
        facts=tuple(facts),
        about=purl,
    )


def _hosts(snapshot: Snapshot, purl: Purl) -> list[str]:
    if isinstance(snapshot.deployments, Unknown):
        return []
    return sorted({each.host for each in snapshot.deployments if each.purl == purl})
