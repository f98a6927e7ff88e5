"""What a copy of the export says when it cannot know, and what it keeps when a refresh fails."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors._osv_mirror import index
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import Malformed, NotFound, Unavailable
from tests.connectors.copies import House, house, ref
from tests.world import Fault, Kind, World

FILES = Purl.npm("@acme/files", "1.0.0")


@pytest.fixture
async def home(world: World, tmp_path: Path) -> AsyncIterator[House]:
    async with house(world, tmp_path / "copy") as made:
        yield made


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


def renew(world: World, export: Path, *ecosystems: str) -> None:
    """Write the export's files of those ecosystems anew, now."""
    now = world.clock().timestamp()
    for ecosystem in ecosystems:
        for path in (export / ecosystem).iterdir():
            os.utime(path, (now, now))


@pytest.fixture
async def half(world: World, tmp_path: Path) -> AsyncIterator[House]:
    """A copy of a folder in which npm and GIT were written today, and PyPI not for eight days and an hour."""
    export = world.osv_export.write(tmp_path / "export")
    renew(world, export, "npm", "PyPI", "GIT")
    async with house(world, tmp_path / "copy", place=str(export)) as home:
        await home.refresh()
        world.clock.advance(days=8, hours=1)
        renew(world, export, "npm", "GIT")
        yield home


async def test_an_ecosystem_that_stands_still_at_an_origin_that_goes_on_answers_nothing(half: House) -> None:
    state = await half.refresh()

    said = await half.unknown(Purl.pypi("acme-fetch", "2.0"))

    assert said.endswith(
        "PyPI in " + str(half.folder.parent / "export") + " has not changed since 2026-11-20 12:00 UTC (193 h ago)"
    )
    assert state.problems == (said.removeprefix("osv_mirror: unavailable, "),)
    assert await half.named(FILES) == []


async def test_a_commit_that_an_ecosystem_standing_still_may_name_is_not_clean(half: House) -> None:
    await half.refresh()

    assert await half.named(Purl.github("acme/files", "v1"), commit="a" * 40) is Reason.UNAVAILABLE


async def test_an_ecosystem_may_be_quiet_for_a_week_longer_than_a_copy_may_be_old(world: World, tmp_path: Path) -> None:
    export = world.osv_export.write(tmp_path / "export")
    renew(world, export, "npm", "PyPI", "GIT")
    async with house(world, tmp_path / "copy", place=str(export)) as home:
        await home.refresh()
        world.clock.advance(days=8)
        renew(world, export, "npm", "GIT")

        state = await home.refresh()

        assert await home.named(Purl.pypi("acme-fetch", "2.0")) == []
        assert state.problems == ()


async def test_a_record_of_today_is_a_sign_of_life_though_the_files_are_old(half: House) -> None:
    half.world.osv.advise("GHSA-1", Purl.pypi("acme-fetch"))
    export = half.world.osv_export.write(half.folder.parent / "export")
    renew(half.world, export, "npm", "GIT")
    for path in (export / "PyPI").iterdir():
        os.utime(path, (0, 0))
    await half.refresh(whole=True)

    assert await half.named(Purl.pypi("acme-fetch", "2.0")) == ["GHSA-1"]


async def test_an_archive_of_today_is_a_sign_of_life_though_the_list_is_old(half: House) -> None:
    export = half.folder.parent / "export"
    os.utime(export / "PyPI" / "all.zip", (half.world.clock().timestamp(),) * 2)
    await half.refresh(whole=True)

    state = await half.refresh()

    assert await half.named(Purl.pypi("acme-fetch", "2.0")) == []
    assert state.problems == ()


async def test_a_file_from_the_future_does_not_make_an_origin_young_for_ever(half: House) -> None:
    export = half.folder.parent / "export"
    for path in (export / "PyPI").iterdir():
        os.utime(path, (half.world.clock().timestamp() + 10**9,) * 2)
    await half.refresh()
    half.world.clock.advance(days=9)
    renew(half.world, export, "npm", "GIT")
    for path in (export / "PyPI").iterdir():
        os.utime(path, (0, 0))

    await half.refresh()

    assert await half.named(Purl.pypi("acme-fetch", "2.0")) is Reason.UNAVAILABLE


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


KILLED = """
import os, sys
from pathlib import Path
from connectors._osv_mirror import index

with index.writing(Path(sys.argv[1])) as connection:
    connection.execute("DELETE FROM records")
    connection.execute("DELETE FROM names")
    connection.execute("DELETE FROM cursors")
    os._exit(9)
"""


@pytest.mark.parametrize("copied", [True, False])
async def test_a_process_that_is_killed_in_a_refresh_leaves_the_copy_as_it_was(home: House, *, copied: bool) -> None:
    home.world.osv.advise("GHSA-1", FILES.package)
    home.folder.mkdir(mode=0o700)
    if copied:
        await home.refresh()

    done = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(home.folder))
    await done.wait()

    assert done.returncode == 9
    assert await home.named(FILES) == (["GHSA-1"] if copied else Reason.UNAVAILABLE)
    await home.refresh()
    assert await home.named(FILES) == ["GHSA-1"]


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
