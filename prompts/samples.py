"""Values to try templates on: a full set and a bare one for each. Nothing here is of a real repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Values = Callable[[], dict[str, Any]]
_RULES = (("AGENTS.md", "Use tabs.\nRun the tests."), ("CLAUDE.md", "See AGENTS.md."))
_CODE = (("shop/prices.py", "def total(prices):\n    return sum(prices)"),)
_TEST = (("tests/test_prices.py", "def test_total():\n    assert total([1]) == 1"),)
_LAYOUT = ["shop: 2 files", "tests: 1 files"]


def samples(name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Everything that the template `name` can be given, and as little as it is ever given."""
    return _FULL[name](), _BARE[name]()


def _task(**more: Any) -> Any:
    from autodev_tui.domain.task import Task

    return Task(session="s1", **more)


def _task_request() -> dict[str, Any]:
    from autodev_tui.domain.task import Criterion

    return {
        "goal": "Prices must be right.\nAll of them.",
        "task": _task(
            id="T2",
            title="Fix the discount",
            description="It is a share of the sum.",
            acceptance_criteria=[
                Criterion(text="total([250], 10) is 225"),
                Criterion(text="no discount, no change"),
            ],
            constraints=["Do not touch the tests."],
            context={"note": "Round down, whatever the ticket says."},
            files=["shop/prices.py", "shop/cart.py"],
        ),
        "done_tasks": [
            _task(id="T1", title="Write down the rules", summary="They are in README.md now."),
            _task(id="T0", title="Look around"),
        ],
        "assumptions": ["Which currency? → cents"],
        "rules": _RULES,
        "environment": "Python 3.11 in .venv",
        "checks": ["python3 -m unittest -q", "ruff check ."],
        "sandboxed": False,
    }


_FULL: dict[str, Values] = {
    "checks_note": lambda: {
        "reasons": ["tests: 1 of 2 failed", "lint: 3 findings"],
        "outputs": [
            {
                "check": "tests",
                "command": "pytest -q",
                "result": "failed",
                "why": "1 failed",
                "causes": ["tests/test_price.py:4: assert 1 == 2 → Correct the code or the expectation."],
                "output": "E  assert 1 == 2",
            },
            {
                "check": "lint",
                "command": "ruff check",
                "result": "failed",
                "why": "",
                "causes": [],
                "output": "",
            },
        ],
        "round": 1,
        "of": 3,
    },
    "codebase_analysis": lambda: {
        "goal": "Prices must be right.",
        "rules": _RULES,
        "files": _CODE,
        "file_count": 3,
        "layout": _LAYOUT,
    },
    "compaction": lambda: {
        "opening": "The goal, in the human's words:\nPrices must be right.",
        "notes": ["Rejected: hunk 1 of shop/prices.py", "Go on."],
        "todos": [{"status": "completed", "content": "Read"}, {"status": "pending", "content": "Write"}],
        "changed": ["shop/cart.py", "shop/prices.py"],
        "commands": ["python3 -m unittest -q: exit code 1"],
        "last_text": "I am about to round down.",
    },
    "conflict_note": lambda: {
        "hunks": [
            {
                "path": "shop/prices.py",
                "start": 7,
                "base": ["    return round(x)\n"],
                "left": ["    return int(x)\n"],
                "right": ["    return floor(x)\n"],
            }
        ],
        "whole_files": ["shop/logo.png"],
        "reason": "Rounding down is right.",
    },
    "developer_system": dict,
    "documentation": lambda: {
        "goal": "Prices are rounded down.",
        "diff": "-    return round(x)\n+    return int(x)",
        "documents": (("README.md", "# shop\n\nRounds."),),
        "examples": (("docs/cart.md", "# Cart"),),
        "audience": "users of the library",
    },
    "plan_request": lambda: {
        "goal": "Prices must be right.",
        "requirements": "As a customer I want the right price.",
        "rules": _RULES,
        "branch": "main",
        "file_count": 3,
        "layout": _LAYOUT,
        "checks": ["python3 -m unittest -q"],
    },
    "planner_system": dict,
    "review_note": lambda: {
        "items": [
            {
                "verdict": "Rejected",
                "hunk": 1,
                "path": "shop/prices.py",
                "diff": "-a\n+b\n",
                "instead": "",
                "reason": "Too clever.",
                "comments": [],
            },
            {
                "verdict": "Edited",
                "hunk": 2,
                "path": "shop/cart.py",
                "diff": "-c\n+d\n",
                "instead": "dd\n",
                "reason": "I renamed it.",
                "comments": [],
            },
            {
                "verdict": "Commented",
                "hunk": 3,
                "path": "shop/cart.py",
                "diff": "+e\n",
                "instead": "",
                "reason": "",
                "comments": [{"line": "+e\n", "text": "Why a new name here?"}],
            },
        ],
        "unmet": [("no discount, no change", "it rounds"), ("fast", "")],
        "still_open": 1,
        "reason": "Nearly there.",
        "accepted": 2,
        "changed_files": ["shop/prices.py"],
        "red": ["tests: 1 of 2 failed"],
        "goes_on": True,
    },
    "task_request": _task_request,
    "test_generation": lambda: {
        "target": "shop/prices.py",
        "goal": "Prices are rounded down.",
        "criteria": ["total([999], 10) is 899"],
        "sources": _CODE,
        "examples": _TEST,
        "framework": "unittest",
    },
}
_BARE: dict[str, Values] = {
    "checks_note": lambda: {"reasons": ["tests: 1 of 2 failed"], "outputs": [], "round": 3, "of": 3},
    "codebase_analysis": lambda: {"goal": "g", "rules": (), "files": (), "file_count": 0, "layout": []},
    "compaction": lambda: {
        "opening": "",
        "notes": [],
        "todos": [],
        "changed": [],
        "commands": [],
        "last_text": "",
    },
    "conflict_note": lambda: {"hunks": [], "whole_files": [], "reason": ""},
    "developer_system": dict,
    "documentation": lambda: {"goal": "g", "diff": "", "documents": (), "examples": (), "audience": "users"},
    "plan_request": lambda: {
        "goal": "g",
        "requirements": "",
        "rules": (),
        "branch": "main",
        "file_count": 0,
        "layout": [],
        "checks": [],
    },
    "planner_system": dict,
    "review_note": lambda: {
        "items": [],
        "unmet": [],
        "still_open": 0,
        "reason": "",
        "accepted": 1,
        "changed_files": [],
        "red": [],
        "goes_on": False,
    },
    "task_request": lambda: {
        "goal": "g",
        "task": _task(id="T1", title="t"),
        "done_tasks": [],
        "assumptions": [],
        "rules": (),
        "environment": "nothing to install",
        "checks": [],
        "sandboxed": True,
    },
    "test_generation": lambda: {
        "target": "a.py",
        "goal": "g",
        "criteria": [],
        "sources": (),
        "examples": (),
        "framework": "pytest",
    },
}
