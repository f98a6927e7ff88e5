"""Teams without a tracker: what may be approved is proposed, and what is merged after an approver's review is approved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from monitor.domain.action import Delivered, Delivery, WritePin
from monitor.domain.decision import Words
from monitor.domain.review import UNREVIEWED, Review, State, Word
from monitor.jobs.decide import Terms, decide_by
from monitor.ports.channels import Change, Phase, Said, TicketState
from monitor.runner import run
from tests.company import Company
from tests.jobs.conftest import PEOPLE
from tests.tracker import Tracker


@dataclass
class Console(Tracker):
    """Where no tracker is configured, tickets are printed."""

    @property
    def name(self) -> str:
        """As the connector."""
        return "console"

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:  # noqa: ARG002 (nothing that was printed is read)
        """Nobody decides there."""
        return {}


@dataclass
class Repository:
    """Keeps proposals, which tests decide: both the writer and what is read."""

    proposed: dict[str, WritePin] = field(default_factory=dict)
    states: dict[str, TicketState] = field(default_factory=dict)
    name: str = "github-pull-request"

    async def write(self, change: Change) -> Delivery:
        """Propose it, unless it is proposed: a branch is a pin's."""
        assert isinstance(change, WritePin)
        self.proposed.setdefault(change.approval.pin.fingerprint, change)
        return Delivered("4")

    async def read(self, keys: Mapping[str, WritePin]) -> Mapping[str, TicketState]:
        """Tell how each stands that is decided."""
        pins = {key: change.approval.pin.fingerprint for key, change in keys.items()}
        return {key: self.states[pin] for key, pin in pins.items() if pin in self.states}

    async def probe(self) -> str:
        """All is well."""
        return "github-pull-request: in memory"

    def decide(self, company: Company, phase: Phase, *by: str, merged: bool = False) -> None:
        """Merge or close the only proposal, after these people's reviews."""
        (pin,) = self.proposed
        word = Word.APPROVE if phase is Phase.APPROVED else Word.REJECT
        said = tuple(Said(f"4-{name}", word, name, company.app.clock(), (pin,), "pull request 4") for name in by)
        self.states[pin] = TicketState("4", phase, phase.value, said, merged=merged)


@pytest.fixture
def repository(asked: Company) -> Repository:
    made = Repository()
    asked.replace(writers={made.name: made}, proposals=made, tickets=Console())
    return made


async def approve(company: Company, review: Review) -> None:
    """Let ada approve at the keyboard."""
    await say(company, review, Word.APPROVE, "ada")


async def say(company: Company, review: Review, word: Word, name: str) -> None:
    """Say a word at the keyboard."""
    pins = (review.candidate.fingerprint,)
    words = Words(f"{word} by {name}", word, PEOPLE.named(name), name, company.app.clock(), pins, "command line")
    terms = Terms.of(company.app)
    await company.app.store.run(lambda unit: decide_by(unit, terms, review, [words]))


async def told(company: Company) -> list[str]:
    """Return which proposals tickets were told of."""
    (review,) = await company.reviews()
    key = f"proposal-ended:{review.mark}:{review.candidate.fingerprint}:4"
    return ["pull request 4"] if await company.app.store.run(lambda unit: unit.queued(key)) else []


async def synced(company: Company) -> list[str]:
    await run(company.app, ["reviews", "deliver"])
    return [each.state.value for each in await company.reviews()]


async def test_what_may_be_approved_is_proposed_once(asked: Company, repository: Repository) -> None:
    await synced(asked)
    await synced(asked)

    (change,) = repository.proposed.values()
    assert (change.approval.pin.purl.version, change.approval.approved_by) == ("1.4.3", "pull request")


async def test_what_is_held_is_not_proposed(asked: Company, repository: Repository) -> None:
    asked.later(days=-3)

    await synced(asked)

    assert repository.proposed == {}


async def test_where_a_tracker_is_configured_nothing_is_proposed_before_it_is_decided(
    asked: Company, repository: Repository
) -> None:
    asked.replace(tickets=Tracker())

    await synced(asked)

    assert repository.proposed == {}


async def test_a_merge_after_an_approvers_review_approves(asked: Company, repository: Repository) -> None:
    await synced(asked)
    repository.decide(asked, Phase.APPROVED, "ada")

    assert await synced(asked) == ["approved"]


async def test_a_merge_after_somebody_elses_review_approves_nothing(asked: Company, repository: Repository) -> None:
    await synced(asked)
    repository.decide(asked, Phase.APPROVED, "bob", "mallory")

    assert await synced(asked) == ["ticketed"]


async def test_a_proposal_that_somebody_known_closed_is_rejected(asked: Company, repository: Repository) -> None:
    await synced(asked)
    repository.decide(asked, Phase.REJECTED, "bob")

    assert await synced(asked) == ["rejected"]


async def test_a_proposal_of_what_was_decided_that_is_closed_is_told_until_it_is_mended(
    asked: Company, repository: Repository
) -> None:
    jira = Tracker()
    asked.replace(tickets=jira)
    (review,) = await asked.reviews()
    await approve(asked, review)
    await synced(asked)
    asked.later(minutes=5)
    repository.decide(asked, Phase.CLOSED)

    once = await run(asked.app, ["reviews"])
    again = await run(asked.app, ["reviews"])

    assert [len(each.problems) for each in (once, again)] == [1, 1]
    assert "is approved, and the registry does not have it" in once.problems[0]
    assert await told(asked) == ["pull request 4"]
    assert [each.state for each in await asked.reviews()] == [State.APPROVED]


async def test_who_closes_the_proposal_of_what_was_decided_rejects_it(asked: Company, repository: Repository) -> None:
    (review,) = await asked.reviews()
    await approve(asked, review)
    await synced(asked)
    asked.later(minutes=5)
    repository.decide(asked, Phase.REJECTED, "bob")

    assert await synced(asked) == ["rejected"]


async def test_a_proposal_of_what_is_rejected_afterwards_is_to_be_closed(
    asked: Company, repository: Repository
) -> None:
    jira = Tracker()
    asked.replace(tickets=jira)
    (review,) = await asked.reviews()
    await say(asked, review, Word.APPROVE, "ada")
    await synced(asked)
    asked.later(minutes=5)

    (review,) = await asked.reviews()
    await say(asked, review, Word.REJECT, "bob")

    key = f"still-proposed:{review.mark}:{review.fingerprint}.{review.candidate.fingerprint}"
    assert await asked.app.store.run(lambda unit: unit.queued(key)) == "pending"
    assert len(repository.proposed) == 1


async def test_a_merged_proposal_of_what_was_decided_is_no_problem(asked: Company, repository: Repository) -> None:
    (review,) = await asked.reviews()
    await approve(asked, review)
    await synced(asked)
    repository.decide(asked, Phase.CLOSED, merged=True)

    report = await run(asked.app, ["reviews"])

    assert report.problems == ()
    assert [each.state for each in await asked.reviews()] == [State.APPROVED]


async def test_a_merge_without_the_review_that_it_needs_is_told_and_asked_about(
    asked: Company, repository: Repository
) -> None:
    await synced(asked)
    repository.decide(asked, Phase.CLOSED, merged=True)

    reports = [await run(asked.app, ["reviews"]) for _ in range(2)]

    assert ["nobody who may has approved it" in each for report in reports for each in report.problems] == [True, True]
    assert [each.asked_by for each in await asked.reviews()] == [UNREVIEWED]
    assert await told(asked) == ["pull request 4"]
    assert [
        each.detail["status"] for each in await asked.app.store.run(lambda unit: unit.events("proposal.unreviewed"))
    ]
