"""What registries do and do not say, from what they serve to what a rule finds in it."""

from connectors import github, npm, pypi
from connectors._edge.installers import Endpoint, NpmEndpoints
from monitor.domain.changes import Changes, diff
from monitor.domain.finding import Finding, Severity
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Listing, Standing
from monitor.domain.server import Approval, Pin
from monitor.domain.snapshot import Looked
from monitor.domain.version_range import compare
from monitor.ports.sources import Fresh, ReleaseSource, Unchanged, Validators
from monitor.rules.releases import registry_status
from tests.connectors.servers import Edge, make_edge
from tests.make import NOW, found, snapshot
from tests.world import World


async def listing(edge: Edge, source: ReleaseSource, package: Purl) -> Listing:
    async with edge.http.session():
        answer = await source.listing(package, {})
    assert isinstance(answer, Fresh)
    return answer.value


def findings(approved: Purl, before: Listing, after: Listing) -> list[Finding]:
    """What is found when that version is approved, and the listing changes so."""
    known = {each.version: KnownRelease(each, NOW, baseline=True) for each in before.releases}
    looked = Looked(after, diff(known, after), known)
    approval = Approval(Pin(approved), "rita@acme.example", NOW, None)
    return found(registry_status(snapshot(approval=approval, package=looked)))


async def test_a_release_that_pypi_quarantines_without_a_marker_is_a_finding(world: World) -> None:
    """The project stays active, nothing says why: the version is simply no longer there."""
    edge = make_edge(max_body=2**20)
    source = pypi.build(edge.http, index=f"{world.url('pypi')}/simple/")
    for version in ("1.0", "1.1", "1.2"):
        world.pypi.publish("acme-files", version)
    before = await listing(edge, source, Purl.pypi("acme-files"))
    world.pypi.remove("acme-files", "1.1")

    after = await listing(edge, source, Purl.pypi("acme-files"))

    assert after.standing is Standing.ACTIVE
    assert [(each.subject, each.severity) for each in findings(Purl.pypi("acme-files", "1.1"), before, after)] == [
        ("pkg:pypi/acme-files@1.1 gone", Severity.HIGH)
    ]


async def test_a_security_holder_is_malware_though_it_is_below_every_real_version(world: World) -> None:
    edge = make_edge(max_body=2**20)
    source = npm.build(edge.http, endpoints=NpmEndpoints(Endpoint(world.url("npm"), "a test"), {}))
    for version in ("0.0.1", "0.0.2", "1.0.0"):
        world.npm.publish("@acme/files", version)
    before = await listing(edge, source, Purl.npm("@acme/files"))
    world.npm.hold("@acme/files")

    after = await listing(edge, source, Purl.npm("@acme/files"))

    (holder,) = after.releases
    assert [compare("npm", holder.version, each.version) for each in before.releases] == [-1, -1, -1]
    assert [(each.subject, each.severity) for each in findings(Purl.npm("@acme/files", "1.0.0"), before, after)] == [
        ("pkg:npm/%40acme/files security-holder", Severity.CRITICAL)
    ]


async def test_another_token_makes_github_tell_everything_again_and_nothing_is_news(world: World) -> None:
    """Its validators differ per token: those of the last token make nobody say "unchanged", and cost a request, not a change."""
    package = Purl.github("acme/files-mcp")
    world.github.release("acme/files-mcp", "v1.0.0")
    edge = make_edge(max_body=2**20)

    async def look(token: str, known: Validators) -> Fresh[Listing] | Unchanged:
        async with edge.http.session():
            return await github.build(edge.http, api=world.url("github"), token=token).listing(package, known)

    first = await look("one", {})
    assert isinstance(first, Fresh)
    known = {each.key: each for each in first.validators}
    second = await look("two", known)

    assert isinstance(await look("one", known), Unchanged)
    assert isinstance(second, Fresh)
    before = {each.version: KnownRelease(each, NOW, baseline=True) for each in first.value.releases}
    assert diff(before, second.value) == Changes(first_look=False, new=(), gone=(), republished=())
