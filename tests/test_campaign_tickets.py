"""What the ticket of a campaign lists is all that a decision in it can be about."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._markup.adf import adf
from connectors._markup.wiki import wiki
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.review import Review, State
from monitor.domain.server import Pin
from monitor.policy.campaign_tickets import body, portions

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def review(server: str, version: str = "1.1.0") -> Review:
    return Review(server, Pin(Purl.npm("@acme/tool").at(version)), State.TICKETED, NOW)


@settings(max_examples=20, deadline=None)
@given(
    st.text(min_size=1, max_size=120), st.integers(min_value=1, max_value=90), st.integers(min_value=0, max_value=30)
)
def test_every_pin_is_listed_in_its_ticket_whatever_servers_are_called(name: str, count: int, beside: int) -> None:
    reviews = [review(f"{name}{number}", f"1.1.{number}") for number in range(count + beside)]
    waiting, left = reviews[:beside], reviews[beside:]
    waiting = waiting[: portions(waiting)[0]]

    counts = portions(left, waiting)

    tickets = []
    for number, each in enumerate(counts):
        tickets.append([*(waiting if number == 0 else ()), *left[:each]])
        left = left[each:]
    assert left == []
    for members in tickets:
        document = body("npm scope @acme", members)
        for written in (msgspec.json.encode(adf(document)).decode(), wiki(document)):
            assert all(each.candidate.fingerprint in written for each in members)


def test_a_pin_that_changes_changes_the_first_words_of_the_ticket() -> None:
    reviews = [review(f"io.github.acme/tool-{number}") for number in range(9)]
    pin = replace(reviews[-1].candidate, digests=frozenset({Digest("sha256", "a" * 64)}))
    changed = [*reviews[:-1], replace(reviews[-1], candidate=pin)]

    assert body("npm scope @acme", reviews)[1] != body("npm scope @acme", changed)[1]
