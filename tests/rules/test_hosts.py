import pytest

from monitor.domain.deployment import HostPolicy, HostReport
from monitor.domain.enforcement import Exported
from monitor.domain.finding import Severity
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


EXPORTS = (Exported("claude-code", days_ago(9), "old"), Exported("claude-code", days_ago(1), "new"))


def enforced_by(sha256: str, client: str = "claude-code") -> Fleet:
    policy = HostPolicy(client, "/etc/managed.json", sha256)
    return Fleet({}, (), reports=(HostReport("laptop-7", days_ago(0), (policy,)),), exports=EXPORTS)


def test_a_host_with_the_last_export_enforces_what_is_approved() -> None:
    assert list(hosts.policy_not_enforced(enforced_by("new"))) == []


@pytest.mark.parametrize(
    ("sha256", "severity", "words"),
    [("", Severity.MEDIUM, "missing"), ("forged", Severity.HIGH, "not one that"), ("old", Severity.LOW, "earlier")],
)
def test_a_host_with_another_file_or_none_is_told_with_the_command_that_mends_it(
    sha256: str, severity: Severity, words: str
) -> None:
    [finding] = hosts.policy_not_enforced(enforced_by(sha256))

    assert finding.severity is severity
    assert words in finding.summary
    assert "mcp-monitor export allowlist --for claude-code" in str(finding.facts)


def test_a_client_for_which_nothing_was_ever_exported_enforces_nothing_on_purpose() -> None:
    assert list(hosts.policy_not_enforced(enforced_by("whatever", client="gemini"))) == []
