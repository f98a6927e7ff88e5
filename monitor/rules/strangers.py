"""Malware in what is deployed and on no list."""

from collections.abc import Iterator

from monitor.domain.advisory import one_flaw_each
from monitor.domain.deployment import Deployment
from monitor.domain.finding import Fact, Finding, Settled, Severity, Unseen, Verdicts
from monitor.domain.snapshot import Fleet


def shadow_malware(fleet: Fleet) -> Verdicts:
    """A server is deployed that is on no list, and its version is recorded as malicious.

    Harm: the package itself is the attack: the host has to be treated as compromised.
    Evidence: a `MAL-` record of the Open Source Security Foundation, one that names it as an alias, or a malware advisory of GitHub.
    False positives: rare wrong records; a withdrawal resolves the finding by itself, and tells those who were told.
    Remedy: stop it at once, take the host off the network, and rotate what it could reach.
    """
    for deployment in fleet.unlisted:
        yield from _of(fleet, deployment)


def _of(fleet: Fleet, deployment: Deployment) -> Iterator[Finding | Settled | Unseen]:
    runs = deployment.runs
    if runs is None or (advised := fleet.advisories.get(runs)) is None:
        return
    server = str(runs.package)
    if advised.failed:
        yield Unseen("shadow-malware", server)
    for flaw in one_flaw_each(advised.matches):
        subject = f"{deployment.key} {flaw.id}"
        if not flaw.malware:
            over = "; ".join(dict.fromkeys(match.over for match in flaw.matches if match.over))
            yield Settled("shadow-malware", server, subject, over or "it is not listed as malware any more")
            continue
        yield Finding(
            rule="shadow-malware",
            server=server,
            subject=subject,
            severity=Severity.CRITICAL,
            summary=f"{runs.label} {runs.version} runs on {deployment.host}, is on no list, and is malware: {flaw.id}",
            facts=(
                Fact("identifiers", ", ".join(flaw.names[:20]), flaw.live[0].advisory.database),
                Fact("deployed on", f"{deployment.host} ({deployment.client}, {deployment.location})", "inventory"),
                Fact("summary", flaw.live[0].advisory.summary[:300] or "none", flaw.live[0].advisory.database),
            ),
        )
