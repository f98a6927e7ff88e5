"""Where MCP clients keep their configuration, by client, as paths below a user's home.

Compiled from the vendors' documentation and from the open scanners agent-scan (snyk) and toolhive (stacklok), both Apache-2.0; facts only.
Paths of all systems are listed: a home may be mounted from another one. Not read: the AI Assistant of JetBrains, whose format is not
known, and Warp, which keeps its servers in a database.
"""

from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TypeVar

P = TypeVar("P", bound=PurePath)
APP = (".config", "Library/Application Support", "AppData/Roaming")
"""Where programs keep their settings on Linux, macOS and Windows."""

OPENCODE = ("opencode.json", "opencode.jsonc")

LOCATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "claude-desktop",
        tuple(
            f"{app}/Claude/{name}"
            for app in APP
            for name in ("claude_desktop_config.json", "Claude Extensions/*/manifest.json")
        ),
    ),
    (
        "claude-code",
        (
            ".claude.json",
            ".claude/plugins/cache/**/.mcp.json",
            ".claude/plugins/cache/**/.claude-plugin/plugin.json",
            ".claude/plugins/repos/**/.mcp.json",
        ),
    ),
    ("cursor", (".cursor/mcp.json", *(f"{app}/Cursor/User/settings.json" for app in APP))),
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
    (
        "windsurf",
        (
            ".codeium/windsurf/mcp_config.json",
            ".codeium/mcp_config.json",
            *(f"{app}/Windsurf/User/settings.json" for app in APP),
        ),
    ),
    (
        "cline",
        (
            *(f"{app}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json" for app in APP),
            ".cline/data/settings/cline_mcp_settings.json",
        ),
    ),
    (
        "roo",
        tuple(
            f"{app}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/{name}"
            for app in APP
            for name in ("mcp_settings.json", "cline_mcp_settings.json")
        ),
    ),
    ("zed", (".config/zed/settings.json", "AppData/Roaming/Zed/settings.json")),
    ("continue", (".continue/config.yaml", ".continue/config.json", ".continue/mcpServers/*")),
    ("gemini-cli", (".gemini/settings.json", ".gemini/extensions/*/gemini-extension.json")),
    ("codex", (".codex/config.toml", ".codex/*.config.toml", ".codex/plugins/**/.mcp.json")),
    ("goose", (".config/goose/config.yaml", "AppData/Roaming/Block/goose/config/config.yaml")),
    ("lm-studio", (".lmstudio/mcp.json",)),
    ("amazon-q", (".aws/amazonq/mcp.json", ".aws/amazonq/agents/*.json")),
    ("kiro", (".kiro/settings/mcp.json", ".kiro/agents/*.json", ".kiro/powers/installed/*/mcp.json")),
    (
        "opencode",
        tuple(f"{folder}/{name}" for folder in (".config/opencode", ".opencode") for name in OPENCODE),
    ),
    ("junie", (".junie/mcp/mcp.json",)),
    ("antigravity", (".gemini/antigravity/mcp_config.json", ".gemini/config/mcp_config.json")),
    ("amp", (".config/amp/settings.json", "AppData/Roaming/amp/settings.json")),
    ("trae", tuple(f"{app}/Trae/User/mcp.json" for app in APP)),
    ("mistral-vibe", (".vibe/config.toml",)),
    ("devin-desktop", (".config/devin/mcp_config.json",)),
)

SYSTEM: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "claude-code",
        tuple(
            f"{folder}/managed-mcp.json"
            for folder in ("etc/claude-code", "Library/Application Support/ClaudeCode", "Program Files/ClaudeCode")
        ),
    ),
    ("codex", ("etc/codex/config.toml", "ProgramData/OpenAI/Codex/config.toml")),
    (
        "gemini-cli",
        tuple(
            f"{folder}/settings.json"
            for folder in ("etc/gemini-cli", "Library/Application Support/GeminiCli", "ProgramData/gemini-cli")
        ),
    ),
    (
        "opencode",
        tuple(
            f"{folder}/{name}"
            for folder in ("etc/opencode", "Library/Application Support/opencode", "ProgramData/opencode")
            for name in OPENCODE
        ),
    ),
)
"""The places that hold for all users of a machine, below the system's own folder."""

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
    ("visual-studio", ".vs/mcp.json"),
    ("cursor", ".cursor/mcp.json"),
    ("roo", ".roo/mcp.json"),
    ("zed", ".zed/settings.json"),
    ("gemini-cli", ".gemini/settings.json"),
    ("codex", ".codex/config.toml"),
    ("kiro", ".kiro/settings/mcp.json"),
    ("junie", ".junie/mcp/mcp.json"),
    ("amazon-q", ".amazonq/mcp.json"),
    ("opencode", "opencode.json"),
    ("opencode", "opencode.jsonc"),
    ("claude-code", "managed-mcp.json"),
    ("claude-code", ".mcp.json"),
)
"""Endings by which a configuration that lies in a project or with the system is recognised, and its client."""


def client_of(path: PurePath) -> str:
    """Name the client that keeps a file at that path, `unknown` where the path does not tell."""
    text = "/" + path.as_posix().lstrip("/")
    endings = [(client, place) for client, places in LOCATIONS for place in places if "/" in place]
    for client, place in [*endings, *PROJECT]:
        if fnmatchcase(text, "*/" + place.replace("**/", "*")):
            return client
    return next((client for client, places in LOCATIONS if path.name in places), "unknown")


def project_of(path: P) -> P | None:
    """Return the folder of the project whose configuration lies at that path; None where it is not known to be a project's."""
    text = path.as_posix()
    ending = next((place for _, place in PROJECT if text.endswith(f"/{place}")), None)
    return path.parents[ending.count("/")] if ending else None
