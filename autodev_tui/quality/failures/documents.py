"""Reports that are made for programs: JSON of any shape, SARIF, JUnit, Checkstyle, CI annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote

from autodev_tui.quality.failures.located import kind_of_c, kind_of_code, kind_of_mypy
from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

MAX_ROWS = 2_000
_OPENS = re.compile(r"^(?:\[\s*(?:$|\{)|\{\s*(?:$|\"))")
_MAX_TRIES = 20
"""How many places of one output are tried as the begin of a document."""
_PATHS = ("file", "path", "filename", "filePath", "file_path", "fileName", "uri")
_LINES = ("line", "row", "lineNumber", "line_number", "startLine", "start_line", "begin")
_WORDS = ("message", "description", "text", "issue_text", "title")
_CODES = ("code", "message-id", "messageId", "ruleId", "rule", "check_name", "check_id", "test_id", "symbol",
          "option")  # fmt: skip
_INNER = ("location", "range", "start", "positions", "begin", "lines", "locations", "physicalLocation",
          "artifactLocation", "region", "extra", "caret")  # fmt: skip
"""Where the formats that are in use keep a finding's place and words."""
_LOGGED = frozenset({"time", "timestamp", "@timestamp", "ts", "asctime", "levelname", "logger", "event"})
"""What only a line of a log has: what it tells of was noted, not found."""
_NOTES = ("note", "info", "information", "none", "ignored")
_NAMES = re.compile(r"[`'\"]([^`'\"]{1,200})[`'\"]")
_TAG = re.compile(r"<(?P<tag>testsuite|testcase|failure|error|file)\b(?P<rest>[^<>]*)>?")
_ATTRIBUTE = re.compile(r"([\w-]{1,40})=(?:\"([^\"]*)\"|'([^']*)')")
_AZURE = re.compile(r"^##vso\[task\.logissue (?P<fields>[^\]]*)\](?P<message>.*)$")
_GITHUB = re.compile(r"^::error (?P<fields>[^:]*(?::(?!:)[^:]*)*)::(?P<message>.*)$")
_TOOLS = ("ruff", "pylint", "flake8", "eslint", "shellcheck", "golangci-lint", "semgrep", "biome", "mypy")


def parse(log: Log) -> Iterator[Found]:
    """Findings of whatever tool, by what their fields are called."""
    yield from _json(log)
    yield from _annotations(log)
    if log.says("<testsuite") or log.says("<checkstyle"):
        yield from _xml(log)


def _json(log: Log) -> Iterator[Found]:
    tries = 0
    for at, line in log.free():
        if at in log.claimed or not (_OPENS.match(line) or (at in log.long and line.startswith(("[", "{")))):
            continue
        whole = log.long.get(at, line)
        end, document = at + 1, _load(whole)
        if document is None and tries < _MAX_TRIES and at not in log.long:
            tries += 1
            end, document = _spread(log, at)
        rows = list(_rows(document, {}))[:MAX_ROWS] if isinstance(document, dict | list) else []
        # Notes go with other findings, unless there are none and they are what makes it red.
        grave = [row for row in rows if _level(row["raw"]) not in _NOTES]
        found = [one for row in grave or (rows if log.exit_code else ()) if (one := _found(log, at, row))]
        if found:
            log.claim(at, end)
        yield from found


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _spread(log: Log, at: int) -> tuple[int, object]:
    """A document over several lines: it ends where a line closes it that is not indented."""
    closing = {"[": "]", "{": "}"}[log.lines[at][0]]
    for end in range(at, len(log.lines)):
        if log.lines[end].startswith(closing) or (end == at and log.lines[at].rstrip().endswith(closing)):
            if any(i in log.claimed for i in range(at, end + 1)):
                break
            text = "\n".join(log.long.get(i, log.lines[i]) for i in range(at, end + 1))
            return end + 1, _load(text)
    return at + 1, None


def _rows(node: object, above: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Everything that has words and a place of its own or, as eslint has it, that of what holds it."""
    if depth > 12:
        return
    if isinstance(node, list):
        for one in node[:MAX_ROWS]:
            yield from _rows(one, above, depth + 1)
    elif isinstance(node, dict):
        flat = _flat(node)
        if "path" in flat and "words" not in flat:
            above = {**above, "path": flat["path"]}
        if "words" in flat and ("path" in flat or ("path" in above and "line" in flat)):
            yield {**above, **flat, "raw": node}
            return
        for one in node.values():
            if isinstance(one, dict | list):
                yield from _rows(one, above, depth + 1)


def _flat(node: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for want, names in (("path", _PATHS), ("words", _WORDS), ("code", _CODES)):
        for name in names:
            value = node.get(name)
            if isinstance(value, dict):
                value = value.get("text" if want == "words" else "value" if want == "code" else "path")
            if want == "code" and isinstance(value, int) and not isinstance(value, bool):
                value = f"SC{value}"
            if isinstance(value, str) and value and (want != "path" or not value.startswith("http")):
                flat[want] = value
                break
    for name in _LINES:
        value = node.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            # What a language server would say counts from 0, and calls its columns characters.
            flat["line"] = value + 1 if "character" in node else value
            break
    for name in _INNER if depth < 5 else ():
        inner = node.get(name)
        if isinstance(inner, list) and inner:
            inner = inner[0]
        if isinstance(inner, dict):
            for key, value in _flat(inner, depth + 1).items():
                flat.setdefault(key, value)
    return flat


def _level(raw: dict[str, Any]) -> str:
    return str(raw.get("severity", raw.get("level", raw.get("kind", raw.get("type", ""))))).lower()


def _found(log: Log, at: int, row: dict[str, Any]) -> Found | None:
    raw = row["raw"]
    if _LOGGED & raw.keys() or "." not in row["path"] or not ("line" in row or "code" in row):
        return None
    level = _level(raw)
    if raw.get("severity") == 1:
        return None
    path, words = row["path"], row["words"].split("\n")[0]
    if path.startswith("file://"):
        path = unquote(path.removeprefix("file://"))
    code, line = row.get("code", ""), row.get("line")
    name = _NAMES.search(words)
    tool = next((one for one in _TOOLS if one in log.command), "")
    kind: FailureType | None
    if "hint" in raw and "file" in raw:
        tool, kind = "mypy", kind_of_mypy(code, words)
    elif "range" in raw and "file" in raw:
        if level == "warning":
            return None
        absent = code == "reportMissingImports"
        kind = FailureType.TYPE_ERROR if code else FailureType.SYNTAX_ERROR
        tool, kind = "pyright", FailureType.IMPORT_ERROR if absent else kind
    elif "caret" in str(raw.get("locations", ""))[:200]:
        tool, kind = "gcc", kind_of_c(words, code)
        if level == "warning":
            return None
    else:
        tool, kind = _linter(raw, code, words, tool)
    level = {"C": "low", "R": "low", "W": "medium"}.get(code[:1], "high") if "message-id" in raw else ""
    words = words.removeprefix(f"{code}: ")
    return Found(kind, words, tool, at, path, line, code, name[1] if name else "", level=level)


def _linter(raw: dict[str, Any], code: str, words: str, tool: str) -> tuple[str, FailureType | None]:
    if "message-id" in raw or ("messageId" in raw and "obj" in raw):
        kinds = {"E0001": FailureType.SYNTAX_ERROR, "E0401": FailureType.IMPORT_ERROR}
        return "pylint", kinds.get(code, FailureType.LINT_ERROR)
    if ("ruleId" in raw and "nodeType" in raw) or words.startswith("Parsing error"):
        broken = words.startswith("Parsing error") or raw.get("fatal") is True
        return "eslint", FailureType.SYNTAX_ERROR if broken else FailureType.LINT_ERROR
    if "check_id" in raw or "test_id" in raw:
        return tool or ("bandit" if "test_id" in raw else "semgrep"), FailureType.SECURITY_VULNERABILITY
    return tool, kind_of_code(code, words)


def _annotations(log: Log) -> Iterator[Found]:
    """What the runner of a CI shows beside the code."""
    for at, line in log.free():
        if line.startswith("##vso[") and (match := _AZURE.match(line)):
            fields = dict(part.split("=", 1) for part in match["fields"].split(";") if "=" in part)
            path, number = fields.get("sourcepath"), fields.get("linenumber", "")
            level = fields.get("type")
        elif line.startswith("::error ") and (match := _GITHUB.match(line)):
            fields = dict(part.split("=", 1) for part in match["fields"].split(",") if "=" in part)
            path, number, level = fields.get("file"), fields.get("line", ""), "error"
        else:
            continue
        if level != "error" or not path:
            continue
        log.claim(at, at + 1)
        code, words = fields.get("code", ""), match["message"].replace("%0A", " ")
        tool = next((one for one in _TOOLS if one in log.command), "")
        yield Found(
            kind_of_code(code), words, tool, at, path, int(number) if number.isdigit() else None, code
        )


def _xml(log: Log) -> Iterator[Found]:
    """JUnit's and Checkstyle's documents, tag by tag: they may be cut."""
    path, begin = "", None
    case: dict[str, str] = {}
    for at, line in list(log.free()):
        for tag in _TAG.finditer(line):
            fields = {name: unescape(one or two) for name, one, two in _ATTRIBUTE.findall(tag["rest"])}
            if tag["tag"] in ("testsuite", "file"):
                begin = at if begin is None else begin
                path, case = fields.get("name", "") if "." in fields.get("name", "") else "", {}
            elif tag["tag"] == "testcase":
                case = fields
            elif begin is not None and (case or "line" in fields):
                yield _reported(log, at, path, case, fields, line[tag.end() :])
    if begin is not None:
        log.claim(begin, len(log.lines))


def _reported(
    log: Log, at: int, path: str, case: dict[str, str], fields: dict[str, str], below: str
) -> Found:
    name = case.get("name", "")
    coded = re.search(r"(?:^|\.)([A-Z]{1,4}\d{2,5})$", name or fields.get("source", ""))
    number = case.get("line") or fields.get("line", "")
    words = fields.get("message") or unescape(below.partition("<")[0]).strip() or name
    tool = next((one for one in _TOOLS if one in log.command), "")
    kind = FailureType.LINT_ERROR if coded or not case or tool else FailureType.TEST_FAILURE
    code = coded[1] if coded else ""
    return Found(
        kind_of_code(code) if code else kind, words, tool, at, case.get("file") or path or None,
        int(number) if number.isdigit() else None, code, name,
    )  # fmt: skip
