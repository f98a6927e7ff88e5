"""Checks what is asked of GitHub and Jira, and what the world answers in their names, against the vendors' OpenAPI documents.

The documents lie beside the corpus; without them nothing is checked. Loading one takes half a second, once a process and when it is first
needed; one check takes a few milliseconds.
"""

import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, quote

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.templating.responses.exceptions import ResponseFinderError
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests import corpus


@dataclass(frozen=True, slots=True)
class Vendor:
    """Which requests are a vendor's: those below `/<part>` whose rest matches `paths`; `host` is what the document calls its server."""

    part: str
    file: str
    host: str
    paths: re.Pattern[str]


VENDORS = (
    Vendor(
        "github", "github-openapi.json.gz", "https://api.github.com", re.compile(r"/(repos/|rate_limit|advisories)")
    ),
    Vendor("jira", "jira-openapi.json.gz", "https://your-domain.atlassian.net", re.compile(r"/rest/api/3/")),
)
SLASHED = re.compile(r"(.*/(?:git/ref|git/matching-refs|releases/tags|attestations|contents)/)(.+)")
"""GitHub's parameters that may hold a slash, which a parameter of OpenAPI never does."""


@cache
def document(file: str) -> OpenAPI | None:
    """Load one document; None where the contracts are not there."""
    path = Path(os.environ.get("MCP_MONITOR_CONTRACTS") or corpus.SHARED / "contracts") / file
    if not path.exists():
        return None
    # Jira writes times as 2026-11-20T12:00:00.000+0000, which its own document's `date-time` (RFC 3339) does not allow.
    config = Config(spec_validator_cls=None, extra_format_validators={"date-time": is_time})
    return OpenAPI.from_dict(json.loads(gzip.decompress(path.read_bytes()), object_hook=nullable), config=config)


def nullable(schema: dict[str, object]) -> dict[str, object]:
    """Let null be where GitHub's document means it to be: `nullable` allows it, and what stands in the `allOf` beside it does not."""
    if schema.get("nullable") is not True or "allOf" not in schema:
        return schema
    nothing = {"type": "object", "nullable": True, "maxProperties": 0}
    return {name: value for name, value in schema.items() if name != "allOf"} | {
        "anyOf": [{"allOf": schema["allOf"]}, nothing]
    }


def is_time(text: object) -> bool:
    """Whether the text is a date with a time in ISO 8601; other types are the schema's business."""
    if not isinstance(text, str):
        return True
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


@dataclass(slots=True)
class Exchange:
    """A request and what was answered."""

    scope: Scope
    body: bytes = b""
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: bytes = b""


@dataclass(frozen=True, slots=True)
class Contracts:
    """The ASGI layer that checks. Each violation is told before the answer is sent, so that no test ends before it."""

    app: ASGIApp
    tell: Callable[[str], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and check it and its answer where they are a vendor's."""
        _, part, rest = scope["path"].split("/", 2) if scope["path"].count("/") > 1 else ("", "", "")
        vendor = next((it for it in VENDORS if it.part == part and it.paths.match(f"/{rest}")), None)
        contract = document(vendor.file) if vendor else None
        if vendor is None or contract is None:
            await self.app(scope, receive, send)
            return
        exchange = await exchanged(self.app, scope, receive)
        for violation in violations(contract, vendor, exchange, f"/{rest}"):
            self.tell(f"{scope['method']} {scope['path']} -> {exchange.status}: {violation}")
        await send({"type": "http.response.start", "status": exchange.status, "headers": exchange.headers})
        await send({"type": "http.response.body", "body": exchange.answer})


async def exchanged(app: ASGIApp, scope: Scope, receive: Receive) -> Exchange:
    """Let the world answer, and keep both sides."""
    exchange = Exchange(scope)

    async def replay() -> Message:
        message = await receive()
        exchange.body += message.get("body", b"")
        return message

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status, exchange.headers = message["status"], list(message["headers"])
        else:
            exchange.answer += message.get("body", b"")

    await app(scope, replay, keep)
    return exchange


def violations(contract: OpenAPI, vendor: Vendor, exchange: Exchange, path: str) -> Iterator[str]:
    """Yield what is wrong with a request, and with the world's answer.

    A request that was refused may be wrong, since the refusal says so; but not one for an address that does not exist.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.scope["headers"]}
    if slashed := SLASHED.fullmatch(path):
        path = slashed[1] + quote(slashed[2], safe="")
    request = MockRequest(
        vendor.host,
        exchange.scope["method"],
        path,
        args=dict(parse_qsl(exchange.scope["query_string"].decode("latin-1"))),
        headers=headers,
        data=exchange.body,
        content_type=headers.get("content-type", "application/json").partition(";")[0],
    )
    try:
        contract.validate_request(request)
    except PathError as error:
        yield explain(error)
        return
    except OpenAPIError as error:
        if exchange.status < 400:
            yield explain(error)
    if exchange.status == 204 and not exchange.answer:
        return  # Jira's document gives some of them a content, which a 204 cannot have.
    answered = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in exchange.headers}
    media = answered.get("content-type", "").partition(";")[0]
    response = MockResponse(exchange.answer, exchange.status, answered, media)
    try:
        contract.validate_response(request, response)
    except ResponseFinderError as error:
        if exchange.status < 300:
            yield explain(error)
    except OpenAPIError as error:
        yield explain(error)


def explain(error: BaseException) -> str:
    """Write an error with what caused it, on one line."""
    if isinstance(error, InvalidSchemaValue):
        details = cast("list[object]", error.schema_errors)
        return f"{error.type}: {'; '.join(str(detail).splitlines()[0] for detail in details)}"
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} {error}" + (f" ({explain(cause)})" if cause else "")
