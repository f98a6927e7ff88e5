"""Jira, both flavours at once: Cloud below `/rest/api/3`, Data Center below `/rest/api/2`, on the same issues."""

import base64
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.world import jira_rules as rules
from tests.world.jira_shapes import (
    PRIORITIES,
    SCREEN,
    STATUSES,
    Change,
    Json,
    change_of,
    chosen,
    iso,
    page,
    refused,
    screen_field,
    status_of,
)

Handler = Callable[[Request, bool], Awaitable[Response]]

JQL = re.compile(r'project = "(?P<project>[^"]+)" AND labels = "(?P<label>[^"]+)" ORDER BY created ASC')


@dataclass
class Issue:
    """An issue as it stands. `fields` are those of the create request; `status` is an id of `STATUSES`."""

    id: str
    key: str
    fields: Json
    properties: dict[str, object]
    created_at: datetime
    status: str = "1"
    comments: list[Json] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
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
    """Fields that the create screen does not show."""
    lagging: bool = False
    """Whether new issues stay out of the search until `index()`."""
    issues: list[Issue] = field(default_factory=list)
    _comments: int = 0
    _opened: int = 0

    # what people do

    def issue(self, key: str) -> Issue:
        """Return the issue with that key; KeyError where there is none."""
        found = next((issue for issue in self.issues if issue.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def index(self) -> None:
        """Let the search know all issues."""
        for issue in self.issues:
            issue.indexed = True

    def move(self, key: str, status: str, *, by: str = "reviewer") -> None:
        """Move an issue to a status, by the status's name."""
        issue = self.issue(key)
        target = next(number for number, (name, _) in STATUSES.items() if name == status)
        issue.changes.append(Change(by, self.now(), issue.status, target))
        issue.status = target

    def delete(self, key: str) -> None:
        """Delete an issue."""
        self.issues.remove(self.issue(key))

    # the API

    def routes(self) -> list[BaseRoute]:
        """Return the routes of both versions."""
        return [
            self._route("GET", "/myself", self._myself),
            self._route("POST", "/issue", self._create),
            self._route("GET", "/issue/createmeta/{project}/issuetypes", self._types),
            self._route("GET", "/issue/createmeta/{project}/issuetypes/{type}", self._screen),
            self._route("GET", "/issue/{key}", self._get),
            self._route("GET", "/issue/{key}/comment", self._comments_of),
            self._route("POST", "/issue/{key}/comment", self._comment),
            self._route("GET", "/issue/{key}/changelog", self._changelog),
            self._route("GET", "/issue/{key}/transitions", self._transitions),
            self._route("POST", "/issue/{key}/transitions", self._transition),
            self._route("GET", "/project/{project}/statuses", self._statuses),
            self._route("POST", "/search/jql", self._search_cloud, versions="3"),
            self._route("GET", "/search", self._search, versions="2"),
        ]

    def _route(self, method: str, path: str, handler: Handler, *, versions: str = "23") -> Route:
        async def serve(request: Request) -> Response:
            cloud = request.path_params["version"] == "3"
            if request.path_params["version"] not in versions:
                return refused(404, "dead link")
            if not self._known(request, cloud=cloud) and handler != self._myself:
                return (
                    refused(401, "Client must be authenticated to access this resource.")
                    if cloud
                    else JSONResponse({"message": "Client must be authenticated"}, 401)
                )
            try:
                answer = await handler(request, cloud)
            except KeyError:
                answer = refused(404, "Issue does not exist or you do not have permission to see it.")
            name = "X-AAccountId" if cloud else "X-AUSERNAME"
            answer.headers[name] = "bot" if self._known(request, cloud=cloud) else "anonymous"
            return answer

        return Route("/rest/api/{version}" + path, serve, methods=[method])

    def _known(self, request: Request, *, cloud: bool) -> bool:
        basic = base64.b64encode(f"{self.email}:{self.token}".encode()).decode()
        accepted = {f"Bearer {self.token}"} | ({f"Basic {basic}"} if cloud else set())
        return request.headers.get("authorization") in accepted

    async def _myself(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001  (handlers are called by place)
        if not self._known(request, cloud=cloud):
            return Response(status_code=401) if cloud else JSONResponse({"name": "", "displayName": "Anonymous"})
        person: Json = {"self": self._self(request, "myself"), "displayName": "MCP monitor", "active": True}
        return JSONResponse(person | ({"accountId": "5b10", "emailAddress": self.email} if cloud else {"name": "bot"}))

    async def _create(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001
        try:
            body = json.loads(await request.body())
            fields, properties = dict(body["fields"]), body.get("properties", [])
        except (ValueError, KeyError, TypeError):
            return refused(400, "Unexpected character: the body is not JSON, or has no fields")
        if errors := self._field_errors(fields, cloud=cloud):
            return JSONResponse({"errorMessages": [], "errors": errors}, 400)
        if problem := rules.properties_problem(properties):
            return refused(400, problem)
        self._opened += 1
        kept = {each["key"]: each["value"] for each in properties}
        number = str(10_000 + self._opened)
        issue = Issue(number, f"{self.project}-{self._opened}", fields, kept, self.now(), indexed=not self.lagging)
        self.issues.append(issue)
        return JSONResponse({"id": issue.id, "key": issue.key, "self": self._self(request, f"issue/{issue.id}")}, 201)

    def _field_errors(self, fields: Json, *, cloud: bool) -> dict[str, str]:
        known = {**SCREEN, **self.required, "project": "Project", "issuetype": "Issue Type"}
        errors = {
            name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            for name in fields
            if name not in known or name in self.off_screen
        }
        errors |= {name: f"{title} is required." for name, title in self.required.items() if not fields.get(name)}
        found = {
            "project": "" if fields.get("project") == {"key": self.project} else "valid project is required",
            "issuetype": "" if chosen(fields.get("issuetype"), self.issue_types) else "Specify an issue type",
            "priority": "" if chosen(fields.get("priority", {"id": "3"}), PRIORITIES) else "The priority is invalid.",
            "summary": rules.summary_problem(fields.get("summary")),
            "labels": rules.labels_problem(fields.get("labels", [])),
            "description": rules.text_problem(fields["description"], cloud=cloud) if fields.get("description") else "",
        }
        return errors | {name: problem for name, problem in found.items() if problem}

    async def _types(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001
        if request.path_params["project"] != self.project:
            return refused(404, "No project could be found with key")
        types: list[Json] = [
            {"id": number, "name": name, "subtask": False} for number, name in self.issue_types.items()
        ]
        return page(request, "issueTypes" if cloud else "values", types)

    async def _screen(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001
        if request.path_params["type"] not in self.issue_types:
            return refused(404, "Issue type not found")
        required = {"summary": "Summary", "project": "Project", "issuetype": "Issue Type", **self.required}
        names = {**SCREEN, **required}
        fields = [screen_field(name, title, required) for name, title in names.items() if name not in self.off_screen]
        return page(request, "fields" if cloud else "values", fields)

    async def _search_cloud(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        body = json.loads(await request.body())
        if set(body) - {
            "jql",
            "fields",
            "maxResults",
            "nextPageToken",
            "expand",
            "properties",
            "fieldsByKeys",
            "reconcileIssues",
        }:
            return refused(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        found = self._matching(body["jql"])
        if found is None:
            return refused(
                400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
            )
        wanted = body.get("properties", [])
        issues = [self._shown(request, issue, wanted) for issue in found[: body.get("maxResults", 50)]]
        return JSONResponse({"issues": issues, "isLast": True})

    async def _search(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        found = self._matching(request.query_params.get("jql", ""))
        if found is None:
            return refused(400, "Error in the JQL Query")
        most = int(request.query_params.get("maxResults", 50))
        issues = [self._shown(request, issue, []) for issue in found[:most]]
        return JSONResponse({"startAt": 0, "maxResults": most, "total": len(found), "issues": issues})

    def _matching(self, jql: str) -> list[Issue] | None:
        asked = JQL.fullmatch(jql)
        if asked is None:
            return None
        here = asked["project"] == self.project
        found = [issue for issue in self.issues if here and issue.indexed and asked["label"] in issue.labels]
        return sorted(found, key=lambda issue: (issue.created_at, int(issue.id)))

    async def _get(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        wanted = request.query_params.get("properties", "").split(",")
        return JSONResponse(self._shown(request, self.issue(request.path_params["key"]), wanted))

    def _shown(self, request: Request, issue: Issue, properties: list[str]) -> Json:
        fields = issue.fields | {"status": status_of(request, issue.status), "created": iso(issue.created_at)}
        shown: Json = {
            "id": issue.id,
            "key": issue.key,
            "self": self._self(request, f"issue/{issue.id}"),
            "fields": fields,
        }
        kept = {key: value for key, value in issue.properties.items() if key in properties}
        return shown | ({"properties": kept} if properties else {})

    async def _comment(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001
        issue = self.issue(request.path_params["key"])
        body = json.loads(await request.body())
        if problem := rules.text_problem(body.get("body"), cloud=cloud):
            return JSONResponse({"errorMessages": [], "errors": {"comment": problem}}, 400)
        self._comments += 1
        comment: Json = {"id": str(20_000 + self._comments), "body": body["body"], "created": iso(self.now())}
        issue.comments.append(comment | {"properties": body.get("properties", [])})
        return JSONResponse(comment, 201)

    async def _comments_of(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        comments = list(self.issue(request.path_params["key"]).comments)
        newest_first = request.query_params.get("orderBy") == "-created"
        return page(request, "comments", comments[::-1] if newest_first else comments)

    async def _changelog(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        changes = self.issue(request.path_params["key"]).changes
        return page(request, "values", [change_of(number, change) for number, change in enumerate(changes)])

    async def _transitions(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        issue = self.issue(request.path_params["key"])
        offered = [
            {"id": f"{number}1", "name": name, "to": status_of(request, number)}
            for number, (name, _) in STATUSES.items()
            if number != issue.status
        ]
        return JSONResponse({"transitions": offered})

    async def _transition(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        issue = self.issue(request.path_params["key"])
        target = str(json.loads(await request.body())["transition"]["id"]).removesuffix("1")
        if target not in STATUSES or target == issue.status:
            return refused(400, "It seems that you have tried to perform a workflow operation that is not valid")
        self.move(issue.key, STATUSES[target][0], by="bot")
        return Response(status_code=204)

    async def _statuses(self, request: Request, cloud: bool) -> Response:  # noqa: FBT001, ARG002
        statuses = [status_of(request, number) for number in STATUSES]
        return JSONResponse(
            [
                {"id": number, "name": name, "self": self._self(request, f"issuetype/{number}"), "subtask": False}
                | {"statuses": statuses}
                for number, name in self.issue_types.items()
            ]
        )

    def _self(self, request: Request, path: str) -> str:
        return f"{str(request.base_url).rstrip('/')}/rest/api/{request.path_params['version']}/{path}"
