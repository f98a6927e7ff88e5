"""What every part of the world shares: its time, its address, its trust and its files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.world.signing import NpmKeys, Sigstore


class Trust:
    """The world's own certificate authority, logs and registry keys, made when they are first needed: keys take time."""

    @cached_property
    def sigstore(self) -> Sigstore:
        """The sigstore that the world's builders use."""
        return Sigstore()

    @cached_property
    def npm_keys(self) -> NpmKeys:
        """The keys of the npm registry."""
        return NpmKeys()

    @cached_property
    def stranger(self) -> Sigstore:
        """A sigstore that nobody trusts: all it signs is well made and worth nothing."""
        return Sigstore()


@dataclass(slots=True)
class Files:
    """Package files and release assets by path, under `/files`."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def routes(self) -> list[BaseRoute]:
        """Serve them."""
        return [Route("/{path:path}", self.file)]

    def file(self, request: Request) -> Response:
        """Answer with one file."""
        body = self.bodies.get(request.path_params["path"])
        if body is None:
            return Response("Not Found", 404, media_type="text/plain")
        return Response(body, media_type="application/octet-stream")


@dataclass(frozen=True, slots=True)
class Scene:
    """Handed to each part. `origin` is the server's own, without a path; it is known once the world has started."""

    clock: Callable[[], datetime]
    origin: Callable[[], str]
    trust: Trust
    files: Files
