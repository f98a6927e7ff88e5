import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import docker_catalog, mcp_registry, toolhive_registry
from connectors.mcp_registry import build
from monitor.domain.provenance import Publisher
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import ProvenanceDemand, Registry
from monitor.ports.errors import Malformed, SourceError, Unavailable
from tests import corpus

KINDS = {
    "official": mcp_registry.build,
    "allowlists": mcp_registry.build,
    "toolhive": toolhive_registry.build,
    "docker": docker_catalog.build,
}
COMMIT = "2a5896d0891d13558e1313155b177fc0a4bc95d6"
OFFICIAL = "io.modelcontextprotocol.registry/official"


def read(tmp_path: Path, value: object, kind: str = "official") -> Registry:
    path = tmp_path / "registry.json"
    path.write_text(json.dumps(value, indent=1))
    return KINDS[kind](path, owner="platform", tier=2, approved_by="keeper").read()


def package(identifier: str = "@acme/files", version: str | None = "1.4.2", kind: str = "npm") -> dict[str, object]:
    return {"registryType": kind, "identifier": identifier, "version": version, "transport": {"type": "stdio"}}


def server(
    *packages: object, name: str = "io.github.acme/files", version: str = "9.9.9", **more: object
) -> dict[str, object]:
    return {"name": name, "version": version, "packages": list(packages), **more}


def answer(listed: object, *, status: str = "active", newest: bool = True, **more: object) -> dict[str, object]:
    return {"server": listed, "_meta": {OFFICIAL: {"status": status, "isLatest": newest, **more}}}


def approved(registry: Registry) -> dict[str, str]:
    return {each.server.name: str(each.approval.pin.purl) for each in registry.entries if each.approval}


# --- the MCP registry ---------------------------------------------------------------------------------------------------


def test_a_package_is_approved_at_its_version_on_the_keepers_word(tmp_path: Path) -> None:
    listed = server(package(), repository={"url": "https://github.com/Acme/files.git", "source": "github"})

    registry = read(tmp_path, {"servers": [answer(listed, publishedAt="2026-01-02T03:04:05Z")]})

    (entry,) = registry.entries
    assert (entry.server.owner, entry.server.tier, entry.line) == ("platform", 2, 5)
    assert entry.server.repository == Purl.github("acme/files")
    assert entry.approval
    assert entry.approval.pin.purl == Purl.npm("@acme/files", "1.4.2")
    assert entry.approval.approved_by == "keeper"
    assert entry.approval.approved_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "base"),
    [("npm", "https://npm.acme.example/"), ("pypi", "https://registry.example"), ("nuget", "not an address")],
)
def test_a_package_of_another_registry_is_not_the_public_one_of_that_name(tmp_path: Path, kind: str, base: str) -> None:
    listed = package("files", "1.4.2", kind) | {"registryBaseUrl": base}

    registry = read(tmp_path, {"servers": [server(package(), listed)]})

    assert approved(registry) == {"io.github.acme/files": "pkg:npm/%40acme/files@1.4.2"}
    assert "registryBaseUrl" in registry.problems[0].message


def test_an_image_is_of_the_registry_that_stands_beside_it(tmp_path: Path) -> None:
    on_ghcr = package("acme/files:1.4.2", None, "oci") | {"registryBaseUrl": "https://ghcr.io"}
    on_docker = package("acme/files:1.4.2", None, "oci") | {"registryBaseUrl": "https://docker.io"}
    on_two = package("ghcr.io/acme/files:1.4.2", None, "oci") | {"registryBaseUrl": "https://quay.io"}

    registry = read(tmp_path, {"servers": [server(on_ghcr, on_docker, on_two)]})

    assert list(approved(registry).values()) == ["pkg:docker/ghcr.io/acme/files@1.4.2", "pkg:docker/acme/files@1.4.2"]
    assert "ghcr.io, and not of quay.io" in registry.problems[0].message


def test_words_that_always_stand_behind_a_package_are_its_arguments(tmp_path: Path) -> None:
    words = [{"type": "positional", "value": "serve"}, {"type": "named", "name": "--port", "value": "80"}]
    optional = {"type": "named", "name": "--verbose"}

    registry = read(tmp_path, server(package() | {"packageArguments": [*words, optional]}))

    assert [each.server.arguments for each in registry.entries] == [("serve", "--port", "80")]
    assert approved(registry)


@pytest.mark.parametrize(
    "argument", [{"type": "positional", "isRequired": True}, {"type": "named", "name": "--root", "value": "{root}"}]
)
def test_a_word_that_somebody_fills_in_makes_no_approval(tmp_path: Path, argument: object) -> None:
    registry = read(tmp_path, server(package() | {"packageArguments": [argument]}))

    assert (len(registry.entries), approved(registry)) == (1, {})
    assert "fills in one of its packageArguments" in registry.problems[0].message


@pytest.mark.parametrize(
    ("kind", "version"), [("go", "v1"), ("go", "v1.2"), ("go", "1.2.3"), ("nuget", "1"), ("nuget", "1.2")]
)
def test_the_beginning_of_a_version_is_none(tmp_path: Path, kind: str, version: str) -> None:
    registry = read(tmp_path, server(package("github.com/acme/files" if kind == "go" else "Acme.Files", version, kind)))

    assert approved(registry) == {}


@pytest.mark.parametrize(
    ("kind", "version"),
    [("go", "v1.2.3"), ("go", "v2.0.0+incompatible"), ("nuget", "1.2.3"), ("nuget", "1.2.3.4-beta.1")],
)
def test_a_whole_version_of_go_and_nuget_is_approved(tmp_path: Path, kind: str, version: str) -> None:
    registry = read(tmp_path, server(package("github.com/acme/files" if kind == "go" else "Acme.Files", version, kind)))

    assert len(approved(registry)) == 1


def test_each_package_and_remote_of_a_server_is_an_entry(tmp_path: Path) -> None:
    digest = "b" * 64
    listed = server(
        package(),
        package("acme-files", "1.4.3", "pypi"),
        package(f"ghcr.io/acme/files:1.4.4@sha256:{digest}", None, "oci"),
        package("https://github.com/acme/files/releases/download/v1.4.5/files.mcpb", None, "mcpb")
        | {"fileSha256": digest},
        remotes=[{"type": "sse", "url": "https://mcp.acme.example/sse"}],
    )

    registry = read(tmp_path, listed)

    assert registry.problems == ()
    assert approved(registry) == {
        "io.github.acme/files": "pkg:npm/%40acme/files@1.4.2",
        "io.github.acme/files.pypi": "pkg:pypi/acme-files@1.4.3",
        "io.github.acme/files.oci": "pkg:docker/ghcr.io/acme/files@1.4.4",
        "io.github.acme/files.mcpb": "pkg:github/acme/files@v1.4.5",
        "io.github.acme/files.remote": "pkg:generic/io.github.acme/files.remote",
    }
    pins = [each.approval.pin.digests for each in registry.entries if each.approval]
    assert pins[2] == pins[3] == frozenset({Digest("sha256", digest)})


@pytest.mark.parametrize("status", ["deprecated", "deleted"])
def test_what_its_registry_gave_up_is_listed_and_not_approved(tmp_path: Path, status: str) -> None:
    gone = answer(server(package()), status=status, statusMessage="use another")

    registry = read(tmp_path, {"servers": [gone]})

    assert [each.approval for each in registry.entries] == [None]
    assert [problem.message for problem in registry.problems] == [
        f"listed and not approved: {status} in its registry: use another"
    ]


@pytest.mark.parametrize("version", ["latest", "^1.2", "1.x", ""])
def test_a_version_that_moves_is_not_approved(tmp_path: Path, version: str) -> None:
    registry = read(tmp_path, server(package(version=version)))

    assert [each.approval for each in registry.entries] == [None]
    assert len(registry.problems) == 1


def test_of_several_versions_the_newest_active_one_is_approved(tmp_path: Path) -> None:
    versions = [
        answer(server(package(version="1.0.0")), newest=False, publishedAt="2026-01-01T00:00:00Z"),
        answer(server(package(version="1.2.0")), newest=False, publishedAt="2026-03-01T00:00:00Z"),
        answer(server(package(version="1.1.0")), newest=False, publishedAt="2026-02-01T00:00:00Z"),
        answer(server(package(version="2.0.0")), status="deleted", publishedAt="2026-04-01T00:00:00Z"),
    ]

    registry = read(tmp_path, {"servers": versions})

    assert approved(registry) == {"io.github.acme/files": "pkg:npm/%40acme/files@1.2.0"}
    assert registry.problems == ()


def test_a_list_that_pins_at_the_server_pins_the_package(tmp_path: Path) -> None:
    listed = {"registryType": "npm", "identifier": "@acme/files", "transport": {"type": "stdio"}}

    registry = read(tmp_path, server(listed, version="0.1.20"))

    assert approved(registry) == {"io.github.acme/files": "pkg:npm/%40acme/files@0.1.20"}


def test_the_oldest_spelling_is_read(tmp_path: Path) -> None:
    old = {
        "name": "io.github.acme/files",
        "version_detail": {"version": "0.0.1-seed", "release_date": "2025-05-16T18:56:49Z", "is_latest": True},
        "packages": [{"registry_name": "npm", "name": "@acme/files", "version": "0.0.46"}],
    }

    assert approved(read(tmp_path, old)) == {"io.github.acme/files": "pkg:npm/%40acme/files@0.0.46"}


def test_a_bad_entry_costs_only_itself(tmp_path: Path) -> None:
    bad = [
        {"name": 5, "packages": "all"},
        7,
        None,
        server(package(kind="cargo"), name="io.github.acme/other"),
        {"name": "x"},
    ]

    registry = read(tmp_path, {"servers": [*bad, server(package())]})

    assert list(approved(registry)) == ["io.github.acme/files"]
    assert len(registry.problems) == len(bad)


def test_a_folder_is_one_registry_and_its_problems_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/one.json").write_text(json.dumps(server(package())))
    (tmp_path / "two.jsonl").write_text(json.dumps(server(package("x"), name="io.github.acme/x")) + "\n{\n")
    (tmp_path / "readme.md").write_text("no entry")
    source = build(tmp_path, owner="platform", tier=1, approved_by="keeper")

    registry = source.read()

    assert sorted(approved(registry)) == ["io.github.acme/files", "io.github.acme/x"]
    assert [(each.line, each.name) for each in registry.problems] == [(2, "two.jsonl")]
    before = registry.sha256
    (tmp_path / "two.jsonl").rename(tmp_path / "three.jsonl")
    assert source.read().sha256 != before


@pytest.mark.parametrize("text", ["", "[", "{}", '{"servers": 5}', '[{"package": "x"}]', '{"mcpServers": {}}'])
def test_a_file_without_a_list_of_servers_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)

    with pytest.raises(Malformed):
        build(tmp_path / "r.json", owner="o", tier=2, approved_by="k").read()


def test_an_empty_list_lists_nothing(tmp_path: Path) -> None:
    registry = read(tmp_path, {"servers": [], "metadata": {"count": 0}})

    assert (registry.entries, registry.problems) == ((), ())


def test_a_file_that_is_not_there_is_away(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"set registry\.path"):
        build(tmp_path / "none.json", owner="o", tier=2, approved_by="k").read()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["servers", "server", "name", "packages", "remotes", "url", "image", "data", "_meta", "source"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", KINDS)
@given(value=JSON)
def test_whatever_is_in_the_file_the_answer_is_entries_or_an_error_of_the_source(
    tmp_path_factory: pytest.TempPathFactory, kind: str, value: object
) -> None:
    try:
        registry = read(tmp_path_factory.mktemp("r"), value, kind)
    except SourceError:
        return

    assert all(each.server.owner == "platform" for each in registry.entries)


# --- the catalogues -----------------------------------------------------------------------------------------------------

PROVENANCE = {
    "cert_issuer": "https://token.actions.githubusercontent.com",
    "repository_uri": "https://github.com/stacklok/dockyard",
    "runner_environment": "github-hosted",
    "signer_identity": "/.github/workflows/build-containers.yml",
    "sigstore_url": "tuf-repo-cdn.sigstore.dev",
}
SIGNER = Publisher(
    "https://token.actions.githubusercontent.com",
    "https://github.com/stacklok/dockyard",
    ".github/workflows/build-containers.yml",
    runner_environment="github-hosted",
)


def test_toolhives_signer_is_demanded(tmp_path: Path) -> None:
    entry = {"image": "ghcr.io/stacklok/dockyard/npx/agentql-mcp:1.0.0", "status": "Active", "provenance": PROVENANCE}

    (read_entry,) = read(tmp_path, entry, "toolhive").entries

    assert read_entry.server.name == "toolhive/agentql-mcp"
    assert read_entry.server.provenance is ProvenanceDemand.REQUIRED
    assert read_entry.approval
    assert read_entry.approval.pin.publisher == SIGNER


def test_toolhives_newer_shape_says_the_same(tmp_path: Path) -> None:
    image = "ghcr.io/acme/files:1.4.2"
    said = {
        "io.modelcontextprotocol.registry/publisher-provided": {
            "io.github.stacklok": {image: {"provenance": PROVENANCE}}
        }
    }

    registry = read(tmp_path, {"data": {"servers": [server(package(image, None, "oci"), _meta=said)]}}, "toolhive")

    (entry,) = registry.entries
    assert entry.approval
    assert entry.approval.pin.publisher == SIGNER


def test_toolhives_mapping_of_servers_is_read(tmp_path: Path) -> None:
    whole = {
        "servers": {"files": {"image": "ghcr.io/acme/files:1.4.2", "status": "Deprecated"}},
        "remote_servers": {"far": {"url": "https://mcp.acme.example/mcp"}},
    }

    registry = read(tmp_path, whole, "toolhive")

    assert approved(registry) == {"toolhive/far": "pkg:generic/toolhive/far"}
    assert [each.message for each in registry.problems] == [
        "listed and not approved: deprecated in ToolHive's catalogue"
    ]


def test_dockers_commit_is_the_pin(tmp_path: Path) -> None:
    entry = {
        "name": "airtable",
        "image": "mcp/airtable",
        "type": "server",
        "source": {"project": "https://github.com/domdomegg/airtable-mcp-server", "commit": COMMIT},
    }

    (read_entry,) = read(tmp_path, entry, "docker").entries

    assert read_entry.server.name == "docker/airtable"
    assert read_entry.server.package == Purl("docker", "mcp", "airtable")
    assert read_entry.approval
    assert read_entry.approval.pin.purl.version == COMMIT
    assert read_entry.approval.pin.digests == frozenset({Digest("gitCommit", COMMIT)})


# --- the corpus ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "entries", "approvals", "problems"),
    [
        ("official", 197, 182, 265),
        ("official/server-json", 14, 10, 14),
        ("toolhive", 54, 38, 20),
        ("docker", 222, 221, 43),
        ("allowlists", 8, 8, 21),
    ],
)
def test_every_file_of_real_registries_is_read(folder: str, entries: int, approvals: int, problems: int) -> None:
    path = corpus.path(f"registries/{folder}")

    registry = KINDS[folder.partition("/")[0]](path, owner="platform", tier=2, approved_by="keeper").read()

    counted = len(registry.entries), sum(each.approval is not None for each in registry.entries), len(registry.problems)
    assert counted == (entries, approvals, problems)


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_file_alone_is_read_or_refused_clearly(kind: str) -> None:
    for path in sorted(corpus.path(f"registries/{kind}").rglob("*.json*")):
        try:
            registry = KINDS[kind](path, owner="platform", tier=2, approved_by="keeper").read()
        except SourceError as error:
            assert str(path) in error.detail  # noqa: PT017  one of many files
        else:
            assert registry.entries or registry.problems
