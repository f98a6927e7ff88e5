"""Teams without a tracker: what may be approved is proposed, and what is merged after an approver's review is approved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from monitor.domain.action import Delivered, Delivery, WritePin
from monitor.domain.review import Word
from monitor.ports.channels import Change, Phase, Said, TicketState
from monitor.runner import run
from tests.company import Company
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

    def decide(self, company: Company, phase: Phase, *by: str) -> None:
        """Merge or close the only proposal, after these people's reviews."""
        (pin,) = self.proposed
        word = Word.APPROVE if phase is Phase.APPROVED else Word.REJECT
        said = tuple(Said(f"4-{name}", word, name, company.app.clock(), (pin,), "pull request 4") for name in by)
        self.states[pin] = TicketState("4", phase, phase.value, said)


@pytest.fixture
def repository(asked: Company) -> Repository:
    made = Repository()
    asked.replace(writers={made.name: made}, proposals=made, tickets=Console())
    return made


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
