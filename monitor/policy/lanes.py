"""How loud a finding is: page, ticket or digest."""

from collections.abc import Container, Iterable
from datetime import datetime
from enum import StrEnum

from monitor.domain.finding import Confidence, Finding, Tracked
from monitor.domain.purl import Purl
from monitor.policy.settings import Policy


class Lane(StrEnum):
    """How soon somebody hears of a finding."""

    PAGE = "page"
    TICKET = "ticket"
    DIGEST = "digest"


def live_findings(policy: Policy, tracked: Iterable[Tracked], now: datetime) -> list[Tracked]:
    """Return the findings that nobody has waived."""
    return [each for each in tracked if policy.waiver(each.finding, now) is None]


def _signals(finding: Finding, live: Iterable[Tracked]) -> set[str]:
    return {each.finding.rule for each in live if each.finding.trust_signal and each.finding.about == finding.about}


OF_A_CANDIDATE = frozenset(
    {
        "new-release",
        "too-young",
        "submitted",
        "provenance-lost",
        "provenance-partial",
        "provenance-missing",
        "publisher-changed",
        "ref-unusual",
        "cannot-tell",
    }
)
"""Rules that speak against letting a version in: where it was rejected, nothing is left to do about them. Where it runs all the same,
another rule says so."""


def answered_by_rejection(finding: Finding, rejected: Container[Purl]) -> bool:
    """Whether somebody has kept out the version against which the finding speaks."""
    return finding.rule in OF_A_CANDIDATE and finding.about is not None and finding.about in rejected


def lane(policy: Policy, finding: Finding, live: Iterable[Tracked]) -> Lane:
    """One independent trust signal holds the version and opens a ticket; two or more on one version page somebody.

    What is bad enough pages alone where it has no known false positives (its confidence is high).
    """
    if finding.severity >= policy.page_at and finding.confidence is Confidence.HIGH:
        return Lane.PAGE
    # Only then: a server may have a finding for each of ten thousand places, and all of them would be counted for each.
    if finding.trust_signal and finding.about and len(_signals(finding, live)) > 1:
        return Lane.PAGE
    return Lane.TICKET if finding.severity >= policy.ticket_at else Lane.DIGEST
