"""Commands around the work: sessions in the list, trust, keys, settings, the user's own shell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from autodev_tui.domain import commands
from autodev_tui.engine.handling.configuring import set_key, set_option, trust_files
from autodev_tui.engine.handling.sessions import archive_session, delete_session, rename_session
from autodev_tui.engine.handling.shell import run_shell

AROUND: dict[type[Any], Callable[[Any, Any], Awaitable[None]]] = {
    commands.RenameSession: rename_session,
    commands.ArchiveSession: archive_session,
    commands.DeleteSession: delete_session,
    commands.TrustFiles: trust_files,
    commands.SetKey: set_key,
    commands.SetOption: set_option,
    commands.RunShell: run_shell,
}
