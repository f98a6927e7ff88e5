"""npx and its relatives: which npm package a command runs, and how firmly it names the version.

Sources: npm-package-arg's reading of specs; the options of npx 11, pnpm, yarn, bun and deno as their help texts list them.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

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
from monitor.domain.address import shown, without_credentials
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl

VALUED = option_names(
    "-p --package -c --call --tag --otp --loglevel --before --logs-dir --logs-max --fetch-retries --fetch-timeout --maxsockets"
    " --omit --include --min-release-age --user-agent --auth-type --audit-level --cpu --os --libc --reporter --filter"
    " -C --dir --cwd --registry --reg --userconfig --globalconfig --prefix --cache --node-options --cafile --ca --cert --key --proxy"
    " --https-proxy --noproxy --script-shell --shell --local-address --replace-registry-host --git --node-gyp --scope --config"
)
FLAGS = option_names(
    "-y --yes --no --no-yes --no-install -q --quiet -s --silent -d --verbose -f --force --ignore-scripts --offline --prefer-offline"
    " --prefer-online --audit --no-audit --fund --no-fund --progress --no-progress --update-notifier --no-update-notifier --no-color"
    " --json --timing --foreground-scripts --legacy-peer-deps --strict-peer-deps --package-lock --no-package-lock --no-save"
    " -g --global --strict-ssl --no-strict-ssl"
)
NOT_NPMS = {"bun": option_names("--bun -b"), "bunx": option_names("--bun -b")}
"""Flags of one runner alone: another would take the next word for their value."""

SOURCES = (
    *(
        "--registry",
        "--reg",
        "--userconfig",
        "--globalconfig",
        "--prefix",
        "-C",
        "--dir",
        "--cwd",
        "--cache",
        "--node-options",
    ),
    *(
        "--cafile",
        "--ca",
        "--cert",
        "--key",
        "--proxy",
        "--https-proxy",
        "--noproxy",
        "--script-shell",
        "--shell",
        "--local-address",
    ),
    *("--replace-registry-host", "--git", "--node-gyp", "--config", "--strict-ssl", "--no-strict-ssl"),
)
"""Options that change where the package comes from, or what is loaded before it. npm also takes what they begin with for them."""

SOURCE = re.compile(r"--(@[^:]*:registry|//.*|config\.[^=]*)")
"""Registries of one scope, credentials of one registry, any setting of pnpm."""

SHORTEST = len("--re")
DENO_VALUED = option_names("-c --config --import-map --lock --cert -L --log-level --location --seed --ext")
DENO_FLAGS = re.compile(
    r"--(allow|deny|unstable|no|watch)(-[\w-]+)?|--(check|quiet|cached-only|node-modules-dir|reload|frozen|env-file|v8-flags)|-[AqrRWNESI]"
)
DENO_SOURCES = ("-c", "--config", "--import-map", "--cert", "--env-file", "--v8-flags")

JSR = re.compile(r"jsr:@[\w-]+/[\w-]+(@[\w.^~-]+)?(/[\w./-]*)?")
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
    read, subcommands = _options(runner, arguments), RUNNERS[runner].split()
    if subcommands:
        if not read.rest:
            return unknown(f"{runner} without a command"), ()
        if read.rest[0] not in subcommands:
            clear = not read.unsure and not read.given("-c", "--call")
            return (
                local("runs something that the project already has") if clear else unknown("runs something unread")
            ), ()
        rest = _options(runner, read.rest[1:])
        read = Words(read.options + rest.options, rest.rest, read.unsure + rest.unsure, rest.ended)
    packages = read.values("-p", "--package")
    if not packages and not read.rest:
        return also(unknown("names no package"), redirects=_sources(read)), ()
    launch = npm_spec(packages[0]) if packages else by_place(read, npm_spec)
    return also(unless_sure(_certain(runner, launch, read), read), redirects=_sources(read)), read.rest[1:]


def _options(runner: str, arguments: Sequence[str]) -> Words:
    flags = FLAGS | NOT_NPMS.get(runner, frozenset())
    # `--//registry.example/:_authToken SECRET`: npm takes the next word for the value.
    valued = VALUED | {word for word in arguments if "=" not in word and SOURCE.fullmatch(word)}
    return words(arguments, valued, lambda name: name in flags or bool(SOURCE.fullmatch(name)))


def _certain(runner: str, launch: Launch, read: Words) -> Launch:
    """Make the launch opaque where something else than its package's own program may run."""
    packages = read.values("-p", "--package")
    if packages[1:]:
        beside = tuple(npm_spec(spec) for spec in packages[1:])
        launch = opaque(replace(launch, beside=beside), "with further packages")
    if read.given("-c", "--call"):
        launch = opaque(launch, "a shell line runs beside the package")
    elif packages and launch.purl and not (read.rest and named_after(launch.purl, read.rest[0])):
        launch = opaque(launch, "runs a command that need not be the package's own")
    # `npx` ends the options at the package itself, but for a negated one, after which it misses the package.
    negated = any(name.startswith("--no") and name != "--no-install" for name, _ in read.options)
    after = takewhile("--".__ne__, read.rest[1:] if runner == "npm" else read.rest[1:2] if negated else ())
    if not read.ended and runner in {"npm", "npx"} and any(word.startswith("-") for word in after):
        launch = opaque(launch, "options after the package, which npm takes for its own")
    return launch


def _sources(read: Words) -> tuple[str, ...]:
    """Name the options that redirect the source: as written, abbreviated ones too."""
    return tuple(
        dict.fromkeys(
            without_credentials(name)
            for name, _ in read.options
            if name in SOURCES
            or SOURCE.fullmatch(name)
            or (len(name) >= SHORTEST and any(source.startswith(name) for source in SOURCES))
        )
    )


def deno(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read `deno run -A npm:package@1.2.3/binary`."""
    before = words(arguments, DENO_VALUED, _deno_flag)
    if not before.rest or before.rest[0] not in {"run", "x", "serve"}:
        return local(), ()
    read = words(before.rest[1:], DENO_VALUED, _deno_flag)
    read = Words(before.options + read.options, read.rest, before.unsure + read.unsure)
    if not read.rest:
        return unknown("names no script"), ()
    script = "" if read.shifted else read.rest[0]
    if read.shifted:
        launch = unknown("what follows is not read")
    elif script.startswith("npm:"):
        spec = script.removeprefix("npm:").removeprefix("/")
        scope, slash, bare = spec.partition("/") if spec.startswith("@") else ("", "", spec)
        launch = npm_spec(scope + slash + bare.partition("/")[0])
    elif script.startswith("jsr:"):
        launch = unknown("jsr is a registry of its own", script if JSR.fullmatch(script) else "")
    elif URL.match(script):
        launch = unknown("a script from a URL", shown(script))
    else:
        launch = local()
    return also(unless_sure(launch, read), redirects=read.given(*DENO_SOURCES)), read.rest[1:]


def _deno_flag(name: str) -> bool:
    return DENO_FLAGS.fullmatch(name) is not None


def npm_spec(spec: str) -> Launch:  # noqa: PLR0911  one return for each form of the grammar
    """Read one package spec in npm's grammar: name, `name@version`, alias, git, tarball, folder."""
    spec = spec.strip()
    if GIT.match(spec):
        return git(spec)
    if URL.match(spec):
        return git(spec) if re.search(r"\.git(#|$)", spec) else unknown("tarball from a URL", shown(spec))
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
        return unknown("a variable stands for the package" if VARIABLE.search(name) else "no package name of npm")
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
        return unknown(str(error))
    if not wish:
        return floating(package, PinKind.NONE, "")
    return floating(package, PinKind.RANGE if RANGE.search(wish) else PinKind.TAG, wish)
