"""Where a command is started, what is put into it, and which programs only start another one."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import connectors._launch
from connectors._launch.command import parse
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl

A = "@acme/server@1.2.3"


def options(value: object) -> Iterator[str]:
    """Every option in a table, however deep."""
    if isinstance(value, str) and value.startswith("-"):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from options(key)
            yield from options(inner)
    elif isinstance(value, tuple | frozenset):
        for inner in value:
            yield from options(inner)


def test_every_entry_of_every_table_of_options_is_one() -> None:
    modules = [
        importlib.import_module(f"connectors._launch.{each.name}")
        for each in pkgutil.iter_modules(connectors._launch.__path__)  # noqa: SLF001 the package under test
    ]

    named = [
        option
        for module in modules
        for name, table in vars(module).items()
        if name.isupper()
        for option in options(table)
    ]

    assert len(named) > 300
    assert [option for option in named if not re.fullmatch(r"--?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", option)] == []


def test_the_value_of_an_option_of_docker_is_no_image() -> None:
    assert parse("docker", ["run", "--log-driver", "none", "acme/x:1"]).purl == Purl.docker("acme/x").at("1")


@pytest.mark.parametrize(
    ("command", "arguments", "way"),
    [
        ("bash", ["-lc", f"cd /srv/app && exec npx -y {A}"], "cd"),
        ("cmd", ["/c", f"cd C:\\x && npx -y {A}"], "cd"),
        ("env", ["-C", "/srv/evil", "npx", "-y", A], "-C"),
        ("wsl", ["--cd", "/srv/evil", "npx", "-y", A], "--cd"),
        ("op", ["run", "--env-file=.env", "--", "npx", "-y", A], "--env-file"),
        ("dotenvx", ["run", "-f", "x.env", "--", "npx", "-y", A], "-f"),
        ("dotenvx", ["run", "--", "npx", "-y", A], ".env"),
        ("docker", ["run", "--env-file", "x.env", "acme/x:1"], "--env-file"),
    ],
)
def test_another_folder_and_a_file_of_variables_redirect(command: str, arguments: list[str], way: str) -> None:
    assert parse(command, arguments).redirects == (way,)


def test_the_folder_is_nothing_to_an_image() -> None:
    assert parse("bash", ["-c", "cd /srv && docker run acme/x:1"]).redirects == ()


@pytest.mark.parametrize(
    "words",
    [
        ["tini", "--", "node", "/evil.js"],
        ["dumb-init", "node", "/evil.js"],
        ["gosu", "nobody", "/evil"],
        ["timeout", "9", "/evil"],
        ["su-exec", "x", "/evil"],
    ],
)
def test_a_program_that_starts_another_one_in_an_image_is_not_the_images_own(words: list[str]) -> None:
    launch = parse("docker", ["run", "acme/x:1", *words])

    assert launch.kind is PinKind.UNKNOWN


def test_files_of_the_host_in_an_image_are_noted() -> None:
    launch = parse("docker", ["run", "-v", "/evil:/app", "acme/x:1"])

    assert (launch.kind, launch.note) == (PinKind.TAG, "with files of the host inside")


@pytest.mark.parametrize(
    ("command", "purl", "kind"),
    [
        ("uv run --with acme-mcp==1.2 acme-mcp", "pkg:pypi/acme-mcp@1.2", PinKind.EXACT),
        ("uv run --with acme-mcp==1.2 python -m acme_mcp", "pkg:pypi/acme-mcp@1.2", PinKind.EXACT),
        ("uv run --with acme-mcp==1.2 -m acme_mcp", "pkg:pypi/acme-mcp@1.2", PinKind.EXACT),
        ("uv run --with acme-mcp==1.2 --with evil acme-mcp", "pkg:pypi/acme-mcp", PinKind.UNKNOWN),
        ("cmd /c call npx -y foo@1.0.0", "pkg:npm/foo@1.0.0", PinKind.EXACT),
        ("cmd /c start /b npx -y foo@1.0.0", "pkg:npm/foo@1.0.0", PinKind.EXACT),
        ("cmd /c start npx -y foo@1.0.0", "pkg:npm/foo", PinKind.UNKNOWN),
    ],
)
def test_what_a_further_layer_starts_is_named(command: str, purl: str, kind: PinKind) -> None:
    name, *arguments = command.split()

    launch = parse(name, arguments)

    assert (str(launch.purl), launch.kind) == (purl, kind)


def test_packages_beside_a_projects_program_are_named_and_the_folder_is_said() -> None:
    launch = parse("uv", ["run", "--directory", "/srv/x", "--with", "evil==1", "server.py"])

    assert (launch.kind, launch.note) == (PinKind.PATH, "a project in /srv/x")
    assert [str(each.purl) for each in launch.beside] == ["pkg:pypi/evil@1"]


def test_a_bridge_that_is_installed_names_its_far_end() -> None:
    launch = parse("mcp-remote", ["https://mcp.acme.example/mcp", "--debug"])

    assert (launch.kind, launch.remote) == (PinKind.PATH, "https://mcp.acme.example/mcp")


def test_a_program_of_the_machine_is_named_in_the_note() -> None:
    assert parse("/opt/acme/bin/acme-mcp", []).note == "a program of the machine: acme-mcp"
    assert parse("server.py", ["x"]).note == "a program of the machine: server.py"
