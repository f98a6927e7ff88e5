"""Package names: the purl, canonical on construction, is the only package name in the program.

Specification: https://github.com/package-url/purl-spec
"""

from dataclasses import dataclass
from typing import Self

from packageurl import PackageURL
from packaging.utils import canonicalize_name

_NPM, _GENERIC = "pkg:npm/", "pkg:generic/"
"""The library writes npm's names in small letters; JSONStream and jsonstream are two packages. It leaves generic names as they are."""
_HUB = frozenset(("docker.io", "index.docker.io", "registry-1.docker.io"))
"""The registry of images that is meant where none is named, in its spellings."""
MAX_LENGTH = 512
"""Characters. A longer name or version is not one."""


@dataclass(frozen=True, slots=True, order=True)
class Purl:
    """A package, or with `version` one version of it. Equal names are equal objects.

    PyPI names are in PEP 503 form, GitHub owners and repositories are lower case; npm names are kept as they are. Images of Docker's own
    registry have neither its name nor `library/` before theirs: `docker.io/library/x` is `x`.
    """

    type: str
    namespace: str | None  # None: the type has no namespaces, or the package none
    name: str
    version: str | None = None  # None: the package as a whole

    def __post_init__(self) -> None:
        """Bring the parts into canonical form. Raises ValueError for a name that no registry could hold."""
        if any(len(part or "") > MAX_LENGTH for part in (self.namespace, self.name, self.version)):
            raise ValueError(f"a package name or version over {MAX_LENGTH} characters")
        if self.type == "pypi":
            object.__setattr__(self, "name", canonicalize_name(self.name))
        elif self.type == "github":
            object.__setattr__(self, "name", self.name.lower())
            object.__setattr__(self, "namespace", (self.namespace or "").lower() or None)
        elif self.type == "docker":
            namespace, _, name = _image(self.label).rpartition("/")
            object.__setattr__(self, "name", name)
            object.__setattr__(self, "namespace", namespace or None)
        if not self.name.replace("/", " ").strip():
            raise ValueError("no package name: it is empty, or of blanks and slashes alone")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `pkg:npm/%40scope/name@1.2.3`. Raises ValueError with the reason.

        Qualifiers and a subpath are refused: they may name another registry, or a part, and would otherwise be lost without a word.
        """
        if len(text) > 4 * MAX_LENGTH:
            raise ValueError("a package URL of that length is none")
        read = PackageURL.from_string(text)
        if "?" in text or "#" in text:
            raise ValueError("qualifiers (?…) and a subpath (#…) are not supported in a package URL")
        if not all((part or "").isprintable() for part in (read.namespace, read.name, read.version)):
            raise ValueError("a package URL holds characters that cannot be seen")
        if read.type == "npm":
            rest = text.partition(":")[2].lstrip("/").partition("/")[2].lstrip("/")
            # People write a scope as npm does; of other types an `@` begins the version.
            scope = "%40" if rest.startswith("@") else ""
            read = PackageURL.from_string(_GENERIC + scope + rest.removeprefix("@"))
            return cls("npm", read.namespace or None, read.name, read.version or None)
        return cls(read.type, read.namespace or None, read.name, read.version or None)

    @classmethod
    def npm(cls, name: str, version: str | None = None) -> Self:
        """Build from npm's own spelling, `@scope/name` or `name`."""
        scope, slash, bare = name.rpartition("/")
        return cls("npm", scope if slash else None, bare, version)

    @classmethod
    def pypi(cls, name: str, version: str | None = None) -> Self:
        """Build from a project name in any spelling."""
        return cls("pypi", None, name, version)

    @classmethod
    def github(cls, repository: str, version: str | None = None) -> Self:
        """Build from `owner/name`."""
        owner, _, name = repository.partition("/")
        return cls("github", owner, name, version)

    @classmethod
    def docker(cls, image: str, version: str | None = None) -> Self:
        """Build from an image's name, `[host[:port]/]path`; the version is its tag."""
        path, _, last = image.rpartition("/")
        return cls("docker", path or None, last, version)

    def at(self, version: str | None) -> Self:
        """Return the same package at another version; None for the package as a whole. Raises ValueError for one that is too long.

        The other parts are in canonical form already: a listing of thousands of versions takes its names from here.
        """
        if version is not None and len(version) > MAX_LENGTH:
            raise ValueError(f"a version over {MAX_LENGTH} characters")
        made = object.__new__(type(self))
        object.__setattr__(made, "type", self.type)
        object.__setattr__(made, "namespace", self.namespace)
        object.__setattr__(made, "name", self.name)
        object.__setattr__(made, "version", version)
        return made

    @property
    def package(self) -> Self:
        """The package without its version."""
        return self if self.version is None else self.at(None)

    @property
    def label(self) -> str:
        """The name in its registry's own spelling: `@scope/name`, `owner/name`, `name`."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        """The canonical package URL, percent-encoded as the specification demands."""
        if self.type == "npm":
            return _NPM + PackageURL("generic", self.namespace, self.name, self.version).to_string()[len(_GENERIC) :]
        return PackageURL(self.type, self.namespace, self.name, self.version).to_string()


def _image(name: str) -> str:
    """Leave out what an image's name need not say. Source: `familiarizeName` of https://github.com/distribution/reference."""
    host, slash, rest = name.partition("/")
    first, deeper, _ = rest.partition("/")
    # A path that would then begin like another registry needs its own before it.
    if slash and host.lower() in _HUB and not (deeper and ("." in first or ":" in first or first == "localhost")):
        name = rest
    short = name.removeprefix("library/")
    return name if "/" in short else short
