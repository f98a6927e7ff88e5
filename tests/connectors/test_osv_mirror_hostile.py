"""What an origin of advisories may send to harm who copies it: archives, lists and records."""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._osv_mirror import archive, changes
from connectors._osv_mirror.archive import BadMember
from connectors._osv_mirror.entry import parse_entry
from connectors._osv_record import parse_record
from connectors._osv_shape import MAX_RECORD
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed, NotFound
from tests import corpus
from tests.connectors.copies import House, house, ref
from tests.world import World
from tests.world.answers import encode
from tests.world.osv_export import about_nobody
from tests.world.osv_export import archive as packed

FILES = Purl.npm("@acme/files", "1.0.0")
GOOD = encode(about_nobody("SIM-npm", "npm"))
END = struct.Struct("<4s4H2LH")


@pytest.fixture
async def home(world: World, tmp_path: Path) -> AsyncIterator[House]:
    world.osv.advise("GHSA-1", FILES.package)
    async with house(world, tmp_path / "copy") as made:
        yield made


# --- archives


def bomb(name: str) -> bytes:
    """One member of much more than a record may have."""
    return packed({"SIM-npm.json": GOOD, name: b" " * (MAX_RECORD + 1)})


def claiming(body: bytes, size: int) -> bytes:
    """The archive, whose last member claims another length."""
    at = body.rfind(b"PK\x01\x02")
    return body[: at + 24] + struct.pack("<L", size) + body[at + 28 :]


def overlapping(times: int) -> bytes:
    """Many entries of the directory that share one member's bytes."""
    content = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = b" " * 2**20
    deflated = content.compress(body) + content.flush()
    name = b"GHSA-9.json"
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(body), len(deflated), len(body), len(name), 0
    )
    entry = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        20,
        20,
        0,
        8,
        0,
        0,
        zlib.crc32(body),
        len(deflated),
        len(body),
        len(name),
        0,
        0,
        0,
        0,
        0,
        0,
    )
    start = local + name + deflated
    directory = (entry + name) * times
    return start + directory + END.pack(b"PK\x05\x06", 0, 0, times, times, len(directory), len(start), 0)


def many(count: int) -> bytes:
    """A directory with so many entries of a stored, empty member (ZIP64)."""
    name = b"a.json"
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    size = len(entry) * count
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 0)
    located = struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1)
    return entry * count + large + located + END.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


ARCHIVES = {
    "nothing": b"",
    "html": b"<html>Sign in</html>",
    "no member": packed({}),
    "only garbage": packed({"GHSA-1.json": b"{}"}),
    "truncated": packed({f"GHSA-{n}.json": GOOD for n in range(9)})[:-30],
    "directory elsewhere": END.pack(b"PK\x05\x06", 0, 0, 1, 1, 46, 2**31, 0),
    "directory missing": b"x" * 46 + END.pack(b"PK\x05\x06", 0, 0, 1, 1, 46, 0, 0),
    "counts too many": END.pack(b"PK\x05\x06", 0, 0, 60_000, 60_000, 0, 0, 0),
    "a million members": many(archive.MAX_MEMBERS + 1),
    "large end elsewhere": struct.pack("<4sLQL", b"PK\x06\x07", 0, 2**64 - 1, 1)
    + END.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0),
    "overlapping members": overlapping(2000),
}


@pytest.mark.parametrize("kind", ARCHIVES)
async def test_an_archive_that_is_none_leaves_the_copy_as_it_was(home: House, kind: str) -> None:
    await home.refresh()
    home.world.osv_export.bodies["npm/all.zip"] = ARCHIVES[kind]

    with pytest.raises(Malformed):
        await home.refresh(whole=True)

    assert await home.named(FILES) == ["GHSA-1"]
    assert [
        each.name for each in home.folder.iterdir() if each.suffix not in {".sqlite", ".sqlite-wal", ".sqlite-shm"}
    ] == [".lock"]


NAMES = [
    "/etc/passwd",
    "../GHSA-7.json",
    "GHSA-7.json/",
    "a/GHSA-7.json",
    "GHSA-7",
    ".json",
    "GHSA 7.json",
    "\u202e.json",
    "C:\\GHSA-7.json",
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_member_of_another_name_costs_itself_and_is_named(home: House, name: str) -> None:
    good = home.world.osv_export.file("npm", "GHSA-1.json") or b""
    home.world.osv_export.bodies["npm/all.zip"] = packed({name: GOOD, "GHSA-1.json": good})

    state = await home.refresh()

    assert await home.named(FILES) == ["GHSA-1"]
    assert [each for each in state.problems if each.endswith("is not the name of a record's file")]
    assert sorted(each.name for each in home.folder.iterdir()) == [".lock", "osv.sqlite"]


RECORDS = {
    "no JSON": b"<html>",
    "no record": b"{}",
    "another's": encode(about_nobody("SIM-other", "npm")),
    "deep": b"[" * 100_000,
    "no modification": b'{"id": "GHSA-7"}',
    "year 0": b'{"id": "GHSA-7", "modified": "0000-01-01T00:00:00Z"}',
    "too many entries": encode({"id": "GHSA-7", "modified": "2026-01-01T00:00:00Z", "affected": [{}] * 5001}),
    "no name": encode(
        {
            "id": "GHSA-7",
            "modified": "2026-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "npm", "name": ""}}],
        }
    ),
}


@pytest.mark.parametrize("kind", RECORDS)
async def test_a_record_that_is_none_costs_itself_and_is_named(home: House, kind: str) -> None:
    good = home.world.osv_export.file("npm", "GHSA-1.json") or b""
    home.world.osv_export.bodies["npm/all.zip"] = packed({"GHSA-7.json": RECORDS[kind], "GHSA-1.json": good})

    state = await home.refresh()

    assert await home.named(FILES) == ["GHSA-1"]
    assert [each for each in state.problems if each.startswith("npm/GHSA-7: ")]
    with pytest.raises(NotFound):
        await home.mirror.advisory(ref("GHSA-7", home.world.clock()))


@pytest.mark.parametrize("whole", [True, False])
async def test_a_record_that_can_no_longer_be_read_stands_as_it_was(home: House, *, whole: bool) -> None:
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.records["GHSA-1"] |= {"modified": f"{home.world.clock():%Y-%m-%dT%H:%M:%SZ}", "severity": "nonsense"}

    state = await home.refresh(whole=whole)

    assert await home.named(FILES) == ["GHSA-1"]
    assert [each for each in state.problems if each.startswith("npm/GHSA-1: ")]


async def test_a_record_that_cannot_be_read_is_not_fetched_again_until_it_changes(home: House) -> None:
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.records["GHSA-1"] |= {"modified": f"{home.world.clock():%Y-%m-%dT%H:%M:%SZ}", "severity": "nonsense"}
    await home.refresh()
    home.world.requests.clear()

    still = await home.refresh()
    asked = home.asked(".json")
    home.world.clock.advance(minutes=15)
    home.world.osv.advise("GHSA-1", FILES.package, fixed="1.0.0")
    mended = await home.refresh()

    assert asked == []
    assert len(still.problems) == 1
    assert mended.problems == ()
    assert await home.named(FILES) == []


@pytest.mark.parametrize("size", [10, 10_000])
async def test_a_member_that_is_longer_or_shorter_than_it_says_costs_itself(home: House, size: int) -> None:
    good = home.world.osv_export.file("npm", "GHSA-1.json") or b""
    body = packed({"GHSA-1.json": good, "SIM-npm.json": GOOD})
    home.world.osv_export.bodies["npm/all.zip"] = claiming(body, size)

    state = await home.refresh()

    assert await home.named(FILES) == ["GHSA-1"]
    assert [each for each in state.problems if each.startswith("npm/SIM-npm: its file")]


async def test_a_bomb_costs_itself(home: House) -> None:
    home.world.osv_export.bodies["npm/all.zip"] = bomb("GHSA-7.json")

    state = await home.refresh()

    assert [each for each in state.problems if each.startswith("npm/GHSA-7: its file has more than")]


async def test_an_archive_of_which_much_cannot_be_read_is_none(home: House) -> None:
    await home.refresh()
    good = {f"GHSA-{number}.json": encode(about_nobody(f"GHSA-{number}", "npm")) for number in range(100)}
    home.world.osv_export.bodies["npm/all.zip"] = packed(
        good | {f"GHSA-x{number}.json": b"{}" for number in range(101)}
    )

    with pytest.raises(Malformed, match="101 of 201 records in the archive of npm cannot be read"):
        await home.refresh(whole=True)

    assert home.ids() == {"GHSA-1"}


async def test_most_records_do_not_vanish_at_once(home: House) -> None:
    for number in range(200):
        home.world.osv.advise(f"GHSA-x{number}", Purl.npm(f"p{number}"))
    await home.refresh()
    home.world.osv.records.clear()

    with pytest.raises(Malformed, match=r"lacks 201 of 202 records; if that is right, remove the index"):
        await home.refresh(whole=True)

    assert await home.named(FILES) == ["GHSA-1"]


def test_the_archive_is_read_as_the_standard_library_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    bodies = {f"GHSA-{number}.json": encode({"id": number}) for number in range(66_000)}
    with zipfile.ZipFile(path, "w") as file:
        for name, body in bodies.items():
            file.writestr(name, body, zipfile.ZIP_DEFLATED if name.endswith("0.json") else zipfile.ZIP_STORED)

    descriptor = os.open(path, os.O_RDONLY)
    try:
        members = list(archive.members(descriptor))
        some = members[::1000]
        contents = {member.name.decode(): archive.content(descriptor, member) for member in some}
    finally:
        os.close(descriptor)

    assert len(members) == 66_000
    assert {name: content.body for name, content in contents.items()} == {name: bodies[name] for name in contents}
    assert all(archive.inflated(each.deflated, len(each.body)) == each.body for each in contents.values())


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_a_torn_archive_raises_nothing_but_that_it_is_none(noise: bytes, place: int, byte: int) -> None:
    body = bytearray(packed({"GHSA-1.json": b'{"id": "GHSA-1"}' * 5, "GHSA-2.json": b"{}"}))
    body[-1 - place % len(body)] = byte

    for torn in (bytes(body), body + noise, noise):
        read(bytes(torn))


def read(body: bytes) -> None:
    descriptor = os.memfd_create("archive")
    try:
        os.write(descriptor, body)
        for member in archive.members(descriptor):
            try:
                archive.content(descriptor, member)
            except BadMember:
                continue
    except Malformed:
        return
    finally:
        os.close(descriptor)


def test_a_record_is_indexed_only_where_it_can_be_read() -> None:
    folder = corpus.path("osv")
    bodies = [
        path.read_bytes() for name in ("invalid", "synthetic", "records") for path in (folder / name).glob("*.json")
    ]

    for body in bodies:
        assert readable(partial(parse_entry, body, "npm")) is readable(partial(parse_record, body))


def readable(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except Malformed:
        return False
    return True


# --- lists


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"<html>\n<body>\n",
        b"x" * 1000,
        b"2026-11-20T12:00:00Z,../GHSA-1\n",
        b"2026-11-20T12:00:00,GHSA-1\n",
        b"9999-99-99T00:00:00Z,GHSA-1\n",
        b"nonsense\n" * 21 + b"2026-11-20T12:00:00Z,GHSA-1\n",
        b"\xff\xfe\n",
    ],
)
async def test_a_list_that_is_none_leaves_the_copy_as_it_was(home: House, body: bytes) -> None:
    await home.refresh()
    home.world.osv_export.bodies["npm/modified_id.csv"] = body

    with pytest.raises(Malformed):
        await home.refresh()

    assert await home.named(FILES) == ["GHSA-1"]


async def test_a_bad_line_costs_itself_and_is_named(home: House) -> None:
    await home.refresh()
    home.world.clock.advance(minutes=15)
    home.world.osv.advise("GHSA-2", FILES.package)
    listed = home.world.osv_export.file("npm", "modified_id.csv") or b""
    home.world.osv_export.bodies["npm/modified_id.csv"] = b"nonsense\r\n" + listed.replace(b"\n", b"\r\n")

    state = await home.refresh()
    home.world.osv_export.bodies.clear()
    after = await home.refresh()

    assert await home.named(FILES) == ["GHSA-1", "GHSA-2"]
    assert state.problems == ("npm/modified_id.csv: 1 lines are none, the first: nonsense",)
    assert after.problems == ()


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 50))
def test_a_list_raises_nothing_but_that_it_is_none(pieces: list[bytes], size: int) -> None:
    body = b"\n".join(pieces)
    reading = changes.Changes(0, 1)

    try:
        for start in range(0, len(body), size):
            if not reading.take(body[start : start + size]):
                break
        reading.end()
    except Malformed:
        return


@given(st.integers(1, 60))
def test_a_list_is_read_alike_however_it_is_cut(size: int) -> None:
    body = b"2026-11-20T12:00:00.5Z,GHSA-1\n2026-11-20T11:00:00Z,GHSA-2\n2026-11-20T11:00:00Z,MAL-2026-3"
    reading = changes.Changes(0, 2**60)

    for start in range(0, len(body), size):
        reading.take(body[start : start + size])
    reading.end()

    assert list(reading.listed) == ["GHSA-1", "GHSA-2", "MAL-2026-3"]


def test_a_list_without_end_is_left_early() -> None:
    lines = b"".join(b"2026-11-20T12:00:00Z,GHSA-%d\n" % number for number in range(changes.MAX_LISTED + 10))
    reading = changes.Changes(0, 2**60)

    assert reading.take(lines) is False
    assert reading.overflowed


def test_the_corpus_packed_as_an_archive_is_read_whole(tmp_path: Path) -> None:
    bodies = {path.name: path.read_bytes() for path in (corpus.path("osv") / "records").glob("*.json")}
    buffer = io.BytesIO(packed(bodies))
    path = tmp_path / "all.zip"
    path.write_bytes(buffer.getvalue())

    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = {each.name.decode(): archive.content(descriptor, each).body for each in archive.members(descriptor)}
    finally:
        os.close(descriptor)

    assert found == bodies
