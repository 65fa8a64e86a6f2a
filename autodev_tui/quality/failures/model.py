"""What failed, in terms that a person can act on and a healing strategy can be chosen by (S35)."""

from __future__ import annotations

from enum import StrEnum

from autodev_tui.domain.base import Frozen


class FailureType(StrEnum):
    """The nine kinds of failure that are told apart; what is none of them is said to be unknown (None)."""

    SYNTAX_ERROR = "syntax_error"
    IMPORT_ERROR = "import_error"
    TEST_FAILURE = "test_failure"
    LINT_ERROR = "lint_error"
    TYPE_ERROR = "type_error"
    SECURITY_VULNERABILITY = "security_vulnerability"
    BUILD_FAILURE = "build_failure"
    RUNTIME_ERROR = "runtime_error"
    TIMEOUT = "timeout"


class Severity(StrEnum):
    """How much of the work a failure stops: low is style, critical stops everything or brings harm near."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Strategy(StrEnum):
    """The four ways of healing without a model (S36)."""

    AUTO_FORMAT = "auto_format"
    FIX_IMPORTS = "fix_imports"
    UPDATE_DEPENDENCIES = "update_dependencies"
    FIX_TESTS = "fix_tests"


class Failure(Frozen):
    """One thing that failed, as one tool told it. All text is data of foreign programs: never markup."""

    type: FailureType | None
    """None: something failed, and what kind of failure it is cannot be said."""
    severity: Severity
    message: str
    path: str | None = None
    """As the tool printed it: relative to where the command ran, or absolute."""
    line: int | None = None
    tool: str = ""
    """pytest, unittest, python, ruff, flake8, mypy, bandit, pip, build, make, gcc, node, npm, cargo …"""
    code: str = ""
    """The tool's own name for the finding: F401, arg-type, ModuleNotFoundError, E0308 …"""
    symbol: str = ""
    """The module, name or test that it is about; a test by its id."""
    suggestion: str = ""
    """One plain sentence: what to do."""
    fixable: bool = False
    """A tool or a healing strategy can probably mend it without a model."""
    strategy: Strategy | None = None

    def within(self, directory: str) -> Failure:
        """The same failure with its path relative to `directory`, if it lies there."""
        path = (self.path or "").removeprefix(f"{directory.rstrip('/')}/").removeprefix("./")
        return self if path == (self.path or "") else self.but(path=path)

    @property
    def place(self) -> str:
        """`path:line`, `path`, or nothing."""
        return f"{self.path}:{self.line}" if self.path and self.line else self.path or ""
