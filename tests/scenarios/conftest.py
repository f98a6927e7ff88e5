"""A company with three servers in a world that is calm: the first look has been made."""

from pathlib import Path

import pytest

from tests.company import Company
from tests.databases import empty_database, postgresql
from tests.world import Identity, World

__all__ = ["BUILDER", "FETCH", "FILES", "FORGE", "calm", "company", "empty_database", "postgresql", "settled_world"]

FILES = "io.github.acme/files-mcp"
FETCH = "io.github.acme/fetch-mcp"
FORGE = "io.github.acme/forge-mcp"
BUILDER = Identity(repository="acme/files-mcp", workflow="release.yml", ref="refs/tags/v1.4.2")


@pytest.fixture
def settled_world(world: World) -> World:
    """One npm package, one PyPI project and one repository with releases, each with a short history."""
    for version in ("1.4.0", "1.4.1", "1.4.2"):
        world.npm.publish("@acme/files-mcp", version, attested_by=BUILDER)
        world.pypi.publish("acme-fetch-mcp", version.replace("1.", "2.", 1), attested_by=BUILDER)
        world.clock.advance(days=3)
    world.github.create("acme/files-mcp")
    world.github.create("acme/forge-mcp")
    world.github.release("acme/forge-mcp", "v0.9.0")
    world.clock.advance(days=10)
    return world


@pytest.fixture
def company(settled_world: World, tmp_path: Path) -> Company:
    """The company, before its first look."""
    acme = Company(tmp_path, settled_world)
    acme.approve(
        FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", repository="https://github.com/acme/files-mcp", tier=1
    )
    acme.approve(FETCH, "2.4.2", package="pkg:pypi/acme-fetch-mcp", tier=2)
    acme.approve(FORGE, "v0.9.0", package="pkg:github/acme/forge-mcp", tier=2)
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    acme.deploy("laptop-8", "pkg:pypi/acme-fetch-mcp@2.4.2")
    acme.deploy("server-1", "pkg:github/acme/forge-mcp@v0.9.0")
    return acme


@pytest.fixture
async def calm(company: Company) -> Company:
    """The company after its first look, which found nothing."""
    report = await company.run()
    assert (report.exit_code, report.problems, company.world.jira.issues) == (0, (), [])
    company.later(hours=1)
    return company
