from dataclasses import replace

from monitor.domain.advisory import Advised, Advisory, Affected, Event, Match
from monitor.domain.finding import Settled, Severity
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason, Unknown
from monitor.rules.advisories import affected, malware
from tests.make import NOW, PACKAGE, days_ago, deployment, found, known, looked, release, snapshot, unseen

APPROVED = PACKAGE.at("1.4.2")


def advisory(name: str = "GHSA-aaaa-bbbb-cccc", *aliases: str, severity: Severity | None = Severity.HIGH) -> Advisory:
    fixed = ((Event("introduced", "0"), Event("fixed", "1.4.3")),)
    named = (Affected(PACKAGE, frozenset(), fixed),)
    return Advisory(name, aliases, "path traversal", named, severity, 7.5, modified_at=NOW, published_at=days_ago(1))


def named(*advisories: Advisory, purl: Purl = APPROVED) -> dict[Purl, Advised]:
    return {purl: Advised(tuple(Match(purl, each) for each in advisories))}


def test_an_advisory_names_the_version_its_fix_and_where_it_runs() -> None:
    findings = found(affected(snapshot(advisories=named(advisory()), deployments=(deployment(),))))

    facts = {fact.label: fact.value for fact in findings[0].facts}
    assert (findings[0].severity, findings[0].about) == (Severity.HIGH, APPROVED)
    assert (facts["fixed in"], facts["deployed on"]) == ("1.4.3", "laptop-7")


def test_one_flaw_under_two_names_is_one_finding_with_the_worst_severity() -> None:
    ghsa = advisory("GHSA-aaaa-bbbb-cccc", "CVE-2026-1", severity=Severity.MEDIUM)
    pysec = advisory("PYSEC-2026-9", "CVE-2026-1", severity=Severity.CRITICAL)

    findings = found(affected(snapshot(advisories=named(ghsa, pysec))))

    assert [each.severity for each in findings] == [Severity.CRITICAL]
    assert "PYSEC-2026-9" in findings[0].facts[0].value


def test_aliases_join_transitively() -> None:
    chain = [advisory("A", "X"), advisory("B", "Y"), advisory("C", "X", "Y")]

    assert len(found(affected(snapshot(advisories=named(*chain))))) == 1


def test_a_flaw_keeps_its_finding_when_another_database_names_it_later() -> None:
    first = found(affected(snapshot(advisories=named(advisory("GHSA-zzzz", "CVE-2026-1")))))

    later = replace(advisory("AAA-1", "CVE-2026-1"), published_at=NOW)
    second = found(affected(snapshot(advisories=named(later, advisory("GHSA-zzzz", "CVE-2026-1")))))

    assert [each.fingerprint for each in first] == [each.fingerprint for each in second]


def over(record: Advisory, note: str) -> dict[Purl, Advised]:
    return {APPROVED: Advised((Match(APPROVED, record, over=note),))}


def test_a_record_that_is_over_is_no_finding_and_says_why() -> None:
    verdicts = list(affected(snapshot(advisories=over(advisory(), "it was withdrawn"))))

    assert [each.note for each in verdicts if isinstance(each, Settled)] == ["it was withdrawn"]
    assert found(verdicts) == []


def test_a_flaw_keeps_its_finding_when_its_first_record_is_withdrawn_and_another_stands() -> None:
    ghsa, pysec = advisory("GHSA-1", "CVE-2026-1"), replace(advisory("PYSEC-1", "CVE-2026-1"), published_at=NOW)
    first = found(affected(snapshot(advisories=named(ghsa, pysec))))
    matches = (Match(APPROVED, ghsa, over="withdrawn"), Match(APPROVED, pysec))

    second = found(affected(snapshot(advisories={APPROVED: Advised(matches)})))

    assert [each.fingerprint for each in second] == [each.fingerprint for each in first]
    assert len(second) == 1


def test_a_flaw_keeps_its_finding_when_an_older_record_of_it_appears_later() -> None:
    mine, older = advisory("GHSA-1", "CVE-2026-1"), replace(advisory("OSV-1", "CVE-2026-1"), published_at=days_ago(9))
    first = found(affected(snapshot(advisories=named(mine))))
    matches = (Match(APPROVED, older), Match(APPROVED, mine, since=days_ago(1)))

    second = found(affected(snapshot(advisories={APPROVED: Advised(matches)})))

    assert [each.fingerprint for each in second] == [each.fingerprint for each in first]


def test_malware_is_critical_and_not_told_twice_as_a_flaw() -> None:
    record = advisory("MAL-2026-1", severity=None)

    assert [each.severity for each in found(malware(snapshot(advisories=named(record))))] == [Severity.CRITICAL]
    assert found(affected(snapshot(advisories=named(record)))) == []


def test_a_record_without_severity_is_not_taken_for_harmless() -> None:
    findings = found(affected(snapshot(advisories=named(advisory(severity=None)))))

    assert [each.severity for each in findings] == [Severity.MEDIUM]


def test_a_silent_advisory_source_resolves_nothing() -> None:
    silent = Unknown(Reason.UNAVAILABLE, "osv", "no answer")

    for blind in (snapshot(advisories=silent), snapshot(advisories={APPROVED: Advised((), (silent,))})):
        assert len(unseen(affected(blind))) == 1
        assert blind.unknowns() == (silent,)


def test_a_flaw_of_a_version_that_a_newer_candidate_passed_over_is_nobodys_question_until_it_is_deployed() -> None:
    passed, chosen = PACKAGE.at("1.4.3"), PACKAGE.at("1.4.4")
    listed = [release("1.4.2"), release("1.4.3", days=2), release("1.4.4", days=1)]
    flawed = {**named(advisory(), purl=passed), **named(advisory(), purl=chosen)}
    look = snapshot(package=looked(known(release("1.4.2")), *listed), advisories=flawed)

    assert [each.about for each in found(affected(look))] == [chosen]
    assert [each.about for each in found(affected(replace(look, deployments=(deployment("1.4.3"),))))] == [
        passed,
        chosen,
    ]


def test_malware_in_a_version_that_a_newer_candidate_passed_over_is_found() -> None:
    passed = PACKAGE.at("1.4.3")
    listed = [release("1.4.2"), release("1.4.3", days=2), release("1.4.4", days=1)]
    record = named(advisory("MAL-2026-1"), purl=passed)

    findings = found(malware(snapshot(package=looked(known(release("1.4.2")), *listed), advisories=record)))

    assert [each.about for each in findings] == [passed]
