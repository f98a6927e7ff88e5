"""The families of parsers: what each begins with, and what it does with one input. Only its own refusal is no fault."""

import io
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from connectors import dependency_file
from connectors._github_advisory_record import parse_advisory, parse_page
from connectors._host_report import read_report
from connectors._osv_mirror.archive import BadMember, content, members
from connectors._osv_mirror.changes import Changes
from connectors._osv_mirror.entry import parse_entry
from connectors._osv_record import parse_record
from connectors._pypi_dependencies import parse_metadata
from connectors._sigstore import forms as forms  # noqa: PLC0414 - so that it is instrumented: the verifier imports it late
from connectors._sigstore import trust_root
from connectors.epss import parse_scores
from connectors.inventory_csv import parse_table
from connectors.kev import parse_catalogue
from connectors.kubernetes_pods import parse_pods
from connectors.npm import parse_package
from connectors.osquery_results import Replay
from connectors.pypi import parse_project
from connectors.sbom_inventory import parse_sbom
from monitor.domain.provenance import Attestation, Form, TrustRoot
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed
from monitor.store.documents import RISK_TABLE
from tests.connectors import dependency_texts, inventory_texts
from tests.hostile import NPM, PYPI, SUBJECTS, Signed, small_packages
from tests.world.clock import BEGINNING
from tests.world.osv_export import about_nobody, archive

FILE = TrustRoot("root", "root.json", BEGINNING)
RECORD = json.dumps(about_nobody("A-1", "npm")).encode()
REVIEWED = (
    b'{"ghsa_id":"GHSA-1111-2222-3333","cve_id":"CVE-2026-1001","summary":"a","severity":"high","type":"malware","identifiers":'
    b'[{"type":"CVE","value":"CVE-2026-1001"}],"vulnerabilities":[{"package":{"ecosystem":"npm","name":"@acme/files"},'
    b'"vulnerable_version_range":">= 1.0.0, < 1.2.3 || = 2.0.0","first_patched_version":"1.2.3"}],"cvss_severities":{"cvss_v3":'
    b'{"vector_string":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}},"updated_at":"2026-11-02T00:00:00Z"}'
)
LISTED = (
    b'{"ghsa_id":"GHSA-1111-2222-3333","description":"a","state":"closed","vulnerabilities":[{"package":{"ecosystem":"pip",'
    b'"name":"acme"},"vulnerable_version_range":"before 1.0 and from v2 up","patched_versions":"^1.0"},{"package":null}],'
    b'"created_at":"2026-11-02T00:00:00+02:00","closed_at":"2026-11-03T00:00:00Z"}'
)
EXPLOITED = (
    b'{"dateReleased":"2026-11-23T15:00:09.5466Z","vulnerabilities":[{"cveID":"CVE-2026-1001","dateAdded":"2026-11-01",'
    b'"knownRansomwareCampaignUse":"Known"},{"cveID":"CVE-2026-1002","dateAdded":"2026-11-01"}]}'
)
SCORES = b"#model_version:v2025.03.14,score_date:2026-11-23T12:55:00Z\ncve,epss,percentile\nCVE-2026-1001,0.5,0.9\nCVE-2026-1002,4e-05,0\n"


@dataclass(frozen=True, slots=True)
class Target:
    """`one` reads an input; whatever it raises is a fault."""

    seeds: tuple[bytes, ...]
    one: Callable[[bytes], None]


def targets(world: Signed) -> Mapping[str, Target]:
    """Return the targets by name."""
    documents = world.documents
    return {
        "bundles": Target((documents[Form.SIGSTORE_BUNDLE],), _deciding(world, Form.SIGSTORE_BUNDLE)),
        "provenance": Target(
            tuple(documents[form] for form in (Form.PYPI_PROVENANCE, Form.NPM_ATTESTATIONS, Form.GITHUB_ATTESTATION)),
            _deciding(world, Form.PYPI_PROVENANCE, Form.NPM_ATTESTATIONS, Form.GITHUB_ATTESTATION),
        ),
        "signatures": Target((documents[Form.NPM_SIGNATURE],), _deciding(world, Form.NPM_SIGNATURE)),
        "checksums": Target((documents[Form.CHECKSUMS],), _deciding(world, Form.CHECKSUMS)),
        "roots": Target((world.keys.keys(), world.sigstore.trusted_root()), _roots),
        "packages": Target(small_packages(), _packages),
        "copies": Target((archive({"A-1.json": RECORD}), b"2026-01-01T00:00:00Z,A-1\n", RECORD), _copies),
        "dependencies": Target(tuple(text.encode() for text in dependency_texts.ALL), _dependencies),
        "inventories": Target(inventory_texts.ALL, _inventories),
        "advisories": Target((REVIEWED, LISTED, b"[" + REVIEWED + b"]", RECORD), _advisories),
        "risks": Target((EXPLOITED, SCORES), _risks),
    }


def _dependencies(document: bytes) -> None:
    """Read it as a lock file or an SBOM, and as what a registry says of a version."""
    with suppress(Malformed):
        dependency_file.parse(document, "requirements.txt", NPM)
    with suppress(Malformed):
        parse_metadata(document, PYPI, "https://registry.example/a")


def _inventories(document: bytes) -> None:
    """Read it as each form in which an inventory comes."""
    with suppress(Malformed):
        parse_table(io.BytesIO(document), "fleet.csv")
    with suppress(Malformed):
        replay = Replay("osquery", ())
        replay.read(enumerate(document.split(b"\n"), start=1), "results.log", written_at=2**31)
        replay.inventory()
    with suppress(Malformed):
        parse_pods(document, "pods.json", ())
    with suppress(Malformed):
        parse_sbom(document, Path("sbom.json"), ())
    with suppress(ValueError):
        read_report(document, "report")


def _advisories(document: bytes) -> None:
    """Read it as a record of each database, as a repository's own, and as a page of records."""
    with suppress(Malformed):
        parse_record(document, source="fuzz")
    for repository in (None, Purl.github("acme/files")):
        with suppress(Malformed):
            parse_advisory(document, source="fuzz", database="fuzz", repository=repository)
    with suppress(Malformed):
        for raw in parse_page(document, source="fuzz"):
            with suppress(Malformed):
                parse_advisory(raw, source="fuzz", database="fuzz")


def _risks(document: bytes) -> None:
    """Read it as each list of risks. What comes out can be kept and read again."""
    for parse in (parse_catalogue, parse_scores):
        with suppress(Malformed):
            table = parse(document)
            if RISK_TABLE.decode(msgspec.json.encode(table)) != table:
                raise AssertionError(table)


def _deciding(world: Signed, *forms: Form) -> Callable[[bytes], None]:
    """Decide the document as each form; the verifier calls its own fault a fault, and that is one here."""

    def one(document: bytes) -> None:
        for form in forms:
            found = world.verifier.verify(SUBJECTS[form], [Attestation(form, document, "https://registry.example/a")])
            faults = [each.detail for each in found if each.reason == "fault"]
            if not found or faults:
                raise AssertionError(faults or "no answer")

    return one


def _roots(document: bytes) -> None:
    for read in (trust_root.npm_keys, trust_root.sigstore_root):
        with suppress(Malformed):
            read(FILE, document)


def _packages(document: bytes) -> None:
    with suppress(Malformed):
        parse_package(document, NPM.package, "https://registry.example/p")
    with suppress(Malformed):
        parse_project(document, PYPI.package, "https://registry.example/p/")


def _copies(document: bytes) -> None:
    """What an origin of advisories gives: a record, a list, an archive."""
    with suppress(Malformed):
        parse_entry(document, "npm")
    with suppress(Malformed):
        changes = Changes(0, 2**60)
        changes.take(document)
        changes.end()
    file = os.memfd_create("archive")
    try:
        os.write(file, document)
        with suppress(Malformed):
            for member in members(file):
                with suppress(BadMember):
                    content(file, member)
    finally:
        os.close(file)
