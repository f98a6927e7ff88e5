"""The kinds of value that options have: durations, paths, addresses. Each error says what was expected, never what was found.

What was found may be a secret in the wrong place.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from monitor.cron import trigger, zone
from monitor.domain.address import TOKEN

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
LONGEST = timedelta(days=3650)
LIKE_A_SECRET = 20
"""Characters: a longer name with small and capital letters and digits in it is no name that somebody would think of."""


def expected(what: str) -> PydanticCustomError:
    """Return the error that says what an option's value should have been."""
    return PydanticCustomError("expected", "expected {what}", {"what": what})


def duration(value: object) -> timedelta:
    """Read `24h`, `15m`, `1h30m`; days, hours, minutes, seconds."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"(\d{1,8}[dhms]){1,4}", value):
        raise expected('a duration such as "90s", "15m", "24h" or "7d"')
    read = sum((timedelta(**{UNITS[unit]: int(n)}) for n, unit in re.findall(r"(\d+)([dhms])", value)), timedelta())
    if read > LONGEST:
        raise expected("a duration of at most 3650d")
    return read


def instant(value: object) -> datetime:
    """Read a TOML date (its end, in UTC) or a date-time with an offset."""
    match value:
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC)
        case date() if not isinstance(value, datetime):
            return datetime.combine(value, time.max, UTC)
        case _:
            raise expected(
                "a date such as 2027-01-31 (the last day) or a time such as 2027-01-31T12:00:00Z, without quotes"
            )


def located(value: object, info: ValidationInfo) -> Path | None:
    """Read a path, relative to the configuration file's folder; empty is none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise expected("a path")
    base = Path((info.context or {}).get("base", ""))
    return base / Path(value).expanduser()


def place(value: object, info: ValidationInfo) -> Path:
    """Read a path that cannot be left empty."""
    read = located(value, info)
    if read is None:
        raise expected("a path")
    return read


def address(value: str) -> str:
    """Check a base address: http or https, a host, no credentials, no query; returned without its last slash. Empty is none."""
    if not value:
        return value
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise expected("an address such as https://host.example/path")
    if parts.username or parts.password:
        raise expected(
            "an address without credentials; they belong into an environment variable or a file of their own"
        )
    return value.rstrip("/")


def origin(value: object, info: ValidationInfo) -> str:
    """Read an address, or a path relative to the configuration file's folder; empty is none."""
    if isinstance(value, str) and re.match("https?://", value, re.IGNORECASE):
        return address(value)
    if isinstance(value, str) and "://" in value:
        raise expected("an address such as https://host.example/path, or a path")
    read = located(value, info)
    return "" if read is None else str(read)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 reading it is the check
    except ValueError:
        return None
    return parts


def database(value: str, base: Path) -> str:
    """Check a database address and make an SQLite file's path absolute. Raises the error that says what was expected."""
    scheme, _, rest = value.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return f"sqlite:///{base.absolute() / Path(rest[1:]).expanduser()}"
    if scheme in ("postgresql", "postgres", "postgresql+psycopg") and _split(value) is not None and rest:
        return f"postgresql+psycopg://{rest}"
    raise expected("sqlite:///FILE or postgresql://HOST/NAME")


def variable(value: str) -> str:
    """Check the name of an environment variable. What else stands there is most likely the secret itself, and is not repeated."""
    mixed = len(value) >= LIKE_A_SECRET and all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    if value and (mixed or TOKEN.search(value) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value)):
        raise expected("the name of an environment variable such as JIRA_TOKEN, never the secret itself")
    return value


def checked(check: Callable[[str], object]) -> Callable[[str], str]:
    """Make a validator of a function that raises ValueError with what it expected."""

    def validate(value: str) -> str:
        try:
            if value:
                check(value)
        except ValueError as error:
            raise expected(str(error)) from error
        return value

    return validate


def listening(value: str) -> str:
    """Check `host:port`, `[::1]:port`; empty is nowhere."""
    parts = _split(f"//{value}") if value else None
    if value and (parts is None or not parts.hostname or parts.port is None or parts.path):
        raise expected('host:port such as "127.0.0.1:8080", or "" for none')
    return value


Duration = Annotated[timedelta, BeforeValidator(duration)]
Instant = Annotated[datetime, BeforeValidator(instant)]
Location = Annotated[Path | None, BeforeValidator(located)]
Place = Annotated[Path, BeforeValidator(place)]
Address = Annotated[str, AfterValidator(address)]
Variable = Annotated[str, AfterValidator(variable)]
Origin = Annotated[str, BeforeValidator(origin)]
Cron = Annotated[str, AfterValidator(checked(lambda value: trigger(value, UTC)))]
Zone = Annotated[str, AfterValidator(checked(zone))]
Listen = Annotated[str, AfterValidator(listening)]
Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
