"""Where things are: the user's state and configuration, and the secret that only the user's commands know.

`AUTODEV_STATE_DIR` and `AUTODEV_CONFIG_DIR` move them; nothing of it is ever taken from a repository.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

import platformdirs

NAME = "autodev"
SECRET_FILE = "client-secret"
SECRET_BYTES = 32
_REPOSITORY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def state_root(env: Mapping[str, str]) -> Path:
    """The directory of all state, of every repository. It need not exist yet."""
    given = env.get("AUTODEV_STATE_DIR")
    return _absolute(given) if given else platformdirs.user_state_path(NAME, appauthor=False)


def config_dir(env: Mapping[str, str]) -> Path:
    """The directory of the user's `config.toml` and of the client secret. It need not exist yet."""
    given = env.get("AUTODEV_CONFIG_DIR")
    return _absolute(given) if given else platformdirs.user_config_path(NAME, appauthor=False)


def repository_state(env: Mapping[str, str], repository_id: str) -> Path:
    """The state directory of one repository.

    Raises:
        ValueError: the id is no plain name, so it could lead elsewhere.
    """
    if not _REPOSITORY_ID.fullmatch(repository_id):
        raise ValueError(f"{repository_id!r} is no repository id")
    return state_root(env) / "repositories" / repository_id


def client_secret(env: Mapping[str, str]) -> bytes:
    """The 32 random bytes that sign the user's decisions, made on first use. Sync.

    The file is the user's alone (0600) and no sandbox sees it.

    Raises:
        OSError: it cannot be made or read, or others can read it, so that it is no secret any more.
    """
    directory = config_dir(env)
    path = directory / SECRET_FILE
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    return _read(path)


def _create(path: Path) -> None:
    """Linked into place when complete: whoever comes first wins, and nobody reads half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise OSError(errno.EPERM, "the client secret is not a file of yours · delete it", str(path))
        if status.st_mode & 0o077:
            raise OSError(errno.EPERM, "others can read the client secret · delete it", str(path))
        secret = file.read(SECRET_BYTES + 1)
    if len(secret) != SECRET_BYTES:
        raise OSError(errno.EIO, "the client secret is damaged · delete it", str(path))
    return secret


def _absolute(given: str) -> Path:
    return Path(given).expanduser().absolute()
