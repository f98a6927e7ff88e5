"""`submit`, `submissions`, `retire`: a server's way into the registry, and out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from monitor import wiring
from monitor.commands.identity import caller
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, read_registry, recall, record
from monitor.commands.output import note, say, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.action import RetireServer
from monitor.domain.audit import AuditEvent
from monitor.domain.fingerprint import fingerprint
from monitor.domain.people import Person
from monitor.domain.server import Entry
from monitor.domain.stage import Stage
from monitor.domain.submission import Submission
from monitor.domain.text import one_line, visible
from monitor.ending import ExitCode, Stop
from monitor.jobs.decide import Terms, reopened
from monitor.ports.errors import SourceError
from monitor.ports.store import UnitOfWork

LONGEST = 1000
"""Characters of a purpose, a scope, a reason."""
MAX_SCOPES = 50
HEADER = (
    Column("server"),
    Column("what"),
    Column("stage"),
    Column("by"),
    Column("submitted", gives_way=2),
    Column("purpose", gives_way=1),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for, as the command line has it; empty: not said."""

    manifest: Path | None
    fields: Mapping[str, str]
    """name, package, remote, version, repository."""
    owner: str
    tier: int
    purpose: str
    scopes: tuple[str, ...]
    staging: bool


def submit(config: Path, asked: Asked) -> int:
    """Keep the submission; the next run looks at the server, and opens the ticket."""
    settings = open_settings(config, only_store=True)
    person, now = caller(settings.config), wiring.utc_now()
    purpose = _text("--purpose", asked.purpose)
    if len(asked.scopes) > MAX_SCOPES:
        raise Stop(f"--scope: at most {MAX_SCOPES}", ExitCode.USAGE)
    entry = _entry(asked, person)
    assert entry.approval is not None  # noqa: S101 `_entry` asked for a version
    new = Submission(
        entry.server,
        entry.approval.pin,
        purpose,
        tuple(_text("--scope", scope) for scope in asked.scopes),
        person.name,
        now,
        wanted=Stage.STAGING if asked.staging else Stage.APPROVED,
    )
    listed = read_registry(settings).entries
    if taken := _taken(new, listed):
        raise Stop(taken, ExitCode.USAGE)
    terms = Terms(wiring.policy(settings.config), tuple(sorted(settings.config.reviews.writers)), now)
    say(record(settings, lambda unit: _keep(unit, new, terms)))
    return ExitCode.QUIET


def _entry(asked: Asked, person: Person) -> Entry:
    """Read the manifest, or the options, as an entry of the registry would be read. Raises `Stop` with every problem."""
    try:
        found = (
            wiring.manifest_entries(asked.manifest, owner=asked.owner, tier=asked.tier, by=person.name)
            if asked.manifest
            else wiring.proposed_entries(asked.fields, owner=asked.owner, tier=asked.tier, by=person.name)
        )
    except SourceError as error:
        raise Stop(error.detail, ExitCode.USAGE) from error
    if found.problems:
        raise Stop("\n".join(f"{each.name}: {each.message}" for each in found.problems), ExitCode.USAGE)
    wanted = asked.fields.get("package", "")
    entries = [each for each in found.entries if wanted in ("", str(each.server.package))]
    if len(entries) != 1:
        offered = ", ".join(str(each.server.package or each.server.remote) for each in found.entries) or "nothing"
        raise Stop(f"{asked.manifest}: has {offered}; say with --package which of them is asked for", ExitCode.USAGE)
    if entries[0].approval is None:
        raise Stop(f"{asked.manifest}: names no exact version, or is deprecated", ExitCode.USAGE)
    return entries[0]


def _taken(new: Submission, listed: tuple[Entry, ...]) -> str:
    for entry in listed:
        server = entry.server
        same = new.server.package is not None and new.server.package == server.package
        if server.name.casefold() == new.server.name.casefold() or same:
            what = server.package or server.remote
            where = f"in line {entry.line} of the registry"
            return f"{server.name} ({what}) is listed already, {where}: its next version is asked about by itself"
    return ""


def _keep(unit: UnitOfWork, new: Submission, terms: Terms) -> str:
    unit.alone()
    now = terms.now
    before = next((each for each in unit.submissions() if each.server.name == new.server.name), None)
    if before and before.stage not in (Stage.REJECTED, Stage.RETIRED):
        if replace(new, submitted_at=before.submitted_at, by=before.by, stage=before.stage) != before:
            raise Stop(
                f"{new.server.name} was submitted by {before.by} on {before.submitted_at:%Y-%m-%d} in another form, and is "
                f"{before.stage.value}: let that be decided first (mcp-monitor review reject {new.server.name} …)",
                ExitCode.USAGE,
            )
        return f"{new.server.name} was submitted already by {before.by}, and is {before.stage.value}."
    unit.keep_submissions([new])
    detail = {
        "version": str(new.candidate.purl),
        "purpose": new.purpose,
        "scopes": ", ".join(new.scopes),
        "owner": new.server.owner,
        "tier": str(new.server.tier),
    }
    submitted = AuditEvent(now, new.by, "server.submitted", new.server.name, detail)
    decided = [each for each in unit.reviews([new.server.name]) if each.candidate.purl == new.candidate.purl]
    for review in decided:
        # What was decided about this version stays decided, unless somebody asks anew.
        if done := reopened(unit, terms, review, by=new.by, reason=f"submitted again: {new.purpose}"):
            unit.commit(submitted, done[1])
            was = f"{new.candidate.purl}, which was {review.state.value}"
            return (
                f"Submitted {new.server.name} again with {was}. The next run opens a new ticket for it: mcp-monitor run"
            )
    unit.commit(submitted)
    return f"Submitted {new.server.name} with {new.candidate.purl}. The next run looks at it, and opens its ticket: mcp-monitor run"


def show(config: Path, *, as_json: bool) -> int:
    """List what was submitted, oldest first."""
    found = recall(open_settings(config, only_store=True), lambda unit: unit.submissions())
    if as_json:
        show_json([_json(each) for each in found])
    else:
        rows = [
            (
                each.server.name,
                str(each.candidate.purl),
                each.stage.value,
                each.by,
                f"{each.submitted_at:%Y-%m-%d}",
                one_line(each.purpose, 200),
            )
            for each in found
        ]
        show_table(HEADER, rows, empty="Nothing was submitted: mcp-monitor submit --help")
    return ExitCode.QUIET


def _json(submission: Submission) -> dict[str, object]:
    server = submission.server
    return {
        "server": server.name,
        "package": str(server.package) if server.package else None,
        "remote": server.remote,
        "version": submission.candidate.purl.version,
        "stage": submission.stage.value,
        "wanted": submission.wanted.value,
        "by": submission.by,
        "submitted_at": submission.submitted_at.isoformat(),
        "purpose": submission.purpose,
        "scopes": list(submission.scopes),
        "owner": server.owner,
        "tier": server.tier,
    }


def retire(config: Path, server: str, *, reason: str) -> int:
    """Take a server's approval out of the registry, on the word of an approver."""
    settings = open_settings(config, only_store=True)
    person, why, now = caller(settings.config), _text("--reason", reason), wiring.utc_now()
    if person.name not in settings.config.reviews.approvers:
        raise Stop(f"{person.name} is not in reviews.approvers: whoever approves also retires", ExitCode.USAGE)
    writers = settings.config.reviews.writers
    if not writers:
        raise Stop(
            "nothing is configured that writes the registry (reviews.write): take the `approved` block out by hand, and set stage: retired",
            ExitCode.USAGE,
        )
    listed = {entry.server.name: entry for entry in read_registry(settings).entries}
    refuse_unknown([server], listed)
    if listed[server].server.stage is Stage.RETIRED:
        say(f"{server} is retired already.")
        return ExitCode.QUIET

    def keep(unit: UnitOfWork) -> None:
        pin = listed[server].approval
        name = fingerprint("retire", server, pin.pin.fingerprint if pin else "", f"{now:%Y-%m-%d}")
        unit.queue(
            [RetireServer(f"retire:{name}:{writer}", server, person.name, why, writer) for writer in writers], now
        )
        unit.commit(AuditEvent(now, person.name, "server.retired", server, {"reason": why}))

    record(settings, keep)
    say(f"{server} is retired by {person.name}: written by the next delivery (mcp-monitor run deliver).")
    note("Whatever is deployed of it is a finding from then on, and no export allows it.")
    return ExitCode.QUIET


def _text(option: str, text: str) -> str:
    if not 0 < len(text.strip()) <= LONGEST:
        raise Stop(f"{option}: expected a text of at most {LONGEST} characters", ExitCode.USAGE)
    if visible(text.strip()) != text.strip() or {"\n", "\t"} & set(text.strip()):
        raise Stop(f"{option}: expected one line of printable characters, got {one_line(text, 100)}", ExitCode.USAGE)
    return text.strip()
