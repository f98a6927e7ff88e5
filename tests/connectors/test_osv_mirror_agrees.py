"""The API and the copy of its export hold the same records, and have to give the same answers."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

import pytest

from connectors import osv, osv_mirror
from connectors._osv_record import parse_record
from monitor.domain.advisory import Advisory, AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.unknown import Unknown
from monitor.domain.version_range import is_affected
from monitor.ports.errors import Malformed
from tests import corpus
from tests.connectors.servers import make_edge
from tests.world import World

PURLS = {"npm": Purl.npm, "PyPI": Purl.pypi}


def lines(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (corpus.path("osv") / name).read_text("utf-8").splitlines()]


def purl(row: Mapping[str, object]) -> Purl:
    return PURLS[str(row["ecosystem"])](str(row["package"]), str(row["version"]))


def load(world: World, *folders: str) -> dict[str, Advisory]:
    """Let the world hold the corpus's records, and return those that can be read."""
    bodies = [path.read_bytes() for folder in folders for path in sorted((corpus.path("osv") / folder).glob("*.json"))]
    bodies += (corpus.path("osv") / "transcribed.jsonl").read_bytes().splitlines()
    readable = {}
    for body in bodies:
        try:
            read = parse_record(body)
        except Malformed:
            continue
        readable[read.id] = read
        world.osv.add(json.loads(body))
    return readable


@pytest.fixture(params=["folder", "http"])
async def both(
    request: pytest.FixtureRequest, world: World, tmp_path: Path
) -> AsyncIterator[tuple[osv.Osv, osv_mirror.OsvMirror]]:
    """The API and a copy, in a world that a test has to load before it asks."""
    edge = make_edge(max_body=2**24)
    place = world.url("osv-export") if request.param == "http" else str(tmp_path / "export")
    mirror = osv_mirror.build(
        edge.http, place=place, folder=tmp_path / "copy", clock=world.clock, ecosystems=("npm", "PyPI", "GIT")
    )
    async with edge.http.session():
        yield osv.Osv(edge.http.client("osv", base=world.url("osv"))), mirror


async def asked(
    world: World, tmp_path: Path, both: tuple[osv.Osv, osv_mirror.OsvMirror], versions: Iterable[Purl]
) -> tuple[Mapping[Purl, tuple[AdvisoryRef, ...] | Unknown], Mapping[Purl, tuple[AdvisoryRef, ...] | Unknown]]:
    api, mirror = both
    world.osv_export.write(tmp_path / "export")
    await mirror.refresh(whole=True)
    questions = [Question(version) for version in dict.fromkeys(versions)]
    return await api.match(questions), await mirror.match(questions)


async def test_api_and_copy_agree_on_every_version_of_the_corpus(
    world: World, tmp_path: Path, both: tuple[osv.Osv, osv_mirror.OsvMirror]
) -> None:
    readable = load(world, "records", "synthetic")
    rows = [row for name in ("vectors", "synthetic.vectors", "transcribed.vectors") for row in lines(f"{name}.jsonl")]

    from_api, from_copy = await asked(world, tmp_path, both, map(purl, rows))

    more, wrong = 0, []
    for version, said in from_api.items():
        copied = from_copy[version]
        assert not isinstance(said, Unknown)
        assert not isinstance(copied, Unknown)
        extra = set(copied) - set(said)
        more += len(extra)
        if set(said) - set(copied) or any(is_affected(readable[ref.id], version) is not None for ref in extra):
            wrong.append((version, said, copied))
    print(f"\n{len(rows)} vectors, {len(from_api)} versions, {more} undecidable pairs that the copy alone gives")  # noqa: T201 - the counts are the report
    assert wrong == []
    assert len(from_api) > 5000


@pytest.mark.parametrize("both", ["folder"], indirect=True)
async def test_the_copy_names_what_the_vectors_expect_and_nothing_that_is_withdrawn(
    world: World, tmp_path: Path, both: tuple[osv.Osv, osv_mirror.OsvMirror]
) -> None:
    readable = load(world, "records", "synthetic")
    rows = [row for name in ("vectors", "synthetic.vectors", "transcribed.vectors") for row in lines(f"{name}.jsonl")]

    _, from_copy = await asked(world, tmp_path, both, map(purl, rows))

    found = defaultdict[Purl, set[str]](set)
    for version, refs in from_copy.items():
        assert not isinstance(refs, Unknown)
        found[version] = {ref.id for ref in refs}
    live = [row for row in rows if readable[str(row["osv_id"])].withdrawn_at is None]
    assert [row for row in live if (row["osv_id"] in found[purl(row)]) is not row["affected"]] == []
    withdrawn = {key for key, read in readable.items() if read.withdrawn_at is not None}
    assert not withdrawn & set().union(*found.values())


@pytest.mark.parametrize("both", ["folder"], indirect=True)
async def test_the_copy_gives_what_the_real_api_gave(
    world: World, tmp_path: Path, both: tuple[osv.Osv, osv_mirror.OsvMirror]
) -> None:
    held = load(world, "records")
    rows = lines("api-answers.jsonl")

    _, from_copy = await asked(world, tmp_path, both, map(purl, rows))

    wrong = []
    for row in rows:
        refs, said = from_copy[purl(row)], row["ids"]
        assert not isinstance(refs, Unknown)
        assert isinstance(said, list)
        if {ref.id for ref in refs} != {each for each in said if each in held}:
            wrong.append((row, [ref.id for ref in refs]))
    assert wrong == []
