"""`verify --recorded`: what was decided is decided once more, from the store alone."""

import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.databases import empty_database, postgresql
from tests.desk import Desk
from tests.store.keeping import rows, tamper
from tests.verifying import BUILDER, FETCH, FILES, FORGE, FORGER, GITHUB, desk, digest, sat_down
from tests.world import World
from tests.world.signing import Sigstore

__all__ = ["desk", "empty_database", "postgresql"]


@pytest.fixture
def looked(desk: Desk) -> Desk:
    """The person, after the program's first look, in a world that is gone."""
    desk.check()
    desk.world.stop()
    return desk


def url(desk: Desk) -> str:
    return f"sqlite:///{desk.folder / 'monitor.db'}"


# --- what stands ----------------------------------------------------------------------------------------------------------


def test_a_recorded_verdict_is_decided_again_without_a_network_on_each_database(
    world: World,
    empty_database: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    logged: list[str],
) -> None:
    del logged
    desk = sat_down(world, tmp_path, capsys, store=empty_database)
    desk.check()
    world.stop()

    npm = desk("verify", "--recorded", FILES, "1.4.2")
    pypi = desk("verify", "--recorded", FETCH, "2.4.2")

    assert (npm.code, pypi.code) == (0, 0)
    assert "npm registry signature  verified  verified" in npm.out
    assert "4 of 4 claims were decided again from what is kept, each as recorded." in npm.out
    assert pypi.out.count("PyPI provenance    verified  verified") == 2


def test_bundles_and_checksum_files_are_decided_again_too(desk: Desk) -> None:
    desk.world.github.release(
        "acme/forge-mcp",
        "v0.9.0",
        assets={"forge.tgz": b"forge"},
        attested_by=FORGER,
        bundled_by=FORGER,
        checksums="SHA256SUMS",
    )
    desk.company.approve(FORGE, "v0.9.0", package=GITHUB)
    desk.company.write()
    desk.check()
    desk.world.stop()

    printed = desk("verify", "--recorded", FORGE, "v0.9.0", "--json")

    claims: Any = printed.json()["claims"]
    decided = {each["recorded"]["form"] for each in claims if each["again"] and not each["differs"]}
    assert decided == {"registry-digest", "github-attestation", "sigstore-bundle", "checksums"}


def test_each_body_is_kept_once_with_all_that_was_decided_on_it(looked: Desk) -> None:
    documents = rows(url(looked), "SELECT sha256 FROM grounds WHERE root = ''")
    roots = rows(url(looked), "SELECT DISTINCT root, sha256 FROM grounds WHERE root != ''")
    kept = {name for (name,) in rows(url(looked), "SELECT sha256 FROM evidence")}

    assert len(documents) == 4  # npm: a signature and attestations; PyPI: one for each of two files
    assert {root for root, _ in roots} == {"public-good", "npm-keys"}
    assert {name for (name,) in documents} | {name for _, name in roots} <= kept


def test_the_roots_of_then_decide_whatever_is_configured_now(looked: Desk) -> None:
    looked.trust("good.2025-01-01.json", Sigstore().trusted_root())

    printed = looked("verify", "--recorded", FILES, "1.4.2")

    assert printed.code == 0


def test_an_absence_leaves_nothing_to_decide(desk: Desk) -> None:
    desk.world.pypi.publish("acme-bare-mcp", "1.0.0", kinds=("wheel",))
    desk.company.approve(FORGE, "1.0.0", package="pkg:pypi/acme-bare-mcp")
    desk.company.write()
    desk.check()

    printed = desk("verify", "--recorded", FORGE, "1.0.0")

    assert printed.code == 0
    assert "nobody vouches  (nothing to decide)" in printed.out


def test_what_was_refused_is_refused_again(desk: Desk) -> None:
    desk.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER, forged=True)
    desk.company.approve(FILES, "1.4.3")
    desk.company.write()
    desk.check()
    desk.world.stop()

    printed = desk("verify", "--recorded", FILES, "1.4.3")

    assert printed.code == 1
    assert "NOT verified  NOT verified" in printed.out
    assert "DIFFERS" not in printed.out


# --- what differs ---------------------------------------------------------------------------------------------------------


def test_another_root_gives_another_verdict_and_that_is_said_loudly(looked: Desk) -> None:
    other = Sigstore().trusted_root()
    name = digest(other)
    tamper(url(looked), f"INSERT INTO evidence VALUES ('{name}', {len(other)}, x'{zlib.compress(other).hex()}')")  # noqa: S608 - the test's own
    tamper(url(looked), f"UPDATE grounds SET sha256 = '{name}' WHERE root = 'public-good'")  # noqa: S608 - as above

    printed = looked("verify", "--recorded", FETCH, "2.4.2")
    said = looked("verify", "--recorded", FETCH, "2.4.2", "--json").json()

    assert printed.code == said["exit_code"] == 1
    assert "DIFFERS: " in printed.out
    assert "DIFFER FROM WHAT WAS RECORDED" in printed.out
    claims: Any = said["claims"]
    assert [each["differs"] for each in claims] == [False, True, False, True]


def test_a_verdict_that_somebody_edited_differs(looked: Desk) -> None:
    tamper(url(looked), "UPDATE verifications SET document = replace(document, 'acme/files-mcp', 'acme/other-mcp')")

    printed = looked("verify", "--recorded", FETCH, "2.4.2")

    assert printed.code == 1
    assert "https://github.com/acme/other-mcp" in printed.out


def test_a_digest_that_somebody_edited_differs(looked: Desk) -> None:
    tamper(
        url(looked),
        'UPDATE verifications SET document = replace(document, substr(document, instr(document, \'sha512","hex":"\') '
        "+ 15, 4), '0000') WHERE package LIKE 'pkg\\:npm%'",
    )

    printed = looked("verify", "--recorded", FILES, "1.4.2")

    assert printed.code == 1
    assert "DIFFERS: NOT verified" in printed.out


# --- what is missing ------------------------------------------------------------------------------------------------------


def test_a_document_that_somebody_changed_is_noticed(looked: Desk) -> None:
    documents = "SELECT sha256 FROM grounds WHERE root = ''"
    changed = zlib.compress(b"{}").hex()
    tamper(url(looked), f"UPDATE evidence SET body = x'{changed}' WHERE sha256 IN ({documents})")  # noqa: S608 - the test's own

    printed = looked("verify", "--recorded", FILES, "1.4.2")

    assert printed.code == 3
    assert "CANNOT BE DECIDED" in printed.out
    assert "somebody changed it" in printed.out


def test_a_root_that_is_gone_leaves_the_verdicts_undecided(looked: Desk) -> None:
    tamper(url(looked), "DELETE FROM grounds WHERE root = 'public-good'")

    printed = looked("verify", "--recorded", FILES, "1.4.2")

    assert printed.code == 3
    assert "no public-good" in printed.out


def test_claims_of_a_program_that_kept_no_documents_are_shown_and_cannot_be_decided(looked: Desk) -> None:
    tamper(url(looked), "UPDATE verifications SET document = replace(document, '\"document\"', '\"dropped\"')")
    tamper(url(looked), "DELETE FROM grounds")

    printed = looked("verify", "--recorded", FILES, "1.4.2")

    assert printed.code == 3
    assert "the document was not kept when this was decided" in printed.out


def test_a_version_of_which_nothing_was_recorded_is_3(looked: Desk) -> None:
    printed = looked("verify", "--recorded", FILES, "9.9.9")

    assert (printed.code, printed.out) == (3, "")
    assert "nothing was recorded about pkg:npm/%40acme/files-mcp@9.9.9" in printed.err


def test_a_server_that_was_never_looked_at_is_2_and_names_what_is_near(looked: Desk) -> None:
    printed = looked("verify", "--recorded", "io.github.acme/file-mcp", "1.4.2")

    assert printed.code == 2
    assert f"did you mean {FILES}?" in printed.err
