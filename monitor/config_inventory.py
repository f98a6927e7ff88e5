"""What others know of what is deployed: kinds of [[inventory]] besides the clients' own files and our own lines."""

from typing import Literal

from monitor.config_section import Section
from monitor.option_types import Place


class InventoryCsv(Section):
    """Deployments as a table lists them."""

    kind: Literal["csv"]
    path: Place


class OsqueryResults(Section):
    """Packages, containers and processes of hosts, as osquery's or Fleet's result logs tell them."""

    kind: Literal["osquery"]
    path: Place


class KubernetesPods(Section):
    """Containers of a cluster, as kubectl lists its pods."""

    kind: Literal["kubernetes"]
    path: Place
    cluster: str = ""


class SbomInventory(Section):
    """Packages of hosts and images, as their SBOMs list them."""

    kind: Literal["sbom"]
    path: Place
