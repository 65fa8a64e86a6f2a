"""What to do about a failure: how grave it is, one plain sentence, and which strategy may mend it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from autodev_tui.domain.text import visible
from autodev_tui.quality.failures.log import Found
from autodev_tui.quality.failures.model import Failure, FailureType, Severity, Strategy

MAX_MESSAGE = 500
_STYLE = re.compile(
    r"^(?:E1\d\d|E2\d\d|E3\d\d|E70[123]|W[1236]\d\d|I\d{3}|Q\d{3}|COM\d{3}|UP\d{3}|C4\d\d|D2\d\d|PIE\d{3}|"
    r"RSE\d{3}|E711|E712|E713|E714|F541)$"
)
_MINOR = re.compile(r"^[SB](?:101|10[567]|110|112|311|4\d\d|603|607)$")
"""What bandit itself calls of low severity, where a format leaves it out."""
_IMPORTS = frozenset(
    {
        "F401",
        "I001",
        "W0611",
        "unused-imports",
        "unsorted-imports",
        "F811",
        "E401",
        "E402",
        "C0411",
        "TC001",
        "TC002",
        "TC003",
    }
)
_UNDEFINED = frozenset({"F821", "E0602", "name-defined"})
_GRAVE_LINT = re.compile(r"^(?:F82\d|F70\d|F63\d|F50\d|F7\d\d|E9|PLE|no-undef|no-dupe)")
_DISTRIBUTIONS = {
    "yaml": "PyYAML",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "sklearn": "scikit-learn",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "GitPython",
    "jwt": "PyJWT",
    "attr": "attrs",
    "Crypto": "pycryptodome",
    "serial": "pyserial",
    "usb": "pyusb",
    "OpenSSL": "pyOpenSSL",
    "MySQLdb": "mysqlclient",
    "psycopg2": "psycopg2-binary",
    "google.protobuf": "protobuf",
    "magic": "python-magic",
    "fitz": "PyMuPDF",
    "docx": "python-docx",
    "pptx": "python-pptx",
    "slugify": "python-slugify",
}
"""Modules whose distribution has another name."""


@dataclass(frozen=True)
class _Advice:
    severity: Severity
    suggestion: str
    strategy: Strategy | None = None
    fixable: bool = False


def advise(found: Found) -> Failure:
    """The failure with its severity, suggestion and strategy. Its texts are visible, and bounded."""
    advice = _ADVISERS[found.type](found)
    severity = Severity(found.level) if found.level else advice.severity
    return Failure(
        type=found.type,
        severity=severity,
        message=_plain(found.message) or "it failed",
        path=visible(found.path, keep="")[:MAX_MESSAGE] if found.path else None,
        line=found.line if found.line and found.line > 0 else None,
        tool=found.tool,
        code=_plain(found.code),
        symbol=_plain(found.symbol),
        suggestion=visible(advice.suggestion, keep=""),
        fixable=advice.fixable or found.fixable,
        strategy=advice.strategy,
    )


def distribution(module: str) -> str:
    """The name under which what holds `module` is installed, as far as it is known to differ."""
    top = module.partition(".")[0]
    return _DISTRIBUTIONS.get(module) or _DISTRIBUTIONS.get(top) or top


def _syntax(found: Found) -> _Advice:
    return _Advice(
        Severity.CRITICAL, f"Correct the syntax{_at(found)}; nothing in this file runs until then."
    )


def _imports(found: Found) -> _Advice:
    name = found.symbol
    if "circular import" in found.message or "partially initialized" in found.message:
        return _Advice(
            Severity.HIGH,
            "Break the circle: move the import into the function that needs it, or what both need to a "
            "third module.",
        )
    if found.code == "ImportError" or "cannot import name" in found.message:
        what = f"`{name}`" if name else "The name"
        return _Advice(
            Severity.HIGH,
            f"{what} is not there under this name: correct the import, or define it.",
            Strategy.FIX_IMPORTS,
        )
    if not name:
        return _Advice(Severity.HIGH, "Correct the import, or install what it needs.", Strategy.FIX_IMPORTS)
    if found.tool in ("node", "jest", "vitest", "mocha", "tsc", "eslint"):
        if name.startswith((".", "/", "@/")):
            return _Advice(Severity.HIGH, f"There is no file `{name}`: correct the path of the import.")
        return _Advice(
            Severity.HIGH, f"Add `{name}` to package.json and install it.", Strategy.UPDATE_DEPENDENCIES, True
        )
    if found.tool == "go":
        return _Advice(
            Severity.HIGH, f"Run `go get {name}`, or correct the import.", Strategy.UPDATE_DEPENDENCIES
        )
    if found.tool == "cargo":
        return _Advice(
            Severity.HIGH,
            f"Add the crate to Cargo.toml, or correct the path `{name}`.",
            Strategy.UPDATE_DEPENDENCIES,
        )
    return _Advice(
        Severity.HIGH,
        f"Add `{distribution(name)}` to the dependencies and install it; if the module is the project's own, "
        "correct its name or path.",
        Strategy.UPDATE_DEPENDENCIES,
        True,
    )


def _tests(found: Found) -> _Advice:
    if found.code == "fail-under":
        return _Advice(
            Severity.MEDIUM, "Write tests for the lines that no test runs; lower the limit only on purpose."
        )
    if found.code == "fixture not found":
        return _Advice(
            Severity.HIGH, "Define the fixture, or correct its name in the test.", Strategy.FIX_TESTS
        )
    what = "the code" if found.code not in ("", "AssertionError") else "the code or the expectation"
    return _Advice(
        Severity.HIGH,
        f"Find out whether the code or the test is wrong{_at(found)}, and correct {what}.",
        Strategy.FIX_TESTS,
    )


def _lint(found: Found) -> _Advice:
    code = found.code
    severity = Severity.MEDIUM if _GRAVE_LINT.match(code) else Severity.LOW
    if code == "unformatted":
        tool = {
            "ruff": "ruff format",
            "rustfmt": "cargo fmt",
            "gofmt": "gofmt -w",
            "prettier": "prettier --write",
        }
        return _Advice(severity, f"Run `{tool.get(found.tool, found.tool)}`.", Strategy.AUTO_FORMAT, True)
    if code in _IMPORTS:
        what = (
            "Sort the imports."
            if code in ("I001", "unsorted-imports")
            else f"Remove or move the import{_at(found)}."
        )
        return _Advice(severity, what, Strategy.FIX_IMPORTS, code not in ("E402", "F811"))
    if code in _UNDEFINED:
        known = found.symbol in sys.stdlib_module_names
        return _Advice(Severity.MEDIUM, f"Import or define `{found.symbol}`.", Strategy.FIX_IMPORTS, known)
    if found.fixable or _STYLE.match(code):
        how = "ruff check --fix" if found.tool == "ruff" else "the formatter"
        return _Advice(
            severity, f"Run {how if how == 'the formatter' else f'`{how}`'}.", Strategy.AUTO_FORMAT, True
        )
    return _Advice(
        severity, f"Correct it{_at(found)}, or say in the configuration why {code or 'it'} does not apply."
    )


def _types(found: Found) -> _Advice:
    if found.code in ("import-untyped", "import") or "Library stubs not installed" in found.message:
        return _Advice(
            Severity.MEDIUM,
            "Install the type stubs that the checker names.",
            Strategy.UPDATE_DEPENDENCIES,
            True,
        )
    if found.code in _UNDEFINED:
        known = found.symbol in sys.stdlib_module_names
        return _Advice(Severity.MEDIUM, f"Import or define `{found.symbol}`.", Strategy.FIX_IMPORTS, known)
    stops = found.tool in ("cargo", "go", "javac", "tsc")
    return _Advice(
        Severity.HIGH if stops else Severity.MEDIUM,
        f"Make the types fit{_at(found)}; change the annotation only if it is what is wrong.",
    )


def _secure(found: Found) -> _Advice:
    if found.tool in ("pip-audit", "npm", "safety"):
        words = (
            f"Raise `{found.symbol}` to a version without it."
            if found.symbol
            else "Raise the dependency to a version without it."
        )
        return _Advice(Severity.HIGH, words, Strategy.UPDATE_DEPENDENCIES, found.fixable)
    severity = Severity.LOW if _MINOR.match(found.code) else Severity.HIGH
    return _Advice(
        severity, f"Replace it by a safe way{_at(found)}; silence it only with the reason beside it."
    )


def _build(found: Found) -> _Advice:
    if found.code in ("no-matching-distribution", "resolution-impossible", "ERESOLVE", "E404", "ETARGET"):
        name = f" of `{found.symbol}`" if found.symbol else ""
        return _Advice(
            Severity.HIGH,
            f"Correct the name or the versions{name} that are asked for.",
            Strategy.UPDATE_DEPENDENCIES,
            found.code in ("resolution-impossible", "ETARGET"),
        )
    if found.code == "undefined reference":
        return _Advice(Severity.HIGH, f"Define `{found.symbol}`, or link what defines it.")
    if found.code == "no-rule":
        return _Advice(Severity.HIGH, f"Add a rule for `{found.symbol}`, or correct its name.")
    if found.code == "missing-script":
        return _Advice(Severity.HIGH, "Add the script to package.json, or run one that is there.")
    if found.code == "externally-managed-environment":
        return _Advice(Severity.HIGH, "Use a virtual environment.")
    if found.tool == "pip" and "does not appear to be a Python project" in found.message:
        return _Advice(Severity.HIGH, "Run it where pyproject.toml or setup.py lies.")
    return _Advice(Severity.HIGH, f"Correct what the build names{_at(found)}.")


def _runtime(found: Found) -> _Advice:
    if found.code in ("KeyboardInterrupt", "SIGINT", "SIGTERM"):
        return _Advice(Severity.LOW, "Somebody stopped it: run it again.")
    if found.code in ("SIGKILL", "out of memory", "MemoryError"):
        return _Advice(Severity.CRITICAL, "Give it more memory, or less to do at once.")
    if found.code.startswith("SIG"):
        return _Advice(
            Severity.CRITICAL, f"Find what crashes{_at(found)}: a debugger or a sanitiser shows it."
        )
    return _Advice(Severity.HIGH, f"Handle or prevent what was raised{_at(found)}.")


def _timeout(found: Found) -> _Advice:
    what = f"`{found.symbol}`" if "::" in found.symbol else "it"
    return _Advice(Severity.HIGH, f"Find what {what} waits for{_at(found)}, or give it more time.")


def _unknown(found: Found) -> _Advice:
    return _Advice(Severity.MEDIUM, "Read the output: what kind of failure this is could not be told.")


def _at(found: Found) -> str:
    if not found.path:
        return ""
    return f" in {found.path}" + (f" line {found.line}" if found.line else "")


def _plain(text: str) -> str:
    return visible(text.strip().replace("\n", " "), keep="")[:MAX_MESSAGE]


_ADVISERS = {
    FailureType.SYNTAX_ERROR: _syntax,
    FailureType.IMPORT_ERROR: _imports,
    FailureType.TEST_FAILURE: _tests,
    FailureType.LINT_ERROR: _lint,
    FailureType.TYPE_ERROR: _types,
    FailureType.SECURITY_VULNERABILITY: _secure,
    FailureType.BUILD_FAILURE: _build,
    FailureType.RUNTIME_ERROR: _runtime,
    FailureType.TIMEOUT: _timeout,
    None: _unknown,
}
