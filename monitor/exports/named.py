"""Codex and Gemini CLI know a server by the name that the user gives it: the export decides the names, and what each name may start."""

import json
import tomllib
from collections.abc import Collection, Mapping, Sequence

from monitor.domain.purl import Purl
from monitor.domain.server import Entry
from monitor.exports.allowed import MARK, Allowed, Export, Origin, allowed, as_json, require, require_command


def codex(entries: Sequence[Entry], denied: Collection[Purl], origin: Origin) -> Export:
    """Write Codex's requirements.toml: a server runs when name, program and every argument are those of the file."""
    good, left = allowed(entries, denied, origin)
    blocks = [_codex_block(each) for each in good] or ["[mcp_servers]\n"]
    head = f"# exported_at = {_toml(origin.at)}\n# registry_sha256 = {_toml(origin.registry)}\n"
    data = "\n".join([head, *blocks]).encode()
    check_codex(data)
    return Export({"requirements.toml": data}, tuple(good), tuple(left))


def _codex_block(each: Allowed) -> str:
    if each.remote:
        return f"[mcp_servers.{each.label}.identity]\nurl = {_toml(each.remote)}\n"
    program, *arguments = each.commands[0]
    lines = [f"  {{ match = {_toml('exact')}, value = {_toml(word)} }},\n" for word in arguments]
    name = f"mcp_servers.{each.label}.identity.command"
    return f"[{name}]\nexecutable = {_toml(program)}\nargs = [\n{''.join(lines)}]\n"


def _toml(text: str) -> str:
    # A basic string of TOML. Characters beyond 16 bits stand as they are: TOML has no pairs of escapes.
    return json.dumps(text, ensure_ascii=False)


def check_codex(data: bytes) -> None:
    """Raise `Invalid` for what Codex would read as no list (all is allowed), or as a rule that does not look at the arguments."""
    servers = tomllib.loads(data.decode()).get("mcp_servers")
    require(isinstance(servers, dict), "no table mcp_servers: everything would be allowed")
    for name, server in (servers or {}).items():
        identity = server.get("identity", {})
        require(identity.keys() in ({"command"}, {"url"}), f"{name}: neither a command nor a url")
        if "url" in identity:
            require(identity["url"].startswith("https://"), f"{name}: no https address")
            continue
        command = identity["command"]
        require(isinstance(command, Mapping), f"{name}: a command without its arguments matches any")
        require(all(each.get("match") == "exact" for each in command["args"]), f"{name}: an argument that is not exact")
        require_command([command["executable"], *(each["value"] for each in command["args"])])


def gemini(entries: Sequence[Entry], denied: Collection[Purl], origin: Origin) -> Export:
    """Write Gemini CLI's system settings.json: the names that may run, and what each of them starts, which no user can replace."""
    good, left = allowed(entries, denied, origin)
    servers = {each.label: _gemini_server(each) for each in good}
    data = as_json({MARK: origin.mark, "mcp": {"allowed": list(servers)}, "mcpServers": servers})
    check_gemini(data)
    return Export({"settings.json": data}, tuple(good), tuple(left))


def _gemini_server(each: Allowed) -> dict[str, object]:
    if each.remote:
        return {"httpUrl": each.remote}
    program, *arguments = each.commands[0]
    return {"command": program, "args": arguments}


def check_gemini(data: bytes) -> None:
    """Raise `Invalid` where a name is allowed and not defined: a user's own definition would run under it."""
    document = json.loads(data)
    servers = document["mcpServers"]
    require(document["mcp"]["allowed"] == list(servers), "allowed and defined names differ")
    # An empty list of names stands for no restriction.
    require(servers, "no server is allowed, which this client takes for no list at all")
    for name, server in servers.items():
        require("_" not in name, f"{name}: an underscore separates a server from its tools")
        if "httpUrl" in server:
            require(server["httpUrl"].startswith("https://"), f"{name}: no https address")
        else:
            require_command([server["command"], *server["args"]])
