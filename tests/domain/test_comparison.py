from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.comparison import Kind, RegistryPlace, compare, lines_of
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.finding import Finding
from monitor.domain.fleet import assign
from monitor.domain.purl import Purl
from monitor.domain.snapshot import Fleet, Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.rules import drift
from monitor.rules.drift import RULE_OF
from tests.make import PACKAGE, approval, deployment, digest, server, snapshot

versions = st.sampled_from([None, "1.4.1", "1.4.2", "1.4.2+evil", "1.5.0", "nightly"])
digests = st.none() | st.sampled_from([digest("reviewed"), digest("other")])
deployments = st.builds(
    Deployment,
    host=st.sampled_from(["laptop-7", "laptop-8", "laptop-9"]),
    client=st.just("cursor"),
    location=st.sampled_from(["a.json", "b.json"]),
    name=st.sampled_from(["files", "mcp"]),
    kind=st.sampled_from(PinKind),
    purl=st.none() | versions.map(PACKAGE.at),
    digest=digests,
    disabled=st.booleans(),
    redirects=st.sampled_from([(), ("NODE_OPTIONS",)]),
    installed=st.none() | st.sampled_from(["1.4.1", "1.4.2", "1.5.0"]).map(PACKAGE.at),
    installed_digest=digests,
)
fleets = st.lists(deployments, max_size=5, unique_by=lambda each: each.key)
RULES = (
    drift.unapproved_version,
    drift.deployed_behind,
    drift.deployed_digest_differs,
    drift.floating_version,
    drift.opaque_launch,
    drift.redirected_source,
    drift.not_deployed,
)


def pinned(deployed: Sequence[Deployment]) -> Snapshot:
    pin = replace(approval().pin, digests=frozenset({digest("reviewed")}))
    return snapshot(approval=replace(approval(), pin=pin), deployments=tuple(deployed))


@given(fleets)
def test_the_rules_find_what_the_comparison_says_and_nothing_else(deployed: list[Deployment]) -> None:
    seen = pinned(deployed)

    findings = {(each.rule, each.subject) for rule in RULES for each in rule(seen) if isinstance(each, Finding)}

    lines = {
        (RULE_OF[line.kind], line.deployment.key if line.deployment else line.server)
        for line in lines_of(seen)
        if line.kind in RULE_OF
    }
    assert findings == lines


@given(fleets)
def test_something_is_said_of_every_deployment_and_what_differs_can_be_mended(deployed: list[Deployment]) -> None:
    lines = list(lines_of(pinned(deployed)))

    assert {line.deployment.key for line in lines if line.deployment} == {each.key for each in deployed}
    assert all(line.mend for line in lines if line.drift)


@given(fleets, st.sampled_from(Kind))
def test_a_part_of_the_comparison_is_that_part_of_the_whole(deployed: list[Deployment], kind: Kind) -> None:
    seen = pinned(deployed)

    assert list(lines_of(seen, only=frozenset({kind}))) == [line for line in lines_of(seen) if line.kind is kind]


def test_what_is_on_no_list_comes_after_what_is() -> None:
    stranger = replace(deployment(host="laptop-9"), purl=Purl.npm("weather-mcp", "1.0.0"))
    fleet = assign([server()], [deployment(), stranger])
    seen = snapshot(deployments=fleet.by_server[server().name])

    lines = compare([seen], fleet, RegistryPlace())

    assert [line.kind for line in lines] == [Kind.APPROVED, Kind.SHADOW]


def test_of_deployments_that_are_not_known_nothing_is_said() -> None:
    silent = snapshot(deployments=Unknown(Reason.UNAVAILABLE, "inventory", "unreadable"))

    assert compare([silent], Fleet({}, ()), RegistryPlace()) == ()


def test_a_server_that_is_seen_nowhere_is_not_deployed_only_where_every_inventory_was_read() -> None:
    gap = Unknown(Reason.UNAVAILABLE, "inventory", "unreadable")

    assert [line.kind for line in lines_of(snapshot())] == [Kind.NOT_DEPLOYED]
    assert list(lines_of(snapshot(inventory_gaps=(gap,)))) == []


def test_two_spellings_of_one_version_at_pypi_are_the_same_version() -> None:
    fetch = Purl.pypi("acme-fetch")
    pin = replace(approval().pin, purl=fetch.at("1.0"))
    spelled = replace(deployment(), purl=fetch.at("1.0.0"))

    lines = list(lines_of(snapshot(approval=replace(approval(), pin=pin), deployments=(spelled,))))

    assert [line.kind for line in lines] == [Kind.APPROVED]


def by_path(version: str | None) -> Deployment:
    lies = PACKAGE.at(version) if version else None
    return replace(deployment(), kind=PinKind.PATH, purl=None, installed=lies)


def test_what_a_file_in_node_modules_starts_is_compared_by_the_package_that_it_is_of() -> None:
    fleet = assign([server()], [by_path("1.4.1")])

    (line,) = lines_of(pinned(fleet.by_server[server().name]))

    assert (line.kind, fleet.unlisted) in {(Kind.BEHIND, ()), (Kind.UNAPPROVED, ())}
    assert line.words.startswith("runs @acme/files-mcp 1.4.1")


def test_a_file_of_no_known_package_is_on_no_list() -> None:
    fleet = assign([server()], [by_path(None)])

    assert fleet.unlisted == (by_path(None),)
