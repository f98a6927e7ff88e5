"""How Jira writes what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

Json = dict[str, object]

PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
STATUSES = {
    "1": ("To Do", "new"),
    "3": ("In Review", "indeterminate"),
    "5": ("Approved", "done"),
    "6": ("Rejected", "done"),
}
SCREEN = {"summary": "Summary", "description": "Description", "labels": "Labels", "priority": "Priority"}


@dataclass
class Change:
    """One entry of an issue's history: a move from one status to another."""

    by: str
    at: datetime
    before: str
    after: str


def refused(status: int, message: str) -> Response:
    """Answer with Jira's ErrorCollection."""
    return JSONResponse({"errorMessages": [message], "errors": {}}, status)


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


def status_of(request: Request, number: str) -> Json:
    """Describe a status."""
    name, category = STATUSES[number]
    version = request.path_params["version"]
    return {
        "self": f"{str(request.base_url).rstrip('/')}/rest/api/{version}/status/{number}",
        "id": number,
        "name": name,
        "statusCategory": {"key": category, "name": category},
    }


def change_of(number: int, change: Change) -> Json:
    """Describe a change as the changelog does."""
    item = {"field": "status", "from": change.before, "fromString": STATUSES[change.before][0]}
    item |= {"to": change.after, "toString": STATUSES[change.after][0]}
    author = {"accountId": change.by, "displayName": change.by}
    return {"id": str(number), "author": author, "created": iso(change.at), "items": [item]}


def iso(at: datetime) -> str:
    """Write a time as Jira does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
