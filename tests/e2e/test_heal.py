"""`autodev heal` as a first-time user has it: no key, no server, no settings, a repository of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.program import Program, git

pytestmark = pytest.mark.e2e

BROKEN = {
    "shop/__init__.py": "",
    "shop/prices.py": (
        "import sys\n\n\ndef total(prices):\n    return sum(prices)\n\n\n"
        "def receipt(prices):\n    return json.dumps({'total': totl(prices)})\n"
    ),
    "tests/__init__.py": "",
    "tests/test_prices.py": (
        "import unittest\n\nfrom shop.prices import receipt\n\n\n"
        "class ReceiptTest(unittest.TestCase):\n"
        "    def test_receipt(self):\n        self.assertEqual(receipt([1, 2]), '{\"total\": 3}')\n"
    ),
}
HEALED = (
    "import json\n\n\ndef total(prices):\n    return sum(prices)\n\n\n"
    "def receipt(prices):\n    return json.dumps({'total': total(prices)})\n"
)
CHECK = "python3 -m unittest -q"


def test_what_is_red_is_healed_reviewed_and_landed(tmp_path: Path) -> None:
    program = Program(tmp_path, BROKEN)
    done = program("heal", "--json")
    assert done.code == 3, done.err
    report = done.json["heal"]
    # Two names in one function, and an import that nobody uses: found by our own ruff, for there is no other.
    assert len(report["healed"]) == 3 and not report["left"], report
    review = program.only_question()
    assert review["kind"] == "changes" and report["waiting"] == [review["id"]]
    assert git(program.repository, "status", "--porcelain") == ""
    assert program.approve(review).code == 0
    assert program.resume().code == 0
    assert program("land").code == 0
    assert (program.repository / "shop/prices.py").read_text() == HEALED
    program.clean()


def test_what_rules_cannot_heal_stays_as_it_is(tmp_path: Path) -> None:
    wrong = BROKEN["shop/prices.py"].replace("import sys", "import json").replace("totl(prices)", "1")
    program = Program(tmp_path, {**BROKEN, "shop/prices.py": wrong})
    before, head = git(program.repository, "rev-parse", "HEAD^{tree}"), program.head()
    done = program("heal", "--check", CHECK, "--autonomy", "full")
    assert done.code == 3, done.err
    assert "left for a model" in done.out and "nothing that rules can do" in done.err
    assert program.status()["head"] == head
    assert git(program.repository, "rev-parse", "HEAD^{tree}") == before
    program.clean()
