from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.address import endpoint, same_endpoint, shown, without_credentials
from monitor.domain.deployment import PinKind
from monitor.domain.fleet import assign
from tests.make import deployment, server

PARTS = st.lists(
    st.sampled_from(
        ["https", "http", "://", ":", "/", "//", "@", "[", "]", "?", "#", "\\", "a.example", "℀", "${X}", "80"]
    )
    | st.text(max_size=4),
    max_size=8,
).map("".join)


@pytest.mark.parametrize(
    "text",
    [
        *("http://[x", "https://a℀b/", "https://", "https:///x", "https:x.example", "ftp://x.example", "x.example"),
        *("https://evil.example\\@ok.example/", "https://ok.example:x/", "https://a b.example/", "https://ok.example/\u202e"),
        *("https://ok.example:99999/", "https://ok%2eexample/", "https://ok.example/" + "a" * 3000, "https://\ud800.example/"),
    ],
)  # fmt: skip
def test_what_does_not_parse_strictly_is_no_address(text: str) -> None:
    assert endpoint(text) is None


@given(PARTS | st.text(max_size=40))
def test_no_text_makes_the_reading_fail_and_reading_twice_changes_nothing(text: str) -> None:
    read = endpoint(text)

    assert read is None or endpoint(read) == read
    assert same_endpoint(text) == (read.rstrip("/") if read else None)


@pytest.mark.parametrize(
    "text",
    [
        "HTTPS://MCP.acme.example/mcp/",
        "https://mcp.acme.example:443/mcp",
        "https://user:secret@mcp.acme.example/mcp?key=secret#x",
        " https://mcp.acme.example/mcp ",
    ],
)
def test_spellings_of_one_endpoint_are_equal(text: str) -> None:
    assert same_endpoint(text) == "https://mcp.acme.example/mcp"


@pytest.mark.parametrize(
    "text", ["https://mcp.acme.example:8443/mcp", "http://mcp.acme.example/mcp", "https://mcp.acme.example/MCP"]
)
def test_other_endpoints_are_not_equal(text: str) -> None:
    assert same_endpoint(text) != "https://mcp.acme.example/mcp"


def test_a_host_that_the_client_fills_in_is_shown_and_belongs_to_no_server() -> None:
    assert endpoint("https://${input:host}/mcp") == "https://${input:host}/mcp"


@pytest.mark.parametrize("text", ["http://[x", "https://a℀b/", "https://${HOST}/mcp", "not an address"])
def test_a_deployment_with_a_broken_address_is_on_no_list_and_costs_only_itself(text: str) -> None:
    remote = replace(server(), package=None, remote="https://mcp.acme.example/mcp")
    broken = replace(deployment(), purl=None, remote=text, kind=PinKind.REMOTE)
    good = replace(broken, name="good", remote="https://mcp.acme.example/mcp")

    fleet = assign([remote, replace(remote, name="io.github.acme/broken", remote=text)], [broken, good])

    assert fleet.by_server[remote.name] == (good,)


@pytest.mark.parametrize(
    "segment",
    [
        "c2VjcmV0LXRva2VuLWhlcmU", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "ghp_0123456789abcdefghij", "sk-0123456789abcdefghij",
        "A1b2C3d4E5f6", "u7Kd93mQz1a",
    ],
)  # fmt: skip
def test_a_part_of_a_path_that_may_be_a_secret_is_shown_as_a_hash_and_still_tells_endpoints_apart(segment: str) -> None:
    shown = endpoint(f"https://mcp.example.com/s/{segment}/mcp")

    assert shown
    assert segment not in shown
    assert endpoint(shown) == shown
    assert endpoint(f"https://mcp.example.com/s/{segment}x/mcp") != shown


@pytest.mark.parametrize(
    "path",
    ["/mcp", "/spark-troubleshooting/mcp", "/api/v1/servers/2026-11-30", "/sequentialthinking/mcp", "/gpt4omini/mcp"],
)
def test_words_of_a_path_are_shown(path: str) -> None:
    assert endpoint(f"https://mcp.example.com{path}") == f"https://mcp.example.com{path}"


def test_a_listed_address_with_a_secret_in_it_is_still_found() -> None:
    text = "https://mcp.example.com/s/c2VjcmV0LXRva2VuLWhlcmU/mcp"
    remote = replace(server(), package=None, remote=text)
    deployed = replace(deployment(), purl=None, remote=endpoint(text), kind=PinKind.REMOTE)

    assert assign([remote], [deployed]).unlisted == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("git+https://TOKEN@github.com/a/b@v1", "git+https://github.com/a/b@v1"),
        ("with git+ssh://user:secret@host.example/a", "with git+ssh://host.example/a"),
        ("https://x.example/a?key=secret#part", "https://x.example/a#part"),
        ("token ghp_0123456789abcdefghij0", "token …"),
        ("@acme/mcp@1.2.3", "@acme/mcp@1.2.3"),
    ],
)
def test_text_is_shown_without_credentials(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("API_KEY=8f3c9a1d", "API_KEY=…"),
        ("module 8f3c9a1d7be24455a0c1", "module …"),
        ("x\ud800", "x\ufffd"),
        (">=1.2,<2; extras: a", ">=1.2,<2; extras: a"),
        ("==1.0", "==1.0"),
        ("published before 2026-01-01", "published before 2026-01-01"),
        (
            "the version stands in node_modules/@acme/server-filesystem",
            "the version stands in node_modules/@acme/server-filesystem",
        ),
    ],
)
def test_what_may_be_a_secret_in_a_text_is_left_out(text: str, kept: str) -> None:
    assert shown(text) == kept
    assert shown(kept) == kept


def test_a_label_of_a_host_that_is_a_key_is_shown_as_a_hash() -> None:
    read = endpoint("https://8f3c9a1d7be24455a0c1d2e3.mcp.example/mcp")

    assert read
    assert "8f3c" not in read
    assert endpoint(read) == read
    assert (
        endpoint("https://mcp-server-abc123def4-uc.a.example/mcp") == "https://mcp-server-abc123def4-uc.a.example/mcp"
    )
