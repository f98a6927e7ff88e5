"""A TUF repository with keys of its own, which tests fill, let expire, roll back and forge."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # the package's own way to it
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tuf.api.metadata import (  # type: ignore[attr-defined]  # the package's own way to them
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

FAR = timedelta(days=3650)
"""The library reads the real clock."""


class TufRepository:
    """Root, timestamp, snapshot and targets, and one role to which a folder is delegated, as the public repository does for npm.

    `expires` is written into what is signed next; `asked` is what came.
    """

    def __init__(self) -> None:
        self.expires = datetime.now(UTC).replace(microsecond=0) + FAR
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self._signer = CryptoSigner.generate_ed25519()
        self._version = 0
        self.root = self._signed_root(1)

    def publish(self, targets: dict[str, bytes]) -> None:
        """Publish these targets, and no others, in a new version."""
        self._version += 1
        mine = {path: body for path, body in targets.items() if "/" not in path}
        delegated = {path: body for path, body in targets.items() if "/" in path}
        folders = sorted({path.rpartition("/")[0] for path in delegated})
        top = Targets(self._version, expires=self.expires, targets=_infos(mine))
        meta = {"targets.json": MetaFile(self._version)}
        if folders:
            key, names = self._signer.public_key, [f"{folder}/*" for folder in folders]
            role = DelegatedRole("packages", [key.keyid], 1, terminating=True, paths=names)
            top.delegations = Delegations({key.keyid: key}, {role.name: role})
            meta["packages.json"] = MetaFile(self._version)
            self._write("packages", Targets(self._version, expires=self.expires, targets=_infos(delegated)))
        self._write("targets", top)
        self._write("snapshot", Snapshot(self._version, expires=self.expires, meta=meta))
        self._write_timestamp(self._version)
        for path, body in targets.items():
            folder, slash, name = path.rpartition("/")
            digest = TargetFile.from_data(path, body).hashes["sha256"]
            self.files[f"targets/{folder}{slash}{digest}.{name}"] = body

    def rotate(self) -> None:
        """Replace the key by a new one, as the old one says."""
        old, self._signer = self._signer, CryptoSigner.generate_ed25519()
        number = int(Metadata.from_bytes(self.root).signed.version) + 1
        metadata = Metadata.from_bytes(self._signed_root(number))
        metadata.sign(old, append=True)
        self.root = self.files[f"{number}.root.json"] = metadata.to_bytes()

    def usurp(self) -> None:
        """Sign with another key from now on, without asking anybody."""
        self._signer = CryptoSigner.generate_ed25519()

    def begin(self, folder: Path) -> Path:
        """Write the root with which a client begins."""
        path = folder / "begin.root.json"
        path.write_bytes(self.root)
        return path

    @property
    def app(self) -> Starlette:
        """Serves it."""

        def answer(request: Request) -> Response:
            path = request.path_params["path"]
            self.asked.append(path)
            body = self.files.get(path)
            return Response(b"no such file", 404) if body is None else Response(body)

        return Starlette(routes=[Route("/{path:path}", answer)])

    def _signed_root(self, version: int) -> bytes:
        root = Root(version, expires=self.expires, consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self._signer.public_key, role)
        metadata = Metadata(root)
        metadata.sign(self._signer)
        return metadata.to_bytes()

    def _write(self, role: str, signed: Snapshot | Targets) -> None:
        metadata: Metadata[Snapshot | Targets] = Metadata(signed)  # type: ignore[type-var]  # one or the other
        metadata.sign(self._signer)
        self.files[f"{self._version}.{role}.json"] = metadata.to_bytes()

    def _write_timestamp(self, version: int) -> None:
        metadata = Metadata(Timestamp(version, expires=self.expires, snapshot_meta=MetaFile(version)))
        metadata.sign(self._signer)
        self.files["timestamp.json"] = metadata.to_bytes()


def _infos(targets: dict[str, bytes]) -> dict[str, TargetFile]:
    return {path: TargetFile.from_data(path, body, ["sha256"]) for path, body in targets.items()}
