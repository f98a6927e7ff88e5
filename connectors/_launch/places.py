"""What a command that was read means for the place where it stands: one deployment for each package and address that it names."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from connectors._installed.disk import Found
from connectors._launch.launch import Launch, opaque
from monitor.domain.address import HALVES, shown
from monitor.domain.deployment import Deployment, PinKind

MAX_NAME = 200
MAX_BESIDE = 20
MAX_REDIRECTS = 50
OnDisk = Callable[[Launch], Found | None]
"""Looks for a launch on the disk of the place; None: nothing of it was found, or nobody can look."""


def nowhere(_: Launch) -> Found | None:
    """Find nothing: there is no disk to look at."""
    return None


def placed(place: Deployment, launch: Launch, on_disk: OnDisk = nowhere, depth: int = 3) -> Iterator[Deployment]:
    """Yield one deployment for each package and address that the command names."""
    found = on_disk(launch)
    bridged = launch.remote is not None and (launch.purl is not None or launch.kind is PinKind.PATH)
    if len(launch.beside) > MAX_BESIDE:
        launch = opaque(launch, f"names more than {MAX_BESIDE} things; the rest is not shown")
    said = [launch.note, f"bridge to {launch.remote}" if bridged else "", found.note if found else ""]
    if found and found.own and launch.purl is None:
        # Nobody named the package: what bears a listed one's name and version would be taken for it.
        said[-1] = f"{found.note}: {found.purl.label} {found.purl.version}"
        found = None
    note = "; ".join(part for part in said if part)
    yield replace(
        place,
        kind=launch.kind,
        purl=launch.purl,
        remote=None if bridged else launch.remote,
        digest=launch.digest,
        requested=shown(launch.requested),
        note=shown(note),
        redirects=tuple(HALVES.sub("", name)[:MAX_NAME] for name in launch.redirects[:MAX_REDIRECTS]),
        installed=found.purl if found else None,
        installed_digest=found.digest if found else None,
    )
    if bridged:
        yield replace(place, name=f"{place.name} (far end)", kind=PinKind.REMOTE, remote=launch.remote)
    if launch.inner and depth:
        # What a container holds is not on this disk.
        seen = nowhere if launch.purl and launch.purl.type == "docker" else on_disk
        yield from placed(replace(place, name=f"{place.name} (inside)"), launch.inner, seen, depth - 1)
    for at, beside in enumerate(launch.beside[:MAX_BESIDE] if depth else (), start=1):
        yield from placed(replace(place, name=f"{place.name} (beside {at})"), beside, on_disk, depth - 1)
