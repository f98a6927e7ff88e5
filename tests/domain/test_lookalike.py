import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.lookalike import Names, Near
from monitor.domain.purl import Purl
from monitor.domain.server import Server
from tests import corpus
from tests.make import deployment

LISTED = Server("io.github.acme/files", Purl.npm("@acme/files-mcp"), None, Purl.github("acme/files-mcp"), "platform", 2)
FETCH = Server("io.github.acme/fetch", Purl.pypi("acme-fetch-server"), None, None, "platform", 2)
FAR = Server("com.acme/far", None, "https://mcp.acme.example/mcp", None, "platform", 2)
NAMES = Names.of([LISTED, FETCH, FAR])


def near(purl: Purl | None, remote: str | None = None, names: Names = NAMES) -> Near | None:
    return names.nearest(replace(deployment(), purl=purl, remote=remote))


@pytest.mark.parametrize(
    "impostor",
    [
        Purl.npm("files-mcp"),  # the scope is left out
        Purl.npm("@acrne/files-mcp"),  # rn for m
        Purl.npm("@acne/files-mcp"),
        Purl.npm("@acme/fiIes-mcp"),  # a capital I for l
        Purl.npm("@acme/fi1es-mcp"),
        Purl.npm("@\u0430cme/files-mcp"),  # a Cyrillic a
        Purl.npm("@acme/flies-mcp"),
        Purl.npm("@acme/fles-mcp"),
        Purl.npm("@acme/filess-mcp"),
        Purl.npm("@acme/files_mcp"),
        Purl.npm("@acme/filesmcp"),
        Purl.npm("@acme/files-mcp-official"),
        Purl.npm("files-mcp-js"),
        Purl.pypi("files-mcp"),  # another ecosystem
        Purl.npm("acme-fetch-server"),
        Purl.pypi("py-acme-fetch-server"),
        Purl.pypi("acme-fetch-sever"),
    ],
    ids=str,
)
def test_a_name_that_is_made_to_be_overlooked_is_a_warning(impostor: Purl) -> None:
    found = near(impostor)

    assert found is not None
    assert found.lookalike


@pytest.mark.parametrize(
    "honest",
    [
        Purl.npm("@notion/mcp"),
        Purl.npm("weather-mcp-server"),
        Purl.pypi("mcp-server-time"),
        Purl.npm("@other/files-mcp"),  # anybody may have a server for files
        Purl.github("somebody/files-mcp"),  # a fork says so by its owner
        Purl.npm("@acme/files-mcp2"),  # the next edition
    ],
    ids=str,
)
def test_a_name_of_its_own_is_no_warning(honest: Purl) -> None:
    found = near(honest)

    assert found is None or not found.lookalike


def test_a_fork_names_the_listed_repository_that_is_nearest() -> None:
    found = near(Purl.github("somebody/files-mcp"))

    assert found is not None
    assert found.server == LISTED


def test_the_words_that_half_of_all_servers_bear_make_nothing_near() -> None:
    only = Names.of([Server("a", Purl.npm("@acme/mcp-server"), None, None, "", 2)])

    assert near(Purl.npm("@other/mcp"), names=only) is None


def test_a_host_that_is_one_letter_from_a_listed_one_is_a_warning() -> None:
    found = near(None, "https://mcp.acrne.example/mcp")

    assert found is not None
    assert (found.server, found.lookalike) == (FAR, True)


def test_another_address_at_a_listed_host_is_near_and_no_warning() -> None:
    found = near(None, "https://mcp.acme.example/other")

    assert found is not None
    assert (found.server, found.lookalike) == (FAR, False)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_name_or_address_has_an_answer(name: str, remote: str) -> None:
    near(Purl.npm(name[:200]) if name[:200].rpartition("/")[2].strip() else None, remote)


def test_three_hundred_honest_names_are_taken_for_each_other_twice_at_most() -> None:
    """Both are real: a server under a scope, and another author's of the same name without one."""
    servers = official()
    warned = set()

    # Each pair is on different sides of at least one of these divisions.
    for bit in range(len(servers).bit_length()):
        for side in (0, 1):
            listed = Names.of(each for at, each in enumerate(servers) if at >> bit & 1 == side)
            strangers = [each for at, each in enumerate(servers) if at >> bit & 1 != side]
            same = {each.package for at, each in enumerate(servers) if at >> bit & 1 == side}
            for each in strangers:
                found = near(each.package, names=listed)
                if found and found.lookalike and each.package not in same and found.server.name != each.name:
                    warned.add(str(each.package))

    assert len(servers) >= 300
    assert len(warned) <= 2, warned


def official() -> list[Server]:
    """The servers of the official registry's first seed; where no kind is told the name is taken for an image's."""
    kinds = {"npm": Purl.npm, "pypi": Purl.pypi}
    lines = corpus.path("registries/official/seed-2025-05.jsonl").read_text("utf-8").splitlines()
    found = []
    for row in map(json.loads, lines):
        repository = row["repository"]["url"].removeprefix("https://github.com/")
        for package in row.get("packages", []):
            scope, slash, bare = package["name"].rpartition("/")
            make = kinds.get(package["registry_name"])
            purl = make(package["name"]) if make else Purl("docker", scope if slash else None, bare)
            github = Purl.github(repository) if repository.count("/") == 1 else None
            found.append(Server(row["name"], purl, None, github, "", 2))
    return found
