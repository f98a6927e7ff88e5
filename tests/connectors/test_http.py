from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response as Answer
from starlette.routing import Route

from connectors._http import Http, Response
from tests.connectors.conftest import Loopback

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_document_comes_with_its_validator_and_its_evidence(loopback: Loopback) -> None:
    async def page(_: Request) -> Answer:
        return Answer(b'{"a": 1}', headers={"etag": '"one"'})

    base = loopback(Starlette(routes=[Route("/x/page", page)]))
    http = Http(user_agent="monitor/1 (ops@example.org)", clock=lambda: NOW, proxies={})
    client = http.client("somewhere", base=f"{base}/x/")

    async with http.session():
        response = await client.get("page")

    assert isinstance(response, Response)
    assert response.body == b'{"a": 1}'
    assert response.validator.etag == '"one"'
    assert response.validator.key == f"{base}/x/page\x1fapplication/json"
    assert response.evidence.url == f"{base}/x/page"
