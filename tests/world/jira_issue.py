"""What an issue of the simulated Jira holds, and how it is changed: each change has an author and a place in the order of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.world import jira_rules as rules

Json = dict[str, object]

STATUSES = {
    "1": ("To Do", "new"),
    "3": ("In Review", "indeterminate"),
    "5": ("Approved", "done"),
    "6": ("Rejected", "done"),
    "7": ("Cancelled", "done"),
}


@dataclass(frozen=True)
class Item:
    """One field that a change changed; ids are empty where the field's values have none."""

    field: str
    before: str
    after: str
    before_id: str = ""
    after_id: str = ""


@dataclass(frozen=True)
class Change:
    """One entry of an issue's history."""

    id: str
    by: str
    at: datetime
    items: tuple[Item, ...]


@dataclass
class Approval:
    """A question to approvers, as a service desk asks it. `decisions`: approver -> pending, approved or declined."""

    id: str
    name: str
    decisions: dict[str, str]
    created_at: datetime
    completed_at: datetime | None = None  # None: pending

    @property
    def final(self) -> str:
        """What it comes to: one who declines is enough, all have to approve."""
        said = set(self.decisions.values())
        if "declined" in said:
            return "declined"
        return "pending" if "pending" in said or not said else "approved"


@dataclass
class Issue:
    """An issue as it stands. `fields` are those of the create request; `status` is an id of `STATUSES`."""

    id: str
    key: str
    fields: Json
    properties: dict[str, object]
    created_at: datetime
    status: str = "1"
    reporter: str = "bot"
    comments: list[Json] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """The keys of the issues that it relates to."""
    approvals: list[Approval] = field(default_factory=list)
    indexed: bool = True

    @property
    def summary(self) -> str:
        """The title."""
        return str(self.fields["summary"])

    @property
    def labels(self) -> list[str]:
        """The labels."""
        found = self.fields.get("labels")
        return [str(label) for label in found] if isinstance(found, list) else []

    @property
    def words(self) -> str:
        """The description as a person reads it (wiki text as it is)."""
        return rules.words(self.fields.get("description"))

    @property
    def remarks(self) -> list[str]:
        """The comments as a person reads them, oldest first."""
        return [rules.words(comment["body"]) for comment in self.comments]

    @property
    def updated_at(self) -> datetime:
        """When it was changed last: another time after each change, even within one second."""
        news = len(self.changes) + len(self.comments)
        last = max([self.created_at, *(change.at for change in self.changes)])
        return last + timedelta(milliseconds=news)

    @property
    def status_name(self) -> str:
        """The name of its status."""
        return STATUSES[self.status][0]

    def note(self, by: str, at: datetime, *items: Item) -> None:
        """Write a change into the history."""
        self.changes.append(Change(f"{self.id}{len(self.changes) + 1:03}", by, at, items))

    def enter(self, status: str, by: str, at: datetime) -> None:
        """Go to another status."""
        item = Item("status", self.status_name, STATUSES[status][0], self.status, status)
        self.status = status
        self.note(by, at, item)

    def write(self, fields: Mapping[str, object], by: str, at: datetime) -> None:
        """Write fields; what is as before leaves no trace in the history."""
        changed = {name: value for name, value in fields.items() if self.fields.get(name) != value}
        items = [Item(name, _text(self.fields.get(name)), _text(value)) for name, value in changed.items()]
        self.fields |= changed
        if items:
            self.note(by, at, *items)


def prose(text: str, *, like: object) -> object:
    """Return a person's words in the form that the issue's description has: a document, or wiki text."""
    if not isinstance(like, dict):
        return text
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def _text(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return rules.words(value)
