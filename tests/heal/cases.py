"""All seeded repositories; those in the folder `held_out` were written after the strategies.

Their first run healed 16 of the 18 that are in reach, and touched neither of the 2 that are not. What the two
others showed (a bracket to be closed on its own line, a plural) was mended afterwards.
"""

from __future__ import annotations

from pathlib import Path

from tests.heal.case import Case, read_case

# Its diff is longer than what a model would be shown of a command's output.
LONG = Case(
    "a long file",
    "auto_format",
    {
        "ruff.toml": b"[format]\n",
        "big.py": "".join(f"v{n} = [ {n},{n + 1} ]\n" for n in range(1500)).encode(),
    },
    ("python3 -m ruff format --check .",),
)
ALL: tuple[Case, ...] = (
    *(read_case(path) for path in sorted(Path(__file__).parent.glob("repositories/*/*.txt"))),
    LONG,
)
