"""Doctor: asks each part of an installation what the jobs would ask it, and says what to do about what fails."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor import wiring
from monitor.app import App
from monitor.domain.advisory import Question
from monitor.domain.purl import Purl
from monitor.domain.server import Registry
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import ADVISORY_TYPES
from monitor.ports.buttons import ButtonSource
from monitor.ports.channels import AlertChannel, CheckpointKeeper, EventSink, RegistryWriter, TicketTracker
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import (
    AdvisoryMirror,
    AdvisorySource,
    DeploymentSource,
    Fresh,
    ReleaseSource,
    RiskSource,
)
from monitor.settings import Settings
from monitor.wiring import StoreError


class Status(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """What was found of one part, and what to do (empty: nothing)."""

    status: Status
    part: str
    found: str
    remedy: str = ""


async def examine(app: App, settings: Settings, *, said_by: Mapping[str, str]) -> AsyncIterator[Line]:
    """Examine everything, line by line. `said_by`: who named each source's address, for people."""
    yield Line(Status.OK, "configuration", str(settings.path))
    for line in (*_waivers(settings, app.clock()), *_deciding(settings), *_database(app), *_roots(app)):
        yield line
    registry: Registry | None = None
    try:
        registry = app.registry.read()
        for line in _registry(registry):
            yield line
    except SourceError as error:
        yield Line(
            Status.FAIL, "registry", str(error), f"Put the list of approved servers at {settings.config.registry.path}."
        )
    examples = _examples(registry)
    async with app.edge.session():
        for kind in ("npm", "pypi", "github"):
            source = app.releases.get(kind)
            yield await _source(kind, source, examples.get(kind), said_by.get(kind, ""))
        async for line in _lists(app, [*examples.values()]):
            yield line
        for inventory in app.deployments:
            yield await _inventory(inventory)
        async for line in _channels(app, settings):
            yield line
    if "github" in examples and "github" in app.releases and not settings.secret("sources.github.token"):
        variable = settings.config.sources.github.token_env or "a variable"
        yield Line(
            Status.WARN,
            "github",
            "no token: 60 requests an hour",
            f"Set {variable} to a token without any permission (sources.github.token_env).",
        )


def _waivers(settings: Settings, now: datetime) -> Iterator[Line]:
    for ended in settings.ended_waivers(now):
        yield Line(Status.WARN, "waivers", ended, "Decide again: set a new end, or remove the waiver.")


def _deciding(settings: Settings) -> Iterator[Line]:
    """Say what keeps people from deciding, although they are named for it."""
    config = settings.config
    reviews, tracker = config.reviews, bool(config.jira.url)
    if not reviews.approvers:
        return
    if tracker and not config.jira.statuses.approved and not config.jira.approvals:
        remedy = "Name the deciding statuses in [jira.statuses], or set jira.approvals for a service desk."
        yield Line(Status.WARN, "reviews", "no status of Jira approves anything", remedy)
    mute = [
        name
        for name in reviews.approvers
        if not ((tracker and config.people[name].jira) or config.people[name].account)
    ]
    if mute:
        remedy = "Add `jira`, their account id there, or `account`, theirs on this machine, to [people.NAME]."
        yield Line(Status.WARN, "reviews", f"nothing tells a word of {', '.join(mute)}'s as theirs", remedy)
    if not reviews.writers:
        remedy = "Set reviews.write to file or pull-request, or write the new pins by hand."
        yield Line(Status.WARN, "reviews", "what is approved is written nowhere", remedy)


def _database(app: App) -> Iterator[Line]:
    try:
        found, needed = app.store.schema()
    except StoreError as error:
        yield Line(
            Status.FAIL, "database", str(error), "Check store.url, that it runs, and that this user may write it."
        )
        return
    if found == needed:
        yield Line(Status.OK, "database", f"schema {found}")
    else:
        remedy = "Upgrade the program." if found > needed else "Run: mcp-monitor migrate"
        yield Line(Status.FAIL, "database", f"schema {found or 'none'}, this program needs {needed}", remedy)


def _roots(app: App) -> Iterator[Line]:
    try:
        roots = app.verifier.roots()
    except (OSError, ValueError, SourceError) as error:
        yield Line(Status.FAIL, "trust roots", str(error), "Correct [verification], or leave its options empty.")
        return
    if not roots:
        yield Line(
            Status.FAIL, "trust roots", "there are none", "Install the program anew, or name some in [verification]."
        )
    for root in roots:
        age = app.clock() - root.dated
        found = f"{root.name} of {root.dated:%Y-%m-%d}, {age.days} days old, {root.origin}"
        if age > app.policy.roots_old_after:
            remedy = (
                "Set verification.folder, and run: mcp-monitor roots refresh; or upgrade the program, "
                "or name a newer file in [verification]."
            )
            yield Line(Status.WARN, "trust roots", f"{found}: what is younger cannot be told", remedy)
        else:
            yield Line(Status.OK, "trust roots", found)


def _registry(registry: Registry) -> Iterator[Line]:
    approved = sum(entry.approval is not None for entry in registry.entries)
    status = Status.OK if registry.entries else Status.WARN
    yield Line(
        status,
        "registry",
        f"{registry.path}: {len(registry.entries)} servers, {approved} of them approved",
        "" if registry.entries else "Add a server; registry.example.yaml shows how.",
    )
    for problem in registry.problems:
        where = f"{registry.path}, line {problem.line}: {problem.name}"
        yield Line(
            Status.FAIL, "registry", f"{where}: {problem.message}", "Correct the entry: until then it is not watched."
        )


def _examples(registry: Registry | None) -> dict[str, Purl]:
    """Return one package of each type that the registry lists, approved version and all."""
    found: dict[str, Purl] = {}
    for entry in registry.entries if registry else ():
        if entry.server.package:
            found.setdefault(
                entry.server.package.type, entry.approval.pin.purl if entry.approval else entry.server.package
            )
        if entry.server.repository:
            found.setdefault(entry.server.repository.type, entry.server.repository)
    return found


async def _source(kind: str, source: ReleaseSource | None, example: Purl | None, said_by: str) -> Line:
    if source is None:
        remedy = f"Set sources.{kind}.enabled = true." if example else ""
        return Line(Status.WARN if example else Status.OK, kind, "switched off", remedy)
    if example is None:
        return Line(Status.OK, kind, f"not asked: no listed server comes from it{_from(said_by)}")
    try:
        answer = await source.listing(example.package, {})
    except SourceError as error:
        status = Status.WARN if isinstance(error, NotFound) else Status.FAIL
        return Line(status, kind, f"{error}{_from(said_by)}", _remedy(error, kind))
    count = f"{len(answer.value.releases)} releases" if isinstance(answer, Fresh) else "unchanged"
    return Line(Status.OK, kind, f"{example.label}: {count}{_from(said_by)}")


def _from(said_by: str) -> str:
    return f" (address from {said_by})" if said_by else ""


def _remedy(error: SourceError, kind: str) -> str:
    match error:
        case Denied():
            return f"Check the credentials: sources.{kind}.token_env, or those of the installer's own configuration."
        case Malformed():
            return f"Check that sources.{kind}.url is such a registry; a mirror may lack what is needed."
        case NotFound():
            return "Check the package's name in the registry file, and that this address serves it."
        case Unavailable() | SourceError():
            return f"Check the network, HTTPS_PROXY and NO_PROXY, and sources.{kind}.url."


async def _lists(app: App, examples: list[Purl]) -> AsyncIterator[Line]:
    """What is not about one package: advisories, their mirror, risks."""
    if not app.advisories:
        remedy = "Switch a source on: [sources.osv] or [sources.osv_mirror]."
        yield Line(Status.FAIL, "advisories", "nobody is asked", remedy)
    if app.mirror:
        yield await _mirror(app.mirror)
    for database in app.advisories:
        yield await _advisories(database, examples)
    for source in app.risks:
        yield await _risks(source)


async def _advisories(source: AdvisorySource, versions: list[Purl]) -> Line:
    name = source.name
    repository = next((each for each in versions if each.type == "github"), None)
    asked = [Question(each, repository) for each in versions if each.version and each.type in ADVISORY_TYPES]
    if not asked:
        return Line(Status.OK, name, "not asked: no approved package")
    answers = await source.match(asked)
    unknown = next((answer for answer in answers.values() if isinstance(answer, Unknown)), None)
    if unknown and unknown.reason is Reason.NOT_COVERED:
        return Line(Status.OK, name, f"not asked: {unknown.detail}")
    if unknown:
        section = "github_advisories" if name.startswith("github") else name
        remedy = f"Check [sources.{section}], and the network, HTTPS_PROXY and NO_PROXY where it is an address."
        return Line(Status.FAIL, name, str(unknown), remedy)
    count = sum(len(answer) for answer in answers.values() if not isinstance(answer, Unknown))
    return Line(Status.OK, name, f"asked about {len(asked)} packages: {count} advisories")


async def _mirror(mirror: AdvisoryMirror) -> Line:
    state = await mirror.state()
    if isinstance(state, Unknown):
        return Line(Status.FAIL, mirror.name, state.detail, "Run: mcp-monitor run mirror")
    when = f"compared on {state.compared_at:%Y-%m-%d %H:%M} UTC, as a whole on {state.whole_at:%Y-%m-%d}"
    return Line(Status.OK, mirror.name, f"{state.records} records, {when}")


async def _risks(source: RiskSource) -> Line:
    try:
        answer = await source.read({})
    except SourceError as error:
        return Line(
            Status.WARN, source.name, str(error), f"Check [sources.{source.name}] place; empty switches it off."
        )
    table = answer.value if isinstance(answer, Fresh) else None
    count = f"{len(table.exploited) + len(table.epss)} flaws, of {table.as_of:%Y-%m-%d}" if table else "unchanged"
    return Line(Status.OK, source.name, count)


async def _inventory(source: DeploymentSource) -> Line:
    try:
        seen = await source.inventory()
    except SourceError as error:
        return Line(Status.FAIL, "inventory", str(error), "Check [[inventory]]: the path, and who may read it.")
    found = f"{source.name}: {len(seen.deployments)} deployments"
    if seen.problems:
        return Line(
            Status.WARN,
            "inventory",
            f"{found}, {len(seen.problems)} unreadable; {seen.problems[0]}",
            "Correct the entries.",
        )
    return Line(Status.OK, "inventory", found)


async def _channels(app: App, settings: Settings) -> AsyncIterator[Line]:
    """Everybody who is told, and everything that is written to."""
    yield await _channel("tickets", app.tickets)
    yield await _channel("alerts", app.alerts)
    if settings.config.slack.buttons:
        yield await _buttons(wiring.button_source(settings))
    for writer in app.writers.values():
        yield await _channel("decisions", writer)
    for sink in app.sinks.values():
        yield await _channel("events", sink)
    if app.checkpoints:
        yield await _channel("checkpoints", app.checkpoints)


async def _buttons(source: ButtonSource | None) -> Line:
    if source is None:
        remedy = "Set the variable that slack.app_token_env names to a token xapp-…, or slack.buttons to false."
        return Line(Status.FAIL, "buttons", "no app-level token", remedy)
    return await _channel("buttons", source)


async def _channel(
    part: str, channel: TicketTracker | AlertChannel | ButtonSource | RegistryWriter | EventSink | CheckpointKeeper
) -> Line:
    try:
        found = await channel.probe()
    except SourceError as error:
        sections = {
            "decisions": "reviews",
            "events": "siem",
            "checkpoints": "audit",
            "tickets": "jira",
            "alerts": "slack",
            "buttons": "slack",
        }
        return Line(Status.FAIL, part, str(error), f"Correct [{sections[part]}].")
    return Line(Status.OK, part, found)
