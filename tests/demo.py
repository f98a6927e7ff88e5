"""`make demo`: the whole program against the simulated world, over real HTTP on loopback, as a story. The clock is the world's."""

import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from monitor.commands.exposure import show_exposure
from monitor.commands.output import say
from monitor.commands.run import show
from monitor.domain.purl import Purl
from tests.company import Company
from tests.world import Fault, Identity, Kind, World

FILES, FETCH = "io.github.acme/files-mcp", "io.github.acme/fetch-mcp"
BUILDER = Identity(repository="acme/files-mcp", workflow="release.yml", ref="refs/tags/v1.4.2")


async def story(company: Company) -> None:
    """Tell it."""
    world = company.world
    await chapter(
        company,
        "A first look, and a calm cycle",
        "Everything that is listed so far is the baseline. The second cycle asks conditionally, and nothing has changed.",
    )
    await chapter(company, "", "")

    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await chapter(
        company,
        "A good new release",
        "@acme/files-mcp 1.4.3 is published, built by the approved workflow. "
        "It is downloaded, hashed and verified; a ticket asks for a decision.",
    )

    world.pypi.publish("acme-fetch-mcp", "2.5.0", attested_by=BUILDER, forged=True)
    await chapter(
        company,
        "A release whose signature does not verify",
        "acme-fetch-mcp 2.5.0 carries an attestation about other bytes. Somebody is paged.",
    )

    company.deploy("laptop-8", "pkg:pypi/acme-fetch-mcp@2.4.1")
    world.osv.advise(
        "GHSA-demo-0001-0001",
        Purl.pypi("acme-fetch-mcp"),
        fixed="2.4.2",
        severity="CRITICAL",
        vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
        aliases=["CVE-2026-99999"],
        summary="Requests are sent to addresses inside the network",
    )
    await chapter(
        company,
        "An advisory on a deployed version",
        "laptop-8 still runs acme-fetch-mcp 2.4.1; the approved 2.4.2 has the fix.",
    )

    company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.9")
    company.deploy("laptop-9", "pkg:npm/weather-toolz-mcp@0.0.3")
    await chapter(
        company,
        "A drifted laptop",
        "laptop-7 runs a version that nobody approved, laptop-9 a server that is on no list.",
    )

    world.break_("osv", Fault(Kind.OUTAGE))
    world.break_("npm", Fault(Kind.OUTAGE))
    await chapter(
        company,
        "An outage",
        "npm and OSV do not answer. Nothing is resolved, nothing is called clean, and the exit code is 3.",
    )
    world.mend("osv")
    world.mend("npm")

    company.approve(FILES, "1.4.3")
    company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")
    await chapter(
        company,
        "A decision",
        "1.4.3 is approved in the registry file, and laptop-7 is mended: the ticket hears of it.",
    )

    company.approve(FILES, None, dependencies="files-{version}.lock.json")
    (company.folder / "files-1.4.3.lock.json").write_text(json.dumps(LOCK), encoding="utf-8")
    world.osv.malware("MAL-2026-0001", Purl.npm("tiny-colors"), "3.0.1")
    await chapter(
        company,
        "Malware, two floors down",
        "tiny-colors 3.0.1 is recorded as malware. files-mcp brings it along: its lock file tells the path. The version is quarantined.",
    )
    await asyncio.to_thread(exposure, company, "MAL-2026-0001")

    world.osv.withdraw("MAL-2026-0001")
    await chapter(
        company,
        "A record that was wrong",
        "The record is withdrawn. The quarantine ends by itself, and those who were paged hear why.",
    )


async def chapter(company: Company, title: str, text: str) -> None:
    """Run one full check, an hour after the last one, and show what cron would have shown."""
    if title:
        say(f"\n\n=== {title}\n{text}\n")
    show(await company.run())
    company.later(hours=1)


def exposure(company: Company, what: str) -> None:
    """Ask the first question of every incident, as somebody at a terminal does."""
    say(f"\n$ mcp-monitor exposure {what}")
    show_exposure(company.config, what, between=None, as_json=False)


LOCK = {
    "name": "@acme/files-mcp",
    "version": "1.4.3",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "@acme/files-mcp", "version": "1.4.3", "dependencies": {"pretty-log": "^2.0.0"}},
        "node_modules/pretty-log": {"version": "2.1.0", "dependencies": {"tiny-colors": "^3.0.0"}},
        "node_modules/tiny-colors": {"version": "3.0.1"},
    },
}


def arrived(world: World) -> None:
    """Show the tickets and messages as they arrived at Jira and Slack."""
    say(f"\n\n=== What arrived in Jira: {len(world.jira.issues)} tickets")
    for issue in world.jira.issues:
        say(f"\n--- {issue.key}  {issue.summary}\n{indented(issue.words)}")
        for remark in issue.remarks:
            say(f"    comment: {' '.join(remark.split())}")
    say(f"\n\n=== What arrived in Slack: {len(world.slack.messages)} messages")
    for message in world.slack.messages:
        say(f"\n--- #{world.slack.channels[message.channel]}\n{indented(message.words)}")


def indented(text: str) -> str:
    """Set a text apart."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def main() -> None:
    """Build the world and the company, and tell the story."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, World() as world:
        for version in ("1.4.0", "1.4.1", "1.4.2"):
            world.npm.publish("@acme/files-mcp", version, attested_by=BUILDER)
            world.pypi.publish("acme-fetch-mcp", version.replace("1.", "2.", 1), attested_by=BUILDER)
            world.clock.advance(days=3)
        world.github.create("acme/files-mcp")
        world.clock.advance(days=10)
        company = Company(Path(folder), world)
        company.approve(
            FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", repository="https://github.com/acme/files-mcp"
        )
        company.approve(FETCH, "2.4.2", package="pkg:pypi/acme-fetch-mcp")
        company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
        company.deploy("laptop-8", "pkg:pypi/acme-fetch-mcp@2.4.2")
        asyncio.run(story(company))
        arrived(world)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
