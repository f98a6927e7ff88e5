"""Exposure: which record named which version from when to when, what versions bring along, how likely flaws are to be used.

Revision: 0004, after 0003. Records of before are OSV's; what was deployed gets its package's name from the document beside it.
"""

import json
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa
from alembic import op
from packageurl import PackageURL

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LONGEST_KEY = 400
"""Bytes. In place of a longer name stands its digest."""
PIECE = 5000
"""Rows that are in memory at once."""


def upgrade() -> None:
    _records_by_database()
    op.create_table(
        "matches",
        sa.Column("purl", sa.String(), nullable=False),
        sa.Column("database", sa.String(), nullable=False),
        sa.Column("advisory", sa.String(), nullable=False),
        _time("since"),
        _time("gone_at", nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("purl", "database", "advisory", name="pk_matches"),
    )
    op.create_table(
        "dependencies",
        sa.Column("purl", sa.String(), nullable=False),
        _time("since"),
        _time("gone_at", nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("purl", "since", name="pk_dependencies"),
    )
    op.create_index("ix_dependencies_gone_at", "dependencies", ["gone_at"])
    op.create_table(
        "risks",
        sa.Column("source", sa.String(), nullable=False),
        _time("as_of"),
        sa.Column("validators", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_risks"),
    )
    op.add_column("findings", sa.Column("opened_as", sa.Text(), nullable=True))
    op.add_column("findings", sa.Column("note", sa.Text(), nullable=True))
    _packages_of_deployments()


def downgrade() -> None:
    op.drop_index("ix_deployments_package", "deployments")
    op.drop_column("deployments", "package")
    op.drop_column("findings", "note")
    op.drop_column("findings", "opened_as")
    op.drop_table("risks")
    op.drop_table("dependencies")
    op.drop_table("matches")
    kept = _rows("SELECT id, modified_at, document FROM advisories WHERE database = 'osv'")
    op.drop_table("advisories")
    table = op.create_table("advisories", *_record(), sa.PrimaryKeyConstraint("id", name="pk_advisories"))
    op.bulk_insert(table, kept)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _record() -> tuple[sa.Column[str], sa.Column[datetime], sa.Column[str]]:
    return (
        sa.Column("id", sa.String(), nullable=False),
        _time("modified_at"),
        sa.Column("document", sa.Text(), nullable=False),
    )


def _rows(query: str) -> list[dict[str, object]]:
    typed = sa.text(query).columns(
        sa.column("id", sa.String()),
        sa.column("modified_at", sa.DateTime(timezone=True)),
        sa.column("document", sa.Text()),
    )
    return [dict(row) for row in op.get_bind().execute(typed).mappings()]


def _records_by_database() -> None:
    kept = _rows("SELECT id, modified_at, document FROM advisories")
    op.drop_table("advisories")
    table = op.create_table(
        "advisories",
        sa.Column("database", sa.String(), nullable=False),
        *_record(),
        sa.PrimaryKeyConstraint("database", "id", name="pk_advisories"),
    )
    op.bulk_insert(table, [{"database": "osv", **row} for row in kept])


def _packages_of_deployments() -> None:
    op.add_column("deployments", sa.Column("package", sa.String(), nullable=True))
    # Untyped: each database gets its own values back, whatever it makes of a time.
    names = ("source", "place", "since")
    deployments = sa.table("deployments", *map(sa.column, (*names, "document", "package")))
    place = [deployments.c[name] for name in names]
    named = sa.update(deployments).where(*(deployments.c[name] == sa.bindparam(f"of_{name}") for name in names))
    piece = sa.select(*place, deployments.c.document).order_by(*place).limit(PIECE)
    after: tuple[object, ...] = ()
    while rows := op.get_bind().execute(piece.where(sa.tuple_(*place) > sa.tuple_(*after)) if after else piece).all():
        found = [
            {"of_source": row.source, "of_place": row.place, "of_since": row.since, "package": package}
            for row in rows
            if (package := _package(row.document))
        ]
        if found:
            op.get_bind().execute(named.values(package=sa.bindparam("package")), found)
        after = tuple(rows[-1][:3])
    op.create_index("ix_deployments_package", "deployments", ["package"])


def _package(document: str) -> str | None:
    """Return the key of the package as the program of this revision writes it; None: not a package."""
    purl = json.loads(document)["purl"]
    if purl is None:
        return None
    # The library writes npm's names in small letters, and leaves generic names as they are.
    type_ = "generic" if purl["type"] == "npm" else purl["type"]
    text = PackageURL(type_, purl["namespace"], purl["name"]).to_string()
    return _key(f"pkg:npm/{text.removeprefix('pkg:generic/')}" if purl["type"] == "npm" else text)


def _key(text: str) -> str:
    """Return the text itself, or where no index can hold it its start and its digest."""
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= LONGEST_KEY and "\0" not in text and raw.decode("utf-8", "replace") == text:
        return text
    start = raw[:64].decode("ascii", "ignore").replace("\0", "")
    return f"{start}~{sha256(raw).hexdigest()}"
