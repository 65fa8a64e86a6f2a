"""Errors of the command line: what, where and what to do on stderr, an exit code, a JSON document."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from autodev_tui.domain.text import visible

if TYPE_CHECKING:
    from store.errors import StoreLocked

LONGEST_GOAL = 100_000
"""Characters; what is longer belongs into a file."""


class Failure(Exception):
    """Something the user has to know, with the exit code it leads to."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


SESSION_VERBS = ("run", "resume", "land", "status", "show")
"""Verbs whose document is that of a session."""


@contextlib.contextmanager
def guarded(as_json: bool) -> Iterator[None]:
    """Turn every error into its message and exit code; `--json` prints the verb's document even then."""
    try:
        yield
    except (click.exceptions.Exit, click.ClickException, BrokenPipeError):
        raise
    except (KeyboardInterrupt, click.Abort):
        _fail("interrupted", 130, as_json)
    except Exception as error:
        message, code = explain(error)
        _fail(message, code, as_json)


def json_asked(args: Sequence[str]) -> bool:
    """Whether a command line asks for a document; looked at where the line itself cannot be parsed."""
    return "--json" in (args[: args.index("--")] if "--" in args else args)


def print_error_document(verb: str, message: str, code: int) -> None:
    """The document of `verb` that tells an error: its usual keys, so that a script finds them."""
    document: dict[str, Any] = {"error": message, "code": code}
    if verb in SESSION_VERBS:
        from autodev_tui.engine.queries import session_view

        document = session_view_of_nothing(session_view) | document
    elif verb == "plan":
        document = {"session": None, "goal": None, "tasks": []} | document
    print(json.dumps(document, indent=2, ensure_ascii=True))


def explain(error: Exception) -> tuple[str, int]:
    """The message for an error and its exit code."""
    from autodev_tui.engine.decisions import DecisionRefused
    from autodev_tui.headless import BudgetUnknowable, NotAllowed
    from autodev_tui.providers.base import ProviderError
    from autodev_tui.settings import SettingsError
    from autodev_tui.vcs.errors import RepositoryError
    from autodev_tui.vcs.git import GitError
    from prompts import PromptError
    from store.errors import StoreError, StoreLocked

    match error:
        case Failure(code=code):
            return str(error), code
        case (
            RepositoryError()
            | SettingsError()
            | PromptError()
            | LookupError()
            | DecisionRefused()
            | NotAllowed()
            | BudgetUnknowable()
        ):
            text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
            return text, 2
        case ProviderError(kind="config" | "auth" | "not_found"):
            # Before anything began, so what was given is wrong: no key, no such model.
            return str(error), 2
        case ProviderError() | GitError():
            return str(error), 1
        case StoreLocked():
            return _in_use(error), 5
        case StoreError():
            return str(error), 5
        case OSError():
            hint = "it has to be there and yours to write, on a disk with space left"
            where = f" · {os.fsdecode(error.filename)} · {hint}" if error.filename else ""
            return f"{error.strerror or error}{where}", 5
    return f"internal error: {type(error).__name__} · {_crash_report(error)} · please report it", 1


def _in_use(error: StoreLocked) -> str:
    """Who has the repository's state, and the ways on."""
    from autodev_tui.sandbox.processes import terminal_of

    holder = error.owner
    pid, session = int(holder.get("pid") or 0), str(holder.get("session") or "")
    terminal = terminal_of(pid) if holder.get("alive") else ""
    who = f"process {pid}{f' on {terminal}' if terminal else ''}"
    match holder.get("what"):
        case "workbench":
            return (
                f"the repository is in use by {who}, an open workbench · type it there, or leave it with"
                " ctrl+q and try again · autodev stop closes it from here, nothing is lost"
            )
        case "run":
            at_work = f", at work on {session}" if session else ""
            return (
                f"the repository is in use by {who}{at_work} · wait for it, autodev status tells how far it"
                " is · autodev stop ends it, nothing is lost"
            )
    return str(error)


def _fail(message: str, code: int, as_json: bool) -> None:
    if as_json:
        context = click.get_current_context(silent=True)
        verb = context.command.name if context else None
        print_error_document(verb or "", message, code)
    print(f"autodev: {visible(message)}", file=sys.stderr)
    raise click.exceptions.Exit(code)


def _crash_report(error: Exception) -> str:
    """Writes down where a defect showed itself, without secrets; the file, or the place in the code."""
    from autodev_tui import paths
    from autodev_tui.policy.secrets import Masker, secret_values

    text = "".join(traceback.format_exception(error))
    masked, _ = Masker(os.urandom(16), secret_values(os.environ)).mask(text)
    file = paths.state_root(os.environ) / "logs" / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as report:
            report.write(masked)
    except OSError:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"in {last.name}, {last.filename}:{last.lineno}"
    return str(file)


def session_view_of_nothing(view: Any) -> dict[str, Any]:
    """The status document of no session, so that a script finds the same keys on an error."""
    return dict(view(None, None))
