"""`modified_id.csv`: a line `<time>,<id>` for each record of an ecosystem, the record that was modified last in the first line.

https://google.github.io/osv.dev/data/#data-dumps
"""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from connectors._osv_mirror.entry import FILE_ID, MICROSECOND, NAME, micros
from connectors._osv_shape import Time
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

OVERLAP = timedelta(hours=1) // MICROSECOND
"""The list is written while records change: this much is read again."""
MAX_LIST = 128 * 2**20
"""Bytes: two million lines."""
MAX_LINE = 256
MAX_BAD = 20
"""Lines that are none, before the whole list is none."""
MAX_LISTED = 20_000
"""Records that are taken from the list before it is not worth it."""

# Made at import: msgspec looks a type up on its first use, and crashes the process where two threads do that at once.
TIME = msgspec.json.Decoder(Time)


class Changes:
    """Takes the list part by part until a line is older than `since` less the overlap (microseconds since 1970); `now` is now.

    A list that is not sorted is read to its end. After `end`: `listed` (id -> time; all of that time and later, `MAX_LISTED` at most)
    and `newest` (None: no line that is not in the future).
    """

    def __init__(self, since: int, now: int) -> None:
        self.listed: dict[str, int] = {}
        self.newest: int | None = None
        self.bad: list[str] = []
        self._until = since - OVERLAP
        self._now = now
        self._rest = b""
        self._before: int | None = None
        self._sorted = True
        self._good = 0

    def take(self, part: bytes) -> bool:
        """Take a part; False: the rest is known. Raises `Malformed`."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise Malformed(NAME, f"a list of modified records with a line of more than {MAX_LINE} bytes")
        return all(self._line(line) for line in lines)

    def end(self) -> None:
        """Take what follows the last line break. Raises `Malformed` for a list without any record: nothing was compared with it then."""
        self._line(self._rest)
        self._rest = b""
        if not self._good:
            raise Malformed(
                NAME,
                f"a list of modified records that lists none{': ' if self.bad else ''}{self.bad[0] if self.bad else ''}",
            )

    @property
    def overflowed(self) -> bool:
        """Whether more has changed than the list is read for."""
        return len(self.listed) >= MAX_LISTED

    def _line(self, line: bytes) -> bool:
        if not line.strip():
            return True
        time, _, name = line.strip().partition(b",")
        advisory_id = name.decode("ascii", "replace")
        try:
            at = micros(TIME.decode(b'"' + time + b'"'))
        except (ValueError, OverflowError):
            return self._refuse(line)
        if not FILE_ID.fullmatch(advisory_id):
            return self._refuse(line)
        self._good += 1
        self._sorted = self._sorted and (self._before is None or at <= self._before)
        self._before = at
        if at <= self._now and (self.newest is None or at > self.newest):
            self.newest = at
        if at >= self._until:
            self.listed[advisory_id] = max(at, self.listed.get(advisory_id, at))
            return not self.overflowed
        return not self._sorted

    def _refuse(self, line: bytes) -> bool:
        shown = one_line(line[:MAX_LINE].decode("utf-8", "replace").strip(), 80)
        self.bad.append(shown)
        if len(self.bad) > MAX_BAD:
            raise Malformed(NAME, f"a list of modified records with more than {MAX_BAD} lines that are none: {shown}")
        return True


def begin(since: int, now: int) -> tuple[Callable[[], Callable[[bytes], bool]], Callable[[], Changes]]:
    """Return what begins a new reading of the list for each attempt to get it, and what returns the last reading."""
    readings: list[Changes] = []

    def start() -> Callable[[bytes], bool]:
        readings.append(Changes(since, now))
        return readings[-1].take

    return start, lambda: readings[-1]
