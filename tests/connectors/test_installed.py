import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors._installed.disk import Disk
from connectors._installed.look import look
from connectors._launch.command import parse
from connectors.mcp_config import build
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from tests.connectors.homes import INTEGRITY, SHA512, config, dist, environment, module, npx, write


def inventory(home: Path) -> Inventory:
    return asyncio.run(build(host="laptop-7", paths=[], home=home).inventory())


def deployed(home: Path, name: str = "x") -> Deployment:
    return next(each for each in inventory(home).deployments if each.name == name)


def test_a_floating_npx_command_runs_what_npx_keeps_and_its_digest_is_known(tmp_path: Path) -> None:
    config(tmp_path, "npx", "-y", "@acme/mcp")
    npx(tmp_path, "@acme/mcp", "@acme/mcp", "3.1.4")

    found = deployed(tmp_path)

    assert (found.kind, found.purl) == (PinKind.NONE, Purl.npm("@acme/mcp"))
    assert found.installed == Purl.npm("@acme/mcp", "3.1.4")
    assert found.installed_digest == Digest("sha512", SHA512)
    assert found.runs == found.installed


def test_of_several_entries_of_npx_that_of_this_wish_counts(tmp_path: Path) -> None:
    config(tmp_path, "npx", "@acme/mcp@^1")
    npx(tmp_path, "@acme/mcp@^1", "@acme/mcp", "1.9.0")
    os.utime(tmp_path / ".npm/_npx", (1, 1))
    npx(tmp_path, "@acme/mcp", "@acme/mcp", "1.2.0")

    assert deployed(tmp_path).installed == Purl.npm("@acme/mcp", "1.9.0")


def test_of_other_entries_the_youngest_that_fits_counts(tmp_path: Path) -> None:
    config(tmp_path, "npx", "@acme/mcp@1.x")
    for at, version in enumerate(("1.2.0", "1.3.0", "2.0.0")):
        folder = npx(tmp_path, f"@acme/mcp@{version}", "@acme/mcp", version)
        os.utime(folder / "node_modules/@acme/mcp/package.json", (1000 + at, 1000 + at))

    assert deployed(tmp_path).installed == Purl.npm("@acme/mcp", "1.3.0")


def test_an_exact_version_is_not_looked_for(tmp_path: Path) -> None:
    config(tmp_path, "npx", "@acme/mcp@3.0.0")
    npx(tmp_path, "@acme/mcp@3.0.0", "@acme/mcp", "3.0.0")

    found = deployed(tmp_path)

    assert (found.purl, found.installed) == (Purl.npm("@acme/mcp", "3.0.0"), None)


def test_the_project_of_a_configuration_goes_before_the_cache(tmp_path: Path) -> None:
    config(tmp_path, "npx", "acme", place=".claude/plugins/cache/p/.mcp.json")
    module(tmp_path / ".claude/plugins/cache/p/node_modules", "acme", "1.0.0")
    npx(tmp_path, "acme", "acme", "2.0.0")

    assert deployed(tmp_path).installed == Purl.npm("acme", "1.0.0")


def test_the_project_that_an_entry_is_for_is_found_in_a_home_that_is_mounted_elsewhere(tmp_path: Path) -> None:
    home = tmp_path / "rita"
    servers = {"mcpServers": {"x": {"command": "npx", "args": ["acme"]}}}
    write(home / ".claude.json", {"projects": {"/Users/rita/work": servers}})
    module(home / "work/node_modules", "acme", "1.0.0")

    assert deployed(home).installed == Purl.npm("acme", "1.0.0")


def test_a_global_installation_is_found_in_each_place_of_a_users_own(tmp_path: Path) -> None:
    config(tmp_path, "npx", "acme")
    module(tmp_path / ".nvm/versions/node/v22.1.0/lib/node_modules", "acme", "1.0.0")

    assert deployed(tmp_path).installed == Purl.npm("acme", "1.0.0")


def test_a_copy_under_an_alias_is_no_copy_of_the_package(tmp_path: Path) -> None:
    config(tmp_path, "npx", "acme")
    write(tmp_path / ".npm-global/lib/node_modules/acme/package.json", {"name": "evil", "version": "1.0.0"})

    assert deployed(tmp_path).installed is None


def test_a_path_into_node_modules_names_what_lies_there(tmp_path: Path) -> None:
    config(tmp_path, "node", f"{tmp_path}/srv/node_modules/@acme/mcp/dist/index.js")
    module(tmp_path / "srv/node_modules", "@acme/mcp", "3.1.4")
    locked = {"packages": {"node_modules/@acme/mcp": {"version": "3.1.4", "integrity": INTEGRITY}}}
    write(tmp_path / "srv/node_modules/.package-lock.json", locked)

    found = deployed(tmp_path)

    assert (found.kind, found.installed) == (PinKind.PATH, Purl.npm("@acme/mcp", "3.1.4"))
    assert found.installed_digest == Digest("sha512", SHA512)
    assert found.runs == found.installed


def test_a_project_that_calls_itself_like_a_package_is_not_taken_for_it(tmp_path: Path) -> None:
    config(tmp_path, "node", "~/src/mcp/dist/index.js")
    write(tmp_path / "src/mcp/package.json", {"name": "@acme/mcp", "version": "0.9.0"})

    found = deployed(tmp_path)

    assert (found.installed, found.runs) == (None, None)
    assert found.note == "a folder of somebody's own: @acme/mcp 0.9.0"


def test_a_private_project_is_no_package(tmp_path: Path) -> None:
    config(tmp_path, "node", "~/src/mcp/dist/index.js")
    write(tmp_path / "src/mcp/package.json", {"name": "mcp", "version": "0.9.0", "private": True})

    assert deployed(tmp_path).installed is None


def test_a_tool_of_uv_goes_before_its_cache(tmp_path: Path) -> None:
    config(tmp_path, "uvx", "acme-mcp")
    dist(environment(tmp_path / ".local/share/uv/tools/acme-mcp"), "acme-mcp", "1.0")
    dist(tmp_path / ".cache/uv/archive-v0/abc", "acme-mcp", "2.0")

    assert deployed(tmp_path).installed == Purl.pypi("acme-mcp", "1.0")


@pytest.mark.parametrize("place", ["uv/archive-v0/abc", "uv/archive-v0/abc/lib/python3.12/site-packages"])
def test_what_uv_unpacked_last_counts(tmp_path: Path, place: str) -> None:
    config(tmp_path, "uvx", "acme-mcp")
    for name, version in (("a", "2.0"), ("b", "1.5")):
        info = dist(tmp_path / ".cache" / place.replace("abc", name), "acme-mcp", version)
        os.utime(info, (1000 + ord(name), 1000 + ord(name)))

    assert deployed(tmp_path).installed == Purl.pypi("acme-mcp", "1.5")


def test_a_bounded_wish_takes_no_copy_outside_of_its_bounds(tmp_path: Path) -> None:
    config(tmp_path, "uvx", "acme-mcp<2")
    dist(tmp_path / ".cache/uv/archive-v0/a", "acme-mcp", "2.0")
    dist(tmp_path / ".cache/uv/archive-v0/b", "acme-mcp", "1.1")

    assert deployed(tmp_path).installed == Purl.pypi("acme-mcp", "1.1")


def test_a_package_that_came_from_elsewhere_is_said_to(tmp_path: Path) -> None:
    config(tmp_path, "uvx", "acme-mcp")
    direct = {
        "url": "https://u:hidden@files.example/acme.whl?t=hidden",
        "archive_info": {"hashes": {"sha256": "a" * 64}},
    }
    dist(environment(tmp_path / ".local/share/uv/tools/acme-mcp"), "acme-mcp", "1.0", direct=direct)

    found = deployed(tmp_path)

    assert found.note == "installed from https://files.example/acme.whl"
    assert found.installed_digest == Digest("sha256", "a" * 64)


@pytest.mark.parametrize(
    "command", ["acme", "{home}/.local/bin/acme", "{home}/.local/share/pipx/venvs/acme-mcp/bin/acme"]
)
def test_a_program_is_of_the_tool_that_brought_it(tmp_path: Path, command: str) -> None:
    config(tmp_path, command.format(home=tmp_path))
    dist(environment(tmp_path / ".local/share/pipx/venvs/acme-mcp"), "acme-mcp", "1.0", programs=("acme",))

    found = deployed(tmp_path)

    assert (found.kind, found.installed) == (PinKind.PATH, Purl.pypi("acme-mcp", "1.0"))


def test_a_module_is_looked_for_in_the_environment_of_its_interpreter(tmp_path: Path) -> None:
    config(tmp_path, f"{tmp_path}/env/bin/python", "-m", "acme_mcp.server")
    dist(environment(tmp_path / "env"), "acme-mcp", "1.0")
    dist(environment(tmp_path / "env"), "other", "2.0")

    assert deployed(tmp_path).installed == Purl.pypi("acme-mcp", "1.0")


def test_uv_run_is_looked_for_in_the_environment_of_the_project_then_in_its_lock(tmp_path: Path) -> None:
    config(tmp_path, "uv", "--directory", f"{tmp_path}/one", "run", "acme")
    config(tmp_path, "uv", "run", "--project", f"{tmp_path}/two", "acme-mcp", place=".lmstudio/mcp.json")
    dist(environment(tmp_path / "one/.venv"), "acme-mcp", "1.0", programs=("acme",))
    lock = 'version = 1\n[[package]]\nname = "acme-mcp"\nversion = "1.1"\nsource = { registry = "https://pypi.example/simple" }\n'
    write(tmp_path / "two/uv.lock", lock)

    found = {each.client: each.installed for each in inventory(tmp_path).deployments}

    assert found == {"cursor": Purl.pypi("acme-mcp", "1.0"), "lm-studio": Purl.pypi("acme-mcp", "1.1")}


def test_a_container_does_not_run_what_lies_on_the_disk(tmp_path: Path) -> None:
    config(tmp_path, "docker", "run", "node:22", "npx", "acme")
    npx(tmp_path, "acme", "acme", "2.0.0")

    assert [each.installed for each in inventory(tmp_path).deployments] == [None, None]


def test_no_link_leads_out_of_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    config(home, "npx", "acme")
    module(tmp_path / "elsewhere/node_modules", "acme", "6.6.6")
    (home / ".npm-global").mkdir()
    (home / ".npm-global/lib").symlink_to(tmp_path / "elsewhere")

    assert deployed(home).installed is None


def test_a_path_out_of_the_home_is_not_looked_at(tmp_path: Path) -> None:
    home = tmp_path / "home"
    config(home, "node", f"{tmp_path}/node_modules/acme/index.js", place=".cursor/mcp.json")
    config(home, "node", "../../node_modules/acme/index.js", place=".claude/plugins/cache/p/.mcp.json")
    module(tmp_path / "node_modules", "acme", "6.6.6")

    assert [each.installed for each in inventory(home).deployments] == [None, None]


def test_what_is_no_regular_file_or_no_document_is_not_there(tmp_path: Path) -> None:
    config(tmp_path, "npx", "acme")
    for at, place in enumerate((".npm-global/lib", ".local/lib", "n/lib")):
        folder = tmp_path / place / "node_modules/acme"
        folder.mkdir(parents=True)
        if at == 0:
            os.mkfifo(folder / "package.json")
        elif at == 1:
            (folder / "package.json").write_bytes(b"[" * 100_000)
        else:
            (folder / "package.json").symlink_to(folder / "package.json")

    read = inventory(tmp_path)

    assert (read.deployments[0].installed, read.problems, read.complete) == (None, (), True)


def test_a_home_without_end_is_looked_at_only_so_far_and_says_so(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    for at in range(100_001):
        disk.changed(tmp_path / f"{at}")

    assert disk.exhausted
    assert look(disk, parse("npx", ["acme"]), None) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_on_the_disk_make_the_looking_fail(tmp_path: Path, document: bytes, header: bytes) -> None:
    module(tmp_path / ".local/lib/node_modules", "acme", "1").write_bytes(document)
    write(tmp_path / ".local/lib/node_modules/.package-lock.json", "").write_bytes(document)
    info = dist(environment(tmp_path / ".local/share/uv/tools/acme"), "acme", "1.0", programs=("acme",))
    for name in ("METADATA", "direct_url.json", "entry_points.txt", "top_level.txt"):
        (info / name).write_bytes(header)

    for command in (["npx", "acme"], ["uvx", "acme"], ["acme"], ["node", "~/.local/lib/node_modules/acme/x.js"]):
        found = look(Disk(tmp_path), parse(command[0], command[1:]), tmp_path)
        assert found is None or found.purl.version


@given(st.text(max_size=60))
def test_every_place_is_in_the_home_or_not_looked_at(text: str) -> None:
    disk = Disk(Path("/home/rita"))

    place = disk.place(text, Path("/home/rita/work"))

    assert place is None or place.is_absolute()
