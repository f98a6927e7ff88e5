import asyncio
import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.action import (
    Action,
    Ambiguous,
    CommentTicket,
    Deferred,
    Delivered,
    Delivery,
    OpenTicket,
    Rejected,
    SendAlert,
    UpdateTicket,
)
from monitor.domain.document import Paragraph
from monitor.ports.store import Queued, UnitOfWork
from monitor.store.database import Database
from tests.databases import NOW, Opened
from tests.store import nouns
from tests.store.keeping import DONE, LATER, keep

BODY = (Paragraph("a release appeared"),)
TICKET = OpenTicket("ticket:1", "io.github.example/a", "0123456789abcdef", "Review", BODY, "high")
COMMENT = CommentTicket("comment:1", "io.github.example/a", "0123456789abcdef", BODY)
ALERT = SendAlert("alert:1", "security", "A release appeared", BODY, "critical")


async def queue(store: Database, *actions: Action) -> int:
    counts: list[int] = []
    await keep(store, lambda unit: counts.append(unit.queue(actions, NOW)))
    return counts[0]


async def take(store: Database, *, by: str = "me", limit: int = 10, at: datetime = NOW) -> list[Queued]:
    def work(unit: UnitOfWork) -> list[Queued]:
        taken = unit.take(now=at, until=at + timedelta(minutes=5), by=by, limit=limit)
        unit.commit(DONE)
        return taken

    return await store.run(work)


async def settle(store: Database, queued: Queued, delivery: Delivery, next_try_at: datetime | None = None) -> None:
    await keep(store, lambda unit: unit.settle(queued, delivery, now=NOW, next_try_at=next_try_at))


async def states(store: Database) -> dict[str, int]:
    counted = await store.run(lambda unit: unit.outbox())
    return {state: number for state, number in counted.items() if number}


async def test_an_empty_outbox_counts_every_state(store: Database) -> None:
    counted = await store.run(lambda unit: unit.outbox())

    assert counted == {"pending": 0, "taken": 0, "uncertain": 0, "delivered": 0, "dead": 0}


async def test_actions_come_back_as_they_were_queued_oldest_first(store: Database) -> None:
    await queue(store, TICKET, COMMENT)
    await queue(store, ALERT)

    taken = await take(store)

    assert [queued.action for queued in taken] == [TICKET, COMMENT, ALERT]
    assert {(queued.attempts, queued.uncertain, queued.created_at) for queued in taken} == {(0, False, NOW)}


async def test_a_key_is_queued_once_for_ever(store: Database) -> None:
    first = await queue(store, ALERT, ALERT)
    [queued] = await take(store)
    await settle(store, queued, Delivered("1700000000.1"))

    again = await queue(store, ALERT, TICKET)

    assert (first, again) == (1, 1)
    assert await states(store) == {"delivered": 1, "pending": 1}


async def test_a_taken_action_is_taken_by_nobody_else(store: Database) -> None:
    await queue(store, TICKET, ALERT)

    mine, others = await take(store, limit=1), await take(store, by="other")

    assert [queued.action for queued in mine] == [TICKET]
    assert [queued.action for queued in others] == [ALERT]
    assert await states(store) == {"taken": 2}


async def test_a_deferred_action_waits_for_its_time(store: Database) -> None:
    await queue(store, ALERT)
    [queued] = await take(store)

    await settle(store, queued, Deferred("closed for a while", 600), LATER)

    assert await states(store) == {"pending": 1}
    assert await take(store) == []
    [again] = await take(store, at=LATER)
    assert (again.attempts, again.uncertain) == (1, False)


async def test_an_ambiguous_delivery_comes_back_as_uncertain(store: Database) -> None:
    await queue(store, ALERT)
    [queued] = await take(store)

    await settle(store, queued, Ambiguous("the connection broke after the request"), NOW)

    assert await states(store) == {"uncertain": 1}
    assert [again.uncertain for again in await take(store)] == [True]


async def test_an_uncertain_action_stays_so_while_it_could_not_be_reconciled(store: Database) -> None:
    await queue(store, ALERT)
    [queued] = await take(store)
    await settle(store, queued, Ambiguous("the connection broke after the request"), NOW)
    [queued] = await take(store)

    await settle(store, queued, Deferred("the search does not answer", 60), NOW)

    assert await states(store) == {"uncertain": 1}


async def test_what_a_crashed_process_had_taken_was_perhaps_sent(store: Database) -> None:
    await queue(store, ALERT)
    await take(store, by="crashed")

    early, late = await take(store, at=NOW + timedelta(minutes=4)), await take(store, at=NOW + timedelta(minutes=5))

    assert early == []
    assert [(queued.attempts, queued.uncertain, queued.tried_at) for queued in late] == [(1, True, NOW)]


async def test_what_a_dead_process_had_taken_is_free_as_uncertain_once_that_is_known(store: Database) -> None:
    await queue(store, ALERT)
    await take(store, by="dead")

    await keep(store, lambda unit: unit.break_claims(["dead"]))

    assert await states(store) == {"uncertain": 1}
    again = await take(store, at=NOW + timedelta(seconds=1))
    assert [(queued.uncertain, queued.tried_at) for queued in again] == [(True, NOW)]


async def test_each_take_tells_when_the_one_before_it_was(store: Database) -> None:
    await queue(store, ALERT)
    times = [NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=20)]

    taken = [await take(store, at=at) for at in times]

    assert [queued.tried_at for (queued,) in taken] == [None, *times[:-1]]


async def test_a_late_success_counts_and_a_late_failure_does_not(store: Database) -> None:
    await queue(store, TICKET, ALERT)
    ticket, alert = await take(store, by="slow")
    after = NOW + timedelta(minutes=6)
    await take(store, by="quick", at=after)

    await settle(store, ticket, Delivered("SEC-1"))
    await settle(store, alert, Deferred("too late to say so", 1), NOW)

    assert await states(store) == {"delivered": 1, "taken": 1}


@pytest.mark.parametrize("delivery", [Rejected("no such channel"), Deferred("gave up", 1), Ambiguous("gave up")])
async def test_a_dead_action_stays_for_people_to_see(
    store: Database, delivery: Rejected | Deferred | Ambiguous
) -> None:
    await queue(store, ALERT)
    [queued] = await take(store)

    await settle(store, queued, delivery)

    [(dead, error)] = await store.run(lambda unit: unit.undelivered(LATER))
    assert (dead.action, dead.attempts, dead.tried_at, error) == (ALERT, 1, NOW, delivery.detail)
    assert await take(store, at=NOW + timedelta(days=365)) == []


async def test_an_answer_that_no_text_column_can_hold_costs_nothing(store: Database) -> None:
    await queue(store, ALERT)
    [queued] = await take(store)

    await settle(store, queued, Rejected("no\0thing \ud800"))

    [(_, error)] = await store.run(lambda unit: unit.undelivered(LATER))
    assert error == "no\N{REPLACEMENT CHARACTER}thing ?"


async def test_what_waits_too_long_is_told_in_whatever_state_and_what_arrived_is_not(store: Database) -> None:
    await queue(store, TICKET, COMMENT, ALERT)
    ticket, comment = await take(store, limit=2)
    await settle(store, ticket, Delivered("SEC-1"))
    await settle(store, comment, Deferred("its ticket is not open yet", 60), LATER)
    await keep(store, lambda unit: unit.queue([SendAlert("alert:2", "a", "b", (), "low")], LATER))

    late = await store.run(lambda unit: unit.undelivered(LATER))

    assert [(queued.action, queued.tried_at, error) for queued, error in late] == [
        (COMMENT, NOW, "its ticket is not open yet"),
        (ALERT, None, ""),
    ]
    assert await store.run(lambda unit: unit.undelivered(NOW)) == []


async def test_a_ticket_is_found_by_its_fingerprint_once_it_is_open(store: Database) -> None:
    await queue(store, TICKET, COMMENT)
    ticket, comment = await take(store)
    await settle(store, comment, Delivered("comment-7"))
    before = await store.run(lambda unit: unit.began([TICKET.fingerprint]).get(TICKET.fingerprint))

    await settle(store, ticket, Delivered("SEC-1"))

    assert before is None
    assert await store.run(lambda unit: unit.began([TICKET.fingerprint]).get(TICKET.fingerprint)) == "SEC-1"
    assert await store.run(lambda unit: unit.began(["another"]).get("another")) is None


async def test_a_ticket_is_found_by_a_fingerprint_that_no_index_can_hold(store: Database) -> None:
    odd = OpenTicket("ticket:2", "a", "x\0" * 5000, "Review", (), "low")
    await queue(store, odd)
    [queued] = await take(store)

    await settle(store, queued, Delivered("SEC-2"))

    assert await store.run(lambda unit: unit.began([odd.fingerprint]).get(odd.fingerprint)) == "SEC-2"


async def test_one_who_takes_and_one_who_settles_late_do_not_wait_for_each_other(database: str, opened: Opened) -> None:
    first, second = opened(database), opened(database)
    await queue(first, ALERT)
    [late] = await take(first, by="slow")
    taken, settling = threading.Event(), threading.Event()

    def take_and_dawdle(unit: UnitOfWork) -> list[Queued]:
        found = unit.take(now=LATER, until=LATER + timedelta(minutes=5), by="quick", limit=10)
        taken.set()
        settling.wait(10)
        unit.commit(DONE)
        return found

    async def settle_meanwhile() -> None:
        await asyncio.to_thread(taken.wait, 10)
        settling.set()
        await settle(second, late, Delivered("1700000000.1"))

    [found], _ = await asyncio.gather(first.run(take_and_dawdle), settle_meanwhile())

    assert found.action == ALERT
    assert await states(first) == {"delivered": 1}


async def test_those_who_take_at_once_never_share_an_action(database: str, opened: Opened) -> None:
    stores = [opened(database), opened(database)]
    await queue(stores[0], *(SendAlert(f"alert:{number}", "a", "b", (), "high") for number in range(30)))

    batches = await asyncio.gather(*(take(stores[number % 2], by=f"w{number}", limit=2) for number in range(12)))

    assert set(Counter(queued.id for batch in batches for queued in batch).values()) == {1}


@given(st.lists(nouns.actions, max_size=4, unique_by=lambda action: action.key))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_to_be_said_is_kept_as_it_was(store: Database, actions: list[Action]) -> None:
    queued = await queue(store, *actions)

    taken = await take(store, limit=100)

    assert len(taken) == queued
    assert all(each.action in actions for each in taken)


async def test_what_a_ticket_said_last_is_its_newest_text(store: Database) -> None:
    opened = OpenTicket("ticket:m1", "s", "m1", "first", (Paragraph("old"),), "high", shows=("p1",))
    updated = UpdateTicket("update:m1:x", "s", "m1", "second", (Paragraph("new"),), "high", shows=("p2",))
    other = OpenTicket("ticket:m10", "s", "m10", "other", (), "high")
    await queue(store, opened, updated, other)

    last = await store.run(lambda unit: unit.said_last("m1"))
    only = await store.run(lambda unit: unit.said_last("m10"))

    assert (last, only, await store.run(lambda unit: unit.said_last("m2"))) == (updated, other, None)


async def test_what_a_ticket_shows_is_the_newest_text_that_reached_it(store: Database) -> None:
    opened = OpenTicket("ticket:m1", "s", "m1", "first", (Paragraph("old"),), "high", shows=("p1",))
    updates = [UpdateTicket(f"update:m1:{name}", "s", "m1", name, BODY, "high", shows=(name,)) for name in "abcd"]
    await queue(store, opened, *updates)
    taken = await take(store)
    left_out, refused, waits = Delivered(""), Rejected("no such field"), Deferred("busy", 60)
    outcomes: list[tuple[Delivery, datetime | None]] = [
        (Delivered("SEC-1"), None),
        (Delivered("a"), None),
        (left_out, None),
        (refused, None),
        (waits, LATER),
    ]

    for queued, (delivery, again) in zip(taken, outcomes, strict=True):
        await settle(store, queued, delivery, again)

    assert await store.run(lambda unit: unit.texts("m1")) == (updates[0], [updates[3]])
    assert await store.run(lambda unit: unit.texts("m")) == (None, [])


async def test_an_action_is_found_by_its_key(store: Database) -> None:
    opened = OpenTicket("ticket:m1", "s", "m1", "first", (Paragraph("old"),), "high")
    await queue(store, opened)

    found = await store.run(lambda unit: (unit.action("ticket:m1"), unit.action("ticket:m2")))

    assert found == (opened, None)


async def test_the_newest_of_a_kind_is_told_by_how_its_key_begins(store: Database) -> None:
    first, second, other = (
        CommentTicket(name, "s", "m", (Paragraph("x"),)) for name in ("head:i1:a", "head:i1:b", "head:i10:c")
    )
    await queue(store, first, second, other)

    found = {each.action.key: each.id for each in await take(store, limit=10)}
    newest = await store.run(lambda unit: (unit.newest("head:i1:"), unit.newest("head:i2:")))

    assert newest == (found["head:i1:b"], 0)
