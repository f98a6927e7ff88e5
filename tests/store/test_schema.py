from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.purl import Purl
from monitor.store import documents, schema
from monitor.store.tables import metadata
from monitor.store.transaction import WrongSchema
from tests.databases import Opened
from tests.store.keeping import tamper


def revisions() -> list[str]:
    """Every revision, oldest first."""
    with create_engine("sqlite://").connect() as connection:
        scripts = ScriptDirectory.from_config(schema.configuration(connection))
    return [script.revision for script in scripts.walk_revisions()][::-1]


SAMPLES: dict[str, tuple[str, ...]] = {
    "0001": ("INSERT INTO audit (seq, line, hash) VALUES (1, 'line', 'hash')",),
    "0002": (
        "INSERT INTO evidence (sha256, size, body) VALUES ('ab', 0, '')",
        "INSERT INTO grounds (purl, root, sha256) VALUES ('pkg:npm/a@1.0.0', '', 'ab')",
    ),
    "0003": (
        (
            "INSERT INTO findings (fingerprint, server, rule, opened_at, occurrences, told, document) VALUES"
            " ('0123', 'a', 'new-release', '2026-11-24 12:00:00', 1, 'ticket', '{}')"
        ),
    ),
    "0004": (
        "INSERT INTO advisories (database, id, modified_at, document) VALUES ('osv', 'A', '2026-11-24 12:00:00', '{}')",
        (
            "INSERT INTO matches (purl, database, advisory, since, document) VALUES"
            " ('pkg:npm/a@1.0.0', 'osv', 'A', '2026-11-24 12:00:00', '{}')"
        ),
        ("INSERT INTO dependencies (purl, since, document) VALUES ('pkg:npm/a@1.0.0', '2026-11-24 12:00:00', '{}')"),
        "INSERT INTO risks (source, as_of, validators, document) VALUES ('kev', '2026-11-24 12:00:00', '[]', '')",
    ),
    "0006": (
        "INSERT INTO waivers (id, given_at, expires_at, document) VALUES ('a', '2026-11-24 12:00:00', '2026-11-25 12:00:00', '{}')",
        "INSERT INTO submissions (server, submitted_at, stage, document) VALUES ('a', '2026-11-24 12:00:00', 'submitted', '{}')",
        "INSERT INTO recertifications (fingerprint, quarter, state, document) VALUES ('a', '2026Q4', 'open', '{}')",
        "INSERT INTO connections (id, at, server, document) VALUES ('a', '2026-11-24 12:00:00', 'b', '{}')",
    ),
    "0005": ("INSERT INTO hosts (source, host, reported_at, document) VALUES ('a', 'b', '2026-11-24 12:00:00', '{}')",),
}
"""A row or more that a database of each revision may hold; a new revision brings its own."""

TICKET_OF_BEFORE = r"""
INSERT INTO outbox (id, key, state, uncertain, attempts, created_at, next_try_at, ref, detail, document) VALUES
(1, 'a', 'delivered', false, 1, '2026-11-24 12:00:00', '2026-11-24 12:00:00', 'SEC-1', '',
 '{"kind"\: "open-ticket", "fingerprint"\: "0123"}'),
(2, 'b', 'delivered', false, 1, '2026-11-24 12:00:00', '2026-11-24 12:00:00', 'comment-7', '',
 '{"kind"\: "comment-ticket", "fingerprint"\: "0123"}')
"""
"""What revision 0002 kept of a ticket and of a comment in it."""


def test_an_empty_database_is_brought_to_the_programs_schema(empty_database: str, opened: Opened) -> None:
    store = opened(empty_database)
    before = store.schema()

    said = store.migrate()

    newest = revisions()[-1]
    assert before == ("", newest)
    assert said == f"created the schema at revision {newest}"
    assert store.schema() == (newest, newest)


def test_a_database_that_is_there_already_is_left_alone(empty_database: str, opened: Opened) -> None:
    store = opened(empty_database)
    store.migrate()

    said = store.migrate()

    assert said.endswith("already")


def test_the_migrations_lead_to_the_tables_that_the_program_writes(empty_database: str, opened: Opened) -> None:
    opened(empty_database).migrate()
    engine = create_engine(empty_database)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)

    engine.dispose()
    assert differences == []


@pytest.mark.parametrize("revision", revisions())
def test_a_database_of_every_revision_is_upgraded_with_its_data(
    revision: str, empty_database: str, opened: Opened
) -> None:
    engine = create_engine(empty_database)
    with engine.begin() as connection:
        schema.migrate(connection, revision)
    engine.dispose()
    for sample in SAMPLES[revision]:
        tamper(empty_database, sample)

    store = opened(empty_database)
    store.migrate()

    assert store.schema()[0] == revisions()[-1]


async def test_a_ticket_that_was_opened_before_an_upgrade_is_found_after_it(
    empty_database: str, opened: Opened
) -> None:
    engine = create_engine(empty_database)
    with engine.begin() as connection:
        schema.migrate(connection, "0002")
    engine.dispose()
    tamper(empty_database, TICKET_OF_BEFORE)

    store = opened(empty_database)
    store.migrate()

    assert await store.run(lambda unit: unit.began(["0123"]).get("0123")) == "SEC-1"


@pytest.mark.parametrize(
    "package",
    [Purl.npm("JSONStream"), Purl.npm("@Acme/Files_MCP"), Purl.pypi("a.b"), Purl.npm("n" * 500), Purl.npm("ü" * 90)],
    ids=["capitals", "scope", "spelling", "long", "long-when-encoded"],
)
async def test_what_was_deployed_before_an_upgrade_is_found_after_it(
    package: Purl, empty_database: str, opened: Opened
) -> None:
    deployment = Deployment("laptop-7", "cursor", "mcp.json", "files", PinKind.EXACT, package.at("1.0.0"))
    _of_revision_3(empty_database, [deployment, replace(deployment, host="laptop-8", purl=None)])

    store = opened(empty_database)
    store.migrate()

    assert [stay.deployment for stay in await store.run(lambda unit: unit.stays([package]))] == [deployment]


@pytest.mark.timeout(15)  # a second; where each row costs a look through all of them, half a minute
async def test_an_upgrade_names_the_packages_of_more_deployments_than_one_piece_holds(
    empty_database: str, opened: Opened
) -> None:
    packages = [Purl.npm("a"), Purl.npm("b"), None]
    count = 12_000
    _of_revision_3(
        empty_database,
        [Deployment(f"host-{n}", "cursor", "mcp.json", "mcp", PinKind.EXACT, packages[n % 3]) for n in range(count)],
    )

    store = opened(empty_database)
    store.migrate()

    assert len(await store.run(lambda unit: unit.stays([Purl.npm("a"), Purl.npm("b")]))) == count * 2 // 3


def _of_revision_3(url: str, deployments: Sequence[Deployment]) -> None:
    """Make a database of revision 0003 in which these are deployed."""
    rows = [
        {"source": "inventory", "place": each.key, "at": "2026-11-24 12:00:00", "document": documents.write(each)}
        for each in deployments
    ]
    engine = create_engine(url)
    with engine.begin() as connection:
        schema.migrate(connection, "0003")
        connection.execute(
            text(
                "INSERT INTO deployments (source, place, since, seen_at, document)"
                " VALUES (:source, :place, :at, :at, :document)"
            ),
            rows,
        )
    engine.dispose()


def test_a_database_of_a_newer_program_is_refused(empty_database: str, opened: Opened) -> None:
    store = opened(empty_database)
    store.migrate()
    tamper(empty_database, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(WrongSchema, match="revision 9999"):
        store.migrate()


def test_a_database_of_another_program_is_refused_and_left_alone(empty_database: str, opened: Opened) -> None:
    for name in ("invoices", "customers", "orders", "\x1b[31mred"):
        tamper(empty_database, f'CREATE TABLE "{name}" (id INTEGER)')
    store = opened(empty_database)

    with pytest.raises(WrongSchema, match=r"another program \(.*customers, invoices, …\)") as caught:
        store.migrate()

    assert "\x1b" not in str(caught.value)
    assert store.schema()[0] == ""


def test_processes_that_migrate_at_once_do_it_once(empty_database: str, opened: Opened) -> None:
    stores = [opened(empty_database) for _ in range(4)]

    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(lambda store: store.migrate(), stores))

    assert sorted(line.split()[0] for line in said) == ["created", "the", "the", "the"]
