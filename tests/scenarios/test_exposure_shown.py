"""How the answers to `exposure` and `advisories` look: as JSON, where a question cannot be read, and where texts mean harm."""

import pytest

from tests.desk import Desk
from tests.scenarios.conftest import BUILDER, FILES
from tests.scenarios.exposed import (
    BEGAN,
    CLEANED,
    FILES_PACKAGE,
    LAPTOP,
    QS,
    RECORDED,
    VERSION,
    cleaned,
    desk,
    lock,
    look,
    rows,
)
from tests.world import Fault, Kind

__all__ = ["cleaned", "desk"]


# --- as JSON


def test_the_answer_as_json_has_this_shape(cleaned: Desk) -> None:
    answer = cleaned("exposure", "MAL-2026-1", "--json").json()

    assert set(answer) == {"asked", "exposures", "findings", "reviews", "not_known"}
    exposures, findings, reviews = answer["exposures"], answer["findings"], answer["reviews"]
    assert isinstance(exposures, list)
    assert isinstance(findings, list)
    assert isinstance(reviews, list)
    assert exposures[0] == {
        "kind": "deployed",
        "certain": True,
        "where": LAPTOP,
        "place": "/home/laptop-7/mcp.json",
        "version": VERSION,
        "culprit": VERSION,
        "path": [],
        "path_source": None,
        "declared": None,
        "since": f"{BEGAN}:00+00:00",
        "until": f"{CLEANED}:00+00:00",
        "seen_at": f"{BEGAN}:00+00:00",
        "disabled": False,
    }
    assert [each["rule"] for each in findings] == ["malware"]
    assert findings[0]["told"] == "page"
    assert findings[0]["told_at"] == f"{RECORDED}:00+00:00"
    assert [(each["version"], each["ticket"]) for each in reviews] == [(VERSION, "MCPSEC-1")]


def test_the_advisories_as_json_have_this_shape(desk: Desk) -> None:
    lock(desk.company)
    desk.world.osv.advise("GHSA-qs", QS, fixed="6.10.3")
    look(desk)

    answer = desk("advisories", "--json").json()

    every = answer["advisories"]
    assert isinstance(every, list)
    (found,) = every
    assert (found["rule"], found["server"], found["about"]) == ("dependency-affected", FILES, VERSION)
    assert {"path", "fixed in", "approved fix", "deployed on"} <= {fact["label"] for fact in found["facts"]}
    assert answer["sources"] == {
        "osv": {"answered_at": f"{BEGAN}:00+00:00", "failing_since": None, "detail": None},
    }
    assert (answer["risks_as_of"], answer["not_resolved"]) == ({}, {})


def test_the_advisories_of_one_server(desk: Desk) -> None:
    desk.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    look(desk)

    of_another = desk("advisories", "--server", "io.github.acme/fetch-mcp", "--json").json()

    assert of_another["advisories"] == []
    assert "GHSA-1111-2222-3333" in desk("advisories", "--server", FILES).out


# --- what cannot be asked


@pytest.mark.parametrize(
    "range_",
    [
        "pkg:npm/%40acme/files-mcp@~1.4",
        "pkg:npm/%40acme/files-mcp@>=",
        "pkg:npm/%40acme/files-mcp@>=not.a.version",
        "pkg:npm/",
        "pkg:",
        "pkg:npm/@acme",
    ],
)
def test_a_range_that_cannot_be_read_is_told(desk: Desk, range_: str) -> None:
    look(desk)

    answer = desk("exposure", range_)

    assert (answer.code, answer.out) == (2, "")
    assert f"mcp-monitor: {range_}: " in answer.err


@pytest.mark.parametrize(
    ("begin", "end"), [("yesterday", "2026-12-10"), ("2026-12-09", "2026-13-40"), ("2026-12-10", "2026-12-09")]
)
def test_a_time_that_cannot_be_read_is_told(desk: Desk, begin: str, end: str) -> None:
    look(desk)

    answer = desk("exposure", VERSION, "--between", begin, end)

    assert (answer.code, answer.out) == (2, "")
    assert "--between: expected" in answer.err


# --- texts that mean harm


def test_names_that_steer_a_terminal_are_shown_and_not_obeyed(desk: Desk) -> None:
    name = "lap\x1b[2Jtop\u202e"
    desk.company.deploy(name, VERSION, location="/home/\x07\x1b]0;owned\x07")
    look(desk)

    table, told = desk("exposure", VERSION), desk("exposure", VERSION, "--json")

    assert not {"\x1b", "\x07", "\u202e"} & set(table.out + told.out)
    assert "lap\\u{1b}[2Jtop\\u{202e}" in table.out
    assert f"{name} claude-desktop" in [each["where"] for each in rows(told)]


def test_a_records_texts_are_shown_and_not_obeyed(desk: Desk) -> None:
    desk.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    desk.world.osv.records["MAL-2026-1"]["summary"] = "Malicious \x1b[31mcode\x07\u202e"
    look(desk)

    answers = [desk("exposure", "MAL-2026-1"), desk("advisories")]

    assert not {"\x1b", "\x07", "\u202e"} & set("".join(each.out + each.err for each in answers))
    assert "Malicious \\u{1b}[31mcode" in answers[1].out


@pytest.mark.parametrize("asked", ["CVE-\x1b[2J", "pkg:npm/a@>=\x1b[2J", "pkg:npm/\x1b[2J@1", "pkg:npm/a@\x1b[2J"])
def test_what_is_asked_is_shown_and_not_obeyed(desk: Desk, asked: str) -> None:
    look(desk)

    answers = [desk("exposure", asked), desk("exposure", VERSION, "--between", asked, "2026-12-10")]

    assert "\x1b" not in "".join(each.out + each.err for each in answers)


def test_names_of_a_flaw_that_steer_a_terminal_are_shown_and_not_obeyed(desk: Desk) -> None:
    desk.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    desk.world.osv.records["MAL-2026-1"]["aliases"] = ["CVE-\x1b[2J", "GHSA-\u202e"]
    look(desk)

    answers = [desk("exposure", "MAL-2026-1"), desk("advisories")]

    assert not {"\x1b", "\u202e"} & set("".join(each.out + each.err for each in answers))


# --- what the list of advisories cannot know


def test_before_any_source_was_asked_nothing_is_an_all_clear(desk: Desk) -> None:
    desk.company.app.store.migrate()

    answer = desk("advisories")

    assert answer.code == 3
    assert "No advisory names" not in answer.out
    assert "What osv knows is missing here: it never answered" in answer.err


def test_while_a_source_fails_nothing_is_an_all_clear(desk: Desk) -> None:
    look(desk)
    desk.world.break_("osv", Fault(Kind.OUTAGE))
    desk.company.later(hours=1)
    look(desk)

    answer = desk("advisories")

    assert answer.code == 3
    assert "No advisory names" not in answer.out
    assert "What osv knows is missing here: it failed last" in answer.err


def test_when_every_source_answered_it_is_said_that_no_advisory_names_anything(desk: Desk) -> None:
    look(desk)

    answer = desk("advisories")

    assert answer.code == 0
    assert "No advisory names a version that is approved, deployed or under review." in answer.out


def test_the_advisories_of_a_server_that_nobody_knows_are_refused(desk: Desk) -> None:
    look(desk)

    answer = desk("advisories", "--server", "io.github.acme/file-mcp")

    assert (answer.code, answer.out) == (2, "")
    assert f"did you mean {FILES}?" in answer.err


def test_what_a_deployed_version_declares_and_nobody_looked_at_is_counted_too(desk: Desk) -> None:
    desk.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER, dependencies={"qs": "^6.0.0"})
    desk.company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")
    look(desk)

    answer = desk("advisories", "--json")

    assert answer.json()["not_resolved"] == {"pkg:npm/%40acme/files-mcp@1.4.3": 1}


def test_what_the_database_said_that_was_replaced_by_a_copy_is_no_all_clear(desk: Desk) -> None:
    look(desk)
    config = desk.company.config.read_text("utf-8")
    copied = config.replace('[sources.osv_mirror]\nplace = ""', '[sources.osv_mirror]\nplace = "/nowhere"')
    desk.company.config.write_text(copied, "utf-8")

    servers, advisories = desk("servers"), desk("advisories")

    assert "none known" not in servers.out
    assert advisories.code == 3
    assert "What osv_mirror knows is missing here: it never answered" in advisories.err
