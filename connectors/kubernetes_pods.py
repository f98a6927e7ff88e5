"""The pods of a cluster, as `kubectl get pods -A -o json` lists them: those containers that are MCP servers become deployments.

Knows: images with the digest that really runs (`status.containerStatuses[].imageID`), commands, names of environment variables. Does not
know: pods that are not there at the moment, what lies in an image, which arguments an image's own entry point has.

A container counts where its image or its command names an MCP server. Where no container of a pod does, but the pod's labels (key or value)
or the keys of its annotations say `mcp`, all its containers count but those that only prepare. The place is what owns the pod, so that a
restart is no other place: `namespace/deployment`, with the cluster's name before it where one is configured.
"""

import asyncio
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from connectors._launch.container import another_program, image, runs_anything
from connectors._launch.launch import Launch, also, program
from connectors._launch.places import placed
from connectors._launch.redirects import redirecting
from connectors._reading_files.opening import opened
from connectors._sightings import Listed, Sightings, marked, server_launch, serves
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "kubernetes"
MAX_BYTES = 256 * 2**20
MAX_PODS = 200_000
OVER = frozenset({"Succeeded", "Failed"})
"""Phases of pods in which nothing runs any more."""

REAL = re.compile(r"@(sha256:[0-9a-f]{64})")
"""The digest of an image in its registry. An id without `@` is of the copy on the node, and no registry knows it."""

HASHES = ("pod-template-hash", "rollouts-pod-template-hash")
SCHEDULED = re.compile(r"-\d{8,10}")


class _Variable(msgspec.Struct):
    name: str = ""


class _Container(msgspec.Struct):
    name: str
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    env: list[_Variable] = []


class _Owner(msgspec.Struct):
    kind: str
    name: str
    controller: bool = False


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, msgspec.Raw] = {}
    owner_references: list[_Owner] = []


class _Spec(msgspec.Struct, rename="camel"):
    containers: list[_Container] = []
    init_containers: list[_Container] = []
    ephemeral_containers: list[_Container] = []


class _Running(msgspec.Struct):
    name: str
    image_id: str = msgspec.field(name="imageID", default="")


class _Status(msgspec.Struct, rename="camel"):
    phase: str = ""
    container_statuses: list[_Running] = []
    init_container_statuses: list[_Running] = []
    ephemeral_container_statuses: list[_Running] = []


class _Pod(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec
    status: _Status = msgspec.field(default_factory=_Status)


class _List(msgspec.Struct):
    kind: str
    items: list[msgspec.Raw]


_LIST = msgspec.json.Decoder(_List)
_POD = msgspec.json.Decoder(_Pod)
"""Made at import: files are read by several threads, and msgspec crashes the process where two of them first use a type at once."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A container with what it starts: its image, and the MCP server that its command names."""

    container: _Container
    outer: Launch
    inner: Launch | None  # None: its command names none
    real: Digest | None  # None: it does not run, or the node's own id is all that is told
    serves: bool
    prepares: bool


def build(path: str | Path, *, cluster: str = "", listed: Listed) -> DeploymentSource:
    """Read the list anew at each call. `cluster`: a name that stands before the places; empty: none does."""
    return KubernetesPods(Path(path), cluster, listed)


class KubernetesPods:
    """The pods of one cluster."""

    def __init__(self, path: Path, cluster: str, listed: Listed) -> None:
        """Hold the names; nothing is read yet."""
        self._path = path
        self._cluster = cluster
        self._listed = listed

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._path}"

    async def inventory(self) -> Inventory:
        """Return the containers that are MCP servers. Raises Unavailable, NotFound and Malformed, and what `listed` raises."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        listed = self._listed()
        try:
            with opened(self._path, source=self.name) as file:
                written_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Unavailable(self.name, f"cannot be read: {error.strerror}") from error
        inventory = parse_pods(data, str(self._path), listed, cluster=self._cluster, source=self.name)
        return replace(inventory, collected_at=written_at)


def parse_pods(data: bytes, path: str, listed: Collection[Purl], *, cluster: str = "", source: str = NAME) -> Inventory:
    """Read the list's bytes. A pod that cannot be read costs itself. Raises Malformed for the list as a whole."""
    if len(data) > MAX_BYTES:
        raise Malformed(source, f"over {MAX_BYTES} bytes")
    try:
        pods = _LIST.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise Malformed(source, f"no list as `kubectl get pods -A -o json` writes it: {error}") from error
    if pods.kind not in {"List", "PodList"} or not pods.items:
        raise Malformed(source, "no pod in it; take it out of the configuration where nothing runs")
    if len(pods.items) > MAX_PODS:
        raise Malformed(source, f"over {MAX_PODS} pods")
    sightings = Sightings(source)
    for number, raw in enumerate(pods.items):
        try:
            sightings.add(_deployments(_POD.decode(raw), cluster, listed))
        except (ValueError, RecursionError) as error:
            sightings.problem(f"{path}: items[{number}]: {error}")
    return sightings.inventory()


def _deployments(pod: _Pod, cluster: str, listed: Collection[Purl]) -> Iterator[Deployment]:
    kind, owner = _owner(pod.metadata)
    host = "/".join(part for part in (cluster, pod.metadata.namespace, owner) if part)
    off = pod.status.phase in OVER
    bare = Deployment(host, NAME, f"{kind.lower()}/{owner}", "", PinKind.UNKNOWN, None, disabled=off)
    seen = list(_containers(pod, listed))
    by_label = not any(each.serves or each.inner for each in seen) and _says_so(pod.metadata)
    for each in seen:
        place = replace(bare, name=each.container.name)
        if each.serves or (by_label and not each.prepares):
            outer = placed(place, each.outer)
            yield from (replace(one, installed_digest=each.real if one.purl else None) for one in outer)
        if each.inner:
            yield from placed(replace(place, name=f"{each.container.name} (inside)"), each.inner)


def _owner(metadata: _Metadata) -> tuple[str, str]:
    """Return the kind and name of what outlives the pod: a deployment and not its replica set, a cron job and not one job of it."""
    owners = sorted(metadata.owner_references, key=lambda each: not each.controller)
    if not owners or owners[0].kind == "Node":
        return "Pod", metadata.name
    kind, name = owners[0].kind, owners[0].name
    for suffix in (f"-{metadata.labels[key]}" for key in HASHES if metadata.labels.get(key)):
        if kind == "ReplicaSet" and name.endswith(suffix) and name != suffix:
            return "Deployment", name.removesuffix(suffix)
    bare = SCHEDULED.sub("", name) if kind == "Job" and SCHEDULED.search(name) else ""
    return ("CronJob", bare) if bare else (kind, name)


def _containers(pod: _Pod, listed: Collection[Purl]) -> Iterator[_Seen]:
    spec, status = pod.spec, pod.status
    running = (*status.container_statuses, *status.init_container_statuses, *status.ephemeral_container_statuses)
    real = {each.name: found[1] for each in running if (found := REAL.search(each.image_id))}
    for container in (*spec.containers, *spec.ephemeral_containers):
        yield _seen(container, real, listed, prepares=False)
    for container in spec.init_containers:
        yield _seen(container, real, listed, prepares=True)


def _seen(container: _Container, real: Mapping[str, str], listed: Collection[Purl], *, prepares: bool) -> _Seen:
    """Without a command of its own, a container's arguments are the image's: a program only where they name one that runs anything."""
    outer, argv = image(container.image), [*container.command, *container.args]
    started = bool(argv) and (bool(container.command) or runs_anything(argv[0]))
    inner = server_launch(argv, listed) if started else None
    if container.command:
        outer = another_program(outer, "with another entry point")
    elif started:
        outer = another_program(outer, f"with another program inside: {program(argv[0])[:40]}")
    variables = redirecting([each.name for each in container.env])
    digest = Digest.parse(real[container.name]) if container.name in real else None
    return _Seen(
        container,
        also(outer, redirects=variables),
        also(inner, redirects=variables) if inner else None,
        digest,
        serves(outer.purl, listed),
        prepares,
    )


def _says_so(metadata: _Metadata) -> bool:
    return any(map(marked, (*metadata.labels, *metadata.labels.values(), *metadata.annotations)))
