"""Told: how loudly each finding was told, when each action was taken last, and which review's ticket it opens.

Revision: 0003, after 0002. Of findings and takes of before it is not known; the reviews are read from the actions themselves.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("findings", sa.Column("told", sa.String(), nullable=True))
    op.add_column("outbox", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbox", sa.Column("opens", sa.String(), nullable=True))
    op.create_index("ix_outbox_opens", "outbox", ["opens"])
    outbox = sa.table("outbox", sa.column("id"), sa.column("opens"), sa.column("document"))
    queued = op.get_bind().execute(sa.select(outbox.c.id, outbox.c.document)).all()
    for number, document in queued:
        action = json.loads(document)
        if action["kind"] == "open-ticket":
            op.execute(sa.update(outbox).where(outbox.c.id == number).values(opens=action["fingerprint"]))


def downgrade() -> None:
    op.drop_index("ix_outbox_opens", "outbox")
    op.drop_column("outbox", "opens")
    op.drop_column("outbox", "tried_at")
    op.drop_column("findings", "told")
