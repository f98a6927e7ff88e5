"""How long a version is held is told by a look that saw; the others leave it as it was."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.domain.advisory import Advised, Advisory, Match
from monitor.domain.decision import NEVER
from monitor.domain.finding import Finding, Severity, track
from monitor.domain.hold import held as hold_of
from monitor.domain.hold import others_before
from monitor.domain.release import Digest
from monitor.domain.review import Review, State
from monitor.domain.server import Approval, Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.policy.deciding import decide
from monitor.policy.settings import Policy
from tests.make import NOW, PACKAGE, approval, days_ago, digest, known, looked, release, server, snapshot

USUAL = timedelta(hours=72)
BEFORE, AFTER = PACKAGE.at("1.4.2"), PACKAGE.at("1.4.3")
FLAW = Advisory("GHSA-aaaa-bbbb-cccc", (), "a flaw", (), Severity.HIGH, None, days_ago(3))
FIX = {BEFORE: Advised((Match(BEFORE, FLAW),)), AFTER: Advised()}
SILENT = Advised((), (Unknown(Reason.UNAVAILABLE, "osv", "no answer"),))
NEW = Finding("new-release", server().name, str(AFTER), Severity.MEDIUM, "it was released", about=AFTER)


def seen(advisories: object) -> Snapshot:
    was, now = release("1.4.2"), release("1.4.3", days=1)
    return snapshot(package=looked(known(was), was, now), advisories=advisories)


def held(advisories: object, before: list[Review]) -> Review | None:
    decision = decide(Policy(), seen(advisories), track({}, [NEW], NOW), before)
    return next(iter(decision.reviews), None)


def test_a_security_fix_is_held_for_a_day_and_needs_two() -> None:
    review = held(FIX, [])

    assert review is not None
    assert (review.approvable_from, review.approvers_needed) == (NOW + timedelta(hours=24), 2)


@pytest.mark.parametrize("advisories", [NOT_ASKED, {}, FIX | {BEFORE: SILENT}, FIX | {AFTER: SILENT}])
def test_a_look_that_asked_about_no_advisories_holds_it_no_longer_and_no_less(advisories: object) -> None:
    open_now = replace(
        Review(server().name, Pin(AFTER), State.TICKETED, days_ago(1), "SEC-7"),
        approvable_from=NOW + timedelta(hours=24),
        approvers_needed=2,
        before=Pin(BEFORE),
    )

    assert held(advisories, [open_now]) is None


def pinned(pin: Pin, **more: object) -> datetime | None:
    """From when on a pin can be approved that is asked about now."""
    seen = replace(snapshot(package=looked(known(release("1.4.2")), release("1.4.2"))), **more)  # type: ignore[arg-type]  # its fields
    return hold_of(seen, pin, usual=USUAL, security_fix=timedelta(hours=24), asked_at=NOW).until


def test_what_runs_already_is_held_by_nothing() -> None:
    assert pinned(approval().pin) is None


def test_other_bytes_than_the_approved_ones_are_no_pin_that_runs_already() -> None:
    ours, others = (Pin(BEFORE, frozenset({digest(content)})) for content in ("one", "other"))

    assert others_before(snapshot(approval=Approval(ours, "ada", None, None)), others, None, None)
    assert not others_before(snapshot(approval=Approval(ours, "ada", None, None)), ours, None, None)
    assert not others_before(snapshot(), ours, Pin(BEFORE), None)
    assert others_before(snapshot(), others, ours, days_ago(9))


def test_the_very_bytes_that_are_approved_wait_no_longer() -> None:
    one, more = (frozenset(map(digest, names)) for names in (["one"], ["one", "added"]))
    seen = snapshot(approval=Approval(Pin(BEFORE, one), "ada", None, None))

    def until(digests: frozenset[Digest]) -> datetime | None:
        waits = {"usual": USUAL, "security_fix": timedelta(hours=24)}
        return hold_of(seen, Pin(BEFORE, digests), **waits, asked_at=NOW, bytes_at=NOW).until

    assert (until(one), until(more), until(frozenset())) == (None, NOW + USUAL, NOW + USUAL)


def test_what_no_source_lists_waits_from_when_it_was_asked_about() -> None:
    nobody = Unknown(Reason.NOT_COVERED, "nuget", "no source is configured")

    assert pinned(Pin(AFTER), package=nobody) == NOW + USUAL


def test_what_a_silent_source_did_not_list_is_held_for_ever() -> None:
    assert pinned(Pin(AFTER), package=Unknown(Reason.UNAVAILABLE, "npm", "no answer")) == NEVER
