"""Jira: re-approval tickets, in Jira Cloud (REST v3, ADF) and Jira Data Center (REST v2, wiki markup).

It knows: its tickets, their labels and properties, and which fields a project demands.
It does not know: idempotency keys; and its search lags behind what it has accepted, so that "none found" is not yet "none there".

Label and property with the fingerprint are part of the create request: a ticket without them cannot come to be.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/, https://docs.atlassian.com/software/jira/docs/api/REST/latest/
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from connectors._edge.http import Client, Http, NotSent, Response
from connectors._jira_answers import delivered
from connectors._jira_fields import FieldPage, TypePage, complaint, matching
from connectors._markup.adf import adf
from connectors._markup.wiki import wiki
from monitor.domain.action import (
    Ambiguous,
    CommentTicket,
    Deferred,
    Delivered,
    Delivery,
    MoveTicket,
    OpenTicket,
    UpdateTicket,
)
from monitor.domain.document import Block, Document, Paragraph
from monitor.domain.fingerprint import fingerprint
from monitor.domain.text import one_line
from monitor.ports.channels import TicketState, TicketTracker
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError

T = TypeVar("T")
Flavour = Literal["cloud", "datacenter"]

PROPERTY = "mcp.reval"
SCHEMA = 1
"""Of what the property holds."""
SUMMARY = 255
"""Characters; more, or a line break, is refused."""
SOON = 60.0
"""Seconds before another attempt where nothing left this machine."""
ANSWER = 4 * 2**20
"""Bytes. The metadata of a project with thousands of allowed values is the largest answer that is asked for."""
PAGE, PAGES = 200, 20


class Properties(msgspec.Struct, frozen=True):
    """The property that every ticket of ours carries."""

    fp: str


class Found(msgspec.Struct, frozen=True):
    """An issue in a search result; Data Center leaves the properties out."""

    key: str
    properties: dict[str, object] = {}


class Results(msgspec.Struct, frozen=True):
    """A page of search results."""

    issues: list[Found]


class Remark(msgspec.Struct, frozen=True):
    """A comment; its body, a tree or a text, stays as it came."""

    id: str
    body: msgspec.Raw


class Comments(msgspec.Struct, frozen=True):
    """A page of comments."""

    comments: list[Remark]


class Myself(msgspec.Struct, frozen=True, rename="camel"):
    """Who the credentials belong to; each flavour names people its own way."""

    display_name: str = ""
    email_address: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Jira:
    """One project of one Jira."""

    client: Client
    flavour: Flavour
    project: str
    issue_type: str
    labels: tuple[str, ...]
    priorities: Mapping[str, str]
    fields: Mapping[str, object]

    @property
    def name(self) -> str:
        """`jira`."""
        return "jira"

    async def open(self, ticket: OpenTicket, *, links: tuple[str, ...] = ()) -> Delivery:  # noqa: ARG002
        """Create the ticket in one attempt."""
        value = {"fp": ticket.fingerprint, "server": ticket.server, "schema": SCHEMA}
        return await self._post("issue", {"fields": self._fields(ticket), "properties": [_property(PROPERTY, value)]})

    async def update(self, ticket: str, update: UpdateTicket) -> Delivery:  # noqa: ARG002
        """Leave it."""
        return Delivered("")

    async def move(self, ticket: str, move: MoveTicket) -> Delivery:  # noqa: ARG002
        """Leave it."""
        return Delivered("")

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:  # noqa: ARG002
        """Nothing yet."""
        return {}

    def address(self, ticket: str) -> str:  # noqa: ARG002
        """Nothing yet."""
        return ""

    async def comment(self, ticket: str, comment: CommentTicket) -> Delivery:
        """Add a comment in one attempt. On a service desk it is internal: platform comments would be shown to customers."""
        text = self._text(comment.body, Paragraph(_mark(comment.key)))
        body = {"body": text, "properties": [_property("sd.public.comment", {"internal": True})]}
        return await self._post(f"issue/{quote(ticket, safe='')}/comment", body)

    async def find_comment(self, ticket: str, key: str) -> str | None:
        """Look through the newest comments for the mark that each of ours ends with; the search does not know comments' properties."""
        place = f"issue/{quote(ticket, safe='')}/comment?orderBy=-created&maxResults=100"
        try:
            comments = _read(await self._get(place), Comments).comments
        except NotFound:
            return None
        return next((comment.id for comment in comments if _mark(key).encode() in bytes(comment.body)), None)

    async def find(self, fingerprint: str) -> str | None:
        """Search by label; a label can be copied to another issue, the property is what counts where the search shows it."""
        jql = f"project = {_quoted(self.project)} AND labels = {_quoted(_label(fingerprint))} ORDER BY created ASC"
        if self.flavour == "cloud":
            query = {"jql": jql, "fields": ["created"], "properties": [PROPERTY], "maxResults": 50}
            answer = await self.client.post_query(self._path("search/jql"), msgspec.json.encode(query), limit=ANSWER)
        else:
            path = "search?" + urlencode({"jql": jql, "fields": "created", "maxResults": 50})
            answer = await self._get(path)
        issues = _read(answer, Results).issues
        return next((issue.key for issue in issues if _carries(issue, fingerprint)), None)

    async def probe(self) -> str:
        """Ask who we are, and what the project wants to know of a new ticket, without opening one."""
        try:
            who = await self._whoami()
        except NotFound as error:
            raise NotFound(
                self.name, f"{error.detail}: is `url` the address of Jira, with its context path?"
            ) from error
        except Denied as error:
            raise Denied(self.name, f"{error.detail}: is the token expired, or another account's?") from error
        type_id = await self._type_id()
        pages = await self._pages(f"issue/createmeta/{quote(self.project, safe='')}/issuetypes/{type_id}", FieldPage)
        fields = [field for page in pages for field in page.fields or page.values]
        if problem := complaint(fields, configured=self.fields, priorities=self.priorities):
            raise Denied(self.name, f"{self.issue_type} in {self.project}: {problem}")
        return f"jira: {who} may open {self.issue_type} in {self.project}"

    async def _whoami(self) -> str:
        """Data Center answers a bad token with what anybody may see, and says so in a header alone."""
        answer = await self._get("myself")
        if answer.headers.get("x-ausername", "").lower() == "anonymous":
            raise Denied(self.name, "the token is not valid: Jira takes us for anonymous")
        person = _read(answer, Myself)
        return one_line(person.email_address or person.name or person.display_name, 100)

    async def _type_id(self) -> str:
        place = f"issue/createmeta/{quote(self.project, safe='')}/issuetypes"
        try:
            pages = await self._pages(place, TypePage)
        except NotFound as error:
            raise NotFound(self.name, f"no project {self.project}, or it is hidden from this account") from error
        types = [kind for page in pages for kind in page.issue_types or page.values]
        if found := matching(types, self.issue_type):
            return quote(found, safe="")
        offered = one_line(", ".join(kind.name for kind in types) or "none", 300)
        detail = f"project {self.project} lets this account open no {self.issue_type!r}: set `issue_type` to one of {offered}"
        raise Denied(self.name, detail)

    async def _pages(self, place: str, shape: type[T]) -> list[T]:
        """Every page of a list that counts by `startAt`; a server that never comes to an end is `Malformed`."""
        pages: list[T] = []
        for start in range(0, PAGES * PAGE, PAGE):
            answer = await self._get(f"{place}?startAt={start}&maxResults={PAGE}")
            pages.append(_read(answer, shape))
            if start + PAGE >= _read(answer, Total).total:
                return pages
        raise Malformed(self.name, f"{place} has more than {PAGES} pages")

    def _fields(self, ticket: OpenTicket) -> Mapping[str, object]:
        """Ours win over the configured ones: a ticket without its label would never be found again."""
        priority = self.priorities.get(ticket.priority)
        return {
            **self.fields,
            **({"priority": _named(priority)} if priority else {}),
            "project": {"key": self.project},
            "issuetype": _named(self.issue_type),
            "summary": one_line(ticket.title, SUMMARY),
            "labels": [*self.labels, _label(ticket.fingerprint)],
            "description": self._text(ticket.body),
        }

    def _text(self, document: Document, *closing: Block) -> object:
        return adf(document, closing=closing) if self.flavour == "cloud" else wiki(document, closing=closing)

    def _path(self, path: str) -> str:
        return f"rest/api/{3 if self.flavour == 'cloud' else 2}/{path}"

    async def _post(self, path: str, body: Mapping[str, object]) -> Delivery:
        try:
            answer = await self.client.send("POST", self._path(path), msgspec.json.encode(body), limit=ANSWER)
        except NotSent as error:
            return Deferred(str(error), SOON)
        except SourceError as error:
            return Ambiguous(str(error))
        return delivered(answer)

    async def _get(self, path: str) -> Response:
        answer = await self.client.get(self._path(path), limit=ANSWER)
        if isinstance(answer, Response):
            return answer
        raise Malformed(self.name, f"{path} was answered with 304")


class Total(msgspec.Struct, frozen=True):
    """How long a list is."""

    total: int = 0


def build(
    edge: Http,
    *,
    base: str,
    flavour: Flavour,
    project: str,
    issue_type: str,
    token: str,
    email: str = "",
    labels: Sequence[str] = (),
    priorities: Mapping[str, str] | None = None,
    fields: Mapping[str, object] | None = None,
) -> TicketTracker:
    """Build from the configuration. With an `email` the token is Cloud's API token (Basic), without one a bearer token.

    `priorities` maps our severities to names or ids of Jira's; `fields` are further fields of a new ticket, as Jira's API wants them.
    Raises ValueError for a base that is no address.
    """
    basic = base64.b64encode(f"{email}:{token}".encode()).decode()
    authorization = f"Basic {basic}" if email else f"Bearer {token}"
    # Without the second header Jira takes a client with a browser's name for a browser, and refuses it (XSRF check).
    headers = {"authorization": authorization, "x-atlassian-token": "no-check"}
    client = edge.client("jira", base=base, headers=headers)
    return Jira(client, flavour, project, issue_type, tuple(labels), dict(priorities or {}), dict(fields or {}))


def _label(fingerprint: str) -> str:
    return f"mcpfp-{fingerprint}"


def _mark(key: str) -> str:
    """Letters, digits and single hyphens: they stand unchanged in every markup."""
    return f"mcp-monitor-{fingerprint('comment', key)}"


def _property(key: str, value: Mapping[str, object]) -> Mapping[str, object]:
    return {"key": key, "value": value}


def _named(value: str) -> Mapping[str, str]:
    """What Jira knows by an id or by a name; ids are digits, and survive renaming and translation."""
    return {"id": value} if value.isdigit() else {"name": value}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _carries(issue: Found, fingerprint: str) -> bool:
    if PROPERTY not in issue.properties:
        return True
    try:
        return msgspec.convert(issue.properties[PROPERTY], Properties).fp == fingerprint
    except msgspec.ValidationError:
        return False


def _read(answer: Response, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("jira", f"{answer.url}: {one_line(str(error), 200)}") from error
