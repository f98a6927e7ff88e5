from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.audit import AuditEvent, read, write
from monitor.store.database import Database
from tests.databases import NOW
from tests.store.keeping import tamper
from tests.store.test_audit import events

EXPORTED = AuditEvent(NOW, "mcp-monitor", "allowlist.exported", "claude-code", {"sha256": "ab" * 32})


@given(events)
def test_an_event_is_read_as_it_was_written(event: AuditEvent) -> None:
    assert read(write(event)) == event


@given(st.text())
def test_a_line_of_somebody_else_is_no_event(line: str) -> None:
    assert read(line) is None


async def test_events_are_found_by_their_verb_and_in_order(store: Database) -> None:
    later = replace(EXPORTED, subject="gemini")
    await store.run(lambda unit: unit.commit(EXPORTED, replace(EXPORTED, verb="allowlist.exported.not"), later))

    assert await store.run(lambda unit: unit.events("allowlist.exported")) == [EXPORTED, later]


async def test_what_an_event_quotes_is_not_taken_for_a_verb(store: Database) -> None:
    await store.run(lambda unit: unit.commit(replace(EXPORTED, verb="x", subject='"verb":"allowlist.exported"')))

    assert await store.run(lambda unit: unit.events("allowlist.exported")) == []


async def test_a_line_that_was_tampered_with_is_no_event(database: str, store: Database) -> None:
    await store.run(lambda unit: unit.commit(EXPORTED))
    tamper(database, r"""UPDATE audit SET line = '"verb"\:"allowlist.exported"'""")

    assert await store.run(lambda unit: unit.events("allowlist.exported")) == []


@given(st.lists(events, min_size=1, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_event_is_found_by_its_verb(store: Database, some: list[AuditEvent]) -> None:
    await store.run(lambda unit: unit.commit(*some))

    found = await store.run(lambda unit: unit.events(some[0].verb))

    assert some[0] in found
