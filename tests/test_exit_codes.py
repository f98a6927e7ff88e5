"""One fault has one exit code, whichever command meets it."""

from collections.abc import Callable, Sequence

import pytest

from tests.desk import Desk
from tests.verifying import FILES, NPM, desk

__all__ = ["desk"]

READERS = [
    ("findings",),
    ("deployments",),
    ("drift",),
    ("audit", "verify"),
    ("audit", "export"),
    ("audit", "checkpoint"),
    ("verify", "--recorded", FILES, "1.4.2"),
]
STORE = [("run",), ("serve",), ("servers",), *READERS]
JUDGES = [
    ("run",),
    ("serve",),
    ("roots", "show"),
    ("verify", f"{NPM}@1.4.2"),
    ("verify", "x.tgz", "--bundle", "x.json"),
]
EVERYBODY = [*STORE, ("migrate",), ("doctor",), *JUDGES, ("roots", "refresh")]


def configured(desk: Desk, before: str, after: str) -> None:
    """Change the configuration."""
    config = desk.company.config
    text = config.read_text("utf-8")
    assert before in text
    config.write_text(text.replace(before, after), "utf-8")


def no_database(desk: Desk) -> None:
    """Never migrate."""


def no_configuration(desk: Desk) -> None:
    desk.company.config.unlink()


def newer_database(desk: Desk) -> None:
    desk("migrate")
    desk.tamper("UPDATE alembic_version SET version_num = '9999'")


def database_away(desk: Desk) -> None:
    configured(desk, desk.company.store, "postgresql://monitor@127.0.0.1:1/monitor")


def foreign_database(desk: Desk) -> None:
    desk.tamper("CREATE TABLE invoices (id INTEGER)")


def no_registry(desk: Desk) -> None:
    desk("migrate")
    (desk.folder / "registry.yaml").unlink()


def bad_trust_root(desk: Desk) -> None:
    desk("migrate")
    desk.trust("root.json", b"no trust root")


CASES: list[tuple[Callable[[Desk], None], Sequence[Sequence[str]], int]] = [
    (no_configuration, EVERYBODY, 2),
    (no_database, STORE, 2),
    (newer_database, [*STORE, ("migrate",)], 2),
    (foreign_database, [("migrate",)], 2),
    (no_registry, [("run",), ("servers",)], 2),
    (bad_trust_root, JUDGES, 2),
    (database_away, [*STORE, ("migrate",)], 3),
]


@pytest.mark.parametrize(
    ("fault", "command", "code"),
    [
        pytest.param(fault, command, code, id=f"{fault.__name__}-{' '.join(command)}")
        for fault, commands, code in CASES
        for command in commands
    ],
)
def test_one_fault_has_one_code(fault: Callable[[Desk], None], command: Sequence[str], code: int, desk: Desk) -> None:
    fault(desk)

    printed = desk(*command)

    assert printed.code == code, printed.err
    assert printed.err
    assert "Traceback" not in printed.err


def test_doctor_goes_on_where_the_database_is_away(desk: Desk) -> None:
    database_away(desk)

    printed = desk("doctor")

    assert printed.code == 1
    assert "fail database" in printed.out
    assert "-> Check store.url" in printed.out
    assert "ok   npm" in printed.out
    assert "ok   alerts" in printed.out


def test_doctor_tells_of_a_newer_programs_database_what_to_upgrade(desk: Desk) -> None:
    newer_database(desk)

    printed = desk("doctor")

    assert (printed.code, "-> Upgrade the program." in printed.out) == (1, True)
