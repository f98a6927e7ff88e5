"""Who is told what, in which thread, and who is reminded: the rules alone."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from monitor.domain.action import SendAlert, UpdateAlert
from monitor.domain.finding import Finding, Severity, Tracked, track
from monitor.domain.waiver import Kind, Waiver
from monitor.policy.escalating import escalate_all
from monitor.policy.settings import Policy
from monitor.policy.telling import Told, tell
from tests.make import NOW, server

NAME = server().name


def finding(subject: str, *, name: str = NAME, severity: Severity = Severity.CRITICAL) -> Finding:
    return Finding("malware", name, subject, severity, f"{subject} happened")


def sent(told: Told) -> list[SendAlert]:
    return [alert for alert in told.alerts if isinstance(alert, SendAlert)]


def heads(told: Told) -> list[UpdateAlert]:
    return [alert for alert in told.alerts if isinstance(alert, UpdateAlert)]


def look(before: Iterable[Tracked], *findings: Finding, minutes: int = 0, listed: bool = True) -> Told:
    known = {each.finding.fingerprint: each for each in before}
    now = NOW + timedelta(minutes=minutes)
    told = tell(Policy(), server() if listed else None, track(known, findings, now), now)
    changed = {each.finding.fingerprint: each for each in told.rows}
    return Told(tuple((known | changed).values()), told.alerts)


def test_the_first_page_begins_an_incident_and_calls_the_owner() -> None:
    (page,) = sent(look([], finding("a")))

    assert (page.begins, page.loud, page.owner) == (True, False, "platform")


def test_a_notice_calls_nobody_by_name() -> None:
    (notice,) = sent(look([], finding("a", severity=Severity.HIGH)))

    assert (notice.begins, notice.owner) == (True, "")


def test_another_page_is_a_loud_reply_and_the_head_is_written_anew() -> None:
    first = look([], finding("a"))

    second = look(first.rows, finding("a"), finding("b"), minutes=5)

    (reply,), (head,) = sent(second), heads(second)
    assert (reply.begins, reply.loud) == (False, True)
    assert reply.incident == head.incident == sent(first)[0].incident
    assert (head.title, head.open) == (f"Open: {NAME}", True)


def test_when_the_last_of_it_is_over_the_head_asks_for_nothing() -> None:
    first = look([], finding("a"))

    last = look(first.rows, minutes=5)

    assert [(head.title, head.open, head.severity) for head in heads(last)] == [(f"Over: {NAME}", False, "info")]


def test_strangers_of_one_look_begin_together_and_go_on_in_that_thread_each() -> None:
    strangers = [finding(f"{name}@host-1", name=name) for name in ("x", "y")]
    first = look([], *strangers, listed=False)

    second = look(first.rows, *strangers, finding("y@host-2", name="y"), finding("z@host-2", name="z"), listed=False)

    (begun,) = sent(first)
    reply, new = sent(second)
    assert (reply.incident, reply.begins) == (begun.incident, False)
    assert new.begins
    assert new.incident != begun.incident


def test_the_same_look_repeated_says_nothing() -> None:
    first = look([], finding("a"), finding("b"))

    assert look(first.rows, finding("a"), finding("b"), minutes=5).alerts == ()


@pytest.mark.parametrize(("hours", "step"), [(3.9, ""), (4, "1"), (7.9, "1"), (8, "2"), (16, "3"), (400, "3")])
def test_a_page_is_said_again_after_once_twice_and_four_times_as_long(hours: float, step: str) -> None:
    rows = look([], finding("a")).rows

    said = escalate_all(Policy(), rows, [], {}, given=[], now=NOW + timedelta(hours=hours))

    assert [alert.key.rpartition(".")[2] for alert in said] == ([step] if step else [])


def test_an_acknowledgement_that_ended_starts_the_clock_again() -> None:
    rows = look([], finding("a")).rows
    ends = NOW + timedelta(hours=3)
    given = Waiver("malware", NAME, "a", "on it", "ada", ends, Kind.ACKNOWLEDGEMENT, NOW, "1")

    early = escalate_all(Policy(), rows, [], {}, given=[given], now=ends + timedelta(hours=3))
    late = escalate_all(Policy(), rows, [], {}, given=[given], now=ends + timedelta(hours=4))

    assert early == []
    assert [alert.key.rpartition(".")[2] for alert in late] == ["1"]


def test_each_page_of_an_incident_is_said_again_however_many_were_before_it() -> None:
    """A page every three hours does not put off the first, and one that comes after the last word about another has its own."""
    first = look([], finding("a"))
    second = look(first.rows, finding("a"), finding("b"), minutes=3 * 60)
    third = look(second.rows, finding("a"), finding("b"), finding("c"), minutes=40 * 60)
    rows = {0: first.rows, 3: second.rows, 40: third.rows}
    said: dict[str, int] = {}

    for hour in range(100):
        now = NOW + timedelta(hours=hour)
        known = rows[max(each for each in rows if each <= hour)]
        for alert in escalate_all(Policy(), known, [], {}, given=[], now=now):
            said.setdefault(alert.key, hour)

    assert len({alert.incident for alert in third.alerts}) == 1
    assert list(said.values()) == [4, 7, 11, 19, 44, 48, 56]
