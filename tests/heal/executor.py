"""Carries out a worker's calls for real: the tools' own planning and writing, commands by the shell."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodev_tui.cli_heal import kind_of
from autodev_tui.policy.secrets import Masker
from autodev_tui.quality.declared import declared
from autodev_tui.quality.project import describe
from autodev_tui.quality.running import quiet_env
from autodev_tui.rules import healing
from autodev_tui.rules.work import Done, Job
from autodev_tui.tools import effects, reading, talking
from autodev_tui.tools.base import ToolProblem
from autodev_tui.tools.command import CommandEnd, format_result
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.editing import plan_edit
from autodev_tui.tools.effects import EffectConflict
from autodev_tui.tools.specs import TOOLS, validate

HALF = 8 * 1024
MAX_TURNS = 200


def own_ruff() -> str:
    """This environment's ruff."""
    return str(Path(sys.executable).parent / "ruff")


@dataclass
class Executor:
    """One worktree, and everything that was called on it."""

    worktree: Path
    scratch: Path
    checks: Sequence[str]
    rule: str = "heal"
    site: Path | None = None
    """Packages of a small index of its own: a distribution can be imported once the manifest declares it."""
    done: list[Done] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    edits: int = 0

    def __post_init__(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._outputs: dict[str, Path] = {}
        self._context = ToolContext(
            worktree=self.worktree, masker=Masker(b"k" * 16), list_paths=list, outputs=self._outputs
        )

    def job(self, turn: int = 1) -> Job:
        """The job as the engine would state it."""
        facts = {
            "checks": [{"name": one, "command": one, "kind": kind_of(one).value} for one in self.checks],
            "python": sys.executable if self.site is None else "",
            "own_ruff": own_ruff(),
        }
        return Job("Heal", f"What is red is mended.\n\nrule: {self.rule}", self.worktree, turn, facts=facts)

    def run(self) -> str:
        """Work until the end; the summary."""
        for turn in range(1, MAX_TURNS + 1):
            move = healing.work(self.job(turn), list(self.done))
            assert move.text or move.calls
            self.said.append(move.text)
            for name, args in move.calls:
                self.done.append(self.call(name, args))
                if name == "finish":
                    return str(args["summary"])
        raise AssertionError("the healing did not come to an end")

    def call(self, name: str, args: dict[str, Any]) -> Done:
        """One call, as the engine would carry it out."""
        valid = validate(name, args, tuple(TOOLS))
        if isinstance(valid, ToolProblem):
            return Done(name, args, str(valid), True)
        try:
            if name == "edit_file":
                effect = plan_edit(self._context, valid)
                effects.apply(self._context, effect)
                self.edits += 1
                return Done(name, args, effect.text, False)
            if name == "run_command":
                return Done(name, args, self._command(args["command"]), False)
            if name == "read_file":
                found = reading.run(self._context, name, valid)
                return Done(name, args, getattr(found, "text", str(found)), isinstance(found, ToolProblem))
            said = talking.run(name, valid)
            return Done(name, args, getattr(said, "text", str(said)), isinstance(said, ToolProblem))
        except (ToolProblem, EffectConflict) as error:
            return Done(name, args, str(error), True)

    def _command(self, command: str) -> str:
        needs = declared(self.worktree)
        project = describe(self.worktree, needs)
        path = [project.python_path(self.worktree)]
        if self.site:
            have = {line.split("=")[0].split(">")[0].strip().lower() for line in needs.requirements}
            path += [str(one) for one in self.site.iterdir() if one.name.lower() in have]
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "HOME": str(self.scratch),
            "TMPDIR": str(self.scratch),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join(path),
            **quiet_env(self.scratch),
        }
        began = time.monotonic()
        ended = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.worktree,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        name = f"{len(self._outputs):04d}"
        self._outputs[name] = self.scratch / f"{name}.out"
        self._outputs[name].write_bytes(ended.stdout)
        cut = len(ended.stdout) > 2 * HALF
        end = CommandEnd(
            ended.returncode,
            time.monotonic() - began,
            head=ended.stdout[:HALF] if cut else ended.stdout,
            tail=ended.stdout[-HALF:] if cut else b"",
            elided=len(ended.stdout) - 2 * HALF if cut else 0,
        )
        return format_result(end, self._context.masker, output_name=name).text


def fingerprint(folder: Path) -> str:
    """Everything that a git tree would say of a folder: paths, modes, bytes."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            name = str(path.relative_to(folder))
            whole.update(f"{name}\0{path.stat().st_mode:o}\0".encode() + path.read_bytes() + b"\0")
    return whole.hexdigest()
