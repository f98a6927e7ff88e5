"""Decide again what an evidence bundle claims, with nothing but the bundle: no database, no configuration, no network."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from monitor.domain.audit import AuditEvent, Checkpoint, Sealed, link, read
from monitor.domain.bundle import Bundle, Log
from monitor.domain.inspection import Repeated
from monitor.domain.proof import Check, Result
from monitor.domain.provenance import Verdict, Verification
from monitor.domain.release import Digest, Release
from monitor.domain.review import Review, State, Word
from monitor.domain.server import Pin
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.verify_again import Kept, decide_again
from monitor.jobs.verify_approvals import approvals_of, heard_before
from monitor.ports.sources import Verifier

STORE = "bundle"


@dataclass(frozen=True, slots=True)
class Examined:
    """Everything that was checked, and each claim as it is decided again."""

    checks: tuple[Check, ...]
    repeated: tuple[Repeated, ...]


def examine(
    bundle: Bundle, verifier: Verifier, checkpoints: Sequence[Checkpoint] = (), roots: Collection[str] = ()
) -> Examined:
    """Decide the claims again, walk the log, and hold the decision against both.

    `checkpoints` are the reader's own, `roots` the sha256 of trust roots that the reader trusts beside the program's.
    """
    repeated = decide_again(_kept(bundle), verifier)
    checks = (
        *_claims(bundle, repeated),
        *_roots(bundle, verifier, roots),
        *_log(bundle.log),
        *_anchored(bundle.log, checkpoints),
        *_decision(bundle, repeated),
    )
    return Examined(checks, repeated)


def _kept(bundle: Bundle) -> Kept:
    """What is not enclosed cannot be had, as it is not kept in the store."""
    wanted = {claim.document for claim in bundle.claims if claim.document}
    wanted |= {root.sha256 for root in bundle.grounds.roots} if bundle.grounds else set()
    bodies: dict[str, bytes | Unknown] = {
        each: bundle.bodies.get(each)
        or Unknown(Reason.UNAVAILABLE, STORE, bundle.missing.get(each, "the document is not enclosed"))
        for each in wanted
    }
    return Kept(bundle.claims, bundle.grounds, bodies, bundle.release)


def _claims(bundle: Bundle, repeated: Sequence[Repeated]) -> Iterator[Check]:
    others = [claim for claim in bundle.claims if claim.purl != bundle.purl]
    if others:
        yield Check("claims", Result.FAILS, f"{len(others)} claims are about another version than {bundle.purl}")
    if not repeated:
        yield Check("claims", Result.UNTOLD, "nothing was recorded about the version")
    for each in repeated:
        what = f"{each.recorded.form.value} of {each.recorded.filename or 'the release'}"
        yield Check(what, *_again(each))


def _again(each: Repeated) -> tuple[Result, str]:
    match each.again:
        case Unknown():
            return Result.UNTOLD, str(each.again)
        case None:
            return Result.HOLDS, f"{each.recorded.verdict.value}: {each.recorded.detail}; nothing to decide again"
        case Verification():
            if each.differs:
                return Result.FAILS, f"recorded {each.recorded.verdict.value}, decided again {each.again.verdict.value}"
            return _stands(each.again)


def _stands(claim: Verification) -> tuple[Result, str]:
    said = f"{claim.verdict.value}, as recorded: {claim.detail}"
    match claim.verdict:
        case Verdict.INVALID | Verdict.LOST:
            return Result.FAILS, said
        case Verdict.UNAVAILABLE | Verdict.UNSUPPORTED:
            return Result.UNTOLD, said
        case Verdict.UNATTESTED | Verdict.VERIFIED:
            return Result.HOLDS, said


def _roots(bundle: Bundle, verifier: Verifier, trusted: Collection[str]) -> Iterator[Check]:
    """Whoever makes a bundle can enclose roots of their own: under those nothing is proven."""
    known = {root.sha256 for root in verifier.roots()}
    for root in bundle.grounds.roots if bundle.grounds else ():
        result, whose = Result.UNTOLD, "not one that this program has: is it true, name it with --root"
        if root.sha256 in trusted:
            result, whose = Result.HOLDS, "one that you named"
        elif root.sha256 in known:
            result, whose = Result.HOLDS, "the same as this program's"
        yield Check(f"trust root {root.name}", result, f"of {root.dated:%Y-%m-%d}, sha256 {root.sha256}: {whose}")


def _log(log: Log) -> Iterator[Check]:
    broken = [each.link.seq for each in log.links if _hash(each.before, each.link.line) != each.link.hash]
    if broken:
        yield Check("audit log", Result.FAILS, f"event {broken[0]} was changed")
        return
    if not log.links or log.head is None:
        yield Check("audit log", Result.UNTOLD, "no event about the version is enclosed")
        return
    count = f"{len(log.links)} events about it"
    if not log.stretch:
        yield Check("audit log", Result.UNTOLD, f"{count}; the log up to its head is too long to be enclosed")
        return
    if problem := _walk(log):
        yield Check("audit log", Result.FAILS, problem)
        return
    first, last = log.links[0].link.seq, log.links[-1].link.seq
    yield Check(
        "audit log", Result.HOLDS, f"{count}, {first} to {last}, each in its place before the head {log.head.seq}"
    )


def _walk(log: Log) -> str:
    """Return where the stretch breaks, or does not hold the links at their places up to the head; empty: nowhere."""
    before, expected = log.links[0].before, log.links[0].link.seq
    by_seq: dict[int, Sealed] = {}
    for each in log.stretch:
        if each.seq != expected:
            return f"event {expected} is missing"
        if _hash(before, each.line) != each.hash:
            return f"event {each.seq} was changed"
        by_seq[each.seq] = each
        before, expected = each.hash, expected + 1
    if log.head is None or by_seq.get(log.head.seq) != log.head or log.head.seq != expected - 1:
        return "the enclosed log does not end at its head"
    astray = [each.link.seq for each in log.links if by_seq.get(each.link.seq) != each.link]
    return f"event {astray[0]} is not at its place" if astray else ""


def _hash(before: str, line: str) -> str:
    try:
        return link(before, line)
    except ValueError:  # what stands for a hash is none
        return ""


def _anchored(log: Log, checkpoints: Sequence[Checkpoint]) -> Iterator[Check]:
    """A log can be made as a whole, and then bears out itself: only a checkpoint from elsewhere tells."""
    there = {each.seq: each.hash for each in (*log.stretch, *(chained.link for chained in log.links))}
    if log.head:
        there.setdefault(log.head.seq, log.head.hash)
    if not checkpoints:
        head = f"{log.head.seq}, hash {log.head.hash}" if log.head else "none"
        yield Check("head of the log", Result.TOLD, f"event {head}: compare it with a checkpoint that you keep")
        return
    wrong = [each.seq for each in checkpoints if there.get(each.seq, each.hash) != each.hash]
    if wrong:
        yield Check("checkpoints", Result.FAILS, f"event {wrong[0]} differs from the checkpoint: the log was rewritten")
        return
    proving = [
        each.seq for each in checkpoints if each.seq in there and log.links and each.seq >= log.links[-1].link.seq
    ]
    if proving:
        yield Check(
            "checkpoints", Result.HOLDS, f"the one at event {max(proving)} proves every event about the version"
        )
    else:
        yield Check(
            "checkpoints", Result.UNTOLD, "none lies between the last event about the version and the log's end"
        )


def _decision(bundle: Bundle, repeated: Sequence[Repeated]) -> Iterator[Check]:
    others = [each for each in bundle.reviews if each.candidate.purl != bundle.purl or each.server != bundle.server]
    if others:
        yield Check("decision", Result.FAILS, "a review of another version is enclosed")
    events = _events(bundle)
    for review in bundle.reviews:
        yield from _votes(review, events)
    yield from heard_before(bundle, events)
    yield from approvals_of(bundle, events)
    pins = {each.entry.approval.pin for each in bundle.entries if each.entry.approval}
    pins |= {each.candidate for each in bundle.reviews if each.state is State.APPROVED}
    here = sorted((pin for pin in pins if pin.purl == bundle.purl), key=lambda pin: pin.fingerprint)
    if not here:
        yield Check("approved pin", Result.TOLD, "the version was never approved")
    first = bundle.first_seen.release if bundle.first_seen else None
    for pin in here:
        yield Check(f"approved pin {pin.fingerprint}", *_same_bytes(pin, first, repeated))


def _events(bundle: Bundle) -> list[AuditEvent]:
    """Everything that the log has of the version, in its order, whichever of its links the file calls those about it."""
    links = {each.seq: each for each in (*bundle.log.stretch, *(chained.link for chained in bundle.log.links))}
    events = (read(links[seq].line) for seq in sorted(links) if bundle.server in links[seq].line)
    about = (bundle.server, str(bundle.purl))
    return [each for each in events if each and (each.subject, each.detail.get("version")) == about]


def _votes(review: Review, events: Iterable[AuditEvent]) -> Iterator[Check]:
    """What counts has to stand in the log, under the name of who said it and for the pin that was shown."""
    said = {
        (event.actor, event.detail.get("word"), event.detail.get("pin"), event.detail.get("ref"))
        for event in events
        if event.verb == "review.voted" and event.subject == review.server
    }
    pin = review.candidate.fingerprint
    for vote in review.votes:
        what = f"{vote.word.value} by {vote.by}"
        if vote.pin != pin:
            yield Check(what, Result.FAILS, f"it was said of pin {vote.pin}, decided was about {pin}")
        elif (vote.by, vote.word.value, pin, vote.ref[:200]) not in said:
            yield Check(what, Result.FAILS, "the enclosed log does not have it")
        else:
            yield Check(what, Result.HOLDS, f"{vote.at:%Y-%m-%d %H:%M} UTC via {vote.via}, of pin {pin}")
    if review.state is State.APPROVED and not any(vote.word is Word.APPROVE for vote in review.votes):
        yield Check("review", Result.FAILS, "it is approved, and nobody approved it")


def _same_bytes(pin: Pin, first: Release | None, repeated: Iterable[Repeated]) -> tuple[Result, str]:
    """Hold what is approved against what was verified. Where the version alone is approved, the first look's digests are the reference."""
    wanted = pin.digests or frozenset(first.digests.values() if first else ())
    what = "its digests" if pin.digests else "the version alone was approved; the digests of the first look"
    if not wanted:
        return Result.UNTOLD, "it names no digests, and those of a first look are not kept"
    verified: set[Digest] = set()
    for each in repeated:
        if isinstance(each.again, Verification) and each.again.verdict is Verdict.VERIFIED:
            verified.update(each.again.digests or each.recorded.digests)
    judged = {digest.algorithm for digest in verified}
    if wrong := sorted(digest for digest in wanted if digest.algorithm in judged and digest not in verified):
        return Result.FAILS, f"{wrong[0]} is approved, and no verified file has it"
    if untold := sorted(wanted - verified):
        return Result.UNTOLD, f"no file with {untold[0]} was verified"
    return Result.HOLDS, f"{what} are those of the verified files"
