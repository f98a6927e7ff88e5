from monitor.domain.advisory import Advised, Advisory, Match
from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.rules.holding import too_young
from tests.make import PACKAGE, days_ago, found, known, looked, release, snapshot, unseen

BEFORE, AFTER = PACKAGE.at("1.4.2"), PACKAGE.at("1.4.3")
FLAW = Advisory("GHSA-aaaa-bbbb-cccc", (), "a flaw", (), Severity.HIGH, None, days_ago(3))


def seen(*, days: float, published: float = 40, advisories: object = None) -> Snapshot:
    """1.4.2 is approved, and 1.4.3 was seen first so many days ago."""
    was, now = release("1.4.2", days=50), release("1.4.3", days=published)
    before = known(was) | {"1.4.3": KnownRelease(now, days_ago(days), baseline=False)}
    asked = advised(()) if advisories is None else advisories
    return snapshot(package=looked(before, was, now), advisories=asked)


def advised(flawed: tuple[Purl, ...]) -> dict[Purl, Advised]:
    return {purl: Advised((Match(purl, FLAW),) if purl in flawed else ()) for purl in (BEFORE, AFTER)}


def test_a_candidate_in_its_hold_is_told_quietly_with_its_date() -> None:
    (finding,) = found(too_young(seen(days=2)))

    assert finding.severity is Severity.LOW
    assert not finding.trust_signal
    assert {fact.label: fact.value for fact in finding.facts} == {
        "first seen": "2026-11-18 12:00 UTC",
        "published": "2026-10-11 12:00 UTC",
        "can be approved from": "2026-11-21 12:00 UTC",
    }


def test_what_was_seen_for_three_days_is_old_enough() -> None:
    assert found(too_young(seen(days=3))) == []


def test_a_date_that_upstream_claims_shortens_nothing() -> None:
    assert len(found(too_young(seen(days=1, published=400)))) == 1


def test_a_security_fix_waits_for_a_day() -> None:
    fix = advised((BEFORE,))

    (finding,) = found(too_young(seen(days=0.5, advisories=fix)))

    assert finding.facts[-1].value == "GHSA-aaaa-bbbb-cccc"
    assert found(too_young(seen(days=1, advisories=fix))) == []


def test_what_cannot_be_told_to_be_a_fix_stays_as_it_was() -> None:
    silent = Advised((), (Unknown(Reason.UNAVAILABLE, "osv", "no answer"),))

    for advisories in (NOT_ASKED, {}, {BEFORE: Advised(), AFTER: silent}):
        verdicts = list(too_young(seen(days=2, advisories=advisories)))

        assert found(verdicts) == []
        assert [each.rule for each in unseen(verdicts)] == ["too-young"]


def test_a_registry_that_does_not_answer_ends_nothing() -> None:
    silent = snapshot(package=Unknown(Reason.UNAVAILABLE, "npm", "no answer"))

    assert [each.rule for each in unseen(too_young(silent))] == ["too-young"]


def test_without_a_candidate_nothing_waits() -> None:
    assert list(too_young(snapshot())) == []
