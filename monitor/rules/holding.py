"""New versions wait before they can be approved."""

from monitor.domain.candidate import candidate
from monitor.domain.decision import NEVER
from monitor.domain.finding import Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.hold import held, told
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown


def too_young(snapshot: Snapshot) -> Verdicts:
    """A version that is up for review is younger than versions have to be before they can be approved.

    Harm: most malicious versions are found out and taken back within days; whoever approves in the first hours is first to run them.
    Evidence: when it was first seen here, which nobody can forge, or published, where it was there when the watch began; against
    `reviews.hold`, and `reviews.hold_security_fix` where it mends an advisory on the approved version. It opens no ticket by itself.
    False positives: none; a version that is needed at once is a matter for a waiver of the organisation, not of this rule.
    Remedy: wait until the date, or mend what is urgent in another way; the ticket says from when it can be approved.
    """
    name = snapshot.server.name
    if isinstance(snapshot.package, Unknown):
        yield Unseen("too-young", name)
        return
    known = candidate(snapshot.approval, snapshot.package)
    if known is None:
        return
    release = known.release
    if not told(snapshot, release.purl):  # Whether it is a security fix decides how long it waits.
        yield Unseen("too-young", name)
        return
    terms = snapshot.terms
    pin = Pin(release.purl)
    hold = held(snapshot, pin, usual=terms.hold, security_fix=terms.hold_security_fix, asked_at=snapshot.taken_at)
    if hold.until is None or hold.until >= NEVER or hold.until <= snapshot.taken_at:
        return
    published = f"{release.published_at:%Y-%m-%d %H:%M} UTC" if release.published_at else "no time given"
    facts = [
        Fact("first seen", f"{known.first_seen_at:%Y-%m-%d %H:%M} UTC", "mcp-monitor"),
        Fact("published", published, release.purl.type),
        Fact("can be approved from", f"{hold.until:%Y-%m-%d %H:%M} UTC", "mcp-monitor"),
    ]
    if hold.security_fix:
        facts.append(Fact("mends", ", ".join(hold.security_fix[:20]), "advisories"))
    yield Finding(
        rule="too-young",
        server=name,
        subject=str(release.purl),
        severity=Severity.LOW,
        summary=f"{release.purl.label} {release.version} can be approved from {hold.until:%Y-%m-%d %H:%M} UTC",
        facts=tuple(facts),
        about=release.purl,
    )
