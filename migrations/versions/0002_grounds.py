"""Grounds: the raw documents and trust roots on which each version's claims were decided.

Revision: 0002, after 0001. Claims of before have none: they are shown, and cannot be decided again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grounds",
        sa.Column("purl", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("dated", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("purl", "root", "sha256", name="pk_grounds"),
        sa.ForeignKeyConstraint(["sha256"], ["evidence.sha256"], name="fk_grounds_sha256"),
    )
    op.create_index("ix_grounds_sha256", "grounds", ["sha256"])


def downgrade() -> None:
    op.drop_table("grounds")
