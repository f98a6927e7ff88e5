"""A Python package index that tests fill and harm: the Simple API in JSON (PEP 691, 700, 714, 740, 792) and the integrity API."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b, sha256
from html import escape

from packaging.utils import canonicalize_name
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tests.world.answers import accepts, answer, conditional
from tests.world.packages import metadata, sdist, wheel
from tests.world.scene import Scene
from tests.world.signing import Identity, Sigstore, pypi_provenance

SIMPLE = "application/vnd.pypi.simple.v1+json"
INTEGRITY = "application/vnd.pypi.integrity.v1+json"


@dataclass(frozen=True, slots=True)
class PyPIFile:
    """One file as the index lists it. `path` lies under `/files`; `sha256` is what the index promises."""

    filename: str
    version: str
    path: str
    sha256: str
    size: int
    uploaded_at: datetime
    yanked: str | bool = False
    provenance: bytes | None = None  # None: nobody vouches for it
    requires: tuple[str, ...] | None = None  # None: nothing says what it needs


@dataclass(slots=True)
class Project:
    """One project under its normalised name."""

    name: str
    files: dict[str, PyPIFile] = field(default_factory=dict)
    status: str = "active"
    reason: str = ""
    serial: int = 1


class PyPI:
    """The index. `shape` is how it serves: `full`, `mirror` (JSON without statuses and provenance), `html` (the old form only)."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.projects: dict[str, Project] = {}
        self.shape = "full"

    # what tests do to it

    def publish(
        self,
        name: str,
        version: str,
        *,
        attested_by: Identity | None = None,
        tampered: bool = False,
        forged: bool = False,
        sigstore: Sigstore | None = None,
        kinds: tuple[str, ...] = ("wheel", "sdist"),
        files: Mapping[str, bytes] | None = None,
        dependencies: Mapping[str, str] | None = None,
    ) -> tuple[PyPIFile, ...]:
        """Upload a release's files, now.

        `attested_by`: each file with its publish attestation. `tampered`: the bytes served are not those announced, though as many.
        `forged`: the attestations are about other bytes. `sigstore`: who signs, for strangers.
        `dependencies`: name -> specifier, with a marker or without; in the JSON API, and beside the wheel.
        """
        written = canonicalize_name(name).replace("-", "_")
        makers = {
            "wheel": (f"{written}-{version}-py3-none-any.whl", wheel),
            "sdist": (f"{written}-{version}.tar.gz", sdist),
        }
        requires = None if dependencies is None else tuple(f"{need}{wanted}" for need, wanted in dependencies.items())
        uploaded = []
        for kind in kinds:
            filename, make = makers[kind]
            body = make(written, version, files or {})
            listed = self.upload(name, version, filename, body)
            if requires is not None:
                listed = self.change(name, filename, requires=requires)
                if kind == "wheel":
                    self.scene.files.bodies[f"{listed.path}.metadata"] = metadata(name, version, requires)
            if attested_by:
                claimed = sha256(b"other bytes").hexdigest() if forged else listed.sha256
                signer = sigstore or self.scene.trust.sigstore
                provenance = pypi_provenance(signer, filename, claimed, attested_by, at=self.scene.clock())
                listed = self.change(name, filename, provenance=provenance)
            if tampered:
                # Of the announced length: what is not is taken for a broken answer.
                self.scene.files.bodies[listed.path] = body[:-1] + bytes([body[-1] ^ 1])
            uploaded.append(listed)
        return tuple(uploaded)

    def upload(self, name: str, version: str, filename: str, body: bytes) -> PyPIFile:
        """Add one file, also to a release that has been there for long, or in place of another of that name."""
        project = self.projects.setdefault(canonicalize_name(name), Project(canonicalize_name(name)))
        place = blake2b(body, digest_size=32).hexdigest()
        path = f"packages/{place[:2]}/{place[2:4]}/{place[4:]}/{filename}"
        self.scene.files.bodies[path] = body
        listed = PyPIFile(filename, version, path, sha256(body).hexdigest(), len(body), self.scene.clock())
        project.files[filename] = listed
        project.serial += 1
        return listed

    def republish(self, name: str, version: str) -> None:
        """Put other bytes under the file names of a release, as no honest index does."""
        project = self.projects[canonicalize_name(name)]
        for listed in [file for file in project.files.values() if file.version == version]:
            self.upload(name, version, listed.filename, f"{listed.sha256} {self.scene.clock()}".encode())

    def change(self, name: str, filename: str, **fields: object) -> PyPIFile:
        """Change any field of a file as listed: `provenance=None` is a file that lost it."""
        project = self.projects[canonicalize_name(name)]
        changed = replace(project.files[filename], **fields)  # type: ignore[arg-type] # any field, by name
        project.files[filename] = changed
        project.serial += 1
        return changed

    def yank(self, name: str, version: str, reason: str = "") -> None:
        """Yank a release; its files stay listed."""
        for listed in self.release(name, version):
            self.change(name, listed.filename, yanked=reason or True)

    def unyank(self, name: str, version: str) -> None:
        """Take a yank back."""
        for listed in self.release(name, version):
            self.change(name, listed.filename, yanked=False)

    def release(self, name: str, version: str) -> tuple[PyPIFile, ...]:
        """Return the files of one version."""
        files = self.projects[canonicalize_name(name)].files
        return tuple(file for file in files.values() if file.version == version)

    def remove(self, name: str, version: str | None = None) -> None:
        """Delete a release, or quarantine it alone (the index tells no difference); without a version the project: 404."""
        if version is None:
            del self.projects[canonicalize_name(name)]
            return
        project = self.projects[canonicalize_name(name)]
        project.files = {key: file for key, file in project.files.items() if file.version != version}
        project.serial += 1

    def mark(self, name: str, status: str, reason: str = "") -> None:
        """Set the project's status marker: active, archived, quarantined or deprecated."""
        project = self.projects[canonicalize_name(name)]
        project.status, project.reason = status, reason
        project.serial += 1

    def quarantine(self, name: str, reason: str = "") -> None:
        """Take the project out of service: the page stays, with empty lists."""
        self.mark(name, "quarantined", reason)

    def archive(self, name: str) -> None:
        """Mark the project as archived."""
        self.mark(name, "archived")

    # what it answers

    def routes(self) -> list[BaseRoute]:
        """The index's addresses, below its base."""
        return [
            Route("/simple/{name}/", self.simple),
            Route("/simple/{name}", lambda request: RedirectResponse(f"{request.url.path}/", 301)),
            Route("/{name}/{version}/json", self.json),
            *self.integrity_routes(),
        ]

    def integrity_routes(self) -> list[BaseRoute]:
        """The integrity API, which PyPI has at its origin."""
        return [Route("/integrity/{name}/{version}/{filename}/provenance", self.provenance)]

    def simple(self, request: Request) -> Response:
        """The page of one project."""
        asked = request.path_params["name"]
        name = canonicalize_name(asked)
        if name != asked:
            return RedirectResponse(request.url.path.replace(f"/{asked}/", f"/{name}/"), 301)
        project = self.projects.get(name)
        if project is None:
            return answer(b"404 Not Found", status=404, media="text/plain")
        headers = {
            "X-PyPI-Last-Serial": str(project.serial),
            "Cache-Control": "max-age=600, public",
            "Vary": "Accept, Accept-Encoding",
        }
        if self.shape == "html" or not accepts(request, {SIMPLE}):
            whole = answer(self.page(project), headers=headers, media="text/html")
        else:
            whole = answer(self.document(project), headers=headers, media=SIMPLE)
        return conditional(request, whole, weak=False)

    def document(self, project: Project) -> Mapping[str, object]:
        """Write the page as JSON."""
        files = [] if project.status == "quarantined" else list(project.files.values())
        document: dict[str, object] = {
            "meta": {"api-version": "1.4", "_last-serial": project.serial},
            "name": project.name,
            "versions": sorted({file.version for file in files}),
            "files": [self.entry(project, file) for file in files],
        }
        if self.shape == "mirror":
            return document | {"meta": {"api-version": "1.1"}}
        status = {"status": project.status} | ({"reason": project.reason} if project.reason else {})
        return document | {"alternate-locations": [], "project-status": status}

    def entry(self, project: Project, file: PyPIFile) -> Mapping[str, object]:
        """Write one file."""
        described = self.scene.files.bodies.get(f"{file.path}.metadata")
        beside = False if described is None else {"sha256": sha256(described).hexdigest()}
        entry: dict[str, object] = {
            "filename": file.filename,
            "url": f"{self.scene.origin()}/files/{file.path}",
            "hashes": {"sha256": file.sha256},
            "requires-python": ">=3.10",
            "size": file.size,
            "upload-time": file.uploaded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "yanked": file.yanked,
            "core-metadata": beside,
            "data-dist-info-metadata": beside,
        }
        if self.shape == "mirror":
            return entry
        place = f"{self.scene.origin()}/integrity/{project.name}/{file.version}/{file.filename}/provenance"
        return entry | {"provenance": place if file.provenance else None}

    def json(self, request: Request) -> Response:
        """The JSON API's answer about one version, which a mirror does not have."""
        name, version = canonicalize_name(request.path_params["name"]), request.path_params["version"]
        files = self.release(name, version) if name in self.projects and self.shape == "full" else ()
        if not files:
            return answer({"message": "Not Found"}, status=404)
        requires = files[0].requires
        info = {"name": name, "version": version, "requires_dist": list(requires) if requires else None}
        return answer({"info": info, "urls": [{"filename": file.filename} for file in files], "vulnerabilities": []})

    def page(self, project: Project) -> bytes:
        """Write the page as HTML."""
        anchors = [
            f'<a href="{self.scene.origin()}/files/{file.path}#sha256={file.sha256}">{escape(file.filename)}</a><br/>'
            for file in list(project.files.values())
        ]
        return f"<!DOCTYPE html><html><body><h1>Links for {project.name}</h1>{''.join(anchors)}</body></html>".encode()

    def provenance(self, request: Request) -> Response:
        """The provenance object of one file."""
        if not accepts(request, {INTEGRITY, "application/json", "*/*"}):
            return answer({"message": "Request not acceptable"}, status=406)
        project = self.projects.get(canonicalize_name(request.path_params["name"]))
        file = project.files.get(request.path_params["filename"]) if project else None
        if file is None or file.provenance is None:
            return answer({"message": f"No provenance available for {request.path_params['filename']}"}, status=404)
        return conditional(request, answer(file.provenance, media=INTEGRITY), weak=False)
