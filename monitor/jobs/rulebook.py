"""What decisions are measured by now, read once for as many reviews as are looked at together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from monitor.domain.decision import Rules
from monitor.domain.finding import Severity
from monitor.domain.review import Review
from monitor.jobs.answer_for import policy_of
from monitor.policy.settings import Policy
from monitor.ports.store import UnitOfWork

BLOCKING = "identity-mismatch"
"""The rule whose findings forbid an approval: what is asked for is perhaps not what it says it is."""
MOST_CRITICAL = 1
"""The tier of a server whose tier is not known."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """By server: its tier, who submitted it, and what blocks its approval."""

    policy: Policy
    now: datetime
    tiers: Mapping[str, int]
    submitters: Mapping[str, str]
    blocked: Mapping[str, str]

    @classmethod
    def of(cls, unit: UnitOfWork, policy: Policy, now: datetime) -> Self:
        """Read it."""
        submissions = unit.submissions()
        tiers = {each.server.name: each.server.tier for each in submissions}
        tiers |= {name: entry.server.tier for name, entry in unit.entries().items()}
        answered = policy_of(unit, policy, now)
        blocked = {
            each.finding.server: f"{each.finding.rule}: {each.finding.summary}"
            for each in unit.findings(rules={BLOCKING})
            if each.open and each.finding.severity >= Severity.HIGH and answered.waiver(each.finding, now) is None
        }
        return cls(policy, now, tiers, {each.server.name: each.by for each in submissions}, blocked)

    def rules(self, review: Review, *, reporter: str = "") -> Rules:
        """Return the rules for one review; `reporter` is the name of the person who opened its ticket."""
        return Rules(
            self.policy.people,
            self.tiers.get(review.server, MOST_CRITICAL),
            self.now,
            reporter=reporter,
            submitter=self.submitters.get(review.server, ""),
            blocked_by=self.blocked.get(review.server, ""),
        )
