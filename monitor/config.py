"""The configuration as frozen models: one class a section, one attribute an option. `config.example.toml` says what each means.

An empty text stands for "none" or "the usual"; secrets are named (`*_env`, `*_file`), never held. Reading, errors and secrets: `settings`.
"""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from monitor.config_channels import Jira, Slack
from monitor.config_inventory import InventoryCsv, InventoryFolder, KubernetesPods, OsqueryResults, SbomInventory
from monitor.config_people import Person, Reviews
from monitor.config_section import Section
from monitor.config_siem import Audit, Siem
from monitor.config_sources import Sources
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
    Place,
    Share,
    Variable,
    Zone,
    database,
    expected,
)
from monitor.rules import rule_id
from monitor.rules.documentation import every_rule


class Registry(Section):
    """Where the approved servers are listed."""

    path: Place = Path("registry.yaml")
    kind: Literal["yaml", "mcp-registry", "toolhive", "docker"] = "yaml"
    owner: str = ""
    tier: Literal[1, 2, 3] = 2
    approved_by: str = ""

    @model_validator(mode="after")
    def _somebody_answers(self) -> Self:
        if self.kind != "yaml" and not (self.owner.strip() and self.approved_by.strip()):
            raise expected(f"owner and approved_by: a registry of kind {self.kind} names neither")
        return self


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


AnyInventory = (
    McpConfig | InventoryFile | InventoryFolder | InventoryCsv | OsqueryResults | KubernetesPods | SbomInventory
)
Inventory = Annotated[AnyInventory, Field(discriminator="kind")]
KINDS: Mapping[str, type[Section]] = {
    get_args(section.model_fields["kind"].annotation)[0]: section for section in get_args(AnyInventory)
}
"""Of [[inventory]]."""


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
    advise_every: Duration = timedelta(minutes=10)
    silent_after: Duration = timedelta(hours=24)
    host_silent_after: Duration = timedelta(days=3)
    epss_at: Share = 0.1
    channel: Name = "default"
    channels_by_owner: Mapping[str, Name] = Field(default_factory=dict)
    channels_by_tier: Mapping[Literal["1", "2", "3"], Name] = Field(default_factory=dict)
    escalate_after: Duration = timedelta(hours=4)
    escalate_to: str = ""
    waivers: tuple[Waiver, ...] = ()


class Limits(Section):
    """How much is done at a time."""

    batch: Count = 200
    new_versions: Count = 10
    claim: Duration = timedelta(minutes=10)


class Schedule(Section):
    """When `serve` runs which job; empty: never."""

    fleet: Cron = "*/15 * * * *"
    mirror: Cron = "12-59/15 * * * *"
    risks: Cron = "0 6 * * *"
    releases: Cron = "*/15 * * * *"
    advisories: Cron = "*/15 * * * *"
    health: Cron = "*/15 * * * *"
    reviews: Cron = "*/5 * * * *"
    deliver: Cron = "*/5 * * * *"
    escalate: Cron = "*/15 * * * *"
    siem: Cron = "*/5 * * * *"
    checkpoints: Cron = "0 * * * *"
    digest: Cron = "0 8 * * 1-5"
    weekly: Cron = "0 8 * * 1"
    roots: Cron = ""
    quarterly: Cron = "0 9 1 1,4,7,10 *"
    owners: Cron = "*/15 * * * *"
    timezone: Zone = "UTC"
    jitter: Duration = timedelta(seconds=30)
    grace: Duration = timedelta(minutes=5)
    drain: Duration = timedelta(seconds=60)


class Log(Section):
    """What is logged, and how."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Web(Section):
    """Where `serve` answers /healthz, /readyz and /metrics, who may send reports to /v1/inventory, and webhooks to /v1/jira."""

    listen: Listen = "127.0.0.1:8080"
    stale_after: Duration = timedelta(hours=3)
    reports_per_minute: Count = 2000
    fleets: Mapping[Name, Variable] = Field(default_factory=dict)
    jira_webhook_secret_env: Variable = ""

    @field_validator("fleets")
    @classmethod
    def _have_tokens(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if not all(value.values()):
            raise expected("for each fleet the name of an environment variable that holds its token")
        return value


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
    people: Mapping[Name, Person] = Field(default_factory=dict)
    reviews: Reviews
    jira: Jira
    slack: Slack
    siem: tuple[Siem, ...] = ()
    audit: Audit
    schedule: Schedule
    log: Log
    web: Web

    @model_validator(mode="after")
    def _roots_have_a_folder(self) -> Self:
        if self.schedule.roots and not self.verification.folder:
            raise expected("a folder in verification.folder for the roots that schedule.roots fetches")
        return self

    def folder_of(self, fleet: str) -> Path | None:
        """Return where a fleet's reports go: its own folder, or the first one of no fleet; None: there is none."""
        folders = [each for each in self.inventory if isinstance(each, InventoryFolder)]
        fitting = [each for name in (fleet, "") for each in folders if each.fleet == name and each.takes_reports]
        return fitting[0].path if fitting else None

    @model_validator(mode="after")
    def _reports_have_a_folder(self) -> Self:
        for fleet in self.web.fleets:
            if self.folder_of(fleet) is None:
                needed = "an [[inventory]] of the kind inventory-folder, with a pattern that *.jsonl fits,"
                raise expected(f"{needed} for the reports of {fleet!r} in [web.fleets]")
        strange = [each.fleet for each in self.inventory if isinstance(each, InventoryFolder) and each.fleet]
        if unknown := sorted({*strange} - self.web.fleets.keys()):
            raise expected(f"a token in [web.fleets] for the fleet {unknown[0]!r} of an inventory-folder")
        return self

    @model_validator(mode="after")
    def _persons_are_known(self) -> Self:
        named = {*self.reviews.approvers, *(each for group in self.slack.mentions.values() for each in group)}
        if unknown := sorted(named - self.people.keys()):
            raise expected(f"a section [people.{unknown[0]}] for {unknown[0]!r} of [reviews] or [slack.mentions]")
        for system in ("jira", "slack", "github", "account"):
            names = [name.casefold() for each in self.people.values() if (name := getattr(each, system))]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise expected(f"each {system} name for one person: {twice[0]!r} stands twice in [people]")
        return self

    @model_validator(mode="after")
    def _sinks_have_names(self) -> Self:
        names = [each.name for each in self.siem]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise expected(f"a `name` of its own for each [[siem]]: {twice[0]!r} stands twice")
        return self

    @model_validator(mode="after")
    def _channels_exist(self) -> Self:
        if not self.slack.names:
            return self
        used = {
            self.policy.channel,
            self.policy.escalate_to or self.policy.channel,
            *self.policy.channels_by_owner.values(),
            *self.policy.channels_by_tier.values(),
        }
        if unknown := sorted(used - self.slack.names):
            raise expected(f"a channel of [slack] for each name in [policy]; {unknown[0]!r} has none")
        return self
