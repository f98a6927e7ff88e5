"""Findings -> actions: severity thresholds, lanes, waivers, who is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.domain.finding import Finding, Severity
from monitor.domain.server import Server


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that somebody answers for, for a while. `server` and `subject` may be `*`."""

    rule: str
    server: str
    subject: str
    reason: str
    by: str
    expires_at: datetime

    def covers(self, finding: Finding, now: datetime) -> bool:
        """Whether the finding is waived at that time."""
        return (
            self.rule == finding.rule
            and self.server in ("*", finding.server)
            and self.subject in ("*", finding.subject)
            and now < self.expires_at
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """What the organisation decided about who is told what."""

    page_at: Severity = Severity.CRITICAL
    """From here on somebody is alerted at once; two independent trust signals on one version do so, too."""
    ticket_at: Severity = Severity.MEDIUM
    """From here on a finding opens a re-approval ticket; below, it waits for the digest."""
    exit_at: Severity = Severity.MEDIUM
    """From here on an open finding makes `run` exit with 1."""
    cooldown: timedelta = timedelta(hours=24)
    """A finding that recurs within this time after somebody was told is not told again."""
    channel: str = "default"
    channels_by_owner: Mapping[str, str] = field(default_factory=dict)
    channels_by_tier: Mapping[int, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    look_every: timedelta = timedelta(hours=1)
    """How long after a look at a server the next one is due, for `serve`."""
    silent_after: timedelta = timedelta(hours=24)
    """A source that has not answered for this long is a finding of its own."""

    def channel_for(self, server: Server | None) -> str:
        """Return the channel that hears about a server: its owner's, else its tier's, else the default."""
        if server is None:
            return self.channel
        tier = self.channels_by_tier.get(server.tier, self.channel)
        return self.channels_by_owner.get(server.owner, tier)

    def waiver(self, finding: Finding, now: datetime) -> Waiver | None:
        """Return the waiver that covers the finding now, None where nobody answers for it."""
        return next((waiver for waiver in self.waivers if waiver.covers(finding, now)), None)
