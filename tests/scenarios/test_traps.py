"""What a hostile or broken outside did to earlier monitors. Each story ended in silence, in a false all-clear, or in a flood."""

import asyncio
from datetime import timedelta

import pytest

from monitor.domain.purl import Purl
from monitor.domain.review import State
from monitor.domain.waiver import Waiver
from monitor.runner import run
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FETCH, FILES, FORGE
from tests.world import Fault, Identity, Kind

NAME = "@acme/files-mcp"


async def rules(company: Company) -> set[str]:
    return {each.finding.rule for each in await company.findings()}


# --- bytes ------------------------------------------------------------------------------------------------------------------


async def test_a_mirror_that_withdraws_digests_and_serves_other_bytes_is_found(calm: Company) -> None:
    """The registry's word is withdrawn, the bytes are others: whatever is announced, the first download is the reference."""
    calm.world.npm.publish(NAME, "1.4.2", signed=False, files={"late.js": b"steal()"})

    await calm.run()

    assert {"republished", "digest-differs"} <= await rules(calm)
    await calm.run()
    assert {"republished", "digest-differs"} <= await rules(calm)


async def test_a_file_that_is_added_long_after_the_first_look_is_found(calm: Company) -> None:
    calm.later(days=2)
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.2", kinds=("sdist",), files={"more": b"x"})
    calm.world.pypi.upload(
        "acme-fetch-mcp", "2.4.2", "acme_fetch_mcp-2.4.2-cp311-cp311-linux_x86_64.whl", b"late wheel"
    )

    await calm.run()

    assert "republished" in await rules(calm)


async def test_the_second_file_of_an_upload_that_is_going_on_is_no_tampering(calm: Company) -> None:
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, kinds=("wheel",))
    await calm.run()
    calm.later(minutes=15)
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, kinds=("sdist",))

    await calm.run()

    assert await rules(calm) == {"new-release", "too-young"}


async def test_a_download_of_another_length_is_other_bytes_and_no_outage(calm: Company) -> None:
    [wheel] = calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, kinds=("wheel",))
    calm.world.files.bodies[wheel.path] += b"and something more"

    await calm.run()

    assert "digest-differs" in await rules(calm)


async def test_one_bad_transfer_is_not_a_page_for_ever(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=BUILDER)
    calm.world.break_("npm", Fault(Kind.HTML, only=".tgz", times=1))

    await calm.run()

    assert "digest-differs" not in await rules(calm)


async def test_a_moved_tag_of_a_release_without_files_is_seen_and_its_approval_holds(calm: Company) -> None:
    calm.world.github.move_tag("acme/forge-mcp", "v0.9.0")
    await calm.run()

    assert "republished" in await rules(calm)


# --- versions ---------------------------------------------------------------------------------------------------------------


async def test_a_flood_of_good_versions_does_not_bury_a_forged_one(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=BUILDER, forged=True)
    for patch in range(4, 16):
        calm.later(minutes=1)
        calm.world.npm.publish(NAME, f"1.4.{patch}", attested_by=BUILDER)
    first = await calm.run()
    for _ in range(3):
        calm.later(hours=1)
        await calm.run()

    assert first.exit_code == 3, "versions that wait to be verified are not silently green"
    assert [each.occurrences for each in await calm.findings("signature-invalid")] == [1]
    assert len([issue for issue in calm.world.jira.issues if "1.4.3" in issue.summary]) == 1


async def test_a_name_that_was_free_and_is_then_registered_is_news(company: Company) -> None:
    company.approve("io.github.acme/private-mcp", "1.0.0", package="pkg:npm/%40acme/private-mcp")
    await company.run()
    company.world.npm.publish("@acme/private-mcp", "1.0.0")
    company.world.npm.publish("@acme/private-mcp", "1.0.1")

    await company.run()

    news = [
        each for each in await company.findings("new-release") if each.finding.server == "io.github.acme/private-mcp"
    ]
    assert [each.finding.about.version for each in news if each.finding.about] == ["1.0.1"]


async def test_a_registry_that_forgets_most_packages_at_once_is_in_doubt_itself(company: Company) -> None:
    for at in range(5):
        company.world.npm.publish(f"@acme/tool-{at}", "1.0.0")
        company.approve(f"io.github.acme/tool-{at}", "1.0.0", package=f"pkg:npm/%40acme/tool-{at}")
    await company.run()
    company.world.break_("npm", Fault(Kind.STATUS, status=404, only="/npm/@acme"))

    report = await company.run()

    assert report.exit_code == 3
    assert company.world.jira.issues == []


async def test_a_stranger_who_builds_is_no_verified_publisher(calm: Company) -> None:
    calm.world.npm.publish("@acme/bare-mcp", "1.0.0")
    calm.approve("io.github.acme/bare-mcp", "1.0.0", package="pkg:npm/%40acme/bare-mcp", repository="acme/files-mcp")
    await calm.run()
    calm.later(hours=1)
    stranger = Identity(repository="attacker/anything", repository_id="666")
    calm.world.npm.publish("@acme/bare-mcp", "1.0.1", attested_by=stranger)

    await calm.run()

    assert "publisher-changed" in await rules(calm)


# --- silence ----------------------------------------------------------------------------------------------------------------


async def test_an_outage_does_not_resolve_a_forged_signature(calm: Company, logged: list[str]) -> None:
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, forged=True, kinds=("wheel",))
    await calm.run()
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, kinds=("sdist",))
    calm.world.break_("files", Fault(Kind.OUTAGE))

    await calm.run()

    assert "signature-invalid" in await rules(calm)
    assert not [message for message in calm.world.slack.messages if "Resolved" in message.words]
    assert logged is not None


async def test_a_forged_version_that_is_unpublished_runs_on_where_it_is_deployed(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=BUILDER, forged=True)
    calm.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")
    await calm.run()
    calm.later(hours=1)
    calm.world.npm.unpublish(NAME, "1.4.3")

    await calm.run()

    assert "signature-invalid" in await rules(calm)


async def test_one_server_that_cannot_be_checked_for_a_day_is_a_finding(calm: Company, logged: list[str]) -> None:
    calm.world.npm.publish("@acme/other-mcp", "1.0.0")
    calm.approve("io.github.acme/other-mcp", "1.0.0", package="pkg:npm/%40acme/other-mcp")
    await calm.run()
    calm.world.break_("npm", Fault(Kind.HTML, only="other-mcp"))
    await calm.run()
    calm.later(hours=30)
    await calm.run()

    silent = await calm.findings("source-unknown")
    assert [each.finding.subject for each in silent] == ["server:io.github.acme/other-mcp"]
    assert logged


async def test_a_registry_file_that_cannot_be_read_is_heard_of(calm: Company, logged: list[str]) -> None:
    app = calm.app
    (calm.folder / "registry.yaml").write_text("servers: [", "utf-8")

    report = await run(app)

    assert report.exit_code == 2
    assert ["nothing is watched" in message.words for message in calm.world.slack.messages] == [True]
    assert logged is not None


async def test_a_run_that_does_not_look_is_no_all_clear_after_one_that_could_not(
    calm: Company, logged: list[str]
) -> None:
    calm.world.break_("npm", Fault(Kind.OUTAGE))
    await calm.run()

    assert (await calm.run(["deliver"])).exit_code == 3
    assert logged


async def test_a_key_that_nobody_knows_is_not_green(calm: Company) -> None:
    signature = {"keyid": "SHA256:unknown", "sig": "MEUCIQDq"}
    calm.world.npm.publish(NAME, "1.4.3", attested_by=BUILDER)
    calm.world.npm.change(NAME, "1.4.3", signatures=(signature,))

    await calm.run()

    assert "cannot-tell" in await rules(calm)


# --- tickets and messages -----------------------------------------------------------------------------------------------------


async def test_a_ticket_that_another_job_opens_meanwhile_is_not_forgotten(calm: Company) -> None:
    calm.world.pypi.yank("acme-fetch-mcp", "2.4.2")
    calm.world.break_("npm", Fault(Kind.DELAY, seconds=1.0))
    slow = asyncio.create_task(calm.run(["releases"]))
    await asyncio.sleep(0.2)
    other = Company(calm.folder, calm.world, registry=calm.registry, inventory=calm.inventory)
    await other.run(["fleet", "deliver"])
    await slow
    calm.world.mend("npm")

    await calm.run()

    assert [review.ticket for review in await calm.reviews()] == [calm.world.jira.issues[0].key]
    assert len(calm.world.jira.issues) == 1


async def test_the_end_of_a_waiver_opens_the_question_again(calm: Company) -> None:
    calm.world.pypi.yank("acme-fetch-mcp", "2.4.2")
    until = calm.world.clock() + timedelta(days=7)
    calm.policy(waivers=(Waiver("registry-status", "*", "*", "known", "rita", until),))
    await calm.run()
    assert calm.world.jira.issues == []
    calm.later(days=8)

    await calm.run()

    assert len(calm.world.jira.issues) == 1


async def test_a_required_field_that_is_mended_after_days_gets_its_ticket_after_all(
    calm: Company, logged: list[str]
) -> None:
    calm.world.jira.required["customfield_10042"] = "Data class"
    calm.world.pypi.yank("acme-fetch-mcp", "2.4.2")
    await calm.run()
    calm.later(days=3)
    await calm.run()
    stuck = await calm.findings("undeliverable")
    calm.world.jira.required.clear()
    calm.later(hours=2)
    await calm.run()

    await calm.run()

    assert (len(stuck), len(calm.world.jira.issues)) == (1, 1)
    assert await calm.findings("undeliverable") == []
    assert logged


async def test_a_server_that_is_removed_takes_its_findings_and_its_question_along(calm: Company) -> None:
    calm.world.pypi.yank("acme-fetch-mcp", "2.4.2")
    await calm.run()
    del calm.registry[FETCH]
    calm.inventory = [line for line in calm.inventory if line["host"] != "laptop-8"]

    report = await calm.run()

    assert report.exit_code == 0
    assert [each.state for each in await calm.reviews()] == [State.WITHDRAWN]
    assert len(calm.world.jira.issues[0].remarks) == 1


async def test_an_inventory_that_is_no_longer_configured_is_no_longer_true(calm: Company) -> None:
    calm.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@9.9.9")
    await calm.run()
    calm.config.write_text(calm.config.read_text("utf-8").replace("inventory.jsonl", "other.jsonl"), "utf-8")
    (calm.folder / "other.jsonl").write_text((calm.folder / "inventory.jsonl").read_text("utf-8"), "utf-8")
    text = (calm.folder / "other.jsonl").read_text("utf-8").replace("9.9.9", "1.4.2")
    (calm.folder / "other.jsonl").write_text(text, "utf-8")
    again = Company(calm.folder, calm.world, registry=calm.registry)

    await again.run()

    assert await again.findings("unapproved-version") == []


async def test_an_advisory_that_gets_critical_pages_although_the_digest_had_it(calm: Company) -> None:
    package = Purl.npm(NAME)
    calm.world.osv.advise("GHSA-1111-2222-3333", package, fixed="1.5.0", severity="LOW", vector=None)
    await calm.run()
    await calm.run(["digest", "deliver"])
    calm.later(hours=1)
    calm.world.osv.advise("GHSA-1111-2222-3333", package, fixed="1.5.0", severity="CRITICAL", vector=None)

    await calm.run()

    assert [message.words.count("Act now") > 0 for message in calm.world.slack.messages] == [False, True]


@pytest.mark.parametrize("text", ["http://[x", "https://a\u2100b/"])
async def test_one_laptops_nonsense_address_does_not_stop_the_monitor(calm: Company, text: str) -> None:
    calm.inventory.append({"host": "laptop-3", "client": "x", "location": "y", "name": "z", "remote": text})

    report = await calm.run()

    assert {line.name for line in report.servers} == {FILES, FETCH, FORGE}


async def test_a_header_that_is_nonsense_does_not_stop_the_monitor(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=BUILDER)
    calm.world.break_("osv", Fault(Kind.TOO_MANY, retry_after="1.0.0"))

    await calm.run()

    assert "new-release" in await rules(calm)


async def test_a_host_that_flaps_has_one_ticket(calm: Company) -> None:
    for version in ("9.9.9", "1.4.2", "9.9.9", "1.4.2", "9.9.9"):
        calm.deploy("laptop-7", f"pkg:npm/%40acme/files-mcp@{version}")
        await calm.run()
        calm.later(minutes=5)

    assert len(calm.world.jira.issues) == 1
    assert [each.state for each in await calm.reviews()] == [State.TICKETED]


async def test_a_line_that_cannot_be_read_lets_nothing_go(calm: Company) -> None:
    calm.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@9.9.9")
    await calm.run()
    calm.inventory = [line if line["host"] != "laptop-7" else {"host": "laptop-7"} for line in calm.inventory]

    report = await calm.run()

    assert report.exit_code == 3
    assert len(await calm.findings("unapproved-version")) == 1


async def test_a_typo_in_the_registry_makes_no_shadow_of_its_server(calm: Company) -> None:
    calm.registry[FILES]["ownr"] = calm.registry[FILES].pop("owner")

    report = await calm.run()

    assert report.exit_code == 3
    assert await calm.findings("shadow-server") == []
