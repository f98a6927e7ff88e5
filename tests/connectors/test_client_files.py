"""Which files of a machine's clients are read: all that are there, none that lie elsewhere, and what is closed is told."""

import os
from pathlib import Path

import pytest

from connectors._claude_projects import projects
from connectors._installed.disk import Disk
from connectors._reading_files.opening import opened_below
from connectors.mcp_config import build, parse_config
from monitor.domain.deployment import Inventory, PinKind
from monitor.ports.errors import Unavailable
from tests.connectors.homes import config, write
from tests.nobody import as_nobody, open_folder

__all__ = ["open_folder"]
SERVERS = {"mcpServers": {"x": {"command": "npx", "args": ["-y", "acme@1.0.0"]}}}


async def scanned(home: Path) -> Inventory:
    return await build(host="laptop-7", paths=(), home=home).inventory()


async def test_a_home_that_may_not_be_entered_is_not_an_empty_one(open_folder: Path) -> None:
    write(open_folder / "rita/.cursor/mcp.json", SERVERS)
    await scanned(open_folder / "rita")
    (open_folder / "rita").chmod(0)

    with as_nobody(), pytest.raises(Unavailable, match="rita: Permission denied; scan as its user"):
        await scanned(open_folder / "rita")

    (open_folder / "rita").chmod(0o700)


async def test_a_folder_that_may_not_be_read_makes_the_report_incomplete_and_is_told_once(open_folder: Path) -> None:
    home = open_folder
    config(home, "npx", "acme@1.0.0")
    for name in ("a", "b"):
        config(home, "npx", "evil", place=f".gemini/extensions/{name}/gemini-extension.json")
    await scanned(home)
    (home / ".gemini").chmod(0)

    with as_nobody():
        inventory = await scanned(home)

    (home / ".gemini").chmod(0o700)
    assert not inventory.complete
    assert inventory.problems == (f"{home}/.gemini: Permission denied",)
    assert [each.client for each in inventory.deployments] == ["cursor"]


async def test_a_configuration_behind_a_link_out_of_the_home_is_told_and_not_read(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    config(home, "npx", "acme@1.0.0")
    write(outside / "mcp.json", SERVERS)
    (home / ".lmstudio").symlink_to(outside)

    inventory = await scanned(home)

    assert not inventory.complete
    assert inventory.problems == (f"{home}/.lmstudio/mcp.json: leads out of {home}, and is not read",)
    assert len(inventory.deployments) == 1


async def test_a_link_within_the_home_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "dotfiles/mcp.json", SERVERS)
    (tmp_path / ".cursor").symlink_to(tmp_path / "dotfiles")

    inventory = await scanned(tmp_path)

    assert (len(inventory.deployments), inventory.complete) == (1, True)


async def test_a_pipe_in_place_of_a_configuration_is_told(tmp_path: Path) -> None:
    config(tmp_path, "npx", "acme@1.0.0")
    (tmp_path / ".lmstudio").mkdir()
    os.mkfifo(tmp_path / ".lmstudio/mcp.json")

    inventory = await scanned(tmp_path)

    assert not inventory.complete
    assert inventory.problems == (f"{tmp_path}/.lmstudio/mcp.json: not a regular file, and not read",)


def test_a_link_that_comes_between_looking_and_opening_is_not_followed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    looked_at = write(home / "a/mcp.json", SERVERS)
    write(tmp_path / "outside/mcp.json", "secret")
    (home / "a").rename(home / "b")
    (home / "a").symlink_to(tmp_path / "outside")

    with pytest.raises(Unavailable), opened_below(home, looked_at, source="test") as file:
        file.read()


async def test_a_name_that_no_encoding_can_write_costs_nothing(tmp_path: Path) -> None:
    config(tmp_path, "npx", "acme@1.0.0")
    folder = Path(os.fsdecode(os.fsencode(tmp_path / ".gemini/extensions") + b"/caf\xe9"))
    write(
        folder / "gemini-extension.json",
        '{"mcpServers": {"\\ud800": {"command": "npx", "args": ["acme"], "env": {"UV_\\ud800": ""}}}}',
    )

    inventory = await scanned(tmp_path)

    assert (inventory.complete, len(inventory.deployments)) == (True, 2)
    for each in inventory.deployments:
        " ".join((each.location, each.name, each.requested, *each.redirects)).encode()


async def test_projects_that_are_named_are_read_with_all_their_clients_files(tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    for place in (".mcp.json", ".vscode/mcp.json", ".cursor/mcp.json", ".codex/x"):
        write(work / place, SERVERS)

    inventory = await build(host="h", paths=(), home=home, projects=(work,)).inventory()

    assert {each.client for each in inventory.deployments} == {"claude-code", "vscode", "cursor"}


def test_other_clients_files_of_a_remembered_project_are_found(tmp_path: Path) -> None:
    write(tmp_path / "work/.cursor/mcp.json", SERVERS)
    write(tmp_path / "work/.vscode/mcp.json", SERVERS)
    write(tmp_path / ".claude.json", {"projects": {str(tmp_path / "work"): {"disabledMcpjsonServers": ["x"]}}})

    found, _ = projects(Disk(tmp_path))

    assert dict(found) == {
        tmp_path / "work/.cursor/mcp.json": ("cursor", frozenset()),
        tmp_path / "work/.vscode/mcp.json": ("vscode", frozenset()),
    }


async def test_an_extension_of_claude_desktop_is_a_server(tmp_path: Path) -> None:
    place = "Library/Application Support/Claude/Claude Extensions/acme/manifest.json"
    manifest = {
        "name": "acme",
        "version": "1.0.0",
        "server": {"type": "node", "mcp_config": {"command": "node", "args": ["x.js"]}},
    }
    write(tmp_path / place, manifest)

    [found] = (await scanned(tmp_path)).deployments

    assert (found.client, found.name, found.kind) == ("claude-desktop", "acme", PinKind.PATH)


def test_the_command_of_geminis_settings_is_a_server() -> None:
    [found], _ = parse_config(b'{"mcp": {"serverCommand": "npx -y acme@1.0.0"}}', "settings.json", "gemini-cli")

    assert (found.name, str(found.purl)) == ("mcp.serverCommand", "pkg:npm/acme@1.0.0")


def test_one_more_key_in_a_file_without_a_wrapper_hides_no_server() -> None:
    data = b'{"$schema": "x", "a": {"command": "npx", "args": ["acme@1.0.0"]}, "b": 5, "c": {"x": 1}}'

    found, problems = parse_config(data, "/p/.mcp.json", "claude-code")

    assert [each.name for each in found] == ["a", "b", "c"]
    assert ["'b'" in problem for problem in problems] == [True]


@pytest.mark.parametrize(("key", "redirect"), [("cwd", "cwd"), ("envFile", "envFile")])
def test_another_folder_and_a_file_of_variables_are_redirections(key: str, redirect: str) -> None:
    data = f'{{"mcpServers": {{"x": {{"command": "npx", "args": ["acme@1.0.0"], "{key}": "/srv/evil"}}}}}}'.encode()

    [found], _ = parse_config(data, "mcp.json", "vscode")

    assert found.redirects == (redirect,)


def test_a_program_that_writes_the_headers_makes_an_address_unknown() -> None:
    data = b'{"mcpServers": {"x": {"url": "https://mcp.acme.example/mcp", "headersHelper": "/srv/evil"}}}'

    [found], _ = parse_config(data, "mcp.json", "claude-code")

    assert (found.kind, found.note) == (PinKind.UNKNOWN, "headersHelper starts a program of its own")


async def test_a_pattern_below_a_folder_that_is_closed_or_has_no_possible_name_is_told(open_folder: Path) -> None:
    write(open_folder / "closed/mcp.json", SERVERS)
    write(open_folder / "mcp.json", SERVERS)
    patterns = [open_folder / "closed/*.json", open_folder / ("x" * 300 + "*"), open_folder / ("y" * 300)]
    source = build(host="h", paths=[open_folder / "mcp.json", *patterns])
    await source.inventory()
    (open_folder / "closed").chmod(0)

    with as_nobody():
        inventory = await source.inventory()

    (open_folder / "closed").chmod(0o700)
    assert (inventory.complete, len(inventory.deployments)) == (False, 1)
    assert sum("closed: Permission denied" in problem for problem in inventory.problems) == 1
    assert len(inventory.problems) == 3
