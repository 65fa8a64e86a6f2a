"""Weakened tests: what a change takes away from them, hunk by hunk (DESIGN §5). Sync, pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from autodev_tui.domain.changeset import ChangeSet, FileChange, Hunk
from autodev_tui.policy.assertions import Unit, lost, read_units

Kind = Literal[
    "asserts", "skips", "tests", "cases", "tolerance loosened", "asserts loosened", "emptied", "not parsed"
]
_BADGES: dict[str, str] = {
    "asserts": "asserts −{}",
    "skips": "skips +{}",
    "tests": "tests −{}",
    "cases": "cases −{}",
}
_TEST_FILE = re.compile(r"(?:^|/)(?:tests?/.*|test_[^/]*|[^/]*_test|conftest)\.pyi?$")
_OTHER_TEST_FILE = re.compile(
    r"(?:(?:^|/)(?:__tests__|tests?|spec)/.*|[._-](?:test|spec))\.(?:[cm]?[jt]sx?|rb|go|rs|java|kt|php|cs|ex|exs)$"
    r"|_test\.(?:go|rb|ex|exs)$|Tests?\.(?:java|kt|cs|php)$"
)
_ASSERTS = re.compile(r"\bassert|\bexpect\s*\(|\.should\b|t\.(?:Error|Fatal|Fail)|\brequire\.\w+\(")
_SKIPS = re.compile(
    r"\.skip\b|\bx(?:it|describe|test)\s*\(|@(?:Disabled|Ignore|Skip)|\bt\.Skip|\.todo\(|#\[ignore|\bpending\b"
)
_TESTS = re.compile(
    r"^\s*(?:x?(?:it|test|describe))(?:\.\w+)?\s*\(|^func Test|#\[test\]|@Test\b|^\s*def test"
)


@dataclass(frozen=True)
class Weakening:
    """One finding. `old_line` or `new_line` says where; 0 where there is no such side."""

    kind: Kind
    old_line: int = 0
    new_line: int = 0


@dataclass(frozen=True)
class TestFile:
    """Both sides of a changed test file; None where a side does not exist."""

    __test__ = False

    path: str
    old: bytes | None
    new: bytes | None


def is_test_file(path: str) -> bool:
    """Whether a Python test runner reads the file, or it lies among tests."""
    return bool(_TEST_FILE.search(path))


def find_weakened(files: Sequence[TestFile]) -> dict[str, list[Weakening]]:
    """What each file loses. A test that moved to another of the files, or was only renamed, is not lost."""
    units: dict[str, tuple[dict[str, Unit] | None, dict[str, Unit] | None]] = {}
    for file in files:
        units[file.path] = (_units(file.old), _units(file.new))
    arrived: list[Unit] = []
    for old, new in units.values():
        known = old or {}
        arrived += [unit for name, unit in (new or {}).items() if unit.is_test and name not in known]
    found: dict[str, list[Weakening]] = {}
    for path, (old, new) in units.items():
        if old is None or new is None:
            found[path] = [Weakening("not parsed", 1, 1)]
        else:
            found[path] = _compare(old, new, arrived)
    return {path: findings for path, findings in found.items() if findings}


def _units(source: bytes | None) -> dict[str, Unit] | None:
    """None where it cannot be parsed; a missing side has no units."""
    if source is None:
        return {}
    try:
        return read_units(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _compare(old: dict[str, Unit], new: dict[str, Unit], arrived: list[Unit]) -> list[Weakening]:
    found: list[Weakening] = []
    by_body = {unit.body: unit for name, unit in new.items() if name and name not in old}
    for name, unit in old.items():
        now = new.get(name)
        if now is None:
            renamed = by_body.get(unit.body)
            if renamed is not None and (not unit.is_test or _collected_like(unit, renamed)):
                now = renamed
            elif unit.is_test:
                moved = [at for at in arrived if at.body == unit.body and _collected_like(unit, at)]
                if moved:
                    arrived.remove(moved[0])
                else:
                    found.append(Weakening("tests", old_line=unit.line))
                continue
            elif name:
                found += [Weakening("asserts", old_line=mark.line) for mark in unit.asserts]
                continue
            else:
                continue
        found += _compare_unit(unit, now)
    seen = {id(by_body[unit.body]) for name, unit in old.items() if name not in new and unit.body in by_body}
    for name, unit in new.items():
        if name not in old and id(unit) not in seen:
            found += [Weakening("skips", new_line=mark.line) for mark in unit.skips]
            if unit.is_test and unit.empty:
                found.append(Weakening("emptied", new_line=unit.line))
    return found


def _collected_like(old: Unit, new: Unit) -> bool:
    """Whether a runner that collected the test as `old` still does so as `new`."""
    classes = old.name.split(".")[:-1], new.name.split(".")[:-1]
    prefixed = [all(name.startswith("Test") for name in names) for names in classes]
    return new.is_test and (prefixed[1] or not prefixed[0])


def _compare_unit(old: Unit, new: Unit) -> list[Weakening]:
    found: list[Weakening] = []
    gone, come = lost(old.asserts, new.asserts), lost(new.asserts, old.asserts)
    missing = len(gone) - len(come)
    # Those whose line has no successor come last in a rewritten test; any choice would do.
    found += [Weakening("asserts", old_line=mark.line) for mark in gone[len(gone) - missing :] if missing > 0]
    if missing <= 0 and come and sum(m.weight for m in come) < sum(m.weight for m in gone):
        found.append(Weakening("asserts loosened", gone[0].line, come[0].line))
    found += [Weakening("skips", new_line=mark.line) for mark in lost(new.skips, old.skips)]
    found += _tolerances(old, new, len(come) - len(gone))
    if new.cases < old.cases:
        found += [Weakening("cases", old_line=old.line)] * (old.cases - new.cases)
    if new.is_test and new.empty and not old.empty:
        found.append(Weakening("emptied", new_line=new.line))
    return found


def _tolerances(old: Unit, new: Unit, more_asserts: int) -> list[Weakening]:
    def table(unit: Unit) -> dict[str, list[tuple[float, str, int]]]:
        values: dict[str, list[tuple[float, str, int]]] = {}
        for mark in unit.tolerances:
            argument, _, text = mark.key.partition(":")
            values.setdefault(argument, []).append((mark.weight, text, mark.line))
        return {argument: sorted(found, reverse=True) for argument, found in values.items()}

    before, after = table(old), table(new)
    for argument, values in after.items():
        known = before.get(argument, [])
        for index, (loose, text, line) in enumerate(values):
            if index < len(known):
                changed = loose > known[index][0] or (text != known[index][1] and bool(text))
            else:
                changed = index >= len(known) + max(more_asserts, 0)  # exact became approximate
            if changed:
                return [Weakening("tolerance loosened", old.line, line)]
    return []


def badges(changes: ChangeSet, read_blob: Callable[[str], bytes]) -> dict[int, list[str]]:
    """Badges such as `asserts −3` by hunk number, for every hunk that weakens a test."""
    python = [
        TestFile(
            file.path,
            read_blob(file.old_blob) if file.old_blob else None,
            read_blob(file.new_blob) if file.new_blob else None,
        )
        for file in changes.files
        if is_test_file(file.path) and file.status != "typechange"
    ]
    weakened = find_weakened(python)
    shown: dict[int, list[str]] = {}
    for file in changes.files:
        counts: dict[int, dict[str, int]] = {}
        for finding in weakened.get(file.path, ()):
            if file.hunks:
                kinds = counts.setdefault(_hunk_of(finding, file.hunks).number, {})
                kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
        if _OTHER_TEST_FILE.search(file.path):
            counts = _by_lines(file)
        for number, kinds in counts.items():
            shown[number] = [_BADGES.get(kind, kind).format(count) for kind, count in kinds.items()]
    return shown


def _hunk_of(finding: Weakening, hunks: list[Hunk]) -> Hunk:
    def distance(hunk: Hunk) -> int:
        if finding.old_line:
            return _distance(finding.old_line, hunk.old_start, len(hunk.old_lines))
        return _distance(finding.new_line, hunk.new_start, len(hunk.new_lines))

    return min(hunks, key=distance)


def _distance(line: int, start: int, count: int) -> int:
    return max(start - line, line - (start + max(count, 1) - 1), 0)


def _by_lines(file: FileChange) -> dict[int, dict[str, int]]:
    """Languages we do not parse: counted by what their lines look like."""
    counts: dict[int, dict[str, int]] = {}
    for hunk in file.hunks:
        kinds: dict[str, int] = {}
        for kind, pattern, sign in (("asserts", _ASSERTS, -1), ("tests", _TESTS, -1), ("skips", _SKIPS, 1)):
            added = sum(bool(pattern.search(line[1:])) for line in hunk.diff if line.startswith("+"))
            removed = sum(bool(pattern.search(line[1:])) for line in hunk.diff if line.startswith("-"))
            if (added - removed) * sign > 0:
                kinds[kind] = abs(added - removed)
        if hunk.whole_file and file.status != "added":
            kinds["not parsed"] = 1
        if kinds:
            counts[hunk.number] = kinds
    return counts
