"""The simulated world, asked with a plain HTTP client: it has to be right before the program is judged by it."""

import json
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256, sha512
from io import BytesIO
from pathlib import Path
from tarfile import open as open_tar
from zipfile import ZipFile

import httpx
import pytest

from monitor.domain.purl import Purl
from tests.world import Fault, Identity, Kind, World
from tests.world.npm import ABBREVIATED
from tests.world.pypi import INTEGRITY, SIMPLE

NPM, PYPI = Purl.npm("@acme/files-mcp"), Purl.pypi("acme-files-mcp")
BUILDER = Identity(repository="acme/files-mcp")


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, trust_env=False) as client:
        yield client


# npm


def test_a_package_document_tells_versions_times_and_digests(world: World, client: httpx.Client) -> None:
    world.npm.publish("@acme/files-mcp", "1.4.2")
    world.clock.advance(days=1)
    world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)

    document = client.get(f"{world.url('npm')}/@acme%2ffiles-mcp").json()

    assert document["dist-tags"] == {"latest": "1.4.3"}
    assert document["time"]["1.4.2"] == "2026-11-20T12:00:00.000Z"
    assert document["time"]["1.4.3"] == "2026-11-21T12:00:00.000Z"
    dist = document["versions"]["1.4.3"]["dist"]
    tarball = client.get(dist["tarball"]).content
    assert dist["integrity"] == world.npm.packages["@acme/files-mcp"].versions["1.4.3"].integrity
    assert sha512(tarball).hexdigest() == world.npm.packages["@acme/files-mcp"].versions["1.4.3"].sha512
    with open_tar(fileobj=BytesIO(tarball)) as archive:
        assert "package/package.json" in archive.getnames()
    attestations = client.get(dist["attestations"]["url"]).json()["attestations"]
    assert len(attestations) == 2


def test_installers_get_a_document_without_times(world: World, client: httpx.Client) -> None:
    world.npm.publish("plain", "1.0.0")

    answer = client.get(f"{world.url('npm')}/plain", headers={"Accept": ABBREVIATED})

    assert answer.headers["content-type"] == ABBREVIATED
    assert "time" not in answer.json()


@pytest.mark.parametrize("part", ["npm/plain", "pypi/simple/acme-files-mcp/"])
def test_what_is_known_is_not_sent_again_until_it_changes(world: World, client: httpx.Client, part: str) -> None:
    world.npm.publish("plain", "1.0.0")
    world.pypi.publish("acme-files-mcp", "1.0.0")
    headers = {"Accept": f"{SIMPLE}, application/json"}
    tag = client.get(world.url(part), headers=headers).headers["etag"]

    again = client.get(world.url(part), headers=headers | {"If-None-Match": tag})
    world.npm.deprecate("plain", "1.0.0")
    world.pypi.yank("acme-files-mcp", "1.0.0")
    changed = client.get(world.url(part), headers=headers | {"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200


def test_an_unpublished_version_leaves_its_time_behind(world: World, client: httpx.Client) -> None:
    world.npm.publish("plain", "1.0.0")
    world.npm.publish("plain", "1.0.1")

    world.npm.unpublish("plain", "1.0.1")

    document = client.get(f"{world.url('npm')}/plain").json()
    assert list(document["versions"]) == ["1.0.0"]
    assert "1.0.1" in document["time"]
    assert document["dist-tags"] == {"latest": "1.0.0"}


def test_an_unpublished_package_leaves_an_epitaph(world: World, client: httpx.Client) -> None:
    world.npm.publish("plain", "1.0.0")

    world.npm.unpublish("plain")

    document = client.get(f"{world.url('npm')}/plain").json()
    assert document["time"]["unpublished"]["versions"] == ["1.0.0"]
    assert "versions" not in document


def test_a_security_holder_is_older_than_everything(world: World, client: httpx.Client) -> None:
    world.npm.publish("plain", "1.0.0")

    world.npm.hold("plain")

    document = client.get(f"{world.url('npm')}/plain").json()
    assert document["dist-tags"] == {"latest": "0.0.1-security"}
    assert document["versions"]["0.0.1-security"]["_npmUser"]["name"] == "npm"


def test_tampered_bytes_are_not_those_announced(world: World, client: httpx.Client) -> None:
    world.npm.publish("plain", "1.0.0", tampered=True)

    tarball = client.get(f"{world.url('npm')}/plain/-/plain-1.0.0.tgz").content

    assert sha512(tarball).hexdigest() != world.npm.packages["plain"].versions["1.0.0"].sha512


def test_a_forged_attestation_is_about_other_bytes(world: World) -> None:
    honest = world.npm.publish("plain", "1.0.0", attested_by=BUILDER)
    forged = world.npm.publish("plain", "1.0.1", attested_by=BUILDER, forged=True)

    assert subjects(honest.attestations) == {honest.sha512}
    assert forged.sha512 not in subjects(forged.attestations)


def test_republished_bytes_keep_their_time(world: World) -> None:
    before = world.npm.publish("plain", "1.0.0")
    world.clock.advance(days=3)

    after = world.npm.republish("plain", "1.0.0")

    assert after.integrity != before.integrity
    assert world.npm.packages["plain"].time["1.0.0"] < world.clock()


def test_what_npm_does_not_know_is_404(world: World, client: httpx.Client) -> None:
    world.npm.publish("plain", "1.0.0")

    paths = ["npm/other", "npm/plain/-/plain-2.0.0.tgz", "npm/-/npm/v1/attestations/plain@1.0.0", "files/nothing"]

    assert [client.get(world.url(path)).status_code for path in paths] == [404, 404, 404, 404]


# PyPI


def test_an_index_page_lists_files_with_digests_and_provenance(world: World, client: httpx.Client) -> None:
    world.pypi.publish("Acme.Files_MCP", "1.0.0", attested_by=BUILDER)

    page = client.get(f"{world.url('pypi')}/simple/acme-files-mcp/", headers={"Accept": SIMPLE}).json()

    assert page["meta"]["api-version"] == "1.4"
    assert page["versions"] == ["1.0.0"]
    assert page["project-status"] == {"status": "active"}
    wheel = next(file for file in page["files"] if file["filename"].endswith(".whl"))
    body = client.get(wheel["url"]).content
    assert wheel["hashes"]["sha256"] == sha256(body).hexdigest()
    assert wheel["size"] == len(body)
    assert "acme_files_mcp-1.0.0.dist-info/RECORD" in ZipFile(BytesIO(body)).namelist()
    provenance = client.get(wheel["provenance"], headers={"Accept": INTEGRITY}).json()
    assert provenance["attestation_bundles"][0]["publisher"]["repository"] == "acme/files-mcp"


def test_another_spelling_of_a_name_is_redirected(world: World, client: httpx.Client) -> None:
    world.pypi.publish("acme-files-mcp", "1.0.0")

    answer = client.get(f"{world.url('pypi')}/simple/Acme_Files_MCP/")

    assert answer.status_code == 301
    assert client.get(f"{world.origin()}{answer.headers['location']}").status_code == 200


def test_a_quarantined_project_has_a_page_and_no_files(world: World, client: httpx.Client) -> None:
    world.pypi.publish("acme-files-mcp", "1.0.0")

    world.pypi.quarantine("acme-files-mcp")

    page = client.get(f"{world.url('pypi')}/simple/acme-files-mcp/", headers={"Accept": SIMPLE}).json()
    assert (page["project-status"]["status"], page["files"], page["versions"]) == ("quarantined", [], [])


def test_yanked_files_stay_listed_with_the_reason(world: World, client: httpx.Client) -> None:
    world.pypi.publish("acme-files-mcp", "1.0.0")
    world.pypi.publish("acme-files-mcp", "1.0.1")

    world.pypi.yank("acme-files-mcp", "1.0.0", "leaks tokens")

    page = client.get(f"{world.url('pypi')}/simple/acme-files-mcp/", headers={"Accept": SIMPLE}).json()
    assert [file["yanked"] for file in page["files"]] == ["leaks tokens", "leaks tokens", False, False]


def test_a_removed_release_leaves_no_mark(world: World, client: httpx.Client) -> None:
    world.pypi.publish("acme-files-mcp", "1.0.0")
    world.pypi.publish("acme-files-mcp", "1.0.1")

    world.pypi.remove("acme-files-mcp", "1.0.1")

    page = client.get(f"{world.url('pypi')}/simple/acme-files-mcp/", headers={"Accept": SIMPLE}).json()
    assert (page["project-status"]["status"], page["versions"]) == ("active", ["1.0.0"])


def test_an_old_mirror_knows_only_html(world: World, client: httpx.Client) -> None:
    world.pypi.publish("acme-files-mcp", "1.0.0")
    world.pypi.shape = "html"

    answer = client.get(f"{world.url('pypi')}/simple/acme-files-mcp/", headers={"Accept": SIMPLE})

    assert answer.headers["content-type"].startswith("text/html")


# OSV


def ask(client: httpx.Client, world: World, *queries: dict[str, object]) -> httpx.Response:
    return client.post(f"{world.url('osv')}/v1/querybatch", json={"queries": list(queries)})


def about(version: str, ecosystem: str = "npm", name: str = "@acme/files-mcp") -> dict[str, object]:
    return {"package": {"ecosystem": ecosystem, "name": name}, "version": version}


def test_a_batch_answers_each_query_in_its_place(world: World, client: httpx.Client) -> None:
    world.osv.advise("GHSA-aaaa-bbbb-cccc", NPM, fixed="1.4.4")
    world.osv.malware("MAL-2026-1", PYPI, "2.0.0")

    results = ask(client, world, about("1.4.4"), about("1.4.4-rc.1"), about("2.0.0", "PyPI", "Acme_Files.MCP")).json()[
        "results"
    ]

    assert [[vuln["id"] for vuln in slot.get("vulns", [])] for slot in results] == [
        [],
        ["GHSA-aaaa-bbbb-cccc"],
        ["MAL-2026-1"],
    ]
    assert results[0] == {}


def test_one_bad_query_costs_the_batch(world: World, client: httpx.Client) -> None:
    answer = ask(client, world, about("1.0.0"), about("1.0.0", "pypi"))

    assert answer.status_code == 400
    assert answer.json()["message"] == "error in query at index 1: invalid ecosystem"


def test_a_batch_of_more_than_a_thousand_is_refused(world: World, client: httpx.Client) -> None:
    assert ask(client, world, *[about("1.0.0")] * 1001).status_code == 400


def test_pages_follow_each_other_and_may_begin_with_a_lone_token(world: World, client: httpx.Client) -> None:
    for number in range(5):
        world.osv.advise(f"GHSA-{number}", NPM)
    world.osv.page_size, world.osv.lone_tokens = 2, True

    seen, token, answers = list[str](), "", 0
    while token or not answers:
        (slot,) = ask(client, world, about("1.0.0") | ({"page_token": token} if token else {})).json()["results"]
        seen += [vuln["id"] for vuln in slot.get("vulns", [])]
        token, answers = slot.get("next_page_token", ""), answers + 1

    assert seen == [f"GHSA-{number}" for number in range(5)]
    assert answers == 4


def test_a_withdrawn_record_leaves_the_batch_and_is_still_served(world: World, client: httpx.Client) -> None:
    world.osv.advise("GHSA-1", NPM, aliases=["CVE-2026-1"])
    world.clock.advance(hours=1)

    world.osv.withdraw("GHSA-1")

    assert ask(client, world, about("1.0.0")).json() == {"results": [{}]}
    assert client.get(f"{world.url('osv')}/v1/vulns/GHSA-1").json()["withdrawn"] == "2026-11-20T13:00:00Z"


def test_an_alias_is_told_and_not_served(world: World, client: httpx.Client) -> None:
    world.osv.advise("GHSA-1", NPM, aliases=["CVE-2026-1"])

    answer = client.get(f"{world.url('osv')}/v1/vulns/CVE-2026-1")

    assert answer.status_code == 404
    assert "GHSA-1" in answer.json()["message"]


def test_a_single_query_answers_with_the_records(world: World, client: httpx.Client) -> None:
    world.osv.advise("GHSA-1", NPM, fixed="1.4.4")

    answer = client.post(f"{world.url('osv')}/v1/query", json=about("1.0.0")).json()

    assert answer["vulns"][0]["affected"][0]["ranges"][0]["events"] == [{"introduced": "0"}, {"fixed": "1.4.4"}]


# faults


def plain(world: World) -> str:
    world.npm.publish("plain", "1.0.0")
    return f"{world.url('npm')}/plain"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(Kind.OUTAGE), 503),
        (Fault(Kind.STATUS, status=404), 404),
        (Fault(Kind.STATUS, status=304), 304),
        (Fault(Kind.TOO_MANY, seconds=7), 429),
        (Fault(Kind.RATE_LIMIT, seconds=60), 403),
        (Fault(Kind.REDIRECT), 302),
        (Fault(Kind.ACCEPTED_THEN_ERROR), 500),
    ],
)
def test_a_part_that_is_broken_answers_so_until_it_is_mended(
    world: World, client: httpx.Client, fault: Fault, status: int
) -> None:
    address = plain(world)
    world.break_("npm", fault)

    broken = client.get(address)
    world.mend("npm")

    assert broken.status_code == status
    assert client.get(address).status_code == 200


def test_limits_say_when_to_come_back(world: World, client: httpx.Client) -> None:
    address = plain(world)
    world.break_("npm", Fault(Kind.TOO_MANY, seconds=7, times=1))
    world.break_("npm", Fault(Kind.RATE_LIMIT, seconds=60, times=1))

    too_many, limited = client.get(address), client.get(address)

    assert too_many.headers["retry-after"] == "7"
    assert limited.headers["x-ratelimit-remaining"] == "0"
    assert int(limited.headers["x-ratelimit-reset"]) == int(world.clock().timestamp()) + 60


@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.HTML])
def test_noise_is_no_json(world: World, client: httpx.Client, kind: Kind) -> None:
    address = plain(world)
    world.break_("npm", Fault(kind))

    answer = client.get(address)

    with pytest.raises(ValueError, match=r"."):
        json.loads(answer.content)


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.TRUNCATED, Kind.ACCEPTED_THEN_RESET])
def test_a_broken_connection_is_an_error_of_the_transport(world: World, client: httpx.Client, kind: Kind) -> None:
    address = plain(world)
    world.break_("npm", Fault(kind, times=1))

    with pytest.raises(httpx.RemoteProtocolError):
        client.get(address)

    assert client.get(address).status_code == 200


def test_a_hanging_part_says_nothing(world: World, client: httpx.Client) -> None:
    address = plain(world)
    world.break_("npm", Fault(Kind.HANG))

    with pytest.raises(httpx.ReadTimeout):
        client.get(address, timeout=0.05)


def test_a_slow_part_says_the_truth_later(world: World, client: httpx.Client) -> None:
    address = plain(world)
    world.break_("npm", Fault(Kind.DELAY, seconds=0.02))

    answer = client.get(address)

    assert answer.json()["name"] == "plain"
    assert answer.elapsed.total_seconds() >= 0.02


@pytest.mark.parametrize("kind", [Kind.HUGE, Kind.BOMB])
def test_a_huge_body_is_as_large_as_was_asked_for(world: World, client: httpx.Client, kind: Kind) -> None:
    address = plain(world)
    world.break_("npm", Fault(kind, size=2**20))

    answer = client.get(address)

    assert len(answer.content) == 2**20


def test_a_fault_can_hit_some_requests_and_only_some_times(world: World, client: httpx.Client) -> None:
    address = plain(world)
    world.break_("npm", Fault(Kind.OUTAGE, only="/-/", after=1, times=1))

    codes = [client.get(f"{address}/-/plain-1.0.0.tgz").status_code for _ in range(3)]

    assert client.get(address).status_code == 200
    assert codes == [200, 503, 200]


def test_the_other_parts_live_on(world: World, client: httpx.Client) -> None:
    world.break_("osv", Fault(Kind.OUTAGE))

    assert client.get(plain(world)).status_code == 200


def test_requests_are_remembered_with_their_answers(world: World, client: httpx.Client) -> None:
    address = plain(world)

    client.get(address, headers={"User-Agent": "somebody"})

    (asked,) = world.asked("npm", "GET /npm/plain")
    assert (asked.status, asked.headers["user-agent"]) == (200, "somebody")


def test_the_roots_are_written_for_the_programs_configuration(world: World, tmp_path: Path) -> None:
    public_good, npm_keys = world.trust_root_files(tmp_path)

    assert json.loads(public_good.read_text())["certificateAuthorities"]
    assert json.loads(npm_keys.read_text())["keys"]


def subjects(attestations: bytes | None) -> set[str]:
    envelopes = [entry["bundle"]["dsseEnvelope"] for entry in json.loads(attestations or b"")["attestations"]]
    statements = [json.loads(b64decode(envelope["payload"])) for envelope in envelopes]
    return {statement["subject"][0]["digest"]["sha512"] for statement in statements}
