"""How Jira writes what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.world.jira_issue import STATUSES, Approval, Change, Issue, Item, Json

PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
SCREEN = {
    "summary": "Summary",
    "description": "Description",
    "labels": "Labels",
    "priority": "Priority",
    "issuelinks": "Linked Issues",
}


@dataclass(frozen=True)
class Call:
    """A request, and which of the two flavours it is made to."""

    request: Request
    cloud: bool

    @property
    def key(self) -> str:
        """The issue in its path."""
        return str(self.request.path_params["key"])

    def place(self, path: str) -> str:
        """Return the address of something in the API."""
        base = str(self.request.base_url).rstrip("/")
        return f"{base}/rest/api/{3 if self.cloud else 2}/{path}"

    def asks(self, name: str) -> list[str]:
        """Return a list of names in the query."""
        return [each for each in self.request.query_params.get(name, "").split(",") if each]

    def person(self, name: str) -> Json:
        """Describe a person: Cloud by an account id, Data Center by a name."""
        known: Json = {"accountId": name} if self.cloud else {"name": name, "key": f"JIRAUSER-{name}"}
        return known | {"displayName": name.title(), "active": True}


def refused(status: int, message: str = "", **errors: str) -> Response:
    """Answer with Jira's ErrorCollection."""
    return JSONResponse({"errorMessages": [message] if message else [], "errors": errors}, status)


def chosen(value: object, among: Mapping[str, str]) -> bool:
    """Whether a value names one of these by id or by name."""
    if not isinstance(value, dict):
        return False
    return value.get("id") in among if "id" in value else value.get("name") in among.values()


def page(request: Request, name: str, whole: list[Json]) -> Response:
    """Answer with one page of a list."""
    start, most = int(request.query_params.get("startAt", 0)), int(request.query_params.get("maxResults", 50))
    page: Json = {"startAt": start, "maxResults": most, "total": len(whole), name: whole[start : start + most]}
    return JSONResponse(page)


def screen_field(name: str, title: str, required: Mapping[str, str]) -> Json:
    """Describe a field of the create screen."""
    shown: Json = {"fieldId": name, "key": name, "name": title, "required": name in required, "hasDefaultValue": False}
    shown |= {"operations": ["set"], "schema": {"type": "string"}}
    allowed = [{"id": number, "name": each} for number, each in PRIORITIES.items()]
    return shown | ({"allowedValues": allowed} if name == "priority" else {})


def status_of(call: Call, number: str) -> Json:
    """Describe a status."""
    name, category = STATUSES[number]
    kind: Json = {"key": category, "name": category}
    return {"self": call.place(f"status/{number}"), "id": number, "name": name, "statusCategory": kind}


def issue_of(call: Call, issue: Issue, *, fields: list[str], properties: list[str]) -> Json:
    """Describe an issue: the fields that are asked for (none named: all), and of its properties those that are."""
    whole = issue.fields | {
        "status": status_of(call, issue.status),
        "resolution": None,
        "created": iso(issue.created_at),
        "updated": iso(issue.updated_at),
        "reporter": call.person(issue.reporter),
    }
    shown = {name: value for name, value in whole.items() if not fields or name in fields}
    answer: Json = {"id": issue.id, "key": issue.key, "self": call.place(f"issue/{issue.id}"), "fields": shown}
    kept = {key: value for key, value in issue.properties.items() if key in properties}
    return answer | ({"properties": kept} if properties else {})


def change_of(call: Call, change: Change) -> Json:
    """Describe a change as the changelog does."""
    items = [_item(each) for each in change.items]
    return {"id": change.id, "author": call.person(change.by), "created": iso(change.at), "items": items}


def approval_of(call: Call, approval: Approval) -> Json:
    """Describe an approval as a service desk does."""
    approvers = [
        {"approver": call.person(name), "approverDecision": decision} for name, decision in approval.decisions.items()
    ]
    answer: Json = {"id": approval.id, "name": approval.name, "finalDecision": approval.final, "approvers": approvers}
    answer |= {"canAnswerApproval": False, "createdDate": {"iso8601": iso(approval.created_at)}}
    return answer | ({"completedDate": {"iso8601": iso(approval.completed_at)}} if approval.completed_at else {})


def iso(at: datetime) -> str:
    """Write a time as Jira does."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _item(item: Item) -> Json:
    ids: Json = {"from": item.before_id, "to": item.after_id} if item.after_id else {}
    return (
        {"field": item.field, "fieldId": item.field, "fieldtype": "jira"}
        | ids
        | {
            "fromString": item.before,
            "toString": item.after,
        }
    )
