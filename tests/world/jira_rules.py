"""What Jira refuses: fields, labels, documents; with its own words where they are known."""

import json
from collections.abc import Collection, Mapping

MAX_TEXT = 32_767
MAX_SUMMARY = 255
MAX_PROPERTY = 32_768

INLINE = frozenset({"text", "hardBreak"})
CHILDREN: Mapping[str, Collection[str]] = {
    "doc": {"heading", "paragraph", "bulletList", "table", "codeBlock"},
    "heading": INLINE,
    "paragraph": INLINE,
    "codeBlock": {"text"},
    "bulletList": {"listItem"},
    "listItem": {"paragraph", "bulletList", "codeBlock"},
    "table": {"tableRow"},
    "tableRow": {"tableHeader", "tableCell"},
    "tableHeader": {"paragraph", "heading", "bulletList", "codeBlock"},
    "tableCell": {"paragraph", "heading", "bulletList", "codeBlock"},
    "text": (),
    "hardBreak": (),
}
"""The part of the document format that the world knows; anything else is refused, as the real one refuses what it does not know."""
NEVER_EMPTY = frozenset({"bulletList", "listItem", "table", "tableRow", "tableHeader", "tableCell"})
KEYS = frozenset({"type", "version", "content", "attrs", "text", "marks"})


def text_problem(body: object, *, cloud: bool) -> str:
    """Return why a description or comment is refused, empty where it is not."""
    if cloud:
        if not isinstance(body, dict) or body.get("type") != "doc" or body.get("version") != 1:
            return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        if len(json.dumps(body, ensure_ascii=False)) > MAX_TEXT:
            return "CONTENT_LIMIT_EXCEEDED"
        return node_problem(body)
    if not isinstance(body, str):
        return "Operation value must be a string"
    return (
        f"The entered text is too long. It exceeds the allowed limit of {MAX_TEXT} characters."
        if len(body) > MAX_TEXT
        else ""
    )


def node_problem(node: object) -> str:
    """Return why a node of a document is no good, with its type, empty where it is."""
    if not isinstance(node, dict) or node.get("type") not in CHILDREN or not set(node) <= KEYS:
        return f"INVALID_INPUT: {str(node)[:100]}"
    kind, content = str(node["type"]), node.get("content", [])
    faults = {
        "empty text": kind == "text" and not (isinstance(node.get("text"), str) and node["text"]),
        "marks": any(not _link(mark) for mark in node.get("marks", [])),
        "level": kind == "heading" and (node.get("attrs") or {}).get("level") not in range(1, 7),
        "content": not isinstance(content, list) or (kind in NEVER_EMPTY and not content),
    }
    if found := [fault for fault, holds in faults.items() if holds]:
        return f"INVALID_INPUT: {kind}: {', '.join(found)}"
    strange = [child for child in content if not isinstance(child, dict) or child.get("type") not in CHILDREN[kind]]
    if strange:
        return f"INVALID_INPUT: {kind} holds {str(strange[0])[:100]}"
    return next(filter(None, map(node_problem, content)), "")


def words(node: object) -> str:
    """Return the text of a document (either flavour's) as a person reads it, a line for each line."""
    if isinstance(node, str):
        return node
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "hardBreak":
        return "\n"
    inner = "".join(words(child) for child in node.get("content") or [])
    end = "\n" if node.get("type") in ("paragraph", "heading", "codeBlock", "tableRow") else ""
    return str(node.get("text", "")) + inner + end


def summary_problem(summary: object) -> str:
    """Return why a summary is refused, empty where it is not."""
    if not isinstance(summary, str) or not summary.strip():
        return "You must specify a summary of the issue."
    if "\n" in summary or "\r" in summary:
        return "The summary is invalid because it contains newline characters."
    return "Summary must be less than 255 characters." if len(summary) > MAX_SUMMARY else ""


def labels_problem(labels: object) -> str:
    """Return why labels are refused, empty where they are not."""
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        return "data was not an array"
    spaced = [label for label in labels if " " in label or not label or len(label) > MAX_SUMMARY]
    return f"The label '{spaced[0]}' contains spaces which is invalid." if spaced else ""


def properties_problem(properties: object) -> str:
    """Return why properties are refused, empty where they are not."""
    if not isinstance(properties, list):
        return "properties: not a list"
    for each in properties:
        if not isinstance(each, dict) or set(each) != {"key", "value"} or len(json.dumps(each["value"])) > MAX_PROPERTY:
            return "properties: not key and value, or too long"
    return ""


def _link(mark: object) -> bool:
    if not isinstance(mark, dict) or mark.get("type") != "link":
        return False
    href = (mark.get("attrs") or {}).get("href", "")
    return isinstance(href, str) and href.startswith(("https://", "http://"))
