"""Who is told: the sections [jira] and [slack]."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from monitor.config_section import Section
from monitor.domain.finding import Severity
from monitor.option_types import Address, Flag, Location, Name, Place, Variable, expected


class Statuses(Section):
    """Which statuses of Jira decide, and to which a ticket is moved: ids, or names."""

    approved: tuple[Name, ...] = ()
    rejected: tuple[Name, ...] = ()
    withdrawn: tuple[Name, ...] = ()
    decided: tuple[Name, ...] = ()
    reopened: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        folded = [{name.casefold() for name in names} for names in (self.approved, self.rejected)]
        if both := sorted(folded[0] & folded[1]):
            raise expected(f"each status once: {both[0]!r} approves and rejects")
        return self


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
    statuses: Statuses
    approvals: Flag = False

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
    mentions: Mapping[str, tuple[Name, ...]] = Field(default_factory=dict)
    buttons: Flag = False
    app_token_env: Variable = ""
    app_token_file: Location = None

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
        if self.buttons and not (self.by_token and (self.app_token_env or self.app_token_file)):
            raise expected("a bot token, and `app_token_env` or `app_token_file`, beside `buttons`")
        if self.by_token != bool(self.channels):
            raise expected("`token_env` or `token_file` together with `channels`")
        if both := sorted(self.webhooks_env.keys() & self.webhooks_file.keys()):
            raise expected(f"each channel once: {both[0]} has a webhook in `webhooks_env` and in `webhooks_file`")
        return self
