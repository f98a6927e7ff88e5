"""Registries as people write them: whatever the style, a decision is written, and no comment beside it is lost."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors._registry_edit import edit
from connectors.registry_file import parse_registry
from monitor.domain.action import RetireServer
from monitor.domain.server import Approval, Pin
from monitor.ports.channels import Change
from tests.connectors.test_registry_edit import FILES, PACKAGE, approval, entry_of, listed, write

SHA = f"sha256:{'a' * 64}"
NAMES = ((FILES, PACKAGE), ("a/b", "pkg:npm/b"), ("c/d", "pkg:pypi/d"))


def remark(random: Random) -> str:
    return random.choice(["", "", " # a remark", "   # of: course"])


def lines(random: Random) -> str:
    return random.choice(["", "", "\n", "    # a line\n", "# at the margin\n", "\n\n"])


def in_braces(random: Random) -> str:
    words = ["version: '1.4.2'", "by: ada", *random.sample(["ticket: X", f"digests: [{SHA}]", "on: 2026-01-01"], k=2)]
    random.shuffle(words)
    return "{" + random.choice([", ", ",\n            "]).join(words) + random.choice(["", ",", " "]) + "}"


def approved(random: Random) -> str:
    """The block under `approved:`, with what follows the colon."""
    if random.random() < 0.3:
        return " " + in_braces(random)
    indent = " " * random.choice([4, 5, 8])
    parts = [f'version: "1.4.2"{remark(random)}', f"by: ada{remark(random)}"]
    more = [
        f"ticket: X{remark(random)}",
        f"digests:{remark(random)}\n{indent}{random.choice(['', '  '])}- {SHA}{remark(random)}",
        f"publisher:{remark(random)}\n{indent}  issuer: https://i.example\n{indent}  repository: https://x.example/a",
    ]
    parts += random.sample(more, k=random.randint(0, 3))
    random.shuffle(parts)
    return remark(random) + "".join(f"\n{lines(random)}{indent}{part}" for part in parts)


def entry(random: Random, name: str, package: object) -> str:
    if random.random() < 0.2:
        return f"- {{name: {name}, package: {package}, owner: a, approved: {in_braces(random)}}}{remark(random)}"
    keys = [f"name: {name}{remark(random)}", f"package: {package}", "owner: a"]
    keys += [f"approved:{approved(random)}"] if random.random() < 0.8 else []
    keys += random.sample(["tier: 1", "arguments: [a,\n      b]"], k=random.randint(0, 2))
    random.shuffle(keys)
    return "- " + keys[0] + "".join(f"\n{lines(random)}  {key}" for key in keys[1:])


def registry(random: Random) -> str:
    entries = [lines(random) + entry(random, *each) for each in random.sample(NAMES, k=3)]
    return f"version: 1\nservers:{remark(random)}\n" + "\n".join(entries) + random.choice(["", "\n", "\n# the end\n"])


CHANGES = ("all", "little", "list", "retire")


def change_of(kind: str, before: str) -> Change:
    match kind:
        case "all":
            return write(before=before)
        case "little":
            return write(Approval(Pin(PACKAGE.at("1.9.0")), "ada: her", None, None), before=before)
        case "list":
            return listed()
        case _:
            return RetireServer("retire:1", FILES, "ada", "old: unused", "registry-file")


@pytest.mark.parametrize("kind", CHANGES)
@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_every_style_takes_a_decision_once_and_keeps_its_comments(kind: str, random: Random) -> None:
    text = registry(random)
    assert parse_registry(text.encode(), "r").problems == ()
    present = entry_of(text).approval
    change = change_of(kind, str(present.pin.purl) if present else "")

    edited = edit(text, change)

    assert edit(edited, change) == edited
    if kind == "all":
        written = entry_of(edited).approval
        assert written is not None
        assert written.pin.fingerprint == approval().pin.fingerprint
    if kind != "retire":  # whose block goes, with what was said in it
        alone = [line for line in text.splitlines() if line.strip().startswith("#")]
        assert [line for line in alone if line not in edited.splitlines()] == []
