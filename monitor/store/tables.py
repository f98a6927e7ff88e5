"""The tables. What is queried has a column of its own; the rest of a noun is one JSON document beside it.

Times are aware UTC on both databases. Upstream's words become part of an index only through `columns.key`.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

from monitor.store.columns import Time

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

due = Table(
    "due",
    metadata,
    Column("job", String, primary_key=True),
    Column("server", String, primary_key=True),
    Column("next_look_at", Time, nullable=False),
    Column("claimed_by", String),  # NULL: free
    Column("claimed_until", Time),
    Index(None, "job", "next_look_at"),
    Index(None, "claimed_by"),
)

listings = Table(
    "listings",
    metadata,
    Column("source", String, primary_key=True),
    Column("package", String, primary_key=True),
    Column("document", Text, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("source", String, primary_key=True),
    Column("package", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("first_seen_at", Time, nullable=False),
    Column("baseline", Boolean, nullable=False),
    Column("document", Text, nullable=False),
)

validators = Table(
    "validators",
    metadata,
    Column("source", String, primary_key=True),
    Column("package", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("document", Text, nullable=False),
)

verifications = Table(
    "verifications",
    metadata,
    Column("package", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("decided_at", Time, nullable=False),
    Column("document", Text, nullable=False),
)

advisories = Table(
    "advisories",
    metadata,
    Column("database", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("modified_at", Time, nullable=False),
    Column("document", Text, nullable=False),
)

matches = Table(
    "matches",
    metadata,
    Column("purl", String, primary_key=True),  # with version
    Column("database", String, primary_key=True),
    Column("advisory", String, primary_key=True),
    Column("since", Time, nullable=False),
    Column("gone_at", Time),  # NULL: it names the version now
    Column("document", Text, nullable=False),
)

dependencies = Table(
    "dependencies",
    metadata,
    Column("purl", String, primary_key=True),  # of the server, with version
    Column("since", Time, primary_key=True),
    Column("gone_at", Time),  # NULL: what is known now
    Column("document", Text, nullable=False),
    Index(None, "gone_at"),
)

risks = Table(
    "risks",
    metadata,
    Column("source", String, primary_key=True),
    Column("as_of", Time, nullable=False),
    Column("validators", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),  # zlib
)

deployments = Table(
    "deployments",
    metadata,
    Column("source", String, primary_key=True),
    Column("place", String, primary_key=True),
    Column("since", Time, primary_key=True),
    Column("seen_at", Time, nullable=False),
    Column("gone_at", Time),  # NULL: there now
    Column("package", String),  # without version; NULL: not known what it is
    Column("document", Text, nullable=False),
    Index(None, "gone_at", "source"),
    Index(None, "package"),
)

hosts = Table(
    "hosts",
    metadata,
    Column("source", String, primary_key=True),
    Column("host", String, primary_key=True),
    Column("reported_at", Time, nullable=False),
    Column("document", Text, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("server", String, primary_key=True),
    Column("since", Time, primary_key=True),
    Column("line", Integer, nullable=False),
    Column("gone_at", Time),  # NULL: there now
    Column("document", Text, nullable=False),
    Index(None, "gone_at"),
)

findings = Table(
    "findings",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("server", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("opened_at", Time, nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("resolved_at", Time),  # NULL: open
    Column("alerted_at", Time),  # NULL: nobody was told
    Column("told", String),  # NULL: not at all, or before this was kept
    Column("opened_as", Text),  # NULL: before this was kept
    Column("note", Text),  # NULL: open, or ended without a word
    Column("incident", String),  # NULL: nobody was told, or before this was kept
    Column("document", Text, nullable=False),
    Index(None, "server"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("server", String, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_at", Time, nullable=False),
    Column("mark", String),  # of the ticket that it lives in; NULL: before this was kept
    Column("document", Text, nullable=False),
    Index(None, "server"),
    Index(None, "mark"),
    Index(None, "opened_at"),
)

waivers = Table(
    "waivers",
    metadata,
    Column("id", String, primary_key=True),
    Column("given_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("undone_at", Time),  # NULL: it holds
    Column("document", Text, nullable=False),
    Index(None, "expires_at"),
)

submissions = Table(
    "submissions",
    metadata,
    Column("server", String, primary_key=True),
    Column("submitted_at", Time, nullable=False),
    Column("stage", String, nullable=False),
    Column("document", Text, nullable=False),
)

recertifications = Table(
    "recertifications",
    metadata,
    Column("fingerprint", String, primary_key=True),  # of the owner and the quarter
    Column("quarter", String, nullable=False),
    Column("state", String, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "state"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("position", Integer, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("id", String, primary_key=True),  # the digest of the line: read again it is the same
    Column("at", Time, nullable=False),
    Column("server", String, nullable=False),  # as the gateway names it
    Column("document", Text, nullable=False),
    Index(None, "at"),
)

health = Table(
    "health",
    metadata,
    Column("source", String, primary_key=True),
    Column("document", Text, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("size", Integer, nullable=False),  # bytes, before compression
    Column("body", LargeBinary, nullable=False),  # zlib; empty: too large to be kept
)

grounds = Table(
    "grounds",
    metadata,
    Column("purl", String, primary_key=True),
    Column("root", String, primary_key=True),  # the trust root's name; empty: a document that makes claims
    Column("sha256", String, ForeignKey("evidence.sha256"), primary_key=True),
    Column("dated", Time),  # NULL: a document that makes claims
    Index(None, "sha256"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("sha256", String, ForeignKey("evidence.sha256"), primary_key=True),
    Column("address", String, primary_key=True),
    Column("url", Text, nullable=False),
    Column("first_fetched_at", Time, nullable=False),
    Column("fetched_at", Time, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("uncertain", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("next_try_at", Time, nullable=False),
    Column("taken_by", String),  # NULL: free
    Column("taken_until", Time),
    Column("tried_at", Time),  # when it was taken last; NULL: never, or before this was kept
    Column("settled_at", Time),  # NULL: still to be delivered
    Column("ref", Text, nullable=False),
    Column(
        "opens", String
    ),  # the mark of the ticket, or the name of the incident, that it begins; NULL: it begins none
    Column("detail", Text, nullable=False),
    Column("document", Text, nullable=False),
    Index(None, "state", "next_try_at"),
    Index(None, "opens"),
    # An id that was once given out stays spent, also when its row is pruned.
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    # Bytes, because the hash is over bytes and a text column may refuse or change what upstream wrote.
    Column("line", LargeBinary, nullable=False),
    Column("hash", String, nullable=False),
)
