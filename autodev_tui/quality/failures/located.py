"""Findings of the form `path:line:column: words`: flake8, pylint, mypy, gcc, clang, go, shellcheck, javac."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType

_AT = re.compile(
    r"^(?P<path>(?:vet: )?[^\s:][^:\n\"'()<>|]{0,300}?):(?P<line>\d+)(?::(?P<column>\d+))?(?::\d+:\d+)?: ?"
    r"(?P<rest>\S.*)$"
)
_ASKED = re.compile(
    r"^(?P<path>[^\s:]+):(?P<line>\d+):\d+:(?:   required from | note: .+ requested here$)|"
    r"^(?:In file included| +) from (?P<by>[^\s:]+):(?P<by_line>\d+)[,:]"
)
_WHOLE_FILE = re.compile(r"^(?P<path>[^\s:]+\.pyi?): error: (?P<message>\S.*)$")
_DESCRIBED = re.compile(r"^(?P<path>\S+\.pyi?):(?P<line>\d+) (?:at|in) [^:]+:$")
_CODED = re.compile(
    r"^\[?(?P<code>[A-Z]{1,4}\d{2,5})(?:\([\w-]+\)[^\]]*)?\]?(?P<colon>:?)"
    r"(?: (?P<fix>\[\*\] )?(?P<message>.*))?$"
)
_LEVEL = re.compile(
    r"^(?P<level>fatal error|error|warning|note|info|style|Error)(?P<colour>):? (?P<message>.+)$"
)
_MYPY_CODE = re.compile(r"^(?P<message>.*\S)  \[(?P<code>[a-z][a-z-]*)\]$")
_BRACKETED = re.compile(r"^(?P<message>.*?) \[(?P<code>-?[\w=+.-]+)\]$")
_QUOTED = re.compile(r"[\"'`‘](?P<name>[^\"'`’]{1,200})[\"'`’]")
_SYMBOLIC = re.compile(r"^(?P<message>.*) \((?P<symbol>[a-z][a-z0-9-]+)\)$")
_MISSING_STUB = ("import-not-found",)
_C = (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".m", ".mm", ".cu")
_C_SYNTAX = re.compile(
    r"expected .+ (?:before|at end of input)|^expected |stray .+ in program|unterminated|missing terminating"
    r"|extraneous closing brace|at end of input"
)
_GO_SYNTAX = re.compile(
    r"^(?:syntax error:|expected .+, found |string literal not terminated|invalid character)"
)
_GO_IMPORT = re.compile(
    r"no required module provides package (?P<name>[^\s;:]+)|package (?P<std>\S+) is not in (?:GOROOT|std)"
    r"|cannot find package \"?(?P<old>[^\s\"]+)|(?:^|\s)(?P<missing>\S{1,200}): cannot find module"
)
_GO_BUILDS = re.compile(r"\bgo (?:build|run|test|install|generate)\b")
_GO_TYPE = re.compile(
    r"cannot use .+ as |mismatched types|cannot convert|not enough arguments|too many arguments|"
    r"missing return"
    r"|invalid operation|has no field or method|does not implement|assignment mismatch|not enough return|"
    r"too many return"
    r"|undefined \(type "
)
_JAVA_SYNTAX = re.compile(r"expected$|illegal start|reached end of file|not a statement|unclosed")


def parse(log: Log) -> Iterator[Found]:
    """Each finding, by what the rest of its line looks like and what the file is."""
    before: Found | None = None
    for at, text in log.free():
        if ":" not in text:
            continue
        if described := _DESCRIBED.match(text):
            below = _CODED.match(log.lines[at + 1].strip()) if at + 1 < len(log.lines) else None
            if below and log.lines[at + 1].startswith(" "):
                log.claim(at, at + 2)
                yield Found(
                    FailureType.LINT_ERROR, below["message"] or "", "pydocstyle", at, described["path"],
                    int(described["line"]), below["code"],
                )  # fmt: skip
            continue
        match = _AT.match(text)
        if not match:
            if whole := _WHOLE_FILE.match(text):
                log.claim(at, at + 1)
                absent = whole["message"].startswith(("Cannot read file", "can't read file"))
                kind = None if absent else kind_of_mypy("", whole["message"])
                yield Found(kind, whole["message"], "mypy", at, whole["path"])
            continue
        path, line = match["path"].removeprefix("vet: "), int(match["line"])
        found = _read(log, at, path, line, match["rest"], vet=text.startswith("vet: "))
        if not found and path.endswith(".go") and match["column"] and _GO_BUILDS.search(log.command):
            # Only the compiler counts columns.
            found = Found(FailureType.BUILD_FAILURE, match["rest"], "go", at)
        if found:
            log.claim(at, at + 1)
            found.path, found.line = path, line
            if found.tool in ("gcc", "clang") and foreign(path):
                found.path, found.line = _asked_from(log, at) or (path, line)
            if before and (before.path, before.line) == (path, line) and before.tool in ("gcc", "clang"):
                # Where a compiler has lost its way, it says what it expected.
                found.type = before.type if found.type is FailureType.SYNTAX_ERROR else found.type
            before = found
            yield found


def _read(log: Log, at: int, path: str, line: int, rest: str, vet: bool) -> Found | None:
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if coded := _CODED.match(rest):
        return _coded(log, at, coded)
    if suffix in (".py", ".pyi"):
        return _python(log, at, path, rest)
    if suffix in _C:
        return _c(log, at, rest)
    if suffix == ".go":
        return _go(log, at, rest, vet)
    if suffix in (".java", ".kt", ".scala"):
        return _java(log, at, rest)
    level = _LEVEL.match(rest)
    if level and suffix in (".sh", ".bash") and (code := re.search(r"\[(SC\d+)\]$", level["message"])):
        kind = FailureType.SYNTAX_ERROR if code[1].startswith("SC10") else FailureType.LINT_ERROR
        words = level["message"].removesuffix(f" [{code[1]}]")
        return Found(kind, words, "shellcheck", at, code=code[1])
    return None


def _coded(log: Log, at: int, match: re.Match[str]) -> Found:
    code, message = match["code"], match["message"] or ""
    fixable = bool(match["fix"])
    if match["colon"] and re.fullmatch(r"[CRWEFI]\d{4}", code):
        symbolic = _SYMBOLIC.match(message)
        words = symbolic["message"] if symbolic else message
        kind = FailureType.SYNTAX_ERROR if code == "E0001" else FailureType.LINT_ERROR
        level = {"E": "high", "F": "high", "W": "medium"}.get(code[0], "low")
        if code == "E0401":
            kind = FailureType.IMPORT_ERROR
        elif code == "F0001":
            # It was told to read what is not there.
            return Found(None, words, "pylint", at, code=code)
        return Found(kind, words, "pylint", at, code=code, symbol=_name(words), level=level)
    if re.fullmatch(r"B\d{3}", code) and (not message or "bandit" in log.command):
        return Found(FailureType.SECURITY_VULNERABILITY, message or code, "bandit", at, code=code)
    ruff = fixable or "ruff" in log.command or log.says("fixable with `--fix`") or log.says("checks passed")
    tool = "ruff" if ruff or (re.search(r"`[^`]+`", message) and "flake8" not in log.command) else "flake8"
    if tool == "flake8" and "pycodestyle" in log.command:
        tool = "pycodestyle"
    return Found(
        kind_of_code(code, message),
        message or code,
        tool,
        at,
        code=code,
        symbol=_name(message),
        fixable=fixable,
    )


def kind_of_code(code: str, words: str = "") -> FailureType | None:
    """What a linter's code stands for: unreadable, insecure, or style; None: there was nothing to read."""
    if code == "E902" and ("No such file" in words or "FileNotFoundError" in words):
        return None
    if code in ("E999", "E902", "E901", "invalid-syntax"):
        return FailureType.SYNTAX_ERROR
    secure = re.fullmatch(r"S\d{3}", code) or re.fullmatch(r"DUO\d{3}", code)
    return FailureType.SECURITY_VULNERABILITY if secure else FailureType.LINT_ERROR


def _asked_from(log: Log, at: int) -> tuple[str, int] | None:
    """Where the project asked for what fails inside a library's header: gcc says it above, clang below."""
    above = range(at - 1, max(at - 60, -1), -1)
    for i in (*above, *range(at + 1, min(at + 60, len(log.lines)))):
        match = _ASKED.match(log.lines[i])
        if match and not foreign(match["path"] or match["by"]):
            return match["path"] or match["by"], int(match["line"] or match["by_line"])
        if i > at and ": error: " in log.lines[i]:
            break
    return None


def _python(log: Log, at: int, path: str, rest: str) -> Found | None:
    if rest.startswith(("invalid-syntax:", "SyntaxError:")):
        words = rest.partition(":")[2].strip()
        return Found(FailureType.SYNTAX_ERROR, words, "ruff", at, code="invalid-syntax")
    if rest.startswith("unformatted:"):
        return Found(FailureType.LINT_ERROR, "not formatted", "ruff", at, code="unformatted", fixable=True)
    level = _LEVEL.match(rest)
    if not level:
        return _pyflakes(log, at, rest)
    if level["level"] != "error":
        return None
    coded = _MYPY_CODE.match(level["message"])
    words, code = (coded["message"], coded["code"]) if coded else (level["message"], "")
    if not coded and (rest_of := _wrapped(log, at, words)):
        words, code = rest_of
    return Found(kind_of_mypy(code, words), words, "mypy", at, code=code, symbol=_name(words))


def kind_of_mypy(code: str, words: str) -> FailureType:
    """What an error of mypy stands for: unreadable, a module that is not there, or types."""
    if code == "syntax" or (
        not code and re.match(r"(?i)invalid syntax|unexpected indent|expected an indented|unindent", words)
    ):
        return FailureType.SYNTAX_ERROR
    if code in _MISSING_STUB or words.startswith("Cannot find implementation or library stub"):
        return FailureType.IMPORT_ERROR
    return FailureType.TYPE_ERROR


def _wrapped(log: Log, at: int, words: str) -> tuple[str, str] | None:
    """A message that `--pretty` broke into lines: its code stands at the end of the last."""
    for below in range(at + 1, min(at + 4, len(log.lines))):
        line = log.lines[below]
        if not line or line.startswith(" ") or _AT.match(line):
            return None
        words = f"{words} {line.strip()}"
        if coded := re.match(r"^(?P<message>.*\S) +\[(?P<code>[a-z][a-z-]*)\]$", words):
            log.claim(at + 1, below + 1)
            return coded["message"], coded["code"]
    return None


def _pyflakes(log: Log, at: int, rest: str) -> Found | None:
    known = re.match(
        r"'.+' imported but unused|undefined name |local variable '|redefinition of unused|"
        r"f-string is missing"
        r"|'.+' is assigned to but never|unable to detect undefined names|import '.+' from line",
        rest,
    )
    return Found(FailureType.LINT_ERROR, rest, "pyflakes", at, symbol=_name(rest)) if known else None


def _c(log: Log, at: int, rest: str) -> Found | None:
    if rest.startswith("runtime error: "):
        return Found(
            FailureType.RUNTIME_ERROR,
            rest.removeprefix("runtime error: "),
            "ubsan",
            at,
            code="undefined-behaviour",
        )
    level = _LEVEL.match(rest)
    if not level or level["level"] not in ("error", "fatal error"):
        linked = re.search(r"undefined reference to [`'‘](?P<name>[^'’]+)", rest)
        if not linked:
            return None
        return Found(
            FailureType.BUILD_FAILURE, rest, "gcc", at, code="undefined reference", symbol=linked["name"]
        )
    words = level["message"]
    bracketed = _BRACKETED.match(words)
    code = ""
    if bracketed and bracketed["code"].startswith("-W"):
        words, code = (
            bracketed["message"],
            bracketed["code"].removeprefix("-Werror=").removeprefix("-Werror,"),
        )
    tool = "clang" if "clang" in log.command or re.search(r"\[-Werror,", rest) else "gcc"
    kind = kind_of_c(words, "-Werror" if "-Werror" in rest else "")
    return Found(kind, words, tool, at, code=code, symbol=_name(words))


def kind_of_c(words: str, option: str) -> FailureType:
    """What an error of a C compiler stands for: a warning that stops, unreadable code, or a failed build."""
    if option.startswith("-Werror"):
        return FailureType.LINT_ERROR
    return FailureType.SYNTAX_ERROR if _C_SYNTAX.search(words) else FailureType.BUILD_FAILURE


def _go(log: Log, at: int, rest: str, vet: bool) -> Found | None:
    if absent := _GO_IMPORT.search(rest):
        name = absent["name"] or absent["std"] or absent["old"] or absent["missing"] or ""
        return Found(FailureType.IMPORT_ERROR, rest, "go", at, symbol=name)
    if "import cycle not allowed" in rest:
        return Found(FailureType.IMPORT_ERROR, rest, "go", at)
    if _GO_SYNTAX.search(rest):
        return Found(FailureType.SYNTAX_ERROR, rest, "go", at)
    if _GO_TYPE.search(rest):
        return Found(FailureType.TYPE_ERROR, rest, "go", at)
    if re.search(r"^undefined: |declared (?:but|and) not used|imported and not used|redeclared", rest):
        return Found(FailureType.BUILD_FAILURE, rest, "go", at, symbol=rest.rpartition(" ")[2])
    if vet or "vet" in log.command or "lint" in log.command or "staticcheck" in log.command:
        code = re.search(r"\((\w+)\)$", rest)
        return Found(FailureType.LINT_ERROR, rest, "go", at, code=code[1] if code else "vet")
    return None


def _java(log: Log, at: int, rest: str) -> Found | None:
    level = _LEVEL.match(rest)
    if not level or level["level"] != "error":
        return None
    words = level["message"]
    kind = FailureType.BUILD_FAILURE
    if _JAVA_SYNTAX.search(words):
        kind = FailureType.SYNTAX_ERROR
    elif words.startswith("incompatible types"):
        kind = FailureType.TYPE_ERROR
    elif words.startswith("package ") and words.endswith("does not exist"):
        kind = FailureType.IMPORT_ERROR
    return Found(kind, words, "javac", at)


def _name(words: str) -> str:
    quoted = _QUOTED.search(words)
    return quoted["name"] if quoted else ""
