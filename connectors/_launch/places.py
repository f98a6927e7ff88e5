"""What a command that was read means for the place where it stands: one deployment for each package and address that it names."""

from collections.abc import Iterator
from dataclasses import replace

from connectors._launch.launch import Launch, opaque
from monitor.domain.address import shown
from monitor.domain.deployment import Deployment, PinKind

MAX_NAME = 200
MAX_BESIDE = 20
MAX_REDIRECTS = 50


def placed(place: Deployment, launch: Launch, depth: int = 3) -> Iterator[Deployment]:
    """Yield one deployment for each package and address that the command names."""
    bridged = launch.purl is not None and launch.remote is not None
    if len(launch.beside) > MAX_BESIDE:
        launch = opaque(launch, f"names more than {MAX_BESIDE} things; the rest is not shown")
    note = "; ".join(part for part in (launch.note, f"bridge to {launch.remote}" if bridged else "") if part)
    yield replace(
        place,
        kind=launch.kind,
        purl=launch.purl,
        remote=None if bridged else launch.remote,
        digest=launch.digest,
        requested=shown(launch.requested),
        note=shown(note),
        redirects=tuple(name[:MAX_NAME] for name in launch.redirects[:MAX_REDIRECTS]),
    )
    if bridged:
        yield replace(place, name=f"{place.name} (far end)", kind=PinKind.REMOTE, remote=launch.remote)
    if launch.inner and depth:
        yield from placed(replace(place, name=f"{place.name} (inside)"), launch.inner, depth - 1)
    for at, beside in enumerate(launch.beside[:MAX_BESIDE] if depth else (), start=1):
        yield from placed(replace(place, name=f"{place.name} (beside {at})"), beside, depth - 1)
