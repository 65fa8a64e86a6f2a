"""What formatters say when they only look: black, isort, autopep8, prettier, rustfmt, gofmt, biome."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_WOULD = re.compile(r"^would reformat (?P<path>\S.*)$")
_BLACK_PARSE = re.compile(
    r"^error: cannot (?:format|parse):? (?P<path>[^:]+?)(?::(?P<line>\d+):\d+|"
    r": Cannot parse[^:]*:? (?P<line2>\d+):\d+)?"
    r"(?:: (?P<message>.*))?$"
)
_ISORT = re.compile(r"^ERROR: (?P<path>.+?) Imports are incorrectly sorted and/or formatted\.$")
_PRETTIER = re.compile(r"^\[warn\] (?P<path>\S+\.\w+)$")
_PRETTIER_ERROR = re.compile(
    r"^\[error\] (?P<path>\S+?): (?P<kind>\w*Error): (?P<message>.+?) \((?P<line>\d+):\d+\)$"
)
_RUSTFMT = re.compile(r"^Diff in (?P<path>.+?)(?::(?P<line>\d+):| at line (?P<line2>\d+):)$")
_RUST_LIST = re.compile(r"\b(?:cargo fmt|rustfmt)\b.* (?:-l|--files-with-diff)\b")
_BIOME = re.compile(
    r"^(?P<path>\S+?)(?::(?P<line>\d+):\d+)? (?P<rule>format|lint/\S+|parse|assist/\S+|"
    r"organizeImports)(?: .*)?━+$"
)
_DIFFERS = ("black", "isort", "yapf", "autopep8", "clang-format", "gofmt")
_DIFF = re.compile(r"^--- (?P<path>\S+)(?:\s.*)?$")
_COUNT = re.compile(r"^\d+ files? would be reformatted\b.*$")
_GOFMT = re.compile(r"^(?:diff (?:-u )?)(?P<path>\S+\.go)(?:\.orig)?\b")


def parse(log: Log) -> Iterator[Found]:
    """Files that are not formatted, and files that no formatter can read."""
    prettier = log.says("Code style issues") or "prettier" in log.command
    count = 0
    for at, line in log.free():
        if line.startswith("- hook id: "):
            found: Found | None = _hook(log, at, line.removeprefix("- hook id: ").strip())
        else:
            found = _one(log, at, line, prettier)
        if found:
            count += 1
            log.claim(at, at + 1)
            yield found
    if not count:
        yield from _nameless(log)


def _nameless(log: Log) -> Iterator[Found]:
    """A formatter that only counts, or only shows the difference."""
    tool = next((name for name in _DIFFERS if name in log.command), "")
    for at, line in log.free():
        if (
            tool
            and (match := _DIFF.match(line))
            and at + 1 < len(log.lines)
            and log.lines[at + 1].startswith("+++ ")
        ):
            log.claim(at, at + 2)
            yield _unformatted(at, tool, match["path"].removeprefix("original/").removesuffix(":before"))
        elif match := _COUNT.match(line):
            log.claim(at, at + 1)
            shown = "ruff" if "ruff" in log.command else "black" if "black" in log.command else tool
            yield Found(FailureType.LINT_ERROR, line, shown, at, code="unformatted", fixable=True, echo=True)


def _hook(log: Log, at: int, name: str) -> Found:
    """pre-commit: a hook that changed files, or one whose own words say more than this."""
    below = log.lines[at + 1 : at + 4]
    changed = any(one.startswith("- files were modified by this hook") for one in below)
    words = f"the hook {name} changed files" if changed else f"the hook {name} failed"
    return Found(
        FailureType.LINT_ERROR, words, "pre-commit", at, code=name, fixable=changed, echo=not changed
    )


def _one(log: Log, at: int, line: str, prettier: bool) -> Found | None:
    if match := _WOULD.match(line):
        return _unformatted(at, "black", match["path"])
    if match := _ISORT.match(line):
        words = "imports are not sorted"
        return Found(
            FailureType.LINT_ERROR, words, "isort", at, match["path"], code="unsorted-imports", fixable=True
        )
    if line.startswith("error: cannot ") and (match := _BLACK_PARSE.match(line)):
        number = match["line"] or match["line2"]
        words = match["message"] or "cannot be parsed"
        return Found(
            FailureType.SYNTAX_ERROR, words, "black", at, match["path"].strip(),
            int(number) if number else None, "cannot-parse",
        )  # fmt: skip
    if match := _PRETTIER_ERROR.match(line):
        return Found(
            FailureType.SYNTAX_ERROR,
            match["message"],
            "prettier",
            at,
            match["path"],
            int(match["line"]),
            match["kind"],
        )
    if prettier and (match := _PRETTIER.match(line)):
        return _unformatted(at, "prettier", match["path"])
    if match := _RUSTFMT.match(line):
        return _unformatted(at, "rustfmt", match["path"], int(match["line"] or match["line2"]))
    if match := _BIOME.match(line):
        rule = match["rule"]
        number = int(match["line"]) if match["line"] else None
        if rule == "format":
            return _unformatted(at, "biome", match["path"])
        words = next((one.strip(" ×!✖") for one in log.lines[at + 1 : at + 5] if one.strip()), rule)
        kind = FailureType.LINT_ERROR
        if rule == "parse":
            kind = FailureType.SYNTAX_ERROR
        elif rule.startswith("lint/security/"):
            kind = FailureType.SECURITY_VULNERABILITY
        return Found(kind, words, "biome", at, match["path"], number, rule, fixable="FIXABLE" in line)
    if "gofmt" in log.command and (match := _GOFMT.match(line) or re.match(r"^(?P<path>\S+\.go)$", line)):
        return _unformatted(at, "gofmt", match["path"])
    if _RUST_LIST.search(log.command) and (match := re.match(r"^(?P<path>\S+\.rs)$", line)):
        return _unformatted(at, "rustfmt", match["path"])
    return None


def _unformatted(at: int, tool: str, path: str, line: int | None = None) -> Found:
    return Found(FailureType.LINT_ERROR, "not formatted", tool, at, path, line, "unformatted", fixable=True)
