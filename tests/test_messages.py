"""What a reviewer reads in a ticket: every question of a decision, answered for both versions, with its source."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.domain.advisory import Advised, Advisory, Match
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.document import Document, Paragraph, Table, plain
from monitor.domain.finding import Finding, Severity
from monitor.domain.provenance import Verdict
from monitor.domain.purl import Purl
from monitor.domain.release import Manifest
from monitor.domain.review import Review, State
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.messages import ticket_body
from monitor.messages.evidence import HEADER
from monitor.messages.summary import approvable, summary
from tests.make import (
    NOW,
    PACKAGE,
    PUBLISHER,
    approval,
    claim,
    days_ago,
    deployment,
    digest,
    known,
    looked,
    release,
    snapshot,
)

BEFORE, AFTER = PACKAGE.at("1.4.2"), PACKAGE.at("1.4.3")
FIXED = Advisory("GHSA-aaaa-bbbb-cccc", (), "a flaw", (), Severity.HIGH, None, days_ago(3))


def advised(*, before: bool = False, after: bool = False) -> dict[Purl, Advised]:
    return {purl: Advised((Match(purl, FIXED),) if named else ()) for purl, named in ((BEFORE, before), (AFTER, after))}


def dependencies(of: Purl, *names: str, whole: bool = False) -> Dependencies:
    found = tuple(Dependency(Purl.npm(name).at("1.0.0"), (name,)) for name in names)
    return Dependencies(of, "npm registry", whole, found)


def seen(**parts: object) -> Snapshot:
    """1.4.2 is approved and 1.4.3 is new; both are known in every respect."""
    was = replace(release("1.4.2", days=30), manifest=Manifest((), ("ada", "grace"), "ada", 1_000))
    now = replace(
        release("1.4.3", days=1), manifest=Manifest(("postinstall: node setup.js",), ("mallory",), "mallory", 9_000_000)
    )
    ordinary = {
        "approval": approval(publisher=PUBLISHER),
        "package": looked(known(was), was, now),
        "verifications": {
            BEFORE: (claim("1.4.2", publisher=PUBLISHER),),
            AFTER: (claim("1.4.3", publisher=replace(PUBLISHER, ref="refs/heads/x", trigger="push")),),
        },
        "advisories": advised(before=True),
        "dependencies": {BEFORE: dependencies(BEFORE, "zod", "ws"), AFTER: dependencies(AFTER, "zod", "colours")},
        "deployments": (deployment(), deployment("1.4.3", host="laptop-8")),
    }
    return snapshot(**(ordinary | parts))


def review(*, until: datetime | None = None, needed: int = 1, publisher: bool = True) -> Review:
    pin = Pin(AFTER, frozenset({digest("1.4.3")}), PUBLISHER if publisher else None)
    return Review("io.github.acme/files-mcp", pin, State.DETECTED, NOW, approvable_from=until, approvers_needed=needed)


def rows(document: Document) -> dict[str, tuple[str, ...]]:
    (table,) = (block for block in document if isinstance(block, Table) and block.header == HEADER)
    return {row[0]: row[1:] for row in table.rows}


def signal(rule: str) -> Finding:
    return Finding(rule, "a", rule, Severity.HIGH, "it happened", about=AFTER, trust_signal=True)


@pytest.mark.parametrize(
    ("what", "before", "after"),
    [
        ("version", "pkg:npm/%40acme/files-mcp@1.4.2", "pkg:npm/%40acme/files-mcp@1.4.3"),
        ("age", "30 days", "0 hours"),
        ("built from", "refs/tags/v1.4.2", "refs/heads/x, trigger push"),
        ("verified by", "provenance verified: npm attestation", "provenance verified: npm attestation"),
        ("runs when installed", "nothing", "postinstall: node setup.js"),
        ("dependencies", "2 as declared", "2 as declared"),
        ("maintainers", "ada, grace", "mallory"),
        ("published by", "ada", "mallory"),
        ("size", "1,000 bytes unpacked", "9,000,000 bytes unpacked"),
        ("open advisories", "GHSA-aaaa-bbbb-cccc", "none"),
        ("advisories mended", "does not apply", "GHSA-aaaa-bbbb-cccc"),
        ("deployed", "1 place on 1 host", "1 place on 1 host"),
    ],
)
def test_a_ticket_compares_the_version_with_the_approved_one(what: str, before: str, after: str) -> None:
    told = rows(ticket_body(seen(), review(), []))

    assert told[what][:2] == (before, after)


def test_each_line_names_its_source_and_the_time_of_the_look() -> None:
    told = rows(ticket_body(seen(), review(), []))

    assert all(source.endswith(", 2026-11-20 12:00 UTC") for _, _, source in told.values())
    assert told["maintainers"][2].startswith("npm,")
    assert told["publisher"][2].startswith("certificate,")


def test_a_ticket_names_the_dependencies_that_came_and_went() -> None:
    text = plain(ticket_body(seen(), review(), []))

    assert "added (1): colours 1.0.0" in text
    assert "removed (1): ws 1.0.0" in text


def test_of_many_new_dependencies_twenty_are_named_and_all_are_counted() -> None:
    many = dependencies(AFTER, *(f"new-{number:03}" for number in range(50)))

    text = plain(ticket_body(seen(dependencies={BEFORE: dependencies(BEFORE), AFTER: many}), review(), []))

    assert "added (50): new-000 1.0.0" in text
    assert "new-019 1.0.0 and 30 more" in text


def test_dependencies_at_different_depths_are_not_compared() -> None:
    told = {BEFORE: dependencies(BEFORE, "zod", whole=True), AFTER: dependencies(AFTER, "ws")}

    text = plain(ticket_body(seen(dependencies=told), review(), []))

    assert "cannot be told: npm registry and npm registry look to different depths." in text


def test_what_is_not_known_is_never_blank_and_says_why() -> None:
    silent = Unknown(Reason.UNAVAILABLE, "npm", "no answer")
    blind = seen(
        package=silent, verifications=silent, advisories=silent, dependencies={AFTER: silent}, deployments=silent
    )

    document = ticket_body(blind, review(publisher=False), [])

    told = rows(document)
    assert plain(document).startswith("Not checked")
    assert all(cell.strip() for row in told.values() for cell in row)
    for what in ("published", "publisher", "verified by", "maintainers", "open advisories", "deployed", "dependencies"):
        assert told[what][1] == "not known: npm: unavailable, no answer"


def test_what_nobody_asked_about_in_this_look_stands_first_too() -> None:
    text = plain(ticket_body(seen(advisories={}, dependencies={}), review(), []))

    first = text.partition("Decision")[0]
    assert "the table says why: dependencies, open advisories, advisories mended" in first


def test_nothing_stands_first_when_everything_is_known() -> None:
    assert plain(ticket_body(seen(), review(), [])).startswith("Decision")


def test_a_server_without_an_approved_version_is_measured_by_nothing() -> None:
    told = rows(ticket_body(seen(approval=None), review(), []))

    assert {before for what, (before, _, _) in told.items() if what != "advisories mended"} == {"nothing is approved"}


def test_the_pin_stands_there_with_its_fingerprint() -> None:
    asked = review()

    text = plain(ticket_body(seen(), asked, []))

    assert f"Pin {asked.candidate.fingerprint}: pkg:npm/%40acme/files-mcp@1.4.3" in text


@pytest.mark.parametrize("signals", [(), ("publisher-changed",), ("publisher-changed", "ref-unusual")])
@pytest.mark.parametrize("advisories", [advised(), advised(before=True), advised(after=True), {}])
def test_the_summary_has_exactly_two_sentences(signals: tuple[str, ...], advisories: dict[Purl, Advised]) -> None:
    said = summary(seen(advisories=advisories), AFTER, [signal(rule) for rule in signals])

    assert said.count(". ") == 1
    assert said.endswith(".")


def test_the_summary_counts_the_signals_and_names_what_is_mended() -> None:
    findings = [signal("publisher-changed"), signal("ref-unusual"), signal("ref-unusual")]

    said = summary(seen(), AFTER, findings)

    assert said == (
        "Two independent trust signals: publisher-changed, ref-unusual. "
        "It mends GHSA-aaaa-bbbb-cccc; nothing names this version."
    )


def test_the_summary_says_what_could_not_be_checked() -> None:
    silent = seen(advisories={AFTER: Advised((), (Unknown(Reason.UNAVAILABLE, "osv", "no answer"),))})

    said = summary(silent, AFTER, [])

    assert "1 thing could not be checked" in said
    assert "whether an advisory names this version is not known" in said


def test_a_ticket_says_from_when_the_version_can_be_approved() -> None:
    said = approvable(seen(advisories=advised()), review(until=NOW + timedelta(hours=72)))

    assert said == (
        "It can be approved from 2026-11-23 12:00 UTC (first seen 2026-11-20 12:00 UTC, hold 72 h, one approver)."
    )


def test_a_security_fix_is_held_for_less_and_needs_two() -> None:
    said = approvable(seen(), review(until=NOW + timedelta(hours=24), needed=2))

    assert "hold 24 h for a security fix, two approvers" in said


def test_a_version_that_its_registry_never_had_cannot_be_approved() -> None:
    never = datetime.max.replace(tzinfo=UTC)

    assert approvable(seen(), review(until=never)) == "It cannot be approved: it was not seen in its registry."


def test_what_could_not_be_had_of_one_file_is_no_verification() -> None:
    lost = seen(verifications={AFTER: (claim("1.4.3", Verdict.UNAVAILABLE),)})

    told = rows(ticket_body(lost, review(publisher=False), []))

    assert told["verified by"][1] == "could not check"
    assert told["publisher"][1] == "nobody vouches for it"


def test_a_reviewer_of_an_approved_version_is_told_no_dependency_changes() -> None:
    same = replace(review(), candidate=Pin(BEFORE))

    document = ticket_body(seen(), same, [])

    assert not any(isinstance(block, Paragraph) and block.text.startswith("Dependencies") for block in document)
