"""`waive`, `acknowledge`, `waivers`: somebody answers for a finding, for a while."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from monitor import wiring
from monitor.commands.identity import caller
from monitor.commands.moments import moment
from monitor.commands.opening import open_settings, record
from monitor.commands.output import SHORT, say, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.finding import Finding
from monitor.domain.fingerprint import fingerprint
from monitor.domain.text import one_line
from monitor.domain.waiver import Kind, Waiver
from monitor.ending import ExitCode, Stop
from monitor.jobs.answer_for import GRAVE, answer_for, may_not_waive, take_back
from monitor.ports.store import UnitOfWork
from monitor.settings import Settings
from monitor.wording import answered_words

T = TypeVar("T")

LONGEST_WAIVER = timedelta(days=365)
LONGEST_ACKNOWLEDGEMENT = timedelta(days=30)
LONGEST_REASON = 1000
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LENGTH = re.compile(r"([1-9][0-9]{0,4})([mhd])")
HEADER = (
    Column("id"),
    Column("kind", gives_way=2),
    Column("rule"),
    Column("server"),
    Column("what", gives_way=3),
    Column("by"),
    Column("until"),
    Column("reason", gives_way=1),
    Column("state"),
)


def waive_one(config: Path, finding: str, *, reason: str, until: str) -> int:
    """Keep a waiver for one open finding."""
    now = wiring.utc_now()
    ends, is_day = moment(until, "--until")
    ends = ends + timedelta(days=1) if is_day else ends
    if not now < ends <= now + LONGEST_WAIVER + timedelta(days=1):
        raise Stop(f"--until: expected a time within the next {LONGEST_WAIVER.days} days", ExitCode.USAGE)
    return _answer(config, finding, Kind.WAIVER, reason=reason, ends=ends, now=now)


def acknowledge_one(config: Path, finding: str, *, reason: str, length: str) -> int:
    """Keep an acknowledgement of one open finding."""
    now = wiring.utc_now()
    read = LENGTH.fullmatch(length.strip())
    lasts = int(read[1]) * UNITS[read[2]] if read else timedelta()
    if not timedelta() < lasts <= LONGEST_ACKNOWLEDGEMENT:
        raise Stop(
            f"--for: expected 30m, 4h or 2d, at most {LONGEST_ACKNOWLEDGEMENT.days}d, got {one_line(length, 50)}",
            ExitCode.USAGE,
        )
    return _answer(config, finding, Kind.ACKNOWLEDGEMENT, reason=reason, ends=now + lasts, now=now)


def _answer(config: Path, finding: str, kind: Kind, *, reason: str, ends: datetime, now: datetime) -> int:
    settings = open_settings(config, only_store=True)
    person, why = caller(settings.config), reason.strip()
    if not 0 < len(why) <= LONGEST_REASON:
        raise Stop(f"--reason: expected a reason of at most {LONGEST_REASON} characters", ExitCode.USAGE)
    policy = wiring.policy(settings.config)

    def keep(unit: UnitOfWork) -> Waiver:
        named = named_finding(unit, finding)
        refused = may_not_waive(unit, policy, person, named) if kind is Kind.WAIVER else ""
        if refused:
            raise Stop(f"{one_line(refused, 500)}; `mcp-monitor acknowledge` says that you work on it", ExitCode.USAGE)
        name = fingerprint(kind.value, named.fingerprint, person.name, now.isoformat())
        given = Waiver(named.rule, named.server, named.subject, why, person.name, ends, kind, now, name)
        answer_for(unit, policy, [given], now)
        return given

    given = record(settings, keep)
    say(f"{given.id[:SHORT]}: {given.rule} of {one_line(given.server, 200)} is {one_line(answered_words(given), 1200)}")
    if kind is Kind.WAIVER and given.rule in GRAVE:
        say("This is malware: the version stays quarantined, and the channel is told who waived it.")
    return ExitCode.QUIET


def named_finding(unit: UnitOfWork, name: str) -> Finding:
    """Return the open finding whose fingerprint begins so. Raises `Stop` where there is none, or more than one."""
    begins = name.strip().lower()
    found = [each for each in unit.findings() if each.finding.fingerprint.startswith(begins)] if begins else []
    still = [each.finding for each in found if each.open]
    if len(still) == 1:
        return still[0]
    if still:
        names = ", ".join(each.fingerprint for each in still[:5])
        raise Stop(f"{len(still)} open findings begin with {one_line(name, 20)}: {names}", ExitCode.USAGE)
    over = " (it is over)" if found else ""
    hint = "the ids are the last column of: mcp-monitor findings"
    raise Stop(f"no open finding has the id {one_line(name, 40)}{over}; {hint}", ExitCode.USAGE)


def show_waivers(config: Path, *, ended: bool, as_json: bool) -> int:
    """List what people answer for, by command and by configuration; what ends first stands first."""
    settings, now = open_settings(config, only_store=True), wiring.utc_now()
    configured = wiring.policy(settings.config).waivers
    every, holding = _read(settings, lambda unit: (unit.waivers(), {each.id for each in unit.waivers(now)}))
    states = [(each, _state(each, holding, now)) for each in (*configured, *every)]
    shown = sorted(
        ((each, state) for each, state in states if ended or state == "holds"), key=lambda it: it[0].expires_at
    )
    if as_json:
        show_json([_json(each, state) for each, state in shown])
    else:
        show_table(HEADER, [_row(each, state) for each, state in shown], empty="Nobody answers for any finding now.")
    return ExitCode.QUIET


def undo_one(config: Path, waiver: str) -> int:
    """Take a waiver back, whoever gave it."""
    settings, now = open_settings(config, only_store=True), wiring.utc_now()
    person, policy = caller(settings.config), wiring.policy(settings.config)

    def undo(unit: UnitOfWork) -> Waiver:
        given = _named_waiver(unit.waivers(now), waiver)
        if not take_back(unit, policy, given, by=person.name, now=now):
            raise Stop(f"{given.id[:SHORT]} does not hold any more", ExitCode.USAGE)
        return given

    given = record(settings, undo)
    say(f"{given.id[:SHORT]}: undone; it was {one_line(answered_words(given), 1200)}")
    return ExitCode.QUIET


def _named_waiver(holding: Sequence[Waiver], name: str) -> Waiver:
    found = [each for each in holding if name.strip() and each.id.startswith(name.strip().lower())]
    if len(found) != 1:
        what = f"{len(found)} waivers begin with" if found else "no waiver that holds has the id"
        hint = "; those of the configuration end there" if not found else ""
        raise Stop(f"{what} {one_line(name, 40)}; see: mcp-monitor waivers{hint}", ExitCode.USAGE)
    return found[0]


def _state(waiver: Waiver, holding: set[str], now: datetime) -> str:
    if waiver.expires_at <= now:
        return "ended"
    return "holds" if not waiver.id or waiver.id in holding else "undone"


def _row(waiver: Waiver, state: str) -> tuple[str, ...]:
    return (
        waiver.id[:SHORT] or "(configured)",
        waiver.kind.value,
        waiver.rule,
        waiver.server,
        waiver.subject,
        waiver.by,
        f"{waiver.expires_at:%Y-%m-%d %H:%M}",
        waiver.reason,
        state,
    )


def _json(waiver: Waiver, state: str) -> dict[str, object]:
    return {
        "id": waiver.id or None,
        "kind": waiver.kind.value,
        "rule": waiver.rule,
        "server": waiver.server,
        "subject": waiver.subject,
        "by": waiver.by,
        "reason": waiver.reason,
        "given_at": waiver.given_at.isoformat() if waiver.given_at else None,
        "expires_at": waiver.expires_at.isoformat(),
        "state": state,
    }


def _read(settings: Settings, work: Callable[[UnitOfWork], T]) -> T:
    return record(settings.reading(), work)
