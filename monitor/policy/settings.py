"""What the organisation decided about who is told what, and who may approve what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.domain.finding import Finding, Severity
from monitor.domain.people import People
from monitor.domain.server import Server
from monitor.domain.terms import Terms
from monitor.domain.waiver import Kind, Waiver


@dataclass(frozen=True, slots=True)
class Hold:
    """How old a version has to be before it can be approved, counted from when it was seen first."""

    usual: timedelta = timedelta(hours=72)
    security_fix: timedelta = timedelta(hours=24)
    """For a version that mends an advisory on the approved one; two people have to approve it then."""


@dataclass(frozen=True, slots=True)
class Campaigns:
    """From when on findings about many servers are one matter."""

    at: int = 5
    """So many servers of one scope or publisher."""
    within: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Quarterly:
    """The question to each owner, once a quarter."""

    answer_within: timedelta = timedelta(days=21)
    unseen_after: timedelta = timedelta(days=90)
    """A server that was deployed nowhere for so long is called unused."""
    speaks_for: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By owner: the names of the people who may retire the owner's servers, beside those who approve."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the organisation decided."""

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
    """Those of the configuration, and where a job has read them those that people gave by command."""
    look_every: timedelta = timedelta(hours=1)
    """How long after a look at a server the next one is due, for `serve`."""
    advise_every: timedelta = timedelta(minutes=10)
    """The same for the job that only asks about advisories: less than between its ticks, which jitter, or every other one is lost."""
    silent_after: timedelta = timedelta(hours=24)
    """A source that has not answered for this long is a finding of its own."""
    host_silent_after: timedelta = timedelta(days=3)
    """A host whose last report is older than this is a finding."""
    roots_old_after: timedelta = timedelta(days=180)
    """A trust root that is older than this is a finding."""
    epss_at: float = 0.1
    """From this forecast on (0 to 1) a flaw counts as one step worse."""
    people: People = field(default_factory=People)
    hold: Hold = field(default_factory=Hold)
    campaigns: Campaigns = field(default_factory=Campaigns)
    quarterly: Quarterly = field(default_factory=Quarterly)
    expires_after: Mapping[int, timedelta] = field(default_factory=dict)
    """How long an approval by ticket or command holds, by tier; a tier that is not named: without end."""
    escalate_after: timedelta | None = timedelta(hours=4)
    """A page that nobody acknowledged for so long is said again in `escalate_to`; None: never."""
    escalate_to: str = ""
    """The channel; empty: where it was said."""

    @property
    def terms(self) -> Terms:
        """What of it the rules judge by."""
        return Terms(self.hold.usual, self.hold.security_fix, self.expires_after)

    def channel_for(self, server: Server | None) -> str:
        """Return the channel that hears about a server: its owner's, else its tier's, else the default."""
        if server is None:
            return self.channel
        tier = self.channels_by_tier.get(server.tier, self.channel)
        return self.channels_by_owner.get(server.owner, tier)

    def waiver(self, finding: Finding, now: datetime) -> Waiver | None:
        """Return the waiver that covers the finding now, None where nobody answers for it."""
        return self._answer(Kind.WAIVER, finding, now)

    def acknowledgement(self, finding: Finding, now: datetime) -> Waiver | None:
        """Return who said that they work on the finding, None where nobody did."""
        return self._answer(Kind.ACKNOWLEDGEMENT, finding, now)

    def _answer(self, kind: Kind, finding: Finding, now: datetime) -> Waiver | None:
        return next((each for each in self.waivers if each.kind is kind and each.covers(finding, now)), None)
