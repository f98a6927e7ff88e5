from dataclasses import replace

from monitor.domain.finding import Severity
from monitor.domain.provenance import Form, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.server import Approval, Pin
from monitor.domain.unknown import Reason, Unknown
from monitor.rules.integrity import cannot_tell, digest_differs, signature_invalid
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


def pinned(*contents: str) -> Approval:
    return replace(approval(), pin=Pin(PACKAGE.at("1.4.2"), frozenset(map(digest, contents))))


def served(*contents: str) -> dict[Purl, tuple[Verification, ...]]:
    claims = (claim("1.4.2", form=Form.REGISTRY_DIGEST, digests=(digest(each),)) for each in contents)
    return {PACKAGE.at("1.4.2"): tuple(replace(each, filename=f"file-{at}") for at, each in enumerate(claims))}


def test_served_bytes_without_the_approved_digest_are_a_finding() -> None:
    findings = found(digest_differs(snapshot(approval=pinned("reviewed"), verifications=served("other"))))

    assert [(each.severity, each.about) for each in findings] == [(Severity.CRITICAL, PACKAGE.at("1.4.2"))]
    assert found(digest_differs(snapshot(approval=pinned("reviewed"), verifications=served("reviewed")))) == []


def test_a_file_beside_those_that_were_approved_is_a_finding() -> None:
    findings = found(digest_differs(snapshot(approval=pinned("reviewed"), verifications=served("reviewed", "extra"))))

    assert [(each.severity, each.facts[0].value) for each in findings] == [(Severity.MEDIUM, "file-1")]


def test_digests_of_other_algorithms_are_not_compared() -> None:
    verdicts = list(
        digest_differs(snapshot(approval=pinned("reviewed"), verifications={PACKAGE.at("1.4.2"): (claim("1.4.2"),)}))
    )

    assert found(verdicts) == []
    assert len(unseen(verdicts)) == 1


def test_a_claim_that_cannot_be_judged_is_not_green() -> None:
    findings = found(cannot_tell(snapshot(verifications={CANDIDATE: (claim(verdict=Verdict.UNSUPPORTED),)})))

    assert [(each.severity, each.about) for each in findings] == [(Severity.MEDIUM, CANDIDATE)]


def test_a_version_of_which_something_could_not_be_had_keeps_what_was_said_of_it() -> None:
    half = (claim(verdict=Verdict.UNAVAILABLE, form=Form.REGISTRY_DIGEST), claim(verdict=Verdict.VERIFIED))

    assert [each.subject for each in unseen(signature_invalid(snapshot(verifications={CANDIDATE: half})))] == [None]


def test_nothing_is_judged_while_the_registry_is_silent() -> None:
    blind = snapshot(verifications=Unknown(Reason.UNAVAILABLE, "npm", "no answer"))

    for rule in (signature_invalid, digest_differs):
        assert len(unseen(rule(blind))) == 1
