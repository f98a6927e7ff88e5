"""Finds the servers in a client's configuration, whatever the client wraps them in.

The wrappers, by client: `mcpServers` (most), `servers` (VS Code), `mcp.servers` nested or as one dotted key (VS Code's settings),
`mcp` (opencode), `context_servers` (Zed), `mcp_servers` (Codex, Vibe), `extensions` (Goose), `amp.mcpServers` (one key with a dot),
a list with `name` (Continue, Vibe), `projects.<path>.mcpServers` (Claude Code), none at all (plug-ins of Claude Code),
`server.mcp_config` (extensions of Claude Desktop),
`mcp.serverCommand` (Gemini).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connectors._reading_files.jsonc import Value

SURE = ("mcpServers", "mcp_servers", "servers", "context_servers", "amp.mcpServers", "mcp.servers")
"""Keys whose every value is meant to be a server."""

LIKELY = ("extensions", "mcp")
"""Keys that other programs use too: only what looks like a server counts."""

SIGNS = frozenset(("command", "cmd", "url", "serverUrl", "httpUrl", "uri"))
ABOUT = re.compile(r"[$_/].*|version|name|description|author|disabledMcpServers|disabledMcpjsonServers")
"""Keys beside servers without a wrapper that are about the file."""

SWITCHED_OFF = ("disabledMcpServers", "disabledMcpjsonServers")


@dataclass(frozen=True, slots=True)
class Found:
    """A server's entry as written. `scope`: the project that it holds for, empty for the whole file."""

    scope: str
    name: str
    entry: Value
    disabled: bool


def entries(root: Value, *, flat: bool = False) -> Iterator[Found]:
    """Yield every server of the file, in the file's order within each wrapper.

    `flat`: the file's name says that it may hold servers without a wrapper; then one of them is enough, and what is none is yielded, too.
    """
    if not isinstance(root, dict):
        return
    wrapped = False
    for entry in _all(root):
        wrapped = True
        yield entry
    looks = [_looks_like_server(value) for value in root.values()]
    if not wrapped and root and (any(looks) if flat else all(looks)):
        yield from _scope("", root, {name: value for name, value in root.items() if not ABOUT.fullmatch(name)})


def _all(root: Mapping[str, Value]) -> Iterator[Found]:
    yield from _wrapped("", root)
    for path, project in _pairs(root.get("projects")):
        if isinstance(project, dict):
            yield from _wrapped(path, project)
    extension = _mapping(root.get("server")).get("mcp_config")
    if isinstance(extension, dict):
        name = root.get("name")
        yield Found("", name if isinstance(name, str) and name else "extension", extension, disabled=False)
    for outer in ("powers", "settings", "experimental"):
        yield from _wrapped("", _mapping(root.get(outer)))
    yield from _wrapped("", _mapping(_mapping(root.get("customizations")).get("vscode")))


def _wrapped(scope: str, holder: Mapping[str, Value]) -> Iterator[Found]:
    for key in SURE:
        yield from _scope(scope, holder, holder.get(key))
    for key in LIKELY:
        inside = _mapping(holder.get(key))
        if isinstance(inside.get("serverCommand"), str):
            yield Found(scope, f"{key}.serverCommand", {"command": inside["serverCommand"]}, disabled=False)
        nested = [inside[sure] for sure in ("servers", "mcpServers") if isinstance(inside.get(sure), dict | list)]
        for servers in nested:
            yield from _scope(scope, holder, servers)
        if not nested:
            likely: Value = {name: value for name, value in inside.items() if _looks_like_server(value)}
            yield from _scope(scope, holder, likely)
    old = holder.get("modelContextProtocolServers")
    if isinstance(old, list):
        inner: Value = {f"{at}": _mapping(item).get("transport") for at, item in enumerate(old, start=1)}
        yield from _scope(scope, holder, inner)


def _scope(scope: str, holder: Mapping[str, Value], servers: Value) -> Iterator[Found]:
    off = {name for key in SWITCHED_OFF for name in _list(holder.get(key)) if isinstance(name, str)}
    for name, value in _pairs(servers):
        yield Found(scope, name, value, name in off)


def _pairs(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield name and entry of a mapping, or of a list whose items are named by themselves."""
    if isinstance(value, dict):
        yield from value.items()
    for at, item in enumerate(_list(value), start=1):
        name = _mapping(item).get("name")
        yield (name if isinstance(name, str) and name else f"#{at}"), item


def _mapping(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, dict) else {}


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _looks_like_server(value: Value) -> bool:
    if not isinstance(value, dict):
        return False
    return bool(SIGNS & value.keys()) or value.get("type") in ("builtin", "stdio", "platform", "local", "remote")
