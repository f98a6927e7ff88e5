import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inventory_file import build, parse_inventory
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import DeploymentSource

GOOD = {"host": "laptop-7", "name": "acme", "purl": "pkg:npm/%40acme/mcp@3.1.4"}
SHA = "b" * 64


def lines(*rows: object) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def one(**fields: object) -> Deployment:
    return parse_inventory(lines({"host": "laptop-7", "name": "acme", **fields}), "inventory.jsonl").deployments[0]


def test_a_line_is_a_deployment() -> None:
    row = {
        **GOOD,
        "client": "cursor",
        "location": "~/.cursor/mcp.json",
        "digest": f"sha256:{SHA}",
        "disabled": True,
        "redirects": ["LD_PRELOAD"],
        "seen_at": "2026-11-20T10:00:00+02:00",
        "user": "not read",
    }

    inventory = parse_inventory(lines(row), "inventory.jsonl", source="inventory-file x")

    assert inventory.deployments == (
        Deployment(
            "laptop-7",
            "cursor",
            "~/.cursor/mcp.json",
            "acme",
            PinKind.EXACT,
            Purl.npm("@acme/mcp", "3.1.4"),
            digest=Digest("sha256", SHA),
            disabled=True,
            redirects=("LD_PRELOAD",),
        ),
    )
    assert (inventory.source, inventory.complete, inventory.problems) == ("inventory-file x", True, ())
    assert inventory.collected_at == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_what_is_left_out_has_a_default() -> None:
    inventory = parse_inventory(lines(GOOD), "inventory.jsonl")

    assert (inventory.deployments[0].client, inventory.deployments[0].location) == ("inventory", "inventory.jsonl")
    assert inventory.collected_at is None


@pytest.mark.parametrize(
    ("fields", "purl", "kind"),
    [
        ({"package": "@acme/mcp", "ecosystem": "npm", "version": "1.0.0"}, "pkg:npm/%40acme/mcp@1.0.0", PinKind.EXACT),
        ({"package": "Acme_Mcp", "ecosystem": "PyPI", "version": "1.0"}, "pkg:pypi/acme-mcp@1.0", PinKind.EXACT),
        ({"package": "Acme/Mcp", "ecosystem": "GitHub", "version": "v1"}, "pkg:github/acme/mcp@v1", PinKind.EXACT),
        ({"package": "ghcr.io/a/b", "ecosystem": "docker", "version": "1"}, "pkg:docker/ghcr.io/a/b@1", PinKind.TAG),
        ({"package": "mcp/git", "ecosystem": "docker", "version": "1", "digest": f"sha256:{SHA}"}, "pkg:docker/mcp/git@1", PinKind.DIGEST),
        ({"purl": "pkg:npm/x", "version": "2.0.0"}, "pkg:npm/x@2.0.0", PinKind.EXACT),
        ({"purl": "pkg:npm/x", "digest": f"sha256:{SHA}"}, "pkg:npm/x", PinKind.DIGEST),
        ({"purl": "pkg:npm/x"}, "pkg:npm/x", PinKind.NONE),
        ({"purl": "pkg:npm/x", "requested": "latest"}, "pkg:npm/x", PinKind.TAG),
        ({"purl": "pkg:npm/x", "requested": "^1"}, "pkg:npm/x", PinKind.RANGE),
    ],
)  # fmt: skip
def test_the_kind_follows_from_what_is_named(fields: dict[str, str], purl: str, kind: PinKind) -> None:
    deployment = one(**fields)

    assert (str(deployment.purl), deployment.kind) == (purl, kind)


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"package": "acme", "ecosystem": "npm", "version": "v1.4.2"}, "1.4.2"),
        ({"package": "acme", "ecosystem": "npm", "version": " 1.4.2+build.1 "}, "1.4.2"),
        ({"purl": "pkg:npm/acme@v1.4.2", "version": "1.4.2"}, "1.4.2"),
        ({"package": "acme", "ecosystem": "PyPI", "version": " v1.2.3 "}, "1.2.3"),
        ({"package": "acme", "ecosystem": "PyPI", "version": "1.2.3-RC1"}, "1.2.3rc1"),
        ({"purl": "pkg:pypi/acme@01.2"}, "1.2"),
        ({"package": "a/b", "ecosystem": "GitHub", "version": " v1.2 "}, "v1.2"),
        ({"package": "acme", "ecosystem": "npm", "version": " "}, None),
    ],
)
def test_a_version_is_kept_as_its_registry_spells_it(fields: dict[str, str], version: str | None) -> None:
    purl = one(**fields).purl

    assert purl
    assert purl.version == version


def test_a_remote_server_is_kept_without_its_secrets() -> None:
    deployment = one(remote="https://user:secret@mcp.example.com/mcp?key=secret")

    assert (deployment.kind, deployment.purl, deployment.remote) == (
        PinKind.REMOTE,
        None,
        "https://mcp.example.com/mcp",
    )


def test_no_credential_of_a_line_is_kept() -> None:
    deployments = (
        one(purl="pkg:npm/x", requested="git+https://TOKEN@github.com/a/b", redirects=["NODE_OPTIONS=TOKEN"]),
        one(remote="https://mcp.example.com/s/c2VjcmV0LXRva2VuLWhlcmU/mcp"),
    )

    assert deployments[0].redirects == ("NODE_OPTIONS",)
    assert "TOKEN" not in repr(deployments)
    assert "c2VjcmV0" not in repr(deployments)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "Input data was truncated"),
        ("[]", "Expected `object`"),
        ({"host": "a"}, "missing required field `name`"),
        ({"host": 5, "name": "x"}, "Expected `str`"),
        ({"host": "", "name": "x", "purl": "pkg:npm/x"}, "must not be empty"),
        ({"host": "a\0", "name": "x", "purl": "pkg:npm/x"}, "NUL"),
        ({"host": "a", "name": "x"}, "expected a purl, a package with its ecosystem, or a remote"),
        ({"host": "a", "name": "x", "remote": "ftp://x"}, "expected a purl"),
        ({"host": "a", "name": "x", "purl": "npm/x"}, "purl is missing"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x@1.0.0", "version": "2.0.0"}, "different versions"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x@1.0.0?repository_url=https://registry.example"}, "not supported in a package URL"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x@1.0.0#sub"}, "not supported in a package URL"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x@latest"}, "npm versions look like 1.2.3"),
        ({"host": "a", "name": "x", "package": "x", "ecosystem": "npm", "version": "^1.2"}, "npm versions look like 1.2.3"),
        ({"host": "a", "name": "x", "package": "x", "ecosystem": "PyPI", "version": "newest"}, "not a version of PEP 440"),
        ({"host": "a", "name": "x", "package": "x/y", "ecosystem": "GitHub", "version": "v1 v2"}, "holds no blanks"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x%00@1.0.0"}, "cannot be seen"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x", "package": "x"}, "either purl or package"),
        ({"host": "a", "name": "x", "package": "x", "ecosystem": "gems"}, "ecosystem: expected npm, PyPI, GitHub or docker, got 'gems'"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x", "digest": "sha256:1"}, "not a sha256 digest"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x", "seen_at": "2026-01-01T00:00:00"}, "needs its zone"),
        ({"host": "a", "name": "x", "purl": "pkg:npm/x", "seen_at": "soon"}, "Invalid RFC3339"),
        (GOOD, "the same place as in line 1"),
        (json.dumps(GOOD) + " " * 70_000, "over 65536 bytes"),
        ('{"x":' * 10_000, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_bad_line_is_reported_with_its_number_and_costs_only_itself(bad: object, reason: str) -> None:
    last = {**GOOD, "name": "last"}

    inventory = parse_inventory(lines(GOOD, "", bad, last), "inventory.jsonl")

    assert [deployment.name for deployment in inventory.deployments] == ["acme", "last"]
    assert len(inventory.problems) == 1
    assert inventory.problems[0].startswith("inventory.jsonl: line 3: ")
    assert reason in inventory.problems[0]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"{}\n", b"\x00" * 100])
def test_a_file_without_any_deployment_is_no_empty_inventory(data: bytes) -> None:
    with pytest.raises(Malformed, match="no deployment in it"):
        parse_inventory(data, "inventory.jsonl")


def test_very_many_bad_lines_are_counted() -> None:
    inventory = parse_inventory(lines(GOOD, *["{}"] * 3000), "inventory.jsonl")

    assert len(inventory.problems) == 1001
    assert inventory.problems[-1] == "inventory.jsonl: and 2000 more bad lines"


def test_a_file_of_bad_lines_costs_little_memory() -> None:
    data = lines(GOOD) + b"\n" + b"x\n" * 300_000
    tracemalloc.start()

    inventory = parse_inventory(data, "inventory.jsonl")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert inventory.problems[-1] == "inventory.jsonl: and 299000 more bad lines"
    assert peak < 5 * 2**20


async def test_a_line_without_an_end_is_passed_over_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "inventory.jsonl"
    path.write_bytes(b"x" * (8 * 2**20) + b"\n" + lines(GOOD))
    tracemalloc.start()

    inventory = await build(path=path).inventory()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert inventory.problems == (f"{path}: line 1: over 65536 bytes",)
    assert [deployment.name for deployment in inventory.deployments] == ["acme"]
    assert peak < 4 * 2**20


async def test_a_file_that_is_too_large_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "inventory.jsonl"
    with path.open("wb") as file:
        file.truncate(2**34)

    with pytest.raises(Malformed, match="over 268435456 bytes"):
        await build(path=path).inventory()


def test_fifty_thousand_lines_are_read_in_seconds() -> None:
    data = b"\n".join(b'{"host":"h%d","name":"acme","purl":"pkg:npm/acme@1.0.0"}' % at for at in range(50_000))
    start = perf_counter()

    inventory = parse_inventory(data, "inventory.jsonl")

    assert len(inventory.deployments) == 50_000
    assert perf_counter() - start < 20


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes) -> None:
    inventory = parse_inventory(lines(GOOD) + b"\n" + data, "inventory.jsonl")

    assert inventory.deployments[0].name == "acme"


async def test_the_file_is_read_anew_at_each_call(tmp_path: Path) -> None:
    path = tmp_path / "inventory.jsonl"
    source: DeploymentSource = build(path=path)
    path.write_bytes(lines(GOOD))
    before = await source.inventory()

    path.write_bytes(b"\xef\xbb\xbf" + lines(GOOD, {**GOOD, "host": "laptop-8"}))
    after = await source.inventory()

    assert (len(before.deployments), len(after.deployments)) == (1, 2)


async def test_a_missing_file_tells_the_way_out(tmp_path: Path) -> None:
    source = build(path=tmp_path / "inventory.jsonl")

    with pytest.raises(Unavailable, match="does not exist; export it to that place"):
        await source.inventory()
