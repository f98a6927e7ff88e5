"""What an issue's history says: who wrote its text, and who decided, before or after it showed what it shows now.

The order is the history's own; no two clocks are compared.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-changelog-get
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from connectors._jira_site import Person, Site
from monitor.ports.errors import Malformed

Text = Literal["summary", "description"]
TEXT: tuple[Text, ...] = ("summary", "description")
PAGE, PAGES = 100, 50


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """One field that was changed. Cloud names it by its id, too."""

    field: str = ""
    field_id: str | None = None
    to: str | None = None
    to_string: str | None = None

    @property
    def name(self) -> str:
        """The field."""
        return self.field_id or self.field


class Entry(msgspec.Struct, frozen=True):
    """A change: one author, some fields. Automation may have no author."""

    id: str
    created: str
    items: list[Item] = []
    author: Person | None = None

    @property
    def by(self) -> str:
        """The id of the author; empty: not told."""
        return self.author.id if self.author else ""

    def touches(self, text: str) -> bool:
        """Whether it changed that field."""
        return any(item.name == text for item in self.items)


class Histories(msgspec.Struct, frozen=True):
    """The whole history, as Data Center shows it with the issue."""

    histories: list[Entry] = []


class EntryPage(msgspec.Struct, frozen=True):
    """A page of the history, oldest first."""

    values: list[Entry]
    total: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A change of status: its place in the history, itself, and the status that it led to, by id and by name."""

    place: int
    entry: Entry
    to: str
    name: str


@dataclass(frozen=True, slots=True)
class History:
    """An issue's changes, oldest first; `us` is our own id."""

    entries: tuple[Entry, ...]
    us: str

    @property
    def last(self) -> str:
        """The id of the newest change; empty: there is none."""
        return self.entries[-1].id if self.entries else ""

    def is_ours(self, text: Text) -> bool:
        """Whether nobody but us has written it last."""
        return not self.written_by_another(text, len(self.entries))

    def written_by_another(self, text: Text, place: int) -> bool:
        """Whether, at that place, somebody else than we had written it last."""
        writers = [entry.by for entry in self.entries[:place] if entry.touches(text)]
        return bool(writers) and writers[-1] != self.us

    def shown_from(self, after: str) -> int:
        """Return the place from which on changes were made before eyes that saw what the ticket shows now.

        That is after our last writing of its text, and after the change `after` (its id; empty: none). One that is not there: never.
        """
        known = [place for place, each in enumerate(self.entries) if each.id == after]
        if after and not known:
            return len(self.entries)
        ours = [self.entries.index(each) for each in self.written_by_us()]
        return max([*ours, *known], default=-1) + 1

    def written_by_us(self) -> list[Entry]:
        """Return our changes of its text."""
        return [each for each in self.entries if each.by == self.us and any(map(each.touches, TEXT))]

    def steps(self) -> list[Step]:
        """Return the changes of status, oldest first."""
        return [
            Step(place, entry, item.to or "", item.to_string or "")
            for place, entry in enumerate(self.entries)
            for item in entry.items
            if item.name == "status"
        ]


async def history(site: Site, key: str) -> History:
    """Fetch the history of an issue. Raises the four errors."""
    us = await site.us()
    if not site.cloud:
        whole = await site.get(site.issue(key, "?fields=status&expand=changelog"), _Logged)
        return in_order(whole.changelog.histories, us)
    entries: list[Entry] = []
    for start in range(0, PAGE * PAGES, PAGE):
        page = await site.get(site.issue(key, f"/changelog?startAt={start}&maxResults={PAGE}"), EntryPage)
        entries += page.values
        if start + PAGE >= page.total:
            return in_order(entries, us)
    raise Malformed("jira", f"{key} has more than {PAGE * PAGES} changes")


def in_order(entries: Sequence[Entry], us: str) -> History:
    """Return the history oldest first, however Jira listed it. Raises `Malformed`."""
    backwards = len(entries) > 1 and at(entries[0].created) > at(entries[-1].created)
    return History(tuple(reversed(entries) if backwards else entries), us)


def at(text: str) -> datetime:
    """Read a time as Jira writes it: `2026-11-24T09:00:00.000+0000`. Raises `Malformed`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed("jira", f"no time: {text[:40]!r}") from error
    if time.tzinfo is None:
        raise Malformed("jira", f"a time without a zone: {text[:40]!r}")
    return time


class _Logged(msgspec.Struct, frozen=True):
    """An issue with its history."""

    changelog: Histories
