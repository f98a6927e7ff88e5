"""Whether something was approved at that moment: the registry's states of then decide, and what is not known is said."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.approved_then import Answer, Approvals, Then, Used, of_connection, of_deployment
from monitor.domain.connection import Connection
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Approval, Entry, Listed, Pin, Server
from monitor.domain.stage import Stage
from tests.make import NOW, PACKAGE, approval, days_ago, deployment, server

FILES = "io.github.acme/files-mcp"
IMAGE = Purl.docker("acme/files")
REMOTE = Server("com.acme/remote", None, "https://mcp.acme.example/mcp", None, "platform", 1)


def listed(version: str | None = "1.4.2", *, since: float = 20, gone: float | None = None, **more: object) -> Listed:
    entry = Entry(server(), approval(version) if version else None, 1)
    return Listed(replace(entry, **more), days_ago(since), None if gone is None else days_ago(gone))  # type: ignore[arg-type]  # its fields


def asked(history: list[Listed], version: str | None, *, days: float = 5) -> Answer:
    return Approvals(history).at(Used((FILES,), PACKAGE.at(version)), days_ago(days))


def test_what_was_approved_then_decides_and_not_what_is_approved_now() -> None:
    history = [listed("1.4.1", since=20, gone=10), listed("1.4.2", since=10)]

    then, now = asked(history, "1.4.1", days=15), asked(history, "1.4.1", days=5)

    assert (then.then, now.then) == (Then.YES, Then.NO)
    assert now.why == "1.4.1 was not approved, but 1.4.2"


@pytest.mark.parametrize(
    ("history", "version", "then", "why"),
    [
        ([], "1.4.2", Then.UNKNOWN, "at any time"),
        ([listed(since=1)], "1.4.2", Then.UNKNOWN, "what was approved before"),
        ([listed(gone=8)], "1.4.2", Then.NO, "on no list then"),
        ([listed(None)], "1.4.2", Then.NO, "listed and not approved then"),
        ([listed(approval=approval(expires=days_ago(6)))], "1.4.2", Then.NO, "the approval had ended"),
        ([listed(server=replace(server(), stage=Stage.STAGING))], "1.4.2", Then.NO, "approved to be tried only"),
        ([listed(server=replace(server(), stage=Stage.RETIRED))], "1.4.2", Then.NO, "retired then"),
        ([listed()], None, Then.UNKNOWN, "which version is not known; approved was 1.4.2"),
    ],
)
def test_each_answer_says_why(history: list[Listed], version: str | None, then: Then, why: str) -> None:
    answer = asked(history, version)

    assert answer.then is then
    assert why in answer.why


def test_the_name_that_a_client_gives_a_server_decides_nothing() -> None:
    impostor = Deployment("h", "c", "l", FILES, PinKind.EXACT, Purl.npm("evil", "1.4.2"))

    answer = Approvals([listed()]).at(of_deployment(impostor), NOW)

    assert answer == Answer(Then.NO, "on no list then")


@pytest.mark.parametrize("other", [Purl.pypi("evil", "1.4.2"), Purl.npm("evil", "1.4.2")])
def test_another_package_under_a_listed_name_was_not_approved(other: Purl) -> None:
    used = Connection("id", NOW, FILES, other)

    assert Approvals([listed()]).at(of_connection(used), NOW).then is Then.NO


def test_a_version_alone_counts_under_the_servers_name() -> None:
    used = Connection("id", NOW, FILES, Purl("generic", None, FILES, "1.4.2"))

    assert Approvals([listed()]).at(of_connection(used), NOW).then is Then.YES


def test_an_address_is_told_in_each_of_its_spellings() -> None:
    allowed = Approval(Pin(Purl("generic", "com.acme", "remote")), "rita", None, None)
    history = [Listed(Entry(REMOTE, allowed, 1), days_ago(20), None)]

    answer = Approvals(history).at(
        of_connection(Connection("id", NOW, "gw-7", remote="HTTPS://MCP.acme.example/mcp/")), NOW
    )

    assert (answer.then, answer.server) == (Then.YES, "com.acme/remote")


def test_another_address_under_a_listed_name_was_not_approved() -> None:
    allowed = Approval(Pin(Purl("generic", "com.acme", "remote")), "rita", None, None)
    history = [Listed(Entry(REMOTE, allowed, 1), days_ago(20), None)]
    used = Connection("id", NOW, "com.acme/remote", remote="https://evil.example/mcp")

    assert Approvals(history).at(of_connection(used), NOW).then is Then.NO


@pytest.mark.parametrize(("content", "then"), [("a", Then.YES), ("b", Then.NO)])
def test_of_an_image_its_digest_decides(content: str, then: Then) -> None:
    good = Digest("sha256", "a" * 64)
    image = replace(server(), package=IMAGE)
    history = [listed(server=image, approval=Approval(Pin(IMAGE.at("1"), frozenset({good})), "rita", None, None))]
    used = Used((str(IMAGE),), IMAGE.at("other-tag"), Digest("sha256", content * 64))

    assert Approvals(history).at(used, NOW).then is then


def test_a_long_time_is_cut_where_the_answer_changes() -> None:
    ends = days_ago(4)
    history = [listed("1.4.1", since=20, gone=10), listed(since=10, approval=approval(expires=ends))]

    segments = Approvals(history).during(of_deployment(deployment("1.4.2")), days_ago(30), NOW)

    assert [(each.begin, each.end, each.answer.then) for each in segments] == [
        (days_ago(30), days_ago(20), Then.UNKNOWN),
        (days_ago(20), days_ago(10), Then.NO),
        (days_ago(10), ends, Then.YES),
        (ends, NOW, Then.NO),
    ]


@given(st.lists(st.integers(0, 100), max_size=8), st.integers(0, 100), st.integers(1, 50))
def test_segments_cover_the_time_and_agree_with_each_moment(changes: list[int], begin: int, length: int) -> None:
    at = sorted(set(changes))
    versions = ["1.4.1", "1.4.2", None]
    states = [
        Listed(Entry(server(), approval(v) if (v := versions[n % 3]) else None, 1), _day(one), _day(two))
        for n, (one, two) in enumerate(pairwise(at))
    ]
    approvals, used = Approvals(states), Used((FILES,), PACKAGE.at("1.4.2"))

    found = approvals.during(used, _day(begin), _day(begin + length))

    assert (found[0].begin, found[-1].end) == (_day(begin), _day(begin + length))
    assert all(one.end == two.begin for one, two in pairwise(found))
    assert all(approvals.at(used, each.begin + timedelta(hours=1)).then is each.answer.then for each in found)


def _day(number: int) -> datetime:
    return days_ago(200 - number)
