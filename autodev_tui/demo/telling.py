"""What happens in a demo without a screen, in plain lines: who on the left, what they did on the right."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from autodev_tui.demo.place import CHECK_COMMANDS, Place
from autodev_tui.domain import events
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.text import visible

WHO = 9
"""Cells of the left column."""
VERBS = {
    "edit_file": "edits",
    "write_file": "writes",
    "delete_file": "deletes",
    "run_command": "runs",
}
SHOWN = 100
"""Characters of a line's right side."""


class Story:
    """Tells what a session's events say, each thing once."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def say(self, who: str, what: str) -> None:
        """One line; what is no text of ours is made harmless."""
        self._write(f"{who:<{WHO}} {visible(what, keep='')}".rstrip())

    def line(self, text: str = "") -> None:
        """A line without anybody."""
        self._write(visible(text))

    def event(self, event: events.Event, mirror: Mirror) -> None:
        """What is worth a line."""
        who = event.task or "planner"
        match event:
            case events.StepMoved(step_kind="tool", new="done" | "failed" | "refused", name=name):
                if name in VERBS:
                    self.say(who, _cut(f"{VERBS[name]} {_object(event, mirror)}"))
                elif name == "finish":
                    self.say(who, _cut(f"is done: {_args(event, mirror).get('summary', '')}"))
            case events.PlanReady():
                for task in event.tasks:
                    self.say("plan", f"{task['id']} {task['title']}")
            case events.GateJudged():
                word = {"pass": "✓ verified", "fail": "✗ red"}.get(event.verdict, "? not decided")
                before = [one.partition(":")[0] for one in event.reasons if "red before too" in one]
                why = f" · {', '.join(before)} red before too" if before else ""
                self.say("checks", f"{word} @{event.tree[:7]}{why}")
            case events.Committed():
                self.say(who if event.task else "autodev", f"commit {event.commit[:7]} {event.title}")
            case events.Noticed():
                self.say("autodev", event.text)


def _args(event: events.StepMoved, mirror: Mirror) -> dict[str, Any]:
    step = mirror.steps.get(event.task or "", {}).get(event.step)
    return step.args if step else {}


def _object(event: events.StepMoved, mirror: Mirror) -> str:
    """What a call is about, and how it ended."""
    step = mirror.steps.get(event.task or "", {}).get(event.step)
    args, result = _args(event, mirror), step.result if step else {}
    words = str(args.get("path") or args.get("command") or args.get("pattern") or "the files")
    if "added" in result or "removed" in result:
        words += f"  +{result.get('added', 0)} −{result.get('removed', 0)}"
    if (code := result.get("exit_code")) is not None:
        words += "  ✓" if code == 0 else f"  ✗ exit code {code}"
    elif event.new != "done":
        words += f"  {event.new}"
    return words


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def checks(place: Place) -> dict[str, str]:
    """What each of the sample's checks says of its checkout as it is now. Sync: runs them."""
    said = {}
    for name, words in CHECK_COMMANDS.items():
        done = subprocess.run(
            [sys.executable, *words.split()[1:]],
            cwd=place.repository,
            env=place.environment | {"PYTHONDONTWRITEBYTECODE": "1", "RUFF_NO_CACHE": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        said[name] = _summary(done.stdout + done.stderr, done.returncode)
    return said


def _summary(output: str, code: int) -> str:
    ran = re.search(r"Ran (\d+) tests?", output)
    failed = re.search(r"FAILED \(.*?(\d+)", output)
    if ran:
        return f"{failed[1]} of {ran[1]} tests fails" if failed else f"{ran[1]} tests pass"
    found = re.search(r"Found (\d+) error", output)
    return f"finds {found[1]} things" if found else "finds nothing" if code == 0 else f"exit code {code}"
