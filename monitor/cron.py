"""Cron expressions as crontab(5) means them, on APScheduler's trigger, which counts weekdays from Monday.

Five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday). Two departures, both refused loudly:
a day of month together with a day of week (cron takes either, the trigger both), and `@daily` and its relatives.
"""

import re
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

FIELDS = 5
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
PIECE = re.compile(r"(?P<first>\*|[a-z]{3}|\d)(?:-(?P<last>[a-z]{3}|\d))?(?:/(?P<step>[1-7]))?")


def zone(name: str) -> tzinfo:
    """Return the time zone of that IANA name. Raises ValueError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("an IANA time zone such as UTC or Europe/Berlin") from error


def trigger(expression: str, timezone: tzinfo, jitter: float = 0) -> CronTrigger:
    """Return the trigger of a cron expression; `jitter` in seconds. Raises ValueError with what was expected."""
    fields = expression.lower().split()
    if len(fields) != FIELDS:
        raise ValueError('five cron fields such as "15 * * * *" (minute, hour, day of month, month, day of week)')
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise ValueError("a cron expression with a day of month or a day of week, not both")
    try:
        return CronTrigger(
            minute=minute,
            hour=hour,
            day=day,
            month=month,
            day_of_week=_weekdays(weekday),
            timezone=timezone,
            jitter=int(jitter) or None,
        )
    except ValueError as error:
        raise ValueError(f"a cron expression ({error})") from error


def _weekdays(field: str) -> str:
    """Spell cron's weekdays (from Sunday) as names, which mean the same to everybody."""
    if field == "*":
        return field
    days: set[int] = set()
    for piece in field.split(","):
        read = PIECE.fullmatch(piece)
        if read is None:
            raise ValueError(f"day of week {piece[:20]!r}")
        first, last = (
            (0, 6) if read["first"] == "*" else (_weekday(read["first"]), _weekday(read["last"] or read["first"]))
        )
        if read["step"] and not read["last"]:
            last = 6
        if first > last:
            raise ValueError(f"day of week {piece[:20]!r} runs backwards")
        days |= {day % 7 for day in range(first, last + 1, int(read["step"] or 1))}
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def _weekday(word: str) -> int:
    """Return 0 (Sunday) to 7 (Sunday again). Raises ValueError."""
    if word.isdigit() and int(word) <= len(WEEKDAYS):
        return int(word)
    if word in WEEKDAYS:
        return WEEKDAYS.index(word)
    raise ValueError(f"day of week {word!r}")
