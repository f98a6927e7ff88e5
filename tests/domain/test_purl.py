import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.purl import Purl

PART = st.text(max_size=8) | st.text("/ @.#?%\r", max_size=4)
NAME = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)


@given(NAME, NAME, st.from_regex(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}([+-][a-z0-9.]{1,8})?", fullmatch=True))
def test_a_name_survives_being_written_and_read(scope: str, name: str, version: str) -> None:
    for purl in (Purl.npm(f"@{scope}/{name}", version), Purl.npm(name), Purl.pypi(name, version)):
        assert Purl.parse(str(purl)) == purl


def test_equal_names_are_equal_objects() -> None:
    assert Purl.pypi("Mcp_Server.Fetch") == Purl.pypi("mcp-server-fetch") == Purl.parse("pkg:pypi/mcp_server_fetch")
    assert Purl.github("GitHub/GitHub-MCP-Server") == Purl.parse("pkg:github/github/github-mcp-server")


def test_the_label_is_the_spelling_of_the_registry() -> None:
    assert Purl.parse("pkg:npm/%40acme/files-mcp@1.4.2").label == "@acme/files-mcp"


@pytest.mark.parametrize("version", ["", "@1.4.2"])
@pytest.mark.parametrize("begin", ["pkg:npm/", "pkg:npm//", "pkg://npm/", "pkg:NPM/"])
def test_a_scope_may_be_written_as_npm_writes_it(begin: str, version: str) -> None:
    assert Purl.parse(f"{begin}@Acme/files-mcp{version}") == Purl.npm("@Acme/files-mcp", version[1:] or None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "files-mcp",
        "pkg:npm/@acme",
        "pkg:npm/@",
        "pkg:npm/@acme/",
        "pkg:npm/@1.2.3",
        "pkg:npm/",
        "npm/files",
        "pkg:npm/" + "x" * 5000,
    ],
)
def test_what_is_no_package_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Purl.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "pkg:npm/files-mcp@1.4.2?repository_url=https://registry.example",
        "pkg:npm/files-mcp@1.4.2?repository_url=https%3A%2F%2Fregistry.example",
        "pkg:oci/files-mcp@1.4.2?tag=x",
        "pkg:github/acme/files-mcp#sub/path",
        "pkg:npm/files-mcp?",
    ],
)
def test_qualifiers_and_a_subpath_are_refused_and_not_lost(text: str) -> None:
    with pytest.raises(ValueError, match="not supported in a package URL"):
        Purl.parse(text)


@pytest.mark.parametrize("text", ["pkg:npm/files%00mcp", "pkg:npm/files-mcp@1.4%0A.2", "pkg:npm/files%E2%80%AEmcp"])
def test_a_name_with_characters_that_cannot_be_seen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be seen"):
        Purl.parse(text)


def test_npm_packages_whose_names_differ_in_capitals_are_two() -> None:
    old = Purl.npm("JSONStream", "1.3.5")

    assert str(old) == "pkg:npm/JSONStream@1.3.5"
    assert Purl.parse("pkg:npm/JSONStream@1.3.5") == old
    assert Purl.parse("pkg:npm/jsonstream@1.3.5") != old
    assert Purl.parse("pkg:NPM/%40Scope/Name") == Purl.parse("pkg://npm/%40Scope/Name") == Purl.npm("@Scope/Name")


@pytest.mark.parametrize(
    "image", ["acme/notes", "docker.io/acme/notes", "index.docker.io/acme/notes", "registry-1.docker.io/acme/notes", "Docker.io/acme/notes"]
)  # fmt: skip
def test_an_image_of_dockers_own_registry_is_one_package_in_all_its_spellings(image: str) -> None:
    path, _, name = image.rpartition("/")

    assert Purl.docker(image, "1.2") == Purl("docker", path, name, "1.2") == Purl.parse("pkg:docker/acme/notes@1.2")
    assert Purl.parse(f"pkg:docker/{image}@1.2").label == "acme/notes"


@pytest.mark.parametrize("image", ["notes", "library/notes", "docker.io/notes", "docker.io/library/notes"])
def test_the_library_is_meant_where_no_folder_is_named(image: str) -> None:
    assert Purl.docker(image) == Purl("docker", None, "notes")


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/acme/notes",
        "localhost/library/notes",
        "localhost:5000/notes",
        "library/acme/notes",
        "docker.io/localhost/notes",
        "docker.io/ghcr.io/notes",
        "docker.io.evil.example/acme/notes",
    ],
)
def test_an_image_of_another_registry_or_folder_is_another_package(image: str) -> None:
    assert Purl.docker(image).label == image


@given(st.lists(st.sampled_from(["docker.io", "index.docker.io", "library", "localhost", "a.b", "x"]), min_size=1))
def test_the_canonical_name_of_an_image_is_its_own(parts: list[str]) -> None:
    once = Purl.docker("/".join(parts))

    assert Purl.docker(once.label) == once
    assert Purl.parse(str(once)) == once


@pytest.mark.parametrize("name", ["\r", " ", "/", "//", "/ /", ""])
@pytest.mark.parametrize("package_type", ["npm", "docker"])
def test_what_could_not_be_written_is_refused_when_it_is_made(package_type: str, name: str) -> None:
    with pytest.raises(ValueError, match="no package name"):
        Purl(package_type, None, name)


@given(
    st.sampled_from(["npm", "pypi", "github", "docker", "nuget", "golang", "generic"]),
    st.none() | PART,
    PART,
    st.none() | PART,
)
def test_whatever_is_made_can_be_written(
    package_type: str, namespace: str | None, name: str, version: str | None
) -> None:
    try:
        made = Purl(package_type, namespace, name, version)
    except ValueError:
        return

    assert str(made).startswith(f"pkg:{package_type}/")
