"""Installing and building Python packages: pip, build, hatch, setuptools, uv, poetry, tox."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType
from autodev_tui.quality.failures.tracebacks import chains, read

_NO_MATCH = re.compile(
    r"^\s*ERROR: (?:No matching distribution found for (?P<name>[^\s(]+)|"
    r"Could not find a version that satisfies the requirement (?P<wanted>[^\s(]+))"
)
_CONFLICT = re.compile(
    r"^\s*ERROR: (?:Cannot install (?P<names>.+) because these package versions have conflict|"
    r"ResolutionImpossible)"
)
_PIP = re.compile(
    r"^\s*ERROR: (?P<message>(?:Could not (?:open requirements file|install packages|build wheels)|"
    r"Invalid requirement|"
    r"Failed (?:to build|building)|Package '.+' requires a different Python|"
    r"Directory '.+' is not installable|"
    r"Exception:|File \"setup\.py\"|.+ is not a (?:supported wheel|valid)|THESE PACKAGES DO NOT MATCH|"
    r"Hash|Cannot uninstall|To modify pip|.+ does not appear to be a Python project|Backend '|"
    r"pip's dependency resolver|"
    r"Can not|Cannot|Could not|Ignored the following|Unknown|Invalid).*)$"
)
_ANYBODY = ("Invalid", "Exception:", "Hash", "Can not", "Cannot", "Could not", "Unknown")
"""What not only pip says: it must have spoken elsewhere too."""
_PIP_SPEAKS = ("pip", "Collecting ", "Processing /", "Requirement already", "requirements")
_SUBPROCESS = re.compile(
    r"^\s*error: (?P<code>subprocess-exited-with-error|metadata-generation-failed|legacy-install-failure|"
    r"externally-managed-environment|invalid-pyproject|missing-pyproject\S*|resolution-too-deep|"
    r"failed-wheel-build\S*)"
)
_BACKEND = re.compile(
    r"^\s*(?:\* )?ERROR:? (?P<message>(?:Backend subprocess exited|Backend '|Source .+ does not|"
    r"Failed to validate|Missing dependencies|Failed to parse|Unable to).*)$"
)
_UV = re.compile(
    r"^\s*(?:×|x|error:) (?P<message>(?:No solution found|Failed to (?:build|download|resolve|parse|prepare)|"
    r"Because|Unable to|Could not|Distribution not found|Package|The lockfile|No `pyproject).*)$"
)
_POETRY = re.compile(
    r"^(?P<message>(?:Because .+, version solving failed|pyproject\.toml changed significantly|"
    r"The Poetry configuration is invalid|Poetry could not find|Could not find a matching version|"
    r"Error: (?:The lock file|poetry\.lock)).*)$"
)
_CHECK = re.compile(
    r"^(?P<name>[\w.-]+) \S+ (?:requires (?P<absent>[\w.-]{1,100})(?:[^\w.,-][^,]*)?, "
    r"which is not installed\.$|has requirement (?P<other>[\w.-]+).*, but you have )"
)
_DISTUTILS = re.compile(r"^error: (?P<message>.+)$")
_TOX = re.compile(r"^  (?P<name>[\w.-]+): FAIL code (?P<code>\d+)")
_RAISED = re.compile(r"^\s*(?P<name>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)): (?P<message>.+)$")
_END = re.compile(r"^\s*(?:note: This error originates|\[end of output\]|hint: )")


def parse(log: Log) -> Iterator[Found]:
    """Why an installation or a build stopped: what could not be found, what is in conflict, what raised."""
    distutils = "setup.py" in log.command or log.says("running build")
    for at, line in log.free():
        if at in log.claimed:
            continue
        found = _pip(log, at, line) or _others(log, at, line, distutils)
        if found:
            log.claim(at, at + 1)
            yield found


def _pip(log: Log, at: int, line: str) -> Found | None:
    if match := _NO_MATCH.match(line):
        name = match["name"] or match["wanted"]
        return Found(
            FailureType.BUILD_FAILURE, f"no version of {name} can be installed", "pip", at,
            code="no-matching-distribution", symbol=_project(name),
        )  # fmt: skip
    if match := _CONFLICT.match(line):
        names = match["names"] or ""
        words = f"versions in conflict: {names}" if names else "versions are in conflict"
        return Found(
            FailureType.BUILD_FAILURE, words, "pip", at, code="resolution-impossible",
            symbol=_project(names), echo=not names,
        )  # fmt: skip
    if line.endswith("which is not installed.") or ", but you have " in line:
        match = _CHECK.match(line)
        if not match:
            return None
        name = match["absent"] or match["other"]
        return Found(FailureType.BUILD_FAILURE, line, "pip", at, code="pip-check", symbol=name)
    if match := _SUBPROCESS.match(line):
        return _subprocess(log, at, match["code"])
    if match := _PIP.match(line):
        message = match["message"]
        ours = "pip" in log.command or any(map(log.says, _PIP_SPEAKS))
        if message.startswith(_ANYBODY) and not ours:
            return None
        path = re.search(r"(?:requirements file|constraints file):? .*?'([^']+)'", message)
        echo = message.startswith(("Could not build wheels", "Failed to build", "Failed building"))
        located = re.search(r"from line (\d+) of (\S+)\)", line)
        return Found(
            FailureType.BUILD_FAILURE, message, "pip", at,
            path=located[2] if located else path[1] if path else None,
            line=int(located[1]) if located else None, echo=echo,
        )  # fmt: skip
    return None


def _others(log: Log, at: int, line: str, distutils: bool) -> Found | None:
    if match := _BACKEND.match(line):
        return _backend(log, at, match["message"])
    if (match := _UV.match(line)) and ("uv" in log.command or not line.startswith("error:")):
        said = [match["message"]]
        said += [one.strip(" ╰─▶├│") for one in log.lines[at + 1 : at + 6]]
        log.claim(at, at + 6)
        return Found(FailureType.BUILD_FAILURE, " ".join(one for one in said if one), "uv", at)
    if (match := _POETRY.match(line)) or ("poetry" in log.command and line.startswith("Error: ")):
        return Found(FailureType.BUILD_FAILURE, match["message"] if match else line, "poetry", at)
    if distutils and (match := _DISTUTILS.match(line)):
        return Found(FailureType.BUILD_FAILURE, match["message"], "build", at)
    if match := _TOX.match(line):
        return Found(FailureType.BUILD_FAILURE, f"{match['name']} failed", "tox", at, echo=True)
    return None


def _project(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9][\w.\-]*", requirement)
    return match[0] if match else requirement


def _subprocess(log: Log, at: int, code: str) -> Found:
    """What pip ran in a process of its own, with that process's words indented below it."""
    end = log.find(at, _END.match, 400) or min(at + 400, len(log.lines))
    said = [log.lines[i].strip() for i in range(at, end)]
    headline = next((one.lstrip("×x ") for one in said[1:4] if one), code)
    if code == "externally-managed-environment":
        log.claim(at, end)
        return Found(
            FailureType.BUILD_FAILURE, "this environment is managed by the system", "pip", at, code=code
        )
    path, number, message = _raised(log, at, end)
    if not message:
        located = re.compile(r"^(?P<path>[^\s:]+\.\w+):(?P<line>\d+):\d+: (?:fatal )?error: (?P<message>.+)$")
        for one in said:
            if match := located.match(one):
                path, number, message = match["path"], int(match["line"]), match["message"]
                break
    if not message:
        errors = [one for one in said[1:] if re.match(r"(?:error|ERROR|Error): ", one)]
        message = errors[-1] if errors else headline
    log.claim(at, end)
    # What pip says of it in the end, after what it ran has spoken.
    echo = code != "subprocess-exited-with-error" and not path and message == headline
    return Found(FailureType.BUILD_FAILURE, message, "pip", at, path, number, code, echo=echo)


def _backend(log: Log, at: int, message: str) -> Found:
    """`python -m build`: what its backend printed stands above."""
    begin = max(0, at - 400)
    free = next((i for i in range(at - 1, begin, -1) if log.lines[i].startswith("* ")), begin)
    path, number, raised = _raised(log, free, at)
    log.claim(free, at + 1)
    return Found(FailureType.BUILD_FAILURE, raised or message, "build", at, path, number)


def _raised(log: Log, begin: int, end: int) -> tuple[str | None, int | None, str]:
    groups = chains(log, read(log, begin, end))
    if groups:
        last = groups[-1][-1]
        path, number = last.place
        if path and foreign(path):
            path, number = None, None
        if last.name:
            return path, number, f"{last.short}: {last.message}".rstrip(": ")
    for at in range(end - 1, begin, -1):
        if match := _RAISED.match(log.lines[at]):
            return None, None, f"{match['name'].rpartition('.')[2]}: {match['message']}"
    return None, None, ""
