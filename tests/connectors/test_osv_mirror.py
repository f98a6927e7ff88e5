"""The copy of the export: what it answers, how it follows its origin, and what it says when it cannot know."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from connectors import osv_mirror
from connectors._osv_mirror import copying, index
from monitor.domain.advisory import GITHUB, AdvisoryRef
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import Malformed, NotFound, Unavailable
from monitor.ports.sources import AdvisoryMirror, AdvisorySource
from tests.connectors.copies import House, house, ref
from tests.connectors.servers import make_edge
from tests.world import Fault, Kind, World

FILES = Purl.npm("@acme/files", "1.0.0")


@pytest.fixture
async def home(world: World, tmp_path: Path) -> AsyncIterator[House]:
    async with house(world, tmp_path / "copy") as made:
        yield made


# --- what it answers


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


# --- how it follows its origin


async def test_only_what_changed_is_fetched(home: House) -> None:
    for number in range(5):
        home.world.osv.advise(f"GHSA-{number}", FILES.package, fixed="2.0.0")
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.advise("GHSA-3", FILES.package, fixed="1.0.0")
    home.world.osv.advise("GHSA-5", FILES.package, fixed="2.0.0")
    home.world.requests.clear()

    state = await home.refresh()

    assert sorted(home.asked(".json")) == ["npm/GHSA-3.json", "npm/GHSA-5.json"]
    assert home.asked(".zip") == []
    assert (state.changed, state.youngest, state.compared_at) == (2, home.world.clock(), home.world.clock())
    assert await home.named(FILES) == ["GHSA-0", "GHSA-1", "GHSA-2", "GHSA-4", "GHSA-5"]


async def test_nothing_new_costs_a_list_for_each_ecosystem(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.requests.clear()

    state = await home.refresh()

    assert home.asked() == ["npm/modified_id.csv", "PyPI/modified_id.csv", "GIT/modified_id.csv"]
    assert state.changed == 0


async def test_a_withdrawal_is_followed(home: House) -> None:
    home.world.osv.malware("MAL-1", FILES.package)
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.withdraw("MAL-1")

    await home.refresh()

    assert await home.named(FILES) == []


async def test_a_record_that_vanished_is_gone_with_the_whole_comparison(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    home.world.osv.advise("GHSA-2", FILES.package)
    await home.refresh()
    home.world.osv.remove("GHSA-2")
    home.world.clock.advance(minutes=15)

    await home.refresh()
    before = home.ids()
    state = await home.refresh(whole=True)

    assert before == {"GHSA-1", "GHSA-2"}
    assert home.ids() == {"GHSA-1"}
    assert (state.changed, state.whole_at) == (1, home.world.clock())


async def test_a_whole_comparison_mends_what_the_lists_never_said(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package, fixed="1.0.0")
    await home.refresh()
    home.world.osv.records["GHSA-1"]["affected"] = about("x", "npm", FILES.label)["affected"]

    state = await home.refresh(whole=True)

    assert await home.named(FILES) == ["GHSA-1"]
    assert state.changed == 1


async def test_more_changes_than_are_fetched_one_by_one_are_read_from_the_archive(home: House) -> None:
    await home.refresh()
    home.world.clock.advance(minutes=15)
    for number in range(copying.MAX_SINGLE + 1):
        home.world.osv.advise(f"GHSA-{number}", FILES.package)
    home.world.requests.clear()

    state = await home.refresh()

    assert home.asked(".json") == []
    assert home.asked(".zip") == ["npm/all.zip"]
    assert state.changed == copying.MAX_SINGLE + 1


async def test_a_listed_record_that_is_not_there_is_looked_for_in_the_archive_once(home: House) -> None:
    await home.refresh()
    home.world.clock.advance(minutes=15)
    now = f"{home.world.clock():%Y-%m-%dT%H:%M:%SZ}"
    home.world.osv_export.bodies["npm/modified_id.csv"] = f"{now},GHSA-1\n2026-01-01T00:00:00Z,SIM-npm\n".encode()
    home.world.requests.clear()

    first = await home.refresh()
    asked = home.asked("npm/")
    home.world.requests.clear()
    await home.refresh()

    assert asked == ["npm/modified_id.csv", "npm/GHSA-1.json", "npm/all.zip"]
    assert home.asked("npm/") == ["npm/modified_id.csv"]
    assert [each for each in first.problems if "GHSA-1" in each and "not there" in each]


async def test_a_list_that_is_not_sorted_is_read_to_its_end(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package, fixed="1.0.0")
    await home.refresh()
    home.world.clock.advance(days=1)
    home.world.osv.advise("GHSA-1", FILES.package, fixed="2.0.0")
    now = f"{home.world.clock():%Y-%m-%dT%H:%M:%SZ}"
    old = "2020-01-01T00:00:00Z,SIM-npm\n2020-01-02T00:00:00Z,SIM-npm\n"
    home.world.osv_export.bodies["npm/modified_id.csv"] = f"{old}{now},GHSA-1\n".encode()

    await home.refresh()

    assert await home.named(FILES) == []


async def test_a_list_from_the_future_does_not_stop_the_copy_from_following(home: House) -> None:
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.add(about("GHSA-1", "npm", "future") | {"modified": "2099-01-01T00:00:00Z"})
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.advise("GHSA-2", FILES.package)

    await home.refresh()

    assert await home.named(FILES) == ["GHSA-2"]


async def test_another_origin_is_compared_as_a_whole(world: World, tmp_path: Path) -> None:
    world.osv.advise("GHSA-1", FILES.package)
    async with house(world, tmp_path / "copy") as home:
        await home.refresh()
    world.osv.remove("GHSA-1")
    world.osv.advise("GHSA-2", FILES.package)
    place = str(world.osv_export.write(tmp_path / "export"))

    async with house(world, tmp_path / "copy", place=place) as moved:
        await moved.refresh()

        assert moved.ids() == {"GHSA-2"}


async def test_ecosystems_that_are_no_longer_wanted_leave_the_copy(world: World, tmp_path: Path) -> None:
    world.osv.advise("GHSA-1", FILES.package)
    world.osv.advise("GHSA-2", Purl.pypi("acme"))
    async with house(world, tmp_path / "copy") as home:
        await home.refresh()
    async with house(world, tmp_path / "copy", ecosystems=("PyPI",)) as home:
        await home.refresh()

        assert home.ids() == {"GHSA-2"}


# --- a folder


async def test_a_folder_of_the_same_layout_is_followed_without_any_request(world: World, tmp_path: Path) -> None:
    world.osv.advise("GHSA-1", FILES.package, fixed="1.0.0")
    export = world.osv_export.write(tmp_path / "export")
    async with house(world, tmp_path / "copy", place=str(export)) as home:
        await home.refresh()
        before = await home.named(FILES)
        world.clock.advance(minutes=15)
        world.osv.advise("GHSA-1", FILES.package, fixed="2.0.0")
        world.osv_export.write(export)

        await home.refresh()

        assert (before, await home.named(FILES)) == ([], ["GHSA-1"])
        assert world.requests == []


async def test_a_folder_with_archives_alone_is_enough(world: World, tmp_path: Path) -> None:
    export = world.osv_export.write(tmp_path / "export")
    world.osv.advise("GHSA-1", FILES.package)
    async with house(world, tmp_path / "copy", place=str(export)) as home:
        await home.refresh()
        (export / "npm" / "all.zip").write_bytes(world.osv_export.file("npm", "all.zip") or b"")
        for path in [*export.glob("*/*.json"), *export.glob("*/*.csv")]:
            path.unlink()

        await home.refresh()

        assert await home.named(FILES) == ["GHSA-1"]


async def test_a_folder_in_which_a_record_is_missing_is_read_from_its_archive(world: World, tmp_path: Path) -> None:
    export = world.osv_export.write(tmp_path / "export")
    async with house(world, tmp_path / "copy", place=str(export)) as home:
        await home.refresh()
        world.clock.advance(minutes=15)
        world.osv.advise("GHSA-1", FILES.package)
        world.osv_export.write(export)
        (export / "npm" / "GHSA-1.json").unlink()

        await home.refresh()

        assert await home.named(FILES) == ["GHSA-1"]


async def test_what_is_no_regular_file_is_not_waited_for(world: World, tmp_path: Path) -> None:
    export = world.osv_export.write(tmp_path / "export")
    (export / "npm" / "all.zip").unlink()
    os.mkfifo(export / "npm" / "all.zip")
    async with house(world, tmp_path / "copy", place=str(export)) as home:
        with pytest.raises(Unavailable, match="is no file"):
            await home.refresh()


# --- what it says when it cannot know


async def test_without_a_copy_nothing_is_known_and_nothing_is_clean(home: House) -> None:
    said = await home.unknown(FILES)
    state = await home.mirror.state()

    assert said == "osv_mirror: unavailable, there is no copy yet"
    assert isinstance(state, Unknown)
    with pytest.raises(Unavailable, match="no copy yet"):
        await home.mirror.advisory(ref("GHSA-1", home.world.clock()))


async def test_a_copy_that_was_compared_too_long_ago_answers_nothing_and_says_since_when(home: House) -> None:
    await home.refresh()
    home.world.clock.advance(hours=24)
    at_the_limit = await home.named(FILES)
    home.world.clock.advance(hours=1)

    said = await home.unknown(FILES)

    assert at_the_limit == []
    assert said == "osv_mirror: unavailable, the copy was last compared on 2026-11-20 12:00 UTC (25 h ago)"
    assert not isinstance(await home.mirror.state(), Unknown)


async def test_a_folder_that_nobody_renews_is_stale_though_it_is_compared_every_day(
    world: World, tmp_path: Path
) -> None:
    export = world.osv_export.write(tmp_path / "export")
    carried = world.clock().timestamp()
    for path in export.glob("*/*"):
        os.utime(path, (carried, carried))
    async with house(world, tmp_path / "copy", place=str(export)) as home:
        world.clock.advance(hours=23)
        await home.refresh()
        fresh = await home.named(FILES)
        world.clock.advance(hours=2)
        state = await home.refresh()

        said = await home.unknown(FILES)

        assert fresh == []
        assert said.endswith("export was last written on 2026-11-20 12:00 UTC (25 h ago)")
        assert state.problems[0].endswith("was last written on 2026-11-20 12:00 UTC (25 h ago)")


async def test_how_old_a_copy_may_be_is_configured(world: World, tmp_path: Path) -> None:
    async with house(world, tmp_path / "copy", stale_after=timedelta(days=7)) as home:
        await home.refresh()
        world.clock.advance(days=6)

        assert await home.named(FILES) == []


async def test_an_ecosystem_that_was_never_copied_is_missing(world: World, tmp_path: Path) -> None:
    async with house(world, tmp_path / "copy", ecosystems=("npm",)) as home:
        await home.refresh()
    async with house(world, tmp_path / "copy", ecosystems=("npm", "PyPI")) as home:
        assert await home.unknown(FILES) == "osv_mirror: unavailable, there is no copy yet of PyPI"


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(Kind.OUTAGE, only="PyPI"), Unavailable),
        (Fault(Kind.TRUNCATED, only="PyPI"), Unavailable),
        (Fault(Kind.HTML, only="PyPI"), Malformed),
        (Fault(Kind.STATUS, status=404, only="PyPI"), NotFound),
    ],
)
async def test_an_origin_that_fails_leaves_the_copy_as_it_was(
    home: House, fault: Fault, error: type[Exception], *, whole: bool
) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    first = await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.advise("GHSA-2", FILES.package)
    home.world.break_("osv-export", fault)

    with pytest.raises(error):
        await home.refresh(whole=whole)

    assert home.ids() == {"GHSA-1"}
    assert await home.mirror.state() == replace(first, changed=0)
    assert not [each for each in home.folder.iterdir() if each.name.startswith((".new-", ".download-"))]


async def test_a_refresh_that_is_cancelled_leaves_the_copy_as_it_was(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    await home.refresh()
    home.world.osv.advise("GHSA-2", FILES.package)
    home.world.break_("osv-export", Fault(Kind.HANG, only="PyPI"))

    refresh = asyncio.create_task(home.refresh(whole=True))
    while not home.asked("PyPI/all.zip")[1:]:  # noqa: ASYNC110 - the world has no event for it
        await asyncio.sleep(0)
    refresh.cancel()
    with pytest.raises(asyncio.CancelledError):
        await refresh
    home.world.mend("osv-export")

    assert home.ids() == {"GHSA-1"}
    await home.refresh(whole=True)
    assert home.ids() == {"GHSA-1", "GHSA-2"}


async def test_two_refreshes_do_not_meet(home: House) -> None:
    outcomes = await asyncio.gather(home.refresh(), home.refresh(), return_exceptions=True)

    assert sorted(type(each).__name__ for each in outcomes) == ["MirrorState", "Unavailable"]


async def test_a_folder_that_others_may_write_is_not_trusted(home: House) -> None:
    await home.refresh()
    home.folder.chmod(0o777)

    assert await home.named(FILES) is Reason.MALFORMED
    with pytest.raises(Malformed, match="others can write"):
        await home.refresh()


async def test_what_a_killed_process_left_behind_is_removed(home: House) -> None:
    await home.refresh()
    for name in (".new-abc", ".download-abc"):
        (home.folder / name).write_bytes(b"half")

    await home.refresh()

    assert sorted(each.name for each in home.folder.iterdir() if each.suffix == "") == [".lock"]


async def test_a_damaged_copy_answers_nothing_and_is_made_anew(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    await home.refresh()
    (home.folder / index.FILE).write_bytes(b"no database" * 1000)

    said = await home.named(FILES)
    with pytest.raises(Unavailable, match="made anew by the next refresh"):
        await home.refresh()
    await home.refresh()

    assert said is Reason.UNAVAILABLE
    assert await home.named(FILES) == ["GHSA-1"]


async def test_a_copy_of_another_version_of_the_program_is_made_anew(home: House) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    await home.refresh()
    with index.writing(home.folder) as connection:
        connection.execute("DELETE FROM cursors")
    path = home.folder / index.FILE
    path.write_bytes(path.read_bytes()[:60] + (99).to_bytes(4, "big") + path.read_bytes()[64:])

    said = await home.unknown(FILES)
    await home.refresh()

    assert "there is no copy that this version reads" in said
    assert await home.named(FILES) == ["GHSA-1"]


def about(advisory_id: str, ecosystem: str, name: str) -> dict[str, object]:
    entry = {"package": {"ecosystem": ecosystem, "name": name}}
    return {
        "id": advisory_id,
        "affected": [entry | {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}],
    }


def in_git(
    advisory_id: str, repository: str, events: Sequence[object], versions: list[str] | None = None
) -> dict[str, object]:
    entry: dict[str, object] = {"ranges": [{"type": "GIT", "repo": repository, "events": events}]}
    return {"id": advisory_id, "affected": [entry | ({"versions": versions} if versions else {})]}
