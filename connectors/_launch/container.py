"""docker, podman, nerdctl and finch: which image a command runs.

Sources: the options of the docker client 28, podman 5 and nerdctl 2 as their help texts list them; the image grammar of
https://pkg.go.dev/github.com/distribution/reference.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from connectors._launch.launch import (
    INTERPRETERS,
    LAUNCHERS,
    SHELLS,
    STARTERS,
    VARIABLE,
    Launch,
    also,
    by_place,
    floating,
    local,
    option_names,
    program,
    unknown,
    unless_sure,
    words,
)
from connectors._launch.redirects import redirecting
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

GLOBAL_VALUED = option_names(
    "-c --context -H --host --config -l --log-level --tlscacert --tlscert --tlskey --root --runroot --connection --url --identity"
    " --cgroup-manager --storage-driver --storage-opt -n --namespace -a --address --snapshotter --data-root --hosts-dir --cni-path"
    " --cni-netconfpath --module --conmon --runtime --runtime-flag --hooks-dir --imagestore --tmpdir --volumepath --ssh"
    " --events-backend --network-config-dir --network-cmd-path --cdi-spec-dir --pull-option"
)
GLOBAL_FLAGS = option_names(
    "-D --debug --tls --tlsverify -r --remote --syslog --transient-store --insecure-registry --experimental"
)
NO_SOURCES = (
    "-l",
    "--log-level",
    "--cgroup-manager",
    "--events-backend",
    "-D",
    "--debug",
    "--syslog",
    "--experimental",
    "--tlsverify",
)
VALUED = option_names(
    "--add-host --annotation -a --attach --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent --cgroupns"
    " --cidfile -c --cpu-shares --cpu-count --cpu-percent --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime --cpus"
    " --cpuset-cpus --cpuset-mems --detach-keys --device --device-cgroup-rule --device-read-bps --device-read-iops"
    " --device-write-bps --device-write-iops --dns --dns-opt --dns-option --dns-search --domainname --entrypoint -e --env --env-file"
    " --expose --gpus --group-add --health-cmd --health-interval --health-retries --health-start-interval --health-start-period"
    " --health-timeout -h --hostname --ip --ip6 --ipc --isolation --kernel-memory -l --label --label-file --link --link-local-ip"
    " --log-driver --log-opt --mac-address -m --memory --memory-reservation --memory-swap --memory-swappiness --mount --name --net"
    " --network --net-alias --network-alias --oom-score-adj --pid --pids-limit --platform -p --publish --pull --restart --runtime"
    " --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --ulimit -u --user --userns --uts -v"
    " --volume --volume-driver --volumes-from -w --workdir --arch --os --variant --authfile --cert-dir --creds --cgroup-conf"
    " --cgroups --conmon-pidfile --decryption-key --gidmap --uidmap --group-entry --passwd-entry --health-on-failure --hosts-file"
    " --hostuser --image-volume --init-path --personality --pidfile --pod --pod-id-file --preserve-fd --preserve-fds --requires"
    " --retry --retry-delay --sdnotify --seccomp-policy --secret --shm-size-systemd --subgidname --subuidname --systemd --timeout"
    " --tz --umask --unsetenv"
)
FLAGS = option_names(
    "-i --interactive -t --tty -d --detach --rm --init --privileged --read-only -P --publish-all --no-healthcheck --sig-proxy"
    " --oom-kill-disable --disable-content-trust -q --quiet --help --use-api-socket --replace --rmi --no-hosts --env-host"
    " --http-proxy --tls-verify --passwd --no-hostname --read-only-tmpfs --unsetenv-all"
)
"""The options of `run` that take a value, and those that take none. One that is in neither table hides where the image stands."""

RUN_SOURCES = (
    "--tls-verify",
    "--authfile",
    "--cert-dir",
    "--creds",
    "--decryption-key",
    "--runtime",
    "--init-path",
    "--env-file",
)

MOUNTS = ("-v", "--volume", "--mount", "--volumes-from")

NAME = re.compile(r"[A-Za-z0-9][\w./:-]*[A-Za-z0-9_]|[A-Za-z0-9]")
TAG = re.compile(r"\w[\w.-]{0,127}")
MAX_IMAGE = 512


def container(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read what follows the program: the image, and the command that runs inside it (empty: the image's own)."""
    read = words(arguments, GLOBAL_VALUED, GLOBAL_FLAGS.__contains__)
    rest = read.rest[1:] if read.rest[:1] == ("container",) else read.rest
    sources = [name for name, _ in read.options if name not in NO_SOURCES]
    match rest[:1]:
        case ("run",) | ("create",):
            launch, inside = _run(rest[1:])
            return also(unless_sure(launch, read), redirects=sources), inside
        case ("mcp",):
            return local("a plugin of the docker client starts its own gateway"), ()
        case ("exec",) | ("start",) | ("attach",):
            return unknown("a running container, its image is not in this file"), ()
        case ("compose",):
            return unknown("the image stands in the compose file"), ()
        case _:
            return unknown("runs no image"), ()


def _run(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    read = words(arguments, VALUED, FLAGS.__contains__)
    if not read.rest:
        return unknown("names no image"), ()
    names = [value.partition("=")[0] for value in read.values("-e", "--env")]
    launch = also(by_place(read, image), redirects=(*redirecting(names), *read.given(*RUN_SOURCES)))
    if read.given(*MOUNTS):
        launch = also(launch, note="with files of the host inside")
    inside = (*read.values("--entrypoint")[-1:], *read.rest[1:])
    if read.given("--entrypoint"):
        launch = another_program(launch, "with another entry point")
    elif inside and runs_anything(inside[0]):
        launch = another_program(launch, f"with another program inside: {program(inside[0])[:40]}")
    return unless_sure(launch, read), inside


def runs_anything(command: str) -> bool:
    """Say whether a command is a program that runs whatever it is given: a shell, an interpreter, a launcher."""
    name = program(command)
    return name in LAUNCHERS or name in SHELLS or name in STARTERS or bool(INTERPRETERS.fullmatch(name))


def another_program(launch: Launch, note: str) -> Launch:
    """Return an image in which something else runs than it was made for. Which image it is, is certain: its tag and digest stay."""
    return replace(also(launch, note=note), kind=PinKind.UNKNOWN)


def image(reference: str) -> Launch:
    """Read `[host[:port]/]path[:tag][@sha256:hex]`. Only a digest is firm; a tag can be moved to other bytes."""
    reference = reference.strip().removeprefix("docker://")
    if variable := VARIABLE.search(reference):
        return _with_variable(reference, variable.start())
    named, _, digest = reference.partition("@")
    name, tag = _tagged(named)
    if not NAME.fullmatch(name) or "//" in name or len(name) > MAX_IMAGE or (tag and not TAG.fullmatch(tag)):
        return unknown("no image name")
    purl = Purl.docker(name).at(tag if tag and tag != "latest" else None)
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
    if name == reference[:at] or not NAME.fullmatch(name) or "//" in name or len(name) > MAX_IMAGE:
        return unknown("a variable stands for the image")
    return floating(Purl.docker(name), PinKind.UNKNOWN, reference[len(name) + 1 :][:MAX_IMAGE])


def _tagged(reference: str) -> tuple[str, str]:
    """Part name and tag: a colon before the last slash belongs to the registry's port."""
    at = reference.rfind(":")
    return (reference[:at], reference[at + 1 :]) if at > reference.rfind("/") else (reference, "")
