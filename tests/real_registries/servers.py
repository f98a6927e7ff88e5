"""The two registries, on loopback and without upstream: verdaccio (https://verdaccio.org) and devpi (https://devpi.net)."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from packaging.utils import parse_wheel_filename

from tests.real_registries import fetched
from tests.real_registries.processes import environment, free_port, running

VERDACCIO = """
storage: ./storage
auth: {htpasswd: {file: ./htpasswd}}
uplinks: {}
packages:
  '@*/*': {access: $all, publish: $anonymous, unpublish: $anonymous}
  '**': {access: $all, publish: $anonymous, unpublish: $anonymous}
log: {type: stdout, format: pretty, level: warn}
web: {enable: false}
"""
PASSWORD = "of-a-server-on-loopback"


@dataclass(frozen=True, slots=True)
class Verdaccio:
    """A running npm registry; `url` ends without a slash, and `stop` ends it early."""

    url: str
    folder: Path
    stop: Callable[[], None]

    @property
    def storage(self) -> Path:
        """Where the packages lie."""
        return self.folder / "storage"

    def publish(self, tarball: Path) -> None:
        """Publish a package with npm, as the newest one."""
        self._npm("publish", str(tarball), "--tag", "latest", "--access", "public", "--ignore-scripts")

    def unpublish(self, package: str, version: str) -> None:
        """Remove a version with npm."""
        self._npm("unpublish", f"{package}@{version}", "--force")

    def deprecate(self, package: str, version: str, reason: str) -> None:
        """Deprecate a version with npm."""
        self._npm("deprecate", f"{package}@{version}", reason)

    def tamper(self, package: str, tarball: str) -> None:
        """Change a tarball on the server's disk: it goes on to announce the digest that it was published with."""
        with (self.storage / package / tarball).open("ab") as stored:
            stored.write(b"and something else")

    def _npm(self, *words: str) -> None:
        """Let npm do it, with no configuration but the one in the folder: nothing may go to another registry."""
        own = ("--registry", f"{self.url}/", "--userconfig", "npmrc", "--globalconfig", "none", "--cache", "cache")
        subprocess.run(  # noqa: S603 - npm, as it is on this machine
            [shutil.which("npm") or "npm", *words, *own, "--silent"],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )


@contextmanager
def verdaccio(folder: Path, stock: Path | None = None) -> Iterator[Verdaccio]:
    """Run an npm registry in which everybody may publish; empty, or with a copy of another one's storage."""
    if stock is not None:
        shutil.copytree(stock, folder / "storage")
    (folder / "config.yaml").write_text(VERDACCIO, "utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    # npm publishes nothing without a token, whatever the registry thinks of it.
    (folder / "npmrc").write_text(f"{url.removeprefix('http:')}/:_authToken=nobody\n", "utf-8")
    command = ["node", str(fetched.verdaccio()), "--config", "config.yaml", "--listen", url.removeprefix("http://")]
    with running(command, folder=folder, ready=f"{url}/-/ping") as stop:
        yield Verdaccio(url, folder, stop)


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a running devpi; `url` ends without a slash."""

    url: str

    @property
    def simple(self) -> str:
        """The Simple API."""
        return f"{self.url}/+simple"

    def upload(self, wheel: Path) -> None:
        """Upload a wheel, as twine does (PyPI documentation, Upload API)."""
        name, version, _, _ = parse_wheel_filename(wheel.name)
        form = {
            ":action": "file_upload",
            "protocol_version": "1",
            "metadata_version": "2.1",
            "name": name,
            "version": str(version),
            "filetype": "bdist_wheel",
            "pyversion": "py3",
        }
        _ask("POST", f"{self.url}/", data=form, files={"content": (wheel.name, wheel.read_bytes())})

    def remove(self, name: str, version: str) -> None:
        """Remove a version, with its files."""
        _ask("DELETE", f"{self.url}/{name}/{version}")


@dataclass(frozen=True, slots=True)
class Devpi:
    """A running PyPI server; `url` ends without a slash."""

    url: str

    def index(self, name: str) -> Index:
        """Make an empty index that inherits from none, and from which files may be removed."""
        url = f"{self.url}/root/{name}"
        _ask("PUT", url, json={"type": "stage", "bases": [], "volatile": True})
        return Index(url)


@contextmanager
def devpi(folder: Path) -> Iterator[Devpi]:
    """Run a PyPI server without a mirror of anything."""
    python, port = fetched.devpi(), free_port()
    begin = "from devpi_server.init import init; init()"
    options = ["--serverdir", "server", "--no-root-pypi", "--root-passwd", PASSWORD]
    subprocess.run(  # noqa: S603 - devpi-server, as the tests installed it
        [str(python), "-c", begin, *options],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    listen = ["--serverdir", "server", "--host", "127.0.0.1", "--port", str(port), "--offline-mode", "--requests-only"]
    url = f"http://127.0.0.1:{port}"
    with running([str(python), "-m", "devpi_server", *listen], folder=folder, ready=f"{url}/+api"):
        yield Devpi(url)


def _ask(method: str, url: str, **what: object) -> None:
    with httpx.Client(trust_env=False, timeout=30, auth=("root", PASSWORD)) as client:
        client.request(method, url, **what).raise_for_status()  # type: ignore[arg-type]  # httpx's own keywords
