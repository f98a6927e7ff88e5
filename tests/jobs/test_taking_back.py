"""Decisions that are taken back before they have reached the registry, and after."""

import pytest

from monitor.domain.decision import Words
from monitor.domain.review import Review, Word
from monitor.jobs.decide import Terms, decide_by, reopen_by
from monitor.runner import run
from tests.company import Company
from tests.jobs.conftest import PEOPLE
from tests.jobs.test_sync_reviews import Writer, synced


@pytest.fixture
def writer(asked: Company) -> Writer:
    made = Writer()
    asked.replace(writers={made.name: made})
    return made


async def say(company: Company, word: Word, name: str, *, ref: str = "command:1") -> Review:
    """Say a word at the keyboard."""
    (review,) = await company.reviews()
    now = company.app.clock()
    pins = (review.candidate.fingerprint,)
    words = Words(ref, word, PEOPLE.named(name), name, now, pins, "command line", "read it")
    terms = Terms.of(company.app)
    decided = await company.app.store.run(lambda unit: decide_by(unit, terms, review, [words]))
    assert decided.review
    return decided.review


async def reopen(company: Company) -> None:
    (review,) = await company.reviews()
    terms = Terms.of(company.app)
    await company.app.store.run(lambda unit: reopen_by(unit, terms, review, by="grace", reason="stop"))


async def dropped(company: Company) -> list[str]:
    events = await company.app.store.run(lambda unit: unit.events("delivery.dropped"))
    return [each.detail["ref"] for each in events]


async def test_an_approval_that_is_opened_anew_before_it_is_written_is_not_written(
    asked: Company, writer: Writer
) -> None:
    await say(asked, Word.APPROVE, "ada")
    await reopen(asked)

    await synced(asked)

    assert writer.written == []
    assert await dropped(asked) == ["the decision was taken back"]


async def test_what_is_approved_again_after_it_was_taken_back_is_written(asked: Company, writer: Writer) -> None:
    await say(asked, Word.APPROVE, "ada")
    await reopen(asked)
    await synced(asked)

    await say(asked, Word.APPROVE, "grace", ref="command:2")
    await run(asked.app, ["deliver"])

    assert [each.approval.approved_by for each in writer.written] == ["grace"]
