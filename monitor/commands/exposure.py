"""`exposure`: who had a version, where, from when to when, by which path, and what was done: from what is kept."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from monitor import wiring
from monitor.commands.moments import moment
from monitor.commands.opening import open_settings, recall
from monitor.commands.output import finding_json, note, say, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.exposure import Exposure, Window
from monitor.domain.finding import Tracked
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop
from monitor.jobs.expose import Exposed, about_advisory, about_versions, expose
from monitor.ports.store import UnitOfWork

EXPOSURES = (
    Column("had it"),
    Column("where"),
    Column("version"),
    Column("path", gives_way=1),
    Column("from"),
    Column("until"),
    Column("place", gives_way=2),
)

LONGEST_LINE = 2000
"""Of what was done: ids, versions and notes have a length, what strangers wrote may have any."""
NAMED = 5
"""Versions in one sentence."""


def show_exposure(config: Path, what: str, *, between: tuple[str, str] | None, as_json: bool) -> int:
    """Answer who had it from history; exit code 1 if somebody had, 3 if that is not known."""
    window = Window(_begin(between[0]), _end(between[1])) if between else Window()
    if window.begin and window.end and window.end < window.begin:
        raise Stop("--between: expected the earlier time first", ExitCode.USAGE)
    settings = open_settings(config, only_store=True)
    inventories = [source.name for source in wiring.inventories(settings, Path.home())]
    answer = recall(settings, partial(_answer, what=what, window=window, inventories=inventories))
    gaps = list(_gaps(answer, window))
    if as_json:
        show_json(_json(answer, gaps))
    else:
        _show(answer)
    for gap in gaps:
        note(gap)
    if len(answer.exposures) > answer.undecided:
        return ExitCode.FINDINGS
    return ExitCode.UNCHECKED if _blind(answer, window) else ExitCode.QUIET


def _answer(unit: UnitOfWork, *, what: str, window: Window, inventories: Sequence[str]) -> Exposed:
    if what.startswith("pkg:"):
        try:
            return expose(unit, about_versions(what), window, inventories=inventories)
        except ValueError as error:
            raise Stop(one_line(f"{what}: {error}", 1000), ExitCode.USAGE) from error
    asked = about_advisory(unit, what)
    if asked is None:
        way_out = "ask about its versions: mcp-monitor exposure 'pkg:npm/NAME@>=1.0,<1.2'"
        raise Stop(
            f"no record named {one_line(what, 200)} is kept: it named nothing that was asked about; {way_out}",
            ExitCode.UNCHECKED,
        )
    return expose(unit, asked, window, inventories=inventories)


def _blind(answer: Exposed, window: Window) -> bool:
    """Whether somebody may have had it who is not among those of whom it is certain. A question without a time is about what is known."""
    if answer.known_since is None or (window.begin is not None and window.begin < answer.known_since):
        return True
    return bool(answer.undecided or answer.unread or answer.unresolved)


def _gaps(answer: Exposed, window: Window) -> Iterator[str]:
    """Yield what the answer cannot know."""
    if answer.known_since is None:
        yield "No inventory was ever read: who ran it is not known."
    elif window.begin is None or window.begin < answer.known_since:
        yield f"What ran before {answer.known_since:%Y-%m-%d %H:%M} UTC is not known: then the first inventory was read."
    for each in answer.unread if answer.known_since else ():
        yield f"What {each.source} holds now is not known: {one_line(each.detail, 300)}"
    if answer.undecided:
        yield (
            f"{answer.undecided} of these float, or are of a version that cannot be compared, or declare it without one: "
            "it is not known whether they had it."
        )
    if answer.unresolved:
        named = ", ".join(f"{each.label} {each.version or '(floats)'}" for each in answer.unresolved[:NAMED])
        more = f" and {len(answer.unresolved) - NAMED} more" if len(answer.unresolved) > NAMED else ""
        yield f"What all these bring along is not known: {one_line(named, 600)}{more}; name a lock file or an SBOM."


def _show(answer: Exposed) -> None:
    rows = [_exposure_row(each) for each in answer.exposures]
    show_table(EXPOSURES, rows, empty=f"Nobody is known to have had {one_line(answer.asked.words, LONGEST_LINE)}.")
    if answer.findings or answer.reviews:
        say("")
        say("What was done:")
    for each in sorted(answer.findings, key=lambda each: each.opened_at):
        say(f"  {one_line(_done(each), LONGEST_LINE)}")
    for review, ticket in answer.reviews:
        where = f" in {ticket}" if ticket else ""
        done = f"{review.opened_at:%Y-%m-%d %H:%M} review of {review.candidate.purl}{where}: {review.state.value}"
        say(f"  {one_line(done, LONGEST_LINE)}")


def _exposure_row(exposure: Exposure) -> tuple[str, ...]:
    why = exposure.bringing
    kind = exposure.kind if why.certain else f"perhaps {exposure.kind}"
    return (
        f"{kind}, disabled" if exposure.disabled else kind,
        exposure.where,
        f"{why.version.label} {why.version.version or 'floats'}",
        " > ".join((*why.path[:-1], why.declared or f"{why.culprit.label} {why.culprit.version}")) if why.path else "",
        f"{exposure.since:%Y-%m-%d %H:%M}",
        f"{exposure.until:%Y-%m-%d %H:%M}" if exposure.until else "now",
        exposure.place,
    )


def _done(tracked: Tracked) -> str:
    finding = tracked.finding
    told = f", told {tracked.alerted_at:%Y-%m-%d %H:%M} ({tracked.told})" if tracked.alerted_at else ""
    over = f", over {tracked.resolved_at:%Y-%m-%d %H:%M}" if tracked.resolved_at else ", open"
    because = f": {tracked.note}" if tracked.note else ""
    return f"{tracked.opened_at:%Y-%m-%d %H:%M} {finding.rule} found for {finding.server} ({finding.subject}){told}{over}{because}"


def _json(answer: Exposed, gaps: Sequence[str]) -> dict[str, object]:
    return {
        "asked": answer.asked.words,
        "exposures": [
            {
                "kind": each.kind,
                "certain": each.bringing.certain,
                "where": each.where,
                "place": each.place,
                "version": str(each.bringing.version),
                "culprit": str(each.bringing.culprit),
                "path": list(each.bringing.path),
                "path_source": each.bringing.source or None,
                "declared": each.bringing.declared or None,
                "since": each.since.isoformat(),
                "until": each.until.isoformat() if each.until else None,
                "seen_at": each.seen_at.isoformat(),
                "disabled": each.disabled,
            }
            for each in answer.exposures
        ],
        "findings": [_finding_json(each) for each in answer.findings],
        "reviews": [
            {
                "server": review.server,
                "version": str(review.candidate.purl),
                "state": review.state.value,
                "opened_at": review.opened_at.isoformat(),
                "ticket": ticket,
            }
            for review, ticket in answer.reviews
        ],
        "not_known": list(gaps),
    }


def _finding_json(tracked: Tracked) -> dict[str, object]:
    told_at = tracked.alerted_at.isoformat() if tracked.alerted_at else None
    return finding_json(tracked) | {"told_at": told_at, "told": tracked.told or None}


def _begin(text: str) -> datetime:
    return moment(text, "--between")[0]


def _end(text: str) -> datetime:
    """A day ends at its end."""
    end, is_day = moment(text, "--between")
    return end + timedelta(days=1) - timedelta(microseconds=1) if is_day else end
