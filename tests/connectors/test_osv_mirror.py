"""The copy of the export: what it answers from the index alone."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from connectors import osv_mirror
from monitor.domain.advisory import GITHUB, AdvisoryRef
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason
from monitor.ports.errors import NotFound
from monitor.ports.sources import AdvisoryMirror, AdvisorySource
from tests.connectors.copies import House, about, house, in_git, ref
from tests.connectors.servers import make_edge
from tests.world import World

FILES = Purl.npm("@acme/files", "1.0.0")


@pytest.fixture
async def home(world: World, tmp_path: Path) -> AsyncIterator[House]:
    async with house(world, tmp_path / "copy") as made:
        yield made


# --- versions


async def test_a_version_that_a_record_names_is_found_without_a_request(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package, fixed="2.0.0")
    await home.refresh()
    home.world.stop()

    assert await home.named(FILES) == ["GHSA-1"]
    assert await home.named(FILES.at("2.0.0")) == []
    assert await home.named(FILES.at("2.0.0-rc.1")) == ["GHSA-1"]


async def test_both_ports_are_kept(home: House) -> None:
    source: AdvisorySource = home.mirror
    mirror: AdvisoryMirror = home.mirror

    assert (source.name, source.database, source.batched, mirror.name) == ("osv_mirror", "osv", True, "osv_mirror")


async def test_names_are_compared_as_their_registries_do(home: House) -> None:
    home.world.osv.add(about("GHSA-1", "PyPI", "Jinja2_X"))
    home.world.osv.add(about("GHSA-2", "npm", "Axios"))
    await home.refresh()

    assert await home.named(Purl.pypi("jinja2.x", "1.0")) == ["GHSA-1"]
    assert await home.named(Purl.npm("Axios", "1.0.0")) == ["GHSA-2"]
    assert await home.named(Purl.npm("axios", "1.0.0")) == []


async def test_a_record_about_packages_of_two_registries_is_found_under_both(home: House) -> None:
    both = about("GHSA-1", "npm", "acme")
    both["affected"] += about("GHSA-1", "PyPI", "acme-py")["affected"]  # type: ignore[operator]  # lists of JSON
    home.world.osv.add(both)
    await home.refresh()

    assert await home.named(Purl.npm("acme", "1.0.0")) == ["GHSA-1"]
    assert await home.named(Purl.pypi("acme-py", "1.0")) == ["GHSA-1"]
    assert await home.named(Purl.npm("acme-py", "1.0.0")) == []


@pytest.mark.parametrize("version", ["not-a-version", "1.x"])
async def test_what_cannot_be_decided_is_reported_and_never_clean(home: House, version: str) -> None:
    home.world.osv.advise("GHSA-1", FILES.package, fixed="2.0.0")
    home.world.osv.advise("GHSA-2", Purl.npm("other"), fixed="19.0")
    await home.refresh()

    assert await home.named(FILES.at(version)) == ["GHSA-1"]
    assert await home.named(Purl.npm("other", "20.0.0")) == ["GHSA-2"]


async def test_a_withdrawn_record_names_nothing_and_is_still_there(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    home.world.osv.withdraw("GHSA-1")
    await home.refresh()

    assert await home.named(FILES) == []
    assert (await home.mirror.advisory(ref("GHSA-1", home.world.clock()))).value.withdrawn_at is not None


async def test_a_record_comes_with_the_document_that_was_copied(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package, aliases=["CVE-2026-1"])
    await home.refresh()

    fresh = await home.mirror.advisory(ref("GHSA-1", home.world.clock()))

    assert (fresh.value.id, fresh.value.aliases, fresh.value.database) == ("GHSA-1", ("CVE-2026-1",), "osv")
    assert msgspec.json.decode(fresh.evidence[0].body)["aliases"] == ["CVE-2026-1"]
    assert fresh.evidence[0].url.endswith("/osv-export/npm/GHSA-1.json")
    assert fresh.evidence[0].fetched_at == home.world.clock()


async def test_a_record_that_nobody_has_is_not_there(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    await home.refresh()

    with pytest.raises(NotFound, match="no such record"):
        await home.mirror.advisory(ref("GHSA-2", home.world.clock()))
    with pytest.raises(NotFound, match="no records of github"):
        await home.mirror.advisory(AdvisoryRef("GHSA-1", home.world.clock(), GITHUB))


@pytest.mark.parametrize("purl", [Purl("oci", None, "image", "1"), Purl.npm("acme"), Purl.github("acme/files", "v1")])
async def test_what_the_copy_does_not_hold_is_not_covered(home: House, purl: Purl) -> None:
    await home.refresh()

    assert await home.named(purl) is Reason.NOT_COVERED


async def test_an_ecosystem_that_is_not_copied_is_not_covered(world: World, tmp_path: Path) -> None:
    async with house(world, tmp_path / "copy", ecosystems=("npm",)) as home:
        await home.refresh()

        assert await home.named(Purl.pypi("acme", "1.0")) is Reason.NOT_COVERED
        assert await home.named(Purl.npm("acme", "1.0.0")) == []


@pytest.mark.parametrize("ecosystems", [(), ("pypi",), ("npm", "../x")])
def test_an_ecosystem_that_is_none_is_refused(tmp_path: Path, ecosystems: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not an ecosystem"):
        osv_mirror.build(make_edge().http, place="/x", folder=tmp_path, clock=lambda: 0, ecosystems=ecosystems)  # type: ignore[arg-type]  # no clock is read


# --- commits

A, B, F = "a" * 40, "b" * 40, "f" * 40
RANGE = [{"introduced": A}, {"fixed": F}]


@pytest.mark.parametrize(
    ("events", "commit", "said"),
    [
        (RANGE, A, ["CVE-1"]),
        (RANGE, F, []),
        (RANGE, B, Reason.NOT_COVERED),
        ([{"introduced": "0"}, {"last_affected": B}], B, ["CVE-1"]),
        ([{"introduced": "0"}, {"limit": B}], B, []),
        ([{"introduced": "0"}], B, ["CVE-1"]),
        ([{"introduced": A}, {"fixed": A}], A, []),
        ([{"introduced": A.upper()}], A, ["CVE-1"]),
        ([], A, Reason.NOT_COVERED),
    ],
)
async def test_a_commit_is_decided_where_the_record_itself_names_it(
    home: House, events: Sequence[object], commit: str, said: list[str] | Reason
) -> None:
    home.world.osv.add(in_git("CVE-1", "https://github.com/Acme/Files.git", events))
    await home.refresh()

    assert await home.named(Purl.github("acme/files", "v1"), commit=commit) == said


async def test_a_tag_that_the_record_lists_is_named(home: House) -> None:
    home.world.osv.add(in_git("CVE-1", "https://github.com/acme/files", RANGE, versions=["v1"]))
    await home.refresh()

    assert await home.named(Purl.github("acme/files", "v1"), commit=B) == ["CVE-1"]
    assert await home.named(Purl.github("acme/files", "v2"), commit=B) is Reason.NOT_COVERED


async def test_versions_beside_a_package_are_no_tags(home: House) -> None:
    record = in_git("CVE-1", "https://github.com/acme/files", RANGE, versions=["1.0"])
    record["affected"][0]["package"] = {"ecosystem": "PyPI", "name": "acme-files"}  # type: ignore[index]  # JSON
    home.world.osv.add(record)
    await home.refresh()

    assert await home.named(Purl.github("acme/files", "1.0"), commit=B) is Reason.NOT_COVERED
    assert await home.named(Purl.pypi("acme-files", "1.0")) == ["CVE-1"]


async def test_what_only_the_history_tells_names_the_records(home: House) -> None:
    home.world.osv.add(in_git("CVE-1", "https://github.com/acme/files", RANGE))
    await home.refresh()

    said = await home.unknown(Purl.github("acme/files", "v1"), commit=B)

    assert said == (
        "osv_mirror: not-covered, only the repository's history tells whether this commit is in the ranges of CVE-1"
    )


async def test_beside_a_record_that_names_the_commit_the_undecided_ones_are_reported_too(home: House) -> None:
    home.world.osv.add(in_git("CVE-1", "https://github.com/acme/files", RANGE))
    home.world.osv.add(in_git("CVE-2", "https://github.com/acme/files", [{"introduced": B}]))
    await home.refresh()

    assert await home.named(Purl.github("acme/files", "v1"), commit=B) == ["CVE-1", "CVE-2"]


async def test_without_the_records_of_git_a_commit_that_none_names_is_not_clean(world: World, tmp_path: Path) -> None:
    files = Purl.github("acme/files", "v1")
    async with house(world, tmp_path / "all") as every, house(world, tmp_path / "npm", ecosystems=("npm",)) as npm:
        await every.refresh()
        await npm.refresh()

        assert await every.named(files, commit=B) == []
        assert await npm.named(files, commit=B) is Reason.NOT_COVERED
