"""What a healing is for: everything, one command, some kinds of checks, some paths."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from autodev_tui.domain.rule import HEAL
from autodev_tui.policy.weakened import is_test_file
from autodev_tui.quality.failures import Failure
from autodev_tui.quality.healing.outcome import Outcome

KINDS = {
    "lint": "lint",
    "types": "types",
    "tests": "behaviour",
}
"""The words of a rule, and the kind of checks that each stands for."""
_ONLY = re.compile(rf"{HEAL}\s+only\s+(?P<what>.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Scope:
    """One `heal` rule: `heal`, `heal COMMAND`, or `heal only lint types in PATH PATH`."""

    command: str = ""
    words: frozenset[str] = frozenset()
    """Of KINDS; empty: checks of any kind."""
    paths: tuple[str, ...] = ()
    """Files and folders; empty: all."""

    @classmethod
    def of(cls, rule: str) -> Scope:
        """What a rule that begins with `heal` says."""
        found = _ONLY.fullmatch(rule.strip())
        if not found:
            return cls(command=rule.strip()[len(HEAL) :].strip())
        try:
            parts = shlex.split(found["what"])
        except ValueError:
            parts = []
        at = parts.index("in") if "in" in parts else len(parts)
        words = frozenset(parts[:at])
        if not parts or not words <= KINDS.keys():
            return cls(command=rule.strip()[len(HEAL) :].strip())
        return cls(words=words, paths=tuple(parts[at + 1 :]))

    @property
    def rule(self) -> str:
        """As the last line of a task's description has it."""
        if not self.words and not self.paths:
            return f"{HEAL} {self.command}".strip()
        within = ["in", *map(shlex.quote, self.paths)] if self.paths else []
        return " ".join([HEAL, "only", *(word for word in KINDS if word in self.words), *within])

    @property
    def said(self) -> str:
        """` in the lint of shop/cart.py`; "" where it is everything, or one command."""
        words = [word for word in KINDS if word in self.words]
        listed = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
        paths = ", ".join(self.paths)
        return f" in {f'the {listed} of ' if listed and paths else listed}{paths}" if words or paths else ""

    def wants(self, command: str, kind: str) -> bool:
        """Whether what this check finds is to be healed."""
        if self.command:
            return command == self.command
        return not self.words or any(kind == KINDS[word] for word in self.words)

    def has(self, path: str) -> bool:
        """Whether a file is one of those that were named."""
        return not self.paths or any(path == one or path.startswith(f"{one}/") for one in self.paths)

    def may_change(self, path: str) -> bool:
        """Whether a repair may change this file: what a test finds may be wrong in what it tests."""
        return self.has(path) or (self._of_tests and bool(self.words <= {"tests"}))

    def everywhere(self, kind: str) -> bool:
        """Whether all findings of such a check are meant: which file a test is about, nobody can tell."""
        return not self.paths or (kind == "behaviour" and not self._of_tests)

    def failures(self, found: Outcome, kind: str, local: Callable[[str], str]) -> list[Failure]:
        """Those of a check's failures that are meant."""
        return [one for one in found.failures if self.everywhere(kind) or self._meant(one, local)]

    def red(self, found: Outcome, kind: str, local: Callable[[str], str]) -> bool:
        """Whether something that is meant is red."""
        whole = self.everywhere(kind) or not found.failures
        return found.red and (whole or bool(self.failures(found, kind, local)))

    @property
    def _of_tests(self) -> bool:
        return bool(self.paths) and all(
            is_test_file(one) or is_test_file(f"{one}/x.py") for one in self.paths
        )

    def _meant(self, one: Failure, local: Callable[[str], str]) -> bool:
        if self.has(local(one.path or "") or (one.path or "")):
            return True
        test, _, _ = one.symbol.partition("::")
        modules = [path.removesuffix(".py").replace("/", ".") for path in self.paths]
        return self.has(test) or any(re.search(rf"\b{re.escape(name)}\b", one.symbol) for name in modules)
