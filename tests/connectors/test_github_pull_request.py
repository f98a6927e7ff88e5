"""Decisions as pull requests: proposed once, and approvals only where a code owner's review stands for exactly the pin."""

from dataclasses import replace

import pytest

from connectors._edge.http import Http
from connectors._registry_edit import edit
from connectors.github_pull_request import GitHubPullRequest, build
from monitor.domain.action import Ambiguous, Deferred, Delivered, Rejected, RetireServer
from monitor.domain.review import Word
from monitor.domain.stage import Stage
from monitor.ports.channels import Phase, TicketState
from monitor.ports.errors import Denied, NotFound, Unavailable
from tests.connectors.test_registry_edit import FILES, TEXT, approval, entry_of, listed, pin, write
from tests.world import Fault, Kind, World
from tests.world.proposal_shapes import Proposal

REPOSITORY = "acme/registry"
PATH = "servers/registry.yaml"
TOKEN = "ghp_bot"
WRITE = replace(write(), fingerprint="0123456789abcdef")


@pytest.fixture
def hub(world: World, edge: Http) -> GitHubPullRequest:
    world.github.create(REPOSITORY)
    world.github.forge.put(REPOSITORY, PATH, TEXT.encode())
    return build(edge, api=world.url("github"), token=TOKEN, repository=REPOSITORY, path=PATH, branch="main")


def proposals(world: World) -> list[Proposal]:
    return world.github.forge.proposals(REPOSITORY)


async def state(hub: GitHubPullRequest) -> TicketState:
    return (await hub.read({"k": WRITE}))["k"]


async def test_a_decision_is_proposed_on_a_branch_of_its_own(hub: GitHubPullRequest, world: World) -> None:
    delivery = await hub.write(WRITE)

    (made,) = proposals(world)
    assert delivery == Delivered("1")
    assert made.head == f"mcp-monitor/io-github-acme-files-mcp-{pin().fingerprint}-01234567"
    assert (made.base, made.title) == ("main", "Approve io.github.acme/files-mcp 1.4.3")
    assert world.github.forge.file(REPOSITORY, PATH, branch=made.head).decode() == edit(TEXT, WRITE)
    assert world.github.forge.file(REPOSITORY, PATH).decode() == TEXT
    assert "SEC-2" in made.body
    assert pin().fingerprint in made.body
    assert {each.headers.get("authorization") for each in world.asked("github")} == {f"Bearer {TOKEN}"}


async def test_a_decision_that_is_delivered_twice_is_proposed_once(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(WRITE)

    delivery = await hub.write(WRITE)

    assert delivery == Delivered("1")
    assert len(proposals(world)) == 1


@pytest.mark.parametrize(
    "request_", ["POST /github/repos/acme/registry/git/refs", "PUT ", "POST /github/repos/acme/registry/pulls"]
)
@pytest.mark.parametrize("kind", [Kind.ACCEPTED_THEN_RESET, Kind.ACCEPTED_THEN_ERROR, Kind.RESET, Kind.OUTAGE])
async def test_an_attempt_that_broke_off_anywhere_is_gone_on_from(
    hub: GitHubPullRequest, world: World, request_: str, kind: Kind
) -> None:
    world.break_("github", Fault(kind, only=request_, times=1))

    first = await hub.write(WRITE)
    second = await hub.write(WRITE)

    (made,) = proposals(world)
    assert isinstance(first, Ambiguous | Deferred) or "PUT" in request_  # which the library below may repeat by itself
    assert second == Delivered("1")
    assert world.github.forge.file(REPOSITORY, PATH, branch=made.head).decode() == edit(TEXT, WRITE)


async def test_what_stands_there_already_needs_no_proposal(hub: GitHubPullRequest, world: World) -> None:
    world.github.forge.put(REPOSITORY, PATH, edit(TEXT, WRITE).encode())

    delivery = await hub.write(WRITE)

    assert delivery == Delivered("unchanged")
    assert proposals(world) == []


async def test_what_somebody_approved_meanwhile_is_no_proposal(hub: GitHubPullRequest, world: World) -> None:
    world.github.forge.put(REPOSITORY, PATH, TEXT.replace("1.4.2", "1.5.0").encode())

    delivery = await hub.write(WRITE)

    assert isinstance(delivery, Rejected)
    assert "the registry approves pkg:npm/%40acme/files-mcp@1.5.0" in delivery.detail
    assert world.asked("github", "POST") == []


async def test_a_proposal_that_somebody_closed_is_not_opened_again(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(WRITE)
    world.github.forge.close(REPOSITORY, 1, by="ada")

    delivery = await hub.write(WRITE)

    assert isinstance(delivery, Rejected)
    assert "was closed unmerged" in delivery.detail
    assert len(proposals(world)) == 1


async def test_servers_are_listed_and_retired_by_proposal_too(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(listed(Stage.STAGING))
    await hub.write(RetireServer("retire:1", FILES, "ada", "`nobody` @acme #1", "github-pull-request"))

    new, retired = proposals(world)
    files = [world.github.forge.file(REPOSITORY, PATH, branch=each.head).decode() for each in (new, retired)]
    assert entry_of(files[0], "io.github.acme/new").server.stage is Stage.STAGING
    assert entry_of(files[1]).server.stage is Stage.RETIRED
    assert "'nobody' @acme #1\n```" in retired.body


async def test_nothing_of_a_strangers_becomes_markup(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(replace(WRITE, approval=replace(approval(), ticket="``` # @acme [x](https://evil.example)")))

    (made,) = proposals(world)
    assert made.body.count("```") == 2
    assert made.body.index("evil.example") < made.body.rindex("```")


async def test_a_token_that_may_not_write_is_rejected_with_the_way_out(hub: GitHubPullRequest, world: World) -> None:
    world.github.forge.read_only = True

    delivery = await hub.write(WRITE)

    assert isinstance(delivery, Rejected)
    assert "Resource not accessible" in delivery.detail
    assert "may the token write" in delivery.detail
    with pytest.raises(Denied, match="may not push"):
        await hub.probe()


@pytest.mark.parametrize("kind", [Kind.TOO_MANY, Kind.RATE_LIMIT])
async def test_a_limit_is_waited_for(hub: GitHubPullRequest, world: World, kind: Kind) -> None:
    world.break_("github", Fault(kind, only="POST", seconds=40, times=1))

    delivery = await hub.write(WRITE)

    assert isinstance(delivery, Deferred)
    assert 35 < delivery.after_seconds <= 45


async def test_a_limit_that_names_no_time_is_waited_for_all_the_same(hub: GitHubPullRequest, world: World) -> None:
    world.github.forge.busy = True

    delivery = await hub.write(WRITE)

    assert isinstance(delivery, Deferred)
    assert "secondary rate limit" in delivery.detail
    assert proposals(world) == []


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.GARBAGE, Kind.OUTAGE, Kind.HANG])
async def test_an_answer_that_is_none_proposes_nothing(hub: GitHubPullRequest, world: World, kind: Kind) -> None:
    world.break_("github", Fault(kind))

    delivery = await hub.write(WRITE)

    assert not isinstance(delivery, Delivered)
    assert proposals(world) == []


async def test_a_repository_that_is_not_there_is_rejected(hub: GitHubPullRequest, world: World) -> None:
    world.github.delete(REPOSITORY)

    delivery = await hub.write(WRITE)

    assert isinstance(delivery, Rejected)
    assert "[reviews.repository]" in delivery.detail


# --- how proposals stand


async def test_a_proposal_that_does_not_exist_is_not_told(hub: GitHubPullRequest) -> None:
    assert await hub.read({"k": WRITE}) == {}


async def test_an_open_proposal_decides_nothing(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(WRITE)
    world.github.forge.review(REPOSITORY, 1, by="grace")

    assert (await state(hub)).phase is Phase.NEW


@pytest.mark.parametrize("by_protection", [False, True])
async def test_merged_after_a_review_is_the_approval(hub: GitHubPullRequest, world: World, by_protection: bool) -> None:  # noqa: FBT001
    world.github.forge.by_protection = by_protection
    await hub.write(WRITE)
    world.clock.advance(hours=1)
    world.github.forge.review(REPOSITORY, 1, by="grace")
    reviewed_at = world.clock().replace(microsecond=0)
    world.clock.advance(hours=1)
    world.github.forge.merge(REPOSITORY, 1)

    found = await state(hub)

    (said,) = found.said
    assert found.phase is Phase.APPROVED
    assert (said.word, said.by, said.at, said.shown) == (Word.APPROVE, "grace", reviewed_at, (pin().fingerprint,))
    assert said.detail == "pull request 1 of acme/registry"
    assert said.ref


def merge(world: World, *reviews: tuple[str, str]) -> None:
    for by, word in reviews:
        world.github.forge.review(REPOSITORY, 1, by=by, state=word)
    world.github.forge.merge(REPOSITORY, 1)


@pytest.mark.parametrize(
    "reviews",
    [
        (),
        (("acme-bot", "APPROVED"),),
        (("helper[bot]", "APPROVED"),),
        (("grace", "COMMENTED"),),
        (("grace", "APPROVED"), ("grace", "CHANGES_REQUESTED")),
        (("grace", "APPROVED"), ("Grace", "DISMISSED")),
    ],
)
async def test_merged_without_a_review_that_stands_is_no_approval(
    hub: GitHubPullRequest, world: World, reviews: tuple[tuple[str, str], ...]
) -> None:
    await hub.write(WRITE)
    merge(world, *reviews)

    found = await state(hub)

    assert (found.phase, found.said) == (Phase.CLOSED, ())
    assert "without an approving review" in found.status


async def test_a_comment_after_the_approval_takes_nothing_back(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(WRITE)
    merge(world, ("grace", "APPROVED"), ("grace", "COMMENTED"))

    assert (await state(hub)).phase is Phase.APPROVED


async def test_a_review_of_an_earlier_commit_is_no_approval(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(WRITE)
    (made,) = proposals(world)
    world.github.forge.review(REPOSITORY, 1, by="grace")
    world.github.forge.put(REPOSITORY, PATH, b"other", branch=made.head)
    world.github.forge.merge(REPOSITORY, 1)

    assert (await state(hub)).phase is Phase.CLOSED


async def test_what_was_merged_is_what_was_shown_and_not_what_was_proposed(
    hub: GitHubPullRequest, world: World
) -> None:
    await hub.write(WRITE)
    (made,) = proposals(world)
    other = edit(TEXT, write(approval(replace(pin(), purl=pin().purl.package.at("9.9.9")))))
    world.github.forge.put(REPOSITORY, PATH, other.encode(), branch=made.head)
    merge(world, ("grace", "APPROVED"))

    found = await state(hub)

    (said,) = found.said
    assert said.shown == (replace(pin(), purl=pin().purl.package.at("9.9.9")).fingerprint,)
    assert said.shown != (pin().fingerprint,)


async def test_where_no_code_owner_has_to_review_nothing_counts(hub: GitHubPullRequest, world: World) -> None:
    world.github.forge.demands_owners = False
    await hub.write(WRITE)
    merge(world, ("grace", "APPROVED"))

    found = await state(hub)

    assert (found.phase, found.said) == (Phase.CLOSED, ())
    assert "main demands no review of code owners" in found.status
    assert "counts for no approval" in await hub.probe()


@pytest.mark.parametrize(("lines", "words"), [(None, "no CODEOWNERS file"), (1, "has 1 error")])
async def test_where_the_owners_cannot_be_told_nothing_counts(
    hub: GitHubPullRequest,
    world: World,
    lines: int | None,
    words: str,
) -> None:
    line = {"line": 1, "column": 1, "kind": "Invalid pattern", "path": "CODEOWNERS", "message": "no"}
    world.github.forge.owner_errors = [line] * lines if lines else None
    await hub.write(WRITE)
    merge(world, ("grace", "APPROVED"))

    found = await state(hub)

    assert (found.phase, found.said) == (Phase.CLOSED, ())
    assert words in found.status


async def test_closed_unmerged_is_a_rejection_by_who_closed_it(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(WRITE)
    world.github.forge.close(REPOSITORY, 1, by="ada")

    found = await state(hub)

    (said,) = found.said
    assert found.phase is Phase.REJECTED
    assert (said.word, said.by, said.shown) == (Word.REJECT, "ada", (pin().fingerprint,))


@pytest.mark.parametrize("by", ["", "acme-bot", "stale[bot]"])
async def test_closed_by_nobody_or_a_program_is_no_decision(hub: GitHubPullRequest, world: World, by: str) -> None:
    await hub.write(WRITE)
    world.github.forge.close(REPOSITORY, 1, by=by)

    assert (await state(hub)).phase is Phase.CLOSED


async def test_another_question_about_the_same_pin_is_another_proposal(hub: GitHubPullRequest, world: World) -> None:
    await hub.write(WRITE)
    merge(world, ("grace", "APPROVED"))

    assert await hub.read({"k": replace(WRITE, fingerprint="fedcba9876543210")}) == {}


@pytest.mark.parametrize("kind", [Kind.OUTAGE, Kind.RESET])
async def test_an_outage_is_never_half_an_answer(hub: GitHubPullRequest, world: World, kind: Kind) -> None:
    await hub.write(WRITE)
    merge(world, ("grace", "APPROVED"))
    world.break_("github", Fault(kind, only="reviews"))

    with pytest.raises(Unavailable):
        await hub.read({"k": WRITE})


async def test_the_doctor_says_where_decisions_are_proposed(hub: GitHubPullRequest, world: World) -> None:
    line = await hub.probe()

    assert line == (
        "github-pull-request: decisions are proposed to acme/registry (servers/registry.yaml on main); code owners decide"
    )
    world.github.delete(REPOSITORY)
    with pytest.raises(NotFound):
        await hub.probe()


def elsewhere(world: World, head: str) -> None:
    """Let somebody ask to merge our branch into another one."""
    world.github.forge.put(REPOSITORY, PATH, TEXT.encode(), branch="staging")
    made = Proposal(len(proposals(world)) + 1, head, "staging", "try it", "", world.clock(), by="ada")
    proposals(world).append(made)


async def test_a_younger_request_to_merge_our_branch_elsewhere_hides_nothing(
    hub: GitHubPullRequest, world: World
) -> None:
    await hub.write(WRITE)
    elsewhere(world, proposals(world)[0].head)
    merge(world, ("grace", "APPROVED"))

    found = await state(hub)

    assert (found.key, found.phase, found.merged) == ("1", Phase.APPROVED, True)


async def test_a_request_to_merge_our_branch_elsewhere_is_not_our_proposal(
    hub: GitHubPullRequest, world: World
) -> None:
    await hub.write(WRITE)
    head = proposals(world).pop().head
    elsewhere(world, head)
    proposals(world)[0].closed_at = world.clock()

    delivery = await hub.write(WRITE)

    assert delivery == Delivered("2")
