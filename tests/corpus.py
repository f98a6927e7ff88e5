"""Where the shared corpus and the contracts lie: real data that is not part of this repository.

Without them the tests that need them are skipped, and say so.
"""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


def path(part: str) -> Path:
    """Return a folder or file of the corpus (`osv`, `versions/range-traps.json`); skips the test, or the module, that asks in vain."""
    return _find(Path(os.environ.get("MCP_MONITOR_CORPUS") or SHARED / "corpus"), part, "MCP_MONITOR_CORPUS")


def contract(part: str) -> Path:
    """Return a file of the contracts (`jira-openapi.json.gz`); skips like `path`."""
    return _find(Path(os.environ.get("MCP_MONITOR_CONTRACTS") or SHARED / "contracts"), part, "MCP_MONITOR_CONTRACTS")


def _find(root: Path, part: str, variable: str) -> Path:
    found = root / part
    if not found.exists():
        pytest.skip(f"NOT TESTED: no {part} in {root} (set {variable})", allow_module_level=True)
    return found
