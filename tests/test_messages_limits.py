"""A server on many hosts, in what a tracker takes: the evidence stays whole, and what is left out is counted."""

import json
from dataclasses import replace

import msgspec
import pytest

from connectors._markup.adf import adf
from connectors._markup.wiki import wiki
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.document import Document, plain
from monitor.domain.finding import Fact, Finding, Severity
from monitor.domain.review import Review, State
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.messages import alert_body, comment_body, ticket_body
from monitor.rules import SERVER_RULES
from tests.make import NOW, PACKAGE, deployment, digest, found, known, looked, release, snapshot
from tests.world.jira_rules import text_problem

LIMIT = 32_767
NOTE = "The rest did not fit here"


def fleet(count: int, name: str = "laptop-{}") -> Snapshot:
    """Each host runs a version that is ahead, by a command that floats, from a redirected registry."""
    places = tuple(
        replace(
            deployment(None, host=name.format(number), kind=PinKind.NONE),
            installed=PACKAGE.at("1.4.3"),
            redirects=("NPM_CONFIG_REGISTRY",),
        )
        for number in range(count)
    )
    return placed(places)


def placed(places: tuple[Deployment, ...]) -> Snapshot:
    was, now = release("1.4.2"), release("1.4.3", days=1)
    return snapshot(package=looked(known(was), was, now), deployments=places)


def judged(seen: Snapshot) -> list[Finding]:
    return sorted((each for rule in SERVER_RULES for each in found(rule(seen))), key=lambda each: -each.severity.rank)


def body(seen: Snapshot, findings: list[Finding]) -> Document:
    pin = Pin(PACKAGE.at("1.4.3"), frozenset({digest("1.4.3")}))
    return ticket_body(seen, Review(seen.server.name, pin, State.DETECTED, NOW), findings)


def cloud(document: Document) -> object:
    return json.loads(msgspec.json.encode(adf(document)))


def test_a_server_on_sixty_hosts_with_three_findings_each_fits_whole() -> None:
    seen = fleet(60)
    findings = judged(seen)

    document = body(seen, findings)

    assert len([each for each in findings if each.rule != "new-release"]) >= 3 * 60
    assert text_problem(cloud(document), cloud=True) == ""
    assert text_problem(wiki(document), cloud=False) == ""
    assert NOTE not in json.dumps(cloud(document))
    assert NOTE not in wiki(document)


def test_findings_about_many_hosts_have_one_line_for_each_and_count_the_rest() -> None:
    seen = fleet(60)

    text = plain(body(seen, judged(seen)))

    assert "unapproved-version, in 60 places:" in text
    assert "and 40 more: mcp-monitor drift --server io.github.acme/files-mcp" in text
    assert text.count("What to do: Move the host to the approved version, or approve this one.") == 1


def test_deployments_are_counted_and_forty_hosts_are_named() -> None:
    seen = fleet(60)

    text = plain(body(seen, []))

    (line,) = (line for line in text.splitlines() if line.startswith("1.4.3 on the disk"))
    assert " | 60 | " in line
    assert line.count("laptop-") == 40
    assert line.endswith("and 20 more")


def test_an_alert_about_many_hosts_has_one_line_for_each() -> None:
    floating = [each for each in judged(fleet(60)) if each.rule == "floating-version"]

    text = plain(alert_body(floating))

    assert "floating-version, in 60 places:" in text
    assert "and 40 more: mcp-monitor drift --server io.github.acme/files-mcp" in text


def test_the_worst_findings_stand_first_and_the_rest_is_counted() -> None:
    findings = [Finding("republished", "a", str(number), Severity.HIGH, f"case {number}") for number in range(40)]

    text = plain(comment_body(findings, NOW))

    assert "case 24" in text
    assert "case 25" not in text
    assert "and 15 more: mcp-monitor findings --server a" in text


@pytest.mark.parametrize("letter", ["é", "語", "😀", '"', "\\", ",:", "\u202e", "<&*|{"])
@pytest.mark.parametrize("count", [60, 500])
def test_no_ticket_is_refused_for_its_length_whatever_strangers_write(letter: str, count: int) -> None:
    seen = fleet(count, letter * 60 + "{}" if "{" not in letter else "<&*|-{}")
    facts = tuple(Fact(f"fact {number}", letter * 3_000) for number in range(30))
    hostile = [Finding("republished", "a", str(each), Severity.HIGH, letter * 9_000, facts) for each in range(30)]

    document = body(seen, [*hostile, *judged(seen)])

    assert text_problem(cloud(document), cloud=True) == ""
    assert len(json.dumps(cloud(document))) <= LIMIT
    assert text_problem(wiki(document), cloud=False) == ""


def test_what_changed_comes_before_what_may_be_cut_off() -> None:
    facts = tuple(Fact(f"fact {number}", "語" * 3_000) for number in range(30))
    hostile = [Finding("republished", "a", str(each), Severity.HIGH, "語" * 9_000, facts) for each in range(30)]

    shown = json.dumps(cloud(body(fleet(60), hostile)))

    assert "it can be approved now" in shown
    assert "runs when installed" in shown
    assert NOTE in shown
