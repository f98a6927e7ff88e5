"""How a deployed image stands to the approved one: docker heeds the digest alone and ignores a tag beside it."""

from monitor.domain.deployment import Deployment
from monitor.domain.launching import IMAGES
from monitor.domain.release import Digest
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown


def is_image(deployment: Deployment) -> bool:
    """Whether an image is deployed."""
    return deployment.runs is not None and deployment.runs.type in IMAGES


def approved_image(deployment: Deployment, snapshot: Snapshot) -> bool:
    """Whether an image runs by an approved digest, under whatever tag."""
    digest = deployment.digest or deployment.installed_digest
    return is_image(deployment) and snapshot.approval is not None and digest in snapshot.approval.pin.digests


def other_image(deployment: Deployment, snapshot: Snapshot) -> bool:
    """Whether an image is started by a digest that cannot be the approved one's: no tag beside it tells anything."""
    return is_image(deployment) and deployment.digest is not None and not approved_image(deployment, snapshot)


def comparable(digest: Digest, snapshot: Snapshot) -> bool:
    """Whether the approval has a digest of that algorithm to compare with."""
    return snapshot.approval is not None and digest.algorithm in snapshot.approval.pin.algorithms


def seen_under(version: str, digest: Digest, snapshot: Snapshot) -> bool:
    """Whether the registry once had that digest under that version."""
    if isinstance(snapshot.package, Unknown) or (known := snapshot.package.known.get(version)) is None:
        return False
    return any(digest == file.digest for file in known.release.artifacts)
