"""Security scanners: bandit, pip-audit, npm audit, safety, detect-secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_ISSUE = re.compile(r"^>> Issue: \[(?P<code>B\d{3}):?(?P<name>[^\]]*)\] (?P<message>.+)$")
_SEVERITY = re.compile(r"^\s+Severity: (?P<level>\w+)")
_LOCATION = re.compile(r"^\s+Location: (?P<path>.+?):(?P<line>\d+)(?::\d+)?$")
_BANDIT_CSV = re.compile(
    r"^(?P<path>[^,]+\.pyi?),[^,]*,(?P<code>B\d{3}),(?P<level>\w+),(?P<sure>\w+),.*?,\"?(?P<message>[^\",]+)\"?,(?P<line>\d+),"
)
_AUDIT_ROW = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.\-]*) +(?P<version>\d\S*) +(?P<id>(?:PYSEC|GHSA|CVE|OSV|"
    r"MAL)-\S+)(?: +(?P<fixed>[\d.,]+\S*))?"
)
_AUDIT_MD = re.compile(
    r"^\|? ?(?P<name>[\w.\-]+) \| (?P<version>\d\S*) \| (?P<id>(?:PYSEC|GHSA|"
    r"CVE)-\S+) \|(?: (?P<fixed>[\d.]+)?)?"
)
_NPM_PACKAGE = re.compile(r"^(?P<name>@?[\w./-]+)  (?P<range>[<>=*\d].*)$")
_NPM_SEVERITY = re.compile(r"^Severity: (?P<level>low|moderate|high|critical)$")
_LEVELS = {
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "UNDEFINED": "low",
    "MODERATE": "medium",
    "CRITICAL": "critical",
}


def parse(log: Log) -> Iterator[Found]:
    """What could be abused: in the project's own code, or in what it depends on."""
    audit = log.says("known vulnerabilit") or "pip-audit" in log.command or "pip_audit" in log.command
    for at, line in log.free():
        if match := _ISSUE.match(line):
            yield _bandit(log, at, match)
        elif audit and (match := _AUDIT_ROW.match(line) or _AUDIT_MD.match(line)):
            log.claim(at, at + 1)
            fixed = (match["fixed"] or "").split(",")[0]
            words = f"{match['name']} {match['version']} has a known vulnerability: {match['id']}"
            yield Found(
                FailureType.SECURITY_VULNERABILITY,
                words + (f", mended in {fixed}" if fixed else ""),
                "pip-audit", at, code=match["id"], symbol=match["name"], level="high", fixable=bool(fixed),
            )  # fmt: skip
        elif match := _NPM_SEVERITY.match(line):
            name = _NPM_PACKAGE.match(log.lines[at - 1]) if at else None
            words = log.lines[at + 1].strip() if at + 1 < len(log.lines) else ""
            log.claim(at - 1, at + 2)
            yield Found(
                FailureType.SECURITY_VULNERABILITY, words.partition(" - http")[0], "npm", at,
                code=words.rpartition("/")[2] if "GHSA" in words else "", symbol=name["name"] if name else "",
                level=_LEVELS.get(match["level"].upper(), match["level"]), fixable=True,
            )  # fmt: skip
        elif "," in line and (match := _BANDIT_CSV.match(line)):
            log.claim(at, at + 1)
            yield Found(
                FailureType.SECURITY_VULNERABILITY, match["message"], "bandit", at, match["path"],
                int(match["line"]), match["code"], level=_LEVELS.get(match["level"], ""),
            )  # fmt: skip
    yield from _bandit_json(log)


def _bandit(log: Log, at: int, match: re.Match[str]) -> Found:
    path, number, level = None, None, ""
    end = min(at + 7, len(log.lines))
    for below in range(at + 1, end):
        if found := _SEVERITY.match(log.lines[below]):
            level = _LEVELS.get(found["level"].upper(), "")
        elif found := _LOCATION.match(log.lines[below]):
            path, number, end = found["path"], int(found["line"]), below + 1
            break
    log.claim(at, end)
    return Found(
        FailureType.SECURITY_VULNERABILITY, match["message"], "bandit", at, path, number, match["code"],
        match["name"], level=level,
    )  # fmt: skip


def _bandit_json(log: Log) -> Iterator[Found]:
    """Bandit's JSON or YAML, field by field: its document may be cut."""
    if not (log.says('"test_id": "B') or log.says("test_id: B")):
        return
    row: dict[str, str] = {}
    for at, line in log.free():
        if match := re.match(
            r'^(?:\s+|- )"?(filename|line_number|issue_severity|issue_text|test_id|'
            r'test_name)"?: "?(.*?)"?,?$',
            line,
        ):
            row[match[1]] = match[2]
            log.claim(at, at + 1)
            if match[1] == "test_name" and "test_id" in row:
                number = row.get("line_number", "")
                yield Found(
                    FailureType.SECURITY_VULNERABILITY, row.get("issue_text", ""), "bandit", at,
                    row.get("filename"), int(number) if number.isdigit() else None, row["test_id"],
                    row["test_name"], level=_LEVELS.get(row.get("issue_severity", ""), ""),
                )  # fmt: skip
                row = {}
