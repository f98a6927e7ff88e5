"""The simulated GitHub, and the checks of the vendors' contracts on both sides of it."""

from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from json import loads

import httpx
import pytest

from monitor.domain.purl import Purl
from tests import corpus
from tests.world import Identity, World
from tests.world.contracts import Contracts
from tests.world.github_advisories import Flawed

REPOSITORY = "acme/files-mcp"
BUILDER = Identity(repository=REPOSITORY)
ACCEPT = "application/vnd.github+json, application/json;q=0.9"


@pytest.fixture
def github(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.url("github"), headers={"Accept": ACCEPT}, timeout=5, trust_env=False) as client:
        yield client


def test_a_release_lists_assets_with_digests_that_hold(world: World, github: httpx.Client) -> None:
    world.github.release(REPOSITORY, "v1.0.0", assets={"server.mcpb": b"bytes"})

    (release,) = github.get(f"/repos/{REPOSITORY}/releases").json()

    (asset,) = release["assets"]
    body = github.get(asset["browser_download_url"], follow_redirects=True).content
    assert (release["tag_name"], asset["digest"]) == ("v1.0.0", f"sha256:{sha256(body).hexdigest()}")


def test_tampered_assets_are_not_those_announced(world: World, github: httpx.Client) -> None:
    made = world.github.release(REPOSITORY, "v1.0.0", assets={"server.mcpb": b"bytes"}, tampered=True)

    body = github.get(f"/{REPOSITORY}/releases/download/v1.0.0/server.mcpb", follow_redirects=True).content

    assert made.assets[0].digest != f"sha256:{sha256(body).hexdigest()}"


def test_drafts_are_not_shown(world: World, github: httpx.Client) -> None:
    world.github.release(REPOSITORY, "v1.0.0", draft=True)

    assert github.get(f"/repos/{REPOSITORY}/releases").json() == []


def test_a_tag_tells_the_commit_and_a_ref_the_tag_object(world: World, github: httpx.Client) -> None:
    made = world.github.tag(REPOSITORY, "v1.0.0", annotated=True)

    (tag,) = github.get(f"/repos/{REPOSITORY}/tags").json()
    (ref,) = github.get(f"/repos/{REPOSITORY}/git/matching-refs/tags/v").json()
    same = github.get(f"/repos/{REPOSITORY}/git/ref/tags%2Fv1.0.0").json()
    annotation = github.get(f"/repos/{REPOSITORY}/git/tags/{ref['object']['sha']}").json()

    assert tag["commit"]["sha"] == made.commit
    assert ref["object"] == same["object"]
    assert ref["object"]["type"] == "tag"
    assert annotation["object"]["sha"] == made.commit


def test_a_moved_tag_points_elsewhere(world: World, github: httpx.Client) -> None:
    before = world.github.tag(REPOSITORY, "v1.0.0")

    world.github.move_tag(REPOSITORY, "v1.0.0")

    (tag,) = github.get(f"/repos/{REPOSITORY}/tags").json()
    assert tag["commit"]["sha"] != before.commit


def test_lists_come_in_pages_that_link_to_each_other(world: World, github: httpx.Client) -> None:
    for number in range(5):
        world.github.tag(REPOSITORY, f"v1.0.{number}")

    first = github.get(f"/repos/{REPOSITORY}/tags?per_page=2")
    second = github.get(first.links["next"]["url"])
    third = github.get(second.links["next"]["url"])

    assert [tag["name"] for page in (first, second, third) for tag in page.json()] == [
        f"v1.0.{number}" for number in (4, 3, 2, 1, 0)
    ]
    assert "next" not in third.links


def test_a_moved_repository_redirects_to_its_number(world: World, github: httpx.Client) -> None:
    world.github.release(REPOSITORY, "v1.0.0")
    world.github.archive(REPOSITORY)
    before = github.get(f"/repos/{REPOSITORY}").json()["id"]

    world.github.move(REPOSITORY, "evil/files-mcp")

    moved = github.get(f"/repos/{REPOSITORY}/releases?per_page=1")
    repository = github.get(f"/repos/{REPOSITORY}", follow_redirects=True).json()
    assert moved.status_code == 301
    assert github.get(moved.headers["location"]).json()[0]["tag_name"] == "v1.0.0"
    assert (repository["full_name"], repository["id"], repository["archived"]) == ("evil/files-mcp", before, True)


def test_a_resurrected_repository_has_another_number(world: World, github: httpx.Client) -> None:
    before = world.github.create(REPOSITORY).id

    world.github.delete(REPOSITORY)
    gone = github.get(f"/repos/{REPOSITORY}").status_code
    world.github.create(REPOSITORY)

    assert gone == 404
    assert github.get(f"/repos/{REPOSITORY}").json()["id"] != before


def test_a_repository_that_was_taken_down_is_unavailable_for_legal_reasons(world: World, github: httpx.Client) -> None:
    world.github.create(REPOSITORY)

    world.github.take_down(REPOSITORY)

    assert github.get(f"/repos/{REPOSITORY}").status_code == 451


def test_attestations_are_found_by_digest(world: World, github: httpx.Client) -> None:
    made = world.github.release(REPOSITORY, "v1.0.0", assets={"server.mcpb": b"bytes"}, attested_by=BUILDER)
    digest = made.assets[0].digest

    (attestation,) = github.get(f"/repos/{REPOSITORY}/attestations/{digest}").json()["attestations"]
    world.github.inline_bundles = False
    (address,) = github.get(f"/repos/{REPOSITORY}/attestations/{digest}").json()["attestations"]

    payload = loads(b64decode(attestation["bundle"]["dsseEnvelope"]["payload"]))
    assert f"sha256:{payload['subject'][0]['digest']['sha256']}" == digest
    assert "bundle" not in address
    assert github.get(f"/repos/{REPOSITORY}/attestations/sha256:{'0' * 64}").status_code == 404


def test_what_is_known_is_not_sent_again_but_counts(world: World, github: httpx.Client) -> None:
    world.github.create(REPOSITORY)
    first = github.get(f"/repos/{REPOSITORY}")

    again = github.get(f"/repos/{REPOSITORY}", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == "58"


def test_entity_tags_differ_by_token(world: World, github: httpx.Client) -> None:
    world.github.create(REPOSITORY)

    tags = [
        github.get(f"/repos/{REPOSITORY}", headers={"Authorization": f"Bearer {it}"}).headers["etag"] for it in "ab"
    ]

    assert tags[0] != tags[1]


def test_sixty_requests_an_hour_are_enough_without_a_token(world: World, github: httpx.Client) -> None:
    world.github.create(REPOSITORY)
    world.github.limited = True

    answers = [github.get(f"/repos/{REPOSITORY}") for _ in range(61)]
    left = github.get("/rate_limit").json()["rate"]["remaining"]
    world.clock.advance(hours=1)
    later = github.get(f"/repos/{REPOSITORY}")

    assert [answer.status_code for answer in answers[-2:]] == [200, 403]
    assert (left, answers[-1].headers["x-ratelimit-remaining"]) == (0, "0")
    assert later.status_code == 200


# contracts


def test_a_request_that_breaks_the_contract_is_a_violation() -> None:
    corpus.contract("github-openapi.json.gz")

    with World(check=Contracts) as world:
        world.github.create(REPOSITORY)
        httpx.get(f"{world.url('github')}/repos/{REPOSITORY}/releases?per_page=many", trust_env=False)
        httpx.get(f"{world.url('github')}/repos/{REPOSITORY}/tag", trust_env=False)

    assert ["per_page" in violation for violation in world.violations] == [True, False]
    assert "Path not found" in world.violations[1]


def test_an_answer_that_breaks_the_contract_is_a_violation() -> None:
    corpus.contract("github-openapi.json.gz")

    with World(check=Contracts) as world:
        made = world.github.release(REPOSITORY, "v1.0.0", assets={"server.mcpb": b"bytes"}, attested_by=BUILDER)
        bundles = made.assets[0].digest or ""
        world.github.repository(REPOSITORY).attestations[bundles] = ["no bundle"]
        httpx.get(f"{world.url('github')}/repos/{REPOSITORY}/attestations/{bundles}", trust_env=False)

    assert ["attestations" in violation for violation in world.violations] == [True]


def test_jira_is_held_to_its_contract(world: World) -> None:
    issue = {"fields": {"project": {"key": "MCPSEC"}, "issuetype": {"id": "10001"}, "summary": "Look", "labels": ["a"]}}

    answer = httpx.post(
        f"{world.url('jira')}/rest/api/3/issue", json=issue, auth=("bot@world.example", "jira-world"), trust_env=False
    )

    assert (answer.status_code, [it.summary for it in world.jira.issues]) == (201, ["Look"])


# --- advisories


def test_malware_has_to_be_asked_for_and_by_githubs_word_for_the_ecosystem(world: World, github: httpx.Client) -> None:
    world.github.advisories.malware("GHSA-1111-2222-3333", Purl.pypi("acme"), "= 1.0.1")
    world.github.advisories.publish("GHSA-4444-5555-6666", Flawed(Purl.pypi("acme"), "< 2"))

    def ids(query: str) -> list[str]:
        return [each["ghsa_id"] for each in github.get(f"/advisories?{query}").json()]

    assert ids("type=malware&ecosystem=pip&affects=acme@1.0.1,other") == ["GHSA-1111-2222-3333"]
    assert ids("type=malware&ecosystem=pip&affects=acme@1.0.0") == []
    assert ids("ecosystem=pip&affects=acme@1.0.1") == ["GHSA-4444-5555-6666"]
    assert ids("type=malware&ecosystem=npm&affects=acme") == []
    assert github.get("/advisories?ecosystem=pypi").status_code == 422


def test_a_repositorys_advisory_is_not_in_the_global_database_until_it_is_reviewed(
    world: World, github: httpx.Client
) -> None:
    world.github.create(REPOSITORY)
    name = "GHSA-1111-2222-3333"
    world.github.advisories.publish(name, Flawed(Purl.npm("acme")), repository=REPOSITORY, reviewed=False)
    own = f"/repos/{REPOSITORY}/security-advisories"

    assert [each["ghsa_id"] for each in github.get(f"{own}?state=published").json()] == [name]
    assert github.get(f"/advisories/{name}").status_code == 404
    world.github.advisories.change(name, reviewed=True)
    assert github.get(f"/advisories/{name}").json()["repository_advisory_url"].endswith(f"{own}/{name}")


def test_a_withdrawn_advisory_leaves_its_repositorys_list_alone(world: World, github: httpx.Client) -> None:
    world.github.create(REPOSITORY)
    name = "GHSA-1111-2222-3333"
    world.github.advisories.publish(name, Flawed(None), repository=REPOSITORY)
    world.github.advisories.withdraw(name)

    assert github.get(f"/repos/{REPOSITORY}/security-advisories").json() == []
    assert github.get(f"/repos/{REPOSITORY}/security-advisories/{name}").json()["state"] == "withdrawn"
    assert github.get(f"/advisories/{name}").json()["withdrawn_at"] is not None


def test_a_cursor_leads_to_the_next_page(world: World, github: httpx.Client) -> None:
    for number in range(3):
        world.github.advisories.publish(f"GHSA-1111-2222-{number:04}", Flawed(Purl.npm("acme")))

    first = github.get("/advisories?ecosystem=npm&per_page=2")
    second = github.get(first.links["next"]["url"])

    assert [len(first.json()), len(second.json())] == [2, 1]
    assert "next" not in second.links
