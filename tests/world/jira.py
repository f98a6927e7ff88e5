"""Jira as people see it: one site with its issues, and what people do there. `jira_api` is what programs see of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.world.jira_issue import STATUSES, Approval, Issue, Item, Json, prose
from tests.world.jira_shapes import iso

BOT = "bot"
"""Whose token it is: the account id in Cloud, the user name in Data Center."""


@dataclass
class Jira:
    """One site with one project. Tests change the fields; `issues` is what was opened, in order."""

    now: Callable[[], datetime] = lambda: datetime(2026, 11, 24, 9, tzinfo=UTC)
    project: str = "MCPSEC"
    issue_types: dict[str, str] = field(default_factory=lambda: {"10001": "Task", "10002": "Bug"})
    email: str = "bot@world.example"
    token: str = "jira-world"
    required: dict[str, str] = field(default_factory=dict)
    """Id -> name of further fields that a new issue must have."""
    off_screen: set[str] = field(default_factory=set)
    """Fields that no screen shows."""
    workflow: dict[str, set[str]] = field(default_factory=dict)
    """Name of a status -> names of those that can be reached from it; where a status is not named, all can."""
    transition_required: dict[str, str] = field(default_factory=dict)
    """Id -> name of fields that each transition's screen asks for."""
    service_desk: bool = False
    """Whether its issues are requests of a service desk, which have approvals."""
    lagging: bool = False
    """Whether new issues stay out of the search until `index()`."""
    issues: list[Issue] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    """Keys that issues had -> those that they have now."""
    opened: int = 0
    """So many issues were ever opened."""
    said: int = 0
    """So many comments were ever written."""

    def issue(self, key: str) -> Issue:
        """Return the issue that has, or had, that key; KeyError where there is none."""
        while key in self.moved:
            key = self.moved[key]
        found = next((issue for issue in self.issues if issue.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def open(self, fields: Json, properties: dict[str, object]) -> Issue:
        """Open an issue."""
        self.opened += 1
        number, key = str(10_000 + self.opened), f"{self.project}-{self.opened}"
        issue = Issue(number, key, fields, properties, self.now(), indexed=not self.lagging)
        self.issues.append(issue)
        return issue

    def comment(self, key: str, body: object, properties: object, *, by: str) -> Json:
        """Write a comment as it is."""
        self.said += 1
        comment: Json = {"id": str(20_000 + self.said), "body": body, "by": by, "created": iso(self.now())}
        self.issue(key).comments.append(comment | {"properties": properties})
        return comment

    def index(self) -> None:
        """Let the search know all issues."""
        for issue in self.issues:
            issue.indexed = True

    # what people do

    def transition(self, key: str, status: str, *, by: str = "acc-ada") -> None:
        """Bring an issue into a status, by the status's name."""
        target = next(number for number, (name, _) in STATUSES.items() if name == status)
        self.issue(key).enter(target, by, self.now())

    def edit(self, key: str, *, by: str = "acc-ada", summary: str = "", description: str = "") -> None:
        """Write another title, or another description."""
        issue = self.issue(key)
        if summary:
            issue.write({"summary": summary}, by, self.now())
        if description:
            issue.write({"description": prose(description, like=issue.fields.get("description"))}, by, self.now())

    def remark(self, key: str, text: str, *, by: str = "acc-ada") -> None:
        """Write a comment."""
        self.comment(key, prose(text, like=self.issue(key).fields.get("description")), [], by=by)

    def move(self, key: str, project: str, *, by: str = "acc-ada") -> str:
        """Move an issue to another project, where it gets another key; return that. The old key leads to it."""
        issue = self.issue(key)
        new = f"{project}-{500 + len(self.moved)}"
        self.moved[issue.key] = new
        issue.note(by, self.now(), Item("Key", issue.key, new), Item("project", self.project, project))
        issue.key = new
        return new

    def delete(self, key: str) -> None:
        """Delete an issue."""
        self.issues.remove(self.issue(key))

    def ask_approval(self, key: str, *approvers: str) -> None:
        """Let the service desk ask these people to approve."""
        issue = self.issue(key)
        decisions = dict.fromkeys(approvers, "pending")
        issue.approvals.append(Approval(str(len(issue.approvals) + 1), "Approval", decisions, self.now()))

    def approve_request(self, key: str, by: str, *, decision: str = "approved") -> None:
        """Answer the newest approval (`approved` or `declined`); where none asks that person, one is asked for first."""
        issue = self.issue(key)
        if not issue.approvals or issue.approvals[-1].decisions.get(by) != "pending":
            self.ask_approval(key, by)
        approval = issue.approvals[-1]
        approval.decisions[by] = decision
        if approval.final != "pending":
            approval.completed_at = self.now()
