import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.audit import AuditEvent, seal
from monitor.ocsf import ADVISORIES, OF_APPROVALS, OF_FINDINGS, ocsf
from tests import corpus
from tests.make import NOW
from tests.ocsf_rules import complaints

WORDS = st.text(max_size=60)
DETAILS = st.fixed_dictionaries(
    {
        "rule": st.sampled_from([*sorted(ADVISORIES), "shadow-server", "approval-expired"]),
        "severity": st.sampled_from(["info", "low", "medium", "high", "critical"]),
        "fingerprint": WORDS,
        "summary": WORDS,
        "confidence": st.sampled_from(["low", "medium", "high", ""]),
    },
    optional={
        "version": st.sampled_from(["pkg:npm/%40acme/files-mcp@1.4.2", "pkg:npm/a", "no purl", ""]),
        "identifiers": st.lists(
            st.sampled_from(["CVE-2026-1234", "GHSA-aaaa-bbbb-cccc", "MAL-2026-1", ""]), max_size=4
        ).map(", ".join),
        "note": WORDS,
        "subject": WORDS,
    },
)
VERBS = st.sampled_from([*sorted(OF_FINDINGS), *sorted(OF_APPROVALS)])


def written(verb: str, detail: dict[str, str], actor: str = "ada") -> dict[str, object]:
    event = AuditEvent(NOW, actor, verb, "io.github.acme/files-mcp", detail)
    said = ocsf(seal(None, event), event, version="1.0")
    return json.loads(json.dumps(said))  # type: ignore[no-any-return]  # as a receiver reads it


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VERBS, DETAILS)
def test_every_event_is_one_that_ocsf_knows(verb: str, detail: dict[str, str]) -> None:
    assert complaints(written(verb, detail)) == []


@pytest.mark.parametrize("name", ["ocsf.vulnerability_finding.json", "ocsf.entity_management.json"])
def test_the_checker_agrees_with_the_examples_of_the_contract(name: str) -> None:
    example = json.loads((corpus.contract("examples/payloads") / name).read_text("utf-8"))

    assert complaints(example) == []


def test_the_checker_finds_what_is_missing_and_what_is_wrong() -> None:
    event = written("finding.opened", {"rule": "affected", "severity": "high", "fingerprint": "f", "summary": "s"})
    del event["finding_info"]
    event["severity_id"] = 77

    assert len(complaints(event)) == 2


def test_a_flaw_with_a_cve_goes_by_it_and_one_without_by_its_advisory() -> None:
    detail = {"rule": "affected", "severity": "high", "fingerprint": "f", "summary": "s"}
    by_cve = written("finding.opened", detail | {"identifiers": "GHSA-aaaa-bbbb-cccc, CVE-2026-1234"})
    by_advisory = written("finding.opened", detail | {"identifiers": "MAL-2026-1"})

    assert [each["cve"]["uid"] for each in by_cve["vulnerabilities"]] == ["CVE-2026-1234"]  # type: ignore[attr-defined]
    assert [each["advisory"]["uid"] for each in by_advisory["vulnerabilities"]] == ["MAL-2026-1"]  # type: ignore[attr-defined]


def test_what_is_none_of_a_siems_business_is_no_event() -> None:
    event = AuditEvent(NOW, "mcp-monitor", "outbox.taken", "host:1", {})

    assert ocsf(seal(None, event), event, version="1.0") is None
