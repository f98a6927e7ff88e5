"""The configuration as frozen models: one class a section, one attribute an option. `config.example.toml` says what each means.

An empty text stands for "none" or "the usual"; secrets are named (`*_env`, `*_file`), never held. Reading, errors and secrets: `settings`.
"""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator, model_validator

from monitor.domain.finding import Severity
from monitor.option_types import (
    Address,
    Count,
    Cron,
    Duration,
    Flag,
    Instant,
    Listen,
    Location,
    Name,
    Origin,
    Place,
    Share,
    Variable,
    Zone,
    database,
    expected,
)
from monitor.rules import rule_id
from monitor.rules.documentation import every_rule


class Section(BaseModel):
    """What all sections share: unknown options are errors, defaults are checked like anything else, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _sections_may_be_left_out(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        kinds = {name: field.annotation for name, field in cls.model_fields.items()}
        return {name: {} for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Section)} | {
            **given
        }


class Registry(Section):
    """Where the approved servers are listed."""

    path: Place = Path("registry.yaml")


class Store(Section):
    """Where everything is kept."""

    url: str = "sqlite:///monitor.db"
    url_env: Variable = ""
    url_file: Location = None

    @field_validator("url")
    @classmethod
    def _no_password(cls, value: str, info: ValidationInfo) -> str:
        read = database(value, Path((info.context or {}).get("base", "")))
        if not read.startswith("sqlite:") and (urlsplit(read).password or "password=" in read):
            raise expected("an address without a password; give one that has it by url_env or url_file")
        return read


class Http(Section):
    """How the sources are asked."""

    contact: str = ""
    timeout: Duration = timedelta(seconds=20)
    per_host: Count = 8
    attempts: Count = 3
    max_wait: Duration = timedelta(seconds=60)
    max_document_mb: Count = 64
    max_download_mb: Count = 512


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


class McpConfig(Section):
    """Deployments as the MCP clients of this machine are configured."""

    kind: Literal["mcp-config"] = "mcp-config"
    host: str = ""
    home: Flag = True
    paths: tuple[Place, ...] = ()


class InventoryFile(Section):
    """Deployments as a file of JSON lines lists them."""

    kind: Literal["inventory-file"]
    path: Place


Inventory = Annotated[McpConfig | InventoryFile, Field(discriminator="kind")]


class Verification(Section):
    """Which trust roots decide; empty: those that ship with the program. Where newer ones are kept, and from where they come."""

    public_good_root: Location = None
    npm_keys: Location = None
    github_root: Location = None
    warn_after: Duration = timedelta(days=180)
    folder: Location = None
    mirror: Address = "https://tuf-repo-cdn.sigstore.dev"
    mirror_begin: Location = None
    github_mirror: Address = "https://tuf-repo.github.com"
    github_mirror_begin: Location = None


class Waiver(Section):
    """A finding that somebody answers for, until a day."""

    rule: Name
    server: Name = "*"
    subject: Name = "*"
    reason: Name
    by: Name
    expires: Instant

    @field_validator("rule")
    @classmethod
    def _known(cls, value: str) -> str:
        known = [rule_id(rule) for rule in every_rule()]
        if value not in known:
            near = get_close_matches(value, known, n=1, cutoff=0.4)
            raise expected(f"a rule's id{f'; did you mean {near[0]}?' if near else ': docs/rules/ lists them'}")
        return value


class Policy(Section):
    """Who is told what, and when."""

    page_at: Severity = Severity.CRITICAL
    ticket_at: Severity = Severity.MEDIUM
    exit_at: Severity = Severity.MEDIUM
    cooldown: Duration = timedelta(hours=24)
    look_every: Duration = timedelta(hours=1)
    silent_after: Duration = timedelta(hours=24)
    epss_at: Share = 0.1
    channel: Name = "default"
    channels_by_owner: Mapping[str, Name] = Field(default_factory=dict)
    channels_by_tier: Mapping[Literal["1", "2", "3"], Name] = Field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()


class Limits(Section):
    """How much is done at a time."""

    batch: Count = 200
    new_versions: Count = 10
    claim: Duration = timedelta(minutes=10)


class Jira(Section):
    """The tracker in which re-approvals are decided. Without an address tickets are printed."""

    url: Address = ""
    flavour: Literal["cloud", "datacenter"] = "cloud"
    project: str = ""
    issue_type: str = "Task"
    email: str = ""
    token_env: Variable = ""
    token_file: Location = None
    labels: tuple[Name, ...] = ("mcp-monitor",)
    priorities: Mapping[Severity, Name] = Field(default_factory=dict)
    fields: Mapping[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url and not self.project:
            raise expected("`project`, the key of the project that gets the tickets, beside `url`")
        if self.url and not (self.token_env or self.token_file):
            raise expected("`token_env` or `token_file` beside `url`")
        return self


class Slack(Section):
    """Where people are told. Without a token and webhooks messages are printed."""

    api: Address = "https://slack.com/api"
    token_env: Variable = ""
    token_file: Location = None
    channels: Mapping[str, Name] = Field(default_factory=dict)
    webhooks_env: Mapping[str, Annotated[Variable, Field(min_length=1)]] = Field(default_factory=dict)
    webhooks_file: Mapping[str, Place] = Field(default_factory=dict)

    @property
    def by_token(self) -> bool:
        """Whether a bot token is configured."""
        return bool(self.token_env or self.token_file)

    @property
    def names(self) -> frozenset[str]:
        """The channel names that alerts can be sent to."""
        return frozenset({*self.channels, *self.webhooks_env, *self.webhooks_file})

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.by_token and (self.webhooks_env or self.webhooks_file):
            raise expected("a token with `channels`, or webhooks, not both")
        if self.by_token != bool(self.channels):
            raise expected("`token_env` or `token_file` together with `channels`")
        if both := sorted(self.webhooks_env.keys() & self.webhooks_file.keys()):
            raise expected(f"each channel once: {both[0]} has a webhook in `webhooks_env` and in `webhooks_file`")
        return self


class Schedule(Section):
    """When `serve` runs which job; empty: never."""

    fleet: Cron = "*/15 * * * *"
    mirror: Cron = "*/15 * * * *"
    risks: Cron = "0 6 * * *"
    releases: Cron = "*/15 * * * *"
    advisories: Cron = "*/15 * * * *"
    health: Cron = "*/15 * * * *"
    deliver: Cron = "*/5 * * * *"
    digest: Cron = "0 8 * * 1-5"
    roots: Cron = ""
    timezone: Zone = "UTC"
    jitter: Duration = timedelta(seconds=30)
    grace: Duration = timedelta(minutes=5)
    drain: Duration = timedelta(seconds=60)


class Log(Section):
    """What is logged, and how."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Web(Section):
    """Where `serve` answers /healthz, /readyz and /metrics."""

    listen: Listen = "127.0.0.1:8080"
    stale_after: Duration = timedelta(hours=3)


class Config(Section):
    """The whole configuration file."""

    registry: Registry
    store: Store
    http: Http
    sources: Sources
    inventory: tuple[Inventory, ...] = (McpConfig(),)
    verification: Verification
    policy: Policy
    limits: Limits
    jira: Jira
    slack: Slack
    schedule: Schedule
    log: Log
    web: Web

    @model_validator(mode="after")
    def _roots_have_a_folder(self) -> Self:
        if self.schedule.roots and not self.verification.folder:
            raise expected("a folder in verification.folder for the roots that schedule.roots fetches")
        return self

    @model_validator(mode="after")
    def _channels_exist(self) -> Self:
        if not self.slack.names:
            return self
        used = {self.policy.channel, *self.policy.channels_by_owner.values(), *self.policy.channels_by_tier.values()}
        if unknown := sorted(used - self.slack.names):
            raise expected(f"a channel of [slack] for each name in [policy]; {unknown[0]!r} has none")
        return self
