"""Prints the tables, and writes the same as JSON: `python -m tests.benchmarks [--json build/bench.json]`."""

import argparse
import gc
import json
import statistics
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import advisories, fleet
from tests.benchmarks.speed import Speed, measured, pairs, rate
from tests.hostile import Sample, samples, signed

PROCESSES = (1, 2)
SHOWN = 15
TRIES = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hostile document cost: CPU milliseconds (the median of some tries), and the peak of allocated megabytes."""

    name: str
    bytes: int
    milliseconds: float
    megabytes: float


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("build") / "bench.json")
    to = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        speeds = [measured(pair) for pair in pairs(Path(folder))]
        world = signed(Path(folder))
        costs = [_cost(sample) for sample in samples(world)]
    rates = {number: rate(number) for number in PROCESSES}
    copied, compared = advisories.measured(), fleet.measured()
    tables = [
        _speed_lines(speeds),
        _rate_lines(rates),
        _cost_lines(costs),
        advisories.lines(copied),
        fleet.lines(compared),
    ]
    print("\n\n".join("\n".join(table) for table in tables))  # noqa: T201 - a program's output
    to.parent.mkdir(parents=True, exist_ok=True)
    document = _as_json(speeds, rates, costs) | {
        "advisories": advisories.as_json(copied),
        "fleet": fleet.as_json(compared),
    }
    to.write_text(json.dumps(document, indent=1) + "\n")
    print(f"\nalso in {to}")  # noqa: T201 - as above


def _cost(sample: Sample) -> Cost:
    sample.read()
    spent = []
    for _ in range(TRIES):
        gc.collect()
        began = time.process_time()
        sample.read()
        spent.append((time.process_time() - began) * 1000)
    tracemalloc.start()
    sample.read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Cost(sample.name, sample.size, statistics.median(spent), peak / 2**20)


def _speed_lines(speeds: list[Speed]) -> list[str]:
    lines = [f"{'bundle':<44}{'ours':>9}{'bare':>9}{'ratio':>7}"]
    lines += [
        f"{each.name:<44}{each.ours * 1e3:>6.2f} ms{each.bare * 1e3:>6.2f} ms{each.ratio:>6.2f}x" for each in speeds
    ]
    ours, bare = sum(each.ours for each in speeds), sum(each.bare for each in speeds)
    return [*lines, f"{'all, one after the other':<44}{ours * 1e3:>6.2f} ms{bare * 1e3:>6.2f} ms{bare / ours:>6.2f}x"]


def _rate_lines(rates: dict[int, float]) -> list[str]:
    lines = [f"{'processes':<12}{'verifications a second':>24}{'of N times one':>18}"]
    return lines + [f"{n:<12}{each:>24.0f}{each / n / rates[1]:>17.2f}x" for n, each in rates.items()]


def _cost_lines(costs: list[Cost]) -> list[str]:
    worst = sorted(costs, key=lambda each: -each.milliseconds)[:SHOWN]
    lines = [f"{'hostile document (the dearest)':<44}{'bytes':>10}{'CPU':>10}{'memory':>10}"]
    return lines + [
        f"{each.name:<44}{each.bytes:>10}{each.milliseconds:>7.1f} ms{each.megabytes:>7.1f} MB" for each in worst
    ]


def _as_json(speeds: list[Speed], rates: dict[int, float], costs: list[Cost]) -> dict[str, object]:
    return {
        "speed": [
            {"name": each.name, "ours_s": each.ours, "bare_s": each.bare, "ratio": each.ratio} for each in speeds
        ],
        "processes": {str(number): each for number, each in rates.items()},
        "hostile": [
            {"name": each.name, "bytes": each.bytes, "cpu_ms": each.milliseconds, "peak_mb": each.megabytes}
            for each in costs
        ],
    }


if __name__ == "__main__":
    main()
