"""`advisories` and `exposure`: what names the versions now, and who had one, from what is kept."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from monitor import wiring
from monitor.commands.moments import moment
from monitor.commands.opening import open_settings, recall
from monitor.commands.output import finding_json, note, say, show_json, show_table, worst_first
from monitor.commands.table import Column
from monitor.domain.exposure import Exposure, Window
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop
from monitor.jobs.expose import Exposed, about_advisory, about_versions, expose
from monitor.jobs.overview import NAMED_BY_ADVISORIES
from monitor.jobs.recall import sources_of
from monitor.ports.store import UnitOfWork

RULES = (*NAMED_BY_ADVISORIES, "risk-changed")
HEADER = (
    Column("severity"),
    Column("server"),
    Column("what"),
    Column("fixed in"),
    Column("approved fix", gives_way=1),
    Column("deployed on", gives_way=2),
    Column("since", gives_way=3),
)
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


def show_advisories(config: Path, *, servers: Sequence[str], as_json: bool) -> int:
    """List the open findings that come from advisories, and who was asked when."""
    settings = open_settings(config, only_store=True)
    found, health, lists, unresolved = recall(settings, partial(_kept, databases=wiring.databases(settings)))
    shown = worst_first([each for each in found if not servers or each.finding.server in servers])
    if as_json:
        sources = {each.source: _health_json(each) for each in health}
        days = {name: as_of.date().isoformat() for name, (as_of, _) in lists.items()}
        show_json(
            {
                "advisories": [finding_json(each) for each in shown],
                "sources": sources,
                "risks_as_of": days,
                "not_resolved": unresolved,
            }
        )
        return ExitCode.QUIET
    show_table(
        HEADER,
        [_row(each) for each in shown],
        empty="No advisory names a version that is approved, deployed or under review.",
    )
    for each in health:
        answered = f"answered {each.answered_at:%Y-%m-%d %H:%M} UTC" if each.answered_at else "never answered"
        say(f"{each.source}: {answered}" + (f"; now: {one_line(each.detail, 500)}" if each.failing_since else ""))
    for name, (as_of, _) in lists.items():
        say(f"{name}: of {as_of:%Y-%m-%d}")
    if not health:
        note("No advisory source was ever asked: mcp-monitor run")
    if unresolved:
        note(
            f"Not looked at: {sum(unresolved.values())} declared dependencies of no known version; name a lock file or an SBOM."
        )
    return ExitCode.QUIET


def _kept(
    unit: UnitOfWork, databases: Collection[str]
) -> tuple[list[Tracked], list[SourceHealth], dict[str, tuple[datetime, object]], dict[str, int]]:
    found = [each for each in unit.findings() if each.open and each.finding.rule in RULES]
    asked = [each for name, each in sorted(unit.health().items()) if name in databases]
    entries = unit.entries().values()
    pins = [entry.approval.pin.purl for entry in entries if entry.approval and sources_of(entry.server)]
    brought = unit.dependencies(pins).values()
    unresolved = {str(each.of): len(each.unresolved) for each in brought if each.unresolved}
    return found, asked, dict(unit.risk_lists()), unresolved


def show_exposure(config: Path, what: str, *, between: tuple[str, str] | None, as_json: bool) -> int:
    """Answer who had it from history; exit code 1 if somebody had, 3 if nothing could be known."""
    window = Window(_begin(between[0]), _end(between[1])) if between else Window()
    if window.begin and window.end and window.end < window.begin:
        raise Stop("--between: expected the earlier time first", ExitCode.USAGE)
    answer = recall(open_settings(config, only_store=True), lambda unit: _answer(unit, what, window))
    gaps = list(_gaps(answer, window))
    if as_json:
        show_json(_json(answer, gaps))
    else:
        _show(answer)
    for gap in gaps:
        note(gap)
    if answer.exposures:
        return ExitCode.FINDINGS
    return ExitCode.QUIET if answer.known_since else ExitCode.UNCHECKED


def _answer(unit: UnitOfWork, what: str, window: Window) -> Exposed:
    if what.startswith("pkg:"):
        try:
            return expose(unit, about_versions(what), window)
        except ValueError as error:
            raise Stop(one_line(f"{what}: {error}", 1000), ExitCode.USAGE) from error
    asked = about_advisory(unit, what)
    if asked is None:
        way_out = "ask about its versions: mcp-monitor exposure 'pkg:npm/NAME@>=1.0,<1.2'"
        raise Stop(
            f"no record named {one_line(what, 200)} is kept: it named nothing that was asked about; {way_out}",
            ExitCode.UNCHECKED,
        )
    return expose(unit, asked, window)


def _gaps(answer: Exposed, window: Window) -> Sequence[str]:
    """What the answer cannot know."""
    if answer.known_since is None:
        return ("No inventory was ever read: who ran it is not known.",)
    said = []
    if window.begin is None or window.begin < answer.known_since:
        said.append(
            f"What ran before {answer.known_since:%Y-%m-%d %H:%M} UTC is not known: then the first inventory was read."
        )
    if answer.undecided:
        said.append(
            f"{answer.undecided} of these float, or are of a version that cannot be compared: it is not known whether they had it."
        )
    return said


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
        " > ".join((*why.path[:-1], f"{why.culprit.label} {why.culprit.version}")) if why.path else "",
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


def _row(tracked: Tracked) -> tuple[str, ...]:
    facts = {fact.label: fact.value for fact in tracked.finding.facts}
    return (
        tracked.finding.severity.value,
        tracked.finding.server,
        tracked.finding.summary,
        facts.get("fixed in", ""),
        facts.get("approved fix", ""),
        facts.get("deployed on", ""),
        f"{tracked.opened_at:%Y-%m-%d}",
    )


def _health_json(health: SourceHealth) -> dict[str, object]:
    return {
        "answered_at": health.answered_at.isoformat() if health.answered_at else None,
        "failing_since": health.failing_since.isoformat() if health.failing_since else None,
        "detail": health.detail or None,
    }
