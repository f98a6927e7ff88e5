"""sigstore-python under one root, or under that part of it that was trusted at given times.

The library looks at the windows of timestamp authorities, and not at those of certificate authorities and logs. Under a root in which
nothing else stands than what was trusted when the signature was made, all that it verifies was trusted then.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import cast

from sigstore.models import TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.trustroot.v1 import TrustedRoot as TrustedRootMessage

from connectors._sigstore.trust_root import Window

FOR_EVER = datetime.max.replace(tzinfo=UTC)
MAX_KEPT = 64
"""Verifiers of parts of a root: as many as there are times between which its windows differ."""

Part = tuple[tuple[str, tuple[int, ...]], ...]
"""Section of the root -> the places in it of what is left."""


class Library:
    """`trusted` says of each entry of a section of the root, in its order, when it is trusted."""

    def __init__(self, raw: bytes, trusted: Mapping[str, Sequence[Window]]) -> None:
        self._fields = json.loads(raw)
        # An authority's end is excluded for the library, included in the specification: with the next microsecond both are right.
        for authority in self._fields.get("timestampAuthorities") or []:
            window = authority["validFor"]
            if window.get("end"):
                window["end"] = (datetime.fromisoformat(window["end"]) + timedelta(microseconds=1)).isoformat()
        self._trusted = {
            section: [(window.start, window.end or FOR_EVER) for window in windows]
            for section, windows in trusted.items()
        }
        self._parts: dict[Part, Verifier] = {}
        self.whole = _verifier(self._fields)

    def at(self, times: Sequence[datetime]) -> Verifier | None:
        """Return the verifier under what was trusted at each of these times; None where that is no authority, or no log."""
        first, last = min(times), max(times)
        part = tuple(
            [
                (
                    section,
                    tuple([place for place, (start, end) in enumerate(windows) if start <= first and last <= end]),
                )
                for section, windows in self._trusted.items()
            ]
        )
        if part not in self._parts:
            left = {section: [self._fields[section][place] for place in places] for section, places in part}
            if not left["certificateAuthorities"] or not left["tlogs"]:
                return None
            if len(self._parts) >= MAX_KEPT:
                self._parts.clear()
            self._parts[part] = _verifier(self._fields | left)
        return self._parts[part]


class _Remembering:
    """A trusted root that reads its keys once: the library's own does so for every bundle."""

    def __init__(self, root: TrustedRoot) -> None:
        self._inner = root._inner  # noqa: SLF001 - the library's verifier reads it, too
        self.get_fulcio_certs = root.get_fulcio_certs
        self.rekor_keyring = cache(root.rekor_keyring)
        self.ct_keyring = cache(root.ct_keyring)
        self.get_timestamp_authorities = cache(root.get_timestamp_authorities)


def _verifier(fields: Mapping[str, object]) -> Verifier:
    root = TrustedRoot(TrustedRootMessage.from_json(json.dumps(fields)))
    return Verifier(trusted_root=cast("TrustedRoot", _Remembering(root)))
