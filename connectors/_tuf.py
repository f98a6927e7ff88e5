"""TUF by python-tuf: its rules, our HTTP edge. Specification: https://theupdateframework.github.io/specification/latest/."""

import asyncio
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata
from tuf.api.metadata import Targets as TargetList  # type: ignore[attr-defined]  # the package's own way to it
from tuf.ngclient import FetcherInterface, Updater  # type: ignore[attr-defined]  # as above

from connectors._edge.http import Client, NotModified
from monitor.ports.errors import Malformed, NotFound, SourceError, Unavailable

NAME = "trust-roots"
MAX_FILE = 5 * 2**20
"""Bytes of one file; the library's own limits for each kind are lower."""
SIGSTORE = "https://tuf-repo-cdn.sigstore.dev"
"""Names the root.json that ships in sigstore's wheel, wherever its repository is mirrored."""


class Targets:
    """The files of one repository. What was seen of it is kept in a folder, so that nothing goes back."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop, folder: Path, begin: Path | None) -> None:
        self._fetcher = _Fetcher(client, loop)
        self._metadata, self._targets = folder / "metadata", folder / "targets"
        self._begin = begin

    def fetch(self, url: str, wanted: Mapping[str, str]) -> dict[str, bytes | SourceError]:
        """Return the targets by our names. Runs in a thread of its own. Raises `Unavailable`, `Malformed` and OSError.

        A name that begins with a slash stands for the only target that ends with it.
        """
        for folder in (self._metadata.parent.parent, self._metadata.parent, self._metadata, self._targets):
            folder.mkdir(mode=0o700, exist_ok=True)
        try:
            updater = Updater(
                str(self._metadata), url, str(self._targets), f"{url}/targets", self._fetcher, bootstrap=self._root()
            )
            updater.refresh()
        except (DownloadError, RepositoryError) as error:
            raise _as_ours(error) from error
        found: dict[str, bytes | SourceError] = {}
        for name, target in wanted.items():
            try:
                found[name] = self._target(updater, target)
            except SourceError as error:
                found[name] = error
            except (DownloadError, RepositoryError) as error:
                found[name] = _as_ours(error)
        return found

    def _root(self) -> bytes:
        if self._begin:
            return self._begin.read_bytes()
        return files("sigstore._store").joinpath(quote(SIGSTORE, safe=""), "root.json").read_bytes()

    def _target(self, updater: Updater, target: str) -> bytes:
        paths = self._ending(target) if target.startswith("/") else [target]
        infos = [info for path in paths if (info := updater.get_targetinfo(path))]
        if len(infos) != 1:
            raise Malformed(NAME, f"the mirror has {len(infos)} files for {target}, not one")
        path = updater.find_cached_target(infos[0]) or updater.download_target(infos[0])
        return Path(path).read_bytes()

    def _ending(self, end: str) -> list[str]:
        """Return the targets that end so: those of the list that was just verified, and those that it delegates by folder."""
        listed = Metadata[TargetList].from_file(str(self._metadata / "targets.json")).signed
        delegated = listed.delegations.roles if listed.delegations and listed.delegations.roles else {}
        folders = {
            pattern.rpartition("/")[0]
            for role in delegated.values()
            for pattern in role.paths or ()
            if pattern.endswith("/*")
        }
        return sorted({*(path for path in listed.targets if path.endswith(end)), *(folder + end for folder in folders)})


class _Fetcher(FetcherInterface):
    """Lets the library, which runs in a thread, ask through the edge of the event loop."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self._client, self._loop = client, loop

    def _fetch(self, url: str) -> Iterator[bytes]:
        asked = asyncio.run_coroutine_threadsafe(self._client.get(url, accept="*/*", limit=MAX_FILE), self._loop)
        try:
            answer = asked.result()
        except NotFound as error:
            raise DownloadHTTPError(error.detail, 404) from error
        except SourceError as error:
            raise DownloadError(error.detail) from error
        if isinstance(answer, NotModified):
            raise DownloadError("the mirror said that nothing changed to a question without condition")
        return iter((answer.body,))


def _as_ours(error: DownloadError | RepositoryError) -> SourceError:
    """Silence is `Unavailable`; what is expired, older than before, or not signed as it must be is `Malformed`."""
    if isinstance(error, RepositoryError):
        return Malformed(NAME, f"the mirror's metadata does not hold: {error}")
    return Unavailable(NAME, str(error))
