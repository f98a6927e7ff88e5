import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._launch.command import parse
from connectors._launch.launch import Launch
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from tests.connectors.inventory_corpus import REACHED, decide, table


@pytest.mark.parametrize("part", REACHED)
def test_every_configuration_of_the_corpus_is_read_as_the_real_tools_read_it(part: str) -> None:
    decided = decide(part)

    lines = "\n".join(table(part, decided))
    assert sum(not different for _, different in decided) >= REACHED[part], lines


@pytest.mark.parametrize(
    ("command", "purl", "kind"),
    [
        ("npx -y foo@1.2.3", "pkg:npm/foo@1.2.3", PinKind.EXACT),
        ("npx -y foo@1.2.3+build.5", "pkg:npm/foo@1.2.3", PinKind.EXACT),
        ("npx foo@latest", "pkg:npm/foo", PinKind.TAG),
        ("npx foo@1.x", "pkg:npm/foo", PinKind.RANGE),
        ("npx foo@", "pkg:npm/foo", PinKind.NONE),
        ("npx -y a@npm:b@1.0.0", "pkg:npm/b@1.0.0", PinKind.EXACT),
        ("npx cowsay -p x@1.0.0", "pkg:npm/cowsay", PinKind.NONE),
        ("pnpm --package=a@1.0.0 dlx a-mcp", "pkg:npm/a@1.0.0", PinKind.EXACT),
        ("deno run -A npm:@a/b@1.2.3/cli", "pkg:npm/%40a/b@1.2.3", PinKind.EXACT),
        ("uvx --exclude-newer 2026-01-01 foo", "pkg:pypi/foo", PinKind.RANGE),
        ("uvx -p3.12 foo==1", "pkg:pypi/foo@1", PinKind.EXACT),
        ("python3.12 -m uv tool run foo@2.0", "pkg:pypi/foo@2.0", PinKind.EXACT),
        ("docker run mcp/git:1.0", "pkg:docker/mcp/git@1.0", PinKind.TAG),
        ("dnx Acme.Mcp@1.2.3 --yes", "pkg:nuget/Acme.Mcp@1.2.3", PinKind.EXACT),
        ("dnx Acme.Mcp", "pkg:nuget/Acme.Mcp", PinKind.NONE),
        ("go run github.com/a/b/cmd/c@v1.2.3", "pkg:golang/github.com/a/b/cmd/c@v1.2.3", PinKind.EXACT),
        ("go run github.com/a/b@latest", "pkg:golang/github.com/a/b", PinKind.TAG),
        ("npx github:a/b", "pkg:github/a/b", PinKind.NONE),
        ("npx github:a/b#v1", "pkg:github/a/b@v1", PinKind.TAG),
        (f"uvx --from git+https://github.com/a/b@{'f' * 40} b", f"pkg:github/a/b@{'f' * 40}", PinKind.DIGEST),
        ("timeout -k 5 60 npx foo@1.0.0", "pkg:npm/foo@1.0.0", PinKind.EXACT),
        ("mise exec node@22 -- npx foo@1.0.0", "pkg:npm/foo@1.0.0", PinKind.EXACT),
        ("op run --env-file=.env -- uvx foo==1", "pkg:pypi/foo@1", PinKind.EXACT),
        ("aws-vault exec work -- npx foo@1.0.0", "pkg:npm/foo@1.0.0", PinKind.EXACT),
        ("sudo -u mcp env A=b npx foo@1.0.0", "pkg:npm/foo@1.0.0", PinKind.EXACT),
    ],
)
def test_a_command_names_its_package_and_how_firmly(command: str, purl: str, kind: PinKind) -> None:
    name, *arguments = command.split()

    launch = parse(name, arguments)

    assert (str(launch.purl), launch.kind) == (purl, kind)


@pytest.mark.parametrize(
    "command",
    ["npx", "uvx", "docker run -i", "pwsh -EncodedCommand bnB4", "sh -c", "npm", "env A=b", "$RUNNER x", "${NODE}"],
)
def test_a_command_that_hides_its_package_is_unknown_and_says_why(command: str) -> None:
    name, *arguments = command.split()

    launch = parse(name, arguments)

    assert (launch.kind, launch.purl) == (PinKind.UNKNOWN, None)
    assert launch.note


def test_a_bridge_shows_the_command_that_it_starts() -> None:
    launch = parse("uvx", ["mcp-proxy", "--port", "8080", "--", "npx", "-y", "foo@1.0.0"])

    assert launch.purl == Purl.pypi("mcp-proxy")
    assert launch.inner == Launch(PinKind.EXACT, Purl.npm("foo", "1.0.0"))


def test_an_image_with_a_digest_that_is_none_is_not_taken_for_pinned() -> None:
    launch = parse("docker", ["run", "mcp/git@sha256:abc"])

    assert (launch.kind, launch.digest) == (PinKind.UNKNOWN, None)


def test_credentials_in_an_address_are_not_kept() -> None:
    launch = parse("npx", ["mcp-remote", "https://user:secret@mcp.example.com/sse?key=secret#secret"])
    installed = parse("uvx", ["--from", "git+https://token@github.com/a/b@v1", "b"])

    assert launch.remote == "https://mcp.example.com/sse"
    assert installed.requested == "git+https://github.com/a/b@v1"
    assert installed.purl == Purl.github("a/b", "v1")


def test_options_and_assignments_that_redirect_the_source_are_named_without_values() -> None:
    launch = parse(
        "env", ["NPM_CONFIG_REGISTRY=https://npm.internal.example/", "npx", "--registry", "https://x.example", "foo"]
    )

    assert launch.redirects == ("--registry", "NPM_CONFIG_REGISTRY")


WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "npx",
            "uvx",
            "docker",
            "run",
            "sh",
            "-c",
            "env",
            "sudo",
            "cmd",
            "/c",
            "--",
            "-y",
            "--from",
            "pkg@1.0.0",
            "a:b@sha256:x",
            "${X}",
        ]
    ),
)


@given(WORDS, st.lists(WORDS, max_size=8))
def test_no_command_makes_the_reading_fail(command: str, arguments: list[str]) -> None:
    launch = parse(command, arguments)

    assert launch.kind in PinKind
    assert launch.purl is None or Purl.parse(str(launch.purl)).type == launch.purl.type
    assert launch.kind is not PinKind.EXACT or (launch.purl is not None and launch.purl.version)


@pytest.mark.parametrize(
    "command",
    [
        "npx " + ("-" + "x" * 16_000 + " ") * 500,
        "sh -c " * 200,
        "env " * 5000,
        "npx -p " * 5000,
        "docker run " + "a/" * 100_000,
        "uvx " + "a" * 100_000,
    ],
)
def test_a_hostile_command_costs_little(command: str) -> None:
    name, *arguments = command.split()

    launch = parse(name, arguments)

    assert launch.kind is not PinKind.EXACT
