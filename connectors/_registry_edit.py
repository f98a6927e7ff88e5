"""A decision written into the text of a registry: only the entry that it is about changes, and only what it decides.

The result is read again before anybody gets it: it says exactly what was decided, and everything else as before, or nothing is changed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time

from ruamel.yaml.nodes import MappingNode, SequenceNode

from connectors._registry_entry import APPROVED, ENTRY, PUBLISHER, remote_purl
from connectors._registry_text import parse_registry
from connectors._yaml_edit import Mapped, NotEditable, Value, appended, changed, compose, mapped, rewrite
from monitor.domain.action import ListServer, RetireServer, WritePin
from monitor.domain.provenance import Publisher
from monitor.domain.server import Approval, Entry, Pin, ProvenanceDemand, Registry
from monitor.domain.stage import Stage
from monitor.ports.channels import Change
from monitor.ports.errors import Malformed

ADDRESS = "https://github.com/"


def edit(text: str, change: Change) -> str:
    """Return the text with the decision in it; the same text where it stands there already. Raises `NotEditable`."""
    registry = _read(text)
    match change:
        case WritePin():
            wanted = _pinned(registry, change)
        case ListServer():
            wanted = _listed(registry, change)
        case RetireServer():
            wanted = replace(_entry(registry, change.server), approval=None)
            wanted = replace(wanted, server=replace(wanted.server, stage=Stage.RETIRED))
    present = _named(registry, change.server)
    if present == wanted:
        return text
    edited = _written(text, present, wanted, change)
    _confirm(registry, edited, wanted)
    return edited


def plain(approval: Approval) -> Approval:
    """Return the approval as a registry can hold it: times to the second, and of a publisher what its certificate says of the build."""
    publisher = approval.pin.publisher
    return replace(
        approval,
        pin=replace(approval.pin, publisher=publisher and replace(publisher, signer="")),
        approved_at=_to_the_second(approval.approved_at),
        expires_at=_to_the_second(approval.expires_at),
    )


def _read(text: str) -> Registry:
    try:
        return parse_registry(text.encode(), "the registry")
    except Malformed as error:
        raise NotEditable(f"{error.detail}: mend it first") from error
    except UnicodeEncodeError as error:
        raise NotEditable("the registry: not UTF-8") from error


def _named(registry: Registry, name: str) -> Entry | None:
    return next((each for each in registry.entries if each.server.name == name), None)


def _entry(registry: Registry, name: str) -> Entry:
    """Return the entry of that name. Raises NotEditable where it is not there, or cannot be read."""
    if found := _named(registry, name):
        return found
    for problem in registry.problems:
        if problem.name == name:
            raise NotEditable(f"line {problem.line}: {problem.name}: {problem.message}: mend the entry first")
    raise NotEditable(f"{name} is not listed there: list it, or withdraw the decision")


def _pinned(registry: Registry, change: WritePin) -> Entry:
    """Return the entry as it has to be. What stands there, and was not what was reviewed, is never written over."""
    entry = _entry(registry, change.server)
    wanted = plain(change.approval)
    if entry.server.stage is Stage.RETIRED:
        raise NotEditable(f"line {entry.line}: {change.server} is retired: change its stage first")
    package = entry.server.package or remote_purl(entry.server.name)
    if wanted.pin.purl.package != package:
        raise NotEditable(f"line {entry.line}: {change.server} is {package} there, and {wanted.pin.purl} was approved")
    present = entry.approval
    if present is None:
        if change.before:
            raise NotEditable(_other(entry, "nothing", change))
        return replace(entry, approval=wanted)
    if _stands(present, wanted, change.before):
        return entry
    if str(present.pin.purl) != change.before:
        same = present.pin.purl == wanted.pin.purl and present.pin.digests in (frozenset(), wanted.pin.digests)
        if not same:
            raise NotEditable(_other(entry, _shown(present.pin), change))
    return replace(entry, approval=wanted)


def _stands(present: Approval, wanted: Approval, before: str) -> bool:
    """Whether nothing is left to do: somebody pinned the same by hand for as long, or approved it again since."""
    if present.pin != wanted.pin:
        return False
    if present == wanted:
        return True
    since = present.approved_at and wanted.approved_at and present.approved_at > wanted.approved_at
    if before == str(wanted.pin.purl):
        return bool(since)
    longer = present.expires_at and wanted.expires_at and wanted.expires_at > present.expires_at
    return bool(since) or not longer


def _other(entry: Entry, present: str, change: WritePin) -> str:
    before = change.before or "nothing"
    return (
        f"line {entry.line}: {change.server}: the registry approves {present}; {_shown(change.approval.pin)} was approved"
        f" in place of {before}: somebody changed it meanwhile, decide anew"
    )


def _shown(pin: Pin) -> str:
    digests = ", ".join(sorted(map(str, pin.digests)))
    return f"{pin.purl} ({digests})" if digests else str(pin.purl)


def _listed(registry: Registry, change: ListServer) -> Entry:
    """Return the entry as it has to be; one that is there may only go on to another stage."""
    approval = change.entry.approval and plain(change.entry.approval)
    wanted = replace(change.entry, approval=approval)
    present = _named(registry, change.server)
    if present is None:
        if any(problem.name == change.server for problem in registry.problems):
            return _entry(registry, change.server)  # raises, naming the line
        return wanted
    if replace(present.server, stage=wanted.server.stage) != wanted.server:
        raise NotEditable(
            f"line {present.line}: {change.server} is listed there otherwise: compare the two, edit it by hand"
        )
    if present.approval and present.approval.pin != (approval and approval.pin):
        raise NotEditable(
            f"line {present.line}: {change.server}: the registry approves {_shown(present.approval.pin)} already"
        )
    return replace(wanted, line=present.line, approval=present.approval or approval)


def _written(text: str, present: Entry | None, wanted: Entry, change: Change) -> str:
    root = mapped(text, compose(text))
    servers = root.pairs["servers"].value
    if present is None:
        return changed(text, [appended(text, servers, _as_entry(wanted))])
    within = _find(text, servers, present)
    values: dict[str, Value] = {}
    gone: list[str] = []
    if wanted.approval and wanted.approval != present.approval:
        values["approved"] = _as_approval(wanted.approval)
    if wanted.server.stage is not present.server.stage:
        values["stage"] = wanted.server.stage.value
        gone += ["retired"]
    if isinstance(change, RetireServer):
        gone = ["approved"]
        values["retired"] = {"by": change.by} | ({"reason": change.reason} if change.reason else {})
    return changed(text, rewrite(within, values, ENTRY, gone))


def _find(text: str, servers: object, entry: Entry) -> Mapped:
    """Return the entry's mapping: by line and name, since one line may hold many, and one name may stand twice."""
    for node in servers.value if isinstance(servers, SequenceNode) else ():
        if isinstance(node, MappingNode) and node.start_mark.line + 1 == entry.line:
            within = mapped(text, node)
            if within.text_of("name").strip() == entry.server.name:
                return within
    raise NotEditable(f"line {entry.line}: {entry.server.name} is an alias (*): write it out, or edit it by hand")


def _confirm(before: Registry, edited: str, wanted: Entry) -> None:
    """Raise NotEditable unless the edited text says what was wanted, and of everything else what it said before."""
    after = _read(edited)
    name = wanted.server.name
    written = _named(after, name)
    if written is None:
        wrong = "; ".join(each.message for each in after.problems if each.name == name)
        raise NotEditable(f"{name} could not be read again: {wrong or 'it would not be there'}")
    if replace(written, line=0) != replace(wanted, line=0):
        raise NotEditable(f"{name} would not read as it was decided: edit it by hand")
    if _others(before, name) != _others(after, name) or len(before.problems) != len(after.problems):
        raise NotEditable(f"writing {name} would change another entry: edit it by hand")


def _others(registry: Registry, name: str) -> list[Entry]:
    return [replace(each, line=0) for each in registry.entries if each.server.name != name]


def _as_entry(entry: Entry) -> Mapping[str, Value]:
    server = entry.server
    values: dict[str, Value] = {
        "name": server.name,
        "package": str(server.package or ""),
        "remote": server.remote or "",
        "repository": ADDRESS + server.repository.label if server.repository else "",
        "owner": server.owner,
        "tier": str(server.tier),
        "provenance": _unless(server.provenance, ProvenanceDemand.NO_DOWNGRADE),
        "dependencies": server.dependencies,
        "arguments": server.arguments,
        "stage": _unless(server.stage, Stage.APPROVED),
        "approved": _as_approval(entry.approval) if entry.approval else "",
    }
    return {name: value for name, value in values.items() if value}


def _unless(value: ProvenanceDemand | Stage, ordinary: ProvenanceDemand | Stage) -> str:
    return "" if value is ordinary else value.value


def _as_approval(approval: Approval) -> Mapping[str, Value]:
    pin = approval.pin
    values: dict[str, Value] = {
        "version": pin.purl.version or "",
        "digests": sorted(map(str, pin.digests)),
        "publisher": _as_publisher(pin.publisher) if pin.publisher else "",
        "by": approval.approved_by,
        "on": _as_moment(approval.approved_at),
        "expires": _as_moment(approval.expires_at),
        "ticket": approval.ticket,
    }
    return {name: values[name] for name in APPROVED if values[name]}


def _as_publisher(publisher: Publisher) -> Mapping[str, Value]:
    values = {name: str(getattr(publisher, name)) for name in PUBLISHER}
    return {name: value for name, value in values.items() if value}


def _to_the_second(at: datetime | None) -> datetime | None:
    return at and at.astimezone(UTC).replace(microsecond=0)


def _as_moment(at: datetime | None) -> str:
    if at is None:
        return ""
    return f"{at:%Y-%m-%d}" if at.time() == time() else f"{at:%Y-%m-%dT%H:%M:%SZ}"
