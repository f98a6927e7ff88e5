"""Short ways to say what a test is about; everything that is not named is ordinary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from monitor.domain.changes import diff
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.finding import Finding, Unseen, Verdicts
from monitor.domain.provenance import Form, Publisher, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, KnownRelease, Listing, Release
from monitor.domain.server import Approval, Pin, Server
from monitor.domain.snapshot import Looked, Snapshot
from monitor.domain.unknown import Unknown

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PACKAGE = Purl.npm("@acme/files-mcp")
PUBLISHER = Publisher(
    issuer="https://token.actions.githubusercontent.com",
    repository="https://github.com/acme/files-mcp",
    workflow=".github/workflows/release.yml",
    ref="refs/tags/v1.4.2",
    repository_id="4711",
)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def digest(content: str) -> Digest:
    return Digest("sha256", sha256(content.encode()).hexdigest())


def release(version: str, *, content: str = "", days: float = 10, package: Purl = PACKAGE) -> Release:
    filename = f"{package.name}-{version}.tgz"
    artifact = Artifact(filename, f"https://registry.example/{filename}", digest(content or version))
    return Release(package.at(version), days_ago(days), (artifact,))


def known(*releases: Release, baseline: bool = True, days: float = 5) -> dict[str, KnownRelease]:
    return {each.version: KnownRelease(each, days_ago(days), baseline) for each in releases}


def looked(before: dict[str, KnownRelease], *listed: Release, listing: Listing | None = None) -> Looked:
    """What a look brings that finds `listed` where `before` was known."""
    now = replace(listing, releases=listed) if listing else Listing(PACKAGE, listed)
    changes = diff(before, now, first_look=not before)
    appeared = now.releases if changes.first_look else changes.new
    new = {each.version: KnownRelease(each, NOW, changes.first_look) for each in appeared}
    return Looked(now, changes, before | new)


def server(name: str = "io.github.acme/files-mcp", *, tier: int = 2) -> Server:
    return Server(name, PACKAGE, None, None, "platform", tier)


def approval(
    version: str = "1.4.2", *, publisher: Publisher | None = None, expires: datetime | None = None
) -> Approval:
    return Approval(Pin(PACKAGE.at(version), publisher=publisher), "rita@acme.example", days_ago(30), expires, "SEC-1")


def snapshot(**parts: object) -> Snapshot:
    """A server whose 1.4.2 is approved, listed, and as it was; `parts` replaces any field."""
    baseline = release("1.4.2")
    ordinary = Snapshot(
        server=server(),
        approval=approval(),
        taken_at=NOW,
        package=looked(known(baseline), baseline),
        verifications={},
        advisories={},
        deployments=(),
    )
    made = replace(ordinary, **parts)  # type: ignore[arg-type]  # the names are the fields' own
    if isinstance(made.advisories, Unknown) or "asked" in parts:
        return made
    return replace(made, asked=frozenset(made.advisories))


def claim(
    version: str = "1.4.3",
    verdict: Verdict = Verdict.VERIFIED,
    *,
    form: Form = Form.NPM_ATTESTATIONS,
    publisher: Publisher | None = None,
    digests: tuple[Digest, ...] = (),
) -> Verification:
    filename = f"files-mcp-{version}.tgz"
    return Verification(
        PACKAGE.at(version), filename, form, verdict, "signature", "said so", publisher, digests=digests
    )


def deployment(version: str | None = "1.4.2", *, host: str = "laptop-7", kind: PinKind = PinKind.EXACT) -> Deployment:
    return Deployment(host, "claude-desktop", "/home/rita/claude.json", "files", kind, PACKAGE.at(version))


def found(verdicts: Verdicts) -> list[Finding]:
    return [verdict for verdict in verdicts if isinstance(verdict, Finding)]


def unseen(verdicts: Verdicts) -> list[Unseen]:
    return [verdict for verdict in verdicts if isinstance(verdict, Unseen)]


def summaries(findings: Sequence[Finding]) -> list[str]:
    return [finding.summary for finding in findings]
