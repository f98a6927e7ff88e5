"""Who is asked about releases, advisories and risks: the sections below [sources]."""

from datetime import timedelta
from pathlib import Path

from monitor.config_section import Section
from monitor.option_types import Address, Duration, Flag, Location, Name, Origin, Place, Variable


class Source(Section):
    """One source of releases or advisories."""

    enabled: Flag = True
    url: Address = ""
    artifact_hosts: tuple[Name, ...] = ()
    token_env: Variable = ""
    token_file: Location = None


class GitHub(Source):
    """GitHub's API; without a token it answers 60 requests an hour."""

    url: Address = "https://api.github.com"
    token_env: Variable = "GITHUB_TOKEN"  # noqa: S105 the variable's name


class Osv(Section):
    """The advisory database."""

    enabled: Flag = True
    url: Address = "https://api.osv.dev"


class OsvMirror(Section):
    """A copy of the advisory database's export, asked in place of the database. Without a place there is none."""

    place: Origin = ""
    folder: Place = Path("osv-mirror")
    stale_after: Duration = timedelta(hours=24)


class GitHubAdvisories(Section):
    """What GitHub lists as malware, and what servers' own repositories publish; asked as [sources.github] says, with a token only."""

    enabled: Flag = True


class Kev(Section):
    """CISA's catalogue of flaws that are known to be used; empty: it is not read."""

    place: Origin = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"


class Epss(Section):
    """FIRST's daily forecast of which flaws will be used; empty: it is not read."""

    place: Origin = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"


class Sources(Section):
    """Who is asked about releases, advisories and risks."""

    npm: Source
    pypi: Source
    github: GitHub
    osv: Osv
    osv_mirror: OsvMirror
    github_advisories: GitHubAdvisories
    kev: Kev
    epss: Epss
