"""Servers that somebody asked for: watched like listed ones, with an empty baseline, until they are listed or refused."""

from collections.abc import Collection
from dataclasses import replace

from monitor.domain.action import ListServer
from monitor.domain.audit import AuditEvent
from monitor.domain.lookalike import Names
from monitor.domain.review import Review, State
from monitor.domain.server import Approval, Entry, Registry
from monitor.domain.stage import Stage
from monitor.domain.submission import Submission
from monitor.jobs.standing import listing_key
from monitor.ports.store import UnitOfWork

WATCHED = frozenset({Stage.SUBMITTED, Stage.IN_REVIEW, Stage.STAGING, Stage.APPROVED})
"""An approved one, too, until the registry has it."""


def with_submitted(unit: UnitOfWork, registry: Registry) -> Registry:
    """Return the registry with the servers that wait to be listed; who is listed already is watched as listed."""
    listed = {entry.server.name for entry in registry.entries} | {problem.name for problem in registry.problems}
    waiting = [
        Entry(each.server, None, 0)
        for each in unit.submissions()
        if each.stage in WATCHED and each.server.name not in listed
    ]
    return replace(registry, entries=(*registry.entries, *waiting)) if waiting else registry


def submitted(unit: UnitOfWork, servers: Collection[str]) -> dict[str, Submission]:
    """Return which of these servers were submitted and are not listed yet, each with the listed one that it may be mistaken for."""
    asked = [each for each in unit.submissions() if each.stage in WATCHED and each.server.name in servers]
    listed = unit.entries() if asked else {}
    waiting = [each for each in asked if each.server.name not in listed]
    if not waiting:
        return {}
    names = Names.of(entry.server for entry in listed.values())
    return {each.server.name: replace(each, resembles=_resembles(names, each)) for each in waiting}


def _resembles(names: Names, submission: Submission) -> str:
    near = names.nearest_to(submission.server)
    return f"{near.server.name}: {near.how}" if near and near.lookalike else ""


def listings(submission: Submission, review: Review, approval: Approval, writers: list[str]) -> list[ListServer]:
    """Return what lists the server as it was approved."""
    entry = entry_of(submission, approval)
    return [ListServer(f"{listing_key(review)}:{name}", review.server, entry, name) for name in writers]


def entry_of(submission: Submission, approval: Approval) -> Entry:
    """Return the entry of a submitted server that was approved."""
    return Entry(replace(submission.server, stage=submission.wanted), approval, 0)


def moved_on(submission: Submission, review: Review, by: str) -> tuple[Submission, AuditEvent] | None:
    """Return the submission at the stage to which a review brought it, and what is audited; None: it stays where it is."""
    match review.state:
        case State.APPROVED:
            stage = submission.wanted
        case State.REJECTED:
            stage = Stage.REJECTED
        case State.TICKETED | State.IN_REVIEW:
            stage = Stage.IN_REVIEW
        case State.DETECTED | State.SUPERSEDED | State.WITHDRAWN:
            return None
    if stage is submission.stage:
        return None
    at = max((vote.at for vote in review.votes), default=review.opened_at)
    detail = {"from": submission.stage.value, "version": str(review.candidate.purl), "ticket": review.ticket}
    return submission.at(stage), AuditEvent(at, by, f"server.{stage.value}", submission.server.name, detail)
