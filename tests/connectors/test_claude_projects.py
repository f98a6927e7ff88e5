"""The projects that Claude Code remembers, and their own files."""

from pathlib import Path

import pytest

from connectors import _claude_projects
from connectors.mcp_config import build
from monitor.domain.deployment import Inventory
from tests.connectors.homes import write

SERVERS = {"mcpServers": {"x": {"command": "npx", "args": ["-y", "acme@1.0.0"]}}}


async def scanned(home: Path) -> Inventory:
    return await build(host="laptop-7", paths=(), home=home).inventory()


def places(inventory: Inventory) -> list[tuple[str, str, bool]]:
    return [(each.client, each.location, each.disabled) for each in inventory.deployments]


async def test_the_own_file_of_a_project_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "work/files/.mcp.json", SERVERS)
    write(tmp_path / ".claude.json", {"projects": {str(tmp_path / "work/files"): {}, str(tmp_path / "gone"): {}}})

    inventory = await scanned(tmp_path)

    assert places(inventory) == [("claude-code", str(file), False)]
    assert (inventory.complete, inventory.problems) == (True, ())


async def test_what_somebody_switched_off_in_a_project_is_switched_off(tmp_path: Path) -> None:
    write(tmp_path / "work/.mcp.json", SERVERS)
    write(tmp_path / ".claude.json", {"projects": {str(tmp_path / "work"): {"disabledMcpjsonServers": ["x", 5]}}})

    assert [disabled for _, _, disabled in places(await scanned(tmp_path))] == [True]


async def test_a_mounted_home_is_known_by_its_users_name(tmp_path: Path) -> None:
    write(tmp_path / "rita/work/.mcp.json", SERVERS)
    write(tmp_path / "rita/.claude.json", {"projects": {"/Users/rita/work": {}}})

    assert len(places(await scanned(tmp_path / "rita"))) == 1


async def test_nothing_outside_of_the_home_is_read(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    write(outside / ".mcp.json", SERVERS)
    write(home / "file/kept", "")
    (home / "folder").symlink_to(outside)
    (home / "file/.mcp.json").symlink_to(outside / ".mcp.json")
    named = [str(outside), str(home / "folder"), str(home / "file"), str(home / "../outside"), "", "\0", "~root"]
    write(home / ".claude.json", {"projects": {key: {} for key in named}})

    assert places(await scanned(home)) == []


@pytest.mark.parametrize("memory", ["{", "[]", '{"projects": 5}', '{"projects": {"work": 5, "/": [], "/work": null}}'])
async def test_a_memory_of_another_shape_names_no_projects(tmp_path: Path, memory: str) -> None:
    write(tmp_path / ".cursor/mcp.json", SERVERS)
    write(tmp_path / ".claude.json", memory)

    assert [client for client, _, _ in places(await scanned(tmp_path))] == ["cursor"]


async def test_a_projects_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "work/.mcp.json", "{")
    write(tmp_path / ".claude.json", {"projects": {str(tmp_path / "work"): {}}})

    inventory = await scanned(tmp_path)

    assert not inventory.complete
    assert inventory.problems[0].startswith(str(file))


async def test_more_projects_than_anybody_has_are_told(tmp_path: Path) -> None:
    many: dict[str, object] = {f"/p{number}": {} for number in range(_claude_projects.MAX_PROJECTS)}
    write(tmp_path / "work/.mcp.json", SERVERS)
    write(tmp_path / ".claude.json", {"projects": {**many, str(tmp_path / "work"): {}}})

    inventory = await scanned(tmp_path)

    assert (inventory.complete, places(inventory)) == (False, [])
    assert "over 2000 projects" in inventory.problems[0]
