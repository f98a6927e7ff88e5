"""Homes as npm, uv, pipx and people leave them behind, in a folder of the test."""

import base64
import json
from hashlib import sha512
from pathlib import Path

INTEGRITY = "sha512-" + base64.b64encode(sha512(b"the package").digest()).decode()
SHA512 = sha512(b"the package").hexdigest()


def config(home: Path, command: str, *arguments: str, place: str = ".cursor/mcp.json") -> None:
    """Write a client's configuration with one server, `x`."""
    write(home / place, {"mcpServers": {"x": {"command": command, "args": list(arguments)}}})


def write(path: Path, content: object) -> Path:
    """Write a document, or a text as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def npx(home: Path, spec: str, name: str, version: str, *, integrity: str = INTEGRITY) -> Path:
    """Leave an entry of npx's cache behind, as `npx spec` does; return its folder."""
    folder = home / ".npm/_npx" / sha512(spec.encode()).hexdigest()[:16]
    module(folder / "node_modules", name, version)
    locked = {
        "version": version,
        "resolved": f"https://registry.example/{name}/-/x-{version}.tgz",
        "integrity": integrity,
    }
    write(folder / "package-lock.json", {"lockfileVersion": 3, "packages": {f"node_modules/{name}": locked}})
    return folder


def module(modules: Path, name: str, version: str, **more: object) -> Path:
    """Leave a package behind in a folder of packages."""
    return write(modules / name / "package.json", {"name": name, "version": version, **more})


def environment(root: Path) -> Path:
    """Make a virtual environment; return where its packages lie."""
    write(root / "pyvenv.cfg", "home = /usr/bin\n")
    packages = root / "lib/python3.12/site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    return packages


def dist(packages: Path, name: str, version: str, *, programs: tuple[str, ...] = (), direct: object = None) -> Path:
    """Leave an installed Python package behind."""
    info = packages / f"{name.replace('-', '_')}-{version}.dist-info"
    write(
        info / "METADATA",
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nVersion: 9.9.9 of the description\n",
    )
    if programs:
        lines = [f"{program} = {name.replace('-', '_')}:main" for program in programs]
        write(info / "entry_points.txt", "[console_scripts]\n" + "\n".join(lines))
    if direct:
        write(info / "direct_url.json", direct)
    return info
