import json

import pytest

from connectors.dependency_file import parse
from monitor.domain.dependency import Dependencies
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed
from tests.connectors import dependency_texts as texts

NPM = Purl.npm("@acme/files-mcp", "1.2.3")
PYPI = Purl.pypi("files-mcp", "1.2.3")
EXPRESS = {
    "express@4.18.2": "express",
    "%40acme/real@2.0.1": "@acme/real",
    "debug@2.6.9": "express > debug",
    "ms@2.1.3": "express > ms",
    "ms@2.0.0": "express > debug > ms",
}
HTTPX = {"httpx@0.27.0": "httpx", "anyio@4.4.0": "httpx > anyio", "idna@3.7": "httpx > anyio > idna"}
FLAT = {"anyio@4.4.0": "anyio", "httpx@0.27.0": "httpx", "idna@3.7": "idna"}


def ways(read: Dependencies) -> dict[str, str]:
    return {str(each.purl).split("/", 1)[1]: " > ".join(each.path) for each in read.found}


def names(read: Dependencies) -> set[str]:
    return {each.purl.label for each in read.found}


@pytest.mark.parametrize(
    ("text", "source", "more"),
    [
        (texts.NPM_3, "package-lock.json 3", {"fsevents@2.3.3": "fsevents", "typed@1.0.0": "express > typed"}),
        (texts.NPM_2, "package-lock.json 2", {"fsevents@2.3.3": "fsevents", "typed@1.0.0": "express > typed"}),
        (texts.NPM_1, "package-lock.json 1", {}),
        (texts.YARN_1, "yarn.lock 1", {}),
        (texts.YARN_8, "yarn.lock 8", {}),
        (texts.PNPM_9, "pnpm-lock.yaml 9.0", {}),
        (texts.PNPM_6, "pnpm-lock.yaml 6.0", {}),
        (texts.PNPM_5, "pnpm-lock.yaml 5.4", {}),
        (texts.CYCLONEDX, "CycloneDX 1.5", {}),
        (texts.SPDX_2, "SPDX 2.3", {}),
        (texts.GITHUB, "SPDX 2.3", {}),
        (texts.SPDX_3, "SPDX 3.0", {}),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_every_format_of_npms_tells_the_same(text: str, source: str, more: dict[str, str]) -> None:
    read = parse(text.encode(), "any.name", NPM)

    assert ways(read) == EXPRESS | more
    assert (read.of, read.source, read.whole) == (NPM, source, True)
    assert [words for words in read.unresolved if "tool" not in words] == []
    assert len(read.unresolved) == 1


@pytest.mark.parametrize(
    ("text", "source", "told"),
    [
        (texts.UV, "uv.lock", HTTPX | {"colorama@0.4.6": "colorama", "trio@0.26.0": "httpx > anyio > trio"}),
        (texts.POETRY_2, "poetry.lock", HTTPX),
        (texts.POETRY_1, "poetry.lock", HTTPX),
        (texts.PYLOCK, "pylock.toml", HTTPX),
        (texts.PIPFILE, "Pipfile.lock", FLAT),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_every_format_of_pythons_tells_the_same(text: str, source: str, told: dict[str, str]) -> None:
    read = parse(text.encode(), "any.name", PYPI)

    assert ways(read) == told
    assert (read.source, read.whole) == (source, True)
    assert [words.split()[0] for words in read.unresolved] == ["tool"]


def test_requirements_are_whole_where_every_line_is_a_pin_with_its_hashes() -> None:
    hashed = parse(texts.REQUIREMENTS.encode(), "requirements.txt", PYPI)
    more = "-r more.txt\nrequests>=2\n-e ./here\nx @ https://user:secret@acme.example/x.whl\ny==1.*\nz\n==="

    mixed = parse((texts.REQUIREMENTS + more).encode(), "requirements-1.2.3.txt", PYPI)

    assert (ways(hashed), hashed.whole, hashed.unresolved) == (FLAT, True, ())
    assert (ways(mixed), mixed.whole) == (FLAT, False)
    assert mixed.unresolved == (
        "-r more.txt",
        "requests>=2",
        "-e ./here",
        "x @ https://acme.example/x.whl",
        "y==1.*",
        "z",
        "line 15: ===",
    )


@pytest.mark.parametrize(
    ("text", "of"),
    [(texts.NPM_3, NPM), (texts.YARN_8, NPM), (texts.UV, PYPI)],
)
def test_a_lock_of_another_version_or_another_project_is_refused(text: str, of: Purl) -> None:
    with pytest.raises(Malformed, match=r"at 1\.2\.3, and not at 1\.2\.4"):
        parse(text.encode(), "lock", of.at("1.2.4"))
    with pytest.raises(Malformed, match=r"is about pkg:\S+files-mcp@1\.2\.3, and does not hold pkg:\S+/other@1\.0\.0"):
        parse(text.encode(), "lock", Purl(of.type, None, "other", "1.0.0"))


@pytest.mark.parametrize("text", [texts.CYCLONEDX, texts.SPDX_2, texts.SPDX_3])
def test_an_sbom_about_anything_else_is_refused_even_if_it_holds_the_server(text: str) -> None:
    for of in (NPM.at("1.2.4"), Purl.npm("express", "4.18.2"), PYPI):
        with pytest.raises(Malformed, match=r"is about pkg:npm/%40acme/files-mcp@1\.2\.3, and not about"):
            parse(text.encode(), "bom.json", of)


@pytest.mark.parametrize("text", [texts.NPM_3, texts.NPM_1, texts.YARN_1, texts.YARN_8, texts.PNPM_9, texts.PNPM_5])
def test_of_an_applications_lock_only_what_the_server_brings_counts(text: str) -> None:
    read = parse(text.encode(), "lock", Purl.npm("express", "4.18.2"))

    assert ways(read) | {"typed@1.0.0": "typed"} == {
        "debug@2.6.9": "debug",
        "ms@2.1.3": "ms",
        "ms@2.0.0": "debug > ms",
        "typed@1.0.0": "typed",
    }
    assert read.unresolved == ()


def test_of_an_applications_lock_that_tells_no_ways_all_but_the_server_counts() -> None:
    read = parse(texts.PIPFILE.encode(), "lock", Purl.pypi("httpx", "0.27.0"))

    assert ways(read) == {"anyio@4.4.0": "anyio", "idna@3.7": "idna"}


def test_what_a_server_brings_counts_even_where_the_application_has_it_for_development() -> None:
    read = parse(texts.NPM_3.encode(), "lock", Purl.npm("vitest", "3.0.1"))

    assert ways(read) == {"ms@2.1.3": "ms", "chai@5.0.0": "chai"}


def test_a_repositorys_lock_counts_with_all_its_parts() -> None:
    repository = Purl.github("acme/files-mcp", "v1.2.3")
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "monorepo", "workspaces": ["packages/*"], "devDependencies": {"turbo": "^2.0.0"}},
            "node_modules/@acme/files-mcp": {"resolved": "packages/files", "link": True},
            "node_modules/shared": {"resolved": "packages/shared", "link": True},
            "node_modules/turbo": {"version": "2.0.0", "dev": True},
            "node_modules/zod": {"version": "3.23.8"},
            "packages/files": {
                "name": "@acme/files-mcp",
                "version": "0.0.0-development",
                "dependencies": {"shared": "*"},
            },
            "packages/shared": {"version": "1.0.0", "dependencies": {"zod": "^3.0.0"}},
        },
    }

    whole = parse(json.dumps(lock).encode(), "package-lock.json", repository)
    part = parse(json.dumps(lock).encode(), "package-lock.json", NPM)

    assert ways(whole) == {"zod@3.23.8": "zod"}
    assert ways(part) == {"zod@3.23.8": "shared > zod"}
    assert part.unresolved == ("shared at packages/shared, a part of the project",)


def test_a_project_that_is_numbered_when_it_is_released_is_any_version_of_itself() -> None:
    numbered = texts.UV.replace('name = "files-mcp"\nversion = "1.2.3"', 'name = "files-mcp"')

    assert names(parse(numbered.encode(), "uv.lock", PYPI)) == {"httpx", "colorama", "anyio", "idna", "trio"}


def test_a_version_is_the_same_in_every_spelling() -> None:
    of = Purl.pypi("files-mcp", "1.2.3.0")

    assert names(parse(texts.UV.encode(), "uv.lock", of)) > {"httpx"}


def test_an_sbom_that_connects_nothing_lists_all() -> None:
    bom = json.loads(texts.CYCLONEDX)
    del bom["dependencies"]

    read = parse(json.dumps(bom).encode(), "bom.json", NPM)

    assert set(ways(read).values()) == {"express", "debug", "ms", "@acme/real"}
    assert len(read.found) == len(EXPRESS)


def test_what_an_sbom_leaves_unconnected_counts_too() -> None:
    bom = json.loads(texts.CYCLONEDX)
    bom["dependencies"] = [each for each in bom["dependencies"] if each["ref"] != "express"]

    read = parse(json.dumps(bom).encode(), "bom.json", NPM)

    assert ways(read) == {**EXPRESS, "debug@2.6.9": "debug", "ms@2.1.3": "ms", "ms@2.0.0": "debug > ms"}


def test_packages_of_a_system_are_named_and_not_looked_at() -> None:
    image = {"type": "container", "name": "acme/files-mcp", "version": "sha256:aa", "bom-ref": "image"}
    libc = {"type": "library", "name": "libc6", "version": "2.41", "purl": "pkg:deb/linux/libc6@2.41?arch=amd64"}
    server = {"type": "library", "name": "files-mcp", "version": "1.2.3", "purl": "pkg:pypi/Files_MCP@1.2.3"}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": image},
        "components": [libc, server],
    }

    read = parse(json.dumps(bom).encode(), "bom.json", PYPI)

    assert (read.found, read.unresolved) == ((), ("pkg:deb/linux/libc6@2.41",))


def test_one_bad_entry_costs_itself_and_is_named() -> None:
    lock = json.loads(texts.NPM_3)
    lock["packages"]["node_modules/debug"] = {"version": 3}
    lock["packages"]["node_modules/ms"] = {"version": "latest"}
    bom = json.loads(texts.CYCLONEDX)
    bom["components"][0] = {"name": 7}

    read = parse(json.dumps(lock).encode(), "package-lock.json", NPM)
    listed = parse(json.dumps(bom).encode(), "bom.json", NPM)

    assert names(read) == {"express", "typed", "@acme/real", "fsevents", "ms"}
    assert [words.split(":")[0] for words in read.unresolved] == [
        "packages['node_modules/debug']",
        "tool git+ssh",
        "debug 2.6.9",
        "ms latest",
    ]
    assert names(listed) == {"debug", "ms", "@acme/real"}
    assert listed.unresolved[0].startswith("components[0]: Expected `str`")


def test_a_circle_is_walked_once_even_where_nothing_leads_to_it() -> None:
    circle = """# yarn lockfile v1
a@1:
  version "1.0.0"
  dependencies:
    b "1"
b@1:
  version "1.0.0"
  dependencies:
    a "1"
"""

    read = parse(circle.encode(), "yarn.lock", NPM)

    assert ways(read) == {"a@1.0.0": "a", "b@1.0.0": "b"}


def test_credentials_in_addresses_are_not_repeated() -> None:
    lock = json.loads(texts.NPM_3)
    lock["packages"]["node_modules/tool"]["resolved"] = (
        "git+https://user:ghp_0123456789abcdef0123@acme.example/t.git?x=y"
    )

    assert parse(json.dumps(lock).encode(), "lock", NPM).unresolved == ("tool git+https://acme.example/t.git",)


def test_a_tarball_of_any_place_is_no_package_of_a_registry() -> None:
    lock = json.loads(texts.NPM_3)
    lock["packages"]["node_modules/ms"]["resolved"] = "https://acme.example/ms.tgz"
    lock["packages"]["node_modules/debug"]["resolved"] = "https://registry.example/download/debug/2.6.9/0123abc"

    read = parse(json.dumps(lock).encode(), "lock", NPM)

    assert "ms@2.1.3" not in ways(read)
    assert "debug@2.6.9" in ways(read)
    assert "ms https://acme.example/ms.tgz" in read.unresolved


@pytest.mark.parametrize(
    ("name", "purl", "meant"),
    [
        ("JSONStream", "pkg:npm/JSONStream@1.3.5", "JSONStream"),
        ("JSONStream", "pkg:npm/jsonstream@1.3.5", "JSONStream"),
        ("other", "pkg:npm/JSONStream@1.3.5", "JSONStream"),
        ("jsonstream", "pkg:npm/jsonstream@1.3.5", "jsonstream"),
        ("@Acme/Files", "pkg:npm/%40acme/files@1.3.5", "@Acme/Files"),
    ],
)
def test_old_names_of_npms_keep_their_capitals(name: str, purl: str, meant: str) -> None:
    part = {"type": "library", "name": name, "version": "1.3.5", "purl": purl}
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [part]}

    (found,) = parse(json.dumps(bom).encode(), "bom.json", NPM).found

    assert found.purl == Purl.npm(meant, "1.3.5")
