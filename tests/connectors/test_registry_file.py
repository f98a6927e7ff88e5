from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.json import decode

from connectors.registry_file import build, parse_registry
from monitor.domain.provenance import Publisher
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Approval, Entry, EntryProblem, Pin, Registry, Server
from monitor.domain.stage import Stage
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import RegistrySource
from tests import corpus

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "registry.example.yaml"
SHA = "a" * 64

FULL = f"""
version: 1
servers:
  - name: io.github.acme/mcp
    package: pkg:npm/%40acme/mcp
    repository: acme/MCP
    owner: platform
    tier: 1
    approved:
      version: 3.1.4
      digests: [sha256:{SHA}]
      publisher:
        issuer: https://token.actions.githubusercontent.com
        repository: acme/mcp
        workflow: .github/workflows/release.yml
        ref: refs/tags/v3.1.4
        trigger: push
        runner_environment: github-hosted
        repository_id: 123
        owner_id: 45
      by: ada@corp.example
      on: 2026-11-01
      expires: 2027-05-01T09:00:00+02:00
      ticket: SEC-1
"""


def read(text: str) -> Registry:
    return parse_registry(text.encode(), "registry.yaml")


def entry(*lines: str) -> str:
    """A file with a good entry before and after the one given."""
    good = "  - {name: io.github.acme/%s, package: pkg:npm/%s, owner: a}\n"
    return (
        "version: 1\nservers:\n" + good % ("one", "one") + "  - " + "\n    ".join(lines) + "\n" + good % ("two", "two")
    )


NAMED = ("name: io.github.acme/bad", "package: pkg:npm/bad", "owner: a")


def test_an_entry_is_read_whole() -> None:
    registry = read(FULL)

    publisher = Publisher(
        "https://token.actions.githubusercontent.com",
        "https://github.com/acme/mcp",
        ".github/workflows/release.yml",
        "refs/tags/v3.1.4",
        "push",
        "github-hosted",
        "123",
        "45",
    )
    server = Server("io.github.acme/mcp", Purl.npm("@acme/mcp"), None, Purl.github("acme/mcp"), "platform", 1)
    pin = Pin(Purl.npm("@acme/mcp", "3.1.4"), frozenset([Digest("sha256", SHA)]), publisher)
    approval = Approval(
        pin, "ada@corp.example", datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 5, 1, 7, tzinfo=UTC), "SEC-1"
    )
    assert registry == Registry("registry.yaml", sha256(FULL.encode()).hexdigest(), (Entry(server, approval, 4),), ())


def test_an_entry_without_approval_is_listed_and_not_approved_and_of_tier_two() -> None:
    registry = read(entry(*NAMED))

    assert [(found.approval, found.server.tier) for found in registry.entries] == [(None, 2)] * 3


def test_a_remote_server_is_pinned_under_its_own_name() -> None:
    registry = read(
        entry("name: com.acme/far", "remote: https://mcp.acme.example/mcp", "owner: a", "approved: {by: ada}")
    )

    found = registry.entries[1]
    assert (found.server.package, found.server.remote) == (None, "https://mcp.acme.example/mcp")
    assert found.approval == Approval(Pin(Purl("generic", "com.acme", "far")), "ada", None, None)


def test_a_version_that_looks_like_a_number_keeps_its_zeros() -> None:
    registry = read(entry("name: com.acme/x", "package: pkg:pypi/x", "owner: a", "approved: {version: 1.10, by: ada}"))

    approval = registry.entries[1].approval
    assert approval is not None
    assert approval.pin.purl.version == "1.10"


def test_the_integrity_text_of_npm_is_a_digest_too() -> None:
    registry = read(entry(*NAMED, "approved: {version: 1.0.0, by: a, digests: [sha256-" + "qqqq" * 10 + "qqo=]}"))

    approval = registry.entries[1].approval
    assert approval is not None
    assert approval.pin.digests == {Digest("sha256", "aa" * 32)}


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ((*NAMED, "teir: 1"), 7, "teir: unknown key; the nearest known key is tier"),
        ((*NAMED, "zzz: 1"), 7, "zzz: unknown key; known are name, package, remote,"),
        ((*NAMED, "tier: 4"), 7, "tier: expected 1 (most critical), 2 or 3, got '4'"),
        ((*NAMED, "owner: b"), 7, "owner: given twice, first in line 6"),
        ((*NAMED, "remote: https://x.example"), 5, "package: expected either package or remote, and not both"),
        (("name: io.github.acme/bad", "owner: a"), 4, "package: expected either package or remote"),
        (("name: io.github.acme/bad", "package: pkg:npm/bad"), 4, "owner: missing; expected the team or person"),
        (("name: io.github.acme/bad", "package: pkg:npm/bad", "owner:"), 6, "owner: missing"),
        (("name: bad", "package: pkg:npm/bad", "owner: a"), 4, "name: expected a name as in the MCP registry"),
        (("name: a/bad", "package: pkg:npm/bad@1.0.0", "owner: a"), 5, "package: expected a package URL without a version"),
        (("name: a/bad", "package: pkg:nmp/bad", "owner: a"), 5, "package: expected a package URL"),
        (("name: a/bad", "package: pkg:npm/bad?x=1", "owner: a"), 5, "package: expected a package URL"),
        (("name: a/bad", "package: bad", "owner: a"), 5, "package: expected a package URL"),
        (("name: a/bad", "package: pkg:github/bad", "owner: a"), 5, "package: expected a package URL"),
        (("name: a/bad", "remote: http://x.example/mcp", "owner: a"), 5, "remote: expected an https address"),
        (("name: a/bad", "remote: https://u:p@x.example/", "owner: a"), 5, "remote: expected an https address"),
        (("name: a/bad", "remote: 'https://[x'", "owner: a"), 5, "remote: expected an https address"),
        (("name: a/bad", "remote: https://a℀b/", "owner: a"), 5, "remote: expected an https address"),
        (("name: a/bad", "remote: 'https://x.example\\\\y/'", "owner: a"), 5, "remote: expected an https address"),
        (("name: a/bad", "remote: 'https://${HOST}/mcp'", "owner: a"), 5, "remote: expected an https address"),
        ((*NAMED, "repository: https://gitlab.example/a/b"), 7, "repository: expected https://github.com/owner/name"),
        ((*NAMED, "approved: yes"), 7, "approved: expected a mapping with the keys version, digests"),
        ((*NAMED, "approved: {by: a}"), 7, "approved.version: missing; expected one exact version"),
        ((*NAMED, "approved: {version: 1.0.0}"), 7, "approved.by: missing; expected who approved it"),
        ((*NAMED, "approved: {version: latest, by: a}"), 7, "approved.version: expected one exact version"),
        ((*NAMED, "approved: {version: ^1.0.0, by: a}"), 7, "approved.version: expected one exact version"),
        ((*NAMED, "approved: {version: v1.0.0, by: a}"), 7, "approved.version: expected one exact version"),
        ((*NAMED, "approved: {version: 1.0.0, by: a, digests:", "    [sha256:abc]}"), 8, "approved.digests: expected sha256:"),
        ((*NAMED, "approved: {version: 1.0.0, by: a, digests: sha256:abc}"), 7, "approved.digests: expected a list"),
        ((*NAMED, "approved: {version: 1.0.0, by: a, on: yesterday}"), 7, "approved.on: expected a date"),
        ((*NAMED, "approved: {version: 1.0.0, by: a, on: 2026-01-01T00:00:00}"), 7, "approved.on: expected a date"),
        ((*NAMED, "approved: {version: 1.0.0, by: a, on: 2026-02-01, expires: 2026-01-01}"), 7, "approved.expires: expected a date after"),
        ((*NAMED, "approved: {version: 1.0.0, by: a, publisher: {repository: a/b}}"), 7, "approved.publisher.issuer: missing"),
        ((*NAMED, "approved: {version: 1.0.0, by: a, publisher: {isuer: x}}"), 7, "approved.publisher.isuer: unknown key; the nearest"),
        (("just a text",), 4, "entry: expected a mapping with the keys name, package"),
        (("[a, list]",), 4, "entry: expected a mapping"),
    ],
)  # fmt: skip
def test_a_bad_entry_is_reported_with_its_line_and_costs_only_itself(
    lines: tuple[str, ...], line: int, message: str
) -> None:
    registry = read(entry(*lines))

    assert [found.server.name for found in registry.entries] == ["io.github.acme/one", "io.github.acme/two"]
    assert (line, message) in [(problem.line, problem.message[: len(message)]) for problem in registry.problems]


def test_every_problem_of_an_entry_is_reported_at_once() -> None:
    registry = read(entry("name: io.github.acme/bad", "pakage: pkg:npm/bad", "tier: high", "approved: {version: 1}"))

    assert [(problem.name, problem.message.partition(":")[0]) for problem in registry.problems] == [
        ("io.github.acme/bad", "package"),
        ("io.github.acme/bad", "owner"),
        ("io.github.acme/bad", "pakage"),
        ("io.github.acme/bad", "tier"),
        ("io.github.acme/bad", "approved.by"),
    ]


def test_an_entry_whose_approval_is_half_read_is_not_used() -> None:
    registry = read(entry(*NAMED, "approved: {version: 1.0.0, by: a, digest: [x]}"))

    assert [found.server.name for found in registry.entries] == ["io.github.acme/one", "io.github.acme/two"]


@pytest.mark.parametrize(
    ("again", "message"),
    [
        (
            "{name: IO.github.acme/one, package: pkg:npm/other, owner: a}",
            "name: already listed in line 3; this entry is not used",
        ),
        (
            "{name: io.github.acme/x, package: pkg:npm/one, owner: a}",
            "package: already listed in line 3; this entry is not used",
        ),
    ],
)
def test_of_two_entries_for_the_same_thing_the_first_counts(again: str, message: str) -> None:
    registry = read(entry(again))

    assert [found.server.name for found in registry.entries] == ["io.github.acme/one", "io.github.acme/two"]
    assert [(problem.line, problem.message) for problem in registry.problems] == [(4, message)]


def test_an_alias_may_save_typing() -> None:
    first = "  - {name: a/b, package: pkg:npm/b, owner: &team platform}\n"
    text = f"version: 1\nservers:\n{first}  - {{name: a/c, package: pkg:npm/c, owner: *team}}\n"

    registry = read(text)

    assert [found.server.owner for found in registry.entries] == ["platform", "platform"]


def test_an_unknown_key_of_the_file_costs_no_entry() -> None:
    registry = read("version: 1\nserver: []\nservers: []\n")

    assert registry.problems == (EntryProblem(2, "the file", "server: unknown key; the nearest known key is servers"),)


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "line 1: version: expected 1, got nothing"),
        (b"version: 2\nservers: []", "line 1: version: expected 1, got '2'"),
        (b"version: 1", "line 1: servers: expected a list"),
        (b"version: 1\nservers: {}", "servers: expected a list"),
        (b"version: 1\nservers: [\n", "line 3"),
        (b"version: 1\nservers: []\n---\nversion: 1", "line 3: a second document"),
        (b"version: 1\n\xff", "line 2: not UTF-8"),
        (b"a: &a [*a]", "refers to nothing above it"),
        (b"a: " + b"[" * 1000, "deeper than 32 levels"),
        (b"x: &x a\ny: [" + b"*x," * 1001 + b"]", "more than 1000 aliases"),
        (b"#" * (5 * 2**20 + 1), "over 5242880 bytes"),
    ],
)
def test_a_file_that_is_no_registry_is_refused_as_a_whole_with_its_line(data: bytes, detail: str) -> None:
    start = perf_counter()

    with pytest.raises(Malformed) as caught:
        parse_registry(data, "registry.yaml")

    assert detail in str(caught.value)
    assert perf_counter() - start < 5


def test_aliases_that_multiply_are_refused() -> None:
    levels = (f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 12))

    with pytest.raises(Malformed, match="more than 400000 values"):
        read("a0: &a0 [x, x]\n" + "\n".join(levels))


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: entry(text).encode("utf-8", "replace")))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes) -> None:
    try:
        registry = parse_registry(data, "registry.yaml")
    except Malformed:
        return

    assert all(problem.line >= 1 and problem.message for problem in registry.problems)


def test_a_missing_file_tells_the_way_out(tmp_path: Path) -> None:
    source: RegistrySource = build(path=tmp_path / "registry.yaml")

    with pytest.raises(Unavailable, match=r"does not exist; copy registry\.example\.yaml to that place"):
        source.read()


def test_a_folder_in_place_of_the_file_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        build(path=tmp_path).read()


def test_the_file_is_read_anew_at_each_call(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    source = build(path=path)
    path.write_text("version: 1\nservers: []\n", encoding="utf-8")
    before = source.read()

    path.write_text(FULL, encoding="utf-8")

    assert (len(before.entries), len(source.read().entries)) == (0, 1)
    assert before.sha256 != source.read().sha256


def test_the_example_is_without_fault_and_shows_every_kind() -> None:
    registry = build(path=EXAMPLE).read()

    packages = [found.server.package for found in registry.entries]
    assert registry.problems == ()
    assert len(registry.entries) >= 12
    assert {package.type if package else "remote" for package in packages} == {"npm", "pypi", "github", "remote"}
    assert sum(found.approval is None for found in registry.entries) == 1


class Tag(Struct):
    """A tag of the release histories."""

    tag: str
    commit: str


class Tags(Struct):
    """The tags of a repository."""

    tags: list[Tag]


class History(Struct):
    """A package's release history."""

    versions: list[str]


def test_the_versions_in_the_example_really_exist() -> None:
    folder = corpus.path("releases")
    approvals = [
        found.approval for found in build(path=EXAMPLE).read().entries if found.server.package and found.approval
    ]

    for approval in approvals:
        purl = approval.pin.purl
        if purl.type == "github":
            file = folder / "github" / f"{purl.label.replace('/', '__')}.tags.json"
            tags = {tag.tag: tag.commit for tag in decode(file.read_bytes(), type=Tags).tags}
            assert {digest.hex for digest in approval.pin.digests} == {tags[purl.version or ""]}
        else:
            file = folder / purl.type / f"{purl.label.replace('/', '__')}.json"
            if not file.exists():
                file = folder / purl.type / f"{purl.label.replace('awslabs-', 'awslabs.')}.json"
            assert purl.version in decode(file.read_bytes(), type=History).versions
    assert len(approvals) >= 10


# --- arguments ----------------------------------------------------------------------------------------------------------


def test_arguments_are_words_in_order() -> None:
    registry = read(
        entry("name: io.github.acme/mcp", "package: pkg:npm/x", "owner: a", 'arguments: [/srv, "--port", 80, "a b"]')
    )

    assert registry.problems == ()
    assert registry.entries[1].server.arguments == ("/srv", "--port", "80", "a b")


@pytest.mark.parametrize(
    "given",
    ["[$HOME]", '["{{x}}"]', '["%USER%"]', "/srv", "[[x]]", f"[{'a,' * 51}]"],
)
def test_arguments_that_somebody_else_fills_in_or_that_are_no_list_are_refused(given: str) -> None:
    registry = read(entry("name: io.github.acme/mcp", "package: pkg:npm/x", "owner: a", f"arguments: {given}"))

    assert len(registry.entries) == 2
    assert {each.name for each in registry.problems} == {"io.github.acme/mcp"}


def test_a_remote_has_no_arguments() -> None:
    registry = read(entry("name: io.github.acme/mcp", "remote: https://a.example", "owner: a", "arguments: [x]"))

    assert [each.message for each in registry.problems] == ["arguments: expected at most 50, beside a package"]


def test_the_stage_is_approved_unless_the_entry_says_otherwise() -> None:
    registry = read(entry(*NAMED, "stage: staging", "approved: {version: 1.0.0, by: ada}"))

    assert [each.server.stage for each in registry.entries] == [Stage.APPROVED, Stage.STAGING, Stage.APPROVED]


def test_a_retired_server_says_who_retired_it() -> None:
    registry = read(entry(*NAMED, "stage: retired", "retired: {by: ada, on: 2026-11-24, reason: nobody uses it}"))

    (retired,) = (each for each in registry.entries if each.server.name.endswith("bad"))
    assert (retired.server.stage, retired.approval) == (Stage.RETIRED, None)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ("stage: submitted",),
            "stage: expected staging, approved or retired; approved when left out, got 'submitted'",
        ),
        (("stage: retired", "approved: {version: 1.0.0, by: a}"), "approved: expected nothing: the server is retired"),
        (("retired: {by: ada}",), "retired: expected only beside `stage: retired`"),
        (("stage: retired", "retired: {reason: old}"), "retired.by: missing"),
    ],
)
def test_a_stage_that_contradicts_the_entry_is_a_problem(lines: tuple[str, ...], message: str) -> None:
    registry = read(entry(*NAMED, *lines))

    assert [problem.message.startswith(message) for problem in registry.problems] == [True]
    assert len(registry.entries) == 2
