"""Errors of the command line: what, where and what to do on stderr, an exit code, a JSON document."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from autodev_tui.domain.text import visible

LONGEST_GOAL = 100_000
"""Characters; what is longer belongs into a file."""


class Failure(Exception):
    """Something the user has to know, with the exit code it leads to."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@contextlib.contextmanager
def guarded(as_json: bool, *, session: bool = False) -> Iterator[None]:
    """Turn every known error into its message and exit code; `--json` prints a document even then."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except click.ClickException:
        raise
    except KeyboardInterrupt:
        _fail("interrupted", 130, as_json, session)
    except Exception as error:
        message, code = explain(error)
        _fail(message, code, as_json, session)


def explain(error: Exception) -> tuple[str, int]:
    """The message for an error and its exit code; raises it again when it is none we know."""
    from autodev_tui.engine.broker import DecisionRefused
    from autodev_tui.headless import BudgetUnknowable, NotAllowed
    from autodev_tui.providers.base import ProviderError
    from autodev_tui.settings import SettingsError
    from autodev_tui.vcs.errors import RepositoryError
    from autodev_tui.vcs.git import GitError
    from store.errors import StoreError

    match error:
        case Failure(code=code):
            return str(error), code
        case (
            RepositoryError()
            | SettingsError()
            | LookupError()
            | DecisionRefused()
            | NotAllowed()
            | BudgetUnknowable()
        ):
            text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
            return text, 2
        case ProviderError(kind="config" | "auth"):
            return str(error), 2
        case ProviderError() | GitError():
            return str(error), 1
        case StoreError():
            return str(error), 5
        case OSError():
            return f"{error.strerror or error} · {error.filename or ''}", 5
    raise error


def _fail(message: str, code: int, as_json: bool, session: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"error": message, "code": code}
        if session:
            from autodev_tui.engine.queries import session_view

            document = session_view_of_nothing(session_view) | document
        print(json.dumps(document, indent=2, ensure_ascii=True))
    print(f"autodev: {visible(message)}", file=sys.stderr)
    raise click.exceptions.Exit(code)


def session_view_of_nothing(view: Any) -> dict[str, Any]:
    """The status document of no session, so that a script finds the same keys on an error."""
    return dict(view(None, None))
