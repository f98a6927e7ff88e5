from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.finding import Finding, Severity
from monitor.domain.review import Vote, Word
from monitor.domain.server import Approval
from monitor.domain.terms import Terms
from monitor.rules.approvals import approval_expired, approval_expiring, approval_rejected, not_approved, review_due
from tests.make import NOW, approval, days_ago, found, server, snapshot

YEARLY = Terms(expires_after={1: timedelta(days=90), 2: timedelta(days=365)})


def given_for(days: float, *, left: float) -> Approval:
    """An approval that was given for so many days, of which some are left."""
    return replace(approval(expires=days_ago(-left)), approved_at=days_ago(days - left))


def expiring(granted: Approval, *, tier: int = 2) -> list[Finding]:
    return found(approval_expiring(snapshot(approval=granted, server=server(tier=tier))))


def due(at: datetime | None, *, tier: int = 2, expires: datetime | None = None, terms: Terms = YEARLY) -> list[Finding]:
    granted = replace(approval(expires=expires), approved_at=at)
    return found(review_due(snapshot(approval=granted, server=server(tier=tier), terms=terms)))


def test_an_approval_that_ended_is_a_finding() -> None:
    (finding,) = found(approval_expired(snapshot(approval=approval(expires=days_ago(1)))))

    assert (finding.rule, finding.severity) == ("approval-expired", Severity.HIGH)
    assert expiring(approval(expires=days_ago(1))) == []


@pytest.mark.parametrize(
    ("tier", "left", "warned"), [(1, 31, 0), (1, 29, 1), (2, 91, 0), (2, 89, 1), (3, 91, 0), (3, 89, 1)]
)
def test_the_most_critical_tier_is_warned_thirty_days_before_and_the_others_ninety(
    tier: int, left: float, warned: int
) -> None:
    assert len(expiring(given_for(365, left=left), tier=tier)) == warned


def test_the_last_two_weeks_ask_for_the_decision() -> None:
    seen = snapshot(approval=given_for(365, left=15))

    (early,) = found(approval_expiring(seen))
    (late,) = found(approval_expiring(replace(seen, taken_at=days_ago(-1))))

    assert early.severity is Severity.LOW
    assert late.severity is Severity.MEDIUM
    assert early.fingerprint == late.fingerprint


@given(st.integers(1, 400), st.integers(1, 3))
def test_no_approval_is_about_to_end_on_the_day_on_which_it_is_given(days: int, tier: int) -> None:
    assert expiring(given_for(days, left=days), tier=tier) == []


def test_an_approval_older_than_its_tier_allows_is_due() -> None:
    (finding,) = due(days_ago(91), tier=1)

    assert (finding.rule, finding.severity) == ("review-due", Severity.MEDIUM)
    assert "holds for 90 days in tier 1" in finding.summary
    assert due(days_ago(91), tier=2) == []


def test_nothing_is_due_that_names_its_end_or_whose_tier_has_no_term() -> None:
    assert due(days_ago(400), expires=days_ago(-20)) == []
    assert due(days_ago(4000), tier=3) == []
    assert due(days_ago(4000), terms=Terms()) == []


def test_an_approval_without_a_date_is_told_quietly() -> None:
    (finding,) = due(None)

    assert finding.severity is Severity.LOW
    assert "does not say when it was given" in finding.summary


def test_a_server_without_an_approved_version_is_told_of() -> None:
    assert [each.rule for each in found(not_approved(snapshot(approval=None)))] == ["not-approved"]


def test_what_was_rejected_and_is_approved_in_the_registry_is_a_finding() -> None:
    rejected = {approval().pin.purl: Vote("grace", Word.REJECT, NOW, "jira SEC-7", "1", "pin", "no")}
    seen = snapshot(approval=replace(approval(), approved_at=days_ago(1)), rejected=rejected)

    (finding,) = found(approval_rejected(seen))

    assert (finding.rule, finding.severity, finding.about) == ("approval-rejected", Severity.HIGH, None)
    assert "rejected by grace" in finding.summary


def test_what_was_approved_after_it_was_rejected_is_no_finding() -> None:
    rejected = {approval().pin.purl: Vote("grace", Word.REJECT, days_ago(2), "jira SEC-7", "1", "pin", "no")}

    assert found(approval_rejected(snapshot(approval=replace(approval(), approved_at=NOW), rejected=rejected))) == []
