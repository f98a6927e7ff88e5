"""Jira as programs see it, both flavours at once: Cloud below `/rest/api/3`, Data Center below `/rest/api/2`, on the same issues."""

import base64
import json
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.world import jira_issue_api as api
from tests.world import jira_rules as rules
from tests.world.jira import BOT, Jira
from tests.world.jira_issue import STATUSES, Issue, Json
from tests.world.jira_shapes import PRIORITIES, SCREEN, Call, chosen, issue_of, page, refused, screen_field, status_of

Handler = Callable[[Jira, Call], Awaitable[Response]]

JQL = re.compile(r'project = "(?P<project>[^"]+)" AND labels = "(?P<label>[^"]+)" ORDER BY created ASC')
SEARCH_KEYS = {
    "jql",
    "fields",
    "maxResults",
    "nextPageToken",
    "expand",
    "properties",
    "fieldsByKeys",
    "reconcileIssues",
}


def routes(jira: Jira) -> list[BaseRoute]:
    """Return the routes of both versions, and those of the service desk."""

    def route(method: str, path: str, handler: Handler, *, versions: str = "23") -> Route:
        async def serve(request: Request) -> Response:
            version = request.path_params["version"]
            if version not in versions:
                return refused(404, "dead link")
            return await answered(jira, Call(request, version == "3"), handler)

        return Route("/rest/api/{version}" + path, serve, methods=[method])

    def desk(path: str, handler: Handler) -> Route:
        async def serve(request: Request) -> Response:
            # The service desk's API has no version: who asks with a Basic header asks Cloud.
            cloud = request.headers.get("authorization", "").startswith("Basic")
            return await answered(jira, Call(request, cloud), handler)

        return Route("/rest/servicedeskapi" + path, serve)

    return [
        route("GET", "/myself", myself),
        route("POST", "/issue", create),
        route("POST", "/issue/bulkfetch", api.bulk, versions="3"),
        route("GET", "/issue/createmeta/{project}/issuetypes", types),
        route("GET", "/issue/createmeta/{project}/issuetypes/{type}", screen),
        route("GET", "/issue/{key}", api.read),
        route("PUT", "/issue/{key}", api.write),
        route("PUT", "/issue/{key}/properties/{property}", api.write_property),
        route("GET", "/issue/{key}/comment", api.comments),
        route("POST", "/issue/{key}/comment", api.comment),
        route("GET", "/issue/{key}/changelog", api.changelog, versions="3"),
        route("GET", "/issue/{key}/transitions", api.transitions),
        route("POST", "/issue/{key}/transitions", api.transition),
        route("POST", "/issueLink", api.link),
        route("GET", "/project/{project}/statuses", statuses),
        route("POST", "/search/jql", search_cloud, versions="3"),
        route("GET", "/search", search, versions="2"),
        desk("/info", api.desk),
        desk("/request/{key}/approval", api.approvals),
    ]


async def answered(jira: Jira, call: Call, handler: Handler) -> Response:
    """Answer one call; whose token it is, is told in a header."""
    known = _known(jira, call)
    if not known and handler != myself:
        if call.cloud:
            return refused(401, "Client must be authenticated to access this resource.")
        answer: Response = JSONResponse({"message": "Client must be authenticated"}, 401)
    else:
        try:
            answer = await handler(jira, call)
        except KeyError:
            answer = refused(404, "Issue does not exist or you do not have permission to see it.")
    answer.headers["X-AAccountId" if call.cloud else "X-AUSERNAME"] = BOT if known else "anonymous"
    return answer


def _known(jira: Jira, call: Call) -> bool:
    basic = base64.b64encode(f"{jira.email}:{jira.token}".encode()).decode()
    accepted = {f"Bearer {jira.token}"} | ({f"Basic {basic}"} if call.cloud else set())
    return call.request.headers.get("authorization") in accepted


async def myself(jira: Jira, call: Call) -> Response:
    """Say whose token it is."""
    if not _known(jira, call):
        return Response(status_code=401) if call.cloud else JSONResponse({"name": "", "displayName": "Anonymous"})
    person = call.person(BOT) | {"self": call.place("myself"), "displayName": "MCP monitor"}
    return JSONResponse(person | ({"emailAddress": jira.email} if call.cloud else {}))


async def create(jira: Jira, call: Call) -> Response:
    """Open an issue."""
    try:
        body = json.loads(await call.request.body())
        fields, properties, update = dict(body["fields"]), body.get("properties", []), body.get("update", {})
    except (ValueError, KeyError, TypeError):
        return refused(400, "Unexpected character: the body is not JSON, or has no fields")
    if errors := _field_errors(jira, fields, cloud=call.cloud) | api.update_errors(jira, update):
        return refused(400, **errors)
    if problem := rules.properties_problem(properties):
        return refused(400, problem)
    issue = jira.open(fields, {each["key"]: each["value"] for each in properties})
    issue.links += api.linked(jira, update)
    return JSONResponse({"id": issue.id, "key": issue.key, "self": call.place(f"issue/{issue.id}")}, 201)


def _field_errors(jira: Jira, fields: Json, *, cloud: bool) -> dict[str, str]:
    known = {**SCREEN, **jira.required, "project": "Project", "issuetype": "Issue Type"}
    errors = api.screen_errors(jira, fields, known)
    errors |= {name: f"{title} is required." for name, title in jira.required.items() if not fields.get(name)}
    found = {
        "project": "" if fields.get("project") == {"key": jira.project} else "valid project is required",
        "issuetype": "" if chosen(fields.get("issuetype"), jira.issue_types) else "Specify an issue type",
        "priority": "" if chosen(fields.get("priority", {"id": "3"}), PRIORITIES) else "The priority is invalid.",
        "summary": rules.summary_problem(fields.get("summary")),
        "labels": rules.labels_problem(fields.get("labels", [])),
        "description": rules.text_problem(fields["description"], cloud=cloud) if fields.get("description") else "",
    }
    return errors | {name: problem for name, problem in found.items() if problem}


async def types(jira: Jira, call: Call) -> Response:
    """List the types of issue that may be opened."""
    if call.request.path_params["project"] != jira.project:
        return refused(404, "No project could be found with key")
    types: list[Json] = [{"id": number, "name": name, "subtask": False} for number, name in jira.issue_types.items()]
    return page(call.request, "issueTypes" if call.cloud else "values", types)


async def screen(jira: Jira, call: Call) -> Response:
    """List the fields of the create screen."""
    if call.request.path_params["type"] not in jira.issue_types:
        return refused(404, "Issue type not found")
    required = {"summary": "Summary", "project": "Project", "issuetype": "Issue Type", **jira.required}
    names = {**SCREEN, **required}
    fields = [screen_field(name, title, required) for name, title in names.items() if name not in jira.off_screen]
    return page(call.request, "fields" if call.cloud else "values", fields)


async def search_cloud(jira: Jira, call: Call) -> Response:
    """Search by label, as Cloud does."""
    body = json.loads(await call.request.body())
    if set(body) - SEARCH_KEYS:
        return refused(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    found = _matching(jira, body["jql"])
    if found is None:
        return refused(
            400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
        )
    fields, wanted = body.get("fields", ["id"]), body.get("properties", [])
    most = body.get("maxResults", 50)
    return JSONResponse(
        {"issues": [issue_of(call, each, fields=fields, properties=wanted) for each in found[:most]], "isLast": True}
    )


async def search(jira: Jira, call: Call) -> Response:
    """Search by label, as Data Center does."""
    found = _matching(jira, call.request.query_params.get("jql", ""))
    if found is None:
        return refused(400, "Error in the JQL Query")
    most = int(call.request.query_params.get("maxResults", 50))
    issues = [issue_of(call, each, fields=call.asks("fields"), properties=[]) for each in found[:most]]
    return JSONResponse({"startAt": 0, "maxResults": most, "total": len(found), "issues": issues})


def _matching(jira: Jira, jql: str) -> list[Issue] | None:
    asked = JQL.fullmatch(jql)
    if asked is None:
        return None
    found = [
        issue
        for issue in jira.issues
        if issue.indexed and asked["label"] in issue.labels and issue.key.startswith(asked["project"] + "-")
    ]
    return sorted(found, key=lambda issue: (issue.created_at, int(issue.id)))


async def statuses(jira: Jira, call: Call) -> Response:
    """List the statuses of each type of issue."""
    if call.request.path_params["project"] != jira.project:
        return refused(404, "No project could be found with key")
    each: list[Json] = [status_of(call, number) for number in STATUSES]
    kinds = [
        {"id": number, "name": name, "self": call.place(f"issuetype/{number}"), "subtask": False, "statuses": each}
        for number, name in jira.issue_types.items()
    ]
    return JSONResponse(kinds)
