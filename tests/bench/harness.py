"""Measuring against a baseline in one run: interleaved samples, medians, spread, a budget."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

MIN_SAMPLES = 15


@dataclass(frozen=True)
class Row:
    """One budget and what was measured; seconds unless `detail` says otherwise."""

    name: str
    measured: float
    baseline: float
    ratio: float
    budget: float
    """The most that `ratio` may be, or, where there is no baseline (0), that `measured` may be."""
    ok: bool
    detail: str


def timed(action: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def interleaved(*samplers: Callable[[], float], count: int) -> list[list[float]]:
    """`count` samples of each, taken in turns so that the machine's moods hit all alike."""
    if count < MIN_SAMPLES:
        raise ValueError(f"{count} samples are too few; take {MIN_SAMPLES}")
    taken: list[list[float]] = [[] for _ in samplers]
    for _ in range(count):
        for samples, sampler in zip(taken, samplers, strict=True):
            samples.append(sampler())
    return taken


def spread(samples: Sequence[float]) -> str:
    """Median, the middle half and the 99th percentile, in milliseconds."""
    cuts = statistics.quantiles(samples, n=100, method="inclusive")
    return f"{cuts[49] * 1e3:.3f} ms ({cuts[24] * 1e3:.3f} to {cuts[74] * 1e3:.3f}, p99 {cuts[98] * 1e3:.3f})"


def compare(name: str, measured: Sequence[float], baseline: Sequence[float], budget: float) -> Row:
    """The row of a measurement whose median may be at most `budget` times the baseline's."""
    ours, theirs = statistics.median(measured), statistics.median(baseline)
    ratio = ours / theirs
    detail = f"{spread(measured)} against {spread(baseline)}, n = {len(measured)}"
    return Row(name, ours, theirs, ratio, budget, ratio <= budget, detail)


def limit(name: str, measured: Sequence[float], budget: float, detail: str = "") -> Row:
    """The row of a measurement whose median may be at most `budget` seconds."""
    ours = statistics.median(measured)
    text = f"{spread(measured)}, n = {len(measured)}"
    return Row(name, ours, 0.0, 0.0, budget, ours <= budget, f"{text}; {detail}" if detail else text)


def show(rows: Iterable[Row]) -> bool:
    """Print the rows; whether all are within their budgets."""
    good = True
    for row in rows:
        good &= row.ok
        figure = f"{row.ratio:.2f} ×" if row.baseline else f"{row.measured * 1e3:.1f} ms"
        allowed = f"{row.budget:g} ×" if row.baseline else f"{row.budget * 1e3:g} ms"
        print(f"{'ok  ' if row.ok else 'OVER'} {row.name}: {figure} (budget {allowed})\n     {row.detail}")
    return good
