"""OSV's export, of the same records as its API: over HTTP, and as a folder for whoever carries it into another network."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from email.utils import format_datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.world.answers import answer, encode
from tests.world.osv import Json, Osv

NOBODYS = {"npm": "nobody-has-this", "PyPI": "nobody-has-this", "GIT": "https://github.com/nobody/has-this"}
"""Each ecosystem has a record more than the API: an export without any is broken."""


class OsvExport:
    """The export. It is written anew whenever it is asked for; `bodies` are files that stand in place of what it would hold, by path."""

    def __init__(self, osv: Osv) -> None:
        self.osv = osv
        self.bodies: dict[str, bytes] = {}

    def routes(self) -> list[BaseRoute]:
        """The export's addresses, below its base."""
        return [Route("/{ecosystem}/{name}", self.serve)]

    def serve(self, request: Request) -> Response:
        """Answer with one file."""
        body = self.file(request.path_params["ecosystem"], request.path_params["name"])
        if body is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, media_type="application/xml")
        written = format_datetime(self.osv.scene.clock(), usegmt=True)
        return answer(body, headers={"Last-Modified": written})

    def file(self, ecosystem: str, name: str) -> bytes | None:
        """Return a file of the export; None: there is no such file."""
        if (body := self.bodies.get(f"{ecosystem}/{name}")) is not None:
            return body
        if ecosystem not in NOBODYS:
            return None
        records = dict(self.records(ecosystem))
        if name == "modified_id.csv":
            return modified(records)
        if name == "all.zip":
            return archive({f"{key}.json": encode(record) for key, record in records.items()})
        record = records.get(name.removesuffix(".json"))
        return None if record is None else encode(record)

    def records(self, ecosystem: str) -> Iterator[tuple[str, Json]]:
        """Yield the records of an ecosystem by id: those that name a package of it, or for GIT a repository and no package."""
        nobodys = f"SIM-{ecosystem}"
        yield nobodys, about_nobody(nobodys, ecosystem)
        for key, record in self.osv.records.items():
            if ecosystem in ecosystems(record):
                yield key, record

    def write(self, folder: Path) -> Path:
        """Write the export as a folder, and return that."""
        for ecosystem in NOBODYS:
            (folder / ecosystem).mkdir(parents=True, exist_ok=True)
            for name in ("modified_id.csv", "all.zip", *(f"{key}.json" for key, _ in self.records(ecosystem))):
                (folder / ecosystem / name).write_bytes(self.file(ecosystem, name) or b"")
        return folder


def archive(files: Mapping[str, bytes]) -> bytes:
    """Pack files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in files.items():
            file.writestr(name, body)
    return packed.getvalue()


def modified(records: Mapping[str, Json]) -> bytes:
    """List the records, those that were modified last first."""
    lines = sorted(((str(record["modified"]), key) for key, record in records.items()), reverse=True)
    return "".join(f"{at},{key}\n" for at, key in lines).encode()


def ecosystems(record: Json) -> set[str]:
    """Return in which lists a record stands."""
    affected = record.get("affected")
    entries = [entry for entry in affected if isinstance(entry, dict)] if isinstance(affected, list) else []
    named = {entry["package"]["ecosystem"].partition(":")[0] for entry in entries if entry.get("package")}
    git = any(each.get("type") == "GIT" for entry in entries for each in entry.get("ranges") or ())
    return named or ({"GIT"} if git else set())


def about_nobody(key: str, ecosystem: str) -> Json:
    """Return a record that names nobody's package."""
    name, kind = NOBODYS[ecosystem], "GIT" if ecosystem == "GIT" else "ECOSYSTEM"
    events = {"type": kind, "events": [{"introduced": "0"}]}
    entry = {"ranges": [events | {"repo": name}]} if kind == "GIT" else {"ranges": [events]}
    package = {} if kind == "GIT" else {"package": {"ecosystem": ecosystem, "name": name}}
    return {"id": key, "modified": "2026-01-01T00:00:00Z", "affected": [package | entry]}
