from collections.abc import Callable
from dataclasses import replace

import pytest

from monitor.domain.finding import Severity, Verdicts
from monitor.domain.purl import Purl
from monitor.domain.release import Digest, Listing, Release, Standing
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.rules.releases import STANDINGS, new_release, registry_status, republished, source_reset
from tests.make import PACKAGE, approval, found, known, looked, release, snapshot, unseen

BASELINE = known(release("1.4.2"))
SILENT = Unknown(Reason.UNAVAILABLE, "npm", "no answer")
REPOSITORY = Purl.github("acme/files-mcp")


def test_a_new_version_asks_for_a_decision_about_it() -> None:
    findings = found(new_release(snapshot(package=looked(BASELINE, release("1.4.2"), release("1.4.3", days=1)))))

    assert [(each.about, each.severity) for each in findings] == [(PACKAGE.at("1.4.3"), Severity.MEDIUM)]


def test_several_new_versions_ask_for_one_decision_and_name_the_others() -> None:
    listed = [release("1.4.2"), release("1.4.3", days=2), release("1.4.4", days=1)]

    findings = found(new_release(snapshot(package=looked(BASELINE, *listed))))

    assert [each.about for each in findings] == [PACKAGE.at("1.4.4")]
    assert ("also new", "1.4.3") in [(fact.label, fact.value) for fact in findings[0].facts]


def test_our_own_first_sight_is_never_shown_as_the_registrys_word() -> None:
    untimed = replace(release("1.4.3"), published_at=None)

    findings = found(new_release(snapshot(package=looked(BASELINE, release("1.4.2"), untimed))))

    assert ("published", "no time given") in [(fact.label, fact.value) for fact in findings[0].facts]


def test_the_first_look_reports_no_history() -> None:
    assert found(new_release(snapshot(package=looked({}, release("1.4.2"), release("1.4.3"))))) == []


@pytest.mark.parametrize("rule", [new_release, republished, registry_status, source_reset])
def test_a_silent_registry_is_unseen_and_never_an_all_clear(rule: Callable[[Snapshot], Verdicts]) -> None:
    verdicts = list(rule(snapshot(package=SILENT)))

    assert found(verdicts) == []
    assert len(unseen(verdicts)) == 1


def test_republished_bytes_are_critical_and_a_trust_signal() -> None:
    findings = found(republished(snapshot(package=looked(BASELINE, release("1.4.2", content="evil")))))

    assert [(each.severity, each.trust_signal, each.about) for each in findings] == [
        (Severity.CRITICAL, True, PACKAGE.at("1.4.2"))
    ]


def tagged(version: str, commit: str) -> Release:
    return replace(release(version, package=REPOSITORY), commit=Digest("gitCommit", commit * 40))


def test_a_release_tag_that_moves_is_a_finding_and_a_floating_tag_is_not() -> None:
    before = known(tagged("v1.4.2", "a"), tagged("v1", "a"))
    moved = looked(before, tagged("v1.4.2", "b"), tagged("v1", "b"), listing=Listing(REPOSITORY, ()))

    findings = found(republished(snapshot(repository=moved)))

    assert [each.subject for each in findings] == ["pkg:github/acme/files-mcp@v1.4.2 tag"]


def test_a_yank_of_the_approved_version_shows_the_stated_reason() -> None:
    yanked = replace(release("1.4.2"), yanked="leaks tokens")

    findings = found(registry_status(snapshot(package=looked(BASELINE, yanked))))

    assert [(each.severity, each.facts[0].value) for each in findings] == [(Severity.HIGH, "leaks tokens")]


def test_a_yank_of_another_version_is_not_our_business() -> None:
    yanked = replace(release("1.4.1"), yanked="")

    assert found(registry_status(snapshot(package=looked(BASELINE, release("1.4.2"), yanked)))) == []


def test_a_deprecation_of_the_approved_version_is_a_finding() -> None:
    deprecated = replace(release("1.4.2"), deprecated="use files-mcp-2")

    findings = found(registry_status(snapshot(package=looked(BASELINE, deprecated))))

    assert [each.severity for each in findings] == [Severity.MEDIUM]


def test_an_approved_version_that_vanished_is_a_finding() -> None:
    before = known(release("1.4.2"), release("1.4.1"), release("1.4.0"))

    findings = found(registry_status(snapshot(package=looked(before, release("1.4.1"), release("1.4.0")))))

    assert [each.subject for each in findings] == ["pkg:npm/%40acme/files-mcp@1.4.2 gone"]


def test_an_approved_version_that_an_incomplete_listing_leaves_out_is_not_gone() -> None:
    partial = looked(BASELINE, listing=Listing(PACKAGE, (), complete=False))

    assert found(registry_status(snapshot(package=partial))) == []


@pytest.mark.parametrize("standing", sorted(set(Standing) - {Standing.ACTIVE}))
def test_every_standing_but_active_is_a_finding_of_its_own(standing: Standing) -> None:
    lost = looked(BASELINE, release("1.4.2"), listing=Listing(PACKAGE, (), standing, "their words"))

    findings = found(registry_status(snapshot(package=lost)))

    assert [(each.severity, each.facts[0].value) for each in findings] == [(STANDINGS[standing][0], "their words")]


def test_a_repository_that_moved_is_reported_with_its_new_place() -> None:
    moved = looked({}, listing=Listing(REPOSITORY, (), moved_to="newowner/files-mcp", identity="4711"))

    findings = found(registry_status(snapshot(repository=moved)))

    assert ["newowner/files-mcp" in each.summary for each in findings] == [True]


def test_a_mass_deletion_is_one_question_and_not_one_finding_for_each_version() -> None:
    before = known(*(release(f"1.4.{patch}") for patch in range(8)))
    emptied = snapshot(package=looked(before, release("1.4.0")))

    assert [each.subject for each in found(source_reset(emptied))] == [str(PACKAGE)]
    assert found(registry_status(emptied)) == []


def test_a_listed_server_without_approval_has_every_later_version_up_for_decision() -> None:
    package = looked(BASELINE, release("1.4.2"), release("1.4.3", days=1))

    findings = found(new_release(snapshot(approval=None, package=package)))

    assert [each.about for each in findings] == [PACKAGE.at("1.4.3")]


def test_an_approval_moves_the_question_to_later_versions() -> None:
    package = looked(BASELINE, release("1.4.2"), release("1.4.3", days=1))

    assert found(new_release(snapshot(approval=approval("1.4.3"), package=package))) == []
