"""docker, podman, nerdctl and finch: which image a command runs, named exactly as written.

Sources: the options of the docker client 28, podman 5 and nerdctl 2 as their help texts list them; the image grammar of
https://pkg.go.dev/github.com/distribution/reference.
"""

import re
from collections.abc import Sequence

from connectors._launch.launch import VARIABLE, Launch, also, floating, local, option_names, redirecting, unknown, words
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

GLOBAL_VALUED = option_names(
    "-c --context -H --host --config -l --log-level --tlscacert --tlscert --tlskey --root --runroot --connection --url --identity"
    " --cgroup-manager --storage-driver -n --namespace -a --address --snapshotter"
)
FLAGS = option_names(
    "-i --interactive -t --tty -d --detach --rm --init --privileged --read-only -P --publish-all --no-healthcheck --sig-proxy"
    " --oom-kill-disable --disable-content-trust -q --quiet --help --use-api-socket --replace --rmi --no-hosts --env-host"
    " --http-proxy --tls-verify --passwd --no-hostname --passwd-entry"
)
"""The options of `run` that take no value; every other one does."""

NAME = re.compile(r"[A-Za-z0-9][\w./:-]*[A-Za-z0-9_]|[A-Za-z0-9]")
TAG = re.compile(r"\w[\w.-]{0,127}")
MAX_IMAGE = 512


def container(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows the program: the image, and the command that runs inside it (empty: the image's own)."""
    read = words(arguments, GLOBAL_VALUED.__contains__)
    rest = read.rest[1:] if read.rest[:1] == ("container",) else read.rest
    sources = redirecting(
        ["DOCKER_HOST"] if read.given("-H", "--host", "-c", "--context", "--url", "--connection") else []
    )
    match rest[:1]:
        case ("run",) | ("create",):
            launch, inside = _run(rest[1:])
            return also(launch, redirects=sources), inside
        case ("mcp",):
            return local("a plugin of the docker client starts its own gateway"), ()
        case ("exec",) | ("start",) | ("attach",):
            return unknown("a running container, its image is not in this file"), ()
        case ("compose",):
            return unknown("the image stands in the compose file"), ()
        case _:
            return unknown("runs no image"), ()


def _run(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    read = words(arguments, lambda name: name not in FLAGS)
    if not read.rest:
        return unknown("names no image"), ()
    names = [value.partition("=")[0] for value in read.values("-e", "--env")]
    launch = also(image(read.rest[0]), redirects=redirecting(names))
    entry = read.values("--entrypoint")
    if entry:
        launch = also(launch, note="with another entry point")
    return launch, (*entry[-1:], *read.rest[1:])


def image(reference: str) -> Launch:
    """Read `[host[:port]/]path[:tag][@sha256:hex]`. Only a digest is firm; a tag can be moved to other bytes."""
    reference = reference.strip().removeprefix("docker://")
    if variable := VARIABLE.search(reference):
        return _with_variable(reference, variable.start())
    named, _, digest = reference.partition("@")
    name, tag = _tagged(named)
    if not NAME.fullmatch(name) or len(name) > MAX_IMAGE or (tag and not TAG.fullmatch(tag)):
        return unknown("no image name", reference[:MAX_IMAGE])
    purl = _named(name).at(tag if tag and tag != "latest" else None)
    requested = tag if tag == "latest" else ""
    if not digest:
        return Launch(PinKind.TAG if tag else PinKind.NONE, purl, requested=requested)
    try:
        return Launch(PinKind.DIGEST, purl, digest=Digest.parse(digest), requested=requested)
    except ValueError as error:
        return Launch(PinKind.UNKNOWN, purl.package, requested=digest[:MAX_IMAGE], note=str(error))


def _with_variable(reference: str, at: int) -> Launch:
    """Read an image whose variable starts `at` that place: in the tag it leaves the name readable."""
    name, _ = _tagged(reference[:at])
    if name == reference[:at] or not NAME.fullmatch(name) or len(name) > MAX_IMAGE:
        return unknown("a variable stands for the image", reference[:MAX_IMAGE])
    return floating(_named(name), PinKind.UNKNOWN, reference[len(name) + 1 :][:MAX_IMAGE])


def _tagged(reference: str) -> tuple[str, str]:
    """Part name and tag: a colon before the last slash belongs to the registry's port."""
    at = reference.rfind(":")
    return (reference[:at], reference[at + 1 :]) if at > reference.rfind("/") else (reference, "")


def _named(name: str) -> Purl:
    path, _, last = name.rpartition("/")
    return Purl("docker", path or None, last)
