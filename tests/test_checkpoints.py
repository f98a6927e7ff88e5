import asyncio
from pathlib import Path

import pytest

from tests.company import Company
from tests.desk import Desk
from tests.world import World

SETTINGS = '\n[audit]\nsigning_key_file = "audit.key"\ncheckpoints = "checkpoints"\n'


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, logged: list[str]) -> Desk:
    """An installation with a key and three signed checkpoints, an hour apart."""
    del logged  # the program sets up its own log
    company = Company(tmp_path, world, tells=False, settings=SETTINGS)
    company.write()
    (tmp_path / "checkpoints").mkdir()
    desk = Desk(company, capsys)
    assert desk("audit", "keygen", "--out", str(tmp_path / "audit.key")).code == 0
    for _ in range(3):
        checkpoint(company)
    return desk


def checkpoint(company: Company) -> None:
    asyncio.run(company.run(["checkpoints"]))
    company.later(hours=1)


def files(desk: Desk) -> list[Path]:
    return sorted((desk.folder / "checkpoints").iterdir())


def verify(desk: Desk, key: str = "audit.key.pub") -> tuple[int, str]:
    printed = desk(
        "audit", "verify", "--checkpoints", str(desk.folder / "checkpoints"), "--public-key", str(desk.folder / key)
    )
    return printed.code, printed.out + printed.err


def test_a_whole_log_agrees_with_every_checkpoint(desk: Desk) -> None:
    code, said = verify(desk)

    assert code == 0
    assert "agrees with 3 checkpoints" in said


def test_an_hour_in_which_nothing_happened_has_its_checkpoint(desk: Desk) -> None:
    checkpoint(desk.company)

    assert len(files(desk)) == 4


def test_a_log_that_was_rewritten_as_a_whole_is_found(desk: Desk) -> None:
    desk.tamper("DELETE FROM audit")
    checkpoint(desk.company)

    code, said = verify(desk)

    assert code == 1
    assert "goes back behind" in said


def test_a_log_that_was_cut_off_is_found(desk: Desk) -> None:
    desk.tamper("DELETE FROM audit WHERE seq > 2")

    code, said = verify(desk)

    assert code == 1
    assert "a checkpoint proves that it reached" in said


def test_a_checkpoint_that_was_taken_away_is_missed(desk: Desk) -> None:
    files(desk)[1].unlink()

    code, said = verify(desk)

    assert code == 1
    assert "one between them is missing" in said


@pytest.mark.parametrize("what", [b'"seq', b'"signature'], ids=["what it says", "its signature"])
def test_a_checkpoint_that_was_changed_does_not_hold(desk: Desk, what: bytes) -> None:
    file = files(desk)[1]
    text = file.read_bytes()
    at = text.index(what.replace(b'"', b'\\"') if what == b'"seq' else what) + len(what) + 6
    file.write_bytes(text[:at] + (b"0" if text[at : at + 1] != b"0" else b"1") + text[at + 1 :])

    assert verify(desk)[0] == 1


def test_another_key_proves_nothing(desk: Desk) -> None:
    desk("audit", "keygen", "--out", str(desk.folder / "other.key"))

    code, said = verify(desk, "other.key.pub")

    assert code == 1
    assert "its signature does not hold; it names the key" in said


@pytest.mark.parametrize("name", ["audit.key", "config.toml", "no-such.pub"])
def test_what_is_no_public_key_is_wrong_usage_and_says_nothing_about_the_log(desk: Desk, name: str) -> None:
    code, said = verify(desk, name)

    assert code == 2
    assert "--public-key: " in said


def test_a_private_key_in_place_of_its_public_half_is_told_so(desk: Desk) -> None:
    assert "a private key; expected its public half" in verify(desk, "audit.key")[1]


def test_everybody_may_read_the_public_half(desk: Desk) -> None:
    assert (desk.folder / "audit.key.pub").stat().st_mode & 0o777 == 0o644


def test_doctor_says_how_a_missing_key_is_made(desk: Desk) -> None:
    (desk.folder / "audit.key").unlink()

    said = " ".join(desk("doctor").out.split())

    assert f"run: mcp-monitor audit keygen --out {desk.folder / 'audit.key'}" in said


def test_a_missing_folder_is_to_be_made(desk: Desk) -> None:
    (desk.folder / "checkpoints").rename(desk.folder / "elsewhere")

    ran, doctor = desk("run", "checkpoints"), desk("doctor")

    assert "make the folder" in ran.out + ran.err
    assert "make the folder" in " ".join(doctor.out.split())


def test_a_key_is_never_written_over_and_nobody_else_reads_it(desk: Desk) -> None:
    again = desk("audit", "keygen", "--out", str(desk.folder / "audit.key"))

    assert again.code == 2
    assert (desk.folder / "audit.key").stat().st_mode & 0o077 == 0


def test_a_key_that_cannot_be_read_is_not_checked_rather_than_all_right(desk: Desk) -> None:
    (desk.folder / "audit.key").write_text("no key")

    printed = desk("run", "checkpoints")

    assert printed.code == 3
    assert "as `audit keygen` writes" in printed.out + printed.err


def test_doctor_reads_the_key_and_looks_at_the_folder(desk: Desk) -> None:
    well = desk("doctor")
    (desk.folder / "audit.key").write_text("no key")
    ill = desk("doctor")

    assert "signed by" in well.out
    assert "Correct [audit]." in ill.out
