"""A registry of npm packages that tests fill and harm. The document's form: npm/registry, docs/responses/package-metadata.md."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha1, sha512

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.world.answers import accepts, answer, conditional, iso
from tests.world.packages import npm_tarball
from tests.world.scene import Scene
from tests.world.signing import SLSA, Identity, Sigstore, npm_attestations

ABBREVIATED = "application/vnd.npm.install-v1+json"
HOLDER = "0.0.1-security"


@dataclass(frozen=True, slots=True)
class NpmVersion:
    """One version as it is served. `tarball` is what a download gives, which need not be what `sha512` (hex) promises."""

    version: str
    tarball: bytes
    sha512: str
    shasum: str
    signatures: tuple[Mapping[str, str], ...] = ()
    attestations: bytes | None = None  # None: nobody vouches for it
    deprecated: str | None = None  # None: the field is absent
    user: str = "acme-bot"
    dependencies: Mapping[str, str] | None = None  # None: the field is absent

    @property
    def integrity(self) -> str:
        """`dist.integrity`."""
        return f"sha512-{b64encode(bytes.fromhex(self.sha512)).decode()}"


@dataclass(slots=True)
class NpmPackage:
    """One package; `time` keeps the versions that are gone."""

    name: str
    versions: dict[str, NpmVersion] = field(default_factory=dict)
    time: dict[str, datetime] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    unpublished: Mapping[str, object] | None = None  # None: it is there


class Npm:
    """The registry. Serves the full and the abbreviated document, tarballs, keys and attestations."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.packages: dict[str, NpmPackage] = {}

    # what tests do to it

    def publish(
        self,
        name: str,
        version: str,
        *,
        signed: bool = True,
        attested_by: Identity | None = None,
        tampered: bool = False,
        forged: bool = False,
        sigstore: Sigstore | None = None,
        files: Mapping[str, bytes] | None = None,
        dependencies: Mapping[str, str] | None = None,
    ) -> NpmVersion:
        """Publish a version, now, and tag it `latest`.

        `signed`: by the registry's key. `attested_by`: a builder's provenance and the registry's publish attestation. `tampered`: the bytes
        served are not those announced. `forged`: the attestations are about other bytes. `sigstore`: who signs, for strangers.
        `dependencies`: name -> range.
        """
        now = self.scene.clock()
        tarball = npm_tarball(name, version, files or {})
        digest = sha512(tarball).hexdigest()
        made = NpmVersion(version, tarball, digest, sha1(tarball, usedforsecurity=False).hexdigest())
        made = replace(made, dependencies=dependencies)
        if signed:
            made = replace(made, signatures=(self.scene.trust.npm_keys.sign(name, version, made.integrity),))
        if attested_by:
            claimed = sha512(b"other bytes").hexdigest() if forged else digest
            signer, keys = sigstore or self.scene.trust.sigstore, self.scene.trust.npm_keys
            attestations = npm_attestations(signer, keys, name, version, claimed, attested_by, at=now)
            made = replace(made, attestations=attestations)
        if tampered:
            made = replace(made, tarball=npm_tarball(name, version, {"index.js": b"steal()\n", **(files or {})}))
        package = self.packages.setdefault(name, NpmPackage(name))
        package.time.setdefault("created", now)
        package.time |= {"modified": now, version: package.time.get(version, now)}
        package.versions[version] = made
        package.tags["latest"] = version
        return made

    def republish(self, name: str, version: str, *, signed: bool = True) -> NpmVersion:
        """Put other bytes under a version that exists, as no honest registry does: new digests, the old time, no attestation."""
        return self.publish(name, version, signed=signed, files={"late.js": iso(self.scene.clock()).encode()})

    def deprecate(self, name: str, version: str, text: str = "use something else") -> None:
        """Deprecate a version; the empty text takes it back."""
        self.change(name, version, deprecated=text)

    def change(self, name: str, version: str, **fields: object) -> None:
        """Change any field of a version as served: `attestations=None` is a version that lost its provenance."""
        package = self.packages[name]
        package.versions[version] = replace(package.versions[version], **fields)  # type: ignore[arg-type] # any field, by name
        package.time["modified"] = self.scene.clock()

    def tag(self, name: str, version: str, *, tag: str = "latest") -> None:
        """Let a distribution tag point at a version."""
        self.packages[name].tags[tag] = version

    def unpublish(self, name: str, version: str | None = None) -> None:
        """Remove a version, whose time stays; without one, the whole package, whose document turns into an epitaph."""
        package, now = self.packages[name], self.scene.clock()
        package.time["modified"] = now
        if version is not None:
            del package.versions[version]
            package.tags = {tag: at for tag, at in package.tags.items() if at != version}
            if package.versions:
                package.tags.setdefault("latest", list(package.versions)[-1])
        else:
            package.unpublished = {
                "name": "acme-bot",
                "tags": dict(package.tags),
                "time": iso(now),
                "versions": list(package.versions),
                "maintainers": [{"name": "acme-bot", "email": "bot@acme.example"}],
            }
            package.versions, package.tags = {}, {}

    def hold(self, name: str) -> None:
        """Replace the package by a security holder, as npm does after removing malware."""
        package = self.packages[name]
        package.versions, package.tags = {}, {}
        self.publish(name, HOLDER, signed=False)
        self.change(name, HOLDER, user="npm")

    def forget(self, name: str) -> None:
        """Let the registry answer 404 for a package."""
        del self.packages[name]

    # what it answers

    def routes(self) -> list[BaseRoute]:
        """The registry's addresses, below its base."""
        return [
            Route("/-/npm/v1/keys", self.keys),
            Route("/-/npm/v1/attestations/{spec:path}", self.attestations),
            Route("/-/ping", lambda _: answer({})),
            Route("/{name:path}/-/{file}", self.tarball),
            Route("/{name:path}", self.document),
        ]

    def keys(self, _: Request) -> Response:
        """The registry's public keys."""
        return answer(self.scene.trust.npm_keys.keys())

    def attestations(self, request: Request) -> Response:
        """The attestations of `name@version`."""
        name, _, version = request.path_params["spec"].rpartition("@")
        found = self.version(name, version)
        if found is None or found.attestations is None:
            return answer({"error": f"No attestations found for {name}@{version}"}, status=404)
        return answer(found.attestations)

    def tarball(self, request: Request) -> Response:
        """A version's file."""
        name, file = request.path_params["name"], request.path_params["file"]
        version = file.removeprefix(f"{name.rpartition('/')[2]}-").removesuffix(".tgz")
        found = self.version(name, version)
        if found is None:
            return answer({"error": "Not found"}, status=404)
        return answer(found.tarball, media="application/octet-stream")

    def version(self, name: str, version: str) -> NpmVersion | None:
        """Return a version, None where there is none."""
        package = self.packages.get(name)
        return package.versions.get(version) if package else None

    def document(self, request: Request) -> Response:
        """The package document, full or abbreviated."""
        package = self.packages.get(request.path_params["name"])
        if package is None:
            return self.one(request)
        headers = {"Vary": "accept-encoding, accept", "Cache-Control": "public, max-age=300"}
        if accepts(request, {ABBREVIATED}) and not accepts(request, {"application/json"}):
            whole = answer(self.abbreviated(package), headers=headers, media=ABBREVIATED)
        else:
            whole = answer(self.full(package), headers=headers)
        return conditional(request, whole, weak=False)

    def one(self, request: Request) -> Response:
        """One version's manifest: `name/1.2.3`."""
        name, _, version = request.path_params["name"].rpartition("/")
        found = self.version(name, version)
        if found is None:
            return answer({"error": "Not found"}, status=404)
        return answer(self.manifest(self.packages[name], found))

    def full(self, package: NpmPackage) -> Mapping[str, object]:
        """Write the full document."""
        time: dict[str, object] = {key: iso(at) for key, at in list(package.time.items())}
        if package.unpublished:
            return {"_id": package.name, "name": package.name, "time": time | {"unpublished": package.unpublished}}
        return {
            "_id": package.name,
            "_rev": "7-5ca1ab1e",
            "name": package.name,
            "dist-tags": dict(package.tags),
            "versions": {made.version: self.manifest(package, made) for made in list(package.versions.values())},
            "time": time,
            "maintainers": [{"name": "acme-bot", "email": "bot@acme.example"}],
            "description": "security holding package" if HOLDER in package.versions else "An MCP server",
            "readme": "",
        }

    def abbreviated(self, package: NpmPackage) -> Mapping[str, object]:
        """Write the form for installers, which has no times."""
        kept = ("name", "version", "dist", "deprecated", "bin", "dependencies")
        versions = {made.version: self.manifest(package, made) for made in list(package.versions.values())}
        return {
            "name": package.name,
            "modified": iso(package.time["modified"]),
            "dist-tags": dict(package.tags),
            "versions": {key: {name: value[name] for name in kept if name in value} for key, value in versions.items()},
        }

    def manifest(self, package: NpmPackage, made: NpmVersion) -> Mapping[str, object]:
        """Write one version's entry."""
        base, bare = f"{self.scene.origin()}/npm", package.name.rpartition("/")[2]
        dist: dict[str, object] = {
            "integrity": made.integrity,
            "shasum": made.shasum,
            "tarball": f"{base}/{package.name}/-/{bare}-{made.version}.tgz",
            "fileCount": 2,
            "unpackedSize": 10 * len(made.tarball),
            "signatures": list(made.signatures),
        }
        if made.attestations is not None:
            where = f"{base}/-/npm/v1/attestations/{package.name}@{made.version}"
            dist["attestations"] = {"url": where, "provenance": {"predicateType": SLSA}}
        entry: dict[str, object] = {
            "name": package.name,
            "version": made.version,
            "_id": f"{package.name}@{made.version}",
            "bin": {bare: "index.js"},
            "dist": dist,
            "_npmUser": {"name": made.user, "email": f"{made.user}@acme.example"},
            "maintainers": [{"name": "acme-bot", "email": "bot@acme.example"}],
        }
        if made.dependencies is not None:
            entry["dependencies"] = dict(made.dependencies)
        return entry if made.deprecated is None else entry | {"deprecated": made.deprecated}
