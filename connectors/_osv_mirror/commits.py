"""Deciding commits by what a record itself says. Between the commits that it names lies the repository's history, which is not here."""

from collections.abc import Iterable

from connectors._osv_mirror.entry import Commits
from connectors._osv_shape import bounds


def is_named(ranges: Iterable[Commits], commit: str, tag: str | None) -> bool | None:
    """Whether the ranges, joined by "or", hold the commit (lower-case hex), or list its tag; None: the history decides."""
    answers = {_within(each, commit, tag) for each in ranges}
    return True if True in answers else None if None in answers else False


def _within(each: Commits, commit: str, tag: str | None) -> bool | None:
    if tag is not None and tag in each.tags:
        return True
    events = {(kind, at.lower()) for event in each.events for kind, at in bounds(event).items()}
    kinds = {kind for kind, at in events if at == commit}
    if kinds & {"fixed", "limit"}:
        return False
    if kinds:
        return True
    everything = events == {("introduced", "0")}  # from the first commit on, and for ever
    return True if everything else None
