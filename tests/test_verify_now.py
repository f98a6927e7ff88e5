"""`verify pkg:…`: the sources are asked now, and what they say is compared with what was approved."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.desk import Desk
from tests.verifying import BUILDER, FETCH, FILES, FORGE, FORGER, GITHUB, NPM, PYPI, desk
from tests.world import Fault, Kind
from tests.world.signing import Sigstore

__all__ = ["desk"]
NAME = "@acme/files-mcp"
TAGGED = replace(BUILDER, ref="refs/tags/v1.4.3")


def claims(document: dict[str, object]) -> list[tuple[object, object]]:
    listed: Any = document["claims"]
    return [(each["form"], each["verdict"]) for each in listed]


# --- what holds -----------------------------------------------------------------------------------------------------------


def test_a_version_that_the_approved_workflow_built_holds_and_is_told_in_words(desk: Desk) -> None:
    desk.world.npm.publish(NAME, "1.4.3", attested_by=TAGGED)

    printed = desk("verify", f"{NPM}@1.4.3")

    assert printed.code == 0
    for words in (
        "npm registry signature  verified",
        "https://github.com/acme/files-mcp, id 1001, owner id 2002, workflow .github/workflows/release.yml",
        "ref refs/tags/v1.4.3, trigger push, runner github-hosted",
        "public-good of 20",
        f"Listed as {FILES}",
        "Measured by 1.4.2: built by https://github.com/acme/files-mcp",
        "Verified: 1 file, built by https://github.com/acme/files-mcp. Exit code 0: it holds.",
    ):
        assert words in printed.out


def test_the_files_of_a_project_at_pypi_are_told_one_by_one(desk: Desk) -> None:
    printed = desk("verify", f"{PYPI}@2.4.2")

    assert printed.code == 0
    assert printed.out.count("PyPI provenance    verified") == 2
    assert "acme_fetch_mcp-2.4.2-py3-none-any.whl  sha256:" in printed.out
    assert "It is the approved version itself." in printed.out


def test_a_release_at_github_is_told_with_what_lies_beside_its_files(desk: Desk) -> None:
    desk.world.github.release("acme/forge-mcp", "v0.9.0", assets={"forge.tgz": b"forge"}, attested_by=FORGER)

    printed = desk("verify", f"{GITHUB}@v0.9.0", "--repository", "acme/forge-mcp", "--workflow", "release.yml")

    assert printed.code == 0
    assert "GitHub attestation  verified" in printed.out
    assert "The registry lists no server of this package" in printed.out


def test_json_is_alone_on_stdout_and_says_the_same(desk: Desk) -> None:
    printed = desk("verify", f"{NPM}@1.4.2", "--json")

    found = printed.json()
    assert (found["conclusion"], found["exit_code"], found["what"]) == ("holds", printed.code, f"{NPM}@1.4.2")
    assert claims(found) == [
        ("registry-digest", "verified"),
        ("npm-signature", "verified"),
        ("npm-attestations", "verified"),
        ("npm-attestations", "verified"),
    ]
    built: Any = found["claims"]
    assert built[3]["publisher"]["repository_id"] == "1001"


def test_nothing_is_kept(desk: Desk) -> None:
    desk("migrate")
    before = desk("audit", "export").out

    desk("verify", f"{NPM}@1.4.2")

    assert desk("audit", "export").out == before
    assert desk("verify", "--recorded", FILES, "1.4.2").code == 2


# --- what does not --------------------------------------------------------------------------------------------------------


def test_a_forged_attestation_is_not_verified_whatever_else_could_not_be_told(desk: Desk) -> None:
    desk.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, forged=True, kinds=("wheel",))
    desk.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, kinds=("sdist",))
    desk.world.break_("pypi", Fault(Kind.OUTAGE, only="tar.gz/provenance"))

    printed = desk("verify", f"{PYPI}@2.4.3")

    assert printed.code == 1
    assert "NOT verified" in printed.out


def test_a_version_whose_line_was_attested_and_that_is_not_is_lost(desk: Desk) -> None:
    desk.world.npm.publish(NAME, "1.4.3")

    printed = desk("verify", f"{NPM}@1.4.3")

    assert printed.code == 1
    assert "npm attestation         lost" in printed.out
    assert "AGAINST IT  provenance-lost" in printed.out


def test_another_publisher_than_the_approval_demands_is_named_beside_the_demand(desk: Desk) -> None:
    publisher = {"issuer": BUILDER.issuer, "repository": BUILDER.url, "workflow": ".github/workflows/release.yml"}
    desk.company.approve(FILES, "1.4.2", approved={"publisher": publisher})
    desk.company.write()
    stranger = replace(TAGGED, repository="mallory/files-mcp", repository_id="666")
    desk.world.npm.publish(NAME, "1.4.3", attested_by=stranger)

    printed = desk("verify", f"{NPM}@1.4.3")

    assert printed.code == 1
    assert "The approval demands: https://github.com/acme/files-mcp" in printed.out
    assert "AGAINST IT  publisher-changed" in printed.out
    assert "https://github.com/mallory/files-mcp" in printed.out


def test_a_builder_who_is_demanded_by_hand_is_demanded(desk: Desk) -> None:
    printed = desk("verify", f"{NPM}@1.4.2", "--repository", "acme/other", "--workflow", "release.yml")

    assert printed.code == 1
    assert "acme/other -> https://github.com/acme/files-mcp" in printed.out


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1"])
def test_provenance_that_the_registry_requires_and_nobody_gives_does_not_hold(desk: Desk, version: str) -> None:
    for each in ("1.0.0", "1.0.1"):
        desk.world.npm.publish("@acme/bare-mcp", each)
    desk.company.approve(FORGE, "1.0.0", package="pkg:npm/%40acme/bare-mcp", provenance="required")
    desk.company.write()

    printed = desk("verify", f"pkg:npm/%40acme/bare-mcp@{version}")

    assert printed.code == 1
    assert "AGAINST IT  provenance-missing" in printed.out


def test_nobody_has_to_vouch_where_the_approved_version_had_nobody_either(desk: Desk) -> None:
    for version in ("1.0.0", "1.0.1"):
        desk.world.pypi.publish("acme-bare-mcp", version)
    unlisted = desk("verify", "pkg:pypi/acme-bare-mcp@1.0.1")
    desk.company.approve(FORGE, "1.0.0", package="pkg:pypi/acme-bare-mcp")
    desk.company.write()

    printed = desk("verify", "pkg:pypi/acme-bare-mcp@1.0.1")

    assert (unlisted.code, printed.code) == (1, 0)
    assert "nobody vouches" in printed.out
    assert "nothing demands that anybody does" in printed.out


# --- what could not be told -----------------------------------------------------------------------------------------------


def test_a_signer_whom_a_root_is_too_old_to_know_cannot_be_told(desk: Desk) -> None:
    desk.trust("good.2025-01-01.json", Sigstore().trusted_root())

    printed = desk("verify", f"{NPM}@1.4.2")

    assert printed.code == 3
    assert "cannot tell" in printed.out
    assert "2025-01-01" in printed.out


def test_attestations_that_could_not_be_had_are_3(desk: Desk) -> None:
    desk.world.break_("npm", Fault(Kind.OUTAGE, only="/attestations/"))

    printed = desk("verify", f"{NPM}@1.4.2")

    assert printed.code == 3
    assert "could not be had" in printed.out
    assert "Exit code 3: it could not be told." in printed.out


def test_a_source_that_is_away_is_3_and_one_line(desk: Desk) -> None:
    desk.world.break_("npm", Fault(Kind.OUTAGE))

    printed = desk("verify", f"{NPM}@1.4.2")

    assert (printed.code, printed.out) == (3, "")
    assert len(printed.err.splitlines()) == 1


def test_a_version_that_is_not_there_is_3_and_names_the_newest(desk: Desk) -> None:
    printed = desk("verify", f"{NPM}@9.9.9")

    assert printed.code == 3
    assert "has no version 9.9.9; newest published: 1.4.2" in printed.err


# --- wrong usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["file.tgz"], "--bundle"),
        (["pkg:npm/x"], "names no version"),
        (["pkg:"], "no package URL"),
        (["pkg:docker/x@1"], "npm"),
        (["pkg:npm/x@1", "1.0.0"], "--recorded"),
        (["pkg:npm/x@1", "--purl", "pkg:npm/x@1"], "--bundle"),
        (["--recorded", FETCH], "which version"),
        (["--recorded", FETCH, "1.0.0", "--repository", "a/b"], "--recorded"),
    ],
)
def test_wrong_usage_is_2_and_says_what_would_be_right(desk: Desk, arguments: list[str], hint: str) -> None:
    printed = desk("verify", *arguments)

    assert (printed.code, printed.out) == (2, "")
    assert hint in printed.err


def test_what_strangers_wrote_does_not_reach_the_terminal_raw(desk: Desk) -> None:
    hostile = replace(TAGGED, trigger="\x1b]0;owned\x07\u202e", runner_environment="\x1b[2J")
    desk.world.npm.publish(NAME, "1.4.3", attested_by=hostile)

    printed = desk("verify", f"{NPM}@1.4.3")
    said = desk("verify", f"{NPM}@1.4.3", "--json")
    typed = desk("verify", "pkg:npm/\x1b[2Jx@1\x07")

    assert "owned" in printed.out
    assert not {"\x1b", "\x07", "\u202e"} & set(printed.out + said.out + typed.out + typed.err)
    json.loads(said.out)
