"""One line of the doctor, and asking a program of the system."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

_ASK_S = 5.0


@dataclass(frozen=True)
class Finding:
    """One line of the doctor."""

    name: str
    state: Literal["ok", "warn", "bad"]
    text: str
    todo: str = ""

    def row(self) -> dict[str, Any]:
        """As a row of an answer."""
        return asdict(self)


def ask(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a short command of the system prints; "" when it does not answer."""
    try:
        done = subprocess.run(
            argv,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_S,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
