from monitor.rules.approvals import approval_expired, approval_expiring, not_approved
from tests.make import approval, days_ago, found, snapshot


def test_an_approval_that_ended_and_one_that_ends_soon_are_findings() -> None:
    ended, soon = approval(expires=days_ago(1)), approval(expires=days_ago(-20))

    assert [each.rule for each in found(approval_expired(snapshot(approval=ended)))] == ["approval-expired"]
    assert [each.rule for each in found(approval_expiring(snapshot(approval=soon)))] == ["approval-expiring"]
    assert found(approval_expiring(snapshot(approval=approval(expires=days_ago(-90))))) == []
    assert [each.rule for each in found(not_approved(snapshot(approval=None)))] == ["not-approved"]
