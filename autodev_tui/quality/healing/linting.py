"""AUTO_FORMAT and the linter's own fixes: what the repository's tools would change, read from their diffs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence

from autodev_tui.quality.failures.model import Strategy
from autodev_tui.quality.healing.edits import patched, read_diff
from autodev_tui.quality.healing.model import Change, Repair, Unhealed, some
from autodev_tui.quality.healing.outcome import Outcome
from autodev_tui.quality.healing.tree import Tree, summary

# How a tool is started: alone, as a module, in the environment of a manager. `make black` is none of them.
_STARTED = (
    r"^(?:\w+=\S+ )*(?:(?:uv|poetry|pdm|hatch|pipenv) run )?(?:coverage run -m )?"
    r"(?:python[\d.]* (?:-[A-Za-z] )*?-m )?"
)
TOOLS = re.compile(_STARTED + r"(ruff check|ruff format|black|isort|flake8|pytest|unittest)(?:\s|$)")
_SHELL = re.compile(r"[|;&<>`$(){}\n]")
_UNUSED = frozenset({"F401", "W0611", "unused-import"})
_IMPORTS = re.compile(r"\b(?:F401|I001|F811)\b|unsorted")
_FLAKE8 = frozenset(
    {
        *(
            "F401",
            "F541",
            "F632",
            "W291",
            "W293",
            "W292",
            "W391",
            "W605",
            "E201",
            "E202",
            "E203",
            "E211",
            "E221",
        ),
        *(
            "E222",
            "E223",
            "E224",
            "E225",
            "E226",
            "E227",
            "E228",
            "E231",
            "E241",
            "E251",
            "E252",
            "E261",
            "E262",
        ),
        *("E265", "E266", "E271", "E272", "E301", "E302", "E303", "E305", "E306", "E703", "E711", "E712"),
    }
)
"""What flake8 finds and ruff mends under the same code."""


def tool_of(command: str) -> str:
    """The known tool that a simple command starts; "" for any other."""
    if _SHELL.search(command):
        return ""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    found = TOOLS.match(" ".join([words[0].rpartition("/")[2], *words[1:]])) if words else None
    return found[1] if found else ""


def seen_as(command: str) -> str:
    """A check's command with what makes its output say everything, and say it in one line each."""
    tool = tool_of(command)
    if tool == "pytest":
        return f"{command} -rfE --tb=short --maxfail=0 --continue-on-collection-errors"
    if tool == "ruff check" and "--output-format" not in command:
        return f"{command} --output-format=concise"
    if tool == "unittest" and not re.search(r"\s(?:-v|--verbose)\b", command):
        return f"{command} -v"
    return command


def fixes(command: str, outcome: Outcome, own_ruff: str) -> list[Repair]:
    """What the tool of a red check, or ruff in its stead, could mend by itself."""
    tool = tool_of(command)
    files = sorted({one.rsplit(": ", 1)[0] for one in outcome.failing if ": " in one})
    codes = {one.rsplit(": ", 1)[1] for one in outcome.failing if ": " in one}
    if tool == "ruff check":
        imports = any(_IMPORTS.search(code) for code in codes)
        strategy = Strategy.FIX_IMPORTS if imports else Strategy.AUTO_FORMAT
        return [_repair(strategy, "ruff's own fixes in", f"{command} --diff", files, "lint", "ruff")]
    if tool in ("ruff format", "black", "isort"):
        strategy = Strategy.FIX_IMPORTS if tool == "isort" else Strategy.AUTO_FORMAT
        done, mends = ("sorted imports", "import order") if tool == "isort" else ("formatted", "format")
        name = tool.partition(" ")[0]
        return [_repair(strategy, f"{done} with {tool}:", f"{command} --diff", files, mends, name)]
    if tool == "flake8" and own_ruff and (mended := sorted(codes & _FLAKE8)):
        words = [
            *shlex.split(own_ruff),
            "check",
            "--isolated",
            "--preview",
            "--select",
            ",".join(mended),
            "--diff",
            *files,
        ]
        strategy = Strategy.FIX_IMPORTS if "F401" in mended else Strategy.AUTO_FORMAT
        return [_repair(strategy, f"{', '.join(mended)} in", shlex.join(words), files, "lint", "ruff")]
    return []


def _repair(
    strategy: Strategy, lead: str, command: str, files: Sequence[str], mends: str, tool: str
) -> Repair:
    return Repair(
        strategy,
        f"{lead} {some(files)}",
        command=command,
        paths=frozenset(files),
        lead=lead,
        mends=mends,
        tool=tool,
    )


def exported(tree: Tree, outcome: Outcome, meant: Callable[[str], bool] | None = None) -> Iterator[Unhealed]:
    """Why an import of a package's `__init__.py` that nothing uses there is left."""
    for one in outcome.failures:
        if one.code in _UNUSED and _is_package(one.path or ""):
            name = one.symbol.rpartition(".")[2] or "a name"
            path = tree.local(one.path or "") or one.path or ""
            if meant is None or meant(path):
                yield Unhealed(
                    f"{path}: others may import {name} from this package, so it is never removed"
                    f" · name it in __all__, or import it `as {name}`, if that is meant; else take it out"
                )


def _is_package(path: str) -> bool:
    return path.rpartition("/")[2] == "__init__.py"


def changes_of(tree: Tree, repair: Repair, output: str) -> tuple[Change, ...]:
    """The changes in the diff that a repair's command printed, to failing files that it fits exactly."""
    made = []
    for name, hunks in read_diff(output, str(tree.root)).items():
        path = tree.local(name)
        old = tree.read(path) if path else None
        if old is None or (repair.paths and path not in {tree.local(one) for one in repair.paths}):
            continue
        new = patched(old, hunks)
        if new is not None and new != old and not _takes_exports(path, old, new):
            made.append(Change(path, old, new))
    return tuple(made)


def _takes_exports(path: str, old: bytes, new: bytes) -> bool:
    """Whether a package would offer less than before: nobody can see from here who imports it."""
    return _is_package(path) and not summary(old).imports.keys() <= summary(new).imports.keys()
