"""Tokens that somebody wrote where a package, a program or an address is expected: none of them leaves the machine."""

from dataclasses import fields, is_dataclass

import pytest

from connectors._launch.command import parse
from connectors._launch.places import placed
from connectors.mcp_config import parse_config
from monitor.domain.deployment import Deployment, PinKind

SECRET = "8f3c9a1d7be24455a0c1d2e3f4a5b6c7"


def said(launch_command: str) -> str:
    """Everything that a deployment would say of the command."""
    name, *arguments = launch_command.split()
    bare = Deployment("h", "c", "l", "n", PinKind.UNKNOWN, None)
    return " ".join(text for each in placed(bare, parse(name, arguments)) for text in _texts(each))


def _texts(value: object) -> list[str]:
    if is_dataclass(value):
        return [text for field in fields(value) for text in _texts(getattr(value, field.name))]
    if isinstance(value, tuple):
        return [text for each in value for text in _texts(each)]
    return [str(value)]


@pytest.mark.parametrize(
    "command",
    [
        f"npx -y --api-key {SECRET} @acme/x",
        f"uvx --api-key {SECRET} acme",
        f"pipx run --api-key {SECRET} acme",
        f"dnx --api-key {SECRET} Acme",
        f"deno run --brand-new {SECRET}",
        f"docker run --api-key {SECRET} img",
        f"npx --//npm.corp/:_authToken {SECRET} @acme/x",
        f"npx -y API_KEY={SECRET} @acme/x",
        f"uvx API_KEY={SECRET}",
        f"docker run -i B={SECRET} img",
        f"npx git+https://git.example/{SECRET}/x.git",
        f"uvx --from git+https://git.example/{SECRET}/x.git@v1 x",
        f"bash --token={SECRET}",
        f"sh -{SECRET}",
        f"python -m {SECRET}",
        f"npx @acme/x@{SECRET}",
        f"uvx acme@{SECRET}",
        f"dnx Acme@{SECRET}",
        f"mcp-remote https://mcp.example/{SECRET}/mcp",
        f"deno run jsr:{SECRET}",
        f"sudo --brand-new={SECRET} npx x",
        f"npx -y ${{X}}{SECRET} @acme/x",
    ],
)
def test_a_token_in_a_command_is_in_nothing_that_is_said_of_it(command: str) -> None:
    assert SECRET not in said(command)


def test_an_address_that_is_none_is_not_repeated() -> None:
    data = (
        f'{{"mcpServers": {{"a": {{"url": "mcp.example/{SECRET}"}}, "b": {{"url": "https://x:{SECRET}/"}}}}}}'.encode()
    )

    deployments, problems = parse_config(data, "mcp.json", "cursor")

    assert SECRET not in " ".join((*(text for each in deployments for text in _texts(each)), *problems))


def test_the_word_behind_an_option_that_nobody_knows_is_no_package() -> None:
    launch = parse("npx", ["-y", "--brand-new", "@acme/x@1.0.0"])

    assert (launch.purl, launch.kind) == (None, PinKind.UNKNOWN)
    assert "--brand-new" in launch.note


def test_an_option_whose_value_is_attached_hides_no_package() -> None:
    assert str(parse("npx", ["-y", "--brand-new=1", "@acme/x@1.0.0"]).purl) == "pkg:npm/%40acme/x"
