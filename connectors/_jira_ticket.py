"""A ticket of ours as Jira holds it: its label and property, and the marks in its comments.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-properties/
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from connectors._jira_history import Histories
from connectors._jira_site import Person, Site
from monitor.domain.fingerprint import fingerprint

PROPERTY = "mcp.reval"
SCHEMA = 1
"""Of what the property holds."""
MOST_SHOWN = 1000
"""Fingerprints in one property, which holds 32,768 characters; what is beyond them cannot be decided in the ticket."""

Word = Annotated[str, msgspec.Meta(max_length=200)]


class Property(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every ticket of ours carries.

    `update` is the key of the last update that was written; `after` the id of the newest change in the history when the ticket began to
    show what it shows by a comment; `since` that comment's time.
    """

    fp: Word
    server: Word = ""
    shows: Annotated[list[Word], msgspec.Meta(max_length=MOST_SHOWN)] = []
    update: Word = ""
    after: Word = ""
    since: Word = ""

    @property
    def value(self) -> Mapping[str, object]:
        """What is written."""
        return {**msgspec.to_builtins(self), "schema": SCHEMA}


class Category(msgspec.Struct, frozen=True):
    """What a status amounts to, in every language: new, indeterminate or done."""

    key: str = ""


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """A step of the workflow."""

    id: str = ""
    name: str = ""
    status_category: Category = Category()

    def is_among(self, names: Sequence[str]) -> bool:
        """Whether the configuration names it, by id or by name."""
        return self.id in names or self.name.casefold() in {name.casefold() for name in names}


class Fields(msgspec.Struct, frozen=True):
    """The fields that are asked for."""

    status: Status = Status()
    reporter: Person | None = None
    created: str | None = None
    updated: str | None = None


class Ticket(msgspec.Struct, frozen=True):
    """An issue. What others wrote into the property costs that property alone."""

    id: str
    key: str
    fields: Fields = Fields()
    properties: dict[str, object] = {}
    changelog: Histories | None = None

    @property
    def untouched(self) -> bool:
        """Whether nothing has happened in it since it was opened."""
        return self.fields.created is not None and self.fields.created == self.fields.updated

    @property
    def ours(self) -> Property | None:
        """Our property; None where there is none, or one that we did not write."""
        try:
            return msgspec.convert(self.properties[PROPERTY], Property)
        except (KeyError, msgspec.ValidationError):
            return None


class Remark(msgspec.Struct, frozen=True):
    """A comment; its body, a tree or a text, stays as it came."""

    id: str
    body: msgspec.Raw
    created: str = ""


class Comments(msgspec.Struct, frozen=True):
    """A page of comments."""

    comments: list[Remark]


async def remark(site: Site, ticket: str, key: str) -> Remark | None:
    """Look through the newest comments for the mark that each of ours ends with; the search does not know comments' properties."""
    comments = await site.find(site.issue(ticket, "/comment?orderBy=-created&maxResults=100"), Comments)
    found = comments.comments if comments else []
    return next((each for each in found if mark(key).encode() in bytes(each.body)), None)


def label(fingerprint: str) -> str:
    """Return the label by which the search finds a ticket."""
    return f"mcpfp-{fingerprint}"


def mark(key: str) -> str:
    """Letters, digits and single hyphens: they stand unchanged in every markup."""
    return f"mcp-monitor-{fingerprint('comment', key)}"


def entity_property(key: str, value: Mapping[str, object]) -> Mapping[str, object]:
    """Return a property as a request holds it."""
    return {"key": key, "value": value}
