"""GitHub's advisories: those of the global database, and those that repositories publish, with free text for ranges.

Form: GitHub's OpenAPI document, `global-advisory` and `repository-advisory`.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from monitor.domain.purl import Purl
from monitor.domain.version_range import compare
from tests.world.answers import answer, seconds
from tests.world.repositories import Writer
from tests.world.scene import Scene

Json = Mapping[str, object]

ECOSYSTEMS = {"npm": "npm", "pypi": "pip"}
WORDS = frozenset({"rubygems", "npm", "pip", "maven", "nuget", "composer", "go", "rust", "erlang", "actions", "pub"})
TYPES = frozenset({"reviewed", "malware", "unreviewed"})
MAX_AFFECTS = 1000
COMPARATOR = re.compile(r"(>=|<=|=|<|>) ?(\S+)")
NOT_FOUND = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}


@dataclass(frozen=True, slots=True)
class Flawed:
    """A package that an advisory names. `ecosystem` stands in place of the package's own; `package` None: none is named."""

    package: Purl | None
    vulnerable: str | None = ">= 0"
    patched: str | None = None
    ecosystem: str = ""

    @property
    def named(self) -> Json | None:
        """The package in GitHub's words."""
        if self.package is None:
            return None
        return {"ecosystem": self.ecosystem or ECOSYSTEMS[self.package.type], "name": self.package.label}


@dataclass(frozen=True, slots=True)
class Published:
    """An advisory. `repository` None: nobody's own; `reviewed`: whether it is in the global database."""

    id: str
    flawed: tuple[Flawed, ...]
    published_at: datetime
    updated_at: datetime
    repository: str | None = None
    reviewed: bool = True
    malware: bool = False
    severity: str = "high"
    vector: str | None = None
    cve: str | None = None
    summary: str = "Something is wrong"
    withdrawn_at: datetime | None = None


@dataclass(slots=True)
class Advisories:
    """The database. `page_size` is the most that one answer holds; a question that names a package of `refused` is refused as a whole."""

    scene: Scene
    records: dict[str, Published] = field(default_factory=dict)
    page_size: int = 100
    refused: set[str] = field(default_factory=set)

    # what tests do to it

    def malware(self, advisory_id: str, package: Purl, vulnerable: str = ">= 0") -> None:
        """List a package, or some of its versions, as malware."""
        self.publish(advisory_id, Flawed(package, vulnerable), malware=True, severity="critical")

    def publish(self, advisory_id: str, *flawed: Flawed, **more: object) -> None:
        """Publish an advisory, now; `more` are further fields of `Published`."""
        now = self.scene.clock()
        self.records[advisory_id] = Published(advisory_id, flawed, now, now, **more)  # type: ignore[arg-type]  # its fields

    def change(self, advisory_id: str, **more: object) -> None:
        """Change an advisory, now."""
        changed = replace(self.records[advisory_id], updated_at=self.scene.clock(), **more)  # type: ignore[arg-type]  # its fields
        self.records[advisory_id] = changed

    def withdraw(self, advisory_id: str) -> None:
        """Withdraw an advisory, now: a repository's list has it no more, and it is still served by its id."""
        self.change(advisory_id, withdrawn_at=self.scene.clock())

    def remove(self, advisory_id: str) -> None:
        """Let an advisory vanish without a trace."""
        del self.records[advisory_id]

    # what it answers

    def tell_global(self, request: Request) -> Response:
        """What the global database has of the packages that are asked about, withdrawn records too."""
        asked = request.query_params
        affects = [name for name in asked.get("affects", "").split(",") if name]
        wrong = asked.get("ecosystem", "npm") not in WORDS or asked.get("type", "reviewed") not in TYPES
        if wrong or len(affects) > MAX_AFFECTS or any(name.rpartition("@")[0] in self.refused for name in affects):
            document = {
                "message": "Validation Failed",
                "documentation_url": "https://docs.github.com/rest",
                "errors": [],
            }
            return answer(document, status=422)
        malware = asked.get("type", "reviewed") == "malware"
        found = [
            self.document(each, "")
            for each in sorted(self.records.values(), key=lambda each: (each.published_at, each.id), reverse=True)
            if each.reviewed and each.malware is malware
            if not affects or any(names(each, name, asked.get("ecosystem", "npm")) for name in affects)
        ]
        return self.paged(found, request)

    def tell_one(self, request: Request) -> Response:
        """One record of the global database."""
        found = self.records.get(request.path_params["ghsa_id"])
        return answer(self.document(found, "")) if found and found.reviewed else answer(NOT_FOUND, status=404)

    def tell_list(self, full_name: str, request: Request) -> Response:
        """What a repository has published and not withdrawn."""
        own = [each for each in self.records.values() if each.repository == full_name and not each.withdrawn_at]
        own.sort(key=lambda each: (each.published_at, each.id), reverse=True)
        return self.paged([self.document(each, full_name) for each in own], request)

    def tell_own(self, full_name: str, request: Request) -> Response:
        """One record of a repository."""
        found = self.records.get(request.path_params["ghsa_id"])
        if found is None or found.repository != full_name:
            return answer(NOT_FOUND, status=404)
        return answer(self.document(found, full_name))

    def paged(self, documents: Sequence[Json], request: Request) -> Response:
        """Answer with the page that the cursor leads to, and the cursor of the next in the Link header."""
        start = int(b64decode(request.query_params.get("after", "MA==")))
        end = start + min(int(request.query_params.get("per_page", "30")), self.page_size)
        cursor = b64encode(str(end).encode()).decode()
        link = f'<{request.url.include_query_params(after=cursor)}>; rel="next"'
        return answer(list(documents[start:end]), headers={"Link": link} if end < len(documents) else {})

    # documents

    def document(self, record: Published, full_name: str) -> Json:
        """Write a record, as of that repository or, without one, as of the global database."""
        api = f"{self.scene.origin()}/github"
        own = f"{api}/repos/{record.repository}/security-advisories/{record.id}" if record.repository else None
        where = own if full_name else f"{api}/advisories/{record.id}"
        identifiers = [{"type": "GHSA", "value": record.id}]
        identifiers += [{"type": "CVE", "value": record.cve}] if record.cve else []
        common: Json = {
            "ghsa_id": record.id,
            "cve_id": record.cve,
            "url": where,
            "html_url": where,
            "summary": record.summary,
            "description": record.summary,
            "severity": record.severity,
            "identifiers": identifiers,
            "published_at": seconds(record.published_at),
            "updated_at": seconds(record.updated_at),
            "withdrawn_at": seconds(record.withdrawn_at) if record.withdrawn_at else None,
            "cvss": {"vector_string": record.vector, "score": None},
            "cvss_severities": {"cvss_v3": {"vector_string": record.vector, "score": None}, "cvss_v4": None},
            "cwes": [],
        }
        return {**common, **(self.own(record, Writer(api)) if full_name else self.reviewed(record, own))}

    def reviewed(self, record: Published, own: str | None) -> Json:
        """What only the global database writes."""
        return {
            "repository_advisory_url": own,
            "type": "malware" if record.malware else "reviewed",
            "source_code_location": None,
            "references": [],
            "github_reviewed_at": seconds(record.published_at),
            "nvd_published_at": None,
            "credits": [],
            "vulnerabilities": [
                {
                    "package": each.named,
                    "vulnerable_version_range": each.vulnerable,
                    "first_patched_version": each.patched,
                    "vulnerable_functions": [],
                }
                for each in record.flawed
            ],
        }

    def own(self, record: Published, writer: Writer) -> Json:
        """What only repositories write."""
        return {
            "author": None,
            "publisher": writer.user("acme-bot", 7),
            "state": "withdrawn" if record.withdrawn_at else "published",
            "created_at": seconds(record.published_at),
            "closed_at": None,
            "submission": None,
            "cwe_ids": [],
            "credits": [],
            "credits_detailed": [],
            "collaborating_users": None,
            "collaborating_teams": None,
            "private_fork": None,
            "vulnerabilities": [
                {
                    "package": each.named,
                    "vulnerable_version_range": each.vulnerable,
                    "patched_versions": each.patched,
                    "vulnerable_functions": [],
                }
                for each in record.flawed
            ],
        }


def names(record: Published, asked: str, ecosystem: str) -> bool:
    """Whether a record names `package` or `package@version`, as the server finds it."""
    at = asked.find("@", 1)
    label, version = (asked[:at], asked[at + 1 :]) if at > 0 else (asked, "")
    return any(
        each.package is not None
        and each.package.label == label
        and (each.ecosystem or ECOSYSTEMS[each.package.type]) == ecosystem
        and (not version or within(each.package.type, each.vulnerable or "", version))
        for each in record.flawed
    )


def within(type_: str, text: str, version: str) -> bool:
    """Whether a range as the reviewers write it holds the version; of another text the server is not sure either, and says yes."""
    holds = {"=": (0,), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}
    for part in text.split(", "):
        read = COMPARATOR.fullmatch(part)
        order = compare(type_, version, read[2]) if read else None
        if read and order is not None and order not in holds[read[1]]:
            return False
    return True
