"""Which deployment is which server."""

from collections.abc import Iterable

from monitor.domain.address import same_endpoint
from monitor.domain.deployment import Deployment
from monitor.domain.purl import Purl
from monitor.domain.server import Server
from monitor.domain.snapshot import Fleet


def assign(servers: Iterable[Server], deployments: Iterable[Deployment]) -> Fleet:
    """Give each deployment to the server whose package or address it names, or of whose package it starts a file.

    The free-text name in a client decides nothing. Total: an address that does not parse belongs to nobody.
    """
    by_server: dict[str, list[Deployment]] = {}
    owner_of: dict[str, str] = {}
    listed = tuple(servers)
    for server in listed:
        by_server[server.name] = []
        if server.package:
            owner_of[str(server.package)] = server.name
        if server.remote and (endpoint := same_endpoint(server.remote)):
            owner_of[endpoint] = server.name
    unlisted = []
    # A fleet runs the same packages and addresses on thousands of hosts: each is written in its canonical form once.
    owners: dict[tuple[Purl | None, str | None], str | None] = {}
    for deployment in deployments:
        runs = deployment.runs
        asked = (runs and runs.package, deployment.remote)
        if asked not in owners:
            owners[asked] = next((owner_of[name] for name in _names(deployment) if name in owner_of), None)
        owner = owners[asked]
        if owner is None:
            unlisted.append(deployment)
        else:
            by_server[owner].append(deployment)
    return Fleet({name: tuple(found) for name, found in by_server.items()}, tuple(unlisted), listed)


def _names(deployment: Deployment) -> Iterable[str]:
    if runs := deployment.runs:
        yield str(runs.package)
    if deployment.remote and (endpoint := same_endpoint(deployment.remote)):
        yield endpoint
