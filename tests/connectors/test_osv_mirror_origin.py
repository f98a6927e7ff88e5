"""How a copy of the export follows its origin: an address, or a folder."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors._osv_mirror import copying
from monitor.domain.purl import Purl
from monitor.ports.errors import Unavailable
from tests.connectors.copies import House, about, house
from tests.world import World

FILES = Purl.npm("@acme/files", "1.0.0")


@pytest.fixture
async def home(world: World, tmp_path: Path) -> AsyncIterator[House]:
    async with house(world, tmp_path / "copy") as made:
        yield made


# --- an address


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
        with pytest.raises(Unavailable, match="is not a regular file"):
            await home.refresh()
