"""The same loop on a real PostgreSQL server."""

from pathlib import Path

from monitor.domain.audit import verify
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES
from tests.world import World


async def test_the_whole_loop_runs_on_postgresql(settled_world: World, empty_database: str, tmp_path: Path) -> None:
    acme = Company(tmp_path, settled_world, store=empty_database)
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp")
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    await acme.run()
    settled_world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER, forged=True)

    report = await acme.run()
    again = await acme.run()

    assert (report.exit_code, again.exit_code) == (1, 1)
    assert len(settled_world.jira.issues) == 1
    assert len(settled_world.slack.messages) == 1
    assert isinstance(await acme.app.store.run(lambda unit: verify(unit.chain())), int)
