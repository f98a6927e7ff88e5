"""Where a server runs, in which versions, and what would mend what differs. Counted first: a server may run on thousands of hosts."""

from collections.abc import Mapping, Sequence

from monitor.domain.comparison import lines_of
from monitor.domain.deployment import Deployment
from monitor.domain.document import Bullets, Document, Heading, Paragraph, Table
from monitor.domain.purl import Purl
from monitor.domain.snapshot import Snapshot
from monitor.domain.text import one_line
from monitor.domain.unknown import Unknown
from monitor.messages.words import plural

MAX_HOSTS = 40
"""Named in all; the rest is counted."""
MAX_VERSIONS = 12
MAX_MENDS = 8


def deployed(snapshot: Snapshot) -> Document:
    """Say on how many hosts each version runs, on which, and by which command each is mended."""
    if isinstance(snapshot.deployments, Unknown):
        return (Heading("Deployed"), Paragraph(f"Not known. {snapshot.deployments}"))
    if not snapshot.deployments:
        return (Heading("Deployed"), Paragraph("Seen nowhere."))
    by_version = _by_version(snapshot.deployments)
    rows, left = [], MAX_HOSTS
    for version, places in [*by_version.items()][:MAX_VERSIONS]:
        hosts = [*dict.fromkeys(_host(each) for each in places)]
        rows.append((version, str(len(places)), _named(hosts, max(left, 0))))
        left -= len(hosts)
    show = f"mcp-monitor drift --server {snapshot.server.name}"
    if (rest := len(by_version) - MAX_VERSIONS) > 0:
        rows.append((f"and {plural(rest, 'version')} more", show, show))
    mends = _mends(snapshot)
    return (
        Heading("Deployed"),
        Table(("Version", "Places", "Hosts"), tuple(rows)),
        *((Paragraph("To mend what differs:"), Bullets(mends)) if mends else ()),
        Paragraph(f"Each place: {show}"),
    )


def places_words(snapshot: Snapshot, purl: Purl) -> str:
    """Say how often exactly that version runs, as far as is known."""
    if isinstance(snapshot.deployments, Unknown):
        return f"not known: {snapshot.deployments}"
    places = [each for each in snapshot.deployments if each.runs == purl]
    gaps = f" (not read: {', '.join(gap.source for gap in snapshot.inventory_gaps)})" if snapshot.inventory_gaps else ""
    if not places:
        return f"seen nowhere{gaps}"
    return f"{plural(len(places), 'place')} on {plural(len({each.host for each in places}), 'host')}{gaps}"


def _by_version(deployments: Sequence[Deployment]) -> Mapping[str, list[Deployment]]:
    found: dict[str, list[Deployment]] = {}
    for each in deployments:
        found.setdefault(_runs(each), []).append(each)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _runs(deployment: Deployment) -> str:
    """The version as far as it is known, and whether the command names it."""
    runs = deployment.runs
    if runs is None or runs.version is None:
        return deployment.kind.value
    version = one_line(runs.version, 100)
    return version if runs == deployment.purl else f"{version} on the disk ({deployment.kind.value})"


def _host(deployment: Deployment) -> str:
    return one_line(f"{deployment.host} ({deployment.client})", 80)


def _named(hosts: Sequence[str], limit: int) -> str:
    rest = len(hosts) - limit
    if rest <= 0:
        return ", ".join(hosts)
    return f"{', '.join(hosts[:limit])} and {rest} more" if limit else plural(len(hosts), "host")


def _mends(snapshot: Snapshot) -> tuple[str, ...]:
    """Each command once, with the hosts that it is for, and who answers for the server."""
    hosts: dict[str, dict[str, None]] = {}
    for line in lines_of(snapshot):
        if line.drift and line.deployment:
            hosts.setdefault(line.mend, {})[one_line(line.deployment.host, 60)] = None
    owner = snapshot.server.owner or "nobody"
    share = max(3, MAX_HOSTS // max(1, len(hosts)))
    return tuple(
        f"{_named([*names], share)} (owner {owner}): {one_line(mend, 300)}"
        for mend, names in [*hosts.items()][:MAX_MENDS]
    )
