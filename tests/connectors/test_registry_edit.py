"""A decision in the text of a registry: what is written, what is kept, what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._registry_edit import edit
from connectors._yaml_edit import NotEditable
from connectors.registry_file import parse_registry
from monitor.domain.action import ListServer, RetireServer, WritePin
from monitor.domain.provenance import Publisher
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Approval, Entry, Pin, ProvenanceDemand, Server
from monitor.domain.stage import Stage

EXAMPLE = (Path(__file__).resolve().parent.parent.parent / "registry.example.yaml").read_text("utf-8")
FILES = "io.github.acme/files-mcp"
PACKAGE = Purl.npm("@acme/files-mcp")
AT = datetime(2026, 11, 24, 10, 11, 12, 345678, tzinfo=UTC)
TEXT = """\
# Ours.
version: 1

servers:
  - name: io.github.acme/files-mcp # the files
    package: pkg:npm/%40acme/files-mcp

    owner: platform
    approved: # by the board
      # read twice
      version: 1.4.2 # the first
      by: "ada"
      ticket: SEC-1

  # The next one.
  - {name: io.github.acme/db, package: pkg:pypi/acme-db, owner: data, approved: {version: "2.0", by: ada}} # short
# The end.
"""


def pin(version: str = "1.4.3", *, package: Purl = PACKAGE) -> Pin:
    digests = frozenset({Digest("sha256", "a" * 64), Digest("sha512", "b" * 128)})
    publisher = Publisher(
        "https://token.actions.githubusercontent.com",
        "https://github.com/acme/files-mcp",
        ".github/workflows/release.yml",
        "refs/tags/v1.4.3",
        "push",
        "github-hosted",
        "4711",
        "12",
        signer="https://github.com/acme/files-mcp/.github/workflows/release.yml@refs/tags/v1.4.3",
    )
    return Pin(package.at(version), digests, publisher)


def approval(of: Pin | None = None, *, ticket: str = "SEC-2") -> Approval:
    return Approval(of or pin(), "grace", AT, datetime(2027, 5, 1, tzinfo=UTC), ticket)


def write(
    wanted: Approval | None = None, *, server: str = FILES, before: str = "pkg:npm/%40acme/files-mcp@1.4.2"
) -> WritePin:
    return WritePin("write:1", server, wanted or approval(), before, "registry-file")


def entry_of(text: str, name: str = FILES) -> Entry:
    return next(each for each in parse_registry(text.encode(), "r").entries if each.server.name == name)


def test_the_approved_block_says_what_was_decided_and_the_rest_is_the_same_bytes() -> None:
    edited = edit(TEXT, write())

    assert edited == TEXT.replace(
        """\
      version: 1.4.2 # the first
      by: "ada"
      ticket: SEC-1
""",
        f"""\
      version: 1.4.3 # the first
      digests:
        - sha256:{"a" * 64}
        - sha512:{"b" * 128}
      publisher:
        issuer: https://token.actions.githubusercontent.com
        repository: https://github.com/acme/files-mcp
        workflow: .github/workflows/release.yml
        ref: refs/tags/v1.4.3
        trigger: push
        runner_environment: github-hosted
        repository_id: 4711
        owner_id: 12
      by: grace
      on: 2026-11-24T10:11:12Z
      expires: 2027-05-01
      ticket: SEC-2
""",
    )


def test_what_was_written_is_written_once() -> None:
    edited = edit(TEXT, write())

    assert edit(edited, write()) == edited


def test_what_the_new_approval_does_not_say_goes() -> None:
    edited = edit(
        edit(TEXT, write()), write(Approval(Pin(PACKAGE.at("1.4.4")), "ada", None, None), before=str(pin().purl))
    )

    assert entry_of(edited).approval == Approval(Pin(PACKAGE.at("1.4.4")), "ada", None, None)
    assert "publisher" not in edited
    assert "# read twice" in edited


def test_an_entry_in_braces_stays_in_braces() -> None:
    wanted = Approval(Pin(Purl.pypi("acme-db").at("2.1")), 'gr"ace', None, None)

    edited = edit(TEXT, write(wanted, server="io.github.acme/db", before="pkg:pypi/acme-db@2.0"))

    assert edited == TEXT.replace('{version: "2.0", by: ada}', '{version: "2.1", by: "gr\\"ace"}')


def test_a_registry_in_json_stays_json() -> None:
    text = (
        '{"version": 1, "servers": [\n {"name": "io.github.acme/files-mcp",\n  "package": "pkg:npm/%40acme/files-mcp",\n'
        '  "owner": "platform"}\n]}\n'
    )

    edited = edit(text, write(Approval(Pin(PACKAGE.at("1.4.3")), "grace", None, None), before=""))

    assert edited == text.replace('"platform"', '"platform",\n  "approved": {"version": "1.4.3", "by": "grace"}')


@pytest.mark.parametrize("nothing", ["", "    approved:\n", "    approved: ~ # not yet\n", "    approved: null\n"])
def test_a_server_of_which_nothing_was_approved_gets_its_block(nothing: str) -> None:
    text = f"version: 1\nservers:\n- name: {FILES}\n  package: pkg:npm/%40acme/files-mcp\n  owner: platform # us"
    text += ("\n" + nothing).replace("    ", "  ").rstrip("\n") if nothing else ""

    edited = edit(text, write(before=""))

    approved = entry_of(edited).approval
    assert approved is not None
    assert approved.pin.digests == pin().digests
    assert edited.startswith(text[: text.index("# us") + 4])


def test_a_comment_behind_a_list_is_kept() -> None:
    text = TEXT.replace(
        "      ticket: SEC-1\n", f"      digests:\n      - sha256:{'c' * 64}\n# A word.\n      ticket: SEC-1\n"
    )

    edited = edit(text, write())

    assert "\n# A word.\n      ticket: SEC-2\n" in edited


def test_lines_end_as_they_did() -> None:
    edited = edit(TEXT.replace("\n", "\r\n"), write())

    assert edited == edit(TEXT, write()).replace("\n", "\r\n")


def test_another_version_that_somebody_approved_meanwhile_is_not_written_over() -> None:
    with pytest.raises(NotEditable) as refused:
        edit(TEXT, write(before="pkg:npm/%40acme/files-mcp@1.4.1"))

    assert "the registry approves pkg:npm/%40acme/files-mcp@1.4.2" in str(refused.value)
    assert "pkg:npm/%40acme/files-mcp@1.4.3" in str(refused.value)


def test_an_approval_that_somebody_took_away_meanwhile_is_not_given_back() -> None:
    bare = TEXT[: TEXT.index("    approved:")] + TEXT[TEXT.index("\n  # The next") :]

    with pytest.raises(NotEditable, match="the registry approves nothing"):
        edit(bare, write())


def test_the_same_pin_by_hand_is_left_as_it_is() -> None:
    by_hand = edit(TEXT, write(replace(approval(), approved_by="somebody", ticket="OTHER-1")))

    assert edit(by_hand, write()) == by_hand


def test_the_same_pin_by_hand_is_approved_for_as_long_as_was_decided() -> None:
    by_hand = edit(TEXT, write(replace(approval(), approved_by="somebody", expires_at=AT + timedelta(days=1))))

    written = entry_of(edit(by_hand, write())).approval

    assert written is not None
    assert (written.approved_by, written.expires_at) == ("grace", approval().expires_at)


def test_a_hand_that_pinned_other_bytes_of_that_version_is_a_conflict() -> None:
    other = replace(pin(), digests=frozenset({Digest("sha256", "c" * 64)}))
    by_hand = edit(TEXT, write(approval(other)))

    with pytest.raises(NotEditable, match="somebody changed it meanwhile"):
        edit(by_hand, write())


def test_the_same_pin_is_approved_for_longer() -> None:
    once = edit(TEXT, write())
    longer = replace(
        approval(), approved_at=datetime(2027, 4, 1, tzinfo=UTC), expires_at=datetime(2027, 9, 1, tzinfo=UTC)
    )

    again = edit(once, write(longer, before=str(pin().purl)))

    assert again == once.replace("2026-11-24T10:11:12Z", "2027-04-01").replace("2027-05-01", "2027-09-01")
    assert edit(again, write(before=str(pin().purl))) == again


def test_a_remote_server_is_approved_by_its_address() -> None:
    text = "version: 1\nservers:\n  - name: com.acme/far\n    remote: https://mcp.acme.example/\n    owner: a\n"
    wanted = Approval(Pin(Purl("generic", "com.acme", "far")), "ada", AT, None)

    edited = edit(text, write(wanted, server="com.acme/far", before=""))

    assert edited == text + '    approved:\n      by: ada\n      "on": 2026-11-24T10:11:12Z\n'.replace('"on"', "on")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace(FILES, "io.github.acme/other"), "is not listed there"),
        (TEXT.replace("owner: platform", "ownr: platform"), "line 5: .*mend the entry first"),
        (TEXT.replace("pkg:npm/%40acme/files-mcp", "pkg:npm/another"), "was approved"),
        (TEXT.replace("version: 1\n", "version: 2\n"), "mend it first"),
        ("a: [", "mend it first"),
        (
            (
                "version: 1\nservers:\n - &a\n   name: io.github.acme/files-mcp\n   package: pkg:npm/%40acme/files-mcp\n   owner: a\n"
                "   approved: &b {version: 1.4.2, by: a}\n - {name: io.github.acme/x, package: pkg:npm/x, owner: a, approved: *b}\n"
            ),
            "would change another entry",
        ),
    ],
)
def test_what_cannot_be_written_rightly_is_refused_with_its_reason(text: str, words: str) -> None:
    with pytest.raises(NotEditable, match=words):
        edit(text, write())


def test_a_publisher_that_the_registry_cannot_hold_is_refused() -> None:
    strange = replace(pin(), publisher=Publisher("https://issuer.example", "https://github.com/a/b", "no-path.yml"))

    with pytest.raises(NotEditable, match="workflow"):
        edit(TEXT, write(approval(strange)))


def listed(stage: Stage = Stage.APPROVED) -> ListServer:
    server = Server(
        "io.github.acme/new",
        Purl.npm("new-mcp"),
        None,
        Purl.github("acme/new"),
        "platform: us",
        1,
        ProvenanceDemand.REQUIRED,
        "locks/{version}.json",
        ("--root", "/srv"),
        stage,
    )
    wanted = Approval(Pin(Purl.npm("new-mcp").at("1.0.0")), "ada", AT, None, "SEC-9")
    return ListServer("list:1", server.name, Entry(server, wanted, 0), "registry-file")


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "version: 1\nservers: [] # none yet\n",
        "version: 1\nservers:\n- {name: a/b, package: pkg:npm/b, owner: a}",
        '{"version": 1, "servers": [{"name": "a/b", "package": "pkg:npm/b", "owner": "a"}]}',
        EXAMPLE,
    ],
)
def test_a_server_is_listed_at_the_end(text: str) -> None:
    edited = edit(text, listed(Stage.STAGING))

    found = entry_of(edited, "io.github.acme/new")
    assert found.server == listed(Stage.STAGING).entry.server
    assert found.approval is not None
    assert edit(edited, listed(Stage.STAGING)) == edited


def test_a_server_goes_on_to_the_next_stage() -> None:
    tried = edit(TEXT, listed(Stage.STAGING))

    edited = edit(tried, listed())

    assert edited == tried.replace("    stage: staging\n", "    stage: approved\n")


def test_a_server_that_is_listed_otherwise_is_not_written_over() -> None:
    other = listed()

    with pytest.raises(NotEditable, match="listed there otherwise"):
        edit(
            edit(TEXT, listed()), replace(other, entry=replace(other.entry, server=replace(other.entry.server, tier=3)))
        )


@pytest.mark.parametrize("name", [FILES, "io.github.acme/db"])
def test_a_retired_server_keeps_its_entry_and_loses_its_approval(name: str) -> None:
    retire = RetireServer("retire:1", name, "ada", "nobody uses it", "registry-file")

    edited = edit(TEXT, retire)

    found = entry_of(edited, name)
    assert (found.approval, found.server.stage) == (None, Stage.RETIRED)
    assert "nobody uses it" in edited
    assert edit(edited, retire) == edited
    with pytest.raises(NotEditable, match="is retired"):
        edit(edited, write(server=name))


NAMES = [each.server.name for each in parse_registry(EXAMPLE.encode(), "r").entries if each.server.package]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(lambda text: text.strip() == text),
    st.booleans(),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  (hypothesis adds the zone)
)
def test_every_other_line_is_kept_whatever_is_written(name: str, by: str, digests: bool, at: datetime) -> None:  # noqa: FBT001
    entry = entry_of(EXAMPLE, name)
    package = entry.server.package or PACKAGE
    wanted = Approval(
        replace(pin(package=package, version="9.9.9"), digests=pin().digests if digests else frozenset()), by, at, None
    )
    before = str(entry.approval.pin.purl) if entry.approval else ""

    try:
        edited = edit(EXAMPLE, write(wanted, server=name, before=before))
    except NotEditable:
        assert not by.isprintable()
        return

    approved = entry_of(edited, name).approval
    assert approved is not None
    assert approved.approved_by == by
    old, new = EXAMPLE.splitlines(keepends=True), edited.splitlines(keepends=True)
    begin, end = same(old, new), same(old[::-1], new[::-1])
    assert begin >= entry.line
    assert len(old) - begin - end <= 10
    assert [line for line in old if "#" in line] == [line for line in new if "#" in line]


def same(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines two texts have in common at their beginning."""
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))
