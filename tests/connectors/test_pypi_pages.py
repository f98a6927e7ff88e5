import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from connectors.pypi import parse_project
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Listing, Release, Standing
from monitor.ports.errors import Malformed

PACKAGE = Purl.pypi("acme-files")
URL = "https://registry.example/simple/acme-files/"
SHA = "a" * 64
WHEEL = "acme_files-1.0-py3-none-any.whl"


def file(name: str = WHEEL, **fields: object) -> dict[str, object]:
    return {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": SHA}, **fields}


def page(*files: object, **fields: object) -> bytes:
    return json.dumps({"meta": {"api-version": "1.4"}, "name": "acme-files", "files": files, **fields}).encode()


def read(*files: object, **fields: object) -> Listing:
    return parse_project(page(*files, **fields), PACKAGE, URL).listing


def only(*files: object, **fields: object) -> Release:
    (release,) = read(*files, **fields).releases
    return release


def test_a_file_is_read_whole() -> None:
    said = {"size": 7, "upload-time": "2026-01-02T03:04:05.678Z", "provenance": "/integrity/x"}
    listed = file() | said | {"url": f"/f/{WHEEL}#sha256={SHA}"}

    release = only(listed, versions=["1.0"])

    artifact = Artifact(
        WHEEL,
        f"https://registry.example/f/{WHEEL}",
        Digest("sha256", SHA),
        size=7,
        attestation_url="https://registry.example/integrity/x",
    )
    published = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert release == Release(PACKAGE.at("1.0"), published, (artifact,))


def test_files_of_one_release_stand_together_whatever_their_names_spell() -> None:
    sdist = file("Acme.Files-1.0.0.tar.gz", **{"upload-time": "2026-01-01T00:00:00Z"})

    release = only(file(**{"upload-time": "2026-01-03T00:00:00Z"}), sdist, versions=["1.0.0"])

    assert release.version == "1.0.0"
    assert release.published_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert len(release.artifacts) == 2


def test_a_version_without_files_is_a_release_too() -> None:
    versions = {release.version: len(release.artifacts) for release in read(file(), versions=["1.0", "2.0"]).releases}

    assert versions == {"1.0": 1, "2.0": 0}


def test_without_a_list_the_versions_are_read_from_the_files() -> None:
    assert only(file("acme_files-2.0b1.tar.gz")).version == "2.0b1"


def test_what_no_installer_would_take_is_ignored_and_counted() -> None:
    names = ["acme-files-1.0.exe", "acme_files-1.0-py3.8.egg", "other-1.0.tar.gz", "acme-files-latest.tar.gz"]

    found = parse_project(page(file(), *map(file, names), versions=["1.0", "2004-final", " 3.0"]), PACKAGE, URL)

    assert [release.version for release in found.listing.releases] == ["1.0"]
    assert [artifact.filename for artifact in found.listing.releases[0].artifacts] == [WHEEL]
    assert found.ignored == 6
    assert found.listing.complete


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("acme_files-1.0.tar.bz2", "1.0"),
        ("acme-files-1.0.tar", "1.0"),
        ("Acme.Files-1.0.tgz", "1.0"),
        ("acme--_files-1.0.ZIP", "1.0"),
        ("acme-files-1.0.1-1.tar.gz", "1.0.1.post1"),
        ("acme-files-1.0-py3.tar.gz", "1.0"),
        ("acme_files-1.0-1build-cp312-cp312-linux_x86_64.whl", "1.0"),
        ("acme_files-1.0_1-py3-none-any.whl", "1.0.post1"),
        ("acme_files-1!2.0+local.1-py2.py3-none-any.whl", "1!2.0+local.1"),
        (f"acme_files-1.0-py3.{'.'.join(f'py{minor}' for minor in range(300, 330))}-none-any.whl", "1.0"),
        (f"acme_files-1.0-{'.'.join(['py3'] * 30)}-none-{'.'.join(['any'] * 20)}.whl", "1.0"),
    ],
)
def test_whatever_an_installer_would_take_is_an_artifact(name: str, version: str) -> None:
    found = parse_project(page(file(name)), PACKAGE, URL)

    assert [(each.version, len(each.artifacts)) for each in found.listing.releases] == [(version, 1)]
    assert (found.ignored, found.listing.complete) == (0, True)


@given(st.from_regex(r"\A[aA]cme[-_.]{1,2}files-[0-9](\.[0-9a-z_+!]{1,6}){0,3}-(1x?-)?(py3|py2\.py3)-none-any\.whl\Z"))
def test_no_file_that_the_standards_know_is_ignored(name: str) -> None:
    try:
        _, version, _, _ = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return

    assert only(file(name)).version == str(version)


@pytest.mark.parametrize("second", [file(), file(hashes={}), file(hashes={"sha256": "b" * 64})])
def test_of_two_files_of_one_name_the_first_counts_and_the_listing_is_not_complete(second: dict[str, object]) -> None:
    listing = read(file(), second)

    assert [artifact.digest for artifact in listing.releases[0].artifacts] == [Digest("sha256", SHA)]
    assert not listing.complete


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"project-status": {"status": "active"}},
        {"project-status": {"status": "frozen"}},
        {"versions": ["2004-final"]},
        {"files": [None]},
    ],
)
def test_a_page_that_lists_nothing_and_says_nothing_is_malformed(fields: dict[str, object]) -> None:
    with pytest.raises(Malformed, match="no release that can be read"):
        read(**fields)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {"filename": WHEEL},
        file("../../../etc/passwd-1.0.tar.gz"),
        file(hashes={"sha256": "abc"}),
        file(url="http://[half"),
        file(size=-1),
        file(yanked=3),
        file(**{"upload-time": "now"}),
    ],
)
def test_an_entry_that_is_none_costs_itself_and_the_listing_says_that_it_is_not_complete(entry: object) -> None:
    listing = read(entry, file("acme_files-2.0.tar.gz"))

    assert [release.version for release in listing.releases] == ["2.0"]
    assert not listing.complete


@pytest.mark.parametrize(
    ("hashes", "expected"),
    [
        ({"md5": "0" * 32, "sha512": "1" * 128, "sha256": SHA}, Digest("sha256", SHA)),
        ({"md5": "0" * 32, "sha512": "1" * 128}, Digest("sha512", "1" * 128)),
        ({"md5": "0" * 32}, None),
        ({}, None),
    ],
)
def test_the_best_digest_is_kept(hashes: Mapping[str, str], expected: Digest | None) -> None:
    assert only(file(hashes=hashes)).artifacts[0].digest == expected


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([False, False], None),
        ([True, True], ""),
        (["broken\x1b[0m", True], r"broken\u{1b}[0m"),
        ([False, "bad wheel"], "(1 of 2 files) bad wheel"),
    ],
)
def test_a_yank_of_files_is_a_yank_of_the_release(marks: list[bool | str], expected: str | None) -> None:
    first, second = marks

    assert only(file(yanked=first), file("acme_files-1.0.tar.gz", yanked=second)).yanked == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, (Standing.ACTIVE, "")),
        ({"status": "active"}, (Standing.ACTIVE, "")),
        ({"status": "archived"}, (Standing.ARCHIVED, "")),
        ({"status": "deprecated", "reason": "use other"}, (Standing.DEPRECATED, "use other")),
        ("quarantined", (Standing.QUARANTINED, "")),
        ({"status": "frozen", "reason": "why"}, (Standing.ACTIVE, "status 'frozen' why")),
    ],
)
def test_the_status_of_the_project_is_told(status: object, expected: tuple[Standing, str]) -> None:
    listing = read(file(), **{"project-status": status})

    assert (listing.standing, listing.standing_reason) == expected


def test_an_empty_list_of_a_quarantined_project_is_not_a_project_without_releases() -> None:
    listing = read(versions=[], **{"project-status": {"status": "quarantined", "reason": "malware"}})

    assert (listing.releases, listing.standing) == ((), Standing.QUARANTINED)


def test_a_page_in_html_tells_the_way_out() -> None:
    with pytest.raises(Malformed, match=r"sources\.pypi"):
        parse_project(b"\n<!DOCTYPE html><html></html>", PACKAGE, URL)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        page(meta={"api-version": "2.0"}),
        page(meta={}),
        page(name="other"),
        page(name=""),
        page(name="x" * 600),
        page(files={}),
        page(versions=[1]),
        b'{"meta":{"api-version":"1.0"},"name":"acme-files"}',
    ],
)
def test_a_page_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_project(body, PACKAGE, URL)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=15,
)
FILE_KEYS = st.sampled_from(["filename", "url", "hashes", "size", "upload-time", "yanked", "provenance"])
KEYS = st.sampled_from(["meta", "name", "files", "versions", "project-status"])


@given(st.dictionaries(FILE_KEYS, JSON), st.dictionaries(KEYS, JSON), st.binary(max_size=50))
def test_no_input_raises_anything_but_malformed(
    fields: dict[str, object], top: dict[str, object], noise: bytes
) -> None:
    for body in (page(file() | fields), json.dumps(json.loads(page()) | top).encode(), noise):
        try:
            parse_project(body, PACKAGE, URL)
        except Malformed:
            continue
