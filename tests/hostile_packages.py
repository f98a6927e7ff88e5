"""A megabyte of each kind of hostility in the documents of package registries: pages of PyPI's projects, npm's package documents.

The densest hold as much as a document of their size may list (see connectors/_edge/allowance.py); the others list more, and are refused.
"""

import json
from collections.abc import Callable

from connectors._edge.allowance import BYTES_FOR_ONE, DESCRIBED, FREE, NAMED

MEGABYTE = 2**20
ALLOWED = FREE + MEGABYTE // BYTES_FOR_ONE
HIDDEN = "".join(chr(0xE000 + number) for number in range(6400))
"""Characters that nobody sees, none twice: each is shown by its number."""
SAME_HASH = 2**61 - 1
"""Numbers that differ by it have the same hash in Python."""

Entry = Callable[[int], str]


def projects(name: str, sha256: str) -> dict[str, bytes]:
    """Return pages of the project."""

    def file(version: str, more: str = "") -> str:
        return f'{{"filename":"{name}-{version}.zip","url":"f"{more}}}'

    def files(entry: Entry, weight: int = DESCRIBED) -> bytes:
        return _page(name, files=_as_many(entry, weight))

    def versions(entry: Entry, weight: int = NAMED) -> bytes:
        return _page(name, versions=_as_many(lambda number: f'"{entry(number)}"', weight))

    digest = f'"hashes":{{"sha256":"{sha256}"}}'
    tags = ".".join(["py3"] * 38)
    wheels = [f'{{"filename":"{name}-1.{n}-{tags}-none-any.whl","url":"f",{digest}}}' for n in range(3_000)]
    hashes = ",".join(f'"{number:x}":""' for number in range(90_000))
    return {
        "files": _page(name, files=[file(f"1.0.{number}", f",{digest}") for number in range(6_000)]),
        "too dense": _page(name, files=[file(str(number)) for number in range(20_000)]),
        "dense": files(lambda number: file(str(number))),
        "dense and hidden": files(lambda number: file(str(number), f',"yanked":"{HIDDEN[: 3 + number % 2]}\x7f"')),
        "dense times": files(lambda n: file(str(n), f',"upload-time":"2026-01-01T00:00:00+01:{n % 60:02}"')),
        "odd versions": files(lambda number: file(f"{number}A"), DESCRIBED + NAMED),
        "odd addresses": files(
            lambda n: f'{{"filename":"{name}-{n}.zip","url":";{n}","provenance":";{n}"}}', 3 * DESCRIBED
        ),
        "one file": files(lambda _: file("1")),
        "broken files": files(lambda number: file(str(number), ',"hashes":{"sha1":"0"}')),
        "nothing but commas": _page(name, files=["0"] * (MEGABYTE // 2 - 100)),
        "tags": _page(name, files=wheels),
        "hashes": _page(name, files=[file("1", f',"hashes":{{{hashes}}}')]),
        "hidden": _page(name, files=[file(str(n), f',"yanked":"{_hidden(n)}"') for n in range(3_200)]),
        "hidden lines": _page(name, files=[file(str(n), f',"yanked":"{_LINES}"') for n in range(1_000)]),
        "versions": versions(str),
        "versions with zeros": versions(lambda number: f"{number}{'.0' * 14}"),
        "versions with more zeros": _page(name, versions=[f'"{n}{".0" * 120}"' for n in range(4_000)]),
        "versions in odd spellings": versions(lambda number: f"{number}.A1+a.1.b", 2 * NAMED),
        "versions in long odd spellings": versions(lambda number: f"{number}!1{'.1' * 120}+a", 17 * NAMED),
        "no versions": versions(lambda number: f"{number}.x", 2 * NAMED),
        "versions of one hash": _page(name, versions=[f'"{1 + n * SAME_HASH}"' for n in range(18_000)]),
        "too many versions": _page(name, versions=[f'"{number}"' for number in range(110_000)]),
    }


def packages(name: str, integrity: str) -> dict[str, bytes]:
    """Return documents of the package."""

    def version(number: int, dist: str = "", more: str = "") -> str:
        return f'"{number}":{{"version":"{number}","dist":{{"tarball":"f"{dist}}}{more}}}'

    def versions(entry: Entry, weight: int = DESCRIBED) -> bytes:
        return _document(name, _as_many(entry, weight))

    whole = f',"integrity":"{integrity}","signatures":[{{"keyid":"k","sig":"s"}}]'
    signatures = ",".join(['{"keyid":"k","sig":"s"}'] * 19)
    times = [f'"{number}":"2026-01-01T00:00:00+01:00"' for number in range(8_000)]
    return {
        "versions": _document(name, [version(number, whole) for number in range(5_000)]),
        "too dense": _document(name, [version(number) for number in range(18_000)]),
        "dense": versions(version),
        "dense and hidden": versions(
            lambda number: version(number, more=f',"deprecated":"{HIDDEN[: number % 5]}\x7f"')
        ),
        "odd addresses": versions(
            lambda n: version(n, f',"attestations":{{"url":";{n}"}}').replace('"f"', f'";{n}"'), 3 * DESCRIBED
        ),
        "broken digests": versions(lambda number: version(number, ',"integrity":"sha1-AAA="')),
        "no versions": versions(lambda number: f'"{number}":0'),
        "too many versions": _document(name, [f'"{number}":0' for number in range(110_000)]),
        "times": _document(name, [version(0)], [f'"{number}":0' for number in range(90_000)]),
        "dense times": _document(name, [version(number) for number in range(10_000)], times),
        "signatures": _document(name, [version(n, f"{whole[:-1]},{signatures}]") for n in range(1_600)]),
        "too many signatures": _document(name, [version(0, f',"signatures":[{",".join([signatures] * 2_000)}]')]),
        "integrity": _document(name, [version(0, f',"integrity":"{"sha512-A " * 100_000}"')]),
        "words": _document(name, [version(n, f',"integrity":"{"a-b " * 255}"') for n in range(950)]),
        "deprecated": _document(name, [version(0, more=f',"deprecated":[{"[]," * 300_000}0]')]),
        "hidden": _document(name, [version(n, more=f',"deprecated":"{_hidden(n)}"') for n in range(3_200)]),
    }


_LINES = r"\n" * 300 + "\\n\x7f" * 120


def _hidden(number: int) -> str:
    """As many characters as are shown of a text."""
    start = number * 83 % (len(HIDDEN) - 83)
    return HIDDEN[start : start + 83]


def _as_many(entry: Entry, weight: int) -> list[str]:
    """As many entries as may be listed, or fit."""
    made: list[str] = []
    left = MEGABYTE - 500
    for number in range(ALLOWED // weight):
        text = entry(number)
        left -= len(text.encode()) + 1
        if left < 0:
            break
        made.append(text)
    return made


def _page(name: str, files: list[str] | None = None, versions: list[str] | None = None) -> bytes:
    head = f'{{"meta":{{"api-version":"1.4"}},"name":{json.dumps(name)},"versions":['
    return f'{head}{",".join(versions or [])}],"files":[{",".join(files or [])}]}}'.encode().ljust(MEGABYTE)


def _document(name: str, versions: list[str], times: list[str] | None = None) -> bytes:
    head = f'{{"name":{json.dumps(name)},"versions":{{'
    return f'{head}{",".join(versions)}}},"time":{{{",".join(times or [])}}}}}'.encode().ljust(MEGABYTE)
