"""Advisories from OSV's API (https://google.github.io/osv.dev/api/).

It knows: which live records name a version of an npm or PyPI package, or a git commit of what is on GitHub, with a delay of minutes, and
every record by its id, withdrawn or not.
It does not know: packages of other types (the server answers "nothing" for a type it never heard of, therefore they are not asked
about), commits of which it has not enumerated the ranges, ids that are only aliases, and why a record no longer names a version:
withdrawn, or corrected.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import msgspec

from connectors._edge.http import Client, Http, NotModified
from connectors._edge.transport import Broken
from connectors._osv_record import parse_record
from connectors._osv_shape import MAX_RECORD, NAME, Id, Time, utc
from monitor.domain.advisory import OSV, Advisory, AdvisoryRef, Question
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import Denied, Malformed, NotFound, SourceError
from monitor.ports.sources import AdvisorySource, Fresh

__all__ = ["NAME", "Osv", "build", "parse_batch", "parse_record"]

ECOSYSTEMS = {"npm": "npm", "pypi": "PyPI"}
"""By purl type, in OSV's spelling: it refuses any other, and with it the whole batch."""
MAX_QUERIES = 1000
"""In one batch; the server refuses more."""
MAX_PAGES = 50
"""Of one answer. The server pages at 1,000 records a query, at 10 MB, and by time."""
MAX_REQUESTS = 64
"""For one page of one batch: how far a batch that is refused is taken apart."""
MAX_ANSWER = 32 * 2**20
BAD_REQUEST = 400
NOT_THERE = 404
AT_INDEX = re.compile(r"\bat index ([0-9]{1,4})\b")


class _Ref(msgspec.Struct):
    id: Id
    modified: Time


class _Slot(msgspec.Struct):
    vulns: Annotated[list[_Ref], msgspec.Meta(max_length=10_000)] | None = None
    next_page_token: Annotated[str, msgspec.Meta(max_length=8192)] = ""


class _Batch(msgspec.Struct):
    results: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MAX_QUERIES)] = []


class _Refusal(msgspec.Struct):
    message: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of what the source says about one version. `next_token` is empty at the end; it may come without any record."""

    refs: tuple[AdvisoryRef, ...]
    next_token: str


Query = tuple[Question, str]
"""A version, and the token of the page that is wanted (empty: the first)."""
Batched = dict[Purl, tuple[AdvisoryRef, ...] | Unknown]


def parse_batch(body: bytes, count: int) -> list[Page | Unknown]:
    """Read the answer to a batch of `count` queries: page i answers query i, and one that is none costs itself. Raises `Malformed`."""
    try:
        results = msgspec.json.decode(body, type=_Batch).results
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"an answer that is none: {one_line(str(error), 200)}") from error
    if len(results) != count:
        raise Malformed(NAME, f"{len(results)} answers to {count} questions")
    return [_page(result) for result in results]


def parse_refusal(body: bytes) -> str:
    """Read the message of an error, on one line; empty where it has none."""
    try:
        return one_line(msgspec.json.decode(body, type=_Refusal).message, 300)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


@dataclass(frozen=True, slots=True)
class Osv:
    """The API behind a client that is bound to it."""

    _client: Client

    @property
    def name(self) -> str:
        """`osv`."""
        return NAME

    @property
    def database(self) -> str:
        """OSV's own records."""
        return OSV

    @property
    def batched(self) -> bool:
        """A request for a thousand versions."""
        return True

    async def match(self, questions: Collection[Question]) -> Mapping[Purl, tuple[AdvisoryRef, ...] | Unknown]:
        """Ask in batches, one after the other, and follow every answer to its last page. Versions of GitHub are asked by their commit."""
        each = {question.purl: question for question in questions}
        asked = [question for question in each.values() if _asked_as(question)]
        answers: Batched = {purl: _not_covered(purl) for purl in each}
        for start in range(0, len(asked), MAX_QUERIES):
            answers |= await self._to_the_end(asked[start : start + MAX_QUERIES])
        return answers

    async def advisory(self, ref: AdvisoryRef) -> Fresh[Advisory]:
        """Return the record of exactly that id. `NotFound` names the records that carry it as an alias, in the source's words."""
        if ref.database != OSV:
            raise NotFound(NAME, f"has no records of {one_line(ref.database, 50)}")
        advisory_id = ref.id
        answer = await self._client.get(f"v1/vulns/{quote(advisory_id, safe='')}", limit=MAX_RECORD, also={NOT_THERE})
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        if answer.status == NOT_THERE:
            raise NotFound(NAME, f"{one_line(advisory_id, 100)}: {parse_refusal(answer.body) or 'no such record'}")
        record = await asyncio.to_thread(parse_record, answer.body)  # up to a second for a large one
        if record.id != advisory_id:
            raise Malformed(NAME, f"asked for {one_line(advisory_id, 100)}, answered with {record.id}")
        return Fresh(record, (), (answer.evidence,))

    async def _to_the_end(self, questions: Sequence[Question]) -> Batched:
        asked = {question.purl: question for question in questions}
        found = {purl: set[AdvisoryRef]() for purl in asked}
        answers: Batched = {}
        queries = [(question, "") for question in questions]
        for _ in range(MAX_PAGES):
            pages = await self._ask(queries)
            queries = []
            for purl, page in pages.items():
                if isinstance(page, Unknown):
                    answers[purl] = page  # whatever earlier pages held: the rest could hide anything
                    continue
                found[purl].update(page.refs)
                if page.next_token:
                    queries.append((asked[purl], page.next_token))
                else:
                    answers[purl] = tuple(sorted(found[purl]))
            if not queries:
                return answers
        endless = Unknown(Reason.MALFORMED, NAME, f"an answer of more than {MAX_PAGES} pages")
        return answers | {question.purl: endless for question, _ in queries}

    async def _ask(self, queries: Sequence[Query]) -> dict[Purl, Page | Unknown]:
        """Ask for one page of each, in one request or, where that is refused or fails, in smaller ones: a bad query costs itself."""
        answers: dict[Purl, Page | Unknown] = {}
        waiting = [_Try(queries)]
        for _ in range(MAX_REQUESTS):
            if not waiting:
                break
            attempt = waiting.pop()
            outcome = await self._attempt(attempt)
            if isinstance(outcome, list):
                waiting += outcome
            else:
                answers |= outcome
        unsaid = Unknown(Reason.MALFORMED, NAME, "refuses too many questions of one batch")
        return answers | {question.purl: unsaid for attempt in waiting for question, _ in attempt.queries}

    async def _attempt(self, attempt: "_Try") -> "dict[Purl, Page | Unknown] | list[_Try]":
        """Return the answers, or into which smaller batches to take this one apart."""
        queries = attempt.queries
        try:
            answer = await self._client.post_query(
                "v1/querybatch", _question(queries), limit=MAX_ANSWER, also={BAD_REQUEST}
            )
            if answer.status == BAD_REQUEST:
                return _apart(queries, parse_refusal(answer.body))
            return dict(
                zip((question.purl for question, _ in queries), parse_batch(answer.body, len(queries)), strict=True)
            )
        except SourceError as error:
            if len(queries) > 1 and not attempt.halved and _is_its_content(error):
                return [_Try(half, halved=True) for half in _halves(queries)]
            return {question.purl: error.unknown() for question, _ in queries}


def build(edge: Http, *, api: str) -> AdvisorySource:
    """Build the source for the API at `api` (without `/v1`)."""
    return Osv(edge.client(NAME, base=api))


@dataclass(frozen=True, slots=True)
class _Try:
    """A batch to ask. `halved`: half of one that failed, which is not halved again."""

    queries: Sequence[Query]
    halved: bool = False


def _apart(queries: Sequence[Query], message: str) -> dict[Purl, Page | Unknown] | list[_Try]:
    """One query that the server does not take makes it refuse the batch: ask that one, which it names, apart from the others."""
    if len(queries) == 1:
        return {
            queries[0][0].purl: Unknown(
                Reason.MALFORMED, NAME, f"refuses the question: {message or 'without a reason'}"
            )
        }
    named = AT_INDEX.search(message)
    if named is None or int(named[1]) >= len(queries):
        return [_Try(half) for half in _halves(queries)]
    bad = int(named[1])
    return [_Try((queries[bad],)), _Try((*queries[:bad], *queries[bad + 1 :]))]


def _halves(queries: Sequence[Query]) -> tuple[Sequence[Query], Sequence[Query]]:
    middle = len(queries) // 2
    return queries[:middle], queries[middle:]


def _is_its_content(error: SourceError) -> bool:
    """Whether the failure may lie in what was asked (one query that breaks the server, an answer too large) and not in the way there."""
    return not isinstance(error, Denied | NotFound) and not isinstance(error.__cause__, Broken)


def _question(queries: Sequence[Query]) -> bytes:
    asked = [_asked_as(question) | ({"page_token": token} if token else {}) for question, token in queries]
    return msgspec.json.encode({"queries": asked})


def _asked_as(question: Question) -> dict[str, object]:
    """Return the query about it without a page; empty: it cannot be asked. A commit is one by its type: 40 hexadecimal digits."""
    purl, commit = question.purl, question.commit
    if purl.type == "github" and commit is not None and commit.algorithm == "gitCommit":
        return {"commit": commit.hex}
    if purl.type in ECOSYSTEMS and purl.version:
        return {"package": {"ecosystem": ECOSYSTEMS[purl.type], "name": purl.label}, "version": purl.version}
    return {}


def _page(result: msgspec.Raw) -> Page | Unknown:
    try:
        slot = msgspec.json.decode(result, type=_Slot)
        refs = tuple(AdvisoryRef(ref.id, utc(ref.modified), OSV) for ref in slot.vulns or ())
    except (ValueError, OverflowError, RecursionError) as error:
        return Unknown(Reason.MALFORMED, NAME, f"an answer that is none: {one_line(str(error), 200)}")
    return Page(refs, slot.next_page_token)


def _not_covered(purl: Purl) -> Unknown:
    if purl.type in ECOSYSTEMS:
        return Unknown(Reason.NOT_COVERED, NAME, "is asked about versions, and this is none")
    if purl.type == "github":
        return Unknown(Reason.NOT_COVERED, NAME, "is asked about commits, and the commit of this version is not known")
    return Unknown(Reason.NOT_COVERED, NAME, f"has no records of {one_line(purl.type, 50)} packages")
