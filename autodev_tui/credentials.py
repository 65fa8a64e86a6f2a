"""Keys of model services: from the environment, else from a file of the user's own beside their settings.

They never come from a repository, and never enter state, logs, prompts or the environment of a command.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodev_tui.paths import config_dir
from autodev_tui.settings_files import SettingsError, parse, read_file

FILE = "credentials.toml"
VARIABLES = {"anthropic": "ANTHROPIC_API_KEY"}
"""The variable of each provider's key; where it is set it wins over the file."""


def key_of(provider: str, environment: Mapping[str, str]) -> str:
    """The key of a provider, "" without one. Sync: may read the file.

    Raises:
        SettingsError: the file is not valid, or others can read it.
    """
    return environment.get(VARIABLES[provider], "").strip() or stored_keys(environment).get(provider, "")


def source_of(provider: str, environment: Mapping[str, str]) -> str:
    """Where a provider's key comes from: `environment`, `credentials.toml`, or "" without one."""
    if environment.get(VARIABLES[provider], "").strip():
        return "environment"
    return FILE if provider in stored_keys(environment) else ""


def stored_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys in the file by provider. Raises SettingsError, see `key_of`."""
    path = config_dir(environment) / FILE
    data = read_file(path)
    if data is None:
        return {}
    status = path.stat()
    if status.st_mode & 0o077 or status.st_uid != os.geteuid():
        raise SettingsError(f"{path}: others can read it · chmod 600 it, and make a new key")
    found: dict[str, str] = {}
    for provider, table in parse(data, str(path)).items():
        key: Any = table.get("key") if isinstance(table, dict) else None
        if provider not in VARIABLES or not isinstance(key, str):
            raise SettingsError(f'{path}: {provider}: write [anthropic] and below it key = "…"')
        if key.strip():
            found[provider] = key.strip()
    return found


def store_key(provider: str, key: str, environment: Mapping[str, str]) -> Path:
    """Keep a key, or forget it when it is empty; the file. Sync; all or nothing, the user's alone (0600).

    Raises:
        ValueError: it holds characters that no key has.
        OSError: the file cannot be written.
    """
    key = key.strip()
    if not sound(key):
        raise ValueError("it holds characters that no key has: copy it again")
    try:
        keys = stored_keys(environment)
    except SettingsError:
        keys = {}
    keys = {name: value for name, value in {**keys, provider: key}.items() if value}
    text = "".join(f'[{name}]\nkey = "{value}"\n' for name, value in sorted(keys.items()))
    path = config_dir(environment) / FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), stat.S_IRUSR | stat.S_IWUSR)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return path


def sound(key: str) -> bool:
    """Whether a key has only characters that can be sent, and stand in the file as they are."""
    return key.isascii() and key.isprintable() and not set(key) & set(' "\\') if key else True
