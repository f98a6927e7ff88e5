from datetime import timedelta

from monitor.domain.finding import Finding, Severity, Unseen, track
from tests.make import NOW

LATER = NOW + timedelta(hours=1)


def finding(subject: str = "1.4.3", severity: Severity = Severity.HIGH) -> Finding:
    return Finding("republished", "io.github.acme/files-mcp", subject, severity, "it changed")


def test_a_finding_opens_once_and_stays_open_while_its_rule_yields_it() -> None:
    first = track({}, [finding()], NOW)

    second = track({each.finding.fingerprint: each for each in first.open}, [finding()], LATER)

    assert [each.opened_at for each in first.opened] == [NOW]
    assert [each.opened_at for each in second.unchanged] == [NOW]
    assert not second.touched


def test_a_finding_is_resolved_by_a_look_that_could_see() -> None:
    known = {each.finding.fingerprint: each for each in track({}, [finding()], NOW).open}

    delta = track(known, [], LATER)

    assert [each.resolved_at for each in delta.resolved] == [LATER]


def test_an_outage_resolves_nothing() -> None:
    known = {each.finding.fingerprint: each for each in track({}, [finding()], NOW).open}

    delta = track(known, [Unseen("republished", "io.github.acme/files-mcp")], LATER)

    assert not delta.resolved
    assert [each.finding for each in delta.unchanged] == [finding()]


def test_a_subject_that_could_not_be_judged_keeps_only_its_own_finding() -> None:
    known = {each.finding.fingerprint: each for each in track({}, [finding("1.4.3"), finding("1.4.4")], NOW).open}

    delta = track(known, [Unseen("republished", "io.github.acme/files-mcp", "1.4.3")], LATER)

    assert [each.finding.subject for each in delta.unchanged] == ["1.4.3"]
    assert [each.finding.subject for each in delta.resolved] == ["1.4.4"]


def test_a_finding_that_comes_back_recurs_and_is_counted() -> None:
    opened = {each.finding.fingerprint: each for each in track({}, [finding()], NOW).open}
    resolved = {each.finding.fingerprint: each for each in track(opened, [], LATER).resolved}

    delta = track(resolved, [finding()], LATER + timedelta(hours=1))

    assert [(each.occurrences, each.open) for each in delta.recurred] == [(2, True)]


def test_a_finding_whose_severity_rises_is_changed_and_not_new() -> None:
    known = {each.finding.fingerprint: each for each in track({}, [finding(severity=Severity.LOW)], NOW).open}

    delta = track(known, [finding(severity=Severity.CRITICAL)], LATER)

    assert [(each.finding.severity, each.opened_at) for each in delta.changed] == [(Severity.CRITICAL, NOW)]
    assert not delta.opened


def test_severities_compare_by_rank_and_not_by_spelling() -> None:
    assert Severity.CRITICAL > Severity.HIGH > Severity.MEDIUM > Severity.LOW > Severity.INFO
    assert max([Severity.LOW, Severity.CRITICAL, Severity.MEDIUM], key=lambda each: each.rank) is Severity.CRITICAL
