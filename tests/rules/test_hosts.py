from monitor.domain.deployment import HostReport
from monitor.domain.snapshot import Fleet
from monitor.rules import hosts
from tests.make import days_ago


def test_a_host_that_has_not_reported_in_time_is_silent() -> None:
    fleet = Fleet({}, (), reports=(HostReport("laptop-7", days_ago(4)),), overdue_at=days_ago(3))

    assert [each.subject for each in hosts.host_silent(fleet)] == ["laptop-7"]


def test_a_host_that_reported_in_time_is_not_silent() -> None:
    fleet = Fleet({}, (), reports=(HostReport("laptop-7", days_ago(2)),), overdue_at=days_ago(3))

    assert list(hosts.host_silent(fleet)) == []


def test_where_no_host_reports_by_itself_none_is_silent() -> None:
    assert list(hosts.host_silent(Fleet({}, ()))) == []
