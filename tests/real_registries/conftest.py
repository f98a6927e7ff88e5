"""A company whose npm registry is verdaccio and whose index is devpi, with real MCP servers in them and the real advisories."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import corpus
from tests.company import Company
from tests.real_registries import servers
from tests.real_registries.fetched import tarball, wheel
from tests.real_registries.servers import Devpi, Index, Verdaccio
from tests.world import World

REMOTE = "io.github.geelen/mcp-remote"
FILES = "io.github.modelcontextprotocol/filesystem"
GIT = "io.github.modelcontextprotocol/git"
TIME = "io.github.modelcontextprotocol/time"

FILES_ON_NPM = "@modelcontextprotocol/server-filesystem"


@pytest.fixture(scope="session")
def devpi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devpi]:
    """The PyPI server takes seconds to start; every test has an index of its own in it."""
    with servers.devpi(tmp_path_factory.mktemp("devpi")) as running:
        yield running


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two npm packages, each in two versions, as verdaccio keeps them."""
    folder = tmp_path_factory.mktemp("verdaccio")
    with servers.verdaccio(folder) as running:
        for version in ("0.1.14", "0.1.15"):
            running.publish(tarball("mcp-remote", version))
        for version in ("0.6.2", "2025.3.28"):
            running.publish(tarball(FILES_ON_NPM, version))
    return running.storage


@pytest.fixture
def npm(stock: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdaccio]:
    """An npm registry of one's own."""
    with servers.verdaccio(tmp_path_factory.mktemp("verdaccio"), stock) as running:
        yield running


@pytest.fixture
def pypi(devpi: Devpi, tmp_path: Path) -> Index:
    """An index with two servers, one of them in two versions."""
    index = devpi.index(hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12])
    for name, version in (("mcp-server-git", "0.6.2"), ("mcp-server-git", "2025.7.1"), ("mcp-server-time", "2025.8.4")):
        index.upload(wheel(name, version))
    return index


@pytest.fixture
def company(world: World, npm: Verdaccio, pypi: Index, tmp_path: Path) -> Company:
    """The company before its first look: four servers approved with the digests of their files, one laptop that stayed behind."""
    for record in sorted(corpus.path("osv/records").glob("*.json")):
        world.osv.add(json.loads(record.read_bytes()))
    acme = Company(tmp_path, world, endpoints={"npm": npm.url, "pypi": pypi.simple})
    approve(acme, REMOTE, "pkg:npm/mcp-remote", "0.1.15", sha512(tarball("mcp-remote", "0.1.15")))
    files = "pkg:npm/%40modelcontextprotocol/server-filesystem"
    approve(acme, FILES, files, "2025.3.28", sha512(tarball(FILES_ON_NPM, "2025.3.28")))
    approve(acme, GIT, "pkg:pypi/mcp-server-git", "2025.7.1", sha256(wheel("mcp-server-git", "2025.7.1")))
    approve(acme, TIME, "pkg:pypi/mcp-server-time", "2025.8.4", sha256(wheel("mcp-server-time", "2025.8.4")))
    acme.deploy("laptop-1", "pkg:npm/mcp-remote@0.1.15")
    acme.deploy("laptop-2", f"{files}@0.6.2")
    acme.deploy("laptop-3", "pkg:pypi/mcp-server-git@2025.7.1")
    acme.deploy("laptop-4", "pkg:pypi/mcp-server-time@2025.8.4")
    return acme


@pytest.fixture
async def settled(company: Company) -> Company:
    """The company after its first look."""
    await company.run()
    company.later(hours=1)
    return company


def approve(company: Company, name: str, package: str, version: str, digest: str) -> None:
    """Approve a version with the digest of its file."""
    company.approve(name, version, package=package, approved={"digests": [digest]})


def sha512(file: Path) -> str:
    """Return the digest by which npm knows a file."""
    return f"sha512:{hashlib.sha512(file.read_bytes()).hexdigest()}"


def sha256(file: Path) -> str:
    """Return the digest by which PyPI knows a file."""
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
