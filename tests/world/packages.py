"""Real, small package files: what npm and pip would accept, the same bytes for the same contents."""

import gzip
import io
import json
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256

EPOCH = (2026, 1, 1, 0, 0, 0)


def tgz(folder: str, contents: Mapping[str, bytes]) -> bytes:
    """Pack files under one folder, as `npm pack` (folder `package`) and sdists (`name-version`) do."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, body in sorted(contents.items()):
            member = tarfile.TarInfo(f"{folder}/{path}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return gzip.compress(buffer.getvalue(), mtime=0)


def npm_tarball(name: str, version: str, extra: Mapping[str, bytes]) -> bytes:
    """Pack an npm package with a command."""
    manifest = {"name": name, "version": version, "bin": {name.rpartition("/")[2]: "index.js"}}
    return tgz(
        "package", {"package.json": json.dumps(manifest).encode(), "index.js": b"#!/usr/bin/env node\n", **extra}
    )


def metadata(name: str, version: str, requires: Iterable[str] = ()) -> bytes:
    """Write core metadata."""
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{needs}".encode()


def sdist(name: str, version: str, extra: Mapping[str, bytes]) -> bytes:
    """Pack a source distribution; `name` as it stands in the file's name."""
    project = f'[project]\nname = "{name}"\nversion = "{version}"\n'.encode()
    return tgz(f"{name}-{version}", {"PKG-INFO": metadata(name, version), "pyproject.toml": project, **extra})


def wheel(name: str, version: str, extra: Mapping[str, bytes]) -> bytes:
    """Pack a pure wheel; `name` as it stands in the file's name."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}/__init__.py": b"",
        f"{info}/METADATA": metadata(name, version),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: world\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **extra,
    }
    lines = [
        f"{path},sha256={urlsafe_b64encode(sha256(body).digest()).decode().rstrip('=')},{len(body)}"
        for path, body in contents.items()
    ]
    contents[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in contents.items():
            archive.writestr(zipfile.ZipInfo(path, EPOCH), body)
    return buffer.getvalue()
