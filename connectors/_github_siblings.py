"""The files of a release that say something of another file of it: bundles and checksum files, told by their names.

Names: sigstore clients write `NAME.sigstore.json` (older ones `NAME.sigstore`) beside NAME; checksum files follow coreutils
(`SHA256SUMS`, `NAME.sha256`), GoReleaser (`PROJECT_VERSION_checksums.txt`) and their relatives.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from weakref import WeakValueDictionary

from connectors._edge.http import Client, NotModified, Response
from connectors._github_documents import NAME
from monitor.domain.provenance import Form
from monitor.domain.release import Artifact
from monitor.ports.errors import Malformed, NotFound, Unavailable

BUNDLES = (".sigstore.json", ".sigstore")
SIGNATURES = (".sig", ".asc", ".pem")
SUMS = frozenset(
    f"{sums}{end}" for sums in ("sha256", "sha512", "sha256sum", "sha512sum", "shasum", "checksum") for end in ("", "s")
) | {"shasums256", "shasums512"}
"""Last words of checksum files' names, before `.txt`."""
MAX_BYTES = {Form.SIGSTORE_BUNDLE: 2 * 2**20, Form.CHECKSUMS: 2**20}
MOST = 8
"""Documents about one file. Honest releases have one or two."""
KEPT = 16
"""Checksum files that are remembered, for the other files of their releases."""


def siblings(artifact: Artifact, files: Sequence[Artifact]) -> list[tuple[Form, Artifact]]:
    """Return the files that, by their names, say something of this one; bundles and checksum files are in no checksum file."""
    name, names = artifact.filename, {file.filename for file in files}
    found = [(Form.SIGSTORE_BUNDLE, file) for file in files if file.filename in {name + end for end in BUNDLES}]
    if not name.endswith((*BUNDLES, *SIGNATURES)) and not _lists_digests(name):
        sums = [file for file in files if _lists_digests(file.filename)]
        # `NAME.sha256` is about NAME, where there is one; else about all.
        found += [(Form.CHECKSUMS, file) for file in sums if _only_about(file.filename, names) in {name, None}]
    return found[:MOST]


def _lists_digests(filename: str) -> bool:
    return re.split(r"[._-]", filename.lower().removesuffix(".txt"))[-1] in SUMS


def _only_about(filename: str, names: Collection[str]) -> str | None:
    """Return the one file that a checksum file is named after, None where it is named after none."""
    stem = re.sub(r"\.txt\Z", "", filename, flags=re.IGNORECASE).rpartition(".")[0]
    return stem if stem in names else None


class Siblings:
    """Fetches these documents; a checksum file once for all the files of its release."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: OrderedDict[Artifact, Response] = OrderedDict()
        self._fetching: WeakValueDictionary[Artifact, asyncio.Lock] = WeakValueDictionary()

    async def document(self, form: Form, file: Artifact) -> Response:
        """Return the document. What is listed and cannot be had is `Unavailable`; other bytes than those listed are `Malformed`."""
        async with self._fetching.setdefault(file, asyncio.Lock()):
            if file in self._kept:
                return self._kept[file]
            answer = await self._fetch(form, file)
            if (
                form is Form.CHECKSUMS and file.digest is not None
            ):  # without a digest the file may change under its name
                self._kept[file] = answer
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return answer

    async def _fetch(self, form: Form, file: Artifact) -> Response:
        try:
            answer = await self._client.get(file.url, accept="*/*", limit=MAX_BYTES[form])
        except NotFound as error:
            raise Unavailable(NAME, f"{file.filename[:100]} is listed and not there: {error.detail}") from error
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        digest = file.digest
        if digest and digest.algorithm == "sha256" and hashlib.sha256(answer.body).hexdigest() != digest.hex:
            raise Malformed(NAME, f"{file.filename[:100]} is not the file that the release lists")
        return answer
