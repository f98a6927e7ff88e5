"""`roots show`, `roots refresh`, the job `roots`, and what `doctor` and the rules say of old roots."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import cli
from monitor.scheduler import slots
from monitor.settings import ConfigError, load
from tests.company import Company
from tests.connectors.conftest import Loopback, loopback, stopping_servers
from tests.world import World
from tests.world.signing import NpmKeys, Sigstore
from tests.world.tuf import TufRepository

__all__ = ["loopback", "stopping_servers"]
"""Fixtures."""

SECTION = """
[verification]
folder = "roots"
mirror = "{mirror}"
mirror_begin = "{begin}"
"""


@pytest.fixture
def repository() -> TufRepository:
    made = TufRepository()
    made.publish({"trusted_root.json": Sigstore().trusted_root(), "registry.example/keys.json": NpmKeys().keys()})
    return made


@pytest.fixture
def config(tmp_path: Path, loopback: Loopback, repository: TufRepository, logged: list[str]) -> Path:
    """A configuration whose mirror is on loopback."""
    del logged  # the program sets up its own log
    path = tmp_path / "config.toml"
    path.write_text(SECTION.format(mirror=loopback(repository.app), begin=repository.begin(tmp_path)))
    return path


def rows(text: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(text)
    return listed


def test_what_was_refreshed_is_shown_as_in_use(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["roots", "refresh", "--config", str(config)])
    capsys.readouterr()
    cli.main(["roots", "show", "--json", "--config", str(config)])

    assert code == 0
    shown = rows(capsys.readouterr().out)
    assert {(each["name"], each["origin"]) for each in shown} == {
        ("public-good", "refreshed"),
        ("npm-keys", "refreshed"),
    }


def test_another_folder_may_be_named(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["roots", "refresh", "--to", str(tmp_path / "elsewhere"), "--json", "--config", str(config)])

    assert code == 0
    paths = {Path(str(each["path"])).parent.name for each in rows(capsys.readouterr().out)}
    assert (paths, (tmp_path / "roots").exists()) == ({"elsewhere"}, False)


def test_a_mirror_that_is_away_is_one_line_and_exit_code_3(
    tmp_path: Path, logged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    del logged
    begin = TufRepository().begin(tmp_path)
    (tmp_path / "config.toml").write_text(
        SECTION.format(mirror="http://127.0.0.1:9", begin=begin) + "[http]\nattempts = 1\n"
    )

    code = cli.main(["roots", "refresh", "--config", str(tmp_path / "config.toml")])

    lines = capsys.readouterr().err.splitlines()
    assert code == 3
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == ["not refreshed"]


def test_without_a_folder_there_is_nowhere_to_keep_them(
    tmp_path: Path, logged: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    del logged
    (tmp_path / "config.toml").write_text("")

    code = cli.main(["roots", "refresh", "--config", str(tmp_path / "config.toml")])

    assert code == 2
    assert "verification.folder" in capsys.readouterr().err


def test_an_old_root_is_exit_code_1(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('[verification]\nwarn_after = "1s"\n')

    code = cli.main(["roots", "show", "--config", str(config)])

    printed = capsys.readouterr()
    assert code == 1
    assert "public-good" in printed.out
    assert "roots refresh" in printed.err


def test_the_schedule_refreshes_only_when_it_is_told_to_and_where(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    usual = load(path, {}).config
    path.write_text('[schedule]\nroots = "0 5 * * 1"\n')

    assert "roots" not in slots(usual.schedule)
    with pytest.raises(ConfigError, match=r"verification\.folder"):
        load(path, {})


async def test_the_job_renews_the_verifier_and_its_silence_is_an_unknown(
    world: World, tmp_path: Path, loopback: Loopback, repository: TufRepository
) -> None:
    company = Company(tmp_path, world)
    company.write()
    text = company.config.read_text().replace(
        "[verification]", SECTION.format(mirror=loopback(repository.app), begin=repository.begin(tmp_path))
    )
    company.config.write_text(text)
    world.clock.advance(days=3650)  # the day of the configured files is that of the disk

    first = await company.run(["roots"])
    used = {root.origin for root in company.app.verifier.roots()}
    repository.usurp()
    repository.publish({})
    second = await company.run(["roots"])

    assert (first.exit_code, used) == (0, {"refreshed"})
    assert (second.exit_code, {each.source for each in second.unknowns}) == (3, {"trust-roots"})


async def test_a_root_that_grew_old_is_a_finding_until_it_is_renewed(world: World, tmp_path: Path) -> None:
    company = Company(tmp_path, world)
    company.policy(roots_old_after=timedelta(days=-100_000))

    await company.run(["health"])

    assert {each.finding.subject for each in await company.findings("trust-root-old")} == {"public-good", "npm-keys"}
    company.policy(roots_old_after=timedelta(days=100_000))
    await company.run(["health"])
    assert await company.findings("trust-root-old") == []
