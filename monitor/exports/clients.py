"""The clients for which there is an export, by the name that `export allowlist --for` takes."""

from collections.abc import Mapping

from monitor.exports.allowed import Writer
from monitor.exports.lists import claude_code, copilot, vscode
from monitor.exports.named import codex, gemini
from monitor.exports.registries import kiro, registry_api

WRITERS: Mapping[str, Writer] = {
    "claude-code": claude_code,
    "copilot": copilot,
    "vscode": vscode,
    "codex": codex,
    "gemini": gemini,
    "kiro": kiro,
    "registry-api": registry_api,
}
