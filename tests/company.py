"""An organisation with a registry, an inventory and a configuration, whose sources are the simulated world. Scenarios and the demo use it.

It is wired as the program wires itself: from a configuration file, with the real store, edge, connectors and channels.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from monitor import wiring
from monitor.app import App
from monitor.domain.finding import Tracked
from monitor.domain.review import Review
from monitor.ports.sources import RiskSource
from monitor.report import Report
from monitor.runner import FULL, run
from monitor.settings import load
from tests.world import World

CONFIG = """
[registry]
path = "registry.yaml"

[store]
url = "{store}"

[http]
attempts = 1
timeout = "5s"

[sources.npm]
url = "{npm}"

[sources.pypi]
url = "{pypi}"
artifact_hosts = ["{host}"]

[sources.github]
url = "{github}"
token_env = "{github_token}"
artifact_hosts = ["{host}"]

[sources.osv]
url = "{osv}"

[sources.osv_mirror]
place = "{mirror}"

[sources.kev]
place = "{kev}"

[sources.epss]
place = "{epss}"

[[inventory]]
kind = "inventory-file"
path = "inventory.jsonl"

[verification]
public_good_root = "{public_good}"
npm_keys = "{npm_keys}"
"""
"""Where everything is asked; what a test does not want it leaves out of its registry."""

NOT_ASKED = ("mirror", "kev", "epss", "github_token")
"""Empty in the configuration, unless a test names one."""

CHANNELS = """
[jira]
url = "{jira}"
project = "MCPSEC"
email = "bot@world.example"
token_env = "JIRA_TOKEN"

[slack]
api = "{slack}/api"
token_env = "SLACK_TOKEN"

[slack.channels]
default = "C0ALERTS"
"""
"""Where people are told."""


@dataclass(slots=True)
class Company:
    """Lives in a folder. `registry` is server name -> entry as in registry.yaml; `inventory` the lines of inventory.jsonl."""

    folder: Path
    world: World
    store: str = "sqlite:///monitor.db"
    tells: bool = True
    """Whether Jira and Slack are configured; else the console gets what they would have got."""
    registry: dict[str, dict[str, object]] = field(default_factory=dict)
    inventory: list[dict[str, object]] = field(default_factory=list)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses in place of the world's own: `npm`, `pypi` (the Simple API itself), `github`, `osv`, `jira`, `slack`; and what is not
    asked without one: `mirror`, `kev`, `epss` (addresses or paths), `github_token` (the variable's name)."""
    settings: str = ""
    """Further sections of the configuration."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Further variables of the environment."""
    out: io.StringIO = field(default_factory=io.StringIO)
    _app: App | None = None  # None: not opened yet

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "config.toml"

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of its cron job."""
        return {
            "JIRA_TOKEN": self.world.jira.token,
            "SLACK_TOKEN": self.world.slack.token,
            "GITHUB_TOKEN": "ghp_world",
            **self.secrets,
        }

    @property
    def app(self) -> App:
        """The program as it is wired from the configuration, but with the world's clock."""
        if self._app is None:
            self.write()
            settings = load(self.config, self.environ)
            self._app = wiring.build(
                settings, out=self.out, environ=self.environ, home=self.folder, clock=self.world.clock
            )
            self._app.store.migrate()
        return self._app

    def approve(self, name: str, version: str | None, *, package: str | None = None, **entry: object) -> None:
        """List a server, or move its pin; None lists it without approval. What was set before stays."""
        listed = self.registry.setdefault(name, {"name": name, "owner": "platform"})
        if package:
            listed["package"] = package
        listed.update({key: value for key, value in entry.items() if key != "approved"})
        if version:
            approved = {"version": version, "by": "rita@acme.example", "on": "2026-11-01", "ticket": "MCPSEC-1"}
            extra = entry.get("approved")
            listed["approved"] = approved | (extra if isinstance(extra, dict) else {})

    def deploy(self, host: str, purl: str, *, client: str = "claude-desktop", **more: object) -> None:
        """Let a host run something, as its inventory line tells; the same host and client before is replaced."""
        line = {
            "host": host,
            "client": client,
            "location": f"/home/{host}/mcp.json",
            "name": "mcp",
            "purl": purl,
            **more,
        }
        self.inventory = [each for each in self.inventory if (each["host"], each["client"]) != (host, client)]
        self.inventory.append(line)

    def write(self) -> None:
        """Write the files that an organisation keeps: registry, inventory, configuration."""
        # JSON is YAML, and spares the tests a writer.
        registry = {"version": 1, "servers": list(self.registry.values())}
        (self.folder / "registry.yaml").write_text(json.dumps(registry, indent=1), "utf-8")
        lines = "".join(json.dumps(line) + "\n" for line in self.inventory)
        (self.folder / "inventory.jsonl").write_text(lines, "utf-8")
        if not self.config.exists():
            public_good, npm_keys = self.world.trust_root_files(self.folder)
            parts = {part: self.world.url(part) for part in ("npm", "github", "osv", "jira", "slack")}
            parts["pypi"] = self.world.url("pypi") + "/simple"
            text = (CONFIG + CHANNELS * self.tells).format(
                **{**dict.fromkeys(NOT_ASKED, ""), **parts, **self.endpoints},
                store=self.store,
                host=self.world.origin().removeprefix("http://"),
                public_good=public_good,
                npm_keys=npm_keys,
            )
            self.config.write_text(text + self.settings, "utf-8")

    async def run(self, jobs: Sequence[str] = FULL, **how: object) -> Report:
        """Run the program once, as cron would."""
        app = self.app
        self.write()
        return await run(app, jobs, **how)  # type: ignore[arg-type]  # the runner's own keywords

    def policy(self, **changes: object) -> None:
        """Change the organisation's policy."""
        self._app = replace(self.app, policy=replace(self.app.policy, **changes))  # type: ignore[arg-type]  # its fields

    def replace(self, **parts: object) -> None:
        """Put other parts into the program in place of those that the configuration names."""
        self._app = replace(self.app, **parts)  # type: ignore[arg-type]  # the fields of an App

    def risks(self, *sources: RiskSource) -> None:
        """Configure other lists of how likely flaws are to be used; without any, none."""
        self._app = replace(self.app, risks=sources)

    async def findings(self, rule: str = "", *, resolved: bool = False) -> list[Tracked]:
        """Return the open findings, or the resolved ones, of one rule or of all."""
        found = await self.app.store.run(lambda unit: unit.findings())
        return [each for each in found if each.open is not resolved and rule in ("", each.finding.rule)]

    async def reviews(self) -> list[Review]:
        """Return all reviews."""
        return await self.app.store.run(lambda unit: unit.reviews())

    def later(self, **time: float) -> datetime:
        """Let time pass."""
        return self.world.clock.advance(**time)
