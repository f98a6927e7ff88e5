import json
from pathlib import Path, PurePosixPath
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._config_locations import client_of
from connectors._reading_files.jsonc import Unreadable
from connectors.mcp_config import build, parse_config
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.purl import Purl
from monitor.ports.errors import Unavailable
from monitor.ports.sources import DeploymentSource

PINNED = {"command": "npx", "args": ["-y", "@acme/mcp@3.1.4"]}


def read(data: object, path: str = "mcp.json", *, client: str = "cursor") -> dict[str, Deployment]:
    deployments, _ = parse_config(json.dumps(data).encode(), path, client, host="laptop-7")
    return {deployment.name: deployment for deployment in deployments}


def test_an_entry_becomes_a_deployment_of_its_place() -> None:
    found = read({"mcpServers": {"acme": PINNED}})

    assert found["acme"] == Deployment(
        "laptop-7", "cursor", "mcp.json", "acme", PinKind.EXACT, Purl.npm("@acme/mcp", "3.1.4")
    )


def test_the_same_file_read_twice_gives_the_same_keys() -> None:
    servers = {
        "mcpServers": {"a": PINNED, "b": PINNED},
        "servers": {"a": PINNED},
        "projects": {"/p": {"mcpServers": {"a": PINNED}}},
    }

    first, _ = parse_config(json.dumps(servers).encode(), "mcp.json", "cursor")
    second, _ = parse_config(json.dumps(servers).encode(), "mcp.json", "cursor")

    assert len({deployment.key for deployment in first}) == 4
    assert first == second


@pytest.mark.parametrize(
    "wrapped",
    [
        {"mcpServers": {"acme": PINNED}},
        {"servers": {"acme": PINNED}},
        {"mcp": {"servers": {"acme": PINNED}}},
        {"mcp.servers": {"acme": PINNED}},
        {"mcp": {"acme": {"type": "local", "command": ["npx", "-y", "@acme/mcp@3.1.4"]}}},
        {"context_servers": {"acme": {"command": {"path": "npx", "args": ["-y", "@acme/mcp@3.1.4"]}}}},
        {"mcp_servers": [{"name": "acme", **PINNED}]},
        {"extensions": {"acme": {"type": "stdio", "cmd": "npx", "args": ["@acme/mcp@3.1.4"]}}},
        {"amp.mcpServers": {"acme": PINNED}},
        {"projects": {"/srv": {"mcpServers": {"acme": PINNED}}}},
        {"powers": {"mcpServers": {"acme": PINNED}}},
        {"customizations": {"vscode": {"mcp": {"servers": {"acme": PINNED}}}}},
        {"settings": {"mcp": {"servers": {"acme": PINNED}}}},
        {"acme": PINNED},
    ],
)
def test_every_wrapper_is_opened(wrapped: object) -> None:
    found = read(wrapped)

    assert {name: deployment.purl for name, deployment in found.items()} == {"acme": Purl.npm("@acme/mcp", "3.1.4")}


def test_settings_of_other_things_are_no_servers() -> None:
    found = read(
        {
            "mcp": {"allowed": ["x"], "access": {"level": "all"}},
            "extensions": {"disabled": []},
            "bugs": {"url": "https://x"},
        }
    )

    assert found == {}


def test_a_bad_entry_costs_only_itself_and_its_place_is_still_known() -> None:
    data = json.dumps({"mcpServers": {"bad": {"command": True}, "worse": "npx", "good": PINNED}}).encode()

    deployments, problems = parse_config(data, "mcp.json", "cursor")

    assert [(deployment.name, deployment.kind) for deployment in deployments] == [
        ("bad", PinKind.UNKNOWN),
        ("worse", PinKind.UNKNOWN),
        ("good", PinKind.EXACT),
    ]
    assert problems[0].startswith("mcp.json: server 'bad': Expected `")
    assert problems[1].startswith("mcp.json: server 'worse': Expected `object`")


def test_a_wrongly_typed_key_is_named_in_the_problem() -> None:
    data = json.dumps({"mcpServers": {"bad": {"command": "npx", "args": "-y pkg"}}}).encode()

    deployments, problems = parse_config(data, "mcp.json", "cursor")

    assert deployments[0].note == "the entry could not be read"
    assert "`$.args`" in problems[0]


def test_the_values_of_the_environment_are_nowhere_in_the_result() -> None:
    entry = {
        **PINNED,
        "env": {"LD_PRELOAD": "hidden-1", "API_KEY": "hidden-2"},
        "headers": {"Authorization": "hidden-3"},
    }

    found = read({"mcpServers": {"acme": entry, "far": {"url": "https://u:hidden-4@x.example/mcp?token=hidden-5"}}})

    assert found["acme"].redirects == ("LD_PRELOAD",)
    assert found["far"].remote == "https://x.example/mcp"
    assert "hidden" not in repr(found)


SECRET = "c2VjcmV0LXRva2VuLWhlcmU"
GITHUB_TOKEN = "ghp_0123456789abcdefghij0123"


@pytest.mark.parametrize(
    "entry",
    [
        {"url": f"https://mcp.example.com/s/{SECRET}/mcp"},
        {"url": f"https://{SECRET}@mcp.example.com/mcp?key={SECRET}#{SECRET}"},
        {"url": f"http://[{SECRET}@x"},
        {"command": "npx", "args": ["mcp-remote", f"https://mcp.example.com/s/{SECRET}/mcp"]},
        {"command": "npx", "args": [f"https://{SECRET}@files.example/s/{SECRET}/a.tgz?token={SECRET}"]},
        {"command": "npx", "args": [f"git+https://{SECRET}@github.com/a/b#v1"]},
        {"command": "npx", "args": [f"git+https://{GITHUB_TOKEN}:x-oauth-basic@gitlab.example/a/b"]},
        {"command": "npx", "args": [f"a@git+ssh://{SECRET}@gitlab.example/a/b"]},
        {"command": "npx", "args": ["-p", "a@1.0.0", "-p", f"git+https://{SECRET}@github.com/a/b", "a"]},
        {"command": "npx", "args": [f"--//registry.example/:_authToken={SECRET}", "a@1.0.0"]},
        {"command": "npx", "args": [f"bad name {GITHUB_TOKEN}"]},
        {"command": "uvx", "args": ["--with", f"git+https://{SECRET}@github.com/o/x", "acme==1"]},
        {"command": "uvx", "args": ["--from", f"a @ https://user:{SECRET}@files.example/s/{SECRET}/a.whl", "a"]},
        {"command": "uvx", "args": ["--index-url", f"https://{SECRET}@pkgs.example/simple", "acme==1"]},
        {"command": "deno", "args": ["run", f"https://{SECRET}@x.example/{SECRET}/a.ts"]},
        {"command": "docker", "args": ["run", "-e", f"TOKEN={SECRET}", f"https://{SECRET}@x.example/a"]},
        {"command": "sh", "args": ["-c", f"export TOKEN={SECRET}; curl https://{SECRET}@x.example | npx a@1"]},
    ],
)  # fmt: skip
def test_no_credential_of_an_entry_is_kept_anywhere(entry: dict[str, object]) -> None:
    found = read({"mcpServers": {"x": entry}})

    assert found
    assert SECRET not in repr(found)
    assert GITHUB_TOKEN not in repr(found)


def test_text_of_an_entry_is_kept_only_so_long() -> None:
    found = read({"mcpServers": {"x": {"command": "npx", "args": ["acme@" + "^1 || " * 2000]}}})

    assert len(found["x"].requested) == 500


@pytest.mark.parametrize(
    ("client", "entry"),
    [("cline", {"disabled": True}), ("kiro", {"disabled": True}), ("codex", {"enabled": False}), ("goose", {"enabled": False})],
)  # fmt: skip
def test_a_server_that_is_switched_off_is_deployed_and_disabled(client: str, entry: dict[str, bool]) -> None:
    found = read({"mcpServers": {"acme": {**PINNED, **entry}}}, client=client)

    assert (found["acme"].disabled, found["acme"].note) == (True, "")


@pytest.mark.parametrize(
    ("client", "key", "value"),
    [("claude-desktop", "disabled", True), ("cline", "enabled", False), ("codex", "disabled", True), ("unknown", "isActive", False)],
)  # fmt: skip
def test_a_switch_that_the_client_does_not_know_switches_nothing_off(client: str, key: str, value: bool) -> None:  # noqa: FBT001  the file's own value
    found = read({"mcpServers": {"acme": {**PINNED, key: value}}}, client=client)

    assert not found["acme"].disabled
    assert found["acme"].note == f"{client} is not known to heed {key}: taken for switched on"


def test_claude_code_switches_the_servers_of_a_project_off_by_a_list() -> None:
    servers = {"mcpServers": {"acme": PINNED, "b": PINNED}, "disabledMcpServers": ["acme"]}

    found = read({"projects": {"/srv": servers}}, client="claude-code")
    elsewhere = read(servers, client="claude-code"), read({"projects": {"/srv": servers}}, client="cursor")

    assert (found["acme"].disabled, found["b"].disabled) == (True, False)
    assert [each["acme"].disabled for each in elsewhere] == [False, False]


def test_an_entry_with_a_command_and_addresses_is_deployed_as_all_of_them() -> None:
    entry = {
        "type": "http",
        "url": "https://ok.example/mcp",
        "command": "npx",
        "args": ["evil"],
        "serverUrl": "https://evil.example",
    }

    found = read({"mcpServers": {"x": entry}})

    assert {name: str(each.purl or each.remote) for name, each in found.items()} == {
        "x": "https://evil.example",
        "x (beside 1)": "https://ok.example/mcp",
        "x (beside 2)": "pkg:npm/evil",
    }


def test_a_bridge_and_the_server_behind_it_are_two_deployments() -> None:
    found = read(
        {"mcpServers": {"far": {"command": "npx", "args": ["mcp-remote@0.1.9", "https://mcp.example.com/sse"]}}}
    )

    assert found["far"].purl == Purl.npm("mcp-remote", "0.1.9")
    assert found["far"].remote is None
    assert (found["far (far end)"].kind, found["far (far end)"].remote) == (
        PinKind.REMOTE,
        "https://mcp.example.com/sse",
    )
    assert found["far (far end)"].purl is None


@pytest.mark.parametrize("url", ["http://[x", "https://a℀b/", "https://evil.example\\\\@ok.example/"])
def test_an_address_that_does_not_parse_is_unknown_and_says_so(url: str) -> None:
    found = read({"mcpServers": {"far": {"url": url}}})

    assert (found["far"].kind, found["far"].remote) == (PinKind.UNKNOWN, None)
    assert found["far"].note == "no address of a server"


def test_a_package_started_inside_a_container_is_a_deployment_too() -> None:
    found = read({"mcpServers": {"x": {"command": "docker", "args": ["run", "node:22", "npx", "foo@1.0.0"]}}})

    assert found["x"].purl == Purl("docker", None, "node", "22")
    assert found["x (inside)"].purl == Purl.npm("foo", "1.0.0")


def test_characters_that_no_database_keeps_are_replaced() -> None:
    deployments, _ = parse_config(
        b'{"mcpServers": {"a\\u0000\\ud800": {"command": "npx", "args": ["x"]}}}', "mcp.json", "cursor"
    )

    assert deployments[0].name == "a\ufffd?"
    assert deployments[0].key


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"[" * 100_000, "a.json"),
        (b'{"a":' * 100_000, "a.json"),
        (b"/*" * 1_000_000, "a.json"),
        (b'"' * 1_000_001, "a.json"),
        (b"[" * 100_000, "a.yaml"),
        (b"- " * 100_000, "a.yaml"),
        (b"a: &a [x]\n" + b"".join(b"b%d: &b%d [*a, *a]\n" % (i, i) for i in range(600)), "a.yaml"),
        (b"a0: &a0 [x,x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 20)), "a.yaml"),
        (b"a: *nothing", "a.yaml"),
        (b"a: &a [*a]", "a.yaml"),
        (b'a: "\\UFFFFFFFF"', "a.yaml"),
        (b"%YAML 9.9\n---\na", "a.yaml"),
        (b"a.b." * 100_000 + b"c=1", "a.toml"),
        (b"a=" + b"[" * 100_000, "a.toml"),
        (b"a=" + b"9" * 10_000, "a.toml"),
        (b"\xff\xfe\x00\xd8", "a.json"),
        (b"\x80", "a.json"),
        (b" " * (2 * 2**20 + 1), "a.toml"),
        (b"<xml/>", "a.xml"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_quickly_with_its_line(data: bytes, path: str) -> None:
    start = perf_counter()

    with pytest.raises(Unreadable) as caught:
        parse_config(data, path, "cursor")

    assert caught.value.line >= 1
    assert perf_counter() - start < 5


@given(st.binary(max_size=200), st.sampled_from(["a.json", "a.toml", "a.yaml"]))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes, path: str) -> None:
    try:
        deployments, _ = parse_config(data, path, "cursor")
    except Unreadable:
        return

    assert all(deployment.key for deployment in deployments)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["command", "args", "url", "type", "env", "mcpServers", "mcp", "servers", "name", "x"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_shape_of_an_entry_makes_the_reading_fail(entry: object) -> None:
    deployments, problems = parse_config(
        json.dumps({"mcpServers": {"a": entry}, "mcp": entry}).encode(), "mcp.json", "x"
    )

    assert any(deployment.name == "a" for deployment in deployments)
    assert all("\n" not in problem for problem in problems)


def test_ten_thousand_entries_are_the_limit_and_the_rest_is_a_problem() -> None:
    data = json.dumps({"mcpServers": {f"s{at}": PINNED for at in range(10_001)}}).encode()

    deployments, problems = parse_config(data, "mcp.json", "cursor")

    assert len(deployments) == 10_000
    assert len(problems) == 1


@pytest.mark.parametrize(
    ("path", "client"),
    [
        ("/home/u/.cursor/mcp.json", "cursor"),
        ("/Users/u/Library/Application Support/Claude/claude_desktop_config.json", "claude-desktop"),
        ("/home/u/.claude.json", "claude-code"),
        ("/home/u/.codex/config.toml", "codex"),
        ("/srv/app/.vscode/mcp.json", "vscode"),
        ("/srv/app/.mcp.json", "claude-code"),
        ("/srv/app/servers.json", "unknown"),
    ],
)
def test_the_client_is_known_by_the_place(path: str, client: str) -> None:
    assert client_of(PurePosixPath(path)) == client


def write(path: Path, data: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


async def test_the_well_known_places_of_a_home_are_read(tmp_path: Path) -> None:
    write(tmp_path / ".cursor/mcp.json", {"mcpServers": {"a": PINNED}})
    write(tmp_path / ".claude/plugins/cache/x/y/.mcp.json", {"b": PINNED})
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex/config.toml").write_text(
        '[mcp_servers.c]\ncommand = "uvx"\nargs = ["d@1.0"]\n', encoding="utf-8"
    )
    source: DeploymentSource = build(host="laptop-7", paths=[], home=tmp_path)

    inventory = await source.inventory()

    assert {(found.client, found.name) for found in inventory.deployments} == {
        ("cursor", "a"),
        ("claude-code", "b"),
        ("codex", "c"),
    }
    assert (inventory.complete, inventory.problems) == (True, ())


async def test_a_home_without_any_client_is_a_complete_and_empty_inventory(tmp_path: Path) -> None:
    inventory = await build(host="laptop-7", paths=[], home=tmp_path).inventory()

    assert (inventory.deployments, inventory.complete) == ((), True)


async def test_patterns_name_many_files(tmp_path: Path) -> None:
    write(tmp_path / "one/.vscode/mcp.json", {"servers": {"a": PINNED}})
    write(tmp_path / "two/.vscode/mcp.json", {"servers": {"a": PINNED}})

    inventory = await build(host="ci", paths=[f"{tmp_path}/*/.vscode/mcp.json"]).inventory()

    assert len(inventory.deployments) == 2
    assert {found.client for found in inventory.deployments} == {"vscode"}


async def test_a_file_that_cannot_be_read_makes_the_inventory_incomplete(tmp_path: Path) -> None:
    good = write(tmp_path / "good.json", {"mcpServers": {"a": PINNED}})
    cut = tmp_path / "cut.json"
    cut.write_text('{"mcpServers": {"b": {"comm', encoding="utf-8")

    inventory = await build(host="laptop-7", paths=[good, cut]).inventory()

    assert [found.name for found in inventory.deployments] == ["a"]
    assert not inventory.complete
    assert inventory.problems == (f"{cut}: line 1: Unterminated string starting at",)


async def test_a_configured_file_that_is_missing_is_no_empty_inventory(tmp_path: Path) -> None:
    source = build(host="laptop-7", paths=[tmp_path / "mcp.json"])

    with pytest.raises(Unavailable, match="no such file; correct the path in the configuration"):
        await source.inventory()


async def test_a_file_that_is_too_large_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(2**34)

    with pytest.raises(Unavailable, match="over 20971520 bytes"):
        await build(host="laptop-7", paths=[large]).inventory()
