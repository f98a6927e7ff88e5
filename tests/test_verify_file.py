"""`verify FILE --bundle BUNDLE`: a local file, and what lies beside it."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import local_file
from monitor.domain.provenance import Form
from tests.desk import Desk
from tests.verifying import BUILDER, FORGER, desk
from tests.world.signing import (
    SLSA,
    NpmKeys,
    Sigstore,
    github_attestations,
    npm_attestations,
    pypi_provenance,
    statement,
)

__all__ = ["desk"]
BODY = b"the file"
SHA256, SHA512 = hashlib.sha256(BODY).hexdigest(), hashlib.sha512(BODY).hexdigest()
WHEEL = "acme_fetch_mcp-2.0.0-py3-none-any.whl"
RELEASE = "https://in-toto.io/attestation/release/v0.2"


def documents(sigstore: Sigstore, keys: NpmKeys) -> dict[str, tuple[str, bytes]]:
    """By form: the name of the file, and a good document about it."""
    return {
        "bundle": ("forge.tgz", sigstore.file_bundle(BODY, FORGER)),
        "lines": ("forge.tgz", b"\n".join([sigstore.file_bundle(BODY, FORGER)] * 2) + b"\n"),
        "pypi": (WHEEL, pypi_provenance(sigstore, WHEEL, SHA256, FORGER)),
        "npm": ("files-mcp-1.4.3.tgz", npm_attestations(sigstore, keys, "@acme/files-mcp", "1.4.3", SHA512, FORGER)),
        "github": ("forge.tar.gz", github_attestations(sigstore, "forge.tar.gz", SHA256, FORGER)),
    }


FORMS = sorted(documents(Sigstore(), NpmKeys()))


def placed(desk: Desk, form: str, body: bytes = BODY) -> tuple[str, str]:
    """Write a file and its document; return both paths."""
    name, document = documents(desk.world.trust.sigstore, desk.world.trust.npm_keys)[form]
    return desk.file(name, body), desk.file("beside.json", document)


# --- what holds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_document_of_every_form_is_told_by_its_shape_and_decided(desk: Desk, form: str) -> None:
    file, bundle = placed(desk, form)

    printed = desk("verify", file, "--bundle", bundle, "--repository", "acme/forge-mcp", "--workflow", "release.yml")

    assert printed.code == 0, printed.out
    assert "Verified: 1 file, built by https://github.com/acme/forge-mcp." in printed.out
    assert "ref refs/tags/v0.9.0, trigger push, runner github-hosted" in printed.out


def test_a_file_is_decided_without_a_network(desk: Desk) -> None:
    file, bundle = placed(desk, "npm")
    desk.world.stop()

    printed = desk("verify", file, "--bundle", bundle)

    assert printed.code == 0
    assert "Taken for pkg:npm/%40acme/files-mcp@1.4.3" in printed.out
    assert "Who may build it is for you to say" in printed.out


def test_json_is_alone_on_stdout_and_says_the_same(desk: Desk) -> None:
    file, bundle = placed(desk, "bundle")

    found = desk("verify", file, "--bundle", bundle, "--json").json()

    assert (found["what"], found["conclusion"], found["exit_code"]) == ("forge.tgz", "holds", 0)


def test_a_document_may_hold_for_a_version_that_is_demanded(desk: Desk) -> None:
    file, bundle = placed(desk, "npm")

    right = desk("verify", file, "--bundle", bundle, "--purl", "pkg:npm/%40acme/files-mcp@1.4.3")
    wrong = desk("verify", file, "--bundle", bundle, "--purl", "pkg:npm/%40acme/files-mcp@1.4.4")

    assert (right.code, wrong.code) == (0, 1)
    assert "NOT verified: files-mcp-1.4.3.tgz: publish attestation: the statement is about" in wrong.out


# --- what does not --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_other_bytes_are_not_verified(desk: Desk, form: str) -> None:
    file, bundle = placed(desk, form, BODY + b"!")

    printed = desk("verify", file, "--bundle", bundle)

    assert printed.code == 1
    assert "NOT verified" in printed.out


@pytest.mark.parametrize(
    "demand", [("--repository", "acme/files-mcp"), ("--workflow", "other.yml"), ("--repository", "forge-mcp")]
)
def test_another_builder_than_the_demanded_one_does_not_hold(desk: Desk, demand: tuple[str, str]) -> None:
    file, bundle = placed(desk, "github")

    printed = desk("verify", file, "--bundle", bundle, *demand)

    assert printed.code == 1
    assert "AGAINST IT" in printed.out


def test_a_builder_cannot_be_demanded_of_claims_that_name_none(desk: Desk) -> None:
    file, bundle = placed(desk, "bundle", BODY + b"!")

    printed = desk("verify", file, "--bundle", bundle, "--repository", "acme/forge-mcp")

    assert printed.code == 1
    assert "no verified claim says that acme/forge-mcp built it" in printed.out


def test_a_release_attestation_by_a_workflow_is_none_by_the_host(desk: Desk) -> None:
    said = statement({"name": "x", "digest": {"sha256": SHA256}}, RELEASE, {"repository": "acme/forge", "tag": "v1"})
    bundle = desk.file("release.json", desk.world.trust.sigstore.bundle(said, BUILDER))

    printed = desk("verify", desk.file("forge.tgz", BODY), "--bundle", bundle)

    assert printed.code == 1
    assert "Taken for pkg:github/acme/forge@v1" in printed.out


# --- what cannot be told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b"\x00\xff", b"{" * 5000, b'"text"', b'{"attestations": 1}'])
def test_a_document_of_no_known_form_is_3_and_says_what_is_known(desk: Desk, document: bytes) -> None:
    printed = desk("verify", desk.file("forge.tgz", BODY), "--bundle", desk.file("beside.json", document))

    assert (printed.code, printed.out) == (3, "")
    assert "expected a sigstore bundle" in printed.err


def test_a_bundle_of_an_unknown_version_cannot_be_told(desk: Desk) -> None:
    bundle = json.loads(desk.world.trust.sigstore.bundle(statement({"digest": {}}, SLSA, {}), BUILDER))
    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v9+json"
    path = desk.file("beside.json", json.dumps(bundle).encode())

    printed = desk("verify", desk.file("forge.tgz", BODY), "--bundle", path)

    assert printed.code == 3
    assert "cannot tell" in printed.out


def test_an_empty_list_of_attestations_is_nobody(desk: Desk) -> None:
    bundle = desk.file("beside.json", b'{"attestations": []}')

    printed = desk("verify", desk.file("forge.tgz", BODY), "--bundle", bundle)

    assert printed.code == 1
    assert "nobody vouches" in printed.out


def test_a_file_or_a_document_that_is_not_there_is_2(desk: Desk) -> None:
    file, bundle = placed(desk, "bundle")

    no_file = desk("verify", f"{file}\x1b[2J", "--bundle", bundle)
    no_bundle = desk("verify", file, "--bundle", f"{bundle}.missing")

    assert (no_file.code, no_bundle.code) == (2, 2)
    assert "no such file" in no_file.err
    assert "\x1b" not in no_file.err
    assert len(no_bundle.err.splitlines()) == 1


def test_what_is_no_regular_file_is_3_and_nothing_waits(desk: Desk, tmp_path: Path) -> None:
    _, bundle = placed(desk, "bundle")
    os.mkfifo(tmp_path / "pipe")

    pipe = desk("verify", str(tmp_path / "pipe"), "--bundle", bundle)
    folder = desk("verify", str(tmp_path), "--bundle", bundle)

    assert (pipe.code, folder.code) == (3, 3)
    assert "not a regular file" in pipe.err


def test_a_hostile_file_name_does_not_reach_the_terminal_raw(desk: Desk) -> None:
    _, bundle = placed(desk, "bundle")

    printed = desk("verify", desk.file("\x1b[2J\u202eforge.tgz", BODY), "--bundle", bundle)

    assert printed.code == 0
    assert not {"\x1b", "\u202e"} & set(printed.out + printed.err)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["mediaType", "attestations", "attestation_bundles", "bundle", "predicateType", "x"]),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_every_document_is_of_a_known_form_or_of_none(document: bytes) -> None:
    assert local_file.recognise(document) in {*Form, None}


@pytest.mark.parametrize(
    ("demanded", "code"),
    [
        ("pkg:npm/%40acme/files-mcp@1.4.3", 0),
        ("pkg:npm/%40acme/files-mcp@1.4.4", 1),
        ("pkg:npm/other@1.4.3", 1),
        ("pkg:pypi/files-mcp@1.4.3", 1),
    ],
)
def test_a_bundle_that_names_a_package_has_to_name_the_one_that_is_demanded(
    desk: Desk, demanded: str, code: int
) -> None:
    about: dict[str, object] = {
        "name": "pkg:npm/%40acme/files-mcp@1.4.3",
        "digest": {"sha256": SHA256, "sha512": SHA512},
    }
    said = statement(about, SLSA, {})
    bundle = desk.file("bundle.json", desk.world.trust.sigstore.bundle(said, BUILDER))

    printed = desk("verify", desk.file("files.tgz", BODY), "--bundle", bundle, "--purl", demanded)

    assert printed.code == code, printed.out
