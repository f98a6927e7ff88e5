"""Verdicts in words: the only place where the program says what one means, for tickets, for tables, and for people at the keyboard.

Every text here may quote strangers; whoever shows it escapes it.
"""

from collections.abc import Sequence

from monitor.domain.inspection import Conclusion, Inspection, Repeated
from monitor.domain.provenance import Form, Publisher, Verdict, Verification, worst
from monitor.domain.text import one_line
from monitor.domain.unknown import Unknown
from monitor.domain.waiver import Kind, Waiver

LONGEST_PART = 120
"""Characters of one part of a publisher: none may push the others out of sight."""

VERDICTS = {
    Verdict.VERIFIED: "verified",
    Verdict.INVALID: "NOT verified",
    Verdict.UNATTESTED: "nobody vouches",
    Verdict.LOST: "lost",
    Verdict.UNAVAILABLE: "could not be had",
    Verdict.UNSUPPORTED: "cannot tell",
}
"""Of one claim."""

VERSIONS = {
    Verdict.VERIFIED: "registry signature verified",
    Verdict.INVALID: "INVALID",
    Verdict.UNATTESTED: "unattested",
    Verdict.UNAVAILABLE: "could not check",
    Verdict.UNSUPPORTED: "cannot tell",
    Verdict.LOST: "lost",
}
"""Of a version, for a table's cell."""

FORMS = {
    Form.REGISTRY_DIGEST: "registry's digest",
    Form.PYPI_PROVENANCE: "PyPI provenance",
    Form.NPM_ATTESTATIONS: "npm attestation",
    Form.NPM_SIGNATURE: "npm registry signature",
    Form.GITHUB_ATTESTATION: "GitHub attestation",
    Form.SIGSTORE_BUNDLE: "sigstore bundle",
    Form.CHECKSUMS: "checksum file",
}


def version_words(claims: Sequence[Verification]) -> str:
    """Sum up a version's verification for a table's cell."""
    verdict = worst(claims)
    if verdict is None:
        return "digest only" if claims else "not looked at"
    if verdict is Verdict.INVALID:
        return f"INVALID: {next(claim.reason for claim in claims if claim.verdict is Verdict.INVALID)}"
    built = {claim.filename for claim in claims if claim.verdict is Verdict.VERIFIED and claim.publisher}
    if verdict is Verdict.VERIFIED and built == {claim.filename for claim in claims}:
        return "provenance verified"
    return VERSIONS[verdict]


def publisher_words(publisher: Publisher | None) -> str:
    """Say who built a file, with what survives a rename; empty where the claim names nobody."""
    if publisher is None:
        return ""
    ids = [f"id {publisher.repository_id}"] if publisher.repository_id else []
    ids += [f"owner id {publisher.owner_id}"] if publisher.owner_id else []
    who = publisher.repository or publisher.signer or publisher.issuer
    named = [
        ("", who),
        ("", ", ".join(ids)),
        ("workflow ", publisher.workflow),
        ("ref ", publisher.ref),
        ("trigger ", publisher.trigger),
        ("runner ", publisher.runner_environment),
    ]
    return ", ".join(f"{label}{one_line(text, LONGEST_PART)}" for label, text in named if text)


def again_words(repeated: Repeated) -> str:
    """Say what became of a recorded claim, for a table's cell."""
    match repeated.again:
        case None:
            return "(nothing to decide)"
        case Unknown():
            return "CANNOT BE DECIDED"
        case Verification(verdict=verdict):
            return f"{'DIFFERS: ' if repeated.differs else ''}{VERDICTS[verdict]}"


def conclusion_words(found: Inspection) -> str:
    """Say in one sentence what the person who asked wants to know."""
    files = {claim.filename for claim in found.claims}
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    verdict = worst(found.claims)
    claim = next((each for each in found.claims if each.verdict is verdict), None)
    why = (
        f"{claim.filename}: {claim.detail}"
        if claim and claim.filename
        else claim.detail
        if claim
        else "nothing is known"
    )
    broken = verdict in {Verdict.INVALID, Verdict.LOST}
    match found.conclusion:
        case Conclusion.FAILS if found.objections and not broken:
            return f"NOT verified: {found.objections[0].sentence}."
        case Conclusion.FAILS if not broken:
            return f"NOT verified: nobody vouches for it ({count}), and nothing says that nobody has to."
        case Conclusion.FAILS:
            return f"NOT verified: {why}."
        case Conclusion.UNTOLD:
            return f"Cannot tell: {why}."
        case Conclusion.HOLDS if verdict is Verdict.VERIFIED:
            return f"Verified: {count}, {_by_whom(found.claims)}."
        case Conclusion.HOLDS:
            return f"Nobody vouches for it ({count}), and nothing demands that anybody does."


def repetition_words(repeated: Sequence[Repeated]) -> str:
    """Say in one sentence whether what was recorded still stands."""
    decided = [each for each in repeated if isinstance(each.again, Verification)]
    missing = sum(isinstance(each.again, Unknown) for each in repeated)
    nothing = sum(each.again is None for each in repeated)
    differ = sum(each.differs for each in decided)
    parts = [f"{len(decided)} of {len(repeated)} claims were decided again from what is kept"]
    parts += [f"{differ} DIFFER FROM WHAT WAS RECORDED" if differ else "each as recorded"] if decided else []
    parts += [f"{missing} CANNOT BE DECIDED AGAIN"] if missing else []
    parts += [f"{nothing} left nothing to decide"] if nothing else []
    return ", ".join(parts) + "."


def _by_whom(claims: Sequence[Verification]) -> str:
    built = dict.fromkeys(claim.publisher for claim in claims if claim.verdict is Verdict.VERIFIED and claim.publisher)
    names = [one_line(each.repository or each.signer, LONGEST_PART) for each in built]
    return f"built by {' and '.join(dict.fromkeys(names))}" if names else "vouched for by the registry alone"


def answered_words(waiver: Waiver) -> str:
    """Say who answers for a finding, until when, and why."""
    word = "waived" if waiver.kind is Kind.WAIVER else "acknowledged"
    return f"{word} by {waiver.by} until {waiver.expires_at:%Y-%m-%d %H:%M} UTC: {waiver.reason}"
