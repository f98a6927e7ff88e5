"""Everything: the first schema.

Revision: 0001, after nothing.
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _work()
    _packages()
    _judgements()
    _history()
    _evidence()
    _audit()


def downgrade() -> None:
    raise RuntimeError("nothing is older than the first revision: restore a backup instead")


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _document() -> sa.Column[str]:
    return sa.Column("document", sa.Text(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _work() -> None:
    op.create_table(
        "due",
        _text("job"),
        _text("server"),
        _time("next_look_at"),
        _text("claimed_by", nullable=True),
        _time("claimed_until", nullable=True),
        _key("due", "job", "server"),
    )
    op.create_index("ix_due_claimed_by", "due", ["claimed_by"])
    op.create_index("ix_due_job_next_look_at", "due", ["job", "next_look_at"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("key"),
        _text("state"),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("created_at"),
        _time("next_try_at"),
        _text("taken_by", nullable=True),
        _time("taken_until", nullable=True),
        _time("settled_at", nullable=True),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        _document(),
        _key("outbox", "id"),
        sa.UniqueConstraint("key", name="uq_outbox_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_state_next_try_at", "outbox", ["state", "next_try_at"])


def _packages() -> None:
    op.create_table("listings", _text("source"), _text("package"), _document(), _key("listings", "source", "package"))
    op.create_table(
        "releases",
        _text("source"),
        _text("package"),
        _text("version"),
        _time("first_seen_at"),
        sa.Column("baseline", sa.Boolean(), nullable=False),
        _document(),
        _key("releases", "source", "package", "version"),
    )
    op.create_table(
        "validators",
        _text("source"),
        _text("package"),
        _text("address"),
        _document(),
        _key("validators", "source", "package", "address"),
    )
    op.create_table(
        "verifications",
        _text("package"),
        _text("version"),
        _time("decided_at"),
        _document(),
        _key("verifications", "package", "version"),
    )


def _judgements() -> None:
    op.create_table("advisories", _text("id"), _time("modified_at"), _document(), _key("advisories", "id"))
    op.create_table(
        "findings",
        _text("fingerprint"),
        _text("server"),
        _text("rule"),
        _time("opened_at"),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        _time("resolved_at", nullable=True),
        _time("alerted_at", nullable=True),
        _document(),
        _key("findings", "fingerprint"),
    )
    op.create_index("ix_findings_server", "findings", ["server"])
    op.create_table(
        "reviews",
        _text("fingerprint"),
        _text("server"),
        _text("state"),
        _time("opened_at"),
        _document(),
        _key("reviews", "fingerprint"),
    )
    op.create_index("ix_reviews_server", "reviews", ["server"])
    op.create_table("health", _text("source"), _document(), _key("health", "source"))


def _history() -> None:
    op.create_table(
        "deployments",
        _text("source"),
        _text("place"),
        _time("since"),
        _time("seen_at"),
        _time("gone_at", nullable=True),
        _document(),
        _key("deployments", "source", "place", "since"),
    )
    op.create_index("ix_deployments_gone_at_source", "deployments", ["gone_at", "source"])
    op.create_table(
        "entries",
        _text("server"),
        _time("since"),
        sa.Column("line", sa.Integer(), nullable=False),
        _time("gone_at", nullable=True),
        _document(),
        _key("entries", "server", "since"),
    )
    op.create_index("ix_entries_gone_at", "entries", ["gone_at"])


def _evidence() -> None:
    op.create_table(
        "evidence",
        _text("sha256"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _key("evidence", "sha256"),
    )
    op.create_table(
        "sightings",
        _text("sha256"),
        _text("address"),
        sa.Column("url", sa.Text(), nullable=False),
        _time("first_fetched_at"),
        _time("fetched_at"),
        sa.ForeignKeyConstraint(["sha256"], ["evidence.sha256"], name="fk_sightings_sha256"),
        _key("sightings", "sha256", "address"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        _text("hash"),
        _key("audit", "seq"),
    )
