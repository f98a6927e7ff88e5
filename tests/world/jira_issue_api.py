"""What programs see of one issue, and do to it: its fields and properties, history, comments, workflow, links and approvals."""

import json
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from tests.world import jira_rules as rules
from tests.world.jira import BOT, Jira
from tests.world.jira_issue import STATUSES, Json
from tests.world.jira_shapes import SCREEN, Call, approval_of, change_of, issue_of, page, refused, status_of

BULK = 100


async def read(jira: Jira, call: Call) -> Response:
    """Show an issue; Data Center with its whole history, where that is asked for."""
    issue = jira.issue(call.key)
    answer = issue_of(call, issue, fields=call.asks("fields"), properties=call.asks("properties"))
    if "changelog" in call.asks("expand"):
        entries = [change_of(call, change) for change in issue.changes]
        # Cloud shows the newest first, and no more than a page.
        shown = entries[::-1][:BULK] if call.cloud else entries
        answer["changelog"] = {"startAt": 0, "maxResults": len(shown), "total": len(entries), "histories": shown}
    return JSONResponse(answer)


async def bulk(jira: Jira, call: Call) -> Response:
    """Show many issues; those that are not there are left out."""
    body = json.loads(await call.request.body())
    keys = body["issueIdsOrKeys"]
    if len(keys) > BULK:
        return refused(400, f"The number of issues must not exceed {BULK}.")
    issues: list[Json] = []
    for key in keys:
        try:
            issue = jira.issue(key)
        except KeyError:
            continue
        issues.append(issue_of(call, issue, fields=body.get("fields", []), properties=body.get("properties", [])))
    return JSONResponse({"issues": issues, "issueErrors": []})


async def write(jira: Jira, call: Call) -> Response:
    """Write fields and properties: all of it or nothing."""
    issue = jira.issue(call.key)
    body = json.loads(await call.request.body())
    fields, properties, update = body.get("fields", {}), body.get("properties", []), body.get("update", {})
    errors = screen_errors(jira, fields, SCREEN) | update_errors(jira, update)
    found = {
        "summary": rules.summary_problem(fields["summary"]) if "summary" in fields else "",
        "labels": rules.labels_problem(fields.get("labels", [])),
        "description": rules.text_problem(fields["description"], cloud=call.cloud) if "description" in fields else "",
    }
    if errors := errors | {name: problem for name, problem in found.items() if problem}:
        return refused(400, **errors)
    if problem := rules.properties_problem(properties):
        return refused(400, problem)
    issue.write(fields, BOT, jira.now())
    issue.properties |= {each["key"]: each["value"] for each in properties}
    issue.links += linked(jira, update)
    return Response(status_code=204)


async def write_property(jira: Jira, call: Call) -> Response:
    """Write one property; the history says nothing of it."""
    issue, name = jira.issue(call.key), str(call.request.path_params["property"])
    value = json.loads(await call.request.body())
    if problem := rules.properties_problem([{"key": name, "value": value}]):
        return refused(400, problem)
    known = name in issue.properties
    issue.properties[name] = value
    return JSONResponse({}, 200 if known else 201)


def screen_errors(jira: Jira, fields: Mapping[str, object], known: Mapping[str, str]) -> dict[str, str]:
    """Say of each field that the screen does not show that it cannot be set."""
    return {
        name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        for name in fields
        if name not in known or name in jira.off_screen
    }


def update_errors(jira: Jira, update: Json) -> dict[str, str]:
    """Say what is wrong with the operations of a request: the world knows those that add links."""
    errors = screen_errors(jira, update, {"issuelinks": ""})
    try:
        linked(jira, update)
    except KeyError as error:
        errors["issuelinks"] = f"Issue does not exist or you do not have permission to see it: {error}"
    return errors


def linked(jira: Jira, update: Json) -> list[str]:
    """Return the keys that a request links to. Raises KeyError where one is not there, or the kind of link is unknown."""
    operations = update.get("issuelinks", [])
    added = [each["add"] for each in operations] if isinstance(operations, list) else []
    return [_link(jira, each, each["outwardIssue"]["key"]) for each in added]


def _link(jira: Jira, link: Mapping[str, object], key: str) -> str:
    if link.get("type") != {"name": "Relates"}:
        raise KeyError(str(link.get("type")))
    return jira.issue(key).key


async def link(jira: Jira, call: Call) -> Response:
    """Link two issues."""
    body = json.loads(await call.request.body())
    issue = jira.issue(body["inwardIssue"]["key"])
    issue.links.append(_link(jira, body, body["outwardIssue"]["key"]))
    return JSONResponse({}, 201)


async def comment(jira: Jira, call: Call) -> Response:
    """Write a comment."""
    jira.issue(call.key)
    body = json.loads(await call.request.body())
    if problem := rules.text_problem(body.get("body"), cloud=call.cloud):
        return refused(400, comment=problem)
    written = jira.comment(call.key, body["body"], body.get("properties", []), by=BOT)
    return JSONResponse(_comment(call, written), 201)


async def comments(jira: Jira, call: Call) -> Response:
    """List the comments."""
    written = [_comment(call, each) for each in jira.issue(call.key).comments]
    newest_first = call.request.query_params.get("orderBy") == "-created"
    return page(call.request, "comments", written[::-1] if newest_first else written)


def _comment(call: Call, written: Json) -> Json:
    shown = {name: value for name, value in written.items() if name in ("id", "body", "created")}
    return shown | {"author": call.person(str(written["by"]))}


async def changelog(jira: Jira, call: Call) -> Response:
    """Show the history, oldest first."""
    return page(call.request, "values", [change_of(call, change) for change in jira.issue(call.key).changes])


def _reachable(jira: Jira, status: str) -> list[str]:
    name = STATUSES[status][0]
    everything = {other for other, _ in STATUSES.values()}
    names = jira.workflow.get(name, everything) - {name}
    return [number for number, (other, _) in STATUSES.items() if other in names]


async def transitions(jira: Jira, call: Call) -> Response:
    """List what leads from its status elsewhere."""
    offered = [
        {"id": f"{number}1", "name": f"Go to {STATUSES[number][0]}", "to": status_of(call, number)}
        for number in _reachable(jira, jira.issue(call.key).status)
    ]
    return JSONResponse({"transitions": offered})


async def transition(jira: Jira, call: Call) -> Response:
    """Bring it into another status."""
    issue = jira.issue(call.key)
    body = json.loads(await call.request.body())
    target = str(body["transition"]["id"]).removesuffix("1")
    if target not in _reachable(jira, issue.status):
        return refused(400, "It seems that you have tried to perform a workflow operation that is not valid")
    given = body.get("fields", {})
    if missing := {
        name: f"{title} is required." for name, title in jira.transition_required.items() if name not in given
    }:
        return refused(400, **missing)
    issue.enter(target, BOT, jira.now())
    return Response(status_code=204)


async def desk(jira: Jira, call: Call) -> Response:  # noqa: ARG001  (handlers are called by place)
    """Say what service desk there is, where there is one."""
    return JSONResponse({"version": "5.17.0", "isLicensedForUse": True}, 200 if jira.service_desk else 404)


async def approvals(jira: Jira, call: Call) -> Response:
    """List the approvals of a request; what is no request of a service desk has none."""
    issue = jira.issue(call.key)
    if not jira.service_desk:
        return JSONResponse({"errorMessage": "The request does not exist", "i18nErrorMessage": {}}, 404)
    whole = [approval_of(call, each) for each in issue.approvals]
    start, most = int(call.request.query_params.get("start", 0)), int(call.request.query_params.get("limit", 50))
    shown = whole[start : start + most]
    last = start + most >= len(whole)
    return JSONResponse({"start": start, "limit": most, "size": len(shown), "isLastPage": last, "values": shown})
