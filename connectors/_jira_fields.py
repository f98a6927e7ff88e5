"""What a Jira project demands of a new ticket, and whether the configuration gives it: required fields are the first thing that fails.

Metadata: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-createmeta-projectidorkey-issuetypes-get
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from monitor.domain.text import one_line

OURS = frozenset({"project", "issuetype", "summary", "description", "labels"})
ASSUMED = frozenset({"project", "issuetype", "reporter"})
"""Never on the list, or filled in by Jira itself."""


class Named(msgspec.Struct, frozen=True):
    """An issue type, or a value that a field allows."""

    id: str = ""
    name: str = ""


class Field(msgspec.Struct, frozen=True, rename="camel"):
    """A field of the create screen."""

    field_id: str
    name: str = ""
    required: bool = False
    has_default_value: bool = False
    allowed_values: list[Named | None] | None = None


class TypePage(msgspec.Struct, frozen=True, rename="camel"):
    """A page of issue types: `issueTypes` in Cloud, `values` in Data Center."""

    issue_types: list[Named] = []
    values: list[Named] = []


class FieldPage(msgspec.Struct, frozen=True):
    """A page of fields: `fields` in Cloud, `values` in Data Center."""

    fields: list[Field] = []
    values: list[Field] = []


def matching(types: Sequence[Named], wanted: str) -> str | None:
    """Return the id of the issue type with that id or name, None where there is none."""
    return next((kind.id for kind in types if wanted == kind.id or wanted.casefold() == kind.name.casefold()), None)


def complaint(fields: Sequence[Field], *, configured: Collection[str], priorities: Mapping[str, str]) -> str:
    """Say, field by field, what would make Jira refuse a ticket, with the way out; empty where nothing would."""
    screen = {field.field_id: field for field in fields}
    given = OURS | ASSUMED | set(configured) | ({"priority"} if priorities else set())
    missing = [
        field for field in fields if field.required and not field.has_default_value and field.field_id not in given
    ]
    absent = sorted(given - ASSUMED - set(screen))
    problems = [
        "required and not configured: "
        + ", ".join(f"{field.field_id} ({field.name})" for field in missing)
        + ": set them under [jira.fields]"
        if missing
        else "",
        f"not on the create screen: {', '.join(absent)}: add them there, or take them out of the configuration"
        if absent
        else "",
        _unknown(screen.get("priority"), priorities),
    ]
    return one_line("; ".join(filter(None, problems)), 900)


def _unknown(field: Field | None, priorities: Mapping[str, str]) -> str:
    allowed = [value for value in (field.allowed_values or [] if field else []) if value]
    known = {value.id for value in allowed} | {value.name for value in allowed}
    strange = sorted(set(priorities.values()) - known) if allowed else []
    if not strange:
        return ""
    return (
        f"no such priority: {', '.join(strange)}: set [jira.priorities] to some of {', '.join(v.name for v in allowed)}"
    )
