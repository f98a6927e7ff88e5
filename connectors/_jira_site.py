"""One Jira, as the program speaks to it: its paths, whose token it is, and how an answer is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeVar
from urllib.parse import quote

import msgspec

from connectors._edge.address import Address
from connectors._edge.http import Client, NotSent, Response
from connectors._jira_answers import delivered, quota_wait
from connectors._markup.adf import adf
from connectors._markup.wiki import wiki
from monitor.domain.action import Ambiguous, Deferred, Delivery
from monitor.domain.document import Block, Document
from monitor.domain.text import one_line
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError

T = TypeVar("T")
Flavour = Literal["cloud", "datacenter"]

SOON = 60.0
"""Seconds before another attempt where nothing left this machine."""
ANSWER = 4 * 2**20
"""Bytes. The metadata of a project with thousands of allowed values is the largest answer that is asked for."""


class Person(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody; Cloud knows people by an account id, Data Center by a name."""

    account_id: str | None = None
    name: str | None = None
    display_name: str | None = None
    email_address: str | None = None

    @property
    def id(self) -> str:
        """By which the flavour knows them; empty: somebody who is not told."""
        return self.account_id or self.name or ""


@dataclass(slots=True)
class Site:
    """The client, and what it has learnt."""

    client: Client
    flavour: Flavour
    clock: Callable[[], datetime]
    stay_away: Callable[[Mapping[str, datetime]], None]
    """Closes hosts until a time."""
    _us: str = field(default="", init=False)

    @property
    def cloud(self) -> bool:
        """Whether it is Jira Cloud."""
        return self.flavour == "cloud"

    def text(self, document: Document, *closing: Block) -> object:
        """Return a document in the flavour's own form; `closing` is never cut off."""
        return adf(document, closing=closing) if self.cloud else wiki(document, closing=closing)

    def issue(self, key: str, rest: str = "") -> str:
        """Return the path of an issue, or of something below it."""
        return f"issue/{quote(key, safe='')}{rest}"

    def path(self, path: str) -> str:
        """Return a path of the platform's API below the base."""
        return f"rest/api/{3 if self.cloud else 2}/{path}"

    async def whoami(self) -> Person:
        """Ask whose token it is. Data Center answers a bad one with what anybody may see, and says so in a header alone."""
        answer = await self.answer(self.path("myself"))
        if answer.headers.get("x-ausername", "").lower() == "anonymous":
            raise Denied("jira", "the token is not valid: Jira takes us for anonymous")
        return read(answer, Person)

    async def us(self) -> str:
        """Return our own id, asked for once."""
        if not self._us:
            who = (await self.whoami()).id
            if not who:
                raise Malformed("jira", "`myself` tells no account")
            self._us = who
        return self._us

    async def get(self, path: str, shape: type[T]) -> T:
        """Fetch a document of the platform's API. Raises the four errors."""
        return read(await self.answer(self.path(path)), shape)

    async def find(self, path: str, shape: type[T]) -> T | None:
        """Fetch a document that may not be there: None. Raises the other errors."""
        try:
            return await self.get(path, shape)
        except NotFound:
            return None

    async def query(self, path: str, body: Mapping[str, object], shape: type[T]) -> T:
        """Ask by an idempotent POST. Raises the four errors."""
        answer = await self.client.post_query(self.path(path), msgspec.json.encode(body), limit=ANSWER)
        return read(answer, shape)

    async def answer(self, path: str) -> Response:
        """Fetch what is below the base. Raises the four errors."""
        answer = await self.client.get(path, limit=ANSWER)
        if isinstance(answer, Response):
            return answer
        raise Malformed("jira", f"{path} was answered with 304")

    async def send(self, method: str, path: str, body: object, *, ref: str = "") -> Delivery:
        """Make one attempt to change something; `ref` is its name where the answer gives none. Raises nothing."""
        try:
            answer = await self.client.send(method, self.path(path), msgspec.json.encode(body), limit=ANSWER)
        except NotSent as error:
            return Deferred(str(error), SOON)
        except SourceError as error:
            return Ambiguous(str(error))
        if wait := quota_wait(answer, self.clock()):
            # The quota is the whole account's: whatever else is asked before its time is refused, and counted.
            until = self.clock() + timedelta(seconds=wait)
            self.stay_away({Address.parse(answer.address).authority: until})
        return delivered(answer, ref=ref, now=self.clock())


def read(answer: Response, shape: type[T]) -> T:
    """Read an answer. Raises `Malformed`."""
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("jira", f"{answer.url}: {one_line(str(error), 200)}") from error


def undelivered(error: SourceError) -> Delivery:
    """Return what it means for a delivery that nothing could be read, and so nothing was written."""
    return Deferred(str(error), SOON)
