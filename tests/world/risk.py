"""Where lists of how likely flaws are to be used come from: CISA's catalogue, and FIRST's scores of the day, under `/risk`."""

import gzip
from collections.abc import Mapping
from datetime import date, datetime
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tests.world.answers import answer, conditional, encode, iso
from tests.world.scene import Scene


class Risk:
    """Two lists, each of which has entries before a test adds any: an empty list is none. `model` is EPSS's."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.exploited: dict[str, Mapping[str, object]] = {}
        self.scores: dict[str, float] = {}
        self.model = "v2025.03.14"
        self.changed_at = scene.clock()
        self.exploit("CVE-2021-44228", added=date(2021, 12, 10), ransomware=True)
        self.score("CVE-2021-44228", 0.94358)

    # what tests do to it

    def exploit(self, cve: str, *, added: date | None = None, ransomware: bool = False) -> None:
        """List a flaw as exploited, since today where `added` does not say."""
        since = added or self.scene.clock().date()
        self.exploited[cve] = {
            "cveID": cve,
            "vendorProject": "Acme",
            "product": "Files",
            "vulnerabilityName": "Acme Files Path Traversal Vulnerability",
            "dateAdded": since.isoformat(),
            "shortDescription": "Acme Files has a path traversal.",
            "requiredAction": "Apply updates per vendor instructions.",
            "dueDate": since.isoformat(),
            "knownRansomwareCampaignUse": "Known" if ransomware else "Unknown",
            "notes": "",
            "cwes": ["CWE-22"],
        }
        self.changed_at = self.scene.clock()

    def forget(self, cve: str) -> None:
        """Take a flaw off both lists."""
        self.exploited.pop(cve, None)
        self.scores.pop(cve, None)
        self.changed_at = self.scene.clock()

    def score(self, cve: str, probability: float) -> None:
        """Give a flaw a probability."""
        self.scores[cve] = probability
        self.changed_at = self.scene.clock()

    # what it answers

    def routes(self) -> list[BaseRoute]:
        """The two lists; the scores of today are found by a redirect, too, as they are in truth."""
        return [
            Route("/kev.json", self.kev),
            Route("/epss.csv.gz", self.epss),
            Route("/epss.csv", self.plain),
            Route("/epss-current.csv.gz", lambda _: RedirectResponse("epss.csv.gz", 302)),
        ]

    def kev(self, request: Request) -> Response:
        """The catalogue."""
        return self.told(request, encode(self.catalogue()), "application/json")

    def epss(self, request: Request) -> Response:
        """The scores, packed."""
        return self.told(request, gzip.compress(self.table(), mtime=0), "application/gzip")

    def plain(self, request: Request) -> Response:
        """The scores, as they are."""
        return self.told(request, self.table(), "text/csv")

    def told(self, request: Request, body: bytes, media: str) -> Response:
        """Answer, or say that nothing changed."""
        whole = answer(body, headers={"Last-Modified": format_datetime(self.changed_at, usegmt=True)}, media=media)
        return conditional(request, whole, weak=False)

    def catalogue(self) -> Mapping[str, object]:
        """Write the catalogue as CISA does."""
        return {
            "title": "CISA Catalog of Known Exploited Vulnerabilities",
            "catalogVersion": f"{self.changed_at:%Y.%m.%d}",
            "dateReleased": iso(self.changed_at),
            "count": len(self.exploited),
            "vulnerabilities": list(self.exploited.values()),
        }

    def table(self) -> bytes:
        """Write the scores as FIRST does."""
        lines = [f"#model_version:{self.model},score_date:{self.day():%Y-%m-%dT%H:%M:%SZ}", "cve,epss,percentile"]
        lines += [f"{cve},{score:.5f},0.50000" for cve, score in sorted(self.scores.items())]
        return "".join(f"{line}\n" for line in lines).encode()

    def day(self) -> datetime:
        """The day of the scores."""
        return self.changed_at.replace(hour=12, minute=55, second=0, microsecond=0)
