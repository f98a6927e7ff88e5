from dataclasses import replace
from datetime import timedelta

from monitor.domain.health import SourceHealth, Undeliverable
from monitor.domain.provenance import TrustRoot
from monitor.domain.server import EntryProblem, Registry
from monitor.domain.snapshot import Ourselves
from monitor.rules.health import registry_entry_invalid, source_unknown, trust_root_old, undeliverable
from tests.make import NOW, days_ago, found

CALM = Registry("registry.yaml", "0" * 64, (), ())


def ourselves(*health: SourceHealth, registry: Registry = CALM, given_up: tuple[Undeliverable, ...] = ()) -> Ourselves:
    return Ourselves(registry, health, given_up, NOW, timedelta(hours=24))


def test_a_source_that_is_silent_for_a_day_is_a_finding() -> None:
    silent = SourceHealth("npm", days_ago(3), days_ago(2), "connection refused")

    assert ["npm" in each.summary for each in found(source_unknown(ourselves(silent)))] == [True]


def test_a_short_outage_is_none() -> None:
    assert found(source_unknown(ourselves(SourceHealth("npm", days_ago(0.2), days_ago(0.1), "busy")))) == []


def test_an_entry_that_cannot_be_read_is_a_finding_with_its_line() -> None:
    broken = Registry("registry.yaml", "0" * 64, (), (EntryProblem(17, "io.github.acme/x", "tier: expected 1 to 3"),))

    findings = found(registry_entry_invalid(ourselves(registry=broken)))

    assert [each.summary for each in findings] == ["registry.yaml, line 17: io.github.acme/x: tier: expected 1 to 3"]


def test_a_message_that_was_given_up_is_a_finding() -> None:
    given_up = Undeliverable("page:1", "message to default: Page", "channel is archived")

    assert ["message to default" in each.summary for each in found(undeliverable(ourselves(given_up=(given_up,))))] == [
        True
    ]


def test_a_trust_root_is_old_when_the_configuration_says_so() -> None:
    roots = (TrustRoot("public-good", "a.json", days_ago(181)), TrustRoot("npm-keys", "b.json", days_ago(179)))
    seen = replace(ourselves(), trust_roots=roots)

    assert [(each.subject, each.severity.value) for each in found(trust_root_old(seen))] == [("public-good", "low")]
    assert found(trust_root_old(replace(seen, roots_old_after=timedelta(days=365)))) == []
