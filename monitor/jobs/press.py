"""A button was pressed beside a message: the same as the command, for the person whom Slack's id stands for, if they may.

What the button carries is looked up, and who pressed it is authorised here: nothing that arrives with a press is a right.
"""

from dataclasses import dataclass
from datetime import timedelta

from monitor.app import App
from monitor.domain.action import SendAlert
from monitor.domain.audit import AuditEvent
from monitor.domain.decision import Words
from monitor.domain.document import Paragraph
from monitor.domain.fingerprint import fingerprint
from monitor.domain.people import Person
from monitor.domain.review import Word
from monitor.domain.waiver import Kind, Waiver
from monitor.jobs.answer_for import answer_for, policy_of
from monitor.jobs.decide import Terms, decide_by
from monitor.jobs.outcome import ACTOR
from monitor.policy.lanes import live_findings
from monitor.ports.buttons import Button, Press
from monitor.ports.store import UnitOfWork

LENGTHS = {Button.ACKNOWLEDGE: timedelta(hours=4), Button.SNOOZE: timedelta(days=1)}
REASONS = {Button.ACKNOWLEDGE: "works on it (Slack)", Button.SNOOZE: "snoozed for a day (Slack)"}


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of a press, for the log."""

    outcome: str
    """done, again (it had come before), stranger, nothing (nothing is open any more), not-counted."""


def press(unit: UnitOfWork, app: App, pressed: Press) -> Pressed:
    """Do what the button stands for, and commit; who is not known, or may not, is audited and answered in the thread."""
    unit.alone()
    person = app.policy.people.known("slack", pressed.by)
    if person is None:
        return _stranger(unit, app, pressed)
    match pressed.button:
        case Button.ACKNOWLEDGE | Button.SNOOZE:
            return _answer(unit, app, pressed, person)
        case Button.APPROVE:
            return _approve(unit, app, pressed, person)


def _answer(unit: UnitOfWork, app: App, pressed: Press, person: Person) -> Pressed:
    now = app.clock()
    policy = policy_of(unit, app.policy, now)
    live = live_findings(policy, (each for each in unit.findings() if each.open), now)
    about = [each.finding for each in live if each.incident == pressed.value]
    given = [
        Waiver(
            each.rule,
            each.server,
            each.subject,
            REASONS[pressed.button],
            person.name,
            now + LENGTHS[pressed.button],
            Kind.ACKNOWLEDGEMENT,
            now,
            fingerprint("press", pressed.ref, each.fingerprint),
        )
        for each in about
    ]
    if not given:
        return Pressed("nothing")
    if {each.id for each in given} & {each.id for each in unit.waivers()}:
        return Pressed("again")
    answer_for(unit, app.policy, given, now)
    return Pressed("done")


def _approve(unit: UnitOfWork, app: App, pressed: Press, person: Person) -> Pressed:
    """Approve the pin that the message showed: whether it counts is decided as for any other word, and answered in the ticket."""
    mark, _, pin = pressed.value.partition(" ")
    reviews = unit.reviews_in([mark])
    review = next((each for each in reviews if each.candidate.fingerprint == pin), reviews[-1] if reviews else None)
    if review is None or not pin:
        return Pressed("nothing")
    if pressed.ref in review.answered or any(vote.ref == pressed.ref for vote in review.votes):
        return Pressed("again")
    now = app.clock()
    said = Words(pressed.ref, Word.APPROVE, person, pressed.by, now, (pin,), "slack", "approved by a button in Slack")
    decided = decide_by(unit, Terms.of(app), review, [said])
    counted = any(vote.ref == pressed.ref for vote in decided.review.votes) if decided.review else False
    return Pressed("done" if counted else "not-counted")


def _stranger(unit: UnitOfWork, app: App, pressed: Press) -> Pressed:
    """Say once for each person and incident that nothing was done, without a word of theirs."""
    now = app.clock()
    detail = {"button": pressed.button.value, "by": pressed.by[:100], "ref": pressed.ref[:200]}
    about = [each for each in unit.findings() if each.open and each.incident == pressed.value]
    if about:
        key = f"press:{pressed.value}:{fingerprint(pressed.by)}"
        entry = unit.entries().get(about[0].finding.server)
        said = Paragraph(
            f"A button was pressed by somebody who is not in [people] ({pressed.by}): nothing was done. Whoever keeps the "
            "configuration adds their slack id there."
        )
        channel = app.policy.channel_for(entry.server if entry else None)
        alert = SendAlert(key, channel, "Nothing was done", (said,), "info", incident=pressed.value)
        unit.queue([alert], now)
    unit.commit(AuditEvent(now, ACTOR, "press.refused", pressed.by[:100], detail))
    return Pressed("stranger")
