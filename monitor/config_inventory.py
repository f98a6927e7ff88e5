"""What others know of what is deployed: kinds of [[inventory]] besides the clients' own files and our own lines."""

from pathlib import PurePath
from typing import Literal

from pydantic import field_validator

from monitor.config_section import Section
from monitor.option_types import Place, expected


class InventoryFolder(Section):
    """Deployments as hosts report them by themselves, each in a file of its own. `fleet`: whose reports over HTTP go there."""

    kind: Literal["inventory-folder"]
    path: Place
    pattern: str = "*.jsonl"
    fleet: str = ""

    @field_validator("pattern")
    @classmethod
    def _below_the_folder(cls, value: str) -> str:
        if not value or PurePath(value).is_absolute() or ".." in PurePath(value).parts or "\0" in value:
            raise expected('a pattern of files in the folder such as "*.jsonl" or "**/*.jsonl"')
        return value

    @property
    def takes_reports(self) -> bool:
        """Whether what is sent over HTTP is among the files that are read."""
        return PurePath("0.jsonl").match(self.pattern.removeprefix("**/"))


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
