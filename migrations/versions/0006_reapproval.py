"""The way back: which ticket a review lives in, incidents, waivers by command, submissions, recertifications, connections.

Revision: 0006, after 0005.
"""

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("findings", sa.Column("incident", sa.String()))
    op.add_column("reviews", sa.Column("mark", sa.String()))
    reviews = sa.table("reviews", sa.column("fingerprint"), sa.column("document"), sa.column("mark"))
    bind = op.get_bind()
    for fingerprint, document in bind.execute(sa.select(reviews.c.fingerprint, reviews.c.document)).all():
        occurrence = json.loads(document).get("occurrence", 1)
        mark = sha256("\x1f".join(("ticket", fingerprint, str(occurrence))).encode()).hexdigest()[:16]
        bind.execute(sa.update(reviews).where(reviews.c.fingerprint == fingerprint).values(mark=mark))
    op.create_index("ix_reviews_mark", "reviews", ["mark"])
    op.create_index("ix_reviews_opened_at", "reviews", ["opened_at"])
    op.create_table(
        "waivers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("undone_at", TIME),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
    )
    op.create_index("ix_waivers_expires_at", "waivers", ["expires_at"])
    op.create_table(
        "submissions",
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("submitted_at", TIME, nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_submissions"),
    )
    op.create_table(
        "recertifications",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("quarter", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_recertifications"),
    )
    op.create_index("ix_recertifications_state", "recertifications", ["state"])
    op.create_table(
        "connections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
    )
    op.create_index("ix_connections_at", "connections", ["at"])
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_cursors"),
    )


def downgrade() -> None:
    for table in ("cursors", "connections", "recertifications", "submissions", "waivers"):
        op.drop_table(table)
    op.drop_index("ix_reviews_opened_at", "reviews")
    op.drop_index("ix_reviews_mark", "reviews")
    with op.batch_alter_table("reviews") as reviews:
        reviews.drop_column("mark")
    with op.batch_alter_table("findings") as findings:
        findings.drop_column("incident")
