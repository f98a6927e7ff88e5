"""Whether Jira would take a ticket as it is configured: asked without opening one.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-createmeta-projectidorkey-issuetypes-get
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

import msgspec

from connectors._jira_fields import FieldPage, TypePage, complaint, matching
from connectors._jira_site import Site, read
from connectors._jira_ticket import Status
from monitor.domain.text import one_line
from monitor.ports.errors import Denied, Malformed, NotFound

T = TypeVar("T")

PAGE, PAGES = 200, 20


@dataclass(frozen=True, slots=True)
class Demands:
    """What the configuration wants of a project."""

    project: str
    issue_type: str
    fields: Mapping[str, object]
    priorities: Mapping[str, str]
    statuses: Mapping[str, Sequence[str]]
    approvals: bool


class Total(msgspec.Struct, frozen=True):
    """How long a list is."""

    total: int = 0


class Workflow(msgspec.Struct, frozen=True):
    """The statuses of one type of issue."""

    id: str = ""
    name: str = ""
    statuses: list[Status] = []


async def probe(site: Site, wanted: Demands) -> str:
    """Return a line for `doctor`. Raises the four errors with the way out."""
    try:
        person = await site.whoami()
    except NotFound as error:
        raise NotFound("jira", f"{error.detail}: is `url` the address of Jira, with its context path?") from error
    except Denied as error:
        raise Denied("jira", f"{error.detail}: is the token expired, or another account's?") from error
    who = one_line(person.email_address or person.name or person.display_name or "", 100)
    type_id = await _type_id(site, wanted)
    pages = await _pages(site, f"issue/createmeta/{quote(wanted.project, safe='')}/issuetypes/{type_id}", FieldPage)
    fields = [field for page in pages for field in page.fields or page.values]
    problems = [
        complaint(fields, configured=wanted.fields, priorities=wanted.priorities),
        await _unknown_statuses(site, wanted),
        await _no_service_desk(site) if wanted.approvals else "",
    ]
    if problem := "; ".join(filter(None, problems)):
        raise Denied("jira", f"{wanted.issue_type} in {wanted.project}: {problem}")
    return f"jira: {who} may open {wanted.issue_type} in {wanted.project}"


async def _type_id(site: Site, wanted: Demands) -> str:
    project = wanted.project
    try:
        pages = await _pages(site, f"issue/createmeta/{quote(project, safe='')}/issuetypes", TypePage)
    except NotFound as error:
        raise NotFound("jira", f"no project {project}, or it is hidden from this account") from error
    types = [kind for page in pages for kind in page.issue_types or page.values]
    if found := matching(types, wanted.issue_type):
        return quote(found, safe="")
    offered = one_line(", ".join(kind.name for kind in types) or "none", 300)
    kind = repr(wanted.issue_type)
    raise Denied("jira", f"project {project} lets this account open no {kind}: set `issue_type` to one of {offered}")


async def _unknown_statuses(site: Site, wanted: Demands) -> str:
    """Say which configured statuses a ticket can never have; empty where it can have all."""
    names = [name for each in wanted.statuses.values() for name in each]
    if not names:
        return ""
    workflows = await site.get(f"project/{quote(wanted.project, safe='')}/statuses", list[Workflow])
    own = [flow for flow in workflows if wanted.issue_type in (flow.id, flow.name)]
    known = [status for flow in own or workflows for status in flow.statuses]
    strange = sorted({name for name in names if not any(status.is_among([name]) for status in known)})
    if not strange:
        return ""
    offered = ", ".join(dict.fromkeys(status.name for status in known))
    return one_line(f"no such status: {', '.join(strange)}: set [jira.statuses] to some of {offered}", 600)


async def _no_service_desk(site: Site) -> str:
    try:
        await site.answer("rest/servicedeskapi/info")
    except NotFound:
        return "`approvals` is true, and this Jira has no service desk: set it to false"
    return ""


async def _pages(site: Site, place: str, shape: type[T]) -> list[T]:
    """Every page of a list that counts by `startAt`; a server that never comes to an end is `Malformed`."""
    pages: list[T] = []
    for start in range(0, PAGES * PAGE, PAGE):
        answer = await site.answer(site.path(f"{place}?startAt={start}&maxResults={PAGE}"))
        pages.append(read(answer, shape))
        if start + PAGE >= read(answer, Total).total:
            return pages
    raise Malformed("jira", f"{place} has more than {PAGES} pages")
