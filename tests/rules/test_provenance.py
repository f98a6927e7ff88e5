from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.domain.finding import Finding, Severity
from monitor.domain.provenance import Form, Publisher, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.server import ProvenanceDemand
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.rules.provenance import (
    provenance_lost,
    provenance_missing,
    provenance_partial,
    publisher_changed,
    ref_unusual,
)
from tests.make import PACKAGE, PUBLISHER, approval, claim, found, known, looked, release, server, snapshot, unseen

APPROVED, CANDIDATE = PACKAGE.at("1.4.2"), PACKAGE.at("1.4.3")
BASELINE = known(release("1.4.2"))
RULES = (provenance_lost, provenance_partial, provenance_missing, publisher_changed, ref_unusual)


def judged(*claims: Verification, demanded: Publisher | None = None, built: Publisher | None = PUBLISHER) -> Snapshot:
    """1.4.3 with these claims, measured by the approved 1.4.2, which `built` has built (None: it is unattested)."""
    before = claim("1.4.2", publisher=built) if built else claim("1.4.2", Verdict.UNATTESTED)
    return snapshot(
        approval=approval(publisher=demanded),
        package=looked(BASELINE, release("1.4.2"), release("1.4.3", days=1)),
        verifications={APPROVED: (before,), CANDIDATE: claims},
    )


def labels(findings: Sequence[Finding]) -> list[str]:
    return [fact.label for finding in findings for fact in finding.facts]


def test_a_lost_attestation_is_one_trust_signal_about_the_version() -> None:
    findings = found(provenance_lost(judged(claim(verdict=Verdict.LOST))))

    assert [(each.severity, each.trust_signal, each.about) for each in findings] == [(Severity.HIGH, True, CANDIDATE)]


def test_a_version_that_never_had_one_has_not_lost_it() -> None:
    assert found(provenance_lost(judged(claim(verdict=Verdict.UNATTESTED), built=None))) == []


def test_an_approved_version_is_not_accused_of_what_a_human_has_decided() -> None:
    alone = snapshot(verifications={APPROVED: (claim("1.4.2", Verdict.LOST),)})

    assert found(provenance_lost(alone)) == []


def files(**verdicts: Verdict) -> tuple[Verification, ...]:
    names = {"wheel": "files_mcp-1.4.3-py3-none-any.whl", "sdist": "files_mcp-1.4.3.tar.gz"}
    base = claim(form=Form.PYPI_PROVENANCE)
    return tuple(replace(base, filename=names[kind], verdict=verdict) for kind, verdict in verdicts.items())


def test_files_of_which_only_some_are_attested_are_partial() -> None:
    findings = found(provenance_partial(judged(*files(wheel=Verdict.VERIFIED, sdist=Verdict.UNATTESTED))))

    assert ["sdist without attestation" in each.summary for each in findings] == [True]


def test_a_kind_of_file_that_was_bare_before_is_no_news() -> None:
    mixed = files(wheel=Verdict.VERIFIED, sdist=Verdict.UNATTESTED)
    same = replace(judged(*mixed), verifications={APPROVED: mixed, CANDIDATE: mixed})

    assert found(provenance_partial(same)) == []


def test_a_version_without_any_attestation_is_not_partial() -> None:
    bare = files(wheel=Verdict.UNATTESTED, sdist=Verdict.UNATTESTED)

    assert found(provenance_partial(judged(*bare))) == []


def test_required_provenance_is_missing_where_nobody_vouches_for_a_file() -> None:
    demanding = replace(server(), provenance=ProvenanceDemand.REQUIRED)
    bare = judged(claim(verdict=Verdict.UNATTESTED), built=None)

    assert len(found(provenance_missing(replace(bare, server=demanding)))) == 1
    assert found(provenance_missing(bare)) == []


def test_another_workflow_than_demanded_is_another_publisher_in_the_same_house() -> None:
    moved = replace(PUBLISHER, workflow=".github/workflows/evil.yml")

    findings = found(publisher_changed(judged(claim(publisher=moved), demanded=PUBLISHER)))

    assert [(each.severity, labels([each])) for each in findings] == [(Severity.HIGH, ["workflow, before and now"])]


def test_another_repository_is_another_publisher() -> None:
    stranger = replace(PUBLISHER, repository="https://github.com/mallory/files-mcp", repository_id="666")

    findings = found(publisher_changed(judged(claim(publisher=stranger))))

    assert [each.severity for each in findings] == [Severity.CRITICAL]


def test_a_renamed_repository_with_the_same_numeric_id_is_the_same_publisher() -> None:
    renamed = replace(PUBLISHER, repository="https://github.com/acme/files")

    assert found(publisher_changed(judged(claim(publisher=renamed), demanded=PUBLISHER))) == []


def test_a_registered_again_name_with_another_numeric_id_is_another_publisher() -> None:
    taken = replace(PUBLISHER, repository_id="666")

    assert len(found(publisher_changed(judged(claim(publisher=taken), demanded=PUBLISHER)))) == 1


def test_an_approved_version_is_held_to_the_publisher_that_its_approval_demands() -> None:
    stranger = replace(PUBLISHER, repository_id="666")
    demanded = judged(demanded=PUBLISHER, built=stranger)

    assert [each.about for each in found(publisher_changed(demanded))] == [APPROVED]


def test_a_publisher_is_not_measured_by_an_unattested_version() -> None:
    assert found(publisher_changed(judged(claim(publisher=PUBLISHER), built=None))) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"ref": "refs/heads/main"}, "kind of ref"),
        ({"trigger": "workflow_dispatch"}, "trigger"),
        ({"runner_environment": "self-hosted"}, "runner"),
    ],
)
def test_another_way_of_building_is_unusual(changed: dict[str, str], what: str) -> None:
    usual = replace(PUBLISHER, trigger="push", runner_environment="github-hosted")
    now = replace(usual, **changed)

    findings = found(ref_unusual(judged(claim(publisher=now), built=usual)))

    assert labels(findings) == [what]


def test_the_next_tag_is_the_usual_ref() -> None:
    assert found(ref_unusual(judged(claim(publisher=replace(PUBLISHER, ref="refs/tags/v1.4.3"))))) == []


def test_another_branch_is_unusual_within_a_line_and_usual_for_a_new_one() -> None:
    main, maintenance = (replace(PUBLISHER, ref=f"refs/heads/{name}") for name in ("main", "release-2.x"))
    within = judged(claim(publisher=maintenance), built=main)
    beyond = snapshot(
        package=looked(BASELINE, release("1.4.2"), release("2.0.0", days=1)),
        verifications={
            APPROVED: (claim("1.4.2", publisher=main),),
            PACKAGE.at("2.0.0"): (claim("2.0.0", publisher=maintenance),),
        },
    )

    assert labels(found(ref_unusual(within))) == ["branch"]
    assert found(ref_unusual(beyond)) == []


def test_what_could_not_be_fetched_leaves_what_was_said_before() -> None:
    blind = judged(claim(verdict=Verdict.UNAVAILABLE))

    for rule in (provenance_lost, publisher_changed, ref_unusual):
        assert [each.subject for each in unseen(rule(blind))] == [None]


def test_without_a_publisher_to_compare_with_the_entrys_repository_is_the_measure() -> None:
    listed = replace(server(), repository=Purl.github("acme/files-mcp"))
    stranger = replace(PUBLISHER, repository="https://github.com/attacker/anything")

    at_home = replace(judged(claim(publisher=PUBLISHER), built=None), server=listed)
    abroad = replace(judged(claim(publisher=stranger), built=None), server=listed)

    assert found(publisher_changed(at_home)) == []
    assert len(found(publisher_changed(abroad))) == 1


def test_nothing_is_judged_while_the_registry_is_silent() -> None:
    demanding = replace(server(), provenance=ProvenanceDemand.REQUIRED)
    blind = snapshot(server=demanding, verifications=Unknown(Reason.UNAVAILABLE, "npm", "no answer"))

    assert [len(unseen(rule(blind))) for rule in RULES] == [1] * len(RULES)
