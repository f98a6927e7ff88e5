"""The audit chain in its table: sealed at the commit of every unit of work, by one process at a time."""

from datetime import datetime

from sqlalchemy import LargeBinary, cast, func, select

from monitor.domain.audit import GENESIS, AuditEvent, Checkpoint, Sealed, read, seal, write_verb
from monitor.store.tables import audit
from monitor.store.transaction import Transaction

LINE = cast(audit.c.line, LargeBinary)
"""SQLite lets whoever edits a line leave text where bytes were; it has to come back all the same, for the hash to show it."""


class Audit:
    """Rows of `audit`, never changed once written."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def chain(self, after: int = 0, limit: int | None = None) -> list[Sealed]:
        """Return the audit chain's links after that sequence number, in order; at most `limit` of them."""
        found = select(audit.c.seq, LINE, audit.c.hash).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        return [_sealed(seq, line, digest) for seq, line, digest in self._in.rows(found)]

    def events(self, verb: str) -> list[AuditEvent]:
        """Return the events of that verb, in order; a line that was tampered with so that it cannot be read is none."""
        mark = write_verb(verb).encode("utf-8", "surrogatepass")
        at = func.pg_catalog.position(LINE, mark) if self._in.postgresql else func.instr(LINE, mark)
        lines = self._in.rows(select(LINE).where(at > 0).order_by(audit.c.seq))
        found = (read(line.decode("utf-8", "surrogatepass")) for (line,) in lines)
        return [event for event in found if event is not None and event.verb == verb]

    def head(self, now: datetime) -> Checkpoint:
        """Return the chain's head (sequence number 0 and the genesis hash where it is empty)."""
        last = self._last()
        return Checkpoint(last.seq, last.hash, now) if last else Checkpoint(0, GENESIS, now)

    def commit(self, first: AuditEvent, *rest: AuditEvent) -> None:
        """Seal the events and keep everything. The only way to keep anything; call it once, last."""
        self._in.alone()
        last = self._last()
        links = []
        for event in (first, *rest):
            last = seal(last, event)
            links.append(last)
        self._in.append(
            audit,
            [
                {"seq": link.seq, "line": link.line.encode("utf-8", "surrogatepass"), "hash": link.hash}
                for link in links
            ],
        )
        self._in.sealed = True

    def _last(self) -> Sealed | None:
        found = select(audit.c.seq, LINE, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
        return next((_sealed(seq, line, digest) for seq, line, digest in self._in.rows(found)), None)


def _sealed(seq: int, line: bytes, digest: str) -> Sealed:
    """A line that is no text any more was tampered with: it comes back as other text, and the hash shows it."""
    try:
        return Sealed(seq, line.decode("utf-8", "surrogatepass"), digest)
    except UnicodeDecodeError:
        return Sealed(seq, line.decode("utf-8", "backslashreplace"), digest)
