"""Where MCP clients keep their configuration, by client, as paths below a user's home.

Compiled from the vendors' documentation and from the open scanners agent-scan (snyk) and toolhive (stacklok), both Apache-2.0; facts only.
Paths of all systems are listed: a home may be mounted from another one.
"""

from fnmatch import fnmatchcase
from pathlib import PurePath

APP = (".config", "Library/Application Support", "AppData/Roaming")
"""Where programs keep their settings on Linux, macOS and Windows."""

LOCATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("claude-desktop", tuple(f"{app}/Claude/claude_desktop_config.json" for app in APP)),
    ("claude-code", (".claude.json", ".claude/plugins/cache/**/.mcp.json")),
    ("cursor", (".cursor/mcp.json",)),
    (
        "vscode",
        (
            *(
                f"{app}/{code}/User/{name}"
                for app in APP
                for code in ("Code", "Code - Insiders")
                for name in ("mcp.json", "settings.json")
            ),
            *(f"{app}/Code/User/profiles/*/mcp.json" for app in APP),
            ".vscode-server/data/User/mcp.json",
        ),
    ),
    ("copilot-cli", (".copilot/mcp-config.json",)),
    ("visual-studio", (".mcp.json",)),
    ("windsurf", (".codeium/windsurf/mcp_config.json", ".codeium/mcp_config.json")),
    (
        "cline",
        (
            *(f"{app}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json" for app in APP),
            ".cline/data/settings/cline_mcp_settings.json",
        ),
    ),
    (
        "roo",
        tuple(f"{app}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json" for app in APP),
    ),
    ("zed", (".config/zed/settings.json", "AppData/Roaming/Zed/settings.json")),
    ("continue", (".continue/config.yaml", ".continue/config.json", ".continue/mcpServers/*")),
    ("gemini-cli", (".gemini/settings.json", ".gemini/extensions/*/gemini-extension.json")),
    ("codex", (".codex/config.toml", ".codex/*.config.toml")),
    ("goose", (".config/goose/config.yaml", "AppData/Roaming/Block/goose/config/config.yaml")),
    ("lm-studio", (".lmstudio/mcp.json",)),
    ("amazon-q", (".aws/amazonq/mcp.json", ".aws/amazonq/agents/*.json")),
    ("kiro", (".kiro/settings/mcp.json", ".kiro/agents/*.json", ".kiro/powers/installed/*/mcp.json")),
    ("opencode", (".config/opencode/opencode.json", ".config/opencode/opencode.jsonc")),
    ("junie", (".junie/mcp/mcp.json",)),
    ("antigravity", (".gemini/antigravity/mcp_config.json", ".gemini/config/mcp_config.json")),
    ("amp", (".config/amp/settings.json", "AppData/Roaming/amp/settings.json")),
    ("trae", tuple(f"{app}/Trae/User/mcp.json" for app in APP)),
    ("mistral-vibe", (".vibe/config.toml",)),
    ("devin-desktop", (".config/devin/mcp_config.json",)),
)

SWITCHES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("cline", "roo", "kiro", "windsurf", "amazon-q"), ("disabled",)),
    **dict.fromkeys(("opencode", "goose", "codex", "zed"), ("enabled",)),
}
"""Client -> the keys of an entry by which it is switched off there: `disabled: true`, `enabled: false`. Every other client starts the entry
whatever such a key says, and so does one that is not known."""

SWITCHED_BY_LIST = ("claude-code",)
"""Clients that keep the names of what is switched off in a list beside a project's servers."""

PROJECT = (
    ("vscode", ".vscode/mcp.json"),
    ("vscode", ".vscode/settings.json"),
    ("roo", ".roo/mcp.json"),
    ("zed", ".zed/settings.json"),
    ("amazon-q", ".amazonq/mcp.json"),
    ("claude-code", "managed-mcp.json"),
    ("claude-code", ".mcp.json"),
)
"""Further endings by which a file's client is recognised: configurations that lie in a project or with the system."""


def client_of(path: PurePath) -> str:
    """Name the client that keeps a file at that path, `unknown` where the path does not tell."""
    text = "/" + path.as_posix().lstrip("/")
    endings = [(client, place) for client, places in LOCATIONS for place in places if "/" in place]
    for client, place in [*endings, *PROJECT]:
        if fnmatchcase(text, "*/" + place.replace("**/", "*")):
            return client
    return next((client for client, places in LOCATIONS if path.name in places), "unknown")
