"""Config -> App. Connectors and the store are imported here and in `wiring_sources`; time, environment and host name enter here."""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TextIO

from connectors import (
    checkpoint_folder,
    dependency_file,
    docker_catalog,
    gateway_log,
    inventory_csv,
    inventory_file,
    inventory_folder,
    kubernetes_pods,
    local_file,
    mcp_config,
    mcp_registry,
    osquery_results,
    registry_file,
    report_receiver,
    sbom_inventory,
    sigstore_bundle,
    toolhive_registry,
    trust_roots,
)
from connectors._edge import installers
from connectors._edge.http import Http
from connectors._host_policies import host_policies as host_policies  # noqa: PLC0414 the collector's way to it, as for the next two
from connectors._host_report import refused_host as refused_host  # noqa: PLC0414
from connectors._host_report import write_report as write_report  # noqa: PLC0414
from connectors._registry_entry import remote_purl as remote_purl  # noqa: PLC0414 as above, for `evidence`
from connectors._report_intake import LONGEST_REPORT as LONGEST_REPORT  # noqa: PLC0414 as above, for `serve`
from connectors._report_intake import OlderReport as OlderReport  # noqa: PLC0414
from connectors._report_intake import keep_report as keep_report  # noqa: PLC0414
from connectors._whole_file import write_whole as write_whole  # noqa: PLC0414
from monitor import wiring_channels, wiring_sources, wiring_writers
from monitor.about import installed_version
from monitor.app import App, Limits
from monitor.config import Config, Inventory, InventoryFile, McpConfig
from monitor.config_inventory import InventoryCsv, InventoryFolder, KubernetesPods, OsqueryResults, SbomInventory
from monitor.domain.audit import Checkpoint
from monitor.domain.checkpoint import Signed
from monitor.domain.connection import Connection
from monitor.domain.provenance import Attestation, Subject
from monitor.domain.purl import Purl
from monitor.domain.server import Registry
from monitor.ports.sources import (
    Clock,
    DeploymentSource,
    RegistrySource,
    TrustRootSource,
    Verifier,
)
from monitor.ports.store import Store
from monitor.settings import Settings
from monitor.store import database
from monitor.store.transaction import StoreError as StoreError  # noqa: PLC0414 the commands' way to it, who do not import the store
from monitor.wiring_channels import button_source as button_source  # noqa: PLC0414 the commands' way to it, as for the next ones
from monitor.wiring_policy import policy as policy  # noqa: PLC0414

MEGABYTE = 2**20


def utc_now() -> datetime:
    """Return the time, as the whole program but its tests sees it."""
    return datetime.now(UTC)


def host_name() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def build(settings: Settings, *, out: TextIO, environ: Mapping[str, str], home: Path, clock: Clock = utc_now) -> App:
    """Connect everything. `out` gets the messages and tickets for which no service is configured.

    Raises `SourceError` where the installers' own configuration names an address that is none.
    """
    config = settings.config
    edge = _edge(config, clock)
    machine = installers.Machine(environ, home)
    started = clock()
    mirror = wiring_sources.mirror_of(settings, edge, clock)
    writers, proposals = wiring_writers.writers(settings, edge)
    return App(
        clock=clock,
        store=open_store(settings, clock=clock),
        edge=edge,
        registry=registry_source(settings),
        releases=wiring_sources.releases(settings, edge, machine),
        advisories=wiring_sources.advisories(settings, edge, mirror),
        mirror=mirror,
        risks=wiring_sources.risks(settings, edge),
        dependencies=dependency_file.build(base=config.registry.path.parent),
        deployments=inventories(settings, home, clock=clock),
        verifier=verifier(settings),
        trust_roots=_trust_roots(settings, edge, clock),
        tickets=wiring_channels.tickets(settings, edge, out),
        alerts=wiring_channels.alerts(settings, out),
        writers=writers,
        proposals=proposals,
        sinks={each.name: wiring_channels.sink(each, settings, edge) for each in config.siem},
        checkpoints=wiring_channels.checkpoints(config),
        policy=policy(config),
        limits=Limits(config.limits.batch, config.limits.new_versions, int(config.limits.claim.total_seconds())),
        claimant=f"{host_name()}:{os.getpid()}:{started:%Y%m%dT%H%M%S}",
    )


def open_store(settings: Settings, *, clock: Clock = utc_now) -> Store:
    """Open the store; it connects when it is first asked something."""
    return database.open_store(settings.store_url, clock=clock)


def registry_source(settings: Settings) -> RegistrySource:
    """Open the list of approved servers."""
    given = settings.config.registry
    match given.kind:
        case "yaml":
            return registry_file.build(given.path)
        case "mcp-registry":
            build_one = mcp_registry.build
        case "toolhive":
            build_one = toolhive_registry.build
        case "docker":
            build_one = docker_catalog.build
    return build_one(given.path, owner=given.owner, tier=given.tier, approved_by=given.approved_by)


def manifest_entries(path: Path, *, owner: str, tier: int, by: str) -> Registry:
    """Read a server.json as entries that ask to be listed. Raises the four errors."""
    return mcp_registry.build(path, owner=owner, tier=tier, approved_by=by).read()


def proposed_entries(fields: Mapping[str, str], *, owner: str, tier: int, by: str) -> Registry:
    """Read what somebody typed as the registry file would be read: the same mistakes get the same words. Raises `Malformed`."""
    given = {key: value for key, value in fields.items() if value and key != "version"}
    approved = {"by": by} | ({"version": fields["version"]} if fields.get("version") else {})
    entry = {**given, "owner": owner, "tier": tier, "approved": approved}
    text = json.dumps({"version": 1, "servers": [entry]})
    return registry_file.parse_registry(text.encode(), "the submission")


def make_key(path: Path) -> str:
    """Make a key for checkpoints; return its name. Raises OSError."""
    return checkpoint_folder.make_key(path)


def signed_checkpoints(folder: Path, public_key: Path) -> Sequence[Signed]:
    """Read the folder's checkpoints, each with a signature of that key that holds, oldest first. Raises the four errors."""
    return checkpoint_folder.read_signed(folder, checkpoint_folder.read_public(public_key))


def require_public_key(path: Path) -> None:
    """Read the key that checkpoints are verified by. Raises `Denied` and `Malformed`."""
    checkpoint_folder.read_public(path)


BadLine = gateway_log.Bad


def read_connections(file: BinaryIO, *, source: str) -> Iterator[Connection | BadLine]:
    """Read a gateway's log of connections, line by line. Raises `Malformed`."""
    return gateway_log.connections(file, source=source)


def open_log(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a gateway's log. Raises `NotFound` and `Unavailable`."""
    return gateway_log.open_log(path)


def newest_checkpoint(config: Config) -> Signed | None:
    """Return the newest signed checkpoint that is kept; None: none is. Raises `Denied` and `Malformed`."""
    folder = config.audit.checkpoints
    return checkpoint_folder.newest(folder) if folder else None


def proven_checkpoint(signed: Signed, public_key: Path) -> Checkpoint:
    """Return what a checkpoint says whose signature of that key holds. Raises `Denied` and `Malformed`."""
    return checkpoint_folder.proven(signed, checkpoint_folder.read_public(public_key))


def own_verifier() -> Verifier:
    """Open the verifier on the trust roots that ship with the program."""
    return sigstore_bundle.build()


def unlistable(value: str) -> str:
    """Return why the registry file takes no such package (a package URL) or remote (an address); empty where it does."""
    return registry_file.refusal(value)


def verifier(settings: Settings) -> Verifier:
    """Open the verifier on the configured trust roots, or on those that ship with the program, or on younger ones."""
    roots = settings.config.verification
    return sigstore_bundle.build(
        public_good=roots.public_good_root, npm_keys=roots.npm_keys, github=roots.github_root, refreshed=roots.folder
    )


def local_file_question(file: Path, document: Path, *, purl: Purl | None) -> tuple[Subject, Attestation]:
    """Read a file on this machine, and the document beside it, as a question to the verifier. Raises the four errors."""
    attestation = local_file.read_document(document)
    return local_file.read_subject(file, attestation, purl=purl), attestation


def _trust_roots(settings: Settings, edge: Http, clock: Clock) -> TrustRootSource:
    given = settings.config.verification
    return trust_roots.build(
        edge,
        folder=given.folder,
        clock=clock,
        public_good=given.mirror,
        public_good_begin=given.mirror_begin,
        github=given.github_mirror,
        github_begin=given.github_mirror_begin,
    )


def _edge(config: Config, clock: Clock) -> Http:
    http = config.http
    contact = f" (+{http.contact})" if http.contact else ""
    return Http(
        user_agent=f"mcp-monitor/{installed_version()}{contact}",
        clock=clock,
        per_host=http.per_host,
        timeout=http.timeout.total_seconds(),
        max_body=http.max_document_mb * MEGABYTE,
        max_download=http.max_download_mb * MEGABYTE,
        attempts=http.attempts,
        max_wait=http.max_wait.total_seconds(),
    )


def scanned(
    homes: Sequence[Path], host: str, *, root: Path | None, projects: Sequence[Path] = ()
) -> tuple[DeploymentSource, ...]:
    """Open the well-known places of each home, those that hold for the whole machine (`root` None: not), and those of projects."""
    return tuple(
        mcp_config.build(host=host, paths=(), home=home, root=None if at else root, projects=() if at else projects)
        for at, home in enumerate(homes)
    )


def collector() -> str:
    """Return what a report says of the program that wrote it."""
    return f"mcp-monitor/{installed_version()}"


def plain_edge(*, clock: Clock = utc_now) -> Http:
    """Return a client for a command that has no configuration."""
    return Http(user_agent=collector(), clock=clock)


def reports_to(edge: Http, url: str, token: str | None) -> report_receiver.ReportReceiver:
    """Open the address to which a report is sent. Raises ValueError where it is none."""
    return report_receiver.build(edge, url=url, token=token)


def inventories(settings: Settings, home: Path, *, clock: Clock = utc_now) -> tuple[DeploymentSource, ...]:
    """Open what knows what is deployed."""
    listed = listed_packages(settings)
    return tuple(_inventory(each, home, listed, clock) for each in settings.config.inventory)


def listed_packages(settings: Settings) -> Callable[[], frozenset[Purl]]:
    """Return what asks the registry, each time anew, which packages it lists: among everything on a machine these are servers."""
    registry = registry_source(settings)
    return lambda: frozenset(each.server.package for each in registry.read().entries if each.server.package)


def _inventory(  # noqa: PLR0911 one return for each kind
    given: Inventory, home: Path, listed: Callable[[], frozenset[Purl]], clock: Clock
) -> DeploymentSource:
    match given:
        case McpConfig():
            return mcp_config.build(
                host=given.host or host_name(), paths=given.paths, home=home if given.home else None
            )
        case InventoryFile():
            return inventory_file.build(given.path)
        case InventoryFolder():
            return inventory_folder.build(given.path, pattern=given.pattern, clock=clock, fleet=given.fleet)
        case InventoryCsv():
            return inventory_csv.build(given.path)
        case OsqueryResults():
            return osquery_results.build(given.path, listed=listed)
        case KubernetesPods():
            return kubernetes_pods.build(given.path, cluster=given.cluster, listed=listed)
        case SbomInventory():
            return sbom_inventory.build(given.path, listed=listed)
