import pytest

from monitor.domain.document import Paragraph, plain
from monitor.domain.finding import Finding, Severity, Tracked
from monitor.messages import alert_body, comment_body, digest_body
from monitor.rules import rule_id
from monitor.rules.documentation import every_rule, remedy
from tests.databases import NOW


@pytest.mark.parametrize("rule", [rule_id(each) for each in every_rule()])
def test_every_rule_has_a_remedy_of_one_sentence(rule: str) -> None:
    said = remedy(rule)

    assert said.endswith(".")
    assert ". " not in said


def test_a_rule_that_is_no_more_has_none() -> None:
    assert remedy("no-such-rule") == ""


def test_a_ticket_says_what_to_do_once_for_each_rule() -> None:
    findings = [Finding("approval-expired", "a", subject, Severity.HIGH, "over") for subject in ("1", "2")]

    document = comment_body(findings, NOW)

    assert document.count(Paragraph("What to do: Review the version again, or retire the server.")) == 1


def test_an_alert_says_what_to_do_once_for_each_rule_and_where_to_read_more() -> None:
    findings = [Finding("approval-expired", "a", subject, Severity.HIGH, "over") for subject in ("1", "2")]

    text = plain(alert_body(findings))

    assert text.count("approval-expired: Review the version again, or retire the server.") == 1
    assert text.endswith("See all of it: mcp-monitor findings --server a")


def test_a_digest_says_what_to_do_and_where_to_read_more() -> None:
    findings = [Finding("floating-version", server, "1", Severity.LOW, "floats") for server in ("a", "b")]

    text = plain(digest_body([Tracked.new(each, NOW) for each in findings]))

    assert text.count(remedy("floating-version")) == 1
    assert text.endswith("See all of it: mcp-monitor findings")
