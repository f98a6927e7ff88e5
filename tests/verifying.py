"""An installation whose sources are the simulated world, for tests of `verify`; nobody to tell but the console."""

import asyncio
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from monitor import cli
from tests.company import Company
from tests.world import Identity, World

FILES, FETCH, FORGE = "io.github.acme/files-mcp", "io.github.acme/fetch-mcp", "io.github.acme/forge-mcp"
NPM, PYPI, GITHUB = "pkg:npm/%40acme/files-mcp", "pkg:pypi/acme-fetch-mcp", "pkg:github/acme/forge-mcp"
BUILDER = Identity(repository="acme/files-mcp", workflow="release.yml", ref="refs/tags/v1.4.2")
FORGER = Identity(repository="acme/forge-mcp", workflow="release.yml", ref="refs/tags/v0.9.0")
CONFIG = """
[store]
url = "{store}"
[http]
attempts = 1
timeout = "5s"
[sources.npm]
url = "{npm}"
[sources.pypi]
url = "{pypi}/simple"
artifact_hosts = ["{host}"]
[sources.github]
url = "{github}"
token_env = ""
artifact_hosts = ["{host}"]
[sources.osv]
url = "{osv}"
[[inventory]]
kind = "inventory-file"
path = "inventory.jsonl"
[verification]
public_good_root = "{public_good}"
npm_keys = "{npm_keys}"
"""


@dataclass(frozen=True)
class Printed:
    """What one run of the program printed."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, object]:
        """Read stdout, which has to be one JSON document."""
        read = json.loads(self.out)
        assert isinstance(read, dict)
        return read


@dataclass
class Desk:
    """A person at the keyboard."""

    company: Company
    capsys: pytest.CaptureFixture[str]

    @property
    def world(self) -> World:
        """The outside."""
        return self.company.world

    @property
    def folder(self) -> Path:
        """Where the installation is."""
        return self.company.folder

    def __call__(self, *arguments: str) -> Printed:
        """Run one command in this process."""
        self.capsys.readouterr()
        code = cli.main([*arguments, "--config", str(self.company.config)])
        out, err = self.capsys.readouterr()
        return Printed(code, out, err)

    def check(self) -> None:
        """Let the program look once, as cron would."""
        asyncio.run(self.company.run(("releases",)))

    def trust(self, name: str, content: bytes) -> None:
        """Let the configuration name another file for the public-good root."""
        path = self.file(name, content)
        config = self.company.config.read_text("utf-8")
        before = re.search(r'public_good_root = ".*"', config)
        assert before
        self.company.config.write_text(config.replace(before.group(), f'public_good_root = "{path}"'), "utf-8")

    def file(self, name: str, content: bytes) -> str:
        """Write a file; return its path."""
        path = self.folder / name
        path.write_bytes(content)
        return str(path)


def configure(company: Company) -> None:
    """Write a configuration that tells nobody, for a world that runs."""
    world = company.world
    public_good, npm_keys = world.trust_root_files(company.folder)
    text = CONFIG.format(
        store=company.store,
        host=world.origin().removeprefix("http://"),
        public_good=public_good,
        npm_keys=npm_keys,
        **{part: world.url(part) for part in ("npm", "pypi", "github", "osv")},
    )
    company.config.write_text(text, "utf-8")
    company.write()


def sat_down(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str], store: str = "sqlite:///monitor.db"
) -> Desk:
    """Publish a history, approve its last versions, and configure the program."""
    for version in ("1.4.1", "1.4.2"):
        world.npm.publish("@acme/files-mcp", version, attested_by=BUILDER)
        world.pypi.publish("acme-fetch-mcp", version.replace("1.", "2.", 1), attested_by=BUILDER)
        world.clock.advance(days=3)
    world.github.create("acme/forge-mcp")
    company = Company(folder, world, store=store)
    company.approve(FILES, "1.4.2", package=NPM)
    company.approve(FETCH, "2.4.2", package=PYPI)
    configure(company)
    return Desk(company, capsys)


@pytest.fixture
def desk(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], logged: list[str]) -> Desk:
    """The person, in a world with a short history, before the program's first look."""
    del logged  # the program sets up its own log
    return sat_down(world, tmp_path, capsys)


def digest(content: bytes) -> str:
    """Return the sha256 in hex."""
    return sha256(content).hexdigest()
