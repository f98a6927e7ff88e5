"""The simulated outside: registries, GitHub, OSV, Jira and Slack over real HTTP on loopback, with a certificate authority of their own.

Tests tell stories with it: `world.npm.publish(...)`, `world.break_("osv", Fault(Kind.OUTAGE))`, and then look at what the program did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.world import jira_api
from tests.world.clock import Clock
from tests.world.faults import Fault, Faults, Kind, Witness, part_of
from tests.world.github import GitHub
from tests.world.jira import Jira
from tests.world.npm import Npm
from tests.world.osv import Osv
from tests.world.osv_export import OsvExport
from tests.world.pypi import PyPI
from tests.world.risk import Risk
from tests.world.scene import Files, Scene, Trust
from tests.world.server import Serving
from tests.world.signing import Identity
from tests.world.slack import Slack

__all__ = ["Asked", "Clock", "Fault", "Identity", "Kind", "World"]


@dataclass(slots=True)
class Asked:
    """A request that came; `status` is what was answered, 0 while, or because, nothing was. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int = 0


Check = Callable[[ASGIApp, Callable[[str], None]], ASGIApp]
"""Wraps the world's application in something that tells violations: `contracts.Contracts`."""


class World:
    """All parts on one port: `url("npm")` is the base of a part. A context manager; `clock` is its time.

    `requests` is what was asked, in order; `violations` is where a request or one of the world's own answers broke a contract, or where
    the world itself broke. `check` looks for the former (`contracts.Contracts`, as the `world` fixture does).
    """

    def __init__(self, clock: Clock | None = None, check: Check | None = None) -> None:
        self.clock = clock or Clock()
        self.trust = Trust()
        self.requests: list[Asked] = []
        self.violations: list[str] = []
        self._serving: Serving | None = None  # None: not started
        scene = Scene(self.clock, self.origin, self.trust, Files())
        self.files = scene.files
        self.npm = Npm(scene)
        self.pypi = PyPI(scene)
        self.github = GitHub(scene)
        self.osv = Osv(scene)
        self.osv_export = OsvExport(self.osv)
        self.risk = Risk(scene)
        self.jira = Jira(self.clock)
        self.slack = Slack(self.clock)
        app = Starlette(
            routes=[
                Mount("/npm", routes=self.npm.routes()),
                Mount("/pypi", routes=self.pypi.routes()),
                Mount("/github", routes=self.github.routes()),
                Mount("/osv", routes=self.osv.routes()),
                Mount("/osv-export", routes=self.osv_export.routes()),
                Mount("/risk", routes=self.risk.routes()),
                Mount("/jira", routes=jira_api.routes(self.jira)),
                Mount("/slack", routes=self.slack.routes()),
                Mount("/files", routes=self.files.routes()),
                *self.pypi.integrity_routes(),
            ]
        )
        checked = check(app, self.violations.append) if check else app
        self._faults = Faults(checked, self._drop, lambda: self.clock().timestamp())

    # its life

    def start(self) -> Self:
        """Serve from now on."""
        self._serving = Serving(self._observe)
        return self

    def stop(self) -> None:
        """Serve no more. Connections that are open break."""
        if self._serving:
            self._serving.stop()
            self._serving = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    # where it is

    def origin(self) -> str:
        """Return the server's own address, without a path."""
        if self._serving is None:
            raise RuntimeError("the world has not started")
        return f"http://127.0.0.1:{self._serving.port}"

    def url(self, part: str) -> str:
        """Return the base of a part: npm, pypi (the index is `/simple/` below it), files, github, osv, osv-export, risk, jira, slack."""
        return f"{self.origin()}/{part}"

    def trust_root_files(self, directory: Path) -> tuple[Path, Path]:
        """Write the private roots: the trusted_root.json of its sigstore, and its npm registry's key list."""
        public_good, npm_keys = directory / "public-good.json", directory / "npm-keys.json"
        public_good.write_bytes(self.trust.sigstore.trusted_root())
        npm_keys.write_bytes(self.trust.npm_keys.keys())
        return public_good, npm_keys

    # how it fails

    def break_(self, part: str, fault: Fault) -> None:
        """Let a part fail so from now on; a part may have several faults, the first that matches a request is it."""
        self._faults.lay(part, fault)

    def mend(self, part: str) -> None:
        """Take all faults off a part."""
        self._faults.mend(part)

    def watch(self, witness: Witness | None) -> None:
        """Tell of each request; None: nobody."""
        self._faults.witness = witness

    def asked(self, part: str, containing: str = "") -> list[Asked]:
        """Return the requests to a part whose `METHOD /path?query` contains that text."""
        return [
            asked
            for asked in list(self.requests)
            if part_of(asked.path) == part and containing in f"{asked.method} {asked.path}?{asked.query}"
        ]

    def _drop(self, scope: Scope, *, rudely: bool) -> None:
        if self._serving:
            self._serving.server.drop(scope["client"], rudely=rudely)

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note each request and what it was answered; a bug of the world's own is a violation and a 500."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)
        self.requests.append(asked)

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked.status = message["status"]
            await send(message)

        try:
            await self._faults(scope, receive, note)
        except Exception as error:  # noqa: BLE001 - the bulkhead between a test and the world's own bugs
            self.violations.append(f"{asked.method} {asked.path}: {error!r}")
            if not asked.status:
                await Response("the simulated world is broken", 500)(scope, receive, note)
