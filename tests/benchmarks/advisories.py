"""A copy of OSV's export of a quarter of a million records: making it, bringing it up to date, asking it, and what that takes.

The export is made here, in the shape of the real one: many small records of malicious npm packages, and thousands of flaws with ranges,
lists of versions, names in other databases, and prose. Each step runs in a process of its own, so that its peak of memory is its own.
"""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from connectors import osv_mirror
from connectors._edge.http import Http
from connectors._osv_shape import RECORD
from monitor.domain.advisory import Question
from monitor.domain.purl import Purl
from monitor.domain.unknown import Unknown
from monitor.ports.sources import MirrorState

T = TypeVar("T")

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
MALWARE, NPM, PYPI, PYPI_MALWARE = 212_000, 20_000, 12_000, 6_000
"""Records of each kind: 250,000."""
CHANGED = 500
VERSIONS = 10_000
FLAWED = 0.3
"""The share of the versions that are asked about whose package has records: libraries that many use have some."""
PROSE = (
    "attacker package version install script remote server credential token environment the a of to and is in that which with "
    "request path input validate memory process header parser prototype pollution denial service upgrade patch affected users"
)
WORDS = PROSE.split()

Random = random.Random


@dataclass(frozen=True, slots=True)
class Step:
    """What a step took: seconds, and the peak of its process's memory in megabytes. `said` is what came out of it."""

    name: str
    seconds: float
    megabytes: float
    said: str


def measured() -> list[Step]:
    """Make the export, and run every step."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make(place / "export")
        return [_run(place, name) for name in STEPS]


def lines(steps: list[Step]) -> list[str]:
    """Return the table."""
    shown = [f"{'a copy of 250,000 advisories':<44}{'seconds':>9}{'peak':>10}  {'':<30}".rstrip()]
    shown += [f"{each.name:<44}{each.seconds:>9.2f}{each.megabytes:>7.0f} MB  {each.said}" for each in steps]
    took = {each.name: each.seconds for each in steps}
    return [*shown, f"{'building it, beside the bare reading':<44}{took[BUILD] / took[BARE]:>8.2f}x"]


def as_json(steps: list[Step]) -> list[dict[str, object]]:
    """Return the same for machines."""
    return [asdict(each) for each in steps]


# --- the export


def make(folder: Path) -> None:
    """Write the export of now, and of later the list and the files of what has changed by then."""
    rng = Random(1)
    for ecosystem, records in (("npm", _npm(rng)), ("PyPI", _pypi(rng))):
        (folder / ecosystem).mkdir(parents=True)
        listed = []
        with zipfile.ZipFile(folder / ecosystem / "all.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for number, record in enumerate(records):
                at = NOW - timedelta(minutes=2 * number + 120)
                record["modified"] = f"{at:%Y-%m-%dT%H:%M:%SZ}"
                archive.writestr(f"{record['id']}.json", json.dumps(record))
                listed.append(f"{record['modified']},{record['id']}\n")
                if ecosystem == "npm" and number < CHANGED:
                    _write(
                        folder / "later" / f"{record['id']}.json", record | {"modified": f"{LATER:%Y-%m-%dT%H:%M:%SZ}"}
                    )
        (folder / ecosystem / "modified_id.csv").write_text("".join(listed))
    changed = sorted(path.stem for path in (folder / "later").iterdir())
    rest = (folder / "npm" / "modified_id.csv").read_text().splitlines(keepends=True)[CHANGED:]
    (folder / "later" / "modified_id.csv").write_text(
        "".join(f"{LATER:%Y-%m-%dT%H:%M:%SZ},{each}\n" for each in changed) + "".join(rest)
    )


def _write(path: Path, record: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))


def _npm(rng: Random) -> Iterator[dict[str, object]]:
    for number in range(NPM):
        events = [{"introduced": "0"}, {"fixed": _version(rng)}]
        more = [{"introduced": _version(rng)}, {"fixed": _version(rng)}]
        ranges = [events, more] if number % 3 == 0 else [events]
        spans: list[object] = [{"type": "SEMVER", "events": each} for each in ranges]
        yield _flaw(rng, f"GHSA-{number:04x}-npm", "npm", _flawed(rng, "npm"), ranges=spans)
    for number in range(MALWARE):
        affected: dict[str, object] = {"package": {"ecosystem": "npm", "name": f"evil-{number}-{rng.choice(WORDS)}"}}
        if number % 5:
            affected["ranges"] = [{"type": "SEMVER", "events": [{"introduced": "0"}]}]
        else:
            affected["versions"] = [_version(rng) for _ in range(rng.randint(1, 4))]
        yield _malware(rng, f"MAL-2026-{number}", affected)


def _pypi(rng: Random) -> Iterator[dict[str, object]]:
    for number in range(PYPI):
        listed = [f"{major}.{minor}" for major in range(rng.randint(1, 4)) for minor in range(rng.randint(5, 25))]
        spans: list[object] = [
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": _version(rng)}]},
            {
                "type": "GIT",
                "repo": f"https://github.com/acme/p{number % 3000}",
                "events": [{"introduced": "0"}, {"fixed": "f" * 40}],
            },
        ]
        yield _flaw(rng, f"PYSEC-2026-{number}", "PyPI", _flawed(rng, "pypi"), ranges=spans, versions=listed)
    for number in range(PYPI_MALWARE):
        affected: dict[str, object] = {
            "package": {"ecosystem": "PyPI", "name": f"evil-{number}"},
            "versions": [_version(rng)],
        }
        yield _malware(rng, f"MAL-2026-{MALWARE + number}", affected)


def _flaw(rng: Random, advisory_id: str, ecosystem: str, name: str, **says: object) -> dict[str, object]:
    return {
        "id": advisory_id,
        "schema_version": "1.7.5",
        "published": "2026-01-01T00:00:00Z",
        "aliases": [f"CVE-2026-{advisory_id[-6:]}", f"GHSA-{rng.getrandbits(40):x}"],
        "summary": _prose(rng, 10),
        "details": _prose(rng, rng.randint(40, 300)),
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, **says}],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
        "references": [{"type": "WEB", "url": f"https://advisories.example/{advisory_id}/{n}"} for n in range(5)],
        "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-79"]},
    }


def _malware(rng: Random, advisory_id: str, affected: dict[str, object]) -> dict[str, object]:
    origin = {"source": "analysis", "sha256": f"{rng.getrandbits(256):064x}", "import_time": "2026-01-01T00:00:00Z"}
    return {
        "id": advisory_id,
        "schema_version": "1.7.4",
        "published": "2026-01-01T00:00:00Z",
        "summary": "Malicious code in a package",
        "details": _prose(rng, rng.randint(30, 120)),
        "affected": [affected],
        "database_specific": {"malicious-packages-origins": [origin]},
    }


def _prose(rng: Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def _flawed(rng: Random, kind: str) -> str:
    """A few packages have a hundred records and more, and most have one: as it is."""
    return f"{kind}-{int(4000 * rng.random() ** 1.8)}"


def _version(rng: Random) -> str:
    return f"{rng.randint(0, 6)}.{rng.randint(0, 30)}.{rng.randint(0, 20)}"


# --- the steps, each in a process of its own


def bare(place: Path) -> tuple[float, str]:
    """Do what anybody has to do who reads the archives: unzip, and decode."""
    began, count = time.perf_counter(), 0
    for path in sorted((place / "export").glob("*/all.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                RECORD.decode(archive.read(name))
                count += 1
    return time.perf_counter() - began, f"{count} records"


def whole(place: Path) -> tuple[float, str]:
    """Compare with the archives: the first time everything is new."""
    return _refreshed(place, NOW, whole=True)


def update(place: Path) -> tuple[float, str]:
    """Bring it up to date when some records have changed."""
    for path in (place / "export" / "later").iterdir():
        path.replace(place / "export" / "npm" / path.name)
    return _refreshed(place, LATER, whole=False)


def quiet(place: Path) -> tuple[float, str]:
    """Bring it up to date when nothing has changed."""
    return _refreshed(place, LATER, whole=False)


def match(place: Path) -> tuple[float, str]:
    """Ask about the versions of an organisation."""
    rng = Random(2)
    asked = []
    for number in range(VERSIONS):
        kind, build = ("npm", Purl.npm) if number % 10 < 7 else ("pypi", Purl.pypi)
        name = _flawed(rng, kind) if rng.random() < FLAWED else f"good-{number}"
        asked.append(Question(build(name, _version(rng))))
    mirror, _ = _mirror(place, LATER)
    began = time.perf_counter()
    answers = asyncio.run(_await(mirror.match(asked)))
    took = time.perf_counter() - began
    found = [refs for refs in answers.values() if not isinstance(refs, Unknown)]
    return took, f"{len(found)} versions, {sum(map(bool, found))} named, by {sum(map(len, found))} records"


def _refreshed(place: Path, now: datetime, *, whole: bool) -> tuple[float, str]:
    mirror, edge = _mirror(place, now)

    async def refresh() -> MirrorState:
        async with edge.session():
            return await mirror.refresh(whole=whole)

    began = time.perf_counter()
    state = asyncio.run(refresh())
    return time.perf_counter() - began, f"{state.changed} of {state.records} records changed"


def _mirror(place: Path, now: datetime) -> tuple[osv_mirror.OsvMirror, Http]:
    edge = Http(user_agent="bench", clock=lambda: now)
    long = timedelta(days=3650)  # the files were written just now, and the clock is the export's
    return osv_mirror.build(
        edge, place=str(place / "export"), folder=place / "copy", clock=lambda: now, stale_after=long
    ), edge


async def _await(answer: Awaitable[T]) -> T:
    return await answer


def peak() -> float:
    """The highest resident size of this process, in megabytes: Linux counts that of whoever started it into getrusage's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


BARE, BUILD = "bare reading: unzip and decode", "building it"
STEPS: dict[str, Callable[[Path], tuple[float, str]]] = {
    BARE: bare,
    BUILD: whole,
    "comparing it whole, nothing new": whole,
    "bringing it up to date, 500 new": update,
    "bringing it up to date, nothing new": quiet,
    "matching 10,000 versions": match,
}


def _run(place: Path, name: str) -> Step:
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.benchmarks.advisories", str(place), name], check=True, capture_output=True
    )
    return Step(name, **json.loads(done.stdout))


if __name__ == "__main__":
    took, came = STEPS[sys.argv[2]](Path(sys.argv[1]))
    sys.stdout.write(json.dumps({"seconds": took, "megabytes": peak(), "said": came}))
