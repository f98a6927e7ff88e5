"""An installation whose sources are the simulated world, for tests of `verify`; nobody to tell but the console."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.company import Company
from tests.desk import Desk
from tests.world import Identity, World

FILES, FETCH, FORGE = "io.github.acme/files-mcp", "io.github.acme/fetch-mcp", "io.github.acme/forge-mcp"
NPM, PYPI, GITHUB = "pkg:npm/%40acme/files-mcp", "pkg:pypi/acme-fetch-mcp", "pkg:github/acme/forge-mcp"
BUILDER = Identity(repository="acme/files-mcp", workflow="release.yml", ref="refs/tags/v1.4.2")
FORGER = Identity(repository="acme/forge-mcp", workflow="release.yml", ref="refs/tags/v0.9.0")


def sat_down(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str], store: str = "sqlite:///monitor.db"
) -> Desk:
    """Publish a history, approve its last versions, and configure the program."""
    for version in ("1.4.1", "1.4.2"):
        world.npm.publish("@acme/files-mcp", version, attested_by=BUILDER)
        world.pypi.publish("acme-fetch-mcp", version.replace("1.", "2.", 1), attested_by=BUILDER)
        world.clock.advance(days=3)
    world.github.create("acme/forge-mcp")
    company = Company(folder, world, store=store, tells=False)
    company.approve(FILES, "1.4.2", package=NPM)
    company.approve(FETCH, "2.4.2", package=PYPI)
    company.write()
    return Desk(company, capsys)


@pytest.fixture
def desk(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], logged: list[str]) -> Desk:
    """The person, in a world with a short history, before the program's first look."""
    del logged  # the program sets up its own log
    return sat_down(world, tmp_path, capsys)


def digest(content: bytes) -> str:
    """Return the sha256 in hex."""
    return sha256(content).hexdigest()
