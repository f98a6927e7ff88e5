"""Lock files and SBOMs that are meant to break their reader, or to cost it much."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.dependency_file import parse
from monitor.domain.dependency import Dependencies
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed
from tests.connectors import dependency_texts as texts
from tests.connectors.test_total import ANYTHING, changed
from tests.hostile import MEGABYTE, refusing

OF = Purl.npm("@acme/files-mcp", "1.2.3")
FEW = settings(max_examples=300, deadline=None)


def read(data: bytes, name: str = "requirements.txt") -> object:
    return refusing(parse, data, name, OF)()


@given(
    text=st.sampled_from(texts.IN_JSON), path=st.lists(st.integers(0, 20), min_size=1, max_size=7), replacement=ANYTHING
)
@FEW
def test_json_with_anything_anywhere_is_an_answer_or_a_refusal(text: str, path: list[int], replacement: object) -> None:
    document = json.dumps(changed(json.loads(text), path, replacement)).encode()

    assert isinstance(read(document), Dependencies | Malformed)


@given(
    text=st.sampled_from(texts.IN_LINES),
    at=st.integers(0, 10_000),
    cut=st.integers(0, 40),
    inserted=st.text(max_size=8)
    | st.sampled_from(["'", '"', "[", "{", "&a ", "*a", ":", "\n", "\0", "- ", "7", "[[package]]"]),
)
@FEW
def test_text_with_anything_anywhere_is_an_answer_or_a_refusal(text: str, at: int, cut: int, inserted: str) -> None:
    place = at % len(text)
    spoilt = text[:place] + inserted + text[place + cut :]

    assert isinstance(read(spoilt.encode("utf-8", "replace")), Dependencies | Malformed)


@given(data=st.binary(max_size=80), name=st.sampled_from(["requirements.txt", "uv.lock", "bom.json", ""]))
@FEW
def test_anything_at_all_is_an_answer_or_a_refusal(data: bytes, name: str) -> None:
    assert isinstance(read(data, name), Dependencies | Malformed)


def lock(packages: dict[str, object]) -> bytes:
    main = {"name": OF.label, "version": OF.version, "dependencies": {"p0": "1"}}
    return json.dumps({"lockfileVersion": 3, "packages": {"": main, **packages}}).encode()


def deep() -> bytes:
    return b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "x": ' + b"[" * MEGABYTE + b"]" * MEGABYTE + b"}"


def nested() -> bytes:
    inner: dict[str, object] = {"name": "x"}
    for _ in range(200):
        inner = {"name": "x", "components": [inner]}
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [inner]}).encode()


def chain() -> bytes:
    return lock({f"node_modules/p{n}": {"version": "1.0.0", "dependencies": {f"p{n + 1}": "1"}} for n in range(30_000)})


def star() -> bytes:
    needs = {f"p{n}": "1" for n in range(300)}
    return lock({f"node_modules/p{n}": {"version": "1.0.0", "dependencies": needs} for n in range(300)})


def folders() -> bytes:
    place = "/".join(["node_modules/a"] * 200)
    return lock({place: {"version": "1.0.0", "dependencies": {f"b{n}": "1" for n in range(9_000)}}})


def huge() -> bytes:
    return lock({"node_modules/p0": {"version": "9" * 4_000, "resolved": "https://" + "a" * 4_000}, "x" * MEGABYTE: {}})


def versions() -> bytes:
    head = 'version = 1\nrequires-python = ">=3.11"\n'
    needs = "dependencies = [" + '{ name = "a" },' * 100 + "]\n"
    return (head + "".join(f'[[package]]\nname = "a"\nversion = "{n}"\n{needs}' for n in range(600))).encode()


def bomb() -> bytes:
    lines = ["lockfileVersion: '9.0'", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


def keys() -> bytes:
    return b"[[packages]]\n" + b"a." * 300_000 + b"b = 1\n"


def quotes() -> bytes:
    return b"# yarn lockfile v1\n" + b'"a' * 300_000 + b'":\n' + b'  "' + b"\\" * 300_000


def markers() -> bytes:
    return b"a==1; " + b"(" * 300_000 + b"\n" + b"b==1; " + b"x or " * 100_000 + b"\n" + b"--hash " * 90_000


def groups() -> bytes:
    text = '[[packages]]\nname = "a"\nversion = "1"\nmarker = "' + "'a' in extras or " * 50_000 + "'b' in extras\"\n"
    return b'lock-version = "1.0"\n' + text.encode()


def lines() -> bytes:
    return b"a>=1\n" * 150_000


@pytest.mark.parametrize(
    "make", [deep, nested, chain, star, folders, huge, versions, bomb, keys, quotes, markers, groups, lines]
)
def test_what_is_meant_to_cost_much_costs_little(make: Callable[[], bytes]) -> None:
    data = make()
    started = process_time()

    answer = read(data)

    assert process_time() - started < 5.0
    assert isinstance(answer, Dependencies | Malformed)


def test_a_long_chain_does_not_fill_the_memory() -> None:
    data = chain()
    tracemalloc.start()

    answer = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(answer, Dependencies)
    assert len(answer.found) == 30_000
    assert peak < 120 * MEGABYTE


def test_more_entries_than_are_read_are_a_refusal() -> None:
    for data in (b"a==1\n" * 100_001, b"# yarn lockfile v1\n" + b'"a@1":\n' * 100_001):
        answer = read(data)
        assert isinstance(answer, Malformed)
        assert "more than 100000" in str(answer)


SCRIPT = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from connectors.dependency_file import parse
from monitor.domain.purl import Purl
from tests.connectors.dependency_texts import ALL

threads = 8
sys.setswitchinterval(1e-6)
together = Barrier(threads)

def read(_):
    together.wait()
    return [len(parse(text.encode(), "requirements.txt", Purl.github("acme/files-mcp", "v1")).found) for text in ALL]

with ThreadPoolExecutor(threads) as pool:
    first, *others = pool.map(read, range(threads))
assert all(first) and others == [first] * (threads - 1), first
"""


def test_the_first_files_read_by_many_threads_at_once_are_read_well() -> None:
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
