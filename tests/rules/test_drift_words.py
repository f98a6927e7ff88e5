"""What drift findings say: where a version stands, what lies on the disk, how to mend it."""

from dataclasses import replace

import pytest

from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.finding import Finding, Severity
from monitor.domain.fleet import assign
from monitor.domain.purl import Purl
from monitor.domain.server import Approval, Pin, Server
from monitor.rules import drift
from tests.make import PACKAGE, approval, deployment, digest, found, known, looked, release, server, snapshot, summaries


def facts(finding: Finding) -> dict[str, str]:
    return {fact.label: fact.value for fact in finding.facts}


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("1.5.0", "ahead of the approved 1.4.2"),
        ("1.4.2+evil", "another build than the approved 1.4.2"),
        ("1.4.0", "below and not reviewed; approved is 1.4.2"),
        ("nightly", "cannot be compared with the approved 1.4.2"),
    ],
)
def test_an_unapproved_version_says_where_it_stands(version: str, words: str) -> None:
    package = looked(known(release("1.4.2")), release("1.4.2"), release("1.4.0", days=0))

    findings = found(drift.unapproved_version(snapshot(package=package, deployments=(deployment(version),))))

    assert [words in each for each in summaries(findings)] == [True]


def test_what_is_ahead_of_approval_is_a_fact_of_its_own() -> None:
    findings = found(drift.unapproved_version(snapshot(deployments=(deployment("1.5.0"),))))

    assert [(facts(each)["stands"], facts(each)["approved"]) for each in findings] == [("ahead of approval", "1.4.2")]


def floats(installed: str | None = None) -> Deployment:
    lies = PACKAGE.at(installed) if installed else None
    return replace(deployment(None, kind=PinKind.NONE), installed=lies)


def test_the_version_on_the_disk_of_a_floating_command_is_compared_and_up_for_a_decision() -> None:
    findings = found(drift.unapproved_version(snapshot(deployments=(floats("1.5.0"),))))

    assert [(each.about, "has on its disk @acme/files-mcp 1.5.0" in each.summary) for each in findings] == [
        (PACKAGE.at("1.5.0"), True)
    ]


def test_a_floating_command_with_the_approved_version_on_the_disk_still_floats_and_is_not_unapproved() -> None:
    lucky = snapshot(deployments=(floats("1.4.2"),))

    assert found(drift.unapproved_version(lucky)) == []
    assert [facts(each)["on the disk"] for each in found(drift.floating_version(lucky))] == [str(PACKAGE.at("1.4.2"))]


def test_a_floating_command_of_which_nothing_lies_on_the_disk_is_compared_with_nothing() -> None:
    unknown = snapshot(deployments=(floats(),))

    assert found(drift.unapproved_version(unknown)) == []
    assert found(drift.deployed_behind(unknown)) == []


def test_other_bytes_on_the_disk_of_a_floating_command_are_found() -> None:
    pinned = replace(approval(), pin=Pin(PACKAGE.at("1.4.2"), frozenset({digest("reviewed")})))
    tampered = replace(floats("1.4.2"), installed_digest=digest("other"))

    assert len(found(drift.deployed_digest_differs(snapshot(approval=pinned, deployments=(tampered,))))) == 1


def test_the_bytes_of_another_version_on_the_disk_are_not_compared_with_the_approved_ones() -> None:
    pinned = replace(approval(), pin=Pin(PACKAGE.at("1.4.2"), frozenset({digest("reviewed")})))
    other = replace(floats("1.4.1"), installed_digest=digest("other"))

    assert found(drift.deployed_digest_differs(snapshot(approval=pinned, deployments=(other,)))) == []


def test_a_finding_names_host_owner_and_the_command_that_mends_it() -> None:
    [finding] = found(drift.floating_version(snapshot(deployments=(floats(),))))

    said = facts(finding)
    assert (said["host"], said["owner"], said["to mend"]) == ("laptop-7", "platform", "npx -y @acme/files-mcp@1.4.2")


@pytest.mark.parametrize(
    ("package", "digests", "command"),
    [
        (Purl.pypi("acme-fetch", "2.4.2"), (), "uvx acme-fetch==2.4.2"),
        (Purl("nuget", None, "Acme.Files", "1.2.0"), (), "dnx --yes Acme.Files@1.2.0"),
        (Purl("golang", "acme.example", "files", "v1.2.0"), (), "go run acme.example/files@v1.2.0"),
        (
            Purl("docker", "acme", "files", "1.2"),
            (),
            "add a sha256 digest of the image to approved.digests of the registry (files), then start the image by it",
        ),
        (
            Purl("docker", "acme", "files", "1.2"),
            (digest("x"), digest("b")),
            " or ".join(
                f"docker run -i --rm acme/files@{each}" for each in sorted((digest("x"), digest("b")), key=str)
            ),
        ),
        (
            Purl("docker", "acme", "files", "1.2"),
            (digest("image"),),
            f"docker run -i --rm acme/files@{digest('image')}",
        ),
    ],
)
def test_what_mends_it_is_the_exact_command_of_its_kind(
    package: Purl, digests: tuple[object, ...], command: str
) -> None:
    listed = Server("files", package.package, None, None, "platform", 2)
    pinned = Approval(Pin(package, frozenset(digests)), "rita", None, None)  # type: ignore[arg-type]  # digests
    loose = replace(floats(), purl=package.package)

    findings = found(drift.floating_version(snapshot(server=listed, approval=pinned, deployments=(loose,))))

    assert [facts(each)["to mend"] for each in findings] == [command]


def test_where_nothing_is_approved_the_entry_is_what_has_to_be_mended() -> None:
    findings = found(drift.unapproved_version(snapshot(approval=None, deployments=(deployment(),))))

    assert [facts(each)["to mend"] for each in findings] == ["approve it in the registry (io.github.acme/files-mcp)"]


def test_a_name_that_a_shell_would_read_otherwise_is_quoted_in_the_command() -> None:
    odd = Purl.npm("a;rm -rf x", "1.0.0")
    pinned = Approval(Pin(odd), "rita", None, None)

    findings = found(drift.floating_version(snapshot(approval=pinned, deployments=(floats(),))))

    assert [facts(each)["to mend"] for each in findings] == ["npx -y 'a;rm -rf x@1.0.0'"]


def test_a_shadow_server_that_looks_like_a_listed_one_says_which_and_how() -> None:
    twin = replace(deployment(), purl=Purl.npm("@acme/flies-mcp", "1.0.0"))

    [finding] = found(drift.shadow_server(assign([server()], [twin])))

    assert "may be taken for io.github.acme/files-mcp: looks like @acme/files-mcp" in finding.summary
    assert facts(finding)["to mend"] == "remove the entry files from /home/rita/claude.json"


def test_a_shadow_server_with_a_name_of_its_own_is_no_lookalike() -> None:
    stranger = replace(deployment(), purl=Purl.npm("weather-forecast-mcp", "1.0.0"))

    [finding] = found(drift.shadow_server(assign([server()], [stranger])))

    assert "taken for" not in finding.summary
    assert "nearest on the list" not in facts(finding)


def test_the_command_that_mends_it_has_the_servers_arguments() -> None:
    listed = replace(server(), arguments=("--root", "/srv/my files"))

    findings = found(drift.floating_version(snapshot(server=listed, deployments=(floats(),))))

    assert [facts(each)["to mend"] for each in findings] == ["npx -y @acme/files-mcp@1.4.2 --root '/srv/my files'"]


@pytest.mark.parametrize(
    ("client", "location", "mend"),
    [
        ("osquery-results", "/usr/lib/node_modules/x", "install @acme/files-mcp 1.4.2 in /usr/lib/node_modules/x"),
        ("sbom-inventory", "/srv/bom.json", "bring what /srv/bom.json describes to @acme/files-mcp 1.4.2"),
        ("cursor", "/home/rita/mcp.json", "npx -y @acme/files-mcp@1.4.2"),
    ],
)
def test_what_mends_it_can_be_done_at_its_place(client: str, location: str, mend: str) -> None:
    there = replace(deployment("1.5.0"), client=client, location=location)

    findings = found(drift.unapproved_version(snapshot(deployments=(there,))))

    assert [facts(each)["to mend"] for each in findings] == [mend]


@pytest.mark.parametrize(
    ("client", "location", "name", "mend"),
    [
        ("cursor", "/a/mcp.json", "bridge (far end)", "remove the entry bridge from /a/mcp.json"),
        ("cursor", "/a/mcp.json (/work)", "x (inside) (beside 1)", "remove the entry x from /a/mcp.json (/work)"),
        ("kubernetes-pods", "replicaset/web", "web", "stop web on laptop-7 (kubernetes-pods: replicaset/web) and"),
        ("fleet", "/srv/reports/a.jsonl", "web", "stop web on laptop-7 (fleet: /srv/reports/a.jsonl) and"),
    ],
)
def test_a_shadow_server_is_removed_where_it_can_be(client: str, location: str, name: str, mend: str) -> None:
    odd = replace(deployment(), purl=Purl.npm("weather", "1.0.0"), client=client, location=location, name=name)

    [finding] = found(drift.shadow_server(assign([server()], [odd])))

    assert facts(finding)["to mend"].startswith(mend)


def test_nothing_is_approved_from_a_source_that_is_redirected() -> None:
    odd = replace(deployment(), redirects=("NPM_CONFIG_REGISTRY",))

    [finding] = found(drift.unapproved_version(snapshot(approval=None, deployments=(odd,))))

    assert facts(finding)["to mend"] == (
        "remove NPM_CONFIG_REGISTRY from the entry files in /home/rita/claude.json, "
        "then approve it in the registry (io.github.acme/files-mcp)"
    )


def test_what_is_built_into_a_client_is_no_server_that_could_be_listed() -> None:
    inside = replace(deployment(), purl=None, kind=PinKind.PATH, note="built into the client", name="developer")

    [finding] = found(drift.shadow_server(assign([server()], [inside])))

    assert finding.severity is Severity.INFO
    assert "built into" in finding.summary


def test_an_entry_that_cannot_be_read_is_not_said_to_run() -> None:
    broken = replace(deployment(), purl=None, kind=PinKind.UNKNOWN, note="the entry could not be read")

    [finding] = found(drift.shadow_server(assign([server()], [broken])))

    assert finding.summary == (
        "laptop-7 (claude-desktop) has an entry files that cannot be read: the entry could not be read"
    )
