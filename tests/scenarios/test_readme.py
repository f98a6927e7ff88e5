"""Every mcp-monitor command that a document shows is run, against a company whose sources are the simulated world."""

import re
import shlex
from pathlib import Path

import pytest

from tests.company import Company
from tests.scenarios.conftest import FILES
from tests.scenarios.test_crashes import finish

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = sorted(
    {
        line.removeprefix("$ mcp-monitor ").split("   #")[0].strip()
        for document in DOCUMENTS
        for block in re.findall(r"```console\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
        for line in block.splitlines()
        if line.startswith("$ mcp-monitor ")
    }
)
NEEDS_MORE = re.compile(
    r"FILE|verify (?!$)|refresh|--to|exposure (?:GHSA|.*--between)|submit .|retire|waive |acknowledge |scan .*--(?:home|project)"
)
"""Commands with placeholders, or that need what only a person has; tests of their own run them."""


@pytest.mark.parametrize("command", [command for command in SHOWN if not NEEDS_MORE.search(command)])
async def test_a_command_that_a_document_shows_works(calm: Company, command: str) -> None:
    ours = re.sub(r"io\.github\.\S+", FILES, command)

    code, output = finish(calm, *shlex.split(ours))

    assert code in (0, 1), output
    assert "Traceback" not in output


def test_the_documents_show_commands() -> None:
    assert len(SHOWN) > 5
