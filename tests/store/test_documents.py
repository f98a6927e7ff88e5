from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.action import Action, OpenTicket
from monitor.domain.document import Block, Bullets, Link, Paragraph
from monitor.store import documents
from monitor.store.actions import BLOCKS, read_action, write_action
from tests.store import nouns

KEPT: dict[str, tuple[st.SearchStrategy[object], Callable[[str], object]]] = {
    "listing": (nouns.listings, documents.LISTING.decode),
    "release": (nouns.releases, documents.RELEASE.decode),
    "validator": (nouns.validators, documents.VALIDATOR.decode),
    "verifications": (nouns.several(nouns.verifications), documents.VERIFICATIONS.decode),
    "advisory": (nouns.advisories, documents.ADVISORY.decode),
    "deployment": (nouns.deployments, documents.DEPLOYMENT.decode),
    "entry": (nouns.entries, documents.ENTRY.decode),
    "finding": (nouns.findings, documents.FINDING.decode),
    "review": (nouns.reviews, documents.REVIEW.decode),
    "health": (nouns.health, documents.HEALTH.decode),
}


@pytest.mark.parametrize("noun", KEPT)
@given(data=st.data())
def test_a_noun_is_read_back_equal_and_written_back_the_same(noun: str, data: st.DataObject) -> None:
    strategy, read = KEPT[noun]
    value = data.draw(strategy)

    text = documents.write(value)

    assert read(text) == value
    assert documents.write(read(text)) == text


@given(nouns.actions)
def test_an_action_is_read_back_equal(action: Action) -> None:
    assert read_action(write_action(action)) == action


def test_every_kind_of_block_has_a_name() -> None:
    assert set(BLOCKS.values()) == set(get_args(Block))


def test_an_action_that_an_older_program_queued_is_still_read() -> None:
    text = (
        '{"kind":"open-ticket","key":"k","server":"s","fingerprint":"f","title":"t","priority":"high","body":['
        '{"kind":"paragraph","block":{"text":"p"}},{"kind":"bullets","block":{"items":["a"]}},'
        '{"kind":"link","block":{"text":"l","url":"https://registry.example/"}}]}'
    )

    action = read_action(text)

    body = (Paragraph("p"), Bullets(("a",)), Link("l", "https://registry.example/"))
    assert action == OpenTicket("k", "s", "f", "t", body, "high")


def test_a_document_that_somebody_damaged_is_an_error_and_no_noun() -> None:
    with pytest.raises(msgspec.DecodeError):
        documents.FINDING.decode('{"rule": 1}')
