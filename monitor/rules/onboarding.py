"""What is asked for, and whether it is what it says it is."""

from collections.abc import Iterator
from datetime import timedelta

from monitor.domain.candidate import published
from monitor.domain.finding import Confidence, Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.provenance import Verdict
from monitor.domain.snapshot import Snapshot
from monitor.domain.submission import Submission
from monitor.domain.unknown import NOT_ASKED, Unknown

YOUNG = timedelta(days=30)
HOSTED = ("io.github.", "com.github.")
"""Begin the names of servers that are their owners' at GitHub."""


def submitted(snapshot: Snapshot) -> Verdicts:
    """Somebody asks that a server be listed.

    Harm: none; until somebody decides, nobody may run it.
    Evidence: the submission: who asked, what for, and what it is to be allowed.
    False positives: none.
    Remedy: decide in the ticket, or with mcp-monitor review.
    """
    asked = snapshot.submission
    if asked is None:
        return
    if snapshot.package is NOT_ASKED:
        yield Unseen(
            "submitted", snapshot.server.name
        )  # Its ticket is opened with the evidence, by the job that looks.
        return
    purl = asked.candidate.purl
    yield Finding(
        rule="submitted",
        server=snapshot.server.name,
        subject=str(purl),
        severity=Severity.MEDIUM,
        summary=f"{asked.by} asks that {snapshot.server.name} be listed with {purl.label} {purl.version or ''}".rstrip(),
        facts=(
            Fact("purpose", asked.purpose, asked.by),
            Fact("is to be allowed", ", ".join(asked.scopes) or "nothing named", asked.by),
            Fact("submitted", f"{asked.submitted_at:%Y-%m-%d %H:%M} UTC", asked.by),
        ),
        about=purl,
    )


def identity_mismatch(snapshot: Snapshot) -> Verdicts:
    """What was submitted does not look like what its name says it is.

    Harm: a package that somebody else publishes under a name that is trusted.
    Evidence: who signed it against the server's name and the repository that was named; its age; names that look alike.
    False positives: a third party that wraps a vendor's API and says so; a young project of one's own.
    Remedy: ask who publishes it. To approve it all the same, waive the finding first, with the reason.
    """
    asked = snapshot.submission
    if asked is None:
        return
    if isinstance(snapshot.package, Unknown) and snapshot.server.package:
        yield Unseen("identity-mismatch", snapshot.server.name)
        return
    facts = [*_publisher(snapshot, asked), *_listing(snapshot, asked)]
    if asked.resembles:
        facts.append(Fact("looks like", asked.resembles, "registry"))
    if not facts:
        return
    strong = any(fact.label in ("built by", "looks like", "not published") for fact in facts)
    yield Finding(
        rule="identity-mismatch",
        server=snapshot.server.name,
        subject=str(asked.candidate.purl),
        severity=Severity.HIGH,
        summary=f"{snapshot.server.name}: {'; '.join(f'{fact.label} {fact.value}' for fact in facts)}"[:500],
        facts=tuple(facts),
        confidence=Confidence.HIGH if strong else Confidence.MEDIUM,
        about=asked.candidate.purl,
        trust_signal=True,
    )


def _publisher(snapshot: Snapshot, asked: Submission) -> Iterator[Fact]:
    """Compare who signed the files with the name, and with the repository that was named."""
    if isinstance(snapshot.verifications, Unknown):
        return
    claims = snapshot.verifications.get(asked.candidate.purl, ())
    built = {claim.publisher.repository for claim in claims if claim.verdict is Verdict.VERIFIED and claim.publisher}
    for repository in sorted(built):
        owner, _, name = repository.removeprefix("https://github.com/").partition("/")
        named = snapshot.server.repository
        if named and named.label.casefold() != f"{owner}/{name}".casefold():
            yield Fact("built by", f"{repository}, and {named.label} was named", "attestation")
        elif (vendor := _vendor(snapshot.server.name)) and vendor.casefold() != owner.casefold():
            yield Fact("built by", f"{repository}, which is not {vendor}'s", "attestation")


def _listing(snapshot: Snapshot, asked: Submission) -> Iterator[Fact]:
    if isinstance(snapshot.package, Unknown):
        return
    purl = asked.candidate.purl
    if purl.version not in {release.version for release in snapshot.package.listing.releases}:
        yield Fact("not published", f"{purl.label} has no version {purl.version}", purl.type)
    first = min((published(known) for known in snapshot.package.known.values()), default=None)
    if first and snapshot.taken_at - first < YOUNG:
        days = (snapshot.taken_at - first).days
        yield Fact("first published", f"{days} days ago, on {first:%Y-%m-%d}", purl.type)


def _vendor(name: str) -> str:
    """Return whose server it says it is, where the name says it: `io.github.acme/files` is acme's."""
    namespace = name.partition("/")[0]
    return next((namespace.removeprefix(host) for host in HOSTED if namespace.startswith(host)), "")
