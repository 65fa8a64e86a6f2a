"""`make demo`: the main job on a small repository, offline.

The repository, the engine, the worktree, the sandbox, the checks and the landing are real. Only the model's
words are not: they come from a scripted server on this machine's loopback, over the real wire. A recorded
model takes its place in a later version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fakes.anthropic_server import FakeAnthropic

FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": '''"""Prices in cents."""


def total(prices: list[int], discount_percent: int = 0) -> int:
    """The sum of `prices` less the discount, rounded down."""
    return sum(prices) - discount_percent
''',
    "tests/__init__.py": "",
    "tests/test_prices.py": """import unittest

from shop.prices import total


class TotalTest(unittest.TestCase):
    def test_without_discount(self) -> None:
        self.assertEqual(total([250, 250]), 500)

    def test_discount_is_a_share(self) -> None:
        self.assertEqual(total([250, 250], 10), 450)


if __name__ == "__main__":
    unittest.main()
""",
    "README.md": "# shop\n\nA very small shop.\n",
}
GOAL = "The discount of total() is taken as cents, but it is a percentage. Fix it."
PLAN = {
    "tasks": [
        {
            "id": "fix",
            "title": "Fix the discount in total()",
            "description": "total() subtracts the percentage itself; it must subtract that share of the sum.",
            "acceptance_criteria": [
                "total([250, 250], 10) is 450",
                "total without a discount is the plain sum",
                "the result is rounded down to whole cents",
            ],
            "files": ["shop/prices.py"],
            "estimate_minutes": 5,
            "risk": 0.1,
        }
    ]
}
OLD = "    return sum(prices) - discount_percent\n"
NEW = "    return sum(prices) * (100 - discount_percent) // 100\n"
SCRIPT = {
    "conversations": [
        {
            "match": "You plan software work",
            "replies": [
                {
                    "text": "I look at the code first.",
                    "calls": [
                        {"name": "read_file", "input": {"path": "shop/prices.py"}},
                        {"name": "read_file", "input": {"path": "tests/test_prices.py"}},
                    ],
                },
                {"text": "One task is enough.", "calls": [{"name": "submit_plan", "input": PLAN}]},
            ],
        },
        {
            "match": "You are a software developer",
            "replies": [
                {"calls": [{"name": "read_file", "input": {"path": "shop/prices.py"}}]},
                {
                    "text": "The tests first, to see it fail.",
                    "calls": [{"name": "run_command", "input": {"command": "python3 -m unittest -q"}}],
                },
                {
                    "text": "The percentage is subtracted as if it were cents.",
                    "calls": [
                        {
                            "name": "edit_file",
                            "input": {"path": "shop/prices.py", "old_text": OLD, "new_text": NEW},
                        }
                    ],
                },
                {"calls": [{"name": "run_command", "input": {"command": "python3 -m unittest -q"}}]},
                {
                    "calls": [
                        {
                            "name": "finish",
                            "input": {"summary": "total() subtracts the share of the sum; both tests pass."},
                        }
                    ]
                },
            ],
        },
    ]
}


def main() -> int:
    """Run the demo; 0 when the fix has landed and the file on disk is fixed."""
    place = Path(tempfile.mkdtemp(prefix="autodev-demo-"))
    try:
        repository = place / "shop"
        _make(repository)
        print("The model is scripted: a server on this machine's loopback says its words over the real wire.")
        print("Everything else is real: the repository, the sandbox, the checks, the commit.\n")
        print("$ cd shop && python3 -m unittest -q    # red, as it should be")
        _run(["python3", "-m", "unittest", "-q"], repository, check=False)
        with FakeAnthropic(SCRIPT) as server:
            environment = os.environ | {
                "ANTHROPIC_API_KEY": "demo-key",
                "ANTHROPIC_BASE_URL": server.url,
                "AUTODEV_STATE_DIR": str(place / "state"),
                "AUTODEV_CONFIG_DIR": str(place / "config"),
            }
            program = [sys.executable, "-m", "autodev_tui", "-C", str(repository)]
            command = [*program, "run", GOAL, "--autonomy", "full", "--land"]
            print(f'\n$ autodev run "{GOAL}" --autonomy full --land', flush=True)
            done = subprocess.run(command, env=environment, cwd=Path(__file__).parent.parent, check=False)
            code = done.returncode
        if code:
            return code
        print("\n$ git log -1 -p --stat", flush=True)
        _run(["git", "--no-pager", "log", "-1", "-p", "--stat"], repository)
        print("\n$ python3 -m unittest -q", flush=True)
        _run(["python3", "-m", "unittest", "-q"], repository)
        _run(["git", "status", "--short"], repository)
        return 0 if NEW in (repository / "shop/prices.py").read_text() else 1
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _make(repository: Path) -> None:
    for name, text in FILES.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    _run(["git", "init", "-q", "-b", "main"], repository)
    _run(["git", "config", "user.name", "Demo"], repository)
    _run(["git", "config", "user.email", "demo@example.invalid"], repository)
    _run(["git", "add", "."], repository)
    _run(["git", "commit", "-q", "-m", "feat: a very small shop"], repository)


def _run(command: list[str], directory: Path, *, check: bool = True) -> None:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, cwd=directory, check=check, env=environment)


if __name__ == "__main__":
    sys.exit(main())
