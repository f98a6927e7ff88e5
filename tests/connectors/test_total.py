"""Readers of documents from outside are total: nothing but their own refusal, and no more work than a document is worth.

How many milliseconds and megabytes a hostile megabyte costs is measured by `make bench`; what bounds it is tested here.
"""

import base64
import json
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import sigstore_bundle
from connectors._sigstore import shape, trust_root
from connectors.npm import parse_package
from connectors.osv import parse_batch, parse_refusal
from connectors.pypi import parse_project
from monitor.domain.provenance import Attestation, Form, TrustRoot, Verdict
from monitor.domain.unknown import Unknown
from monitor.ports.errors import Malformed
from tests.fuzz.__main__ import NAMES
from tests.fuzz.targets import targets
from tests.hostile import MEGABYTE, NPM, PYPI, SUBJECTS, Signed, samples, signed
from tests.world.clock import BEGINNING

FILE = TrustRoot("root", "root.json", BEGINNING)
Reader = Callable[[bytes], object]
ALL = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    made = signed(tmp_path_factory.mktemp("roots"))
    for form, document in made.documents.items():
        made.decide(form, document)()  # the libraries are loaded, and counted in no test
    return made


READERS: dict[str, Reader] = {
    "npm keys": lambda raw: trust_root.npm_keys(FILE, raw),
    "trusted root": lambda raw: trust_root.sigstore_root(FILE, raw),
    "npm package": lambda raw: parse_package(raw, NPM.package, "https://registry.example/p"),
    "PyPI project": lambda raw: parse_project(raw, PYPI.package, "https://registry.example/p/"),
}


def good(world: Signed, reader: str) -> object:
    version = {
        "version": "1.0.0",
        "dist": {"tarball": "t.tgz", "shasum": "a" * 40, "signatures": [{"keyid": "k", "sig": "s"}]},
    }
    file = {
        "filename": "weather_mcp-1.0.0.tar.gz",
        "url": "f",
        "hashes": {"sha256": "a" * 64},
        "yanked": False,
        "size": 3,
    }
    match reader:
        case "npm keys":
            return json.loads(world.keys.keys())
        case "trusted root":
            return json.loads(world.sigstore.trusted_root())
        case "npm package":
            return {"name": NPM.label, "versions": {"1.0.0": version}, "time": {"1.0.0": "2026-01-01T00:00:00Z"}}
        case _:
            return {"meta": {"api-version": "1.4"}, "name": PYPI.label, "versions": ["1.0.0"], "files": [file]}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just("9999-12-31T23:59:59-23:59"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def changed(document: object, path: list[int], replacement: object) -> object:
    """Replace, or where the replacement is a list double, one value anywhere in the tree."""
    if not path or not isinstance(document, dict | list) or not document:
        return [document, replacement] if isinstance(replacement, list) else replacement
    keys: list[object] = list(document) if isinstance(document, dict) else list(range(len(document)))
    chosen = keys[path[0] % len(keys)]
    copied = document.copy()
    copied[chosen] = changed(document[chosen], path[1:], replacement)  # type: ignore[call-overload]  # a key of this very tree
    return copied


@pytest.mark.parametrize("name", READERS)
@given(path=st.lists(st.integers(0, 20), min_size=1, max_size=7), replacement=ANYTHING)
@ALL
def test_a_reader_gives_an_answer_or_its_own_refusal(
    world: Signed, name: str, path: list[int], replacement: object
) -> None:
    document = json.dumps(changed(good(world, name), path, replacement)).encode()

    try:
        answer = READERS[name](document)
    except Malformed as refusal:
        answer = refusal

    assert answer is not None


@pytest.mark.parametrize("name", READERS)
@given(document=st.binary(max_size=64) | ANYTHING.map(lambda value: json.dumps(value).encode()))
@ALL
def test_what_is_none_of_its_documents_is_refused(name: str, document: bytes) -> None:
    with pytest.raises(Malformed):
        READERS[name](document)


@given(form=st.sampled_from(Form), cut=st.integers(0, 100_000), inserted=st.binary(max_size=8))
@ALL
def test_a_document_that_broke_off_or_was_spoilt_is_an_answer_too(
    world: Signed, form: Form, cut: int, inserted: bytes
) -> None:
    whole = world.documents.get(form, b"{}")
    at = cut % (len(whole) + 1)

    for document in (whole[:at], whole[:at] + inserted + whole[at:]):
        found = world.verifier.verify(SUBJECTS[form], [Attestation(form, document, "")])
        assert found


def test_no_hostile_megabyte_breaks_a_reader_or_fills_the_memory(world: Signed) -> None:
    peaks = {}

    for sample in samples(world):
        assert sample.size <= 1.2 * MEGABYTE
        tracemalloc.start()
        sample.read()
        peaks[sample.name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert {name: peak for name, peak in peaks.items() if peak > 50 * MEGABYTE} == {}
    assert len(peaks) > 90


def test_no_more_claims_are_decided_than_a_document_is_worth(world: Signed) -> None:
    one = json.loads(world.documents[Form.GITHUB_ATTESTATION])
    many = json.dumps({"attestations": one["attestations"] * 200}).encode()

    found = world.verifier.verify(SUBJECTS[Form.GITHUB_ATTESTATION], [Attestation(Form.GITHUB_ATTESTATION, many, "")])

    assert len(found) == sigstore_bundle.MAX_CLAIMS + 1
    assert (found[-1].verdict, found[-1].reason) == (Verdict.UNSUPPORTED, "too-large")


def test_timestamps_count_as_work_and_what_is_left_undone_is_said(world: Signed) -> None:
    bundle = json.loads(world.documents[Form.SIGSTORE_BUNDLE])
    stamps = [{"signedTimestamp": f"MIIB{number:04}"} for number in range(8)]
    bundle["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    lines = b"\n".join([json.dumps(bundle).encode()] * 3)

    found = world.verifier.verify(SUBJECTS[Form.SIGSTORE_BUNDLE], [Attestation(Form.SIGSTORE_BUNDLE, lines, "")])

    assert 2 * (1 + 2 * len(stamps)) > shape.MAX_WORK
    assert [each.reason for each in found] == ["malformed", "too-large", "too-large"]


def test_a_registry_that_signs_a_version_a_thousand_times_is_not_listened_to(world: Signed) -> None:
    document = json.loads(world.documents[Form.NPM_SIGNATURE])
    document["signatures"] *= 1000

    (found,) = world.verifier.verify(
        SUBJECTS[Form.NPM_SIGNATURE], [Attestation(Form.NPM_SIGNATURE, json.dumps(document).encode(), "")]
    )

    assert (found.verdict, found.reason) == (Verdict.UNSUPPORTED, "too-large")


def test_what_is_said_of_a_document_is_short_however_long_the_document_is(world: Signed) -> None:
    for form, whole in world.documents.items():
        for document in (b'{"mediaType": "' + b"x" * MEGABYTE + b'"}', whole.replace(b"0.0.1", b"9" * 100_000)):
            found = world.verifier.verify(
                SUBJECTS[form], [Attestation(form, document, "https://a.example/" + "n" * 10_000)]
            )
            assert max(len(each.detail) for each in found) <= sigstore_bundle.MAX_DETAIL


def test_each_fuzz_target_takes_its_own_seeds(world: Signed) -> None:
    known = targets(world)

    for target in known.values():
        for seed in target.seeds:
            target.one(seed)
    assert tuple(known) == NAMES


@pytest.mark.parametrize("name", READERS)
def test_text_that_is_no_text_is_refused(name: str) -> None:
    for document in (b'{"name": "\xff\xfe"}', b'{"keys": [{"keyid": "\xff"}], "mediaType": "\xff"}'):
        with pytest.raises(Malformed):
            READERS[name](document)


def test_osv_text_that_is_no_text_is_refused_as_well() -> None:
    with pytest.raises(Malformed):
        parse_batch(b'{"\xff": 1, "results": []}', 1)
    assert isinstance(parse_batch(b'{"results": [{"next_page_token": "\xff"}]}', 1)[0], Unknown)
    assert parse_refusal(b'{"message": "\xff"}') == ""


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(ALL, max_examples=400)
def test_no_bit_of_a_certificate_makes_the_verifier_break_or_believe(world: Signed, at: int, bit: int) -> None:
    bundle = json.loads(world.documents[Form.SIGSTORE_BUNDLE])
    certificate = bundle["verificationMaterial"]["certificate"]
    raw = bytearray(base64.b64decode(certificate["rawBytes"]))
    raw[at % len(raw)] ^= 1 << bit
    certificate["rawBytes"] = base64.b64encode(raw).decode()

    (found,) = world.verifier.verify(
        SUBJECTS[Form.SIGSTORE_BUNDLE], [Attestation(Form.SIGSTORE_BUNDLE, json.dumps(bundle).encode(), "")]
    )

    assert found.verdict in {Verdict.INVALID, Verdict.UNSUPPORTED}
    assert found.reason != "fault"
