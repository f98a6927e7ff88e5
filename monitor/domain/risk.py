"""How likely a known flaw is to be used: CISA's catalogue of exploited vulnerabilities (KEV), and FIRST's forecast (EPSS)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from monitor.domain.finding import Severity


@dataclass(frozen=True, slots=True)
class Exploited:
    """An entry of KEV: attackers have used the flaw."""

    added_on: date
    ransomware: bool
    """Whether a ransomware campaign is known to use it."""


@dataclass(frozen=True, slots=True)
class RiskTable:
    """What one source says, by CVE id: of all flaws that it knows. A flaw that is not there has no score, which is not a score of 0."""

    source: str
    """`kev` or `epss`."""
    as_of: datetime
    """The day of the data, as the source says; not when we read it."""
    exploited: Mapping[str, Exploited] = field(default_factory=dict)
    epss: Mapping[str, float] = field(default_factory=dict)
    """The probability (0 to 1) that the flaw is used within 30 days."""


@dataclass(frozen=True, slots=True)
class Risk:
    """What is known of one flaw under all its names."""

    exploited: Exploited | None = None  # None: in no catalogue
    epss: float | None = None  # None: no score

    def raised(self, severity: Severity, *, likely: bool) -> Severity:
        """Return the severity that the flaw deserves: critical if it is used, one step up if it probably will be."""
        if self.exploited:
            return Severity.CRITICAL
        if likely:
            return list(Severity)[min(severity.rank + 1, Severity.CRITICAL.rank)]
        return severity

    def likely(self, epss_at: float) -> bool:
        """Whether the forecast is `epss_at` or higher."""
        return self.epss is not None and self.epss >= epss_at


@dataclass(frozen=True, slots=True)
class Risks:
    """What is known of the flaws of one look."""

    by_cve: Mapping[str, Risk] = field(default_factory=dict)
    epss_at: float = 0.1
    """From here on a forecast raises the severity."""

    def of(self, names: Iterable[str]) -> Risk:
        """Return the worst of what is known under any of the names."""
        found = [self.by_cve[name] for name in names if name in self.by_cve]
        exploited = [risk.exploited for risk in found if risk.exploited]
        scores = [risk.epss for risk in found if risk.epss is not None]
        return Risk(
            min(exploited, key=lambda entry: (not entry.ransomware, entry.added_on), default=None),
            max(scores, default=None),
        )
