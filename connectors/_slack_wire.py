"""One exchange with Slack through its SDK, bounded: no retry, no redirect, no large answer, nothing written to any log.

The SDK does not tell a request that never left from one that may have been carried out, and puts whole addresses, which for webhooks are
secrets, into its errors and logs. Here both end.
"""

import logging
import ssl
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import aiohttp
import truststore
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from connectors._edge.address import Address

MAX_ANSWER = 4 * 2**20
"""Bytes; two hundred messages with their blocks stay well below it."""

NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
TRIPPED = (AttributeError, TypeError, ValueError, RecursionError, SlackApiError)
"""What the SDK raises for answers that are not what it expects: text where an object should be, broken JSON, JSON nested too deeply."""

QUIET = logging.Logger("slack", level=logging.CRITICAL + 1)  # noqa: LOG001  (not in the tree of loggers: nobody can turn it up)
"""The SDK logs bodies and webhook addresses; nothing passes this one."""


class Unsent(Exception):
    """The request surely was not accepted."""


class Doubtful(Exception):
    """The request may have been accepted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack said. `data` is decoded JSON for a method, text for a webhook; `error` is Slack's code, empty where there is none."""

    status: int
    headers: Mapping[str, str]
    data: object
    error: str


class _Bounded(aiohttp.ClientResponse):
    """aiohttp reads whole bodies into memory and offers no other place to stop it."""

    async def read(self) -> bytes:
        """Read up to `MAX_ANSWER` bytes, else raise ClientPayloadError."""
        if self._body is None:
            body = bytearray()
            async for chunk in self.content.iter_chunked(2**16):
                body += chunk
                if len(body) > MAX_ANSWER:
                    self.close()
                    raise aiohttp.ClientPayloadError(f"more than {MAX_ANSWER} bytes")
            self._body = bytes(body)
        return self._body


@dataclass(frozen=True, slots=True)
class Wire:
    """How to reach Slack. `proxies` as `urllib.request.getproxies` gives them; `timeout` in seconds for a whole exchange."""

    proxies: Mapping[str, str]
    timeout: float

    async def call(
        self, base_url: str, token: str, method: str, verb: Literal["GET", "POST"], arguments: Mapping[str, object]
    ) -> Answer:
        """Call a method of the Web API. Raises `Unsent` and `Doubtful`."""
        async with self._session() as session:
            client = AsyncWebClient(
                token, base_url, session=session, logger=QUIET, retry_handlers=[], user_agent_prefix="mcp-monitor"
            )
            client.proxy = self.proxy(base_url)
            sent = {"json": dict(arguments)} if verb == "POST" else {"params": dict(arguments)}
            try:
                response = await client.api_call(method, http_verb=verb, **sent)
            except SlackApiError as error:
                response = error.response
            data = getattr(response, "data", None)  # the SDK's errors hold its own answer, or aiohttp's
            status = getattr(response, "status_code", 0) or getattr(response, "status", 0)
            code = data.get("error") if isinstance(data, dict) else None
            return Answer(int(status), _lower(response.headers), data, code if isinstance(code, str) else "")

    async def hook(self, url: str, body: Mapping[str, object]) -> Answer:
        """Post to an incoming webhook. Raises `Unsent` and `Doubtful`."""
        async with self._session() as session:
            client = AsyncWebhookClient(
                url, session=session, logger=QUIET, retry_handlers=[], user_agent_prefix="mcp-monitor"
            )
            client.proxy = self.proxy(url)
            response = await client.send_dict(dict(body))
            said = response.body.strip()
            return Answer(response.status_code, _lower(response.headers), said, said if said != "ok" else "")

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A connection of its own for each exchange: a kept one that turns out to be dead would leave in doubt what arrived."""
        connector = aiohttp.TCPConnector(ssl=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT), force_close=True)
        try:
            async with aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self.timeout, sock_connect=self.timeout / 2),
                response_class=_Bounded,
                middlewares=(_stay,),
            ) as session:
                yield session
        # `from None`: the causes hold the whole address, and a traceback would show it.
        except NEVER_CONNECTED as error:
            raise Unsent(f"no connection ({type(error).__name__})") from None
        except aiohttp.InvalidURL:
            raise Unsent("the configured address is not one") from None
        except TimeoutError:
            raise Doubtful(f"no answer within {self.timeout:g} seconds") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Doubtful(f"the connection broke ({type(error).__name__})") from None
        except TRIPPED as error:
            raise Doubtful(f"an answer that is not Slack's ({type(error).__name__})") from None

    def proxy(self, url: str) -> str | None:
        """Return through which proxy an address is reached; None: directly.

        The SDK would take any proxy of the environment for any host, `no_proxy` or not.
        """
        address = Address.parse(url)
        place = f"{address.host.strip('[]')}:{address.port}"
        if address.loopback or urllib.request.proxy_bypass_environment(place, dict(self.proxies)):  # type: ignore[attr-defined]  # not in typeshed
            return None
        return self.proxies.get(address.scheme) or self.proxies.get("all")


async def _stay(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """No redirect: aiohttp would repeat the message to wherever it is led."""
    response = await handler(request)
    if 300 <= response.status < 400:  # noqa: PLR2004  (the redirects)
        response.close()
        raise Unsent("the configured address redirects elsewhere: correct it")
    return response


def _lower(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
