"""What the parts of the world answer with: JSON and files, with validators."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response


def iso(at: datetime) -> str:
    """Write a time as npm and PyPI do: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(at: datetime) -> str:
    """Write a time as GitHub and OSV do: UTC, whole seconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode(document: object) -> bytes:
    """Write JSON without spaces, in UTF-8."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def answer(
    document: object, *, status: int = 200, headers: Mapping[str, str] | None = None, media: str = "application/json"
) -> Response:
    """Answer with JSON, or with bytes as they are."""
    body = document if isinstance(document, bytes) else encode(document)
    return Response(body, status, dict(headers or {}), media)


def conditional(request: Request, whole: Response, *, salt: str = "", weak: bool = True) -> Response:
    """Give the answer its entity tag; 304 without a body where the request shows that the asker has it.

    `salt` tells apart equal bodies that are not the same entity (GitHub's tags differ by token).
    """
    tag = f'"{sha256(bytes(whole.body) + salt.encode()).hexdigest()[:32]}"'
    tag = f"W/{tag}" if weak else tag
    whole.headers["ETag"] = tag
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag.removeprefix("W/") not in known:
        return whole
    kept = {name: value for name, value in whole.headers.items() if name not in ("content-length", "content-type")}
    return Response(None, 304, kept)


def accepts(request: Request, media: Collection[str]) -> bool:
    """Whether the Accept header names one of these media types."""
    wanted = request.headers.get("accept", "*/*")
    return any(part.split(";")[0].strip() in media for part in wanted.split(","))
