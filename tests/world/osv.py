"""OSV's API as its server behaves (google/osv.dev, docs and go/internal/api), over records that tests add."""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packageurl import PackageURL
from packaging.utils import canonicalize_name
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from monitor.domain.advisory import Advisory
from monitor.domain.purl import Purl
from tests.world.answers import answer, seconds
from tests.world.matching import affects, reading
from tests.world.scene import Scene

Json = Mapping[str, object]
Lookup = Mapping[Purl, Sequence[Advisory]]
MAX_QUERIES = 1000
MAX_ID = 100
ECOSYSTEMS = {
    "npm": "npm",
    "PyPI": "pypi",
    "Go": "golang",
    "crates.io": "cargo",
    "NuGet": "nuget",
    "Maven": "maven",
    "RubyGems": "gem",
    "Packagist": "composer",
    "GIT": "",
    "GitHub Actions": "",
}
FIRST_PAGE = b64encode(b"FIRST_PAGE_TOKEN").decode()


@dataclass(frozen=True, slots=True)
class Query:
    """A query that makes sense. `package` None: of a kind that the server answers with nothing, or one about a `commit`."""

    package: Purl | None
    start: int
    commit: str = ""


class BadQuery(Exception):
    """A query that the server refuses, and with it the whole batch."""


class Osv:
    """The database. `page_size` is how many records one answer holds; `lone_tokens` makes it begin with a token and nothing else."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.records: dict[str, dict[str, object]] = {}
        self.hidden: set[str] = set()
        self.commits: dict[str, set[str]] = {}
        self.page_size = 1000
        self.lone_tokens = False

    # what tests do to it

    def add(self, record: Json) -> None:
        """Add a record in OSV's form, or replace the one of that id; `modified` is now where the record does not say."""
        self.records[str(record["id"])] = {"schema_version": "1.7.5", "modified": seconds(self.scene.clock()), **record}

    def advise(
        self,
        advisory_id: str,
        package: Purl,
        *,
        introduced: str = "0",
        fixed: str | None = None,
        versions: Iterable[str] = (),
        severity: str = "HIGH",
        vector: str | None = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
        aliases: Sequence[str] = (),
        summary: str = "Something is wrong",
    ) -> None:
        """Add a record about one package: a range from `introduced` to `fixed` (for ever without), or just `versions`."""
        named = {"ecosystem": "npm" if package.type == "npm" else "PyPI", "name": package.label}
        events = [{"introduced": introduced}, *([{"fixed": fixed}] if fixed else [])]
        kind = "SEMVER" if package.type == "npm" else "ECOSYSTEM"
        listed = list(versions)
        affected: dict[str, object] = {"package": named}
        affected |= {"versions": listed} if listed else {"ranges": [{"type": kind, "events": events}]}
        record: dict[str, object] = {
            "id": advisory_id,
            "summary": summary,
            "details": summary,
            "aliases": list(aliases),
            "published": seconds(self.scene.clock()),
            "affected": [affected],
            "database_specific": {"severity": severity},
        }
        self.add(record | ({"severity": [{"type": "CVSS_V3", "score": vector}]} if vector else {}))

    def malware(self, advisory_id: str, package: Purl, *versions: str) -> None:
        """Add a `MAL-` record: of some versions of a good package, or without any of the whole package."""
        summary = f"Malicious code in {package.label}"
        self.advise(advisory_id, package, versions=versions, vector=None, summary=summary)
        del self.records[advisory_id]["database_specific"]

    def withdraw(self, advisory_id: str) -> None:
        """Withdraw a record, now: it leaves the batches and is still served by its id."""
        now = seconds(self.scene.clock())
        self.records[advisory_id] = self.records[advisory_id] | {"withdrawn": now, "modified": now}

    def reach(self, advisory_id: str, *commits: str) -> None:
        """Tell which commits lie in a record's GIT ranges: the server knows the repositories' histories, the world has none."""
        self.commits.setdefault(advisory_id, set()).update(commits)

    def hide(self, advisory_id: str) -> None:
        """Let a record leave the batches without a word; it is served by its id as it was."""
        self.hidden.add(advisory_id)

    def remove(self, advisory_id: str) -> None:
        """Let a record vanish without a trace."""
        del self.records[advisory_id]

    # what it answers

    def routes(self) -> list[BaseRoute]:
        """The API's addresses, below its base."""
        return [
            Route("/v1/query", self.query, methods=["POST"]),
            Route("/v1/querybatch", self.querybatch, methods=["POST"]),
            Route("/v1/vulns/{id}", self.vulnerability),
        ]

    async def query(self, request: Request) -> Response:
        """One query, answered with whole records."""
        try:
            found, token = self.matches(parse(json.loads(await request.body())), self.by_package())
        except (BadQuery, ValueError) as error:
            return answer({"code": 3, "message": str(error)}, status=400)
        return answer(slot([self.records[key] for key in found], token))

    async def querybatch(self, request: Request) -> Response:
        """Up to 1,000 queries; slot i answers query i, and one bad query costs the batch."""
        try:
            queries = json.loads(await request.body())["queries"]
        except (ValueError, KeyError, TypeError):
            return answer({"code": 3, "message": "invalid JSON"}, status=400)
        if len(queries) > MAX_QUERIES:
            return answer({"code": 3, "message": "too many queries"}, status=400)
        results, lookup = [], self.by_package()
        for place, query in enumerate(queries):
            try:
                found, token = self.matches(parse(query), lookup)
            except BadQuery as error:
                return answer({"code": 3, "message": f"error in query at index {place}: {error}"}, status=400)
            short = [{"id": key, "modified": self.records[key]["modified"]} for key in found]
            results.append(slot(short, token))
        return answer({"results": results})

    def by_package(self) -> Lookup:
        """Return the live records by the packages that they name: once for a batch, since tests change records as they like."""
        found = defaultdict[Purl, list[Advisory]](list)
        for _, record in sorted(self.records.items()):
            if "withdrawn" not in record and record["id"] not in self.hidden:
                advisory = reading(record)
                for package in {entry.package for entry in advisory.affected}:
                    found[package].append(advisory)
        return found

    def matches(self, query: Query, lookup: Lookup) -> tuple[list[str], str]:
        """Return a page of ids of live records that name the version, and the token of the next page (empty: none)."""
        if query.package is None and not query.commit:
            return [], ""
        if self.lone_tokens and query.start < 0:
            return [], FIRST_PAGE
        if query.package is None:
            within = (key for key, commits in self.commits.items() if query.commit in commits)
            found = sorted(key for key in within if "withdrawn" not in self.records.get(key, {"withdrawn": ""}))
        else:
            named = lookup.get(query.package.package, ())
            found = [advisory.id for advisory in named if affects(advisory, query.package)]
        start = max(query.start, 0)
        end = start + self.page_size
        return found[start:end], b64encode(f"page:{end}".encode()).decode() if end < len(found) else ""

    def vulnerability(self, request: Request) -> Response:
        """One record, withdrawn ones too; an alias is told and not served."""
        asked = request.path_params["id"]
        if len(asked) > MAX_ID:
            return answer({"code": 3, "message": "ID too long"}, status=400)
        if asked in self.records:
            return answer(self.records[asked])
        carriers = [key for key, record in self.records.items() if asked in str(record.get("aliases", ""))]
        also = f", but the following aliases were: {' '.join(sorted(carriers))}" if carriers else "."
        return answer({"code": 5, "message": f"Bug not found{also}"}, status=404)


def slot(records: Sequence[Json], token: str) -> Json:
    """Write one result; nothing found and nothing to follow is `{}`."""
    return ({"vulns": records} if records else {}) | ({"next_page_token": token} if token else {})


def parse(query: object) -> Query:
    """Read one query as the server does. Raises `BadQuery` in the server's words."""
    if not isinstance(query, dict):
        raise BadQuery("Invalid query")
    if "commit" in query:
        commit = query["commit"]
        if not isinstance(commit, str) or len(commit) % 2 or set(commit) - set("0123456789abcdef"):
            raise BadQuery("invalid hash")
        return Query(None, page(query.get("page_token", "")), commit)
    package, version = query.get("package") or {}, query.get("version", "")
    if not package:
        raise BadQuery("Package, version or commit is required")
    return Query(named(package, version), page(query.get("page_token", "")))


def named(package: Mapping[str, str], version: str) -> Purl | None:
    """Read which version of which package is asked for; None for a purl of a type that the server does not know."""
    if "purl" in package:
        if "name" in package or "ecosystem" in package:
            raise BadQuery("name specified in a PURL query")
        read = PackageURL.from_string(package["purl"])
        if read.version and version:
            raise BadQuery("version specified in params and PURL query")
        known = read.type in ECOSYSTEMS.values()
        return Purl(read.type, read.namespace or None, read.name, read.version or version or None) if known else None
    ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
    if not name:
        raise BadQuery("name is required")
    if ecosystem.partition(":")[0] not in ECOSYSTEMS:
        raise BadQuery("invalid ecosystem")
    kind = ECOSYSTEMS[ecosystem.partition(":")[0]]
    if kind == "npm":
        return Purl.npm(name, version or None)
    return Purl(kind or "generic", None, canonicalize_name(name) if kind == "pypi" else name, version or None)


def page(token: str) -> int:
    """Read a page token; -1 is the very beginning."""
    if not token:
        return -1
    if token == FIRST_PAGE:
        return 0
    try:
        return int(b64decode(token, validate=True).removeprefix(b"page:"))
    except (Base64Error, ValueError) as error:
        raise BadQuery("invalid page token") from error
