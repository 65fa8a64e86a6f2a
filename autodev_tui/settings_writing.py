"""Changing one key of the user's `config.toml`, with every other line of it, comments too, left alone."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodev_tui.paths import config_dir
from autodev_tui.settings import CONFIG_FILE, Settings, check_option, file_layer
from autodev_tui.settings_files import SettingsError, decode, parse, read_file

TABLES = ("environment", "limits", "budgets", "keys", "flags")
"""Tables whose keys are options of their own; what follows the first dot of a name is the key."""
_writing = threading.Lock()


def place_of(name: str) -> tuple[str, ...]:
    """Where an option such as `theme`, `limits.context_tokens` or `keys.review.accept` stands in the file."""
    table, dot, key = name.partition(".")
    return (table, key) if dot and table in TABLES else (name,)


def write_option(environment: Mapping[str, str], name: str, value: Any) -> None:
    """Set an option in the user's file, or with None take it out. Sync; durable when it returns.

    Raises:
        SettingsError: there is no such option, the value does not fit it, or the file is not valid as it is.
        OSError: the file cannot be written.
    """
    import tomlkit

    place = place_of(name)
    if value is not None:
        check_option(place, value)
    elif place[0] not in Settings.model_fields:
        check_option(place, "")
    path = config_dir(environment) / CONFIG_FILE
    with _writing:
        data = read_file(path) or b""
        parse(data, str(path))
        document = tomlkit.parse(decode(data, str(path)))
        _put(document, place, value, path)
        text = tomlkit.dumps(document)
        file_layer(text.encode(), str(path))
        _replace(path, text.encode())


def _put(document: Any, place: tuple[str, ...], value: Any, path: Path) -> None:
    import tomlkit

    table = document
    for key in place[:-1]:
        if key not in table:
            if value is None:
                return
            table[key] = tomlkit.table()
        table = table[key]
        if not isinstance(table, Mapping):
            raise SettingsError(f"{path}: {key} is no table")
    if value is None:
        table.pop(place[-1], None)
    else:
        table[place[-1]] = value


def _replace(path: Path, data: bytes) -> None:
    """All or nothing, with the mode that the file had; a link to the file stays a link."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    descriptor, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
