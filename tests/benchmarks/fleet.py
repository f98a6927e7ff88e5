"""A fleet of 10,000 hosts with eight servers each: keeping what they report, and comparing it with a registry of a thousand servers.

Each step runs in a process of its own, so that its peak of memory is its own. One host in ten has something that differs.
"""

import asyncio
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.domain.audit import AuditEvent
from monitor.domain.comparison import RegistryPlace, compare
from monitor.domain.deployment import Deployment, HostReport, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.server import Approval, Entry, Pin, Server
from monitor.domain.snapshot import Fleet
from monitor.domain.unknown import Unknown
from monitor.jobs import recall as memory
from monitor.jobs.check_fleet import check_fleet
from monitor.ports.store import UnitOfWork
from monitor.settings import load
from monitor.store.database import open_store
from monitor.wiring import build
from tests.benchmarks.advisories import peak

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
HOSTS, EACH, SERVERS = 10_000, 8, 1_000
SOURCE = "inventory-folder reports"
DRIFTED = 64
"""Of 100 deployments."""
CHANGED = 100
"""One host in so many has another version an hour later."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step took: seconds, and the peak of its process's memory in megabytes. `said` is what came out of it."""

    name: str
    seconds: float
    megabytes: float
    said: str


def measured() -> list[Step]:
    """Run every step on one database."""
    with tempfile.TemporaryDirectory() as folder:
        return [_run(Path(folder), name) for name in STEPS]


def lines(steps: list[Step]) -> list[str]:
    """Return the table."""
    shown = [f"{'10,000 hosts with 8 servers each':<44}{'seconds':>9}{'peak':>10}"]
    return shown + [f"{each.name:<44}{each.seconds:>9.2f}{each.megabytes:>7.0f} MB  {each.said}" for each in steps]


def as_json(steps: list[Step]) -> list[dict[str, object]]:
    """Return the same for machines."""
    return [asdict(each) for each in steps]


# --- the fleet


def _package(number: int) -> Purl:
    return Purl.npm(f"@team-{number % 40}/server-{number}") if number % 3 else Purl.pypi(f"acme-server-{number}")


def entries() -> list[Entry]:
    """The registry."""
    found = []
    for number in range(SERVERS):
        package = _package(number)
        server = Server(f"io.github.acme/server-{number}", package, None, None, f"team-{number % 40}", 2)
        found.append(Entry(server, Approval(Pin(package.at("1.4.2")), "rita", NOW, None), number + 1))
    return found


def inventory(at: datetime, *, drifted: int = 0) -> Inventory:
    """What lies in the folder at that time; of `drifted` in 100 deployments the version is another than the approved one."""
    deployments, reports = [], []
    for host in range(HOSTS):
        name = f"laptop-{host}"
        other = at > NOW and host % CHANGED == 0
        reports.append(HostReport(name, at))
        for place in range(EACH):
            version = "1.5.0" if other or (host * EACH + place) % 100 < drifted else "1.4.2"
            it = Deployment(
                name, "claude-desktop", f"/home/user-{host}/.config/Claude/claude_desktop_config.json", f"server-{place}",
                PinKind.EXACT, _package((host * EACH + place) % SERVERS).at(version),
            )  # fmt: skip
            deployments.append(_odd(it, host) if place == 0 and host % 10 == 0 else it)
    return Inventory(SOURCE, tuple(deployments), (), complete=True, reports=tuple(reports))


def _odd(deployment: Deployment, host: int) -> Deployment:
    match host // 10 % 4:
        case 0:
            return replace(deployment, kind=PinKind.NONE, purl=deployment.purl and deployment.purl.package)
        case 1:
            return replace(deployment, purl=deployment.purl and deployment.purl.at("2.0.0"))
        case 2:
            return replace(deployment, redirects=("NPM_CONFIG_REGISTRY",))
        case _:
            return replace(deployment, purl=Purl.npm(f"stranger-{host}", "1.0.0"))


# --- the steps, each in a process of its own


def first(place: Path) -> tuple[float, str]:
    """Keep the first report of every host."""
    return _kept(place, NOW)


def same(place: Path) -> tuple[float, str]:
    """Keep the same again."""
    return _kept(place, NOW + timedelta(minutes=15), of=NOW)


def changed(place: Path) -> tuple[float, str]:
    """Keep what an hour brought."""
    return _kept(place, LATER)


def _kept(place: Path, at: datetime, *, of: datetime | None = None) -> tuple[float, str]:
    store = open_store(f"sqlite:///{place}/monitor.db", clock=lambda: at)
    store.migrate()
    seen = inventory(of or at)

    def keep(unit: UnitOfWork) -> None:
        unit.keep_inventory(seen, at)
        unit.commit(AuditEvent(at, "bench", "inventory.read", SOURCE, {}))

    began = time.perf_counter()
    asyncio.run(store.run(keep))
    took = time.perf_counter() - began
    return took, f"{HOSTS / took:,.0f} reports a second"


def drifted(place: Path) -> tuple[float, str]:
    """Let two thirds of all that is deployed differ, then read and compare that."""
    store = open_store(f"sqlite:///{place}/monitor.db", clock=lambda: LATER)

    def keep(unit: UnitOfWork) -> None:
        unit.keep_inventory(inventory(NOW, drifted=DRIFTED), LATER)
        unit.commit(AuditEvent(LATER, "bench", "inventory.read", SOURCE, {}))

    asyncio.run(store.run(keep))
    return from_store(place)


def from_store(place: Path) -> tuple[float, str]:
    """Read what is deployed from the database, and compare it."""
    store = open_store(f"sqlite:///{place}/monitor.db", clock=lambda: LATER)
    listed = entries()
    place_of = RegistryPlace("registry.yaml", {entry.server.name: entry.line for entry in listed})
    began = time.perf_counter()
    known = asyncio.run(store.run(lambda unit: memory.recall(unit, listed, inventories=[SOURCE], strangers=True)))
    read = time.perf_counter() - began
    snapshots = [memory.snapshot_of(known, entry, LATER) for entry in known.entries]
    fleet = Fleet({}, ()) if isinstance(known.fleet, Unknown) else known.fleet
    found = compare(snapshots, fleet, place_of)
    took = time.perf_counter() - began
    kinds = Counter(line.kind.value for line in found)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return took, f"{read:.2f} s of it reading; {said}"


def whole_job(place: Path) -> tuple[float, str]:
    """The whole job on a fleet of which two thirds differ: kept, compared, judged, recorded. The advisories are away."""
    return _job(place, "drifted.db")


def whole_job_again(place: Path) -> tuple[float, str]:
    """The same when nothing has changed."""
    return _job(place, "drifted.db")


def _job(place: Path, database: str) -> tuple[float, str]:
    config = place / "config.toml"
    config.write_text(CONFIG.replace("DATABASE", database), "utf-8")
    settings = load(config, {})
    built = build(settings, out=io.StringIO(), environ={}, home=place, clock=lambda: NOW)
    app = replace(built, deployments=(_Drifted(),))
    app.store.migrate()
    listed = entries()

    async def job() -> None:
        async with app.edge.session():
            await check_fleet(app, listed)

    began = time.perf_counter()
    asyncio.run(job())
    took = time.perf_counter() - began
    found = asyncio.run(app.store.run(lambda unit: len(unit.findings())))
    return took, f"{found} findings"


class _Drifted:
    """An inventory of which 64 of 100 places have another version than the approved one."""

    name = SOURCE

    async def inventory(self) -> Inventory:
        """Return it without reading anything."""
        seen = inventory(NOW)
        other = (
            replace(each, purl=each.purl and each.purl.package.at("1.5.0")) if at % 100 < DRIFTED else each
            for at, each in enumerate(seen.deployments)
        )
        return replace(seen, deployments=tuple(other))


DRIFTED = 64
CONFIG = """
[registry]
path = "registry.yaml"
[store]
url = "sqlite:///DATABASE"
[sources.osv]
url = "http://127.0.0.1:9/"
"""
COMPARE = "reading and comparing with 1,000 servers"
STEPS: dict[str, Callable[[Path], tuple[float, str]]] = {
    "keeping the first report of each": first,
    "keeping the same again": same,
    "keeping them, one host in 100 has changed": changed,
    COMPARE: from_store,
    "the same, two in three are drifted": drifted,
    "the whole job, 64 of 100 differ": whole_job,
    "the whole job, and nothing has changed": whole_job_again,
}


def _run(place: Path, name: str) -> Step:
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.benchmarks.fleet", str(place), name], check=True, capture_output=True
    )
    return Step(name, **json.loads(done.stdout))


if __name__ == "__main__":
    took, came = STEPS[sys.argv[2]](Path(sys.argv[1]))
    sys.stdout.write(json.dumps({"seconds": took, "megabytes": peak(), "said": came}))
