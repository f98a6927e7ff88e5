from dataclasses import replace

from monitor.domain.finding import Severity
from monitor.domain.provenance import Form, Verdict
from monitor.domain.server import Pin
from monitor.domain.unknown import Reason, Unknown
from monitor.rules.provenance import digest_differs, publisher_changed, signature_invalid
from tests.make import PACKAGE, PUBLISHER, approval, claim, digest, found, snapshot, unseen

CANDIDATE = PACKAGE.at("1.4.3")


def test_a_claim_that_does_not_hold_is_critical_and_a_trust_signal() -> None:
    findings = found(signature_invalid(snapshot(verifications={CANDIDATE: (claim(verdict=Verdict.INVALID),)})))

    assert [(each.severity, each.trust_signal, each.about) for each in findings] == [
        (Severity.CRITICAL, True, CANDIDATE)
    ]


def test_what_cannot_be_told_is_no_finding() -> None:
    for verdict in (Verdict.UNSUPPORTED, Verdict.UNATTESTED, Verdict.VERIFIED):
        assert list(signature_invalid(snapshot(verifications={CANDIDATE: (claim(verdict=verdict),)}))) == []


def test_a_claim_that_could_not_be_fetched_is_unseen_and_counted_as_unknown() -> None:
    blind = snapshot(verifications={CANDIDATE: (claim(verdict=Verdict.UNAVAILABLE),)})

    assert len(unseen(signature_invalid(blind))) == 1
    assert [unknown.reason for unknown in blind.unknowns()] == [Reason.UNAVAILABLE]


def test_a_download_that_differs_from_its_registry_is_a_digest_finding_and_no_signature_finding() -> None:
    differs = {CANDIDATE: (claim(verdict=Verdict.INVALID, form=Form.REGISTRY_DIGEST),)}

    assert len(found(digest_differs(snapshot(verifications=differs)))) == 1
    assert found(signature_invalid(snapshot(verifications=differs))) == []


def test_served_bytes_without_the_approved_digest_are_a_finding() -> None:
    pinned = replace(approval(), pin=Pin(PACKAGE.at("1.4.2"), frozenset({digest("reviewed")})))
    served = {PACKAGE.at("1.4.2"): (claim("1.4.2", digests=(digest("served"),)),)}

    findings = found(digest_differs(snapshot(approval=pinned, verifications=served)))

    assert [each.about for each in findings] == [PACKAGE.at("1.4.2")]
    assert (
        found(
            digest_differs(
                snapshot(
                    approval=pinned,
                    verifications={PACKAGE.at("1.4.2"): (claim("1.4.2", digests=(digest("reviewed"),)),)},
                )
            )
        )
        == []
    )


def test_digests_of_other_algorithms_are_not_compared() -> None:
    pinned = replace(approval(), pin=Pin(PACKAGE.at("1.4.2"), frozenset({digest("reviewed")})))

    verdicts = list(digest_differs(snapshot(approval=pinned, verifications={PACKAGE.at("1.4.2"): (claim("1.4.2"),)})))

    assert found(verdicts) == []
    assert len(unseen(verdicts)) == 1


def test_another_workflow_than_approved_is_another_publisher() -> None:
    built = {CANDIDATE: (claim(publisher=replace(PUBLISHER, workflow=".github/workflows/evil.yml")),)}

    findings = found(publisher_changed(snapshot(approval=approval(publisher=PUBLISHER), verifications=built)))

    assert [fact.label for each in findings for fact in each.facts] == ["workflow, approved and now"]


def test_a_renamed_repository_with_the_same_numeric_id_is_the_same_publisher() -> None:
    renamed = {CANDIDATE: (claim(publisher=replace(PUBLISHER, repository="https://github.com/acme/files")),)}

    assert found(publisher_changed(snapshot(approval=approval(publisher=PUBLISHER), verifications=renamed))) == []


def test_a_registered_again_name_with_another_numeric_id_is_another_publisher() -> None:
    taken = {CANDIDATE: (claim(publisher=replace(PUBLISHER, repository_id="666")),)}

    assert len(found(publisher_changed(snapshot(approval=approval(publisher=PUBLISHER), verifications=taken)))) == 1


def test_another_ref_of_the_same_workflow_is_the_same_publisher() -> None:
    tagged = {CANDIDATE: (claim(publisher=replace(PUBLISHER, ref="refs/tags/v1.4.3")),)}

    assert found(publisher_changed(snapshot(approval=approval(publisher=PUBLISHER), verifications=tagged))) == []


def test_an_approval_that_demands_no_publisher_is_not_measured_by_one() -> None:
    assert list(publisher_changed(snapshot(verifications={CANDIDATE: (claim(publisher=PUBLISHER),)}))) == []


def test_nothing_is_judged_while_the_registry_is_silent() -> None:
    blind = snapshot(verifications=Unknown(Reason.UNAVAILABLE, "npm", "no answer"))

    for rule in (signature_invalid, digest_differs, publisher_changed):
        assert len(unseen(rule(blind))) == 1
