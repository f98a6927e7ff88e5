"""Newer trust roots, from the mirrors on which the sigstore project and GitHub publish theirs (TUF, https://theupdateframework.io).

Knows: which roots are current, by a chain of signatures that begins with a root file of our own and never goes back: metadata that has
expired, is older than what was seen before, or is not signed by enough keys is refused.
Does not know: what changed in them, and whether the keepers of the mirrors were honest.

Everything is kept in one folder that nobody else may write: `NAME.<day>.json` is a root that was current on that day, `tuf/` what was seen.
"""

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors import _own_folder as own_folder
from connectors._edge.http import Client, Http
from connectors._sigstore import trust_root
from monitor.domain.provenance import TrustRoot
from monitor.domain.unknown import Unknown
from monitor.ports.errors import Malformed, SourceError, Unavailable
from monitor.ports.sources import Clock, TrustRootSource

NAME = "trust-roots"
KEPT = 2
"""Files of each name: the newest, and the one before it for whoever reads it now."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A TUF repository. `begin`: the root.json with which to begin; None: the one that ships in sigstore's wheel.

    `roots`: our name of a root -> its target in the repository, or the end of its target's name where that begins with a slash.
    """

    name: str
    url: str
    begin: Path | None
    roots: Mapping[str, str]


PUBLIC_GOOD = {"public-good": "trusted_root.json", "npm-keys": "/keys.json"}
GITHUB = {"github": "trusted_root.json"}


class TrustRoots:
    """The mirrors, and the folder in which their roots are kept."""

    def __init__(self, folder: Path | None, mirrors: Sequence[tuple[Mirror, Client]], clock: Clock) -> None:
        self._folder, self._mirrors, self._clock = folder, mirrors, clock

    async def refresh(self) -> Mapping[str, TrustRoot | Unknown]:
        """Ask each mirror; what one of them does not give costs nothing else."""
        found: dict[str, TrustRoot | Unknown] = {}
        if self._folder is None:
            return found
        loop = asyncio.get_running_loop()
        for mirror, client in self._mirrors:
            try:
                found |= await asyncio.to_thread(self._from, mirror, client, loop, self._folder)
            except SourceError as error:
                found |= dict.fromkeys(mirror.roots, error.unknown())
        return found

    def _from(
        self, mirror: Mirror, client: Client, loop: asyncio.AbstractEventLoop, folder: Path
    ) -> Mapping[str, TrustRoot | Unknown]:
        """Runs in a thread: the library waits for files and answers."""
        from connectors._tuf import Targets  # noqa: PLC0415 - the library is needed for nothing else

        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            trust_root.require_own(folder)
            with own_folder.alone(folder, NAME):
                targets = Targets(client, loop, folder / "tuf" / mirror.name, mirror.begin)
                fetched = targets.fetch(mirror.url, mirror.roots)
                return {name: self._keep(name, answer, folder) for name, answer in fetched.items()}
        except OSError as error:
            raise Unavailable(NAME, f"cannot keep roots in {folder}: {error.strerror or error}") from error

    def _keep(self, name: str, answer: bytes | SourceError, folder: Path) -> TrustRoot | Unknown:
        """Keep a root under the day on which it was current, unless it is none that the verifier can read."""
        if isinstance(answer, SourceError):
            return answer.unknown()
        path = folder / f"{name}.{self._clock():%Y-%m-%d}.json"
        try:
            _check(TrustRoot(name, str(path), self._clock()), answer)
        except Malformed as error:
            return error.unknown()
        _write(path, answer)
        for stale in sorted(folder.glob(f"{name}.????-??-??.json"))[:-KEPT]:
            stale.unlink(missing_ok=True)
        return trust_root.read(name, path, "refreshed")[0]


def build(
    edge: Http,
    *,
    folder: Path | None,
    clock: Clock,
    public_good: str,
    public_good_begin: Path | None = None,
    github: str = "",
    github_begin: Path | None = None,
) -> TrustRootSource:
    """Build the source. `folder` None: nothing is refreshed. Addresses of mirrors; `…_begin` is the root.json to begin with.

    GitHub's mirror is asked only where there is a root to begin with: none ships.
    """
    mirrors = [Mirror("public-good", public_good, public_good_begin, PUBLIC_GOOD)] if public_good else []
    if github and github_begin:
        mirrors.append(Mirror("github", github, github_begin, GITHUB))
    return TrustRoots(folder, [(mirror, edge.client(NAME, base=mirror.url)) for mirror in mirrors], clock)


def _check(file: TrustRoot, raw: bytes) -> None:
    """Raise `Malformed` for what the verifier could not read."""
    if file.name == "npm-keys":
        trust_root.npm_keys(file, raw)
    else:
        trust_root.sigstore_root(file, raw)


def _write(path: Path, raw: bytes) -> None:
    """Put a whole file in its place, or none."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
