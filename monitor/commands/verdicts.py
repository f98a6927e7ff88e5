"""How `verify` shows what it found: a table for each file and one sentence at the end, or JSON."""

from collections.abc import Sequence
from itertools import groupby

from monitor.commands.output import say, show_table
from monitor.commands.table import Column
from monitor.domain.evidence import Grounds
from monitor.domain.inspection import Conclusion, Inspection, Repeated, conclude
from monitor.domain.provenance import Publisher, Verification
from monitor.domain.text import one_line
from monitor.domain.unknown import Unknown
from monitor.ending import ExitCode
from monitor.wording import FORMS, VERDICTS, again_words, conclusion_words, publisher_words, repetition_words

HEADER = tuple(map(Column, ("claim", "verdict", "why", "built by", "trust root")))
AGAIN_HEADER = tuple(map(Column, ("claim", "recorded", "decided again", "why", "built by", "trust root")))
LONGEST = 400
CODES = {
    Conclusion.HOLDS: ExitCode.QUIET,
    Conclusion.FAILS: ExitCode.FINDINGS,
    Conclusion.UNTOLD: ExitCode.UNCHECKED,
}


def inspection_code(found: Inspection) -> ExitCode:
    """0 holds, 1 fails, 3 could not be told or had. One claim that fails decides, whatever else could not be told."""
    return CODES[found.conclusion]


def show_inspection(found: Inspection) -> None:
    """Show each file's claims, what it was compared with, what speaks against it, and the conclusion."""
    say(one_line(found.what, LONGEST))
    for filename, group in groupby(found.claims, lambda claim: claim.filename):
        claims = tuple(group)
        _heading(filename, claims)
        show_table(HEADER, [_row(claim) for claim in claims], empty="")
    say("")
    for sentence in found.compared:
        say(one_line(sentence, LONGEST * 4))
    for objection in found.objections:
        say(f"AGAINST IT  {one_line(f'{objection.rule}: {objection.sentence}', LONGEST)}")
        for fact in objection.facts:
            say(f"            {one_line(f'{fact.label}: {fact.value}', LONGEST)}")
    say(f"\n{one_line(conclusion_words(found), LONGEST * 2)} {_code(inspection_code(found))}")


def inspection_json(found: Inspection) -> dict[str, object]:
    """Return it as JSON: what, conclusion, exit_code, sentence, claims, objections, compared."""
    return {
        "what": found.what,
        "conclusion": found.conclusion.value,
        "exit_code": int(inspection_code(found)),
        "sentence": conclusion_words(found),
        "claims": [claim_json(claim) for claim in found.claims],
        "objections": [
            {
                "rule": each.rule,
                "sentence": each.sentence,
                "facts": [{"label": fact.label, "value": fact.value, "source": fact.source} for fact in each.facts],
            }
            for each in found.objections
        ],
        "compared": list(found.compared),
        "demanded": found.demanded,
    }


def repetition_code(repeated: Sequence[Repeated]) -> ExitCode:
    """1 where something differs or did not hold, 3 where something cannot be decided again, 0 where all stands as recorded."""
    concluded = conclude([each.recorded for each in repeated], demanded=False)
    if any(each.differs for each in repeated) or concluded is Conclusion.FAILS:
        return ExitCode.FINDINGS
    return ExitCode.UNCHECKED if any(isinstance(each.again, Unknown) for each in repeated) else CODES[concluded]


def show_repetition(what: str, grounds: Grounds, repeated: Sequence[Repeated]) -> None:
    """Show recorded and repeated verdicts side by side, and say loudly where they differ."""
    roots = ", ".join(f"{root.name} of {root.dated:%Y-%m-%d}" for root in grounds.roots) or "none kept"
    say(f"{one_line(what, LONGEST)}, recorded {grounds.decided_at:%Y-%m-%d %H:%M} UTC under: {roots}")
    for filename, group in groupby(repeated, lambda each: each.recorded.filename):
        claims = tuple(group)
        _heading(filename, [each.recorded for each in claims])
        show_table(AGAIN_HEADER, [_again_row(each) for each in claims], empty="")
    say("")
    for each in repeated:
        if isinstance(each.again, Verification) and each.differs:
            was, now = _verdict(each.recorded), _verdict(each.again)
            say(f"DIFFERS  {one_line(f'{each.recorded.filename}: recorded {was}; decided again {now}', LONGEST * 2)}")
    say(f"{repetition_words(repeated)} {_code(repetition_code(repeated))}")


def repetition_json(what: str, grounds: Grounds, repeated: Sequence[Repeated]) -> dict[str, object]:
    """Return it as JSON: what, exit_code, sentence, decided_at, roots, and each claim with `again` and `differs`."""
    return {
        "what": what,
        "exit_code": int(repetition_code(repeated)),
        "sentence": repetition_words(repeated),
        "decided_at": grounds.decided_at.isoformat(),
        "roots": [
            {"name": root.name, "dated": root.dated.isoformat(), "sha256": root.sha256} for root in grounds.roots
        ],
        "claims": [
            {"recorded": claim_json(each.recorded), "again": _again_json(each.again), "differs": each.differs}
            for each in repeated
        ],
    }


def claim_json(claim: Verification) -> dict[str, object]:
    """Return one claim as JSON."""
    return {
        "file": claim.filename,
        "form": claim.form.value,
        "verdict": claim.verdict.value,
        "reason": claim.reason,
        "detail": claim.detail,
        "publisher": _publisher_json(claim.publisher) if claim.publisher else None,
        "root": claim.root or None,
        "digests": [str(digest) for digest in claim.digests],
        "document": claim.document or None,
        "url": claim.url or None,
    }


def _publisher_json(publisher: Publisher) -> dict[str, str]:
    return {
        "issuer": publisher.issuer,
        "repository": publisher.repository,
        "repository_id": publisher.repository_id,
        "owner_id": publisher.owner_id,
        "workflow": publisher.workflow,
        "ref": publisher.ref,
        "trigger": publisher.trigger,
        "runner_environment": publisher.runner_environment,
        "signer": publisher.signer,
    }


def _again_json(again: Verification | Unknown | None) -> dict[str, object] | None:
    match again:
        case Verification():
            return claim_json(again)
        case Unknown(reason, source, detail):
            return {"unknown": reason.value, "source": source, "detail": detail}
        case None:
            return None


def _heading(filename: str, claims: Sequence[Verification]) -> None:
    digest = next((str(each) for claim in claims for each in claim.digests if each.algorithm == "sha256"), "")
    say(f"\n{one_line(filename, LONGEST) or '(the release as a whole)'}  {digest}")


def _row(claim: Verification) -> tuple[str, ...]:
    return (FORMS[claim.form], VERDICTS[claim.verdict], claim.detail, publisher_words(claim.publisher), claim.root)


def _again_row(repeated: Repeated) -> tuple[str, ...]:
    was, again = repeated.recorded, repeated.again
    shown = again if isinstance(again, Verification) else was
    why = again.detail if isinstance(again, Unknown) else shown.detail
    return (
        FORMS[was.form],
        VERDICTS[was.verdict],
        again_words(repeated),
        why,
        publisher_words(shown.publisher),
        shown.root,
    )


def _verdict(claim: Verification) -> str:
    return ", ".join(
        filter(None, (VERDICTS[claim.verdict], claim.detail, publisher_words(claim.publisher), claim.root))
    )


def _code(code: ExitCode) -> str:
    meanings = {
        ExitCode.QUIET: "it holds",
        ExitCode.FINDINGS: "it does not hold",
        ExitCode.UNCHECKED: "it could not be told",
    }
    return f"Exit code {int(code)}: {meanings[code]}."
