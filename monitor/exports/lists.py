"""`allowedMcpServers` and `deniedMcpServers`: Claude Code, GitHub Copilot and VS Code match the same entries.

Each entry has exactly one of `serverCommand` (every argument, in order) and `serverUrl` (a pattern with `*`); names are never used, since
anybody can give any server any name. A malformed list blocks everything, or nothing: what is written is read again before it is handed out.
"""

import json
from collections.abc import Collection, Sequence

from monitor.domain.purl import Purl
from monitor.domain.server import Entry
from monitor.exports.allowed import MARK, Allowed, Export, Origin, allowed, as_json, denials, require, require_command

ALLOW, DENY = "allowedMcpServers", "deniedMcpServers"
VSCODE_ALLOW, VSCODE_DENY = "ChatAllowedMcpServers", "ChatDeniedMcpServers"


def claude_code(entries: Sequence[Entry], denied: Collection[Purl], origin: Origin) -> Export:
    """Write Claude Code's managed-settings.json: its lists alone decide, whatever users and projects allow."""
    good, left = allowed(entries, denied, origin)
    document = {MARK: origin.mark, "allowManagedMcpServersOnly": True, **_lists(good, denied, entries)}
    data = as_json(document)
    check_claude_code(data)
    return Export({"managed-settings.json": data}, tuple(good), tuple(left))


def copilot(entries: Sequence[Entry], denied: Collection[Purl], origin: Origin) -> Export:
    """Write the managed-settings.json of GitHub Copilot in the CLI, VS Code and JetBrains."""
    good, left = allowed(entries, denied, origin)
    data = as_json({MARK: origin.mark, **_lists(good, denied, entries)})
    check_copilot(data)
    return Export({"managed-settings.json": data}, tuple(good), tuple(left))


def vscode(entries: Sequence[Entry], denied: Collection[Purl], origin: Origin) -> Export:
    """Write VS Code's policy.json: the same lists, each as a text of JSON, as its policies of that kind are."""
    good, left = allowed(entries, denied, origin)
    lists = _lists(good, denied, entries)
    document = {
        MARK: origin.mark,
        VSCODE_ALLOW: json.dumps(lists[ALLOW]),
        VSCODE_DENY: json.dumps(lists[DENY]),
        "ChatAllowManagedMcpServersOnly": True,
    }
    data = as_json(document)
    check_vscode(data)
    return Export({"policy.json": data}, tuple(good), tuple(left))


def _lists(
    good: Sequence[Allowed], denied: Collection[Purl], entries: Sequence[Entry]
) -> dict[str, list[dict[str, object]]]:
    allow: list[dict[str, object]] = []
    for each in good:
        allow += (
            [{"serverUrl": each.remote}] if each.remote else [{"serverCommand": list(one)} for one in each.commands]
        )
    return {ALLOW: allow, DENY: [{"serverCommand": list(command)} for command in denials(denied, entries)]}


def check_claude_code(data: bytes) -> None:
    """Raise `Invalid` for what Claude Code would not take as these lists."""
    document = json.loads(data)
    require(document.get("allowManagedMcpServersOnly") is True, "allowManagedMcpServersOnly is not true")
    _check(document.get(ALLOW), document.get(DENY))


def check_copilot(data: bytes) -> None:
    """Raise `Invalid` for what Copilot would take as an empty list, which blocks everything."""
    document = json.loads(data)
    _check(document.get(ALLOW), document.get(DENY))


def check_vscode(data: bytes) -> None:
    """Raise `Invalid` for what VS Code would not take as these policies."""
    document = json.loads(data)
    require(document.get("ChatAllowManagedMcpServersOnly") is True, "ChatAllowManagedMcpServersOnly is not true")
    require(all(isinstance(document.get(key), str) for key in (VSCODE_ALLOW, VSCODE_DENY)), "a list that is no text")
    _check(json.loads(document[VSCODE_ALLOW]), json.loads(document[VSCODE_DENY]))


def _check(allow: object, deny: object) -> None:
    require(isinstance(allow, list), f"{ALLOW} is no list")
    require(isinstance(deny, list), f"{DENY} is no list")
    allows = allow if isinstance(allow, list) else []
    denies = deny if isinstance(deny, list) else []
    for entry in (*allows, *denies):
        require(isinstance(entry, dict) and len(entry) == 1, f"not exactly one key: {entry!r}")
        require(entry.keys() <= {"serverCommand", "serverUrl"}, f"a key that is no identity: {entry!r}")
    for entry in allows:
        if "serverUrl" in entry:
            url = entry["serverUrl"]
            require(
                isinstance(url, str) and url.startswith("https://") and "*" not in url and "$" not in url,
                f"no exact address: {url!r}",
            )
        else:
            require_command(entry["serverCommand"])
    for entry in denies:
        words = entry.get("serverCommand")
        require(
            isinstance(words, list) and words and all(isinstance(word, str) for word in words), f"no command: {entry!r}"
        )
        require(entry not in allows, f"allowed and denied: {entry!r}")
