"""node, npm and eslint."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType

_WHERE = re.compile(r"^(?P<path>(?:file://)?/?[^\s:][^:]*\.[cm]?[jt]sx?):(?P<line>\d+)$")
_RAISED = re.compile(
    r"^(?:Uncaught |\[)?(?P<name>[A-Z]\w*(?:Error|Exception)|Error)(?: \[(?P<code>\w+)\])?: (?P<message>.+)$"
)
_ANY_CLASS = re.compile(r"^(?P<name>[A-Z]\w*)(?: \[(?P<code>\w+)\])?: (?P<message>.+)$")
_FRAME = re.compile(r"^\s+at (?:.*? \()?(?:file://)?(?P<path>[^\s()]+?):(?P<line>\d+):\d+\)?$")
_REQUIRED = re.compile(r"Cannot find (?:module|package) '(?P<name>[^']+)'(?: imported from (?P<by>\S+))?")
_CODE = re.compile(r"^\s+code: '(?P<code>[A-Z_]+)'")
_UNREAD = re.compile(r"^(?P<path>/\S+\.json): ")
_EXPORTED = re.compile(
    r"requested module '[^']+' does not provide an export named '([^']+)'|Named export '([^']+)' not found"
)
_END = re.compile(r"^Node\.js v\d|^Bun v\d")
_NPM = re.compile(r"^npm (?:error|ERR!) ?(?P<message>.*)$")
_ESLINT_FILE = re.compile(r"^(?P<path>(?:/|\./|[A-Za-z]:)?\S.*\.\w+)$")
_ESLINT = re.compile(
    r"^ +(?P<line>\d+):(?P<column>\d+) +(?P<level>error|warning) +(?P<message>.+?)(?:  +(?P<rule>[@\w/-]+))?$"
)
_ESLINT_COMPACT = re.compile(
    r"^(?P<path>\S+?): line (?P<line>\d+), col \d+, Error - (?P<message>.+?)(?: \((?P<rule>[@\w/-]+)\))?$"
)
_PNPM = re.compile(r"^(?:Error:)? *\[?(?P<code>ERR_PNPM_\w+)\]?:?(?: +(?P<message>.+))?$")


def parse(log: Log) -> Iterator[Found]:
    """Programs that threw, packages that could not be installed, and findings of the linter."""
    yield from _eslint(log)
    yield from _thrown(log)
    yield from _npm(log)


def _thrown(log: Log) -> Iterator[Found]:
    node = (
        "node" in log.command or any(_END.match(line) for line in log.lines[-8:]) or log.says("node:internal")
    )
    place: tuple[str, int] | None = None
    for at, line in log.free():
        if match := _WHERE.match(line):
            place = (match["path"].removeprefix("file://"), int(match["line"]))
            continue
        if place and line.startswith("(Use `node --trace-uncaught"):
            words = next((one.strip() for one in reversed(log.lines[:at]) if one.strip()), "something thrown")
            log.claim(at - 6, at + 1)
            yield Found(FailureType.RUNTIME_ERROR, words, "node", at, place[0], place[1])
            continue
        raised = _RAISED.match(line) or _thrown_class(log, at, line)
        if not raised or not (node or place):
            continue
        end = log.find(at, _END.match)
        stack = range(at + 1, min(end or at + 40, at + 60))
        own = next(
            (
                (found["path"], int(found["line"]))
                for i in stack
                if i < len(log.lines) and (found := _FRAME.match(log.lines[i])) and not foreign(found["path"])
            ),
            None,
        )
        code = raised["code"] or next(
            (m[1] for i in stack if i < len(log.lines) and (m := _CODE.match(log.lines[i]))), ""
        )
        name, message = raised["name"], raised["message"]
        if not own and not place and not code and not end:
            continue
        kind, symbol = FailureType.RUNTIME_ERROR, ""
        if name == "SyntaxError":
            kind, symbol, own = _unreadable(message, place, own)
            code = code or "SyntaxError"
        elif absent := _REQUIRED.search(message):
            kind, symbol, code = FailureType.IMPORT_ERROR, absent["name"], code or "MODULE_NOT_FOUND"
            if absent["by"] and not own:
                own = (absent["by"].removeprefix("file://"), 0)
        elif (
            name == "TimeoutError"
            or code in ("ETIMEDOUT", "ERR_TIMEOUT")
            or any(
                "[cause]" in log.lines[i] and "TimeoutError" in log.lines[i]
                for i in stack
                if i < len(log.lines)
            )
        ):
            kind = FailureType.TIMEOUT
        if not own and place and not foreign(place[0]):
            own = place
        # A tool's own stack around findings that another parser has read.
        around = any(i in log.claimed for i in range(at, min(end or at + 60, at + 60)))
        log.claim(at - 6, (end or at) + 1)
        yield Found(
            kind, f"{name}: {message}", "node", at, own[0] if own else None,
            (own[1] or None) if own else None, code or name, symbol, around,
        )  # fmt: skip
        place = None


def _unreadable(
    message: str, place: tuple[str, int] | None, own: tuple[str, int] | None
) -> tuple[FailureType, str, tuple[str, int] | None]:
    """What a SyntaxError stands for: names that are not exported, data, or a program that cannot be read."""
    exported = _EXPORTED.search(message)
    if unread := _UNREAD.match(message):
        return FailureType.SYNTAX_ERROR, "", (unread["path"], 0)
    if "JSON" in message:
        # Not the program is unreadable, but what it was given to read.
        return FailureType.RUNTIME_ERROR, "", own
    own = place if place and not foreign(place[0]) else own
    if exported:
        return FailureType.IMPORT_ERROR, exported[1] or exported[2], own
    return FailureType.SYNTAX_ERROR, "", own


def _thrown_class(log: Log, at: int, line: str) -> re.Match[str] | None:
    """An exception whose class is named as its author liked: a stack follows."""
    follows = at + 1 < len(log.lines) and log.lines[at + 1].startswith("    at ")
    return _ANY_CLASS.match(line) if follows else None


def _npm(log: Log) -> Iterator[Found]:
    said = [(at, match["message"]) for at, line in log.free() if (match := _NPM.match(line))]
    for at, line in log.free():
        if match := _PNPM.match(line):
            log.claim(at, at + 1)
            yield Found(
                FailureType.BUILD_FAILURE, match["message"] or _boxed(log, at) or match["code"], "pnpm", at,
                code=match["code"], echo=match["code"].startswith("ERR_PNPM_RECURSIVE_"),
            )  # fmt: skip
    if not said:
        return
    at = said[0][0]
    log.claim(at, said[-1][0] + 1)
    texts = [text for _, text in said if text]
    code = next((text.removeprefix("code ") for text in texts if text.startswith("code ")), "")
    script = next((text for text in texts if text.startswith("Missing script")), "")
    lifecycle = "ELIFECYCLE" in code or any(
        text.startswith(("Lifecycle script", "Test failed.", "command failed", "command sh -c"))
        for text in texts
    )
    words = next(
        (text for text in texts if not text.startswith(("code ", "errno ", "syscall ", "path "))), code
    )
    if any("audit endpoint returned an error" in text for text in texts):
        yield Found(None, "npm audit: the registry answered with an error", "npm", at)
        return
    if code.startswith("EJSONPARSE"):
        path = next(
            (text.removeprefix("path ") for text in texts if text.startswith("path ")), "package.json"
        )
        yield Found(FailureType.SYNTAX_ERROR, words, "npm", at, path, code=code)
        return
    if code.startswith("ENOENT") and any("package.json" in text for text in texts):
        yield Found(FailureType.BUILD_FAILURE, "there is no package.json", "npm", at, code="ENOENT")
        return
    symbol = ""
    for text in texts:
        if match := re.search(
            r"'(?P<name>@?[\w./-]+)@[^']*' is not in this registry|"
            r"No matching version found for (?P<other>@?[\w./-]+)@",
            text,
        ):
            symbol = match["name"] or match["other"]
    yield Found(
        FailureType.BUILD_FAILURE, script or words, "npm", at, code="missing-script" if script else code,
        symbol=symbol, echo=lifecycle,
    )  # fmt: skip


def _boxed(log: Log, at: int) -> str:
    """The words of an error that is drawn as a tree below its line: the innermost."""
    said: list[str] = []
    for line in log.lines[at + 1 : at + 8]:
        if line.lstrip().startswith(("×", "╰", "├", "·")):
            said = []
        elif not line.startswith("  "):
            break
        said.append(line.strip(" ×╰├─▶·│"))
    return " ".join(said)


def _eslint(log: Log) -> Iterator[Found]:
    path = None
    for at, line in log.free():
        if match := _ESLINT.match(line):
            if path and match["level"] == "error":
                log.claim(at, at + 1)
                yield _finding(at, path, int(match["line"]), match["message"].strip(), match["rule"] or "")
        elif match := _ESLINT_COMPACT.match(line):
            log.claim(at, at + 1)
            yield _finding(at, match["path"], int(match["line"]), match["message"], match["rule"] or "")
        elif line and not line.startswith(" ") and (match := _ESLINT_FILE.match(line)):
            path = match["path"]


def _finding(at: int, path: str, line: int, message: str, rule: str) -> Found:
    kind = FailureType.LINT_ERROR
    if message.startswith(("Parsing error", "syntax error")):
        kind, rule = FailureType.SYNTAX_ERROR, rule or "parsing-error"
    elif rule.startswith(("security/", "no-unsanitized/", "no-secrets/")):
        kind = FailureType.SECURITY_VULNERABILITY
    elif rule in ("import/no-unresolved", "n/no-missing-import", "node/no-missing-import"):
        kind = FailureType.IMPORT_ERROR
    tool = "yamllint" if path.endswith((".yml", ".yaml")) else "eslint"
    return Found(kind, message, tool, at, path, line, rule)
