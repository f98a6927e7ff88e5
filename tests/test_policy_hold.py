"""How long a version is held is told by a look that saw; the others leave it as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.domain.advisory import Advised, Advisory, Match
from monitor.domain.finding import Finding, Severity, track
from monitor.domain.review import Review, State
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.policy.deciding import decide
from monitor.policy.settings import Policy
from tests.make import NOW, PACKAGE, days_ago, known, looked, release, server, snapshot

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
