"""The first verification of a process, by several threads at once: as the program does it, in a process of its own."""

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.world.signing import Identity, NpmKeys, Sigstore, pypi_provenance

SCRIPT = """
import hashlib, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from connectors.sigstore_bundle import build
from monitor.domain.provenance import Attestation, Form, Subject, Verdict
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

folder, threads = Path(sys.argv[1]), 8
verifier = build(public_good=folder / "root.json", npm_keys=folder / "keys.json")
document, name = (folder / "provenance.json").read_bytes(), "acme_mcp-1.0.0-py3-none-any.whl"
subject = Subject(Purl.pypi("acme-mcp", "1.0.0"), name, {"sha256": Digest("sha256", hashlib.sha256(b"file").hexdigest())})
sys.setswitchinterval(1e-6)
together = Barrier(threads)

def verify(_):
    together.wait()
    return [claim.verdict for claim in verifier.verify(subject, [Attestation(Form.PYPI_PROVENANCE, document, "")])]

with ThreadPoolExecutor(threads) as pool:
    assert list(pool.map(verify, range(threads))) == [[Verdict.VERIFIED]] * threads
"""


def test_the_first_verification_by_many_threads_at_once_ends_well(tmp_path: Path) -> None:
    sigstore, keys = Sigstore(), NpmKeys()
    (tmp_path / "root.json").write_bytes(sigstore.trusted_root())
    (tmp_path / "keys.json").write_bytes(keys.keys())
    digest = hashlib.sha256(b"file").hexdigest()
    name = "acme_mcp-1.0.0-py3-none-any.whl"
    (tmp_path / "provenance.json").write_bytes(pypi_provenance(sigstore, name, digest, Identity()))

    for _ in range(3):
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
