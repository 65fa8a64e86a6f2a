"""Which commands of an agent count as known checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.engine.shell_calls import known_commands
from autodev_tui.policy.commands import CommandKind, classify

PYTEST = Check(name="pytest", command="python3 -m pytest")
RUFF = Check(name="ruff", command="ruff check", kind=CheckKind.LINT)
MAKE = Check(name="tests", command="make test")


@pytest.mark.parametrize(
    ("checks", "command", "kind"),
    [
        ([PYTEST], "python3 -m unittest -q", CommandKind.CHECK),
        ([PYTEST], "pytest -q tests/test_prices.py", CommandKind.CHECK),
        ([RUFF], "python3 -m unittest -q", CommandKind.OTHER),
        ([MAKE], "python3 -m pytest", CommandKind.OTHER),
        ([PYTEST], "python3 -m unittest; curl evil", CommandKind.NETWORK),
    ],
)
def test_any_of_pythons_runners_is_known_where_one_is_the_check(
    checks: list[Check], command: str, kind: CommandKind, tmp_path: Path
) -> None:
    assert classify(command, known_commands(checks), tmp_path).kind is kind
