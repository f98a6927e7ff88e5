"""Fuzzes each target for a while in a process of its own: `python -m tests.fuzz [--seconds 60] [TARGET ...]`.

An input that breaks a target is kept in build/fuzz/, its traceback is printed, and the exit code is 1.
`python -m tests.fuzz TARGET --input FILE` runs it again, under fresh keys: what breaks behind a signature is told by its traceback alone.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

FOUND = Path("build") / "fuzz"
NAMES = (
    "bundles",
    "provenance",
    "signatures",
    "checksums",
    "roots",
    "packages",
    "copies",
    "dependencies",
    "inventories",
    "advisories",
    "risks",
)
"""The targets; here as well so that they are imported under instrumentation (a test holds the two together)."""
LARGEST = 16 * 1024
"""Bytes of a mutated document."""


def main() -> int:
    """Fuzz, or run one input."""
    asked = _arguments()
    if asked.inside:
        _fuzz(asked.targets[0], asked.seconds)
    if asked.input:
        with tempfile.TemporaryDirectory() as folder:
            from tests.fuzz.targets import targets  # noqa: PLC0415 - see `_fuzz`
            from tests.hostile import signed  # noqa: PLC0415 - as above

            targets(signed(Path(folder)))[asked.targets[0]].one(asked.input.read_bytes())
            return 0
    broken = [name for name in asked.targets or NAMES if _apart(name, asked.seconds)]
    print(f"broken: {', '.join(broken)}" if broken else "nothing broke")  # noqa: T201 - a program's output
    return int(bool(broken))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--input", type=Path, help="run this file through the one target instead")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _apart(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own; the library ends the process. Say whether it broke."""
    print(f"{name}: {seconds} s", flush=True)  # noqa: T201 - a program's output
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds), "--inside"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - this very program
    lines = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    print("\n".join(lines) if done.returncode == 0 and lines else f"{done.stdout[-3000:]}\n{done.stderr[-1500:]}")  # noqa: T201 - as above
    return done.returncode != 0


def _fuzz(name: str, seconds: int) -> None:
    """Mutate until the time is over; the library does not return."""
    import atheris  # noqa: PLC0415 - an extra that tests do without

    with atheris.instrument_imports(
        include=["connectors", "monitor.domain"]
    ):  # what is imported before sees no coverage
        from tests.fuzz.targets import targets  # noqa: PLC0415 - as above
        from tests.hostile import signed  # noqa: PLC0415 - as above
    with tempfile.TemporaryDirectory() as folder:
        target = targets(signed(Path(folder)))[name]
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(target.seeds):
            (corpus / f"{number}").write_bytes(seed)
            target.one(seed)
        FOUND.mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-timeout=10", "-rss_limit_mb=2048"]
        atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={FOUND}/{name}-", str(corpus)], target.one)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
