"""npx and its relatives: which npm package a command runs, and how firmly it names the version.

Sources: npm-package-arg's reading of specs; the options of npx 11, pnpm, yarn, bun and deno as their help texts list them.
"""

import re
from collections.abc import Sequence

from connectors._launch.launch import (
    GIT,
    PATH,
    URL,
    VARIABLE,
    Launch,
    Words,
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

VALUED = option_names(
    "-p --package -c --call -w --workspace --prefix --registry --cache --userconfig --globalconfig --node-options --loglevel"
    " --cafile --script-shell --reporter -C --dir --cwd --filter -F --npm -n --node-arg"
)
DENO_VALUED = option_names("-c --config --import-map --lock --cert -L --log-level --env-file --location --seed")
SOURCES = ("--registry", "--userconfig", "--globalconfig", "--node-options", "--cafile", "--import-map")
"""Options that change where the package comes from, or what is loaded before it."""

RUNNERS = {"npx": "", "pnpx": "", "bunx": "", "nlx": "", "npm": "exec x", "pnpm": "dlx", "yarn": "dlx", "bun": "x"}
"""Program -> its subcommands that run a package from the registry (none: the program itself does)."""

NAME = re.compile(r"(@[\w.~-]+/)?[\w.~-]+")
SEMVER = re.compile(
    r"[=v\s]*(?P<plain>(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?)(\+[0-9A-Za-z.-]+)?\s*"
)
RANGE = re.compile(r"[\^~<>=*]|\s|\|\||^v?\d+(\.(\d+|[xX*]))*$|^[xX]$")
MAX_NAME = 214


def npm_package(runner: str, arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows `npx` or a relative: the package, and the arguments that the server itself gets."""
    read, subcommands = words(arguments, VALUED.__contains__), RUNNERS[runner].split()
    if subcommands:
        if not read.rest:
            return unknown(f"{runner} without a command"), ()
        if read.rest[0] not in subcommands:
            return local("runs something that the project already has"), ()
        rest = words(read.rest[1:], VALUED.__contains__)
        read = Words(read.options + rest.options, rest.rest)
    packages = read.values("-p", "--package")
    calls = read.values("-c", "--call")
    if packages:
        launch, rest_ = npm_spec(packages[0]), read.rest[1:]
        if packages[1:]:
            launch = also(launch, note="with further packages: " + ", ".join(packages[1:]))
    elif calls or not read.rest:
        return unknown("names no package"), ()
    else:
        launch, rest_ = npm_spec(read.rest[0]), read.rest[1:]
    return also(launch, redirects=read.given(*SOURCES)), rest_


def deno(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read `deno run -A npm:package@1.2.3/binary`."""
    read = words(arguments, lambda _: False)
    if not read.rest or read.rest[0] not in {"run", "x", "serve"}:
        return local(), ()
    read = words(read.rest[1:], DENO_VALUED.__contains__)
    if not read.rest:
        return unknown("names no script"), ()
    script = read.rest[0]
    if script.startswith("npm:"):
        spec = script.removeprefix("npm:").removeprefix("/")
        scope, slash, bare = spec.partition("/") if spec.startswith("@") else ("", "", spec)
        launch = npm_spec(scope + slash + bare.partition("/")[0])
    elif script.startswith("jsr:"):
        launch = unknown("jsr is a registry of its own", script)
    elif URL.match(script):
        launch = unknown("a script from a URL", without_credentials(script))
    else:
        launch = local()
    return also(launch, redirects=read.given(*SOURCES)), read.rest[1:]


def npm_spec(spec: str) -> Launch:  # noqa: PLR0911  one return for each form of the grammar
    """Read one package spec in npm's grammar: name, `name@version`, alias, git, tarball, folder."""
    spec = spec.strip()
    if GIT.match(spec):
        return git(spec)
    if URL.match(spec):
        return git(spec) if re.search(r"\.git(#|$)", spec) else unknown("tarball from a URL", without_credentials(spec))
    if PATH.match(spec) or spec.endswith((".tgz", ".tar.gz", ".tar")):
        return local()
    if re.fullmatch(r"[\w.-]+/[\w.-]+(#.*)?", spec):
        return git(spec)
    at = spec.find("@", 1)
    name, wish = (spec[:at], spec[at + 1 :].strip()) if at > 0 else (spec, "")
    if wish.startswith("npm:"):
        aliased = npm_spec(wish.removeprefix("npm:").partition("@npm:")[0])
        return also(aliased, note=f"alias: {name} is not the package")
    if GIT.match(wish) or URL.match(wish) or PATH.match(wish):
        return npm_spec(wish)
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        return unknown("a variable stands for the package" if VARIABLE.search(name) else "no package name of npm", spec)
    return npm_version(name, wish)


def npm_version(name: str, wish: str) -> Launch:
    """Say how firmly a wish names a version of the package. `wish` is what stands after the `@`."""
    try:
        package = Purl.npm(name)
        if VARIABLE.search(wish):
            return floating(package, PinKind.UNKNOWN, wish)
        if exact := SEMVER.fullmatch(wish):
            version = exact["plain"]
            return Launch(PinKind.EXACT, package.at(version), requested="" if wish == version else wish)
    except ValueError as error:
        return unknown(str(error), f"{name}@{wish}")
    if not wish:
        return floating(package, PinKind.NONE, "")
    return floating(package, PinKind.RANGE if RANGE.search(wish) else PinKind.TAG, wish)
