"""Laws about the program's own text. Who may import whom stands in pyproject.toml and is checked by import-linter."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = [
    path for package in ("monitor", "connectors", "migrations") for path in sorted((ROOT / package).rglob("*.py"))
]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
"""The design says about 300 and about 40 lines; beyond these it is wrong, not a matter of taste."""

IMPORTERS = {
    "httpx": ("connectors._",),
    "aiohttp": ("connectors._",),
    "sqlalchemy": ("monitor.store", "migrations"),
    "alembic": ("monitor.store", "migrations"),
    "sigstore": ("connectors.sigstore_bundle", "connectors._"),
    "tuf": ("connectors._tuf",),
    "slack_sdk": ("connectors.slack", "connectors._"),
    "ruamel": ("connectors.registry_file", "connectors._"),
    "apscheduler": ("monitor.scheduler", "monitor.cron"),
    "uvicorn": ("monitor.web",),
    "starlette": ("monitor.web",),
    "prometheus_client": ("monitor.web",),
    "cyclopts": ("monitor.cli",),
    "rich": ("monitor.commands",),
    "pydantic": (
        "monitor.config",
        "monitor.option_types",
        "monitor.settings",
        "connectors._",
        "connectors.sigstore_bundle",
    ),
    "structlog": ("monitor.log", "monitor.scheduler", "monitor.jobs", "monitor.commands.listen", "connectors"),
}
"""Where each library may be imported: a library that everybody imports cannot be replaced."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("monitor", "connectors", "migrations", include_external_packages=True)


@pytest.mark.parametrize("library", IMPORTERS)
def test_a_library_has_its_place(library: str, graph: grimp.ImportGraph) -> None:
    importers = graph.find_modules_that_directly_import(library) if library in graph.modules else set()

    assert {each for each in importers if not each.startswith(IMPORTERS[library])} == set()


def test_only_wiring_imports_connectors_and_the_store(graph: grimp.ImportGraph) -> None:
    inside = (
        {"monitor.store", "connectors"} | graph.find_descendants("monitor.store") | graph.find_descendants("connectors")
    )
    importers = {who for module in inside for who in graph.find_modules_that_directly_import(module)}

    strangers = {who for who in importers if not who.startswith(("connectors", "monitor.store", "migrations"))}

    assert strangers == {
        "monitor.wiring",
        "monitor.wiring_channels",
        "monitor.wiring_sources",
        "monitor.wiring_writers",
    }


def test_a_file_is_short_enough_to_be_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in PROGRAM}

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_a_function_is_short_enough_to_be_read_at_once() -> None:
    lengths = {f"{path.stem}.{node.name}": _length(node) for path in PROGRAM for node in _functions(path)}

    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement on: a docstring that explains is no length."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or 0) - first.lineno + 1


def test_a_file_is_a_noun() -> None:
    vague = {"utils", "util", "common", "base", "helpers", "helper", "misc", "shared", "core"}

    assert [path for path in PROGRAM if path.stem.strip("_") in vague] == []


def test_what_is_caught_broadly_says_why() -> None:
    broad = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in PROGRAM
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "except Exception" in line or "except BaseException" in line
        if "#" not in line
    ]

    assert broad == []
