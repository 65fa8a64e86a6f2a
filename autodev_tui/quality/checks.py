"""Running one check on one exact checkout, and what its end says: the only way evidence comes to be."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pathspec

from autodev_tui.domain.evidence import Check, CheckKind, Evidence
from autodev_tui.quality.causes import causes_of
from autodev_tui.quality.declared import declared
from autodev_tui.quality.detection import detect
from autodev_tui.quality.environment import Environment
from autodev_tui.quality.findings import Outcomes, findings, no_tests, outcomes, plain
from autodev_tui.quality.origins import PROBE, objection, read_origins
from autodev_tui.quality.project import Project, describe
from autodev_tui.quality.running import Ran, Run, RunCommand, quiet_env

__all__ = ["applicable", "detect", "evidence_key", "not_run", "run_check"]

TIMEOUT_S = 600.0
"""A long test suite on a laptop."""
_NO_MODULE = re.compile(
    r"No module named '?(pytest|ruff|mypy|bandit|coverage|unittest|black|isort|flake8)'?\s*$"
)

_NO_COMPONENT = re.compile(
    r"^error: (?:'([\w-]+)' is not installed for the toolchain|no such command: `([\w-]+)`)", re.MULTILINE
)


def evidence_key(check: Check, tree: str, environment: Environment, wanted: Collection[str] = ()) -> str:
    """Under which name the evidence of `check` on `tree` may be kept and used again."""
    parts = (check.name, check.command, check.kind.value, tree, environment.id, *sorted(wanted))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def applicable(check: Check, changed: Sequence[str]) -> bool:
    """Whether one of the changed paths is among those that `check` is about."""
    return not check.paths or any(pathspec.GitIgnoreSpec.from_lines(check.paths).match_files(changed))


def not_run(check: Check, tree: str, why: str, at: float) -> Evidence:
    """The evidence that a check was not run, and why."""
    return Evidence(
        check=check.name,
        kind=check.kind,
        command=check.command,
        tree=tree,
        result="not_run",
        why=why,
        at=at,
    )


async def run_check(
    check: Check,
    tree: str,
    check_dir: Path,
    environment: Environment,
    run_command: RunCommand,
    *,
    scratch: Path,
    clock: Callable[[], float],
    wanted: Collection[str] = (),
    timeout_s: float = TIMEOUT_S,
) -> Evidence:
    """Run `check` in `check_dir`, a clean and exact checkout of `tree`, and judge how it ended.

    `scratch` is a directory for what the run leaves behind; nothing of it stays. `wanted` names tests whose
    outcome is to be told one by one. The check may write to `check_dir`: reset it before the next one.
    """
    project = await asyncio.to_thread(lambda: describe(check_dir, declared(check_dir)))
    folder = Path(await asyncio.to_thread(_scratch, scratch))
    try:
        await asyncio.to_thread(environment.show_in, check_dir)
        ran = await run_command(
            Run(
                argv=("/bin/sh", "-c", check.command),
                cwd=str(check_dir),
                env=_variables(check, check_dir, environment, project, folder),
                timeout_s=timeout_s,
                readable=(*environment.readable, str(PROBE)),
                writable=(str(check_dir), str(folder)),
            )
        )
        at = clock()
        return await asyncio.to_thread(
            _judge, check, tree, check_dir, environment, project, folder, ran, wanted, at
        )
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _scratch(parent: Path) -> str:
    parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="check-", dir=parent)
    for name in ("home", "tmp", "record"):
        Path(folder, name).mkdir()
    return folder


def _variables(
    check: Check, check_dir: Path, environment: Environment, project: Project, folder: Path
) -> dict[str, str]:
    quiet = quiet_env(folder)
    if check.kind is CheckKind.BEHAVIOUR:
        # One broken file or first failure must not hide what the others would have said.
        quiet["PYTEST_ADDOPTS"] += " --continue-on-collection-errors --maxfail=0"
    return {
        **environment.variables(check_dir, folder / "home"),
        **quiet,
        "PYTHONPATH": os.pathsep.join([str(PROBE), project.python_path(check_dir)]),
        "AUTODEV_ORIGINS": str(folder / "record"),
        "AUTODEV_MODULES": ",".join(project.modules),
        "AUTODEV_CHECKOUT": os.pathsep.join({environment.checkout, os.path.realpath(environment.checkout)}),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "CI": "1",
        "RUFF_OUTPUT_FORMAT": "concise",
    }


def _judge(
    check: Check,
    tree: str,
    check_dir: Path,
    environment: Environment,
    project: Project,
    folder: Path,
    ran: Ran,
    wanted: Collection[str],
    at: float,
) -> Evidence:
    text = plain(ran.output)
    tests = outcomes(folder / "record", text) if check.kind is CheckKind.BEHAVIOUR else Outcomes()
    result, why, failures = _ended(check, environment, ran, text, tests)
    origins = read_origins(folder / "record", check_dir, project.modules, environment.readable)
    if check.kind is CheckKind.BEHAVIOUR and result in ("passed", "failed"):
        against = objection(origins, project, check.command, check_dir, result == "passed")
        if against:
            result, why, failures = "unverifiable", against, []
    return Evidence(
        check=check.name,
        kind=check.kind,
        command=check.command,
        tree=tree,
        result=result,
        exit_code=ran.code,
        why=why,
        failures=failures,
        causes=causes_of(check.command, check_dir, ran, text) if result in ("failed", "unverifiable") else [],
        passed_tests=list(tests.tests.values()).count("passed"),
        tests=tests.ask(wanted) if result in ("passed", "failed") else {},
        output_blob=ran.blob,
        environment=environment.id,
        origins=origins.shown,
        duration_s=ran.duration_s,
        at=at,
    )


def _ended(
    check: Check, environment: Environment, ran: Ran, text: str, tests: Outcomes
) -> tuple[str, str, list[str]]:
    """Result, why, and the names of what failed: none when they cannot all be known."""
    cannot = _cannot_run(check, ran, text)
    if cannot:
        # What somebody configured is expected to run; what was only detected may simply not be there.
        return ("not_run" if check.source == "detected" else "unverifiable"), cannot, []
    behaviour = check.kind is CheckKind.BEHAVIOUR
    if behaviour and not ran.timed_out and (empty := _empty(check, ran, text, tests)):
        return "not_run", empty, []
    if ran.code == 0:
        return "passed", "", []
    if ran.timed_out:
        return "failed", f"it did not end within {ran.duration_s:.0f} s", []
    if behaviour and ran.code == 4 and "unrecognized arguments" in text:
        return "unverifiable", "pytest does not know an option of this repository: is a plugin missing?", []
    lacking = environment.lacking(check)
    if lacking and check.kind not in (CheckKind.LINT, CheckKind.SECURITY):
        return "unverifiable", f"not installed: {', '.join(lacking)}", []
    if ran.signal is not None:
        return "failed", f"it was killed by signal {ran.signal}", []
    if behaviour:
        names, whole = tests.failed, tests.complete
    else:
        # TypeScript's compiler has another code for what it found, which is other tools' for a mistake.
        names, whole = findings(text), ran.code == 1 or (ran.code == 2 and ": error TS" in text)
    if not whole or not names:
        return "failed", f"exit code {ran.code}, and not everything that fails can be named", []
    return "failed", f"{len(names)} failing: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}", names


def _cannot_run(check: Check, ran: Ran, text: str) -> str:
    if ran.code is None and ran.signal is None and not ran.timed_out:
        return "it could not be started"
    lines = text.strip().splitlines() or [""]
    if ran.code == 127:
        return f"command not found: {lines[-1]}"
    if ran.code == 126:
        return f"not executable: {lines[-1]}"
    if match := _NO_COMPONENT.search(text):
        return f"not installed: {match[1] or match[2]}"
    absent = _NO_MODULE.search(lines[-1])
    if ran.code == 1 and absent and f"-m {absent[1]}" in check.command:
        return f"{absent[1]} is not installed"
    return ""


def _empty(check: Check, ran: Ran, text: str, tests: Outcomes) -> str:
    """Why a check of behaviour that ended stands for no test, empty if it stands for some."""
    if ran.code == 5 and (tests.exits == [5] or "pytest" in check.command or no_tests(text)):
        return "no tests"
    if ran.code != 0:
        return ""
    if tests.seen:
        return "" if "passed" in tests.tests.values() else "every test was skipped"
    return no_tests(text)
