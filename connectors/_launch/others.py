"""dnx and go: which .NET tool or Go program a command runs."""

from collections.abc import Sequence

from connectors._launch.launch import Launch, also, local, option_names, unknown, unless_sure, words
from connectors._launch.npm import SEMVER
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl

DNX_VALUED = option_names("--version --source --add-source --configfile -v --verbosity --framework")
DNX_FLAGS = option_names(
    "-y --yes --prerelease --allow-roll-forward --interactive --disable-parallel --no-cache --no-http-cache"
)
DNX_SOURCES = ("--source", "--add-source", "--configfile")
GO_VALUED = option_names("-mod -tags -p")
GO_FLAGS = option_names("-race -v -x -trimpath")


def dnx(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read `dnx Package@1.2.3`: a .NET tool from NuGet. Its own options may stand behind the package, up to `--`."""
    read = words(arguments, DNX_VALUED, DNX_FLAGS.__contains__)
    if not read.rest:
        return unknown("names no package"), ()
    if read.shifted:
        return unless_sure(unknown("what follows is not read"), read), ()
    name, _, wish = read.rest[0].partition("@")
    after = words(read.rest[1:], DNX_VALUED, DNX_FLAGS.__contains__) if not read.ended else words((), (), bool)
    wish = (read.values("--version") + after.values("--version") or (wish,))[-1]
    try:
        package = Purl("nuget", None, name)
        exact = SEMVER.fullmatch(wish)
        kind = PinKind.EXACT if exact else PinKind.RANGE if wish else PinKind.NONE
        launch = Launch(kind, package.at(exact["plain"] if exact else None), requested="" if exact else wish)
    except ValueError as error:
        return unknown(str(error)), ()
    launch = also(unless_sure(launch, read), redirects=read.given(*DNX_SOURCES) + after.given(*DNX_SOURCES))
    return launch, read.rest[1:]


def go(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read `go run module@v1.2.3`; without a version it is the local module. Go's options have one hyphen or two."""
    if arguments[:1] != ("run",):
        return local(), ()
    options = [word if word.startswith("--") or not word.startswith("-") else f"-{word}" for word in arguments[1:]]
    valued, flags = ({f"-{name}" for name in names} for names in (GO_VALUED, GO_FLAGS))
    read = words(options, valued, flags.__contains__)
    module, at, wish = (read.rest[0] if read.rest else "").partition("@")
    if (not at or module.startswith(".")) and not read.unsure:
        return local(), ()
    if read.shifted:
        return unless_sure(unknown("what follows is not read"), read), ()
    path, _, name = module.rpartition("/")
    try:
        package = Purl("golang", path or None, name)
        exact = SEMVER.fullmatch(wish) and wish.startswith("v")
        launch = Launch(PinKind.EXACT, package.at(wish)) if exact else Launch(PinKind.TAG, package, requested=wish)
    except ValueError as error:
        return unknown(str(error)), ()
    return unless_sure(launch, read), read.rest[1:]
