from dataclasses import replace

from monitor.domain.deployment import PinKind
from monitor.domain.finding import Severity
from monitor.domain.fleet import assign
from monitor.domain.purl import Purl
from monitor.domain.server import Pin
from monitor.domain.stage import Stage
from monitor.domain.unknown import Reason, Unknown
from monitor.rules import drift
from tests.make import (
    PACKAGE,
    approval,
    deployment,
    digest,
    found,
    known,
    looked,
    release,
    server,
    snapshot,
    summaries,
    unseen,
)


def test_the_approved_version_is_no_drift() -> None:
    calm = snapshot(deployments=(deployment("1.4.2"),))

    for rule in (drift.unapproved_version, drift.deployed_behind, drift.floating_version, drift.not_deployed):
        assert list(rule(calm)) == []


def test_a_version_ahead_of_the_approval_is_unapproved_and_up_for_a_decision() -> None:
    findings = found(drift.unapproved_version(snapshot(deployments=(deployment("1.5.0"),))))

    assert [(each.severity, each.about) for each in findings] == [(Severity.HIGH, PACKAGE.at("1.5.0"))]


OLD = known(release("1.4.1"), release("1.4.2"))


def test_an_older_version_that_was_known_at_the_first_look_is_behind_and_not_unapproved() -> None:
    package = looked(OLD, release("1.4.1"), release("1.4.2"))
    old = snapshot(package=package, deployments=(deployment("1.4.1"),))

    assert found(drift.unapproved_version(old)) == []
    assert [each.severity for each in found(drift.deployed_behind(old))] == [Severity.LOW]


def test_an_older_version_that_was_approved_once_is_behind() -> None:
    old = snapshot(deployments=(deployment("1.4.1"),), approved_before=frozenset({PACKAGE.at("1.4.1")}))

    assert [each.severity for each in found(drift.deployed_behind(old))] == [Severity.LOW]


def test_a_backport_that_nobody_reviewed_is_unapproved_although_it_is_lower() -> None:
    package = looked(known(release("1.4.2")), release("1.4.2"), release("1.4.1-evil.1", days=0))
    late = snapshot(package=package, deployments=(deployment("1.4.1-evil.1"),))

    assert len(found(drift.unapproved_version(late))) == 1
    assert found(drift.deployed_behind(late)) == []


def test_a_version_of_equal_rank_and_other_text_is_unapproved() -> None:
    assert len(found(drift.unapproved_version(snapshot(deployments=(deployment("1.4.2+evil"),))))) == 1


def test_a_version_that_cannot_be_compared_is_unapproved() -> None:
    odd = snapshot(deployments=(deployment("nightly"),))

    assert len(found(drift.unapproved_version(odd))) == 1
    assert found(drift.deployed_behind(odd)) == []


def test_anything_that_runs_of_an_unapproved_server_is_unapproved() -> None:
    findings = found(drift.unapproved_version(snapshot(approval=None, deployments=(deployment("1.4.2"),))))

    assert ["no version is approved" in each for each in summaries(findings)] == [True]


def test_anything_that_runs_of_a_retired_server_is_unapproved() -> None:
    retired = replace(server(), stage=Stage.RETIRED)

    findings = found(
        drift.unapproved_version(snapshot(server=retired, approval=None, deployments=(deployment("1.4.2"),)))
    )

    assert ["the server is retired" in each for each in summaries(findings)] == [True]


def test_a_floating_launch_command_is_a_finding_that_says_what_it_asks_for() -> None:
    floats = replace(deployment(None, kind=PinKind.RANGE), requested="^1")

    assert ["^1" in each for each in summaries(found(drift.floating_version(snapshot(deployments=(floats,)))))] == [
        True
    ]


def test_a_command_that_cannot_be_read_with_certainty_is_a_finding_that_says_why() -> None:
    opaque = replace(deployment(None, kind=PinKind.UNKNOWN), note="with further packages")

    findings = found(drift.opaque_launch(snapshot(deployments=(opaque, deployment("1.4.2", host="laptop-8")))))

    assert [(each.severity, each.summary.rpartition(": ")[2]) for each in findings] == [
        (Severity.MEDIUM, "with further packages")
    ]


def test_an_outage_of_the_inventories_says_nothing_about_how_servers_are_started() -> None:
    silent = Unknown(Reason.UNAVAILABLE, "inventory", "unreadable")

    assert len(unseen(drift.opaque_launch(snapshot(deployments=silent)))) == 1


def test_a_disabled_entry_is_no_drift() -> None:
    disabled = replace(deployment("9.9.9"), disabled=True)

    assert found(drift.unapproved_version(snapshot(deployments=(disabled,)))) == []


def test_other_bytes_under_the_approved_version_are_critical() -> None:
    pinned = replace(approval(), pin=Pin(PACKAGE.at("1.4.2"), frozenset({digest("reviewed")})))
    tampered = replace(deployment("1.4.2"), digest=digest("other"))

    findings = found(drift.deployed_digest_differs(snapshot(approval=pinned, deployments=(tampered,))))

    assert [each.severity for each in findings] == [Severity.CRITICAL]


def test_a_redirected_source_names_the_variables_and_never_their_values() -> None:
    redirected = replace(deployment("1.4.2"), redirects=("NPM_CONFIG_REGISTRY",))

    findings = found(drift.redirected_source(snapshot(deployments=(redirected,))))

    assert ["NPM_CONFIG_REGISTRY" in each.summary for each in findings] == [True]


def test_a_listed_server_that_is_seen_nowhere_is_said_once_and_only_when_all_inventories_answered() -> None:
    gap = Unknown(Reason.UNAVAILABLE, "inventory", "unreadable")

    assert len(found(drift.not_deployed(snapshot()))) == 1
    assert len(unseen(drift.not_deployed(snapshot(inventory_gaps=(gap,))))) == 1


def test_a_deployment_belongs_to_the_server_of_its_package_whatever_it_is_called_there() -> None:
    fleet = assign([server()], [replace(deployment(), name="postgres")])

    assert [each.name for each in fleet.by_server["io.github.acme/files-mcp"]] == ["postgres"]


def test_two_spellings_of_an_address_are_one_remote_server() -> None:
    remote = replace(server(), package=None, remote="https://MCP.acme.example/mcp/")
    deployed = replace(deployment(), purl=None, remote="https://mcp.acme.example/mcp", kind=PinKind.REMOTE)

    assert assign([remote], [deployed]).unlisted == ()


def test_what_is_on_no_list_is_a_shadow_server() -> None:
    stranger = replace(deployment(), purl=Purl.npm("evil-mcp", "1.0.0"))

    findings = found(drift.shadow_server(assign([server()], [stranger])))

    assert [(each.server, each.severity) for each in findings] == [("pkg:npm/evil-mcp", Severity.HIGH)]
