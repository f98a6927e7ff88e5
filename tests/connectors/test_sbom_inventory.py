import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sbom_inventory import build, parse_sbom
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed, NotFound

LISTED = frozenset({Purl.npm("@acme/files"), Purl.pypi("acme-fetch")})
SHA256, SHA512 = "a" * 64, "b" * 128

CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {
        "timestamp": "2026-11-20T12:00:00Z",
        "component": {"bom-ref": "host", "type": "device", "name": "laptop-7.acme.example"},
    },
    "components": [
        {
            "bom-ref": "1",
            "type": "library",
            "group": "@acme",
            "name": "files",
            "version": "1.4.2",
            "purl": "pkg:npm/%40acme/files@1.4.2",
            "hashes": [{"alg": "SHA-256", "content": SHA256}, {"alg": "SHA-512", "content": SHA512}],
        },
        {"type": "library", "name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/left-pad@1.3.0"},
        {"type": "library", "name": "mcp", "version": "1.20.0", "purl": "pkg:pypi/mcp@1.20.0"},
        {"type": "library", "name": "evil-mcp", "version": "0.1", "purl": "pkg:pypi/evil-mcp@0.1?file_name=x.whl"},
        {"type": "library", "name": "x-mcp", "version": "1.0.0", "purl": "pkg:npm/x-mcp@1.0.0", "scope": "excluded"},
        {"type": "operating-system", "name": "debian", "version": "13"},
    ],
    "dependencies": [{"ref": "host", "dependsOn": ["1"]}],
}
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "scan",
    "packages": [
        {"SPDXID": "SPDXRef-host", "name": "ghcr.io/acme/tools:3", "versionInfo": "3"},
        {
            "SPDXID": "SPDXRef-1",
            "name": "acme_fetch",
            "versionInfo": "2.4.2",
            "checksums": [{"algorithm": "SHA1", "checksumValue": "c" * 40}, {"algorithm": "SHA256", "checksumValue": SHA256}],
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/acme-fetch@2.4.2"}],
        },
    ],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-host"}
    ],
}  # fmt: skip
NEWER = {
    "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
    "@graph": [
        {
            "type": "software_Package",
            "spdxId": "urn:1",
            "name": "@acme/files",
            "software_packageVersion": "1.4.2",
            "software_packageUrl": "pkg:npm/%40acme/files@1.4.2",
            "verifiedUsing": [{"type": "Hash", "algorithm": "sha512", "hashValue": SHA512}],
        }
    ],
}


def read(document: object, name: str = "laptop-7.json") -> tuple[tuple[Deployment, ...], tuple[str, ...]]:
    return parse_sbom(json.dumps(document).encode(), Path(name), LISTED)


def with_components(*components: object) -> dict[str, object]:
    return {**CYCLONEDX, "components": list(components)}


async def folder(path: Path, **files: object) -> Inventory:
    for name, content in files.items():
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (path / f"{name}.json").write_bytes(data)
    return await build(path, listed=lambda: LISTED).inventory()


def test_the_servers_of_a_host_are_deployments_with_version_and_digest() -> None:
    deployments, problems = read(CYCLONEDX)

    bare = Deployment("laptop-7.acme.example", "sbom", "laptop-7.json", "", PinKind.EXACT, None)
    assert [(each.name, str(each.purl), str(each.digest)) for each in deployments] == [
        ("@acme/files", "pkg:npm/%40acme/files@1.4.2", f"sha512:{SHA512}"),
        ("evil-mcp", "pkg:pypi/evil-mcp@0.1", "None"),
    ]
    assert {(each.host, each.client, each.location, each.kind) for each in deployments} == {
        (bare.host, bare.client, bare.location, bare.kind)
    }
    assert problems == ()


@pytest.mark.parametrize(
    ("document", "host", "purl", "digest"),
    [
        (SPDX, "ghcr.io/acme/tools:3", "pkg:pypi/acme-fetch@2.4.2", Digest("sha256", SHA256)),
        ({"sbom": SPDX}, "ghcr.io/acme/tools:3", "pkg:pypi/acme-fetch@2.4.2", Digest("sha256", SHA256)),
        (NEWER, "laptop-7", "pkg:npm/%40acme/files@1.4.2", Digest("sha512", SHA512)),
    ],
)
def test_spdx_is_read_as_cyclonedx_is(document: object, host: str, purl: str, digest: Digest) -> None:
    deployments, problems = read(document)

    assert [(each.host, str(each.purl), each.digest) for each in deployments] == [(host, purl, digest)]
    assert problems == ()


@pytest.mark.parametrize(
    "hashes", [5, [5], [{"alg": "SHA-512", "content": "x"}], [{"alg": "MD5", "content": "a" * 32}]]
)
def test_a_digest_that_is_none_costs_itself_and_not_the_package(hashes: object) -> None:
    component = {"type": "library", "name": "files", "purl": "pkg:npm/%40acme/files@1.4.2", "hashes": hashes}

    deployments, problems = read(with_components(component))

    assert [(str(each.purl), each.digest) for each in deployments] == [("pkg:npm/%40acme/files@1.4.2", None)]
    assert problems == ()


def test_a_server_inside_another_component_is_one() -> None:
    inner = {"type": "library", "name": "files", "purl": "pkg:npm/%40acme/files@1.4.2"}

    assert len(read(with_components({"type": "application", "name": "bundle", "components": [inner]}))[0]) == 1


def test_what_sounds_like_a_server_and_has_no_version_is_told_of() -> None:
    component = {"type": "library", "name": "x-mcp", "purl": "pkg:npm/x-mcp"}

    assert read(with_components(component)) == ((), ("x-mcp stands there at no version that can be read",))


def test_a_bad_component_costs_only_itself() -> None:
    good = {"type": "library", "name": "files", "purl": "pkg:npm/%40acme/files@1.4.2"}

    deployments, problems = read(with_components({"name": 5}, good))

    assert len(deployments) == 1
    assert [problem.partition(":")[0] for problem in problems] == ["components[0]"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no JSON"),
        (b"<bom/>", "no JSON; export the SBOM"),
        (b"{}", "^sbom: JSON of no form that is known; expected CycloneDX or SPDX$"),
        (b'{"lockfileVersion": 3, "packages": {}}', "no SBOM"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "9.9"}', "1.2 to 1.7 are read"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 5}', "components"),
    ],
)
def test_what_is_no_sbom_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_sbom(data, Path("x.json"), LISTED)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_sbom(b"{" + data, Path("x.json"), LISTED)


async def test_each_file_is_a_host_and_a_bad_one_costs_only_itself(tmp_path: Path) -> None:
    inventory = await folder(tmp_path, a=CYCLONEDX, b=b"{", c=SPDX, d=with_components())

    assert [each.host for each in inventory.deployments] == [
        "laptop-7.acme.example",
        "laptop-7.acme.example",
        "ghcr.io/acme/tools:3",
    ]
    assert not inventory.complete
    assert [problem.startswith(f"{tmp_path / 'b.json'}: ") for problem in inventory.problems] == [True]


async def test_a_file_that_is_written_anew_is_the_same_place(tmp_path: Path) -> None:
    before = await folder(tmp_path, a=SPDX)
    after = await folder(tmp_path, a={**SPDX, "name": "later"})

    assert before == after
    assert before.complete


async def test_a_folder_of_which_nothing_can_be_read_is_no_empty_inventory(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="no file could be read"):
        await folder(tmp_path, a=b"{")


async def test_a_folder_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file of that name"):
        await folder(tmp_path)
