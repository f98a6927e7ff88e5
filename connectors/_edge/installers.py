"""Where the user's own installers fetch packages: the registries to ask when the configuration names none.

pip: https://pip.pypa.io/en/stable/topics/configuration/ (environment, then files; `[install]` before `[global]`, later files win).
npm: its documentation, `configuring-npm/npmrc` (environment, user's file, global file). Neither program is run.
"""

import configparser
import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from connectors._edge.address import Address, NoAddress, split_credentials
from connectors._edge.npmrc import authorization, expand, settings
from monitor.ports.errors import Malformed

BUILT_IN = "the installer's own default"
MAX_CONFIG = 2**20
"""Bytes of a configuration file."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry: its address without credentials, who says so (for people), and what has to be sent to it."""

    url: str
    said_by: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    hosts: tuple[str, ...] = ()
    """Further hosts from which its files come."""


@dataclass(frozen=True, slots=True)
class NpmEndpoints:
    """The registry for unscoped packages, and those of scopes (`@scope`) that have their own."""

    default: Endpoint
    scopes: Mapping[str, Endpoint]

    def of(self, scope: str | None) -> Endpoint:
        """Return the registry of a scope (None: a package without)."""
        return self.scopes.get(scope or "", self.default)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the installers look at. `root` and `prefix` are the file system's and this Python's own but in tests."""

    env: Mapping[str, str]
    home: Path
    root: Path = Path("/")
    prefix: Path = Path(sys.prefix)


def pypi(machine: Machine) -> Endpoint:
    """Return the index that pip, else uv, would install from. Raises `Malformed` with the place of a value that is no address."""
    said_by, url = next(_index_urls(machine), (BUILT_IN, _default_index()))
    endpoint = _endpoint("pypi", url, said_by)
    if endpoint.url.rstrip("/") != _default_index().rstrip("/"):
        return endpoint
    return Endpoint(endpoint.url, said_by, endpoint.headers, _default_file_hosts())


def npm(machine: Machine) -> NpmEndpoints:
    """Return the registries that npm would install from. Raises `Malformed` with the place of a value that is no address."""
    merged: dict[str, tuple[str, str]] = {}
    for said_by, found in _npm_layers(machine):
        merged |= {key: (expand(value, machine.env), said_by) for key, value in found.items()}
    secrets = {key: value for key, (value, _) in merged.items() if key.startswith("//")}

    def endpoint(key: str) -> Endpoint:
        url, said_by = merged[key]
        plain = _endpoint("npm", url, said_by)
        header = authorization(plain.url, secrets)
        return Endpoint(plain.url, said_by, {"authorization": header}) if header else plain

    merged.setdefault("registry", (_default_registry(), BUILT_IN))
    scoped = [key for key in merged if re.fullmatch(r"@[^:/]+:registry", key)]
    return NpmEndpoints(endpoint("registry"), {key.partition(":")[0]: endpoint(key) for key in scoped})


def _endpoint(source: str, url: str, said_by: str) -> Endpoint:
    plain, header = split_credentials(url.strip())
    try:
        address = Address.parse(plain)
    except NoAddress as error:
        raise Malformed(source, f"{said_by} names {error}") from error
    return Endpoint(str(address), said_by, {"authorization": header} if header else {})


# --- pip and uv --------------------------------------------------------------------------------------------------------


def _index_urls(machine: Machine) -> Iterator[tuple[str, str]]:
    if url := machine.env.get("PIP_INDEX_URL"):
        yield "PIP_INDEX_URL", url
    files = [] if machine.env.get("PIP_CONFIG_FILE") == os.devnull else list(_pip_files(machine))
    for section in ("install", "global"):
        for path in reversed(files):
            if url := _pip_setting(path, section):
                yield f"{path} [{section}]", url
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if url := machine.env.get(name):
            yield name, url.rpartition("=")[2] if re.match(r"[\w.-]+=", url) else url  # uv allows `name=url`


def _pip_files(machine: Machine) -> Iterator[Path]:
    """In pip's order, later ones win: global, user, site, then the one that the environment names."""
    env, home = machine.env, machine.home
    if sys.platform == "win32":
        yield Path(env.get("PROGRAMDATA", "C:/ProgramData")) / "pip" / "pip.ini"
        yield home / "pip" / "pip.ini"
        yield Path(env.get("APPDATA", str(home))) / "pip" / "pip.ini"
        yield machine.prefix / "pip.ini"
    else:
        if sys.platform == "darwin":
            yield machine.root / "Library" / "Application Support" / "pip" / "pip.conf"
        folders = env.get("XDG_CONFIG_DIRS") or str(machine.root / "etc" / "xdg")
        yield from (Path(folder) / "pip" / "pip.conf" for folder in folders.split(":") if folder)
        yield machine.root / "etc" / "pip.conf"
        yield home / ".pip" / "pip.conf"
        yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library" / "Application Support" / "pip" / "pip.conf"
        yield machine.prefix / "pip.conf"
    if named := env.get("PIP_CONFIG_FILE"):
        yield Path(named)


def _pip_setting(path: Path, section: str) -> str | None:
    text = _text("pypi", path)
    if text is None:
        return None
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise Malformed("pypi", f"{path} is not a configuration file of pip") from error
    if not parser.has_section(section):
        return None
    options = {name.removeprefix("--").replace("_", "-"): value for name, value in parser.items(section)}
    return options.get("index-url")


def _default_index() -> str:
    endpoint: str = importlib.import_module("pypi_simple").PYPI_SIMPLE_ENDPOINT
    return endpoint


class _PipIndex(Protocol):
    file_storage_domain: str


def _default_file_hosts() -> tuple[str, ...]:
    """Ask pip's own constant, which is where it is in pip's internals and may move."""
    try:
        index: _PipIndex = importlib.import_module("pip._internal.models.index").PyPI
    except (ImportError, AttributeError):
        return ()
    return (index.file_storage_domain,)


# --- npm ---------------------------------------------------------------------------------------------------------------


def _npm_layers(machine: Machine) -> Iterator[tuple[str, Mapping[str, str]]]:
    """In order, later ones win: the global file, the user's, the environment."""
    env = {
        name[len("npm_config_") :]: (name, value)
        for name, value in machine.env.items()
        if name.lower().startswith("npm_config_") and value
    }
    lower = {name.lower(): value for name, (_, value) in env.items()}
    for path in (_global_npmrc(machine, lower), Path(lower.get("userconfig") or machine.home / ".npmrc")):
        text = None if path is None else _text("npm", path)
        if text is not None:
            yield str(path), settings(text)
    for name, (variable, value) in env.items():
        yield variable, {name if name.startswith("//") else name.lower(): value}


def _global_npmrc(machine: Machine, env: Mapping[str, str]) -> Path | None:
    if named := env.get("globalconfig"):
        return Path(named)
    if prefix := env.get("prefix"):
        return Path(prefix) / "etc" / "npmrc"
    node = shutil.which("node", path=machine.env.get("PATH", ""))
    return Path(node).resolve().parent.parent / "etc" / "npmrc" if node else None


def _default_registry() -> str:
    """Take the origin of where the package URL library would download from."""
    url: str = importlib.import_module("packageurl.contrib.purl2url").get_download_url("pkg:npm/x@1")
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _text(source: str, path: Path) -> str | None:
    """Return the file's text, None where there is no such file. Raises `Malformed` for one that cannot be read."""
    try:
        with path.open("rb") as file:
            body = file.read(MAX_CONFIG + 1)
        text = body.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(source, f"{path} cannot be read ({type(error).__name__})") from error
    if len(body) > MAX_CONFIG:
        raise Malformed(source, f"{path} is larger than {MAX_CONFIG} bytes")
    return text
