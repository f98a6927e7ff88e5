"""The lists of how likely flaws are to be used: KEV and EPSS, fetched and from files."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import epss, kev
from connectors._risk_list import MAX_LIST, MAX_MEMBERS, unpacked
from connectors.epss import MAX_LINES, parse_scores
from connectors.kev import parse_catalogue
from monitor.domain.risk import Exploited
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError, Unavailable
from monitor.ports.sources import Fresh, RiskSource, Unchanged, Validators
from tests.connectors.servers import NOW, make_edge
from tests.world import Fault, Kind, World

Build = Callable[..., RiskSource]
BUILDS: dict[str, Build] = {"kev.json": kev.build, "epss.csv.gz": epss.build}

HEAD = b"#model_version:v2025.03.14,score_date:2026-11-23T12:55:00Z\ncve,epss,percentile\n"


def entry(cve: str = "CVE-2026-1001", **fields: object) -> dict[str, object]:
    return {"cveID": cve, "dateAdded": "2026-11-01", "knownRansomwareCampaignUse": "Unknown", **fields}


def catalogue(*entries: object, **fields: object) -> bytes:
    return json.dumps({"dateReleased": "2026-11-23T15:00:09.5466Z", "vulnerabilities": entries, **fields}).encode()


async def read(build: Build, place: str | Path, known: Validators | None = None) -> Fresh[object] | Unchanged:
    edge = make_edge()
    async with edge.http.session():
        answer = await build(edge.http, place=place).read(known or {})
    return answer if isinstance(answer, Unchanged) else Fresh(answer.value, answer.validators, answer.evidence)


async def again(build: Build, place: str | Path, between: Callable[[], object]) -> Fresh[object] | Unchanged:
    """Read, let something happen, and read with the validators of the first time."""
    first = await read(build, place)
    assert isinstance(first, Fresh)
    between()
    return await read(build, place, {each.key: each for each in first.validators})


# --- the catalogue


def test_an_entry_tells_since_when_and_whether_ransomware_uses_it() -> None:
    table = parse_catalogue(catalogue(entry(), entry("CVE-2026-1002", knownRansomwareCampaignUse="Known")))

    assert table.exploited == {
        "CVE-2026-1001": Exploited(date(2026, 11, 1), ransomware=False),
        "CVE-2026-1002": Exploited(date(2026, 11, 1), ransomware=True),
    }
    assert (table.source, table.as_of) == ("kev", datetime(2026, 11, 23, 15, 0, 9, 546600, tzinfo=UTC))


def test_of_two_entries_about_one_flaw_the_worse_counts() -> None:
    ransomware, early = entry(knownRansomwareCampaignUse="Known"), entry(dateAdded="2020-01-01")

    table = parse_catalogue(catalogue(early, ransomware, early))

    assert table.exploited == {"CVE-2026-1001": Exploited(date(2026, 11, 1), ransomware=True)}


@pytest.mark.parametrize(
    "bad",
    [
        entry("GHSA-1111-2222-3333"),
        entry("CVE-2026-1\n"),
        entry(dateAdded="soon"),
        entry(dateAdded=None),
        entry(knownRansomwareCampaignUse=["Known"]),
        {},
        "CVE-2026-1003",
        None,
    ],
)
def test_an_entry_that_is_none_costs_itself_and_is_heard_of(bad: object, logged: list[str]) -> None:
    table = parse_catalogue(catalogue(entry(), bad))

    assert list(table.exploited) == ["CVE-2026-1001"]
    assert ["unreadable=1" in message for message in logged] == [True]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html>",
        b"\xff\xfe",
        b"[]",
        b"{}",
        catalogue(),
        catalogue(entry(), {}, {}),
        catalogue(entry(), dateReleased="2026-11-23"),
        catalogue(entry(), dateReleased="0001-01-01T00:00:00+14:00"),
        catalogue(entry(), vulnerabilities={}),
        catalogue(entry())[:-5],
        b"[" * 100_000,
    ],
)
def test_a_catalogue_that_is_none_or_mostly_none_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_catalogue(body)


# --- the scores


def test_each_row_gives_a_flaw_its_probability_as_of_the_day_of_the_scores() -> None:
    table = parse_scores(HEAD + b"CVE-2026-1001,0.94358,0.99\nCVE-2026-1002,4e-05,0.1\r\nCVE-2026-1003,1,1\n\n")

    assert table.epss == {"CVE-2026-1001": 0.94358, "CVE-2026-1002": 4e-05, "CVE-2026-1003": 1.0}
    assert (table.source, table.as_of) == ("epss", datetime(2026, 11, 23, 12, 55, tzinfo=UTC))


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        (b"2026-11-23T12:55:00Z", datetime(2026, 11, 23, 12, 55, tzinfo=UTC)),
        (b"2022-01-01T00:00:00+0000", datetime(2022, 1, 1, tzinfo=UTC)),
        (b"2022-01-01T02:00:00+02:00", datetime(2022, 1, 1, tzinfo=UTC)),
        (b"2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_the_day_of_the_scores_is_read_in_every_form_that_was_used(said: bytes, read_as: datetime) -> None:
    body = HEAD.replace(b"2026-11-23T12:55:00Z", said) + b"CVE-2026-1001,0.5,0.9\n"

    assert parse_scores(body).as_of == read_as


def test_of_two_rows_about_one_flaw_the_higher_counts() -> None:
    table = parse_scores(HEAD + b"CVE-2026-1001,0.1,0\nCVE-2026-1001,0.7,0\nCVE-2026-1001,0.3,0\n")

    assert table.epss == {"CVE-2026-1001": 0.7}


@pytest.mark.parametrize(
    "bad",
    [
        b"CVE-2026-1009,1.01,0.9",
        b"CVE-2026-1009,-0.1,0.9",
        b"CVE-2026-1009,NaN,0.9",
        b"CVE-2026-1009,inf,0.9",
        b"CVE-2026-1009,1e999,0.9",
        b"CVE-2026-1009,,0.9",
        b"CVE-2026-1009",
        b"cve-2026-1009,0.5,0.9",
        b"CVE-2026-1,0.5,0.9",
        b"GHSA-1111-2222-3333,0.5,0.9",
        b'"CVE-2026-1009",0.5,0.9',
        b"CVE-2026-1009;0.5;0.9",
        b"\xff\x00",
        b"CVE-2026-1009," + b"9" * 10_000,
    ],
)
def test_a_row_that_is_none_costs_itself_and_is_heard_of(bad: bytes, logged: list[str]) -> None:
    table = parse_scores(HEAD + b"CVE-2026-1001,0.5,0.9\n" + bad + b"\nCVE-2026-1002,0.5,0.9\n")

    assert sorted(table.epss) == ["CVE-2026-1001", "CVE-2026-1002"]
    assert ["unreadable=1" in message for message in logged] == [True]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        HEAD,
        b"<!doctype html>\n<html>\n",
        b"cve,epss,percentile\nCVE-2026-1001,0.5,0.9\n",
        HEAD.replace(b"cve,epss", b"cve,percentile") + b"CVE-2026-1001,0.5,0.9\n",
        HEAD.replace(b"2026-11-23T12:55:00Z", b"9999-99-99") + b"CVE-2026-1001,0.5,0.9\n",
        HEAD.replace(b"2026-11-23T12:55:00Z", b"0001-01-01T00:00:00+14:00") + b"CVE-2026-1001,0.5,0.9\n",
        HEAD + b"CVE-2026-1001,0.5,0.9\nno\nno\n",
        HEAD + b"\n" * (MAX_LINES + 1) + b"CVE-2026-1001,0.5,0.9\n",
    ],
    ids=range(9),
)
def test_scores_that_are_none_or_mostly_none_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_scores(body)


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_a_reader_gives_a_list_or_its_own_refusal(noise: bytes) -> None:
    for parse, body in ((parse_catalogue, noise), (parse_scores, HEAD + noise), (parse_scores, noise)):
        try:
            table = parse(body)
        except Malformed:
            continue
        assert all(0 <= score <= 1 for score in table.epss.values())


# --- unpacking


def test_a_list_is_unpacked_whatever_it_is_called() -> None:
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two"), "epss") == b"one two"
    assert unpacked(b"plain", "epss") == b"plain"


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b" " * (MAX_LIST + 1)),
        gzip.compress(b"half")[:-9],
        gzip.compress(b"") * (MAX_MEMBERS + 1),
        b"\x1f\x8bnothing of the kind",
        b" " * (MAX_LIST + 1),
    ],
    ids=["bomb", "broken off", "members", "no gzip", "large"],
)
def test_what_does_not_unpack_within_bounds_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        unpacked(body, "epss")


# --- at an address


@pytest.mark.parametrize("name", BUILDS)
async def test_a_list_is_fetched_once_and_again_when_it_changed(world: World, name: str) -> None:
    place = f"{world.url('risk')}/{name}"

    def change() -> None:
        world.risk.exploit("CVE-2026-1001")
        world.risk.score("CVE-2026-1001", 0.3)

    calm = await again(BUILDS[name], place, lambda: None)
    changed = await again(BUILDS[name], place, change)

    assert isinstance(calm, Unchanged)
    assert isinstance(changed, Fresh)
    assert "CVE-2026-1001" in str(changed.value)
    assert [asked.status for asked in world.asked("risk")] == [200, 304, 200, 200]


async def test_the_catalogue_is_kept_as_evidence_and_of_the_scores_the_digest(world: World) -> None:
    catalogue_, scores = (
        await read(kev.build, world.url("risk") + "/kev.json"),
        await read(epss.build, world.url("risk") + "/epss.csv.gz"),
    )

    assert isinstance(catalogue_, Fresh)
    assert isinstance(scores, Fresh)
    assert [len(each.body) > 100 for each in catalogue_.evidence] == [True]
    assert [(each.body, len(each.sha256)) for each in scores.evidence] == [(b"", 64)]


@pytest.mark.parametrize("name", ["epss.csv", "epss-current.csv.gz"])
async def test_scores_may_be_plain_or_found_by_a_redirect(world: World, name: str) -> None:
    world.risk.score("CVE-2026-1001", 0.25)
    place = f"{world.url('risk')}/{name}"

    answer = await again(epss.build, place, lambda: None)

    assert isinstance(answer, Unchanged)


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(Kind.OUTAGE), Unavailable),
        (Fault(Kind.RESET), Unavailable),
        (Fault(Kind.TRUNCATED), Unavailable),
        (Fault(Kind.STATUS, status=403), Denied),
        (Fault(Kind.STATUS, status=404), NotFound),
        (Fault(Kind.TOO_MANY, seconds=3600), Denied),
        (Fault(Kind.HTML), Malformed),
        (Fault(Kind.GARBAGE), Malformed),
        (Fault(Kind.BOMB, size=MAX_LIST + 1), Malformed),
        (Fault(Kind.REDIRECT), Malformed),
    ],
)
async def test_an_outage_is_not_an_empty_list(world: World, name: str, fault: Fault, error: type[SourceError]) -> None:
    world.break_("risk", fault)

    with pytest.raises(error):
        await read(BUILDS[name], f"{world.url('risk')}/{name}")


def test_an_address_that_is_none_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="address"):
        kev.build(make_edge().http, place="https://[")


# --- in a file


def in_file(folder: Path, name: str, cve: str = "CVE-2026-1001") -> Path:
    place = folder / name
    place.write_bytes(
        catalogue(entry(cve)) if name == "kev.json" else gzip.compress(HEAD + f"{cve},0.5,0.9\n".encode())
    )
    return place


@pytest.mark.parametrize("name", BUILDS)
async def test_a_file_is_read_once_and_again_when_it_changed(tmp_path: Path, name: str) -> None:
    place = in_file(tmp_path, name)

    def change() -> None:
        in_file(tmp_path, name, "CVE-2026-1002")
        os.utime(place, ns=(0, 1))

    calm = await again(BUILDS[name], place, lambda: None)
    changed = await again(BUILDS[name], str(place), change)

    assert isinstance(calm, Unchanged)
    assert isinstance(changed, Fresh)
    assert "CVE-2026-1002" in str(changed.value)
    assert [(each.url, each.fetched_at) for each in changed.evidence] == [(str(place), NOW)]


def harm_file(place: Path, harm: str) -> type[SourceError]:
    """Do it; return the error that has to follow."""
    place.unlink()
    match harm:
        case "missing":
            return NotFound
        case "folder":
            place.mkdir()
            return Unavailable
        case "pipe":
            os.mkfifo(place)
            return Unavailable
        case _:
            place.touch()
            os.truncate(place, 0 if harm == "empty" else MAX_LIST + 1)
            return Malformed


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("harm", ["missing", "folder", "pipe", "empty", "large"])
async def test_a_file_that_cannot_be_read_is_an_error_of_its_own(tmp_path: Path, name: str, harm: str) -> None:
    place = in_file(tmp_path, name)
    error = harm_file(place, harm)

    with pytest.raises(error):
        await read(BUILDS[name], place)


async def test_a_name_that_no_file_can_have_is_a_file_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        await read(kev.build, "/tmp/\0")  # noqa: S108 - no file is made
