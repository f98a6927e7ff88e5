"""Who decides, and how their decisions become pins: the sections [people] and [reviews]."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitor.config_section import Section
from monitor.option_types import Address, Count, Duration, Location, Name, Variable, expected

Tier = Literal["1", "2", "3"]


class Person(Section):
    """One person, as each system calls them."""

    jira: str = ""
    slack: str = ""
    github: str = ""
    account: str = ""


class Campaigns(Section):
    """From when on many findings are one matter."""

    at: Annotated[Count, Field(ge=2)] = 5
    within: Duration = timedelta(minutes=30)


class Repository(Section):
    """The GitHub repository to which approvals are proposed."""

    name: str = ""
    path: str = "registry.yaml"
    branch: str = "main"
    api: Address = "https://api.github.com"
    token_env: Variable = ""
    token_file: Location = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.name and (self.name.count("/") != 1 or not all(self.name.split("/"))):
            raise expected("owner/name")
        if self.name and not (self.token_env or self.token_file):
            raise expected("`token_env` or `token_file` beside `name`")
        return self


class Quarterly(Section):
    """The question to each owner, once a quarter."""

    answer_within: Duration = timedelta(days=21)
    unseen_after: Duration = timedelta(days=90)


class Reviews(Section):
    """Who may approve what, from when on, for how long, and where it is written."""

    approvers: tuple[Name, ...] = ()
    approvers_needed: Mapping[Tier, Annotated[Count, Field(le=5)]] = Field(default_factory=dict)
    hold: Duration = timedelta(hours=72)
    hold_security_fix: Duration = timedelta(hours=24)
    expires_after: Mapping[Tier, Duration] = Field(default_factory=dict)
    write: Literal["none", "file", "pull-request", "both"] = "none"
    campaigns: Campaigns
    repository: Repository
    quarterly: Quarterly

    @property
    def writers(self) -> tuple[str, ...]:
        """The names of the writers that a decision goes to."""
        match self.write:
            case "none":
                return ()
            case "file":
                return ("registry-file",)
            case "pull-request":
                return ("github-pull-request",)
            case "both":
                return ("registry-file", "github-pull-request")

    @model_validator(mode="after")
    def _enough(self) -> Self:
        most = max(self.approvers_needed.values(), default=1)
        if self.approvers and most > len(set(self.approvers)):
            raise expected(
                f"at least {most} approvers, as many as `approvers_needed` asks for; {len(set(self.approvers))} are named"
            )
        return self

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.write in ("pull-request", "both") and not self.repository.name:
            raise expected("`name` in [reviews.repository], to which pull requests go")
        return self
