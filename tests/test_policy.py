from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.domain.action import Action, CommentTicket, OpenTicket, SendAlert
from monitor.domain.advisory import Advised
from monitor.domain.document import plain
from monitor.domain.finding import Confidence, Delta, Finding, Severity, Tracked, track
from monitor.domain.review import Review, State
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.waiver import Waiver
from monitor.policy.deciding import decide
from monitor.policy.ending import let_go
from monitor.policy.settings import Policy
from monitor.policy.telling import tell
from tests.make import NOW, PACKAGE, approval, days_ago, digest, known, looked, release, server, snapshot

CANDIDATE = PACKAGE.at("1.4.3")
BASELINE = known(release("1.4.2"))
WITH_CANDIDATE = looked(BASELINE, release("1.4.2"), release("1.4.3", days=1))


def finding(rule: str = "new-release", severity: Severity = Severity.MEDIUM, *, signal: bool = False) -> Finding:
    name = server().name
    return Finding(
        rule, name, f"{CANDIDATE} {rule}", severity, f"{rule} happened", about=CANDIDATE, trust_signal=signal
    )


def opened(*findings: Finding) -> Delta:
    return track({}, findings, NOW)


def review(state: State = State.TICKETED, version: str = "1.4.3") -> Review:
    return Review(server().name, Pin(PACKAGE.at(version)), state, days_ago(1), "SEC-7", before=approval().pin)


def resolved(*findings: Finding) -> Delta:
    before = {each.finding.fingerprint: each for each in track({}, findings, days_ago(1)).open}
    return track(before, [], NOW)


def kinds(actions: Sequence[Action]) -> list[str]:
    return [type(action).__name__ for action in actions]


def ticket(actions: Sequence[Action]) -> OpenTicket:
    return next(action for action in actions if isinstance(action, OpenTicket))


def test_a_good_new_release_opens_one_ticket_and_wakes_nobody() -> None:
    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), opened(finding()), [])

    assert kinds(decision.actions) == ["OpenTicket"]
    assert [each.state for each in decision.reviews] == [State.DETECTED]
    assert "1.4.2 -> 1.4.3" in ticket(decision.actions).title


def test_all_findings_about_one_version_share_its_ticket() -> None:
    delta = opened(finding(), finding("republished", Severity.HIGH, signal=True))

    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), delta, [])

    assert kinds(decision.actions) == ["OpenTicket"]
    assert ticket(decision.actions).priority == "high"


def test_what_could_not_be_checked_stands_first_in_the_ticket() -> None:
    silent = Unknown(Reason.UNAVAILABLE, "osv", "no answer")
    blind = snapshot(package=WITH_CANDIDATE, advisories={CANDIDATE: Advised((), (silent,))})

    text = plain(ticket(decide(Policy(), blind, opened(finding()), []).actions).body)

    assert text.startswith("Not checked")
    assert "osv: unavailable, no answer" in text


def test_the_same_look_repeated_asks_for_nothing_more() -> None:
    delta = opened(finding())
    again = track({each.finding.fingerprint: each for each in delta.open}, [finding()], NOW)

    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), again, [review()])

    assert decision.actions == ()


def test_news_about_a_version_under_review_is_a_comment_in_its_ticket() -> None:
    before = {each.finding.fingerprint: each for each in opened(finding()).open}
    delta = track(before, [finding(), finding("republished", Severity.HIGH)], NOW)

    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), delta, [review()])

    assert kinds(decision.actions) == ["CommentTicket"]


def test_a_critical_finding_pages_and_opens_a_ticket() -> None:
    delta = opened(finding("signature-invalid", Severity.CRITICAL, signal=True))

    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), delta, [])

    assert kinds(decision.actions) == ["OpenTicket", "SendAlert"]
    assert [action.title for action in decision.actions if isinstance(action, SendAlert)] == [
        f"Act now: {server().name}"
    ]


def test_one_trust_signal_holds_and_two_on_one_version_page() -> None:
    one = opened(finding("provenance-lost", Severity.HIGH, signal=True))
    two = opened(
        finding("provenance-lost", Severity.HIGH, signal=True), finding("ref-unusual", Severity.HIGH, signal=True)
    )

    assert "SendAlert" not in kinds(decide(Policy(), snapshot(package=WITH_CANDIDATE), one, []).actions)
    assert "SendAlert" in kinds(decide(Policy(), snapshot(package=WITH_CANDIDATE), two, []).actions)


@pytest.mark.parametrize(
    ("taken_up", "new_state", "said"),
    [
        (False, State.TICKETED, ["UpdateTicket", "CommentTicket"]),
        (True, State.DETECTED, ["CommentTicket", "MoveTicket", "OpenTicket"]),
    ],
    ids=["nobody has taken the ticket up", "somebody works on the ticket"],
)
def test_a_newer_candidate_goes_on_in_the_ticket_that_nobody_has_taken_up(
    taken_up: bool,  # noqa: FBT001 a case of the table
    new_state: State,
    said: list[str],
) -> None:
    newer = Finding("new-release", server().name, "1.4.4", Severity.MEDIUM, "newer", about=PACKAGE.at("1.4.4"))
    before = {each.finding.fingerprint: each for each in opened(finding()).open}
    before_it = review(State.IN_REVIEW if taken_up else State.TICKETED)
    listed = looked(BASELINE, release("1.4.2"), release("1.4.3", days=2), release("1.4.4", days=1))

    decision = decide(Policy(), snapshot(package=listed), track(before, [newer], NOW), [before_it])

    assert {(each.candidate.purl.version, each.state) for each in decision.reviews} == {
        ("1.4.4", new_state),
        ("1.4.3", State.SUPERSEDED),
    }
    assert kinds(decision.actions) == said


def test_an_approval_in_the_registry_ends_its_review_as_approved() -> None:
    decision = decide(Policy(), snapshot(approval=approval("1.4.3")), resolved(finding()), [review()])

    assert [each.state for each in decision.reviews] == [State.APPROVED]


def test_a_cause_that_is_gone_withdraws_the_review() -> None:
    decision = decide(Policy(), snapshot(), resolved(finding("registry-status", Severity.HIGH)), [review()])

    assert [each.state for each in decision.reviews] == [State.WITHDRAWN]


def test_a_reset_of_the_source_withdraws_nothing() -> None:
    before = known(*(release(f"1.4.{patch}") for patch in range(8)))
    emptied = snapshot(package=looked(before, release("1.4.0")))

    decision = decide(Policy(), emptied, resolved(finding()), [review()])

    assert decision.reviews == ()


def test_a_rejected_version_is_never_filed_again() -> None:
    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), opened(finding()), [review(State.REJECTED)])

    assert (decision.reviews, decision.actions) == ((), ())


def test_a_cause_that_comes_back_is_told_in_the_ticket_that_is_there() -> None:
    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), opened(finding()), [review(State.WITHDRAWN)])

    assert [(each.state, each.ticket) for each in decision.reviews] == [(State.TICKETED, "SEC-7")]
    assert kinds(decision.actions) == ["UpdateTicket", "CommentTicket", "MoveTicket"]


def test_a_cause_that_comes_back_after_an_approval_has_a_ticket_of_its_own() -> None:
    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), opened(finding()), [review(State.APPROVED)])

    assert [(each.state, each.occurrence) for each in decision.reviews] == [(State.DETECTED, 2)]
    assert ticket(decision.actions).fingerprint == decision.reviews[0].mark != review().mark


def drift(severity: Severity = Severity.HIGH) -> Finding:
    return Finding("floating-version", server().name, "laptop-7", severity, "floats")


def test_what_names_no_version_is_told_and_not_ticketed() -> None:
    assert kinds(decide(Policy(), snapshot(), opened(drift()), []).actions) == ["SendAlert"]


def test_many_findings_of_one_server_are_one_message() -> None:
    many = [replace(drift(), subject=f"laptop-{at}") for at in range(40)]

    alerts = tell(Policy(), server(), opened(*many), NOW).alerts

    assert len(alerts) == 1
    assert "and 20 more" in plain(alerts[0].body)


def test_what_is_below_the_threshold_waits_for_the_digest() -> None:
    assert decide(Policy(), snapshot(), opened(drift(Severity.LOW)), []).actions == ()


def waiver(**changes: object) -> Waiver:
    base = Waiver("floating-version", "*", "*", "known", "rita@acme.example", NOW + timedelta(days=1))
    return replace(base, **changes)  # type: ignore[arg-type]  # the names are the fields' own


@pytest.mark.parametrize(
    ("granted", "told"),
    [(waiver(), []), (waiver(expires_at=NOW), ["SendAlert"]), (waiver(subject="laptop-8"), ["SendAlert"])],
    ids=["in force", "expired", "for another place"],
)
def test_a_waiver_silences_what_it_names_until_it_ends(granted: Waiver, told: list[str]) -> None:
    assert kinds(decide(Policy(waivers=(granted,)), snapshot(), opened(drift()), []).actions) == told


def told_before(*, alerted: float, opened: float) -> Tracked:
    return Tracked(drift(), days_ago(opened), occurrences=2, alerted_at=days_ago(alerted), told="ticket")


@pytest.mark.parametrize(
    ("before", "alerts"),
    [
        (told_before(alerted=0.5, opened=0.1), 0),
        (told_before(alerted=2, opened=0.1), 1),
        (told_before(alerted=2, opened=3), 0),
    ],
    ids=["within the cooldown", "after the cooldown", "this occurrence was told"],
)
def test_a_recurrence_is_told_again_when_the_cooldown_has_passed(before: Tracked, alerts: int) -> None:
    sent = tell(Policy(), server(), Delta(unchanged=(before,)), NOW).alerts

    assert len(sent) == alerts


def test_those_who_were_alerted_hear_that_it_is_over() -> None:
    over = replace(told_before(alerted=1, opened=2), resolved_at=NOW)

    sent = tell(Policy(), server(), Delta(resolved=(over,)), NOW).alerts

    assert [alert.title for alert in sent] == [f"Resolved: {server().name}"]


def test_the_owners_channel_hears_before_the_tiers_and_the_default() -> None:
    policy = Policy(channels_by_owner={"platform": "platform-team"}, channels_by_tier={1: "tier-one"})

    assert policy.channel_for(server()) == "platform-team"
    assert policy.channel_for(replace(server(tier=1), owner="data")) == "tier-one"
    assert policy.channel_for(None) == "default"


def test_a_ticket_says_what_is_approved_what_is_asked_and_under_which_pin() -> None:
    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), opened(finding()), [])

    text = plain(ticket(decision.actions).body)
    assert "pkg:npm/%40acme/files-mcp@1.4.2 | pkg:npm/%40acme/files-mcp@1.4.3" in text
    assert decision.reviews[0].candidate.fingerprint in text
    assert isinstance(decision.actions[0], OpenTicket | CommentTicket)


def test_the_key_of_a_deed_does_not_depend_on_the_time_of_the_look() -> None:
    first: Snapshot = snapshot(package=WITH_CANDIDATE)

    keys = {
        action.key
        for at in (NOW, NOW + timedelta(hours=1))
        for action in decide(Policy(), replace(first, taken_at=at), opened(finding("x", Severity.CRITICAL)), []).actions
    }

    assert len(keys) == 2


def test_a_finding_that_got_worse_is_told_again_at_once() -> None:
    whispered = Tracked(drift(Severity.CRITICAL), days_ago(1), alerted_at=days_ago(0.5), told="digest")

    sent = tell(Policy(), server(), Delta(changed=(whispered,)), NOW).alerts

    assert [alert.title for alert in sent] == [f"Act now: {server().name}"]


def test_what_stood_in_the_digest_ends_without_a_message() -> None:
    whispered = Tracked(drift(Severity.LOW), days_ago(1), resolved_at=NOW, alerted_at=days_ago(0.5), told="digest")

    assert tell(Policy(), server(), Delta(resolved=(whispered,)), NOW).alerts == ()


def test_a_signal_with_known_false_positives_does_not_page_alone_however_bad() -> None:
    alone = replace(finding("publisher-changed", Severity.CRITICAL, signal=True), confidence=Confidence.MEDIUM)

    decision = decide(Policy(), snapshot(package=WITH_CANDIDATE), opened(alone), [])

    assert kinds(decision.actions) == ["OpenTicket"]


def test_the_end_of_a_waiver_asks_again() -> None:
    before = {each.finding.fingerprint: each for each in opened(finding()).open}

    decision = decide(
        Policy(),
        snapshot(package=WITH_CANDIDATE),
        track(before, [finding()], NOW),
        [replace(review(State.WITHDRAWN), ticket="")],
    )

    assert kinds(decision.actions) == ["OpenTicket"]


def test_an_approval_of_other_bytes_than_the_ticket_showed_does_not_end_it_as_approved() -> None:
    shown = replace(review(), candidate=Pin(PACKAGE.at("1.4.3"), frozenset({digest("shown")})))
    other = replace(approval("1.4.3"), pin=Pin(PACKAGE.at("1.4.3"), frozenset({digest("other")})))

    decision = decide(Policy(), snapshot(approval=other), resolved(finding()), [shown])

    assert [each.state for each in decision.reviews] == [State.WITHDRAWN]


def test_a_server_that_left_the_registry_lets_everything_go() -> None:
    tracked, reviews, actions = let_go(opened(finding()).open, [review(), review(State.REJECTED, "1.4.1")], NOW)

    assert [each.open for each in tracked] == [False]
    assert [each.state for each in reviews] == [State.WITHDRAWN]
    assert kinds(actions) == ["CommentTicket", "MoveTicket"]
