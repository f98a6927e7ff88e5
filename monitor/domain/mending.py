"""What mends a difference: one command, or one edit at a place where somebody can make it."""

import re
from collections.abc import Sequence
from shlex import join

from monitor.domain.deployment import Deployment
from monitor.domain.launching import IMAGES, Command, images, starts
from monitor.domain.server import Approval, Pin, Server

SURVEYS = frozenset(("kubernetes-pods", "osquery-results", "sbom-inventory"))
"""In the place of a client: what runs or lies there, and no configuration that anybody could edit."""
CONFIGURATION = re.compile(r"\.(jsonc?|json5|toml|ya?ml)( \(.*\))?( #\d+)?$")
"""How the place of a client's entry ends. A list of reports (JSON lines, CSV) is no configuration."""
INSTALLED = re.compile(r"(^|[/\\])(site-packages|dist-packages|node_modules)([/\\]|$)")
PARTS = re.compile(r"( \((far end|inside|beside \d+)\))+$")
"""Behind the name of an entry that starts several things; the entry itself is called without."""


def starting(deployment: Deployment, server: Server, approval: Approval | None, place: str) -> str:
    """Say how the approved version gets there. Empty: none is approved. `place` names the entry of the registry."""
    if approval is None:
        return ""
    pin = approval.pin
    named = f"{pin.purl.label} {pin.purl.version or ''}".strip()
    if commands := starts(server, pin):
        return _at_place(deployment, pin) or _shown(commands, pin)
    if pin.purl.type in IMAGES:
        return f"add a sha256 digest of the image to approved.digests of {place}, then start the image by it"
    return f"bring it to {pin.purl.type} {named}"


def _at_place(deployment: Deployment, pin: Pin) -> str:
    """Say it of a place that is no configuration: there a command helps nobody. Empty: it is one."""
    named = f"{pin.purl.label} {pin.purl.version or ''}".strip()
    if pin.purl.type in IMAGES and deployment.client == "kubernetes-pods":
        return f"set the image in {deployment.location} to {' or '.join(images(pin))}"
    if deployment.client == "sbom-inventory":
        return f"bring what {deployment.location} describes to {named}"
    return f"install {named} in {deployment.location}" if INSTALLED.search(deployment.location) else ""


def _shown(commands: Sequence[Command], pin: Pin) -> str:
    # Of an image for several platforms each digest is another command; of all else the first is the usual spelling.
    return " or ".join(join(command) for command in (commands[::2] if pin.purl.type in IMAGES else commands[:1]))


def removing(deployment: Deployment) -> str:
    """Say how what runs there is taken away."""
    if editable(deployment):
        return f"remove the entry {entry_of(deployment)} from {deployment.location}"
    at = f"{deployment.client}: {deployment.location}" if deployment.location else deployment.client
    return f"stop {deployment.name or 'it'} on {deployment.host} ({at}) and remove it there"


def unsetting(deployment: Deployment) -> str:
    """Say how the variables that redirect it are taken away; empty: there are none."""
    if not deployment.redirects:
        return ""
    names = ", ".join(deployment.redirects)
    if editable(deployment):
        return f"remove {names} from the entry {entry_of(deployment)} in {deployment.location}"
    return f"start {deployment.name or 'it'} on {deployment.host} without {names}"


def editable(deployment: Deployment) -> bool:
    """Whether the place is an entry in a client's own configuration."""
    return deployment.client not in SURVEYS and bool(CONFIGURATION.search(deployment.location))


def entry_of(deployment: Deployment) -> str:
    """Name the entry as it stands in the configuration."""
    return PARTS.sub("", deployment.name) or deployment.name
