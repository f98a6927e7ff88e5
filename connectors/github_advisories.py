"""Malware in GitHub's global database of advisories (https://docs.github.com/en/rest/security-advisories/global-advisories).

It knows: which versions of npm and PyPI packages GitHub's reviewers list as malware, often hours before other databases do.
It does not know: packages of other ecosystems, and flaws: those come from OSV, which has GitHub's reviewed records. Why a record no longer
names a version it says by the record itself, which it serves when it is withdrawn, too.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from connectors._edge.http import Client, Http, NotModified
from connectors._github_advisory_record import ECOSYSTEMS, next_page, parse_advisory, parse_page
from connectors._github_documents import ACCEPT, PER_PAGE, headers
from monitor.domain.advisory import GITHUB, Advisory, AdvisoryRef, Question
from monitor.domain.evidence import Evidence
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import is_affected
from monitor.ports.errors import Malformed, SourceError
from monitor.ports.sources import AdvisorySource, Fresh

NAME = "github_advisories"
MAX_PACKAGES = 1000
"""In one question; GitHub refuses more."""
MAX_QUESTION = 3500
"""Characters of the packages in an address. GitHub takes twice that, but repeats the address in the header that leads to the next page,
once or twice, and headers are read up to 8,190 characters."""
MAX_PAGES = 20
"""Of one answer: malware is one record a package, as a rule."""
MAX_REQUESTS = 64
"""For one question: how far one that is refused is taken apart."""
MAX_ANSWER = 32 * 2**20
MAX_RECORD = 4 * 2**20
"""Bytes."""
MAX_KEPT = 8 * 2**20
"""Bytes of answers whose records are kept for who reads them next."""
REFUSED = frozenset({400, 414, 422})

_NAME = re.compile(r"(?:@[A-Za-z0-9._~-]{1,214}/)?[A-Za-z0-9._~-]{1,214}")
_VERSION = re.compile(r"[0-9A-Za-z.+!_~-]{1,128}")

Answer = tuple[AdvisoryRef, ...] | Unknown


class _Refused(Malformed):
    """A part of the question makes the answer worthless: asked in smaller parts, it costs itself."""


@dataclass(frozen=True, slots=True)
class GitHubAdvisories:
    """The global database behind a client that is bound to the API."""

    _client: Client
    _seen: dict[str, Fresh[Advisory]] = field(default_factory=dict)
    """The records of the last match by id: each was read in it as a whole."""

    @property
    def name(self) -> str:
        """`github_advisories`."""
        return NAME

    @property
    def database(self) -> str:
        """GitHub's own."""
        return GITHUB

    @property
    def batched(self) -> bool:
        """A hundred versions a request."""
        return True

    async def match(self, questions: Collection[Question]) -> Mapping[Purl, Answer]:
        """Ask about many versions at once, one question after the other; which record names which version is decided here."""
        self._seen.clear()
        answers = {question.purl: _not_covered(question.purl) for question in questions}
        for type_ in ECOSYSTEMS:
            wanted = [purl for purl in answers if purl.type == type_ and purl.version and _NAME.fullmatch(purl.label)]
            for part in _parts(wanted):
                answers |= await self._ask(part)
        return answers

    async def advisory(self, ref: AdvisoryRef) -> Fresh[Advisory]:
        """Return the record of exactly that id, withdrawn or not; as the last match had it where that is the state that is asked for."""
        seen = self._seen.get(ref.id)
        if seen and seen.value.modified_at == ref.modified_at:
            return seen
        shown = one_line(ref.id, 100)
        answer = await self._client.get(f"advisories/{quote(ref.id, safe='')}", accept=ACCEPT, limit=MAX_RECORD)
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        record = _read(answer.body)
        if record.id != ref.id:
            raise Malformed(NAME, f"asked for {shown}, answered with {record.id}")
        return Fresh(record, (), (answer.evidence,))

    async def _ask(self, versions: Sequence[Purl]) -> dict[Purl, Answer]:
        """Ask about versions of one ecosystem, and in smaller parts where that is refused."""
        answers: dict[Purl, Answer] = {}
        waiting = [versions]
        for _ in range(MAX_REQUESTS):
            if not waiting:
                return answers
            part = waiting.pop()
            try:
                answers |= await self._decided(part)
            except _Refused as error:
                middle = len(part) // 2
                if middle:
                    waiting += [part[:middle], part[middle:]]
                else:
                    answers |= dict.fromkeys(part, error.unknown())
            except SourceError as error:
                answers |= dict.fromkeys(part, error.unknown())
        unsaid = Unknown(Reason.MALFORMED, NAME, "refuses too many parts of one question")
        return answers | {purl: unsaid for part in waiting for purl in part}

    async def _decided(self, versions: Sequence[Purl]) -> dict[Purl, tuple[AdvisoryRef, ...]]:
        """One answer serves many versions: say of each record which of them it names.

        A record that by our reading names none of them is reported for all versions of its packages: the source's word stands, and who
        reads the record sees that both differ.
        """
        found = {purl: set[AdvisoryRef]() for purl in versions}
        for record in await self._records(versions):
            packages = {entry.package.label.lower() for entry in record.affected}
            named = [purl for purl in versions if purl.label.lower() in packages]
            if not named:
                raise _Refused(NAME, f"answers with {record.id}, which names no package that was asked about")
            if record.withdrawn_at is None:
                ref = AdvisoryRef(record.id, record.modified_at, GITHUB)
                for purl in [purl for purl in named if is_affected(record, purl) is not False] or named:
                    found[purl].add(ref)
        return {purl: tuple(sorted(refs)) for purl, refs in found.items()}

    async def _records(self, versions: Sequence[Purl]) -> list[Advisory]:
        records: list[Advisory] = []
        place: str | None = _question(versions)
        for _ in range(MAX_PAGES):
            if place is None:
                return records
            answer = await self._client.get(place, accept=ACCEPT, limit=MAX_ANSWER, also=REFUSED)
            if isinstance(answer, NotModified):
                raise Malformed(NAME, "said that nothing changed to a question without condition")
            if answer.status in REFUSED:
                raise _Refused(NAME, f"refuses the question ({answer.status})")
            page = await asyncio.to_thread(_page, answer.body)
            self._keep(page, answer.evidence)
            records += page
            place = next_page(answer.headers)
        if place is None:
            return records
        raise _Refused(NAME, f"an answer of more than {MAX_PAGES} pages")

    def _keep(self, page: Iterable[Advisory], evidence: Evidence) -> None:
        """Keep the records of a page, each with the page as its evidence, as long as the pages are not too much together."""
        pages = {piece.sha256: len(piece.body) for kept in self._seen.values() for piece in kept.evidence}
        if sum((pages | {evidence.sha256: len(evidence.body)}).values()) <= MAX_KEPT:
            self._seen.update((record.id, Fresh(record, (), (evidence,))) for record in page)


def build(edge: Http, *, api: str, token: str | None) -> AdvisorySource:
    """Build the source for the REST interface at `api`. `token` None: 60 requests an hour, each for about a hundred versions."""
    return GitHubAdvisories(edge.client(NAME, base=api, headers=headers(token)))


def _read(body: bytes | msgspec.Raw) -> Advisory:
    return parse_advisory(body, source=NAME, database=GITHUB)


def _page(body: bytes) -> list[Advisory]:
    """A record that cannot be read could be about any of the versions that were asked about."""
    page = parse_page(body, source=NAME)
    try:
        return [_read(raw) for raw in page]
    except Malformed as error:
        raise _Refused(NAME, error.detail) from error


def _parts(versions: Iterable[Purl]) -> Iterator[Sequence[Purl]]:
    """Versions that fit into one question."""
    part: list[Purl] = []
    length = 0
    for purl in versions:
        more = len(quote(f"{_spelled(purl)},", safe=""))
        if part and (length + more > MAX_QUESTION or len(part) == MAX_PACKAGES):
            yield part
            part, length = [], 0
        part.append(purl)
        length += more
    if part:
        yield part


def _question(versions: Sequence[Purl]) -> str:
    affects = quote(",".join(dict.fromkeys(map(_spelled, versions))), safe="")
    return f"advisories?type=malware&ecosystem={ECOSYSTEMS[versions[0].type]}&per_page={PER_PAGE}&affects={affects}"


def _spelled(purl: Purl) -> str:
    """Ask about the package as a whole where the version could be read as something else: it is decided here anyway."""
    version = purl.version or ""
    return f"{purl.label}@{version}" if _VERSION.fullmatch(version) else purl.label


def _not_covered(purl: Purl) -> Answer:
    if purl.type not in ECOSYSTEMS:
        return Unknown(Reason.NOT_COVERED, NAME, f"has no records of {one_line(purl.type, 50)} packages")
    if purl.version is None:
        return Unknown(Reason.NOT_COVERED, NAME, "is asked about versions, and this is none")
    return Unknown(Reason.NOT_COVERED, NAME, "is asked about packages whose name a registry could hold")
