import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.export import Client
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Approval, Entry, Pin, Server
from monitor.domain.stage import Stage
from monitor.exports.allowed import Export, Invalid, Origin
from monitor.exports.clients import WRITERS
from monitor.exports.lists import check_claude_code, check_copilot, check_vscode
from monitor.exports.named import check_codex, check_gemini
from monitor.exports.registries import check_kiro, check_registry_api
from tests import corpus

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORIGIN = Origin(AT, "f" * 64)
IMAGE = Digest("sha256", "0" * 64)
SINGLE = [client for client in WRITERS if client != "registry-api"]
LISTS = ("claude-code", "copilot", "vscode")


def entry(
    purl: str = "pkg:npm/%40acme/files-mcp@1.4.2",
    name: str = "io.github.acme/files",
    *,
    remote: str = "",
    digests: tuple[Digest, ...] = (),
    expires: datetime | None = None,
    approved: bool = True,
    arguments: tuple[str, ...] = (),
) -> Entry:
    package = None if remote else Purl.parse(purl)
    pin = Pin(package or Purl.parse(f"pkg:generic/{name}"), frozenset(digests))
    server = Server(
        name, package.package if package else None, remote or None, None, "platform", 2, arguments=arguments
    )
    return Entry(server, Approval(pin, "rita@acme.example", AT, expires, "SEC-1") if approved else None, 1)


FILES = entry()
DATA = entry("pkg:pypi/acme-db-mcp@2.0.1", "io.github.acme/db")
SEARCH = entry("pkg:docker/ghcr.io/acme/search@1.0", "io.github.acme/search", digests=(IMAGE,))
FAR = entry(name="io.github.acme/far", remote="https://mcp.acme.example/mcp")
BAD = Purl.parse("pkg:npm/%40acme/files-mcp@1.4.1")


def export(client: str, *entries: Entry, denied: tuple[Purl, ...] = ()) -> Export:
    return WRITERS[client](entries, denied, ORIGIN)


def only(exported: Export) -> bytes:
    (data,) = exported.files.values()
    return data


def lists(client: str, exported: Export) -> tuple[list[object], list[object]]:
    read = json.loads(only(exported))
    if client == "vscode":
        return json.loads(read["ChatAllowedMcpServers"]), json.loads(read["ChatDeniedMcpServers"])
    return read["allowedMcpServers"], read["deniedMcpServers"]


def test_the_command_lines_clients_are_those_that_have_a_writer() -> None:
    assert list(Client.__args__) == list(WRITERS)  # type: ignore[attr-defined]  # a Literal's values


# --- what may run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", LISTS)
def test_lists_allow_exact_commands_and_addresses(client: str) -> None:
    allow, deny = lists(client, export(client, FILES, DATA, SEARCH, FAR))

    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.2"]} in allow
    assert {"serverCommand": ["cmd", "/c", "npx", "-y", "@acme/files-mcp@1.4.2"]} in allow
    assert {"serverCommand": ["uvx", "acme-db-mcp==2.0.1"]} in allow
    assert {"serverCommand": ["docker", "run", "-i", "--rm", f"ghcr.io/acme/search@{IMAGE}"]} in allow
    assert {"serverUrl": "https://mcp.acme.example/mcp"} in allow
    assert deny == []


@pytest.mark.parametrize("client", LISTS)
def test_lists_deny_what_is_quarantined_or_rejected(client: str) -> None:
    allow, deny = lists(client, export(client, FILES, denied=(BAD,)))

    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.1"]} in deny
    assert {"serverCommand": ["cmd", "/c", "npx", "--yes", "@acme/files-mcp@1.4.1"]} in deny
    assert len(allow) == len(deny)


@pytest.mark.parametrize("client", WRITERS)
def test_an_approved_version_that_is_quarantined_is_not_allowed(client: str) -> None:
    exported = export(client, FILES, FAR, denied=(Purl.parse("pkg:npm/%40acme/files-mcp@1.4.2"),))

    assert [each.entry for each in exported.allowed] == [FAR]
    assert [each.reason for each in exported.left_out] == ["1.4.2 is quarantined or was rejected"]


@pytest.mark.parametrize("client", WRITERS)
def test_an_approval_that_ended_allows_nothing(client: str) -> None:
    ended = entry(name="io.github.acme/old", expires=AT - timedelta(days=1))

    exported = export(client, ended, FAR)

    assert [(each.server, each.reason) for each in exported.left_out] == [
        ("io.github.acme/old", "its approval expired on 2026-11-19")
    ]


@pytest.mark.parametrize("client", WRITERS)
def test_an_image_without_a_digest_floats_and_is_left_out(client: str) -> None:
    exported = export(client, entry("pkg:docker/ghcr.io/acme/search@1.0"), FAR)

    assert [each.entry for each in exported.allowed] == [FAR]
    assert "a tag can be moved" in exported.left_out[0].reason


@pytest.mark.parametrize("client", WRITERS)
def test_what_has_no_command_is_left_out_with_its_reason(client: str) -> None:
    exported = export(client, entry("pkg:github/acme/files@v1.4.2"), FAR)

    assert [each.entry for each in exported.allowed] == [FAR]
    assert "github package" in exported.left_out[0].reason


def test_an_address_of_which_a_part_is_kept_as_a_hash_is_left_out() -> None:
    exported = export("claude-code", entry(remote="https://mcp.acme.example/~0123456789ab/mcp"), FAR)

    assert ["kept as a hash" in each.reason for each in exported.left_out] == [True]


@pytest.mark.parametrize("client", WRITERS)
def test_an_address_that_a_client_would_take_for_a_pattern_is_left_out(client: str) -> None:
    exported = export(client, entry(remote="https://mcp.acme.example/*"), FAR)

    assert [each.entry for each in exported.allowed] == [FAR]


@pytest.mark.parametrize("client", WRITERS)
def test_what_is_listed_and_not_approved_is_nobodys_business(client: str) -> None:
    exported = export(client, entry(name="io.github.acme/new", approved=False), FAR)

    assert exported.left_out == ()
    assert b"io.github.acme/new" not in b"".join(exported.files.values())


@pytest.mark.parametrize("client", WRITERS)
@pytest.mark.parametrize(("stage", "reason"), [(Stage.STAGING, "it is in staging"), (Stage.RETIRED, "it is retired")])
def test_a_server_in_staging_or_retired_is_never_exported(client: str, stage: Stage, reason: str) -> None:
    tried = entry(name="io.github.acme/tried", approved=stage is Stage.STAGING)

    exported = export(client, replace(tried, server=replace(tried.server, stage=stage)), FAR)

    assert [each.entry for each in exported.allowed] == [FAR]
    assert [each.reason.startswith(reason) for each in exported.left_out] == [True]


def test_codex_is_told_every_argument() -> None:
    read = tomllib.loads(only(export("codex", FILES, FAR)).decode())

    assert read["mcp_servers"] == {
        "files": {
            "identity": {
                "command": {
                    "executable": "npx",
                    "args": [
                        {"match": "exact", "value": "-y"},
                        {"match": "exact", "value": "@acme/files-mcp@1.4.2"},
                    ],
                }
            }
        },
        "far": {"identity": {"url": "https://mcp.acme.example/mcp"}},
    }


def test_codex_is_told_characters_of_any_script() -> None:
    read = tomllib.loads(only(export("codex", entry(arguments=('/srv/\U00016e40 "ä"',)))).decode())

    assert read["mcp_servers"]["files"]["identity"]["command"]["args"][-1]["value"] == '/srv/\U00016e40 "ä"'


def test_codex_is_told_an_empty_table_where_nothing_is_allowed() -> None:
    assert tomllib.loads(only(export("codex")).decode()) == {"mcp_servers": {}}


def test_gemini_is_told_names_and_what_they_start() -> None:
    read = json.loads(only(export("gemini", FILES, FAR)))

    assert read["mcp"] == {"allowed": ["far", "files"]}
    assert read["mcpServers"] == {
        "far": {"httpUrl": "https://mcp.acme.example/mcp"},
        "files": {"command": "npx", "args": ["-y", "@acme/files-mcp@1.4.2"]},
    }


def test_two_servers_of_one_short_name_get_long_ones() -> None:
    twins = (entry(name="io.github.acme/files"), entry(name="io.github.other/files", remote="https://o.example/mcp"))

    read = json.loads(only(export("gemini", *twins)))

    assert read["mcp"]["allowed"] == ["io-github-acme-files", "io-github-other-files"]


def test_kiro_is_told_the_version_at_the_server() -> None:
    exported = export("kiro", FILES, SEARCH, FAR)

    read = [each["server"] for each in json.loads(only(exported))["servers"]]
    assert [(each["name"], each["version"]) for each in read] == [("far", "1.0.0"), ("files", "1.4.2")]
    assert read[1]["packages"] == [
        {"registryType": "npm", "identifier": "@acme/files-mcp", "transport": {"type": "stdio"}}
    ]
    assert [each.server for each in exported.left_out] == ["io.github.acme/search"]


def test_the_registrys_answers_name_no_person_and_no_ticket() -> None:
    text = b"".join(export("registry-api", FILES, FAR).files.values())

    assert b"rita" not in text
    assert b"SEC-1" not in text


def test_arguments_are_part_of_what_is_allowed_and_denied() -> None:
    files = entry(arguments=("/srv/shared", "--read-only"))

    exported = export("claude-code", files, denied=(BAD,))

    allow, deny = lists("claude-code", exported)
    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.2", "/srv/shared", "--read-only"]} in allow
    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.2"]} not in allow
    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.1", "/srv/shared", "--read-only"]} in deny
    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.1"]} in deny


@pytest.mark.parametrize("client", ["kiro", "registry-api"])
def test_registries_tell_the_arguments(client: str) -> None:
    exported = export(client, entry(arguments=("/srv/shared",)))

    package = next(each for data in exported.files.values() for each in json.loads(data).get("servers", ()))["server"]
    assert package["packages"][0]["packageArguments"] == [{"type": "positional", "value": "/srv/shared"}]


@pytest.mark.parametrize("client", [*LISTS, "codex", "gemini"])
def test_a_version_that_a_client_could_take_for_a_moving_one_is_left_out_alone(client: str) -> None:
    exported = export(client, entry("pkg:golang/github.com/acme/files@main"), FAR)

    assert [each.entry for each in exported.allowed] == [FAR]
    assert "no exact version" in exported.left_out[0].reason


# --- files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", WRITERS)
def test_the_same_input_gives_the_same_bytes_whatever_its_order(client: str) -> None:
    entries, denied = (FILES, DATA, SEARCH, FAR), (BAD, Purl.parse("pkg:pypi/acme-db-mcp@1.0"))

    one = WRITERS[client](entries, denied, ORIGIN)

    assert one.files == WRITERS[client](entries[::-1], denied[::-1], ORIGIN).files


@pytest.mark.parametrize("client", WRITERS)
def test_another_time_is_all_that_another_export_differs_in(client: str) -> None:
    later = Origin(AT + timedelta(days=1), ORIGIN.registry)

    files = WRITERS[client]([FILES, FAR], (), later).files

    now = export(client, FILES, FAR).files
    assert files != now
    assert {path: data.replace(later.at.encode(), ORIGIN.at.encode()) for path, data in files.items()} == now


@pytest.mark.parametrize("client", SINGLE)
def test_a_file_says_when_and_from_what_it_was_exported(client: str) -> None:
    data = only(export(client, FILES))

    assert b"2026-11-20T12:00:00+00:00" in data
    assert ORIGIN.registry.encode() in data


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@pytest.mark.parametrize("client", WRITERS)
@given(name=TEXT.filter(lambda name: name.replace("/", " ").strip()), version=TEXT, path=TEXT)
def test_no_name_or_version_gets_a_file_past_its_check_or_out_of_its_place(
    client: str, name: str, version: str, path: str
) -> None:
    entries = [
        Entry(
            Server(f"io.github.acme/{name}", package, remote, None, "platform", 2),
            Approval(Pin((package or Purl("generic", "a", "b")).at(version)), "rita", None, None),
            1,
        )
        for package, remote in ((Purl("npm", None, name), None), (None, f"https://mcp.acme.example/{path}"))
    ]

    try:
        exported = WRITERS[client](entries, (), ORIGIN)
    except (Invalid, ValueError):
        return

    assert all(".." not in place.split("/") and not place.startswith("/") for place in exported.files)


# --- what clients would refuse ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [check_claude_code, check_copilot])
@pytest.mark.parametrize(
    "allow",
    [
        [{"serverName": "files"}],
        [{"serverCommand": "npx -y @acme/files-mcp@1.4.2"}],
        [{"serverCommand": []}],
        [{"serverCommand": ["npx", "-y", "@acme/files-mcp"]}],
        [{"serverCommand": ["npx", "-y", "@acme/files-mcp@latest"]}],
        [{"serverCommand": ["npx", "-y", "@acme/files-mcp@^1"]}],
        [{"serverCommand": ["docker", "run", "ghcr.io/acme/x:1.0"]}],
        [{"serverCommand": ["npx", "-y", "x@1.0.0", "${HOME}"]}],
        [{"serverUrl": "https://*.acme.example/"}],
        [{"serverUrl": "http://acme.example/"}],
        [{"serverUrl": "https://acme.example/", "serverName": "x"}],
        ["files"],
        {"files": {}},
        None,
    ],
)
def test_a_list_that_a_client_would_misread_is_refused(check: Callable[[bytes], None], allow: object) -> None:
    document = {"allowManagedMcpServersOnly": True, "allowedMcpServers": allow, "deniedMcpServers": []}

    with pytest.raises(Invalid):
        check(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (check_claude_code, '{"allowedMcpServers": [], "deniedMcpServers": []}'),
        (
            check_vscode,
            '{"ChatAllowManagedMcpServersOnly": true, "ChatAllowedMcpServers": [], "ChatDeniedMcpServers": []}',
        ),
        (check_codex, "[other]"),
        (check_codex, '[mcp_servers.a.identity]\ncommand = "npx"'),
        (
            check_codex,
            '[mcp_servers.a.identity.command]\nexecutable = "npx"\nargs = [{match = "prefix", value = "x@1.0.0"}]',
        ),
        (check_codex, "[mcp_servers.a]\nenabled = true"),
        (check_gemini, '{"mcp": {"allowed": ["a", "b"]}, "mcpServers": {"a": {"httpUrl": "https://a.example"}}}'),
        (check_gemini, '{"mcp": {"allowed": []}, "mcpServers": {}}'),
        (check_kiro, '{"servers": [{"server": {"name": "a/b", "version": "1", "description": "x", "remotes": []}}]}'),
        (
            check_kiro,
            '{"servers": [{"server": {"name": "a", "version": "latest", "description": "x", "remotes": []}}]}',
        ),
    ],
)
def test_a_file_that_its_client_would_misread_is_refused(check: Callable[[bytes], None], text: str) -> None:
    with pytest.raises(Invalid):
        check(text.encode())


@pytest.mark.parametrize(
    "path", ["../x", "v0.1/servers/../../etc/index.json", "/etc/passwd", "v0.1/servers/a/b/c/versions/1/index.json"]
)
def test_an_answer_that_would_lie_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Invalid):
        check_registry_api({path: b'{"servers": []}'})


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (check_claude_code, "claude-code.managed-settings.json"),
        (check_copilot, "copilot.managed-settings.json"),
        (check_codex, "codex.requirements.toml"),
        (check_gemini, "gemini.settings.json"),
        (check_kiro, "kiro.registry.json"),
    ],
)
def test_the_checks_take_a_clients_own_example_but_for_what_is_looser_than_ours(
    check: Callable[[bytes], None], name: str
) -> None:
    text = corpus.contract(f"examples/hosts/{name}").read_text()

    # Their addresses are patterns, and one denies by a name.
    check(text.replace("/*", "/mcp").replace(',\n    { "serverName": "known-bad-label" }', "").encode())


@pytest.mark.parametrize("name", ["names-only", "wrong-type", "doc-example", "allow-and-deny"])
def test_real_lists_that_match_names_or_float_are_refused(name: str) -> None:
    data = corpus.path(f"registries/allowlists/claude-code-managed-settings.{name}.json").read_bytes()

    with pytest.raises(Invalid):
        check_copilot(json.dumps({"deniedMcpServers": []} | json.loads(data)).encode())


@pytest.mark.parametrize("client", ["claude-code", "registry-api"])
def test_an_image_for_several_platforms_is_allowed_by_each_of_its_digests(client: str) -> None:
    other = Digest("sha256", "e" * 64)

    files = export(client, replace(SEARCH, approval=replace(SEARCH.approval, pin=_pin(IMAGE, other)))).files  # type: ignore[type-var]  # it has one

    listed = [*files.values()][-1].decode()
    assert [str(each) in listed for each in (IMAGE, other)] == [True, True]


def _pin(*digests: Digest) -> Pin:
    return Pin(Purl.parse("pkg:docker/ghcr.io/acme/search@1.0"), frozenset(digests))


def test_another_spelling_of_a_denied_version_is_denied() -> None:
    exported = export("claude-code", FILES, DATA, denied=(Purl.pypi("acme-db-mcp", "2.0.1.0"),))

    assert [each.server for each in exported.left_out] == ["io.github.acme/db"]


def test_a_name_that_tells_nothing_is_written_as_a_whole() -> None:
    exported = export("codex", entry(name="com.notion/mcp", remote="https://mcp.notion.example/mcp"))

    assert [each.label for each in exported.allowed] == ["com-notion-mcp"]


def test_a_bridge_is_allowed_only_with_the_address_that_it_leads_to() -> None:
    bridge = "pkg:npm/mcp-remote@0.1.38"

    bare = export("claude-code", FILES, entry(bridge, "io.github.x/bridge"))
    led = export("claude-code", FILES, entry(bridge, "io.github.x/bridge", arguments=("https://far.example/mcp",)))

    assert [each.server for each in bare.left_out] == ["io.github.x/bridge"]
    assert led.left_out == ()
