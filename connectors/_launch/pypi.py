"""uvx, uv tool run and pipx run: which Python package a command runs, and how firmly it names the version.

Sources: the options of uv 0.13 and pipx as their help texts list them; names and versions after PEP 508 and PEP 440.
"""

import re
from collections.abc import Sequence

from packaging.version import InvalidVersion, Version

from connectors._launch.launch import (
    GIT,
    PATH,
    URL,
    VARIABLE,
    Launch,
    also,
    floating,
    git,
    local,
    option_names,
    unknown,
    without_credentials,
    words,
)
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl

UV_VALUED = option_names(
    "--from -w --with --with-editable --with-requirements -c --constraints --constraint -b --build-constraints --build-constraint"
    " --overrides --override --env-file --python-platform --torch-backend --index --default-index -i --index-url --extra-index-url"
    " -f --find-links --index-strategy --keyring-provider -P --upgrade-package --resolution --prerelease --fork-strategy"
    " --exclude-newer --exclude-newer-package --link-mode -C --config-setting --config-settings --config-settings-package"
    " --no-build-package --no-binary-package --no-build-isolation-package --no-sources-package --cache-dir --refresh-package"
    " --reinstall-package -p --python --color --allow-insecure-host --trusted-host --directory --project --config-file"
    " --upgrade-group --generate-shell-completion"
)
PIPX_VALUED = option_names("--spec --with --python --pip-args -i --index-url --path-prefix --backend")
SOURCES = (
    *("--index", "--default-index", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--config-file"),
    *("--allow-insecure-host", "--trusted-host", "--overrides", "--override", "--pip-args"),
)
"""Options that change where packages come from."""

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
SPEC = re.compile(rf"(?P<name>{NAME})\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?P<rest>.*)", re.DOTALL)
CLAUSE = re.compile(r"(===?)\s*([^\s,;*]+)")


def uvx(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows `uvx` or `uv tool run`: the package, and the arguments that the server itself gets."""
    read = words(arguments, UV_VALUED.__contains__)
    sources = read.values("--from")
    if sources:
        launch = pypi_spec(sources[-1])
    elif not read.rest:
        return unknown("names no package"), ()
    elif re.fullmatch(r"python[\d.]*([@<>=~!].*)?", read.rest[0]):
        return local("the Python interpreter itself"), ()
    else:
        launch = pypi_spec(read.rest[0])
    dated = read.values("--exclude-newer")
    if launch.kind is PinKind.NONE and launch.purl and dated:
        launch = floating(launch.purl, PinKind.RANGE, f"published before {dated[-1]}")
    further = read.values("-w", "--with")
    note = f"with further packages: {', '.join(further)}" if further else ""
    return also(launch, note=note, redirects=read.given(*SOURCES)), read.rest[1:]


def uv(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows `uv`; `uv run` starts a local project, whatever libraries it adds."""
    read = words(arguments, UV_VALUED.__contains__)
    if read.rest[:2] == ("tool", "run"):
        launch, rest = uvx(read.rest[2:])
    elif read.rest[:1] == ("x",):
        launch, rest = uvx(read.rest[1:])
    elif read.rest[:1] == ("run",):
        return local(), ()
    else:
        return unknown("uv runs nothing here"), ()
    return also(launch, redirects=read.given(*SOURCES)), rest


def pipx(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows `pipx`: `run [--spec SPEC] app`."""
    read = words(arguments, lambda _: False)
    if read.rest[:1] != ("run",):
        return unknown("pipx runs nothing here"), ()
    read = words(read.rest[1:], PIPX_VALUED.__contains__)
    specs = read.values("--spec") or read.rest[:1]
    if not specs:
        return unknown("names no package"), ()
    return also(pypi_spec(specs[-1]), redirects=read.given(*SOURCES)), read.rest[1:]


def pypi_spec(spec: str) -> Launch:
    """Read one requirement: `name[extra]==1`, `name@1` as uv writes it, `name @ URL`, git, a wheel, a folder."""
    spec = spec.strip()
    if GIT.match(spec):
        return git(spec)
    if URL.match(spec):
        return unknown("archive from a URL", without_credentials(spec))
    if PATH.match(spec) or re.fullmatch(r"[^@\s]+\.(whl|tar\.gz|zip)", spec) or re.match(r"[\w.-]+[/\\]", spec):
        return local()
    read = SPEC.fullmatch(spec)
    if not read:
        return unknown(
            "a variable stands for the package" if VARIABLE.search(spec) else "no package name of PyPI", spec
        )
    wish = read["rest"] if VARIABLE.search(read["rest"]) else read["rest"].partition(";")[0].strip()
    launch = _pypi_wish(read["name"], wish)
    extras = ", ".join(part.strip() for part in (read["extras"] or "").split(",") if part.strip())
    return also(launch, note=f"extras: {extras}") if extras else launch


def _pypi_wish(name: str, wish: str) -> Launch:  # noqa: PLR0911  one return for each form of the grammar
    if wish.startswith("@"):
        target = wish.removeprefix("@").strip()
        if GIT.match(target) or URL.match(target) or PATH.match(target):
            return pypi_spec(target)
        if re.match(r"[<>=~!]", target):
            return local("uv reads this as the name of a file")
        return pypi_version(name, target)
    if one := CLAUSE.fullmatch(wish):
        return pypi_version(name, one[2])
    if wish and not re.match(r"[<>=~!(]", wish):
        return unknown("no requirement", f"{name}{wish}")
    try:
        return floating(Purl.pypi(name), PinKind.RANGE if wish else PinKind.NONE, wish)
    except ValueError as error:
        return unknown(str(error), name)


def pypi_version(name: str, wish: str) -> Launch:
    """Say how firmly a wish names a version of the package. `wish` is one version, or a word such as `latest`."""
    try:
        package = Purl.pypi(name)
        if VARIABLE.search(wish):
            return floating(package, PinKind.UNKNOWN, wish)
        if not wish:
            return floating(package, PinKind.NONE, "")
        version = str(Version(wish))
        return Launch(PinKind.EXACT, package.at(version), requested="" if wish == version else wish)
    except InvalidVersion:
        return floating(package, PinKind.TAG, wish)
    except ValueError as error:
        return unknown(str(error), f"{name}@{wish}")
