"""uvx, uv tool run and pipx run: which Python package a command runs, and how firmly it names the version.

Sources: the options of uv 0.13 and pipx as their help texts list them; names and versions after PEP 508 and PEP 440.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from packaging.version import InvalidVersion, Version

from connectors._launch.from_git import git
from connectors._launch.launch import (
    GIT,
    PATH,
    URL,
    VARIABLE,
    Launch,
    Words,
    also,
    by_place,
    floating,
    local,
    named_after,
    opaque,
    option_names,
    unknown,
    unless_sure,
    words,
)
from monitor.domain.address import shown
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl

UV_VALUED = option_names(
    "--from -w --with --with-editable --with-requirements -c --constraints --constraint -b --build-constraints --build-constraint"
    " --overrides --override --env-file --python-platform --torch-backend --index --default-index -i --index-url --extra-index-url"
    " -f --find-links --index-strategy --keyring-provider -P --upgrade-package --resolution --prerelease --prerelease-package"
    " --fork-strategy --exclude-newer --exclude-newer-package --link-mode -C --config-setting --config-settings --config-settings-package"
    " --no-build-package --no-binary-package --no-build-isolation-package --no-sources-package --cache-dir --refresh-package"
    " --reinstall-package -p --python --color --allow-insecure-host --trusted-host --directory --project --config-file"
    " --upgrade-group --preview-features --python-preference"
)
UV_FLAGS = option_names(
    "--isolated --no-env-file --lfs --no-index -U --upgrade --no-sources --reinstall --compile-bytecode --no-build-isolation --no-build"
    " --no-binary --require-build-hashes --no-require-build-hashes -n --no-cache --refresh --managed-python --no-managed-python"
    " --no-python-downloads -q --quiet -v --verbose --system-certs --native-tls --offline --no-progress --no-config --preview --no-preview"
    " --show-resolution --allow-python-downloads --no-installer-metadata"
)
PIPX_VALUED = option_names(
    "--spec --with --python --pip-args -i --index-url --backend --cooldown --fetch-python --python-args"
)
PIPX_FLAGS = option_names(
    "-q --quiet -v --verbose --skip-maintenance --no-cache --refresh --no-path-check --fetch-missing-python"
)
SOURCES = (
    *(
        "--index",
        "--default-index",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "--config-file",
        "--index-strategy",
    ),
    *(
        "--allow-insecure-host",
        "--trusted-host",
        "--overrides",
        "--override",
        "--pip-args",
        "--python-args",
        "--env-file",
        "--cache-dir",
    ),
    *(
        "--directory",
        "--project",
        "-c",
        "--constraints",
        "--constraint",
        "-b",
        "--build-constraints",
        "--build-constraint",
    ),
)
"""Options that change where packages come from, or what is loaded before them."""

PROJECT_RUNNERS = ("mcp", "fastmcp")
"""Packages whose program starts a file of the project."""
FURTHER = ("-w", "--with", "--with-editable", "--with-requirements")
INTERPRETER = re.compile(r"(cpython|python|pypy|graalpy)?[-@]?\d+(\.\d+)*t?|python|pypy")
"""Ways to name an interpreter by its version; any other is a program of somebody's."""

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
SPEC = re.compile(rf"(?P<name>{NAME})\s*(?:\[(?P<extras>[^\]]*)\])?\s*(?P<rest>.*)", re.DOTALL)
CLAUSE = re.compile(r"(===?)\s*([^\s,;*]+)")


def uvx(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows `uvx` or `uv tool run`: the package, and the arguments that the server itself gets."""
    read = words(arguments, UV_VALUED, UV_FLAGS.__contains__)
    sources = read.values("--from")
    if sources:
        launch = _own(pypi_spec(sources[-1]), read.rest)
    elif not read.rest:
        return also(unknown("names no package"), redirects=read.given(*SOURCES)), ()
    elif re.fullmatch(r"python[\d.]*([@<>=~!].*)?", read.rest[0]):
        return local("the Python interpreter itself"), ()
    else:
        launch = by_place(read, pypi_spec)
    dated = read.values("--exclude-newer")
    if launch.kind is PinKind.NONE and launch.purl and dated:
        launch = floating(launch.purl, PinKind.RANGE, f"published before {dated[-1]}")
    launch = unless_sure(_alone(launch, read, sources[:-1]), read)
    return also(launch, redirects=read.given(*SOURCES)), read.rest[1:]


def uv(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows `uv`; `uv run` starts a local project, whatever libraries it adds."""
    read = words(arguments, UV_VALUED, UV_FLAGS.__contains__)
    if read.rest[:2] == ("tool", "run"):
        launch, rest = uvx(read.rest[2:])
    elif read.rest[:1] == ("x",):
        launch, rest = uvx(read.rest[1:])
    elif read.rest[:1] == ("run",):
        return _project(read, words(read.rest[1:], UV_VALUED | {"-m", "--module"}, UV_FLAGS.__contains__))
    else:
        return unknown("uv runs nothing here"), ()
    return also(unless_sure(launch, read), redirects=read.given(*SOURCES)), rest


def _project(outer: Words, read: Words) -> tuple[Launch, tuple[str, ...]]:
    """Read `uv run`: a program of a project, or of a package that is added to it where the program bears that one's name."""
    called = (
        *read.values("-m", "--module"),
        *(read.rest[2:3] if read.rest[:2] == ("python", "-m") else read.rest[:1]),
    )[:1]
    specs = _specs(read.values("-w", "--with"))
    added = [pypi_spec(spec) for spec in specs]
    own = next((each for each in added if each.purl and called and named_after(each.purl, called[0])), None)
    redirects = (*outer.given(*SOURCES), *read.given(*SOURCES))
    if own is None or read.shifted or (own.purl and own.purl.label in PROJECT_RUNNERS):
        folder = (*outer.values("--directory", "--project"), *read.values("--directory", "--project"))[-1:]
        note = f"a project in {folder[0][:200]}" if folder else "a project of its own"
        beside = tuple(each for each in added if each.purl and each.purl.label not in PROJECT_RUNNERS)
        return replace(local(note), beside=beside), ()
    launch = replace(own, beside=tuple(each for each in added if each is not own))
    if len(added) > 1 or read.given("--with-editable", "--with-requirements"):
        launch = opaque(launch, "with further packages")
    return also(unless_sure(launch, read), redirects=redirects), read.rest[1:]


def pipx(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows `pipx`: `run [--spec SPEC] app`."""
    before = words(arguments, (), PIPX_FLAGS.__contains__)
    if before.rest[:1] != ("run",):
        return unknown("pipx runs nothing here"), ()
    read = words(before.rest[1:], PIPX_VALUED, PIPX_FLAGS.__contains__)
    specs = read.values("--spec")
    if not specs and not read.rest:
        return also(unknown("names no package"), redirects=read.given(*SOURCES)), ()
    launch = _own(pypi_spec(specs[-1]), read.rest) if specs else by_place(read, pypi_spec)
    launch = unless_sure(unless_sure(_alone(launch, read, specs[:-1]), read), before)
    return also(launch, redirects=read.given(*SOURCES)), read.rest[1:]


def _own(launch: Launch, command: Sequence[str]) -> Launch:
    """Make the launch opaque where the command is not surely the package's own."""
    if launch.purl is None or (command and named_after(launch.purl, command[0])):
        return launch
    return opaque(launch, "runs a command that need not be the package's own")


def _specs(values: Sequence[str]) -> list[str]:
    """Take the values of `--with` apart; a comma in extras parts nothing."""
    return [spec for value in values for spec in re.split(r",(?![^\[]*\])", value) if spec.strip()]


def _alone(launch: Launch, read: Words, others: Sequence[str]) -> Launch:
    """Make the launch opaque where further packages run in its process, or an interpreter that is no installed one."""
    specs = _specs((*others, *read.values("-w", "--with")))
    if specs or read.given(*FURTHER):
        launch = opaque(replace(launch, beside=tuple(pypi_spec(spec) for spec in specs)), "with further packages")
    if not all(INTERPRETER.fullmatch(value) for value in read.values("-p", "--python")):
        launch = opaque(launch, "with an interpreter of its own")
    return launch


def pypi_spec(spec: str) -> Launch:
    """Read one requirement: `name[extra]==1`, `name@1` as uv writes it, `name @ URL`, git, a wheel, a folder."""
    spec = spec.strip()
    if GIT.match(spec):
        return git(spec)
    if URL.match(spec):
        return unknown("archive from a URL", shown(spec))
    if PATH.match(spec) or re.fullmatch(r"[^@\s]+\.(whl|tar\.gz|zip)", spec) or re.match(r"[\w.-]+[/\\]", spec):
        return local()
    read = SPEC.fullmatch(spec)
    if not read:
        return unknown("a variable stands for the package" if VARIABLE.search(spec) else "no package name of PyPI")
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
        return unknown("no requirement")
    try:
        return floating(Purl.pypi(name), PinKind.RANGE if wish else PinKind.NONE, wish)
    except ValueError as error:
        return unknown(str(error))


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
        return unknown(str(error))
