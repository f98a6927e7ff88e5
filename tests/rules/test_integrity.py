from dataclasses import replace

from monitor.domain.finding import Severity
from monitor.domain.provenance import Form, Verdict
from monitor.domain.server import Pin
from monitor.domain.unknown import Reason, Unknown
from monitor.rules.integrity import digest_differs, signature_invalid
from tests.make import PACKAGE, approval, claim, digest, found, snapshot, unseen

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


def test_nothing_is_judged_while_the_registry_is_silent() -> None:
    blind = snapshot(verifications=Unknown(Reason.UNAVAILABLE, "npm", "no answer"))

    for rule in (signature_invalid, digest_differs):
        assert len(unseen(rule(blind))) == 1
