"""Feature flags (S27): new behaviour that is on in a share of the repositories, and how it does there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from statistics import fmean
from typing import Any

from autodev_tui.settings_schema import Settings
from store.database import Database

HISTORY_ADVICE = "history_advice"
FLAGS = {
    HISTORY_ADVICE: "While a goal is typed, the number of tasks is what goals like it came to here.",
}
"""All flags there are, each off where `[flags]` does not name it."""


def is_on(settings: Settings, flag: str, repository: str) -> bool:
    """Whether a flag is on in the repository of this id; always the same for the same percentage.

    Raises:
        KeyError: there is no such flag.
    """
    if flag not in FLAGS:
        raise KeyError(flag)
    return cohort(flag, repository) < settings.flags.get(flag, 0)


def cohort(flag: str, repository: str) -> int:
    """The repository's place from 0 to 99 in a flag's rollout; it stays, so that a rollout only grows."""
    return int.from_bytes(hashlib.sha256(f"{flag}\0{repository}".encode()).digest()[:8]) % 100


def arms(settings: Settings, repository: str) -> dict[str, bool]:
    """Each flag, and whether it is on."""
    return {flag: is_on(settings, flag, repository) for flag in FLAGS}


def flag_rows(settings: Settings, repository: str, database: Database) -> list[dict[str, Any]]:
    """One row a flag, with how sessions went with it and without it. Sync."""
    history = database.all("history")
    unknown = sorted(set(settings.flags) - set(FLAGS))
    rows: list[dict[str, Any]] = [
        {
            "name": f"flags.{flag}",
            "value": settings.flags.get(flag, 0),
            "default": 0,
            "help": text,
            "kind": "whole",
            "choices": [],
            "bounds": "at least 0, at most 100",
            "writable": True,
            "on": is_on(settings, flag, repository),
            "cohort": cohort(flag, repository),
            "arms": {"on": _outcome(history, flag, True), "off": _outcome(history, flag, False)},
        }
        for flag, text in FLAGS.items()
    ]
    return rows + [_unknown(name, settings.flags[name]) for name in unknown]


def _outcome(history: Iterable[dict[str, Any]], flag: str, on: bool) -> dict[str, Any]:
    """How the runs of one arm ended: count, share of successes (0–1), mean cost in USD."""
    runs = [one for one in history if one["execution_context"].get("flags", {}).get(flag) is on]
    costs = [float(one["execution_context"]["usage"]["cost_usd"]) for one in runs]
    return {
        "runs": len(runs),
        "success": round(fmean(bool(one["success"]) for one in runs), 4) if runs else None,
        "cost_usd": fmean(costs) if costs else None,
    }


def _unknown(name: str, value: int) -> dict[str, Any]:
    return {
        "name": f"flags.{name}",
        "value": value,
        "default": 0,
        "help": "There is no flag of this name: it changes nothing.",
        "kind": "whole",
        "choices": [],
        "bounds": "",
        "writable": True,
        "on": False,
    }
