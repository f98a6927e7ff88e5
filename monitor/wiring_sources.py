"""Config -> the sources of releases, advisories and risks: who is asked, under which address, with which token."""

from collections.abc import Mapping
from pathlib import Path

from connectors import (
    epss,
    github,
    github_advisories,
    github_repository_advisories,
    kev,
    npm,
    osv,
    osv_mirror,
    pypi,
)
from connectors._edge import installers
from connectors._edge.http import Http
from monitor.config_sources import Source
from monitor.ports.sources import AdvisorySource, Clock, ReleaseSource, RiskSource
from monitor.settings import Settings


def releases(settings: Settings, edge: Http, machine: installers.Machine) -> Mapping[str, ReleaseSource]:
    """Open the registries and forges, by purl type."""
    sources = settings.config.sources
    built: dict[str, ReleaseSource] = {}
    if sources.npm.enabled:
        registries = _npm_endpoints(settings, machine)
        built["npm"] = npm.build(edge, endpoints=registries, hosts=sources.npm.artifact_hosts)
    if sources.pypi.enabled:
        index = _pypi_endpoint(settings, machine)
        hosts = (*index.hosts, *sources.pypi.artifact_hosts)
        built["pypi"] = pypi.build(edge, index=index.url, hosts=hosts, headers=index.headers)
    if sources.github.enabled:
        token = settings.secret("sources.github.token")
        built["github"] = github.build(edge, api=sources.github.url, token=token, hosts=sources.github.artifact_hosts)
    return built


def advisories(settings: Settings, edge: Http, mirror: osv_mirror.OsvMirror | None) -> tuple[AdvisorySource, ...]:
    """The mirror in place of the database that it copies; both give the same answers."""
    sources = settings.config.sources
    built: list[AdvisorySource] = []
    if mirror:
        built.append(mirror)
    elif sources.osv.enabled:
        built.append(osv.build(edge, api=sources.osv.url))
    token = settings.secret("sources.github.token")
    # Without a token GitHub answers 60 requests an hour, which the releases need.
    if sources.github.enabled and sources.github_advisories.enabled and token:
        built.append(github_advisories.build(edge, api=sources.github.url, token=token))
        built.append(github_repository_advisories.build(edge, api=sources.github.url, token=token))
    return tuple(built)


def main_database(settings: Settings) -> str:
    """Return the name of the advisory source that answers for all packages; empty: none is configured."""
    sources = settings.config.sources
    return osv_mirror.NAME if sources.osv_mirror.place else osv.NAME if sources.osv.enabled else ""


def databases(settings: Settings) -> tuple[str, ...]:
    """Return the names of the advisory sources that are configured; those of GitHub whether or not there is a token."""
    sources = settings.config.sources
    names = [main_database(settings)]
    if sources.github.enabled and sources.github_advisories.enabled:
        names += [github_advisories.NAME, github_repository_advisories.NAME]
    return tuple(name for name in names if name)


def mirror_of(settings: Settings, edge: Http, clock: Clock) -> osv_mirror.OsvMirror | None:
    """Open the copy of the advisories; None: none is configured."""
    given = settings.config.sources.osv_mirror
    if not given.place:
        return None
    return osv_mirror.build(edge, place=given.place, folder=given.folder, clock=clock, stale_after=given.stale_after)


def risks(settings: Settings, edge: Http) -> tuple[RiskSource, ...]:
    """Open the lists of exploited flaws."""
    sources = settings.config.sources
    built: list[RiskSource] = []
    if sources.kev.place:
        built.append(kev.build(edge, place=sources.kev.place))
    if sources.epss.place:
        built.append(epss.build(edge, place=sources.epss.place))
    return tuple(built)


def _npm_endpoints(settings: Settings, machine: installers.Machine) -> installers.NpmEndpoints:
    """Return npm's registries: the configured one for everything, else those that npm itself is configured with."""
    given = _configured("npm", settings.config.sources.npm, settings)
    return installers.NpmEndpoints(given, {}) if given else installers.npm(machine)


def _pypi_endpoint(settings: Settings, machine: installers.Machine) -> installers.Endpoint:
    """Return the configured index, else the one that pip or uv is configured with."""
    return _configured("pypi", settings.config.sources.pypi, settings) or installers.pypi(machine)


def said_by(settings: Settings, environ: Mapping[str, str], home: Path) -> Mapping[str, str]:
    """Return who named the address of npm's and PyPI's registry, for people."""
    machine = installers.Machine(environ, home)
    return {
        "npm": _npm_endpoints(settings, machine).default.said_by,
        "pypi": _pypi_endpoint(settings, machine).said_by,
    }


def _configured(name: str, source: Source, settings: Settings) -> installers.Endpoint | None:
    token = settings.secret(f"sources.{name}.token")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return installers.Endpoint(source.url + "/", f"sources.{name}.url", headers) if source.url else None
