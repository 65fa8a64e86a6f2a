"""`make bench`: every bench_*.py beside this file, one table; ends 1 when a budget is missed.

Names as arguments choose: `python -m tests.bench version store`.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

from tests.bench.harness import show


def main(chosen: list[str]) -> int:
    """Run the chosen benches, or all; the exit code."""
    there = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    unknown = sorted(set(chosen) - set(there))
    if unknown:
        print(f"no bench {', '.join(unknown)} · there are {', '.join(there)}", file=sys.stderr)
        return 2
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, load {load}\n")
    good = True
    for name in chosen or there:
        print(f"── {name}")
        good &= show(importlib.import_module(f"tests.bench.bench_{name}").run())
        print()
    print("all budgets kept" if good else "a budget was missed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
